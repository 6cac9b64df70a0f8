// SPDX-License-Identifier: Apache-2.0
// Functions of two operands, element by element, that are formulas of several operators; and bits of integers.
#include <bit>
#include <numbers>

#include "torch/lower/formula.hpp"

namespace weighbridge::torch_plugin {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Term hypot(Term x, Term y) {
    const Term a = magnitude(x), c = magnitude(y);
    const Term large = apply(Op::maximum, a, c), small = apply(Op::minimum, a, c);
    // Scaled by the larger one, so that no square overflows.
    const Term scaled = large * root(squared(small / large) + 1.0);
    const Term finite = choose(large == 0.0, 0.0, scaled);
    return choose(either(a == kInfinity, c == kInfinity), kInfinity, finite);  // beside a NaN too
}

Term log_of_sum(Term x, Term y) {
    const Term sum = apply(Op::maximum, x, y) + log_one_plus_exp_of_minus(magnitude(x - y));
    return choose(both(x == y, magnitude(x) == kInfinity), x, sum);
}
Term log2_of_sum(Term x, Term y) {
    return choose(both(x == y, magnitude(x) == kInfinity), x,
                  log_of_sum(x * std::numbers::ln2, y * std::numbers::ln2) * std::numbers::log2e);
}

Term times_log1p(Term x, Term y) { return choose(both(x == 0.0, y == y), 0.0, x * apply(Op::log1p, y)); }

// A float in two parts of 12 bits or less, whose products are exact (T. J. Dekker, 1971).
struct Parts {
    Term high, low;
};
Parts parts_of(Term x) {
    const Term wide = x * 4097.0, high = wide - (wide - x);
    return {high, x - high};
}

// x modulo y, neither below 0, exact up to a quotient of 2^24: the quotient's product with y is taken in two floats.
Term modulus(Term x, Term y) {
    const Term quotient = apply(Op::floor, x / y), product = quotient * y;
    const Parts q = parts_of(quotient), p = parts_of(y);
    const Term error = q.low * p.low - (((product - q.high * p.high) - q.low * p.high) - q.high * p.low);
    const Term rest = (x - product) - error;
    // The division rounds, so that the quotient may be one too large or too small.
    const Term raised = choose(rest < 0.0, rest + y, rest);
    return choose(apply(Op::greater_equal, raised, y), raised - y, raised);
}
// Exact up to a quotient of 2^46, in two steps.
Term wide_modulus(Term x, Term y) {
    const Term scale = choose(y > 1e20, 0x1p-60, term(y, 1.0));  // no part of a product overflows
    const Term a = x * scale, c = y * scale, wide = c * 0x1p22;
    const Term rest = modulus(choose(a < wide, a, modulus(a, wide)), c) / scale;
    return choose(x < y, x, rest);  // of an infinite divisor too
}
Term fmod(Term x, Term y) {
    const Term rest = wide_modulus(magnitude(x), magnitude(y));
    return choose(x < 0.0, -rest, rest);
}
Term floored_modulus(Term x, Term y) {  // of the divisor's sign
    const Term rest = fmod(x, y);
    const Term other = apply(Op::not_equal, rest < 0.0, y < 0.0);
    return choose(both(apply(Op::not_equal, rest, term(x, 0.0)), other), rest + y, rest);
}

// Of what atan gives for the smaller by the larger.
Term atan2(Call &call, Term y, Term x) {
    const Term a = magnitude(y), c = magnitude(x);
    const Term large = apply(Op::maximum, a, c), small = apply(Op::minimum, a, c);
    Term ratio = choose(large == 0.0, 0.0, small / large);
    ratio = choose(both(a == kInfinity, c == kInfinity), 1.0, ratio);
    const Value made = lower_as(call, "aten::atan", {{"self", tensor_of(ratio.id)}});
    const Term first{&call.b, (*made.as<TensorPtr>())->id};
    const Term steep = choose(a > c, std::numbers::pi / 2 - first, first);
    const Term left = either(x < 0.0, both(x == 0.0, 1.0 / x < 0.0));
    const Term whole = choose(left, std::numbers::pi - steep, steep);
    return choose(either(y < 0.0, both(y == 0.0, 1.0 / y < 0.0)), -whole, whole);
}

Term heaviside(Term x, Term at_zero) {
    return choose(x == 0.0, at_zero, Term{x.b, x.b->cast((x > 0.0).id, DType::float32)});
}
Term copysign(Term x, Term y) {
    const Term size = magnitude(x);
    return choose(either(y < 0.0, both(y == 0.0, 1.0 / y < 0.0)), -size, size);
}
Term larger_number(Term x, Term y) { return choose(is_nan(x), y, choose(is_nan(y), x, apply(Op::maximum, x, y))); }
Term smaller_number(Term x, Term y) { return choose(is_nan(x), y, choose(is_nan(y), x, apply(Op::minimum, x, y))); }
Term scaled_by_power(Term x, Term y) { return x * apply(Op::pow, 2.0, y); }

Value arc_tangent(Call &call) {
    const Pair pair = pair_of(call, call.tensor("self"), call.tensor("other"), true);
    return tensor_of(atan2(call, {&call.b, pair.a}, {&call.b, pair.b}).id, pair.merged);
}

// Of integers by signs, of floats as C's fmod.
template <bool floored>
Value modulo(Call &call) {
    Builder &b = call.b;
    const Pair pair = pair_of(call, call.tensor("self"), call.tensor("other"));
    const Term x{&b, pair.a}, y{&b, pair.b};
    if (b.dtype(pair.a) == DType::boolean) throw Unsupported{"a remainder of bools"};
    if (b.dtype(pair.a) == DType::float32)
        return tensor_of((floored ? floored_modulus(x, y) : fmod(x, y)).id, pair.merged);
    if (floored) return tensor_of(b.binary(Op::remainder, pair.a, pair.b), pair.merged);
    const Term rest = apply(Op::remainder, magnitude(x), magnitude(y));
    return tensor_of(apply(Op::mul, rest, apply(Op::sign, x)).id, pair.merged);
}

Value is_close(Call &call) {
    const Pair pair = pair_of(call, call.tensor("self"), call.tensor("other"), true);
    const Term x{&call.b, pair.a}, y{&call.b, pair.b};
    const Term gap = magnitude(x - y);
    const Term allowed = magnitude(y) * call.real("rtol", 1e-5) + call.real("atol", 1e-8);
    Term close = either(x == y, both(gap < kInfinity, apply(Op::less_equal, gap, allowed)));
    if (call.flag("equal_nan")) close = either(close, both(is_nan(x), is_nan(y)));
    return tensor_of(close.id, pair.merged);
}

// x & mask of a constant mask: its runs of ones, each taken by a quotient and a remainder, which are those of two's
// complement for negative x too.
ValueId masked_bits(Builder &b, ValueId x, int64_t mask) {
    if (mask < 0) return b.binary(Op::sub, x, masked_bits(b, x, ~mask));
    auto number = [&](int64_t value) { return b.full_int(Extent::of(value), {}); };
    ValueId sum = b.binary(Op::mul, x, number(0));
    auto rest = static_cast<uint64_t>(mask);
    while (rest != 0) {
        const int from = std::countr_zero(rest), count = std::countr_one(rest >> from);
        if (from + count > 62) throw Unsupported{"bits of integers above the 62nd"};
        const ValueId shifted = b.binary(Op::floor_divide, x, number(int64_t{1} << from));
        const ValueId run = b.binary(Op::remainder, shifted, number(int64_t{1} << count));
        sum = b.binary(Op::add, sum, b.binary(Op::mul, run, number(int64_t{1} << from)));
        rest &= ~(((uint64_t{1} << count) - 1) << from);
    }
    return sum;
}

// Bools as such; integers with a constant: a | c = a + c - (a & c), a ^ c = a + c - 2 (a & c).
template <Op op>
Value bits(Call &call) {
    Builder &b = call.b;
    const TensorPtr x = call.tensor("self"), y = call.tensor("other");
    const Pair pair = pair_of(call, x, y);
    if (b.dtype(pair.a) == DType::boolean) return tensor_of(b.binary(op, pair.a, pair.b), pair.merged);
    if (b.dtype(pair.a) != DType::int64) throw Unsupported{"bits of floats"};
    const bool second = b.known(pair.b).uniform && b.known(pair.b).least.known();
    const ValueId constant = second ? pair.b : pair.a, data = second ? pair.a : pair.b;
    if (!b.known(constant).uniform || !b.known(constant).least.known())
        throw Unsupported{"bits of integers that no constant names; write them with // and %"};
    const int64_t mask = b.known(constant).least.terms[0];
    const ValueId common = masked_bits(b, data, mask);
    if (op == Op::logical_and) return tensor_of(common, pair.merged);
    const ValueId twice = op == Op::logical_xor ? b.binary(Op::add, common, common) : common;
    return tensor_of(b.binary(Op::sub, b.binary(Op::add, data, constant), twice), pair.merged);
}

// By a constant number of places.
template <Op op>
Value shift(Call &call) {
    Builder &b = call.b;
    const Pair pair = pair_of(call, call.tensor("self"), call.tensor("other"));
    if (b.dtype(pair.a) != DType::int64) throw Unsupported{"shifts what is no integer"};
    const Known by = b.known(pair.b);
    if (!by.uniform || !by.least.known() || by.least.terms[0] < 0 || by.least.terms[0] > 62)
        throw Unsupported{"shifts by places that no constant names, or by more than 62; write a product or //"};
    return tensor_of(b.binary(op, pair.a, b.full_int(Extent::of(int64_t{1} << by.least.terms[0]), {})), pair.merged);
}

}  // namespace

void add_functions_of_two(Registry &to) {
    const Entry entries[] = {
        {"aten::hypot", "self other", &formula_of<hypot>},
        {"aten::xlogy", "self other", &formula_of<times_log>},
        {"aten::special_xlogy", "self other", &formula_of<times_log>},
        {"aten::special_xlog1py", "self other", &formula_of<times_log1p>},
        {"aten::logaddexp", "self other", &formula_of<log_of_sum>},
        {"aten::logaddexp2", "self other", &formula_of<log2_of_sum>},
        {"aten::copysign", "self other", &formula_of<copysign>},
        {"aten::fmax", "self other", &formula_of<larger_number>},
        {"aten::fmin", "self other", &formula_of<smaller_number>},
        {"aten::ldexp", "self other x= i=", &formula_of<scaled_by_power>},
        {"aten::heaviside", "self values",
         [](Call &call) {
             const Pair pair = pair_of(call, call.tensor("self"), call.tensor("values"), true);
             return Value(tensor_of(heaviside({&call.b, pair.a}, {&call.b, pair.b}).id, pair.merged));
         }},
        {"aten::atan2", "self other", &arc_tangent},
        {"aten::arctan2", "self other", &arc_tangent},
        {"aten::fmod", "self other", &modulo<false>},
        {"aten::remainder", "self other", &modulo<true>},
        {"aten::isclose", "self other rtol atol equal_nan", &is_close},
        {"aten::__and__", "self other", &bits<Op::logical_and>},
        {"aten::__or__", "self other", &bits<Op::logical_or>},
        {"aten::__xor__", "self other", &bits<Op::logical_xor>},
        {"aten::bitwise_and", "self other", &bits<Op::logical_and>},
        {"aten::bitwise_or", "self other", &bits<Op::logical_or>},
        {"aten::bitwise_xor", "self other", &bits<Op::logical_xor>},
        {"aten::bitwise_left_shift", "self other", &shift<Op::mul>},
        {"aten::bitwise_right_shift", "self other", &shift<Op::floor_divide>},
        {"aten::__lshift__", "self other", &shift<Op::mul>},
        {"aten::__rshift__", "self other", &shift<Op::floor_divide>},
    };
    add(to, entries);
}

}  // namespace weighbridge::torch_plugin

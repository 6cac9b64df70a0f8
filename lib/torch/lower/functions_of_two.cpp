// SPDX-License-Identifier: Apache-2.0
// Functions of two operands, element by element, that are formulas of several operators; and bits of integers.
#include <array>
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
    if (is_real(b.dtype(pair.a))) return tensor_of((floored ? floored_modulus(x, y) : fmod(x, y)).id, pair.merged);
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
        const ValueId shifted = b.binary(Op::floor_divide, x, number(int64_t{1} << from));
        const ValueId run = b.binary(Op::remainder, shifted, number(int64_t{1} << count));
        sum = b.binary(Op::add, sum, b.binary(Op::mul, run, number(int64_t{1} << from)));
        rest &= ~(((uint64_t{1} << count) - 1) << from);
    }
    return sum;
}

// 1, 2, 4, ... along a last axis: the bits of an int64 but that of its sign.
ValueId powers_of_two(Builder &b) {
    std::array<int64_t, 63> powers{};
    for (size_t i = 0; i < powers.size(); ++i) powers[i] = int64_t{1} << i;
    return b.constant(DType::int64, {static_cast<int64_t>(powers.size())}, powers.data());
}

// x & y, bit by bit.
ValueId common_bits(Builder &b, ValueId x, ValueId y) {
    const ValueId powers = powers_of_two(b), two = b.full_int(Extent::of(2), {});
    const auto bits = [&](ValueId of) {
        return b.binary(Op::remainder, b.binary(Op::floor_divide, b.unsqueeze(of, b.rank(of)), powers), two);
    };
    const ValueId common = b.binary(Op::mul, b.binary(Op::mul, bits(x), bits(y)), powers);
    const ValueId sum = b.reduce(Op::reduce_sum, common, b.rank(common) - 1, false);
    const ValueId zero = b.full_int(Extent::of(0), {});
    const ValueId signs = b.binary(Op::logical_and, b.binary(Op::less, x, zero), b.binary(Op::less, y, zero));
    const ValueId least = b.full_int(Extent::of(std::numeric_limits<int64_t>::min()), {});
    return b.binary(Op::add, sum, b.binary(Op::mul, b.cast(signs, DType::int64), least));
}

// Bools as such. Of integers a | c = a + c - (a & c), a ^ c = a + c - 2 (a & c).
template <Op op>
Value bits(Call &call) {
    Builder &b = call.b;
    const TensorPtr x = call.tensor("self"), y = call.tensor("other");
    const Pair pair = pair_of(call, x, y);
    if (b.dtype(pair.a) == DType::boolean) return tensor_of(b.binary(op, pair.a, pair.b), pair.merged);
    if (b.dtype(pair.a) != DType::int64) throw Unsupported{"bits of floats"};
    // A constant of bits up to the 62nd, or of all but such.
    const auto is_mask = [&](ValueId id) {
        const Known known = b.known(id);
        if (!known.uniform || !known.least.known()) return false;
        const int64_t value = known.least.terms[0];
        return std::max(value, ~value) < int64_t{1} << 62;
    };
    const ValueId mask = is_mask(pair.b) ? pair.b : pair.a, data = mask == pair.b ? pair.a : pair.b;
    const ValueId common =
        is_mask(mask) ? masked_bits(b, data, b.known(mask).least.terms[0]) : common_bits(b, mask, data);
    if (op == Op::logical_and) return tensor_of(common, pair.merged);
    const ValueId twice = op == Op::logical_xor ? b.binary(Op::add, common, common) : common;
    return tensor_of(b.binary(Op::sub, b.binary(Op::add, data, mask), twice), pair.merged);
}

// 2 to the power of x of 0 to 62; 0 of others.
ValueId power_of_two(Builder &b, ValueId x) {
    const Known known = b.known(x);
    const bool plain = known.uniform && known.least.known() && known.least.terms[0] >= 0 && known.least.terms[0] < 63;
    if (plain) return b.full_int(Extent::of(int64_t{1} << known.least.terms[0]), {});
    const ValueId own = b.binary(Op::equal, b.unsqueeze(x, b.rank(x)), b.iota(Extent::of(63)));
    const ValueId one = b.binary(Op::mul, b.cast(own, DType::int64), powers_of_two(b));
    return b.reduce(Op::reduce_sum, one, b.rank(one) - 1, false);
}

// A product or a quotient. By 63 places LibTorch leaves the last bit, or the sign; by fewer than 0 and by more 0, or
// the sign.
template <bool left>
Value shift(Call &call) {
    Builder &b = call.b;
    const Pair pair = pair_of(call, call.tensor("self"), call.tensor("other"));
    if (b.dtype(pair.a) != DType::int64) throw Unsupported{"shifts what is no integer"};
    const ValueId power = power_of_two(b, pair.b), zero = b.full_int(Extent::of(0), {});
    const Known known = b.known(power);
    if (known.uniform && known.least.known() && known.least.terms[0] > 0)
        return tensor_of(b.binary(left ? Op::mul : Op::floor_divide, pair.a, power), pair.merged);
    if (left) {
        const ValueId last = b.cast(b.binary(Op::equal, pair.b, b.full_int(Extent::of(63), {})), DType::int64);
        const ValueId least = b.full_int(Extent::of(std::numeric_limits<int64_t>::min()), {});
        return tensor_of(b.binary(Op::mul, pair.a, b.binary(Op::add, power, b.binary(Op::mul, last, least))),
                         pair.merged);
    }
    const ValueId sign = b.binary(Op::minimum, b.unary(Op::sign, pair.a), zero);
    const ValueId divisor = b.binary(Op::maximum, power, b.full_int(Extent::of(1), {}));
    const ValueId quotient = b.binary(Op::floor_divide, pair.a, divisor);
    return tensor_of(b.where(b.binary(Op::equal, power, zero), sign, quotient), pair.merged);
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
        {"aten::bitwise_left_shift", "self other", &shift<true>},
        {"aten::bitwise_right_shift", "self other", &shift<false>},
        {"aten::__lshift__", "self other", &shift<true>},
        {"aten::__rshift__", "self other", &shift<false>},
    };
    add(to, entries);
}

}  // namespace weighbridge::torch_plugin

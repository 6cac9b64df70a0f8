// SPDX-License-Identifier: Apache-2.0
// Remainders and whole quotients of floats and doubles.
#include "torch/lower/formula.hpp"

namespace weighbridge::torch_plugin {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A number in two parts of half its bits, whose products are exact (T. J. Dekker, 1971).
struct Halves {
    Term high, low;
};
Halves halves_of(Term x) {
    const double factor = x.b->dtype(x.id) == DType::float64 ? 0x1p27 + 1 : 0x1p12 + 1;
    const Term wide = x * factor, high = wide - (wide - x);
    return {high, x - high};
}

// x modulo y, neither below 0, exact up to a quotient of 2^24: the quotient's product with y is taken in two parts.
Term modulus(Term x, Term y) {
    const Term quotient = apply(Op::floor, x / y), product = quotient * y;
    const Halves q = halves_of(quotient), p = halves_of(y);
    const Term error = q.low * p.low - (((product - q.high * p.high) - q.low * p.high) - q.high * p.low);
    const Term rest = (x - product) - error;
    // The division rounds, so that the quotient may be one too large or too small.
    const Term raised = choose(rest < 0.0, rest + y, rest);
    return choose(apply(Op::greater_equal, raised, y), raised - y, raised);
}
// Exact up to a quotient of 2^46, in two steps; beyond it is in its range, no more.
Term wide_modulus(Term x, Term y) {
    const Term one{y.b, y.b->full(1, {}, y.b->dtype(y.id))};
    const Term scale = choose(y > 1e20, 0x1p-60, one);  // no part of a product overflows
    const Term a = x * scale, c = y * scale, wide = c * 0x1p22;
    const Term found = modulus(choose(a < wide, a, modulus(a, wide)), c) / scale;
    const Term rest = choose(either(found < 0.0, apply(Op::greater_equal, found, y)), found * 0.0, found);
    return choose(x < y, x, rest);  // of an infinite divisor too
}

}  // namespace

Term fmod(Term x, Term y) {
    const Term rest = wide_modulus(magnitude(x), magnitude(y));
    return choose(x < 0.0, -rest, rest);
}

Term floored_modulus(Term x, Term y) {
    const Term rest = fmod(x, y);
    const Term other = apply(Op::not_equal, rest < 0.0, y < 0.0);
    return choose(both(apply(Op::not_equal, rest, 0.0), other), rest + y, rest);
}

// c10::div_floor_floating: 1 // 0.1 is 9, as 0.1 is a little more than a tenth.
Term floored_quotient(Term x, Term y) {
    const Term ratio = x / y, rest = fmod(x, y);
    const Term other = both(apply(Op::not_equal, rest, 0.0), apply(Op::not_equal, rest < 0.0, y < 0.0));
    const Term whole = (x - rest) / y, quotient = choose(other, whole - 1.0, whole);
    const Term floor = apply(Op::floor, quotient);
    const Term near = choose(quotient - floor > 0.5, floor + 1.0, floor);
    const Term found = choose(quotient == 0.0, ratio * 0.0, near);  // of the ratio's sign
    // What overflows is infinite; of an infinite number there is no rest.
    const Term finite = choose(magnitude(ratio) == kInfinity, ratio, found);
    const Term defined = choose(magnitude(x) == kInfinity, std::numeric_limits<double>::quiet_NaN(), finite);
    return choose(y == 0.0, ratio, defined);
}

}  // namespace weighbridge::torch_plugin

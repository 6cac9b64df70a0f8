// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <limits>
#include <type_traits>

#include "torch/lower/call.hpp"

// Formulas of several operators, written as books write them.
namespace weighbridge::torch_plugin {

// A value of the graph: float32, or a bool that a comparison made. Plain numbers beside one become float32 of rank 0.
struct Term {
    Builder *b;
    ValueId id;
};

inline Term term(const Term &like, double value) { return {like.b, like.b->full(value, {})}; }
inline Term apply(Op op, Term x) { return {x.b, x.b->unary(op, x.id)}; }
inline Term apply(Op op, Term x, Term y) { return {x.b, x.b->binary(op, x.id, y.id)}; }
inline Term apply(Op op, Term x, double y) { return apply(op, x, term(x, y)); }
inline Term apply(Op op, double x, Term y) { return apply(op, term(y, x), y); }

template <class X, class Y>
concept Terms = std::is_same_v<X, Term> || std::is_same_v<Y, Term>;

inline Term operator-(Term x) { return apply(Op::neg, x); }
template <class X, class Y>
requires Terms<X, Y> Term operator+(X x, Y y) { return apply(Op::add, x, y); }
template <class X, class Y>
requires Terms<X, Y> Term operator-(X x, Y y) { return apply(Op::sub, x, y); }
template <class X, class Y>
requires Terms<X, Y> Term operator*(X x, Y y) { return apply(Op::mul, x, y); }
template <class X, class Y>
requires Terms<X, Y> Term operator/(X x, Y y) { return apply(Op::div, x, y); }
template <class Y>
Term operator<(Term x, Y y) {
    return apply(Op::less, x, y);
}
template <class Y>
Term operator>(Term x, Y y) {
    return apply(Op::greater, x, y);
}
template <class Y>
Term operator==(Term x, Y y) {
    return apply(Op::equal, x, y);
}

inline Term both(Term x, Term y) { return apply(Op::logical_and, x, y); }
inline Term either(Term x, Term y) { return apply(Op::logical_or, x, y); }
inline Term is_nan(Term x) { return apply(Op::not_equal, x, x); }
inline Term choose(Term condition, Term x, Term y) { return {x.b, x.b->where(condition.id, x.id, y.id)}; }
inline Term choose(Term condition, double x, Term y) { return choose(condition, term(y, x), y); }
inline Term choose(Term condition, Term x, double y) { return choose(condition, x, term(x, y)); }
inline Term at_least(Term x, double least) {
    return {x.b, x.b->clamp(x.id, least, std::numeric_limits<double>::infinity())};
}
inline Term exponential(Term x) { return apply(Op::exp, x); }
inline Term logarithm(Term x) { return apply(Op::log, x); }
inline Term magnitude(Term x) { return apply(Op::abs, x); }
inline Term root(Term x) { return apply(Op::sqrt, x); }
inline Term squared(Term x) { return apply(Op::square, x); }

// The operator of one operand, element by element; `make` is given its value, a real one where `floating`. What
// is merged stays merged.
template <class Make>
Value elementwise(Call &call, Make make, bool floating = true) {
    const TensorPtr x = call.tensor(call.find("self") ? "self" : "x");
    ValueId id = apart(call.b, *x);
    if (floating && !is_real(call.b.dtype(id))) id = call.b.cast(id, DType::float32);
    return tensor_of(make(call, id), x->merged);
}

using OfOne = Term (*)(Term);
template <OfOne formula>
Value formula_of(Call &call) {
    return elementwise(call, [](Call &c, ValueId x) { return formula({&c.b, x}).id; });
}

// The operator of `self` and `other`, element by element, both float32.
using OfTwo = Term (*)(Term, Term);
template <OfTwo formula>
Value formula_of(Call &call) {
    const Pair pair = pair_of(call, call.tensor("self"), call.tensor("other"), true);
    return tensor_of(formula({&call.b, pair.a}, {&call.b, pair.b}).id, pair.merged);
}

Term log_one_plus_exp_of_minus(Term x);  // log(1 + exp(-x)) of x >= 0
Term log_of_sigmoid(Term x);
Term times_log(Term x, Term y);                                       // x log y, 0 where x is 0
Term log_scaled_erfc(Term x);                                         // log(erfc(x) exp(x^2)) of x >= 0
Term fmod(Term x, Term y);                                            // as C's
Term floored_modulus(Term x, Term y);                                 // of the divisor's sign
Term floored_quotient(Term x, Term y);                                // Python's //
Term polynomial(Term x, std::initializer_list<double> coefficients);  // the highest power's first

}  // namespace weighbridge::torch_plugin

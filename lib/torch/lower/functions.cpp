// SPDX-License-Identifier: Apache-2.0
// Functions of one operand, element by element, that are formulas of several operators; and other names of operators.
#include <numbers>

#include "torch/lower/formula.hpp"

namespace weighbridge::torch_plugin {

Term log_one_plus_exp_of_minus(Term x) { return apply(Op::log1p, exponential(-x)); }

Term log_of_sigmoid(Term x) { return apply(Op::minimum, x, 0.0) - log_one_plus_exp_of_minus(magnitude(x)); }

Term times_log(Term x, Term y) { return choose(both(x == 0.0, y == y), 0.0, x * logarithm(y)); }

Term polynomial(Term x, std::initializer_list<double> coefficients) {
    auto next = coefficients.begin();
    Term sum = x * *next++;
    for (;;) {
        const double coefficient = *next++;
        if (next == coefficients.end()) return sum + coefficient;
        sum = (sum + coefficient) * x;
    }
}

// log(erfc(x) exp(x^2)) of x >= 0: Numerical Recipes' erfcc, 1.2e-7 of the whole.
Term log_scaled_erfc(Term x) {
    const Term t = 1.0 / (x * 0.5 + 1.0);
    return logarithm(t) + polynomial(t, {0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806,
                                         0.09678418, 0.37409196, 1.00002368, -1.26551223});
}
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kHalfPi = std::numbers::pi / 2;

Term with_sign_of(Term size, Term x) { return choose(x < 0.0, -size, size); }

// exp(|x| / 2), whose square overflows no sooner than the function does.
Term half_exponential(Term x) { return exponential(magnitude(x) * 0.5); }

Term sinh(Term x) {
    const Term size = magnitude(x), half = half_exponential(x), square = squared(x);
    const Term large = (half * 0.5) * half - 0.5 / (half * half);
    // To x^9, of which the next is less than 3e-8 of the whole up to 1.
    const Term small = size * polynomial(square, {1.0 / 362880, 1.0 / 5040, 1.0 / 120, 1.0 / 6, 1.0});
    return with_sign_of(choose(size < 1.0, small, large), x);
}
Term cosh(Term x) {
    const Term half = half_exponential(x);
    return (half * 0.5) * half + 0.5 / (half * half);
}

Term asinh(Term x) {
    const Term size = magnitude(x), square = squared(size);
    const Term small = apply(Op::log1p, size + square / (root(square + 1.0) + 1.0));
    return with_sign_of(choose(size > 1e9, logarithm(size) + std::numbers::ln2, small), x);
}
Term acosh(Term x) {
    const Term over = x - 1.0;
    const Term small = apply(Op::log1p, over + root(over) * root(over + 2.0));
    return choose(x > 1e9, logarithm(x) + std::numbers::ln2, small);
}
Term atanh(Term x) {
    const Term size = magnitude(x);
    return with_sign_of(apply(Op::log1p, (size * 2.0) / (1.0 - size)) * 0.5, x);
}

// Reduction and polynomials of Cephes's atanf and asinf (S. Moshier), 2 ulp.
Term atan(Term x) {
    const Term size = magnitude(x);
    const Term large = size > 2.414213562373095, middle = size > 0.4142135623730950;
    const Term reduced = choose(large, -1.0 / size, choose(middle, (size - 1.0) / (size + 1.0), size));
    const Term base = choose(large, term(x, kHalfPi), choose(middle, kHalfPi / 2, term(x, 0.0)));
    const Term square = squared(reduced);
    const Term curve =
        polynomial(square, {8.05374449538e-2, -1.38776856032e-1, 1.99777106478e-1, -3.33329491539e-1}) * square;
    return with_sign_of(base + (curve * reduced + reduced), x);
}
Term arcsine_core(Term square, Term x) {  // of 0 to 0.5
    const Term curve =
        polynomial(square, {4.2163199048e-2, 2.4181311049e-2, 4.5470025998e-2, 7.4953002686e-2, 1.6666752422e-1});
    return curve * square * x + x;
}
Term asin(Term x) {
    const Term size = magnitude(x), outer = size > 0.5, rest = (1.0 - size) * 0.5;
    const Term square = choose(outer, rest, squared(size));
    const Term core = arcsine_core(square, choose(outer, root(rest), size));
    return with_sign_of(choose(outer, kHalfPi - (core + core), core), x);
}
Term acos(Term x) {
    const Term size = magnitude(x), outer = size > 0.5, rest = (1.0 - size) * 0.5;
    const Term square = choose(outer, rest, squared(size));
    const Term core = arcsine_core(square, choose(outer, root(rest), size));
    const Term twice = core + core;
    return choose(outer, choose(x < 0.0, std::numbers::pi - twice, twice), kHalfPi - with_sign_of(core, x));
}

Term erfc(Term x) {
    const Term size = magnitude(x), t = 1.0 / (size * 0.5 + 1.0);
    const Term series = polynomial(t, {0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806,
                                       0.09678418, 0.37409196, 1.00002368, -1.26551223});
    const Term tail = t * exponential(series - squared(size));
    // Near 0 one less erf has all of its digits.
    const Term far = choose(x < 0.0, 2.0 - tail, tail);
    return choose(size < 0.5, 1.0 - apply(Op::erf, x), far);
}
Term ndtr(Term x) { return erfc(x * -std::numbers::sqrt2 / 2.0) * 0.5; }
Term log_ndtr(Term x) {
    const Term t = x * (std::numbers::sqrt2 / 2);
    const Term below = log_scaled_erfc(at_least(-t, 0)) - std::numbers::ln2 - squared(t);
    return choose(x < -1.0, below, apply(Op::log1p, erfc(t) * -0.5));
}

Term sinc(Term x) {
    const Term angle = x * std::numbers::pi;
    return choose(x == 0.0, 1.0, apply(Op::sin, angle) / angle);
}
Term entropy(Term x) {  // of one class: -x log x
    const Term inside = choose(x == 0.0, 0.0, -(x * logarithm(x)));
    return choose(x < 0.0, -kInfinity, inside);
}
Term sign(Term x) { return choose(is_nan(x), 0.0, apply(Op::sign, x)); }
Term to_radians(Term x) { return x * (std::numbers::pi / 180); }
Term to_degrees(Term x) { return x * (180 / std::numbers::pi); }
Term below_zero(Term x) { return either(x < 0.0, both(x == 0.0, 1.0 / x < 0.0)); }
Term is_infinite(Term x) { return x == kInfinity; }
Term is_minus_infinite(Term x) { return x == -kInfinity; }

Value sign_of(Call &call) {
    return elementwise(
        call,
        [](Call &c, ValueId x) {
            if (c.b.dtype(x) == DType::boolean) return x;
            return c.b.dtype(x) == DType::int64 ? c.b.unary(Op::sign, x) : sign({&c.b, x}).id;
        },
        false);
}

Term angle(Term x) { return choose(is_nan(x), x, choose(x < 0.0, std::numbers::pi, term(x, 0.0))); }
Value is_real(Call &call) {
    return elementwise(
        call, [](Call &c, ValueId x) { return c.b.full(1, c.b.shape(x), DType::boolean); }, false);
}
// log_sigmoid with what its gradient would need, which nothing reads.
Value log_sigmoid_forward(Call &call) {
    const Value made = lower_as(call, "aten::log_sigmoid", {{"self", call.at("self")}});
    return tuple_of({made, made});
}

Value softshrink(Call &call) {
    const double by = call.real("lambd", 0.5);
    return elementwise(call, [=](Call &c, ValueId id) {
        const Term x{&c.b, id};
        return choose(x > by, x - by, choose(x < -by, x + by, x * 0.0)).id;
    });
}
Value hardshrink(Call &call) {
    const double by = call.real("lambd", 0.5);
    return elementwise(call, [=](Call &c, ValueId id) {
        const Term x{&c.b, id};
        return choose(either(x > by, either(x < -by, is_nan(x))), x, 0.0).id;
    });
}

// Operators that the table has under another name, with the same arguments.
constexpr const char *kSame[][2] = {
    {"aten::absolute", "aten::abs"},
    {"aten::negative", "aten::neg"},
    {"aten::fix", "aten::trunc"},
    {"aten::conj", "aten::detach"},
    {"aten::conj_physical", "aten::detach"},
    {"aten::special_expit", "aten::sigmoid"},
    {"aten::special_erf", "aten::erf"},
    {"aten::special_exp2", "aten::exp2"},
    {"aten::special_expm1", "aten::expm1"},
    {"aten::special_log1p", "aten::log1p"},
    {"aten::special_logit", "aten::logit"},
    {"aten::special_round", "aten::round"},
    {"aten::special_softmax", "aten::softmax"},
    {"aten::special_log_softmax", "aten::log_softmax"},
    {"aten::special_logsumexp", "aten::logsumexp"},
};

}  // namespace

void add_functions(Registry &to) {
    const Entry entries[] = {
        {"aten::sinh", "self", &formula_of<sinh>},
        {"aten::cosh", "self", &formula_of<cosh>},
        {"aten::asinh", "self", &formula_of<asinh>},
        {"aten::arcsinh", "self", &formula_of<asinh>},
        {"aten::acosh", "self", &formula_of<acosh>},
        {"aten::arccosh", "self", &formula_of<acosh>},
        {"aten::atanh", "self", &formula_of<atanh>},
        {"aten::arctanh", "self", &formula_of<atanh>},
        {"aten::atan", "self", &formula_of<atan>},
        {"aten::arctan", "self", &formula_of<atan>},
        {"aten::asin", "self", &formula_of<asin>},
        {"aten::arcsin", "self", &formula_of<asin>},
        {"aten::acos", "self", &formula_of<acos>},
        {"aten::arccos", "self", &formula_of<acos>},
        {"aten::erfc", "self", &formula_of<erfc>},
        {"aten::special_erfc", "self", &formula_of<erfc>},
        {"aten::special_ndtr", "self", &formula_of<ndtr>},
        {"aten::special_log_ndtr", "self", &formula_of<log_ndtr>},
        {"aten::special_entr", "self", &formula_of<entropy>},
        {"aten::sinc", "self", &formula_of<sinc>},
        {"aten::special_sinc", "self", &formula_of<sinc>},
        {"aten::deg2rad", "self", &formula_of<to_radians>},
        {"aten::rad2deg", "self", &formula_of<to_degrees>},
        {"aten::signbit", "self", &formula_of<below_zero>},
        {"aten::isposinf", "self", &formula_of<is_infinite>},
        {"aten::isneginf", "self", &formula_of<is_minus_infinite>},
        {"aten::angle", "self", &formula_of<angle>},
        {"aten::isreal", "self", &is_real},
        {"aten::log_sigmoid_forward", "self", &log_sigmoid_forward},
        {"aten::sign", "self", &sign_of},
        {"aten::sgn", "self", &sign_of},
        {"aten::softshrink", "self lambd", &softshrink},
        {"aten::hardshrink", "self lambd", &hardshrink},
    };
    add(to, entries);
    for (const auto &[name, other] : kSame) to.emplace(name, to.at(other));
}

}  // namespace weighbridge::torch_plugin

// SPDX-License-Identifier: Apache-2.0
// The gamma function's and the normal distribution's relatives, and polynomials of a known degree.
#include <cmath>
#include <numbers>

#include "torch/lower/formula.hpp"

namespace weighbridge::torch_plugin {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kPi = std::numbers::pi;

Term floor_of(Term x) { return apply(Op::floor, x); }
Term is_whole(Term x) { return floor_of(x) == x; }

// log |gamma(x)| of x > 0: of 1 to 3 our fit of loggamma(y) / ((y - 1) (y - 2)), 2e-8; of less and of up to 8 by
// gamma(y + 1) = y gamma(y); above by Stirling's series.
Term log_gamma_above_zero(Term x) {
    Term y = choose(x < 1.0, x + 1.0, x), product = term(x, 1.0);
    for (int i = 0; i < 5; ++i) {
        const Term large = apply(Op::greater_equal, y, 3.0), less = y - 1.0;
        product = choose(large, product * less, product);
        y = choose(large, less, y);
    }
    const Term fit = polynomial(
        y - 2.0, {-3.63155218e-05, 7.78713187e-05, -5.90323999e-05, 0.000131388345, -0.000419005835, 0.000943640607,
                  -0.00210490778, 0.00499179268, -0.012384473, 0.0329655972, -0.100317298, 0.422784327});
    const Term near = (y - 1.0) * (y - 2.0) * fit + logarithm(product) - choose(x < 1.0, logarithm(x), 0.0);
    const Term turn = 1.0 / x;
    const Term series = polynomial(squared(turn), {1.0 / 1260, -1.0 / 360, 1.0 / 12}) * turn;
    const Term far =
        choose(x > 1e30, x * (logarithm(x) - 1.0), (x - 0.5) * logarithm(x) - x + 0.9189385332046727 + series);
    return choose(x < 8.0, near, far);
}

// pi times how far x lies from the nearest whole number, which is exact.
Term angle_from_whole(Term x) { return (x - floor_of(x + 0.5)) * kPi; }

Term log_gamma(Term x) {
    const Term above = log_gamma_above_zero(choose(x < 0.5, 1.0 - x, x));
    const Term mirrored = std::log(kPi) - logarithm(magnitude(apply(Op::sin, angle_from_whole(x)))) - above;
    const Term found = choose(x < 0.5, mirrored, above);
    return choose(either(magnitude(x) == kInfinity, both(x < 0.5, is_whole(x))), kInfinity, found);
}

// The derivative of log gamma: up to 6 by its recurrence, then by its series.
Term digamma_above_zero(Term x) {
    Term sum = term(x, 0.0);
    for (int i = 0; i < 6; ++i) {
        const Term small = x < 6.0;
        sum = choose(small, sum - 1.0 / x, sum);
        x = choose(small, x + 1.0, x);
    }
    const Term square = squared(1.0 / x);
    const Term series = polynomial(square, {1.0 / 240, -1.0 / 252, 1.0 / 120, -1.0 / 12}) * square;
    return sum + logarithm(x) - 0.5 / x + series;
}
Term digamma(Term x) {
    const Term above = digamma_above_zero(choose(x < 0.0, 1.0 - x, x));
    const Term near = angle_from_whole(x);
    const Term mirrored = above - kPi * (apply(Op::cos, near) / apply(Op::sin, near));
    const Term found = choose(x < 0.0, choose(is_whole(x), kNan, mirrored), above);
    return choose(x == 0.0, choose(1.0 / x < 0.0, kInfinity, term(x, -kInfinity)), found);
}

Value multivariate_log_gamma(Call &call) {
    const int64_t p = call.integer("p");
    if (p < 1 || p > 64) throw Unsupported{"mvlgamma of p=" + std::to_string(p)};
    return elementwise(call, [=](Call &c, ValueId id) {
        const Term x{&c.b, id};
        Term sum = log_gamma(x) + 0.25 * std::log(kPi) * static_cast<double>(p * (p - 1));
        for (int64_t j = 1; j < p; ++j) sum = sum + log_gamma(x - 0.5 * static_cast<double>(j));
        return sum.id;
    });
}

// The inverse of erf over x, by w = -log(1 - x^2): M. Giles's single precision fit, then our own of sqrt(w), 2e-7.
Term inverse_erf_ratio(Term w) {
    const Term near = polynomial(w - 2.5, {2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06,
                                           0.00021858087, -0.00125372503, -0.00417768164, 0.246640727, 1.50140941});
    const Term step = root(w);
    const Term middle =
        polynomial(step - 3.2, {9.98088573e-05, -0.000116937303, -0.00035841027, 0.00116136501, -0.00199352826,
                                0.00292263519, -0.00429405923, 0.00597661114, 1.00469244, 3.03363651});
    const Term far = polynomial((step - 7.25) / 3.25,
                                {-6.69963318e-05, 0.000141057595, -0.000121069407, 0.000211846286, -0.000450433685,
                                 0.000503278412, 0.000393390057, -0.00534667915, 3.27710764, 7.1211367});
    return choose(w < 5.0, near, choose(step < 4.1, middle, far));
}
Term inverse_erf(Term x) {
    const Term inside = x * inverse_erf_ratio(-logarithm((1.0 - x) * (x + 1.0)));
    return choose(magnitude(x) == 1.0, x * kInfinity, inside);
}
Term inverse_ndtr(Term p) {
    const Term x = p * 2.0 - 1.0, rest = p * 4.0 * (1.0 - p);
    const Term ratio = inverse_erf_ratio(-logarithm(rest));
    const Term inside = x * ratio * std::numbers::sqrt2;
    return choose(p == 0.0, -kInfinity, choose(p == 1.0, kInfinity, inside));
}
Term scaled_erfc(Term x) {
    const Term above = exponential(log_scaled_erfc(magnitude(x)));
    return choose(x < 0.0, exponential(squared(x)) * 2.0 - above, choose(x == kInfinity, 0.0, above));
}

// Polynomials by their recurrences, p(k + 1) of p(k) and p(k - 1).
using Next = Term (*)(Term x, double k, Term now, Term before);
Term chebyshev(Term x, double, Term now, Term before) { return x * 2.0 * now - before; }
Term hermite(Term x, double k, Term now, Term before) { return x * 2.0 * now - 2 * k * before; }
Term hermite_e(Term x, double k, Term now, Term before) { return x * now - k * before; }

// slope x + shift is the one of degree 1; `doubled`: of 2 x - 1 in place of x.
struct Family {
    double slope, shift;
    Next next;
    bool doubled = false;
};
Value of_degree(Call &call, const Family &family) {
    constexpr int64_t kMost = 64;
    Builder &b = call.b;
    const TensorPtr given = call.tensor("x");
    const ValueId asked = plain(b, *call.tensor("n"));
    const Known degree = b.known(asked);
    if (b.dtype(asked) != DType::int64 || b.rank(asked) != 0 || !degree.uniform || !degree.least.known())
        throw Unsupported{"a polynomial whose degree is no whole number known; take some of known degrees by gather"};
    const int64_t n = degree.least.terms[0];
    if (n > kMost) throw Unsupported{"a polynomial of degree " + std::to_string(n)};
    Term x{&b, b.cast(apart(b, *given), DType::float32)};
    if (family.doubled) x = x * 2.0 - 1.0;
    if (n <= 0) return tensor_of(b.full(n < 0 ? 0 : 1, b.shape(x.id)), given->merged);
    Term before = term(x, 1.0), now = x * family.slope + family.shift;
    for (int64_t k = 1; k < n; ++k) {
        const Term next = family.next(x, static_cast<double>(k), now, before);
        before = now;
        now = next;
    }
    return tensor_of(now.id, given->merged);
}
template <int slope, int shift, Next next, bool doubled = false>
Value polynomial_of(Call &call) {
    return of_degree(call, {slope, shift, next, doubled});
}

}  // namespace

void add_special(Registry &to) {
    const Entry entries[] = {
        {"aten::lgamma", "self", &formula_of<log_gamma>},
        {"aten::special_gammaln", "self", &formula_of<log_gamma>},
        {"aten::digamma", "self", &formula_of<digamma>},
        {"aten::special_digamma", "self", &formula_of<digamma>},
        {"aten::special_psi", "self", &formula_of<digamma>},
        {"aten::mvlgamma", "self p", &multivariate_log_gamma},
        {"aten::special_multigammaln", "self p", &multivariate_log_gamma},
        {"aten::erfinv", "self", &formula_of<inverse_erf>},
        {"aten::special_erfinv", "self", &formula_of<inverse_erf>},
        {"aten::special_ndtri", "self", &formula_of<inverse_ndtr>},
        {"aten::special_erfcx", "self", &formula_of<scaled_erfc>},
        {"aten::special_chebyshev_polynomial_t", "x n", &polynomial_of<1, 0, chebyshev>},
        {"aten::special_chebyshev_polynomial_u", "x n", &polynomial_of<2, 0, chebyshev>},
        {"aten::special_chebyshev_polynomial_v", "x n", &polynomial_of<2, -1, chebyshev>},
        {"aten::special_chebyshev_polynomial_w", "x n", &polynomial_of<2, 1, chebyshev>},
        {"aten::special_shifted_chebyshev_polynomial_t", "x n", &polynomial_of<1, 0, chebyshev, true>},
        {"aten::special_shifted_chebyshev_polynomial_u", "x n", &polynomial_of<2, 0, chebyshev, true>},
        {"aten::special_shifted_chebyshev_polynomial_v", "x n", &polynomial_of<2, -1, chebyshev, true>},
        {"aten::special_shifted_chebyshev_polynomial_w", "x n", &polynomial_of<2, 1, chebyshev, true>},
        {"aten::special_hermite_polynomial_h", "x n", &polynomial_of<2, 0, hermite>},
        {"aten::special_hermite_polynomial_he", "x n", &polynomial_of<1, 0, hermite_e>},
    };
    add(to, entries);
}

}  // namespace weighbridge::torch_plugin

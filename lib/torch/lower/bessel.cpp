// SPDX-License-Identifier: Apache-2.0
// Bessel's functions of order 0 and 1. Each is a polynomial up to some place and another of 1 / x beyond; the fits are
// our own, of degree 3 to 16 at Chebyshev's places: 4e-8 of the largest value, in float32 1e-6. Of infinite x LibTorch
// gives NaN.
#include <numbers>

#include "torch/lower/formula.hpp"

namespace weighbridge::torch_plugin {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// exp(-|x|) times the modified function of the first kind.
Term scaled_i0(Term x) {
    const Term size = magnitude(x);
    const Term near = polynomial(
        size / 4.0 - 1.0, {0.00189432218, -0.00436732567, 0.00157555736, -0.00171341831, 0.0139645485, -0.0246937722,
                           0.0290835301, -0.0402424034, 0.057111862, -0.0703820352, 0.0792213013, -0.0848278182,
                           0.0873472952, -0.0890531991, 0.0945155475, -0.113004123, 0.207001921});
    const Term far = polynomial(16.0 / size - 1.0, {3.54762008e-07, 1.63903983e-06, 1.11221557e-05, 0.000136156154,
                                                    0.00336055314, 0.402176513}) /
                     root(size);
    return choose(size < 8.0, near, far);
}
Term scaled_i1(Term x) {
    const Term size = magnitude(x);
    const Term near =
        size * polynomial(size / 4.0 - 1.0,
                          {-0.000697357771, 0.00163812897, -0.000894383239, 0.00137359924, -0.00610856165, 0.0110439569,
                           -0.0152943281, 0.0229797547, -0.0337431094, 0.0448578084, -0.0552709753, 0.0637442367,
                           -0.0684830402, 0.0680587096, -0.0611243346, 0.0446877012});
    const Term far = polynomial(16.0 / size - 1.0, {-4.12091359e-07, -2.00963727e-06, -1.50152753e-05, -0.000219168268,
                                                    -0.00974957848, 0.389398455}) /
                     root(size);
    const Term found = choose(size < 8.0, near, far);
    return choose(x < 0.0, -found, found);
}
Term i0(Term x) { return scaled_i0(x) * exponential(magnitude(x)); }
Term i1(Term x) { return scaled_i1(x) * exponential(magnitude(x)); }

// exp(x) times the modified function of the second kind, of x > 0.
Term scaled_k0(Term x) {
    const Term fit = polynomial(squared(x) * 0.5 - 1.0, {4.05550013e-06, 0.000182896968, 0.00505339227, 0.0717769761,
                                                         0.340497321, -0.303620771});
    const Term near = (fit - logarithm(x * 0.5) * i0(x)) * exponential(x);
    const Term far = polynomial(4.0 / x - 1.0, {-2.87407132e-06, 8.84235596e-06, -2.42771904e-05, 9.83348273e-05,
                                                -0.000479863259, 0.00303314323, -0.0310714589, 1.21859533}) /
                     root(x);
    return choose(x == 0.0, kInfinity, choose(x < 2.0, choose(x < 0.0, kNan, near), far));
}
Term scaled_k1(Term x) {
    const Term fit = polynomial(squared(x) * 0.5 - 1.0, {-3.89322399e-05, -0.00138423116, -0.0278542301, -0.24383813,
                                                         -0.332240956, 0.885088266});
    const Term near = (fit / x + logarithm(x * 0.5) * i1(x)) * exponential(x);
    const Term far = polynomial(4.0 / x - 1.0, {3.54533065e-06, -1.11928648e-05, 3.22979556e-05, -0.00013810637,
                                                0.000735836362, -0.00556703404, 0.103349734, 1.3631519}) /
                     root(x);
    return choose(x == 0.0, kInfinity, choose(x < 2.0, choose(x < 0.0, kNan, near), far));
}
Term k0(Term x) { return choose(x == kInfinity, 0.0, scaled_k0(x) * exponential(-x)); }
Term k1(Term x) { return choose(x == kInfinity, 0.0, scaled_k1(x) * exponential(-x)); }

// Far from 0: sqrt(2 / (pi x)) (p cos(x - phase) - q sin(x - phase)), and with sin and cos changed.
struct Wave {
    Term first, second;
};
Wave wave(Term x, int order) {
    const Term turn = 8.0 / x, square = squared(turn) * 2.0 - 1.0;
    const Term p = order == 0 ? polynomial(square, {-2.06509217e-07, 6.15035924e-06, -0.000536367164, 0.999457274})
                              : polynomial(square, {2.46752682e-07, -7.97455719e-06, 0.000898804768, 1.00090703});
    const Term q =
        turn * (order == 0 ? polynomial(square, {7.17210297e-08, -1.48289328e-06, 6.83314084e-05, -0.0155551132})
                           : polynomial(square, {-8.36516642e-08, 1.82771602e-06, -9.62144964e-05, 0.0467768732}));
    // cos(x - pi / 4) and sin(x - pi / 4) of both, which loses nothing of a large x.
    const Term sum = apply(Op::cos, x) + apply(Op::sin, x), gap = apply(Op::sin, x) - apply(Op::cos, x);
    const Term cosine = order == 0 ? sum : gap, sine = order == 0 ? gap : -sum;
    const Term size = 1.0 / root(x * std::numbers::pi);
    return {size * (p * cosine - q * sine), size * (p * sine + q * cosine)};
}
Term near_j0(Term x) {
    return polynomial(squared(x) / 32.0 - 1.0,
                      {3.8913612e-05, -0.000451057911, 0.00405763805, -0.0284651943, 0.145989042, -0.50747134,
                       1.03837943, -0.808088219, -0.648469281, 0.930301218, 0.0458296649});
}
Term near_j1(Term x) {
    return x * polynomial(squared(x) / 32.0 - 1.0,
                          {-2.43461236e-05, 0.000254191903, -0.00202877633, 0.0124526969, -0.0547459123, 0.158585236,
                           -0.259594854, 0.151516467, 0.0810586602, -0.0581438243});
}
Term j0(Term x) {
    const Term size = magnitude(x);
    return choose(size < 8.0, near_j0(x), wave(size, 0).first);
}
Term j1(Term x) {
    const Term size = magnitude(x), far = wave(size, 1).first;
    return choose(size < 8.0, near_j1(x), choose(x < 0.0, -far, far));
}
Term of_second_kind(Term x, Term near, Term far) {
    const Term found = choose(x < 8.0, near, far);
    return choose(x == 0.0, -kInfinity, choose(x < 0.0, kNan, found));
}
Term y0(Term x) {
    const Term fit = polynomial(squared(x) / 32.0 - 1.0,
                                {-7.36839461e-05, 0.000820871299, -0.00702485142, 0.0463523095, -0.21895786,
                                 0.672183531, -1.07754766, 0.144125171, 1.64709648, -0.828435833, -0.382250654});
    return of_second_kind(x, fit + logarithm(x) * near_j0(x) * (2 / std::numbers::pi), wave(x, 0).second);
}
Term y1(Term x) {
    const Term fit = polynomial(squared(x) / 32.0 - 1.0,
                                {4.52719646e-05, -0.000452873415, 0.00342196711, -0.0196208178, 0.0785480563,
                                 -0.196401236, 0.235072069, 0.0233679266, -0.24337743, 0.0707598517});
    const Term near = fit * x + (logarithm(x) * near_j1(x) - 1.0 / x) * (2 / std::numbers::pi);
    return of_second_kind(x, near, wave(x, 1).second);
}
Term spherical_j0(Term x) {
    const Term inside = choose(x == 0.0, 1.0, apply(Op::sin, x) / x);
    return choose(magnitude(x) == kInfinity, 0.0, inside);
}

}  // namespace

void add_bessel(Registry &to) {
    const Entry entries[] = {
        {"aten::i0", "self", &formula_of<i0>},
        {"aten::special_i0", "self", &formula_of<i0>},
        {"aten::special_i0e", "self", &formula_of<scaled_i0>},
        {"aten::special_i1", "self", &formula_of<i1>},
        {"aten::special_i1e", "self", &formula_of<scaled_i1>},
        {"aten::special_modified_bessel_i0", "self", &formula_of<i0>},
        {"aten::special_modified_bessel_i1", "self", &formula_of<i1>},
        {"aten::special_modified_bessel_k0", "self", &formula_of<k0>},
        {"aten::special_modified_bessel_k1", "self", &formula_of<k1>},
        {"aten::special_scaled_modified_bessel_k0", "x", &formula_of<scaled_k0>},
        {"aten::special_scaled_modified_bessel_k1", "x", &formula_of<scaled_k1>},
        {"aten::special_bessel_j0", "self", &formula_of<j0>},
        {"aten::special_bessel_j1", "self", &formula_of<j1>},
        {"aten::special_bessel_y0", "self", &formula_of<y0>},
        {"aten::special_bessel_y1", "self", &formula_of<y1>},
        {"aten::special_spherical_bessel_j0", "x", &formula_of<spherical_j0>},
    };
    add(to, entries);
}

}  // namespace weighbridge::torch_plugin

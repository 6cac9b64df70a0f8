// SPDX-License-Identifier: Apache-2.0
// Reductions follow W. J. Cody and W. Waite, "Software Manual for the Elementary Functions" (1980), and P. Tang's
// papers on table-free exp and log. Every polynomial interpolates the function named above it at the Chebyshev nodes of
// the interval given, solved with 300 bits and each coefficient rounded once to double; the error given is the largest
// difference over the interval with the rounded coefficients. Sums are written out: their order is part of numerics v1.
#include "base/numerics.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace weighbridge::lib::numerics {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// ln 2 in two parts: kLn2High has 32 bits, so that its product with an exponent is exact.
constexpr double kLn2High = 0x1.62e42feep-1;
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
constexpr double kLog2E = 0x1.71547652b82fep+0;

// y * 2^exponent for 0.5 < y < 2 and exponent in [-1080, 1024], rounded once.
double scale(double y, int64_t exponent) {
    auto power = [](int64_t e) { return std::bit_cast<double>(static_cast<uint64_t>(e + 1023) << 52); };
    if (exponent > 1023) return y * 2.0 * power(exponent - 1);
    if (exponent < -1021) return y * power(exponent + 128) * 0x1p-128;
    return y * power(exponent);
}

// (exp(r) - 1 - r) / r^2 on [-0.347, 0.347], error 2.5e-18.
double exp_tail(double r) {
    double r2 = r * r, r4 = r2 * r2, r8 = r4 * r4;
    double a = (0.5 + 0.1666666666666667 * r) + (0.04166666666666667 + 0.00833333333332607 * r) * r2;
    double b =
        (0.0013888888888883703 + 0.00019841269875048905 * r) + (2.480158732571076e-05 + 2.755725511097889e-06 * r) * r2;
    double c = (2.755727343657049e-07 + 2.510533724466521e-08 * r) + 2.091477283224809e-09 * r2;
    return (a + b * r4) + c * r8;
}

// log(1 + f) - f + f^2 / 2 for 1 + f in [sqrt(1/2), sqrt(2)], less its leading terms: with s = f / (2 + f) and z = s^2,
// log(1 + f) = f - f^2 / 2 + s (f^2 / 2 + R), R = z P(z), P(z) = (2 atanh(s) / s - 2) / z on [0, 0.02945],
// error 3.2e-16.
double log_tail(double f, double half_square) {
    double s = f / (2.0 + f), z = s * s, w = z * z;
    double even = 0.666666666666667 + (0.2857142862609589 + (0.18182890556695602 + 0.1461703754879165 * w) * w) * w;
    double odd = 0.3999999999989924 + (0.2222221111514416 + 0.1533167403016786 * w) * w;
    return s * (half_square + z * (even + z * odd));
}

struct Reduced {
    double fraction;  // in [sqrt(1/2), sqrt(2)]
    double exponent;
};

// A positive normal number as fraction * 2^exponent.
Reduced reduce(double x) {
    constexpr uint64_t kSqrtHalf = 0x3FE6A09E00000000;  // the upper word of sqrt(1/2)
    uint64_t bits = std::bit_cast<uint64_t>(x) - kSqrtHalf;
    int64_t exponent = static_cast<int64_t>(bits) >> 52;
    uint64_t fraction = (bits & 0x000FFFFFFFFFFFFF) + kSqrtHalf;
    return {std::bit_cast<double>(fraction), static_cast<double>(exponent)};
}

}  // namespace

double exp(double x) {
    if (!(x <= 709.782712893384)) return x > 0 ? kInfinity : x;  // log(DBL_MAX); a NaN as it is
    if (x < -745.1332191019412) return 0.0;                      // log(2^-1075)
    double k = std::trunc(x * kLog2E + (x < 0 ? -0.5 : 0.5));
    double high = x - k * kLn2High, low = -k * kLn2Low;
    double r = high + low;
    double y = 1.0 + (high + (low + r * r * exp_tail(r)));
    return scale(y, static_cast<int64_t>(k));
}

double log(double x) {
    if (!(x > 0)) return x == 0 ? -kInfinity : x < 0 ? kNaN : x;
    if (x == kInfinity) return x;
    double shift = 0;
    if (x < 0x1p-1022) {
        x *= 0x1p54;
        shift = -54;
    }
    Reduced m = reduce(x);
    double k = m.exponent + shift, f = m.fraction - 1.0, half_square = 0.5 * f * f;
    return k * kLn2High - ((half_square - (log_tail(f, half_square) + k * kLn2Low)) - f);
}

double log1p(double x) {
    if (!(x > -1)) return x == -1 ? -kInfinity : x < -1 ? kNaN : x;
    if (x == kInfinity) return x;
    if (std::fabs(x) < 0x1p-54) return x;
    double k = 0, f = x, correction = 0;
    if (x <= -0.29289 || x >= 0.41421) {  // outside (sqrt(1/2) - 1, sqrt(2) - 1)
        double u = 1.0 + x;
        correction = (u >= 2 ? 1.0 - (u - x) : x - (u - 1.0)) / u;  // what rounding u lost
        Reduced m = reduce(u);
        k = m.exponent;
        f = m.fraction - 1.0;
    }
    double half_square = 0.5 * f * f;
    return k * kLn2High - ((half_square - (log_tail(f, half_square) + (k * kLn2Low + correction))) - f);
}

double tanh(double x) {
    double a = std::fabs(x);
    if (!(a <= 20)) return a > 20 ? (x > 0 ? 1.0 : -1.0) : x;  // 1 - tanh(20) < 2^-56
    if (a < 0x1p-28) return x;                                 // x^3 / 3 is below half an ulp
    if (a < 0.625) {
        // (tanh(x) / x - 1) / z with z = x^2 on [0, 0.390625], error 1.9e-17.
        double z = x * x, w = z * z, w2 = w * w;
        double p =
            (-0.3333333333333333 + 0.13333333333333042 * z) + (-0.05396825396789699 + 0.021869488519008305 * z) * w;
        double q = (-0.008863235103240878 + 0.0035921217511549622 * z) +
                   (-0.0014557754120478055 + 0.0005896606577757043 * z) * w;
        double r = (-0.0002375906496055562 + 9.257116129556769e-05 * z) +
                   (-3.12011014257974e-05 + 6.485163482793113e-06 * z) * w;
        return x + x * (z * (p + (q + r * w2) * w2));
    }
    double y = 1.0 - 2.0 / (exp(2.0 * a) + 1.0);
    return x < 0 ? -y : y;
}

double erf(double x) {
    double a = std::fabs(x);
    if (!(a < 6)) return a >= 6 ? (x > 0 ? 1.0 : -1.0) : x;  // 1 - erf(6) < 2^-55
    double y;
    if (a < 0.875) {
        // erf(x) / x - 1 with z = x^2 on [0, 0.765625], error 4.2e-17.
        double z = x * x, w = z * z, w2 = w * w;
        double p =
            (0.12837916709551256 + -0.3761263890318304 * z) + (0.1128379167091783 + -0.026866170637514133 * z) * w;
        double q = (0.005223977545559434 + -0.0008548322128192329 * z) +
                   (0.00012055145523632907 + -1.492102315426167e-05 * z) * w;
        double r = (1.6388270378106895e-06 + -1.5624735838207127e-07 * z) + 1.0471034556935036e-08 * w;
        return x + x * (p + (q + r * w2) * w2);
    }
    // (1 - erf(a)) exp(a^2) in t = 2 / (2 + a) - 0.46875, for a in [0.875, 6], error 1e-16.
    double t = 2.0 / (2.0 + a) - 0.46875, u = t * t, u2 = u * u, u4 = u2 * u2;
    double p = (0.22962131986684045 + 0.7957998587373304 * t) + (0.9078162805958052 + 0.6222134178319068 * t) * u;
    double q = (0.09378622029916549 + -0.211205335679639 * t) + (-0.08117397963524964 + 0.11968286161733786 * t) * u;
    double r =
        (0.037187023155202614 + -0.09467403646327265 * t) + (0.0052032155292124705 + 0.07632495751726291 * t) * u;
    double s =
        (-0.04560282865524435 + -0.042009117928376166 * t) + (0.06241922869603041 + -0.006791032762932878 * t) * u;
    y = 1.0 - exp(-a * a) * ((p + q * u2) + (r + s * u2) * u4);
    return x < 0 ? -y : y;
}

double sigmoid(double x) {
    double e = exp(-std::fabs(x)), sum = 1.0 + e;
    double lost = e - (sum - 1.0);  // exact: sum + lost = 1 + e (T. Dekker's fast two-sum)
    double y = (x < 0 ? e : 1.0) / sum;
    return y - y * (lost / sum);
}

// A float function is the double one rounded once: at most half an ulp and what the double one is off by.
float exp(float x) { return static_cast<float>(exp(static_cast<double>(x))); }
float log(float x) { return static_cast<float>(log(static_cast<double>(x))); }
float log1p(float x) { return static_cast<float>(log1p(static_cast<double>(x))); }
float sin(float x) { return static_cast<float>(sin(static_cast<double>(x))); }
float cos(float x) { return static_cast<float>(cos(static_cast<double>(x))); }
float tanh(float x) { return static_cast<float>(tanh(static_cast<double>(x))); }
float erf(float x) { return static_cast<float>(erf(static_cast<double>(x))); }
float sigmoid(float x) { return static_cast<float>(sigmoid(static_cast<double>(x))); }

}  // namespace weighbridge::lib::numerics

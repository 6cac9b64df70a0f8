// SPDX-License-Identifier: Apache-2.0
// The double functions of numerics.hpp that device kernels compute too: one source for CPU and GPU.
// Reductions follow W. J. Cody and W. Waite, "Software Manual for the Elementary Functions" (1980), and P. Tang's
// papers on table-free exp and log. Every polynomial interpolates the function named above it at the Chebyshev nodes of
// the interval given, solved with 300 bits and each coefficient rounded once to double; the error given is the largest
// difference over the interval with the rounded coefficients. Sums are written out: their order is part of numerics v1.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/host_device.hpp"

namespace weighbridge::lib::numerics::formulas {

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();
inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// ln 2 in two parts: kLn2High has 32 bits, so that its product with an exponent is exact.
inline constexpr double kLn2High = 0x1.62e42feep-1;
inline constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
inline constexpr double kLog2E = 0x1.71547652b82fep+0;

WB_HOST_DEVICE inline double power_of_two(int64_t e) {
    return std::bit_cast<double>(static_cast<uint64_t>(e + 1023) << 52);
}

// y * 2^exponent for 0.5 < y < 2 and exponent in [-1080, 1024], rounded once.
WB_HOST_DEVICE inline double scale(double y, int64_t exponent) {
    if (exponent > 1023) return y * 2.0 * power_of_two(exponent - 1);
    if (exponent < -1021) return y * power_of_two(exponent + 128) * 0x1p-128;
    return y * power_of_two(exponent);
}

// (exp(r) - 1 - r) / r^2 on [-0.347, 0.347], error 2.5e-18.
WB_HOST_DEVICE inline double exp_tail(double r) {
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
WB_HOST_DEVICE inline double log_tail(double f, double half_square) {
    double s = f / (2.0 + f), z = s * s, w = z * z;
    double even = 0.666666666666667 + (0.2857142862609589 + (0.18182890556695602 + 0.1461703754879165 * w) * w) * w;
    double odd = 0.3999999999989924 + (0.2222221111514416 + 0.1533167403016786 * w) * w;
    return s * (half_square + z * (even + z * odd));
}

// The magnitude's bits without the last `dropped`: the nearest, ties to even.
WB_HOST_DEVICE inline uint32_t without_bits(uint32_t magnitude, int dropped) {
    const uint32_t below_half = (1u << (dropped - 1)) - 1, last = magnitude >> dropped & 1u;
    return (magnitude + below_half + last) >> dropped << dropped;
}

WB_HOST_DEVICE inline float round_bfloat16(float x) {
    const uint32_t bits = std::bit_cast<uint32_t>(x);
    return x != x ? x : std::bit_cast<float>(without_bits(bits & 0x7FFFFFFF, 16) | (bits & 0x80000000));
}

WB_HOST_DEVICE inline float round_float16(float x) {
    constexpr uint32_t kInfinityBits = 0x7F800000, kOverflow = 0x477FF000, kNormal = 0x38800000;  // 65520, 2^-14
    const uint32_t bits = std::bit_cast<uint32_t>(x), sign = bits & 0x80000000, size = bits ^ sign;
    if (x != x) return x;
    if (size >= kOverflow) return std::bit_cast<float>(kInfinityBits | sign);
    if (size >= kNormal) return std::bit_cast<float>(without_bits(size, 13) | sign);
    // Multiples of 2^-24, which is what floats from 1/2 on are apart.
    return std::bit_cast<float>(std::bit_cast<uint32_t>((std::bit_cast<float>(size) + 0.5f) - 0.5f) | sign);
}

struct Reduced {
    double fraction;  // in [sqrt(1/2), sqrt(2)]
    double exponent;
};

// A positive normal number as fraction * 2^exponent.
WB_HOST_DEVICE inline Reduced reduce(double x) {
    constexpr uint64_t kSqrtHalf = 0x3FE6A09E00000000;  // the upper word of sqrt(1/2)
    uint64_t bits = std::bit_cast<uint64_t>(x) - kSqrtHalf;
    int64_t exponent = static_cast<int64_t>(bits) >> 52;
    uint64_t fraction = (bits & 0x000FFFFFFFFFFFFF) + kSqrtHalf;
    return {std::bit_cast<double>(fraction), static_cast<double>(exponent)};
}

WB_HOST_DEVICE inline double exp(double x) {
    if (!(x <= 709.782712893384)) return x > 0 ? kInfinity : x;  // log(DBL_MAX); a NaN as it is
    if (x < -745.1332191019412) return 0.0;                      // log(2^-1075)
    double k = std::trunc(x * kLog2E + (x < 0 ? -0.5 : 0.5));
    double high = x - k * kLn2High, low = -k * kLn2Low;
    double r = high + low;
    double y = 1.0 + (high + (low + r * r * exp_tail(r)));
    return scale(y, static_cast<int64_t>(k));
}

WB_HOST_DEVICE inline double log(double x) {
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

WB_HOST_DEVICE inline double log1p(double x) {
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

}  // namespace weighbridge::lib::numerics::formulas

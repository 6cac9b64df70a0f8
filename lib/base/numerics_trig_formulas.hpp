// SPDX-License-Identifier: Apache-2.0
// Sine and cosine. As in numerics_formulas.hpp the polynomials interpolate at Chebyshev nodes.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/host_device.hpp"

namespace weighbridge::lib::numerics::formulas {

// pi / 2 in parts of 33, 31 and 28 bits and the rest, so that products with a quadrant below 2^20 are exact for all but
// the last (W. J. Cody and W. Waite, 1980).
WB_DEVICE_TABLE constexpr double kHalfPi[] = {0x1.921fb544p+0, 0x1.0b4611a6p-34, 0x1.3198a2ep-69,
                                              0x1.b839a252049c1p-104};
inline constexpr double kTwoOverPi = 0x1.45f306dc9c883p-1;

// 2 / pi in binary, 64 bits a word, behind one word of zeroes: enough for the largest double (M. Payne and R. Hanek,
// "Radian Reduction for Trigonometric Functions", 1983).
WB_DEVICE_TABLE constexpr uint64_t kTwoOverPiBits[] = {
    0,
    0xA2F9836E4E441529,
    0xFC2757D1F534DDC0,
    0xDB6295993C439041,
    0xFE5163ABDEBBC561,
    0xB7246E3A424DD2E0,
    0x06492EEA09D1921C,
    0xFE1DEB1CB129A73E,
    0xE88235F52EBB4484,
    0xE99C7026B45F7E41,
    0x3991D639835339F4,
    0x9C845F8BBDF9283B,
    0x1FF897FFDE05980F,
    0xEF2F118B5A0A6D1F,
    0x6D367ECF27CB09B7,
    0x4F463F669E5FEA2D,
    0x7527BAC7EBE5F17B,
    0x3D0739F78A5292EA,
    0x6BFB5FB11F8D5D08,
    0x56033046FC7B6BAB,
};

struct Angle {
    double high, low;  // their sum is in [-pi/4, pi/4] but for rounding
    int64_t quadrant;  // in quarter turns; only its last two bits count
};

__extension__ using Wide = unsigned __int128;

// For finite |x| of at least 2^20: the product of 2 / pi and x, modulo 4, from the bits of 2 / pi that reach it.
WB_HOST_DEVICE inline Angle reduce_large(double x) {
    uint64_t bits = std::bit_cast<uint64_t>(x);
    int64_t exponent = static_cast<int64_t>((bits >> 52) & 0x7FF) - 1075;  // |x| = mantissa * 2^exponent
    uint64_t mantissa = (bits & 0x000FFFFFFFFFFFFF) | 0x0010000000000000;
    // Bits of 2/pi whose product with 2^exponent is a multiple of 4 change nothing: the window starts two bits above
    // the point, and bit 0 of the table stands 63 places before it.
    int64_t start = exponent + 64 - 2;
    uint64_t window[3];
    for (int i = 0; i < 3; ++i) {
        int64_t at = start + 64 * i;
        uint64_t upper = kTwoOverPiBits[at / 64], lower = kTwoOverPiBits[at / 64 + 1];
        window[i] = at % 64 == 0 ? upper : (upper << (at % 64)) | (lower >> (64 - at % 64));
    }
    Wide low = static_cast<Wide>(window[2]) * mantissa;
    Wide middle = static_cast<Wide>(window[1]) * mantissa + static_cast<uint64_t>(low >> 64);
    uint64_t top = window[0] * mantissa + static_cast<uint64_t>(middle >> 64);
    // top's two upper bits are the quarter turns, what follows is the fraction of one; rounded to the nearest.
    Wide fraction = (static_cast<Wide>(top) << 64) | static_cast<uint64_t>(middle);
    int64_t quadrant = static_cast<int64_t>(top >> 62);
    fraction <<= 2;
    bool above_half = (fraction >> 127) != 0;
    if (above_half) {
        ++quadrant;
        fraction = ~fraction + 1;
    }
    // Two doubles that together hold the leading 100 bits or more.
    int shift = 0;
    while (shift < 64 && (fraction >> 127) == 0 && fraction != 0) {
        fraction <<= 1;
        ++shift;
    }
    uint64_t first = static_cast<uint64_t>(fraction >> 75);  // 53 bits
    uint64_t second = static_cast<uint64_t>(fraction >> 22) & 0x001FFFFFFFFFFFFF;
    double unit = std::bit_cast<double>(static_cast<uint64_t>(1023 - shift) << 52);
    double a = static_cast<double>(first) * 0x1p-53 * unit, b = static_cast<double>(second) * 0x1p-106 * unit;
    // Times pi / 2 = p + q, with the product a * p split exactly (G. Veltkamp's splitting).
    constexpr double p = 0x1.921fb54442d18p+0, q = 0x1.1a62633145c07p-54, split = 134217729.0;
    constexpr double p_high = 0x1.921fb54p+0, p_low = p - p_high;
    double t = split * a, a_high = t - (t - a), a_low = a - a_high;
    double high = a * p;
    double low_part = ((a_high * p_high - high) + a_high * p_low + a_low * p_high) + a_low * p_low + (a * q + b * p);
    if (above_half != (x < 0)) high = -high, low_part = -low_part;
    return {high, low_part, x < 0 ? -quadrant : quadrant};
}

WB_HOST_DEVICE inline Angle reduce_angle(double x) {
    if (std::fabs(x) <= 0x1.921fb54442d18p-1) return {x, 0.0, 0};
    if (std::fabs(x) > 0x1p20) return reduce_large(x);
    double n = std::trunc(x * kTwoOverPi + (x < 0 ? -0.5 : 0.5));
    // Each step is exact but for the last; `low` carries what the sums lose.
    double a = x - n * kHalfPi[0];
    double b = n * kHalfPi[1];
    double c = a - b, c_low = (a - c) - b;
    double d = n * kHalfPi[2];
    double e = c - d, e_low = (c - e) - d;
    double low = (c_low + e_low) - n * kHalfPi[3];
    double high = e + low;
    return {high, (e - high) + low, static_cast<int64_t>(n)};
}

// Of high + low in [-pi/4, pi/4]. (sin(r) / r - 1) / z with z = r^2 on [0, 0.6169], error 3.2e-17.
WB_HOST_DEVICE inline double sine(double high, double low) {
    double z = high * high, v = z * high, w = z * z;
    double p = (0.008333333333330948 + -0.0001984126983675712 * z) +
               ((2.755731610179909e-06 + -2.5051131688000297e-08 * z) + 1.5918117983848815e-10 * w) * w;
    return high + (v * (-0.16666666666666666 + z * p) + low * (1.0 - 0.5 * z));
}

// (cos(r) - 1 + z / 2) / z^2 with z = r^2 on [0, 0.6169], error 2.4e-18.
WB_HOST_DEVICE inline double cosine(double high, double low) {
    double z = high * high, w = z * z;
    double p = (0.041666666666666664 + -0.0013888888888887398 * z) +
               (2.4801587298764778e-05 + -2.7557317271258515e-07 * z) * w;
    double q = 2.0876146170183976e-09 + -1.1382625349447592e-11 * z;
    double half = 0.5 * z, lead = 1.0 - half;
    return lead + (((1.0 - lead) - half) + (w * (p + q * (w * w)) - high * low));
}

WB_HOST_DEVICE inline double sin(double x) {
    if (!(std::fabs(x) < std::numeric_limits<double>::infinity())) return x - x;  // NaN
    if (std::fabs(x) < 0x1p-27) return x;                                         // x^3 / 6 is below half an ulp
    Angle r = reduce_angle(x);
    double y = (r.quadrant & 1) != 0 ? cosine(r.high, r.low) : sine(r.high, r.low);
    return (r.quadrant & 2) != 0 ? -y : y;
}

WB_HOST_DEVICE inline double cos(double x) {
    if (!(std::fabs(x) < std::numeric_limits<double>::infinity())) return x - x;
    Angle r = reduce_angle(x);
    double y = (r.quadrant & 1) != 0 ? sine(r.high, r.low) : cosine(r.high, r.low);
    return ((r.quadrant + 1) & 2) != 0 ? -y : y;
}

}  // namespace weighbridge::lib::numerics::formulas

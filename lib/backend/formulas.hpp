// SPDX-License-Identifier: Apache-2.0
// The kernels' functions of one float, for the reference twins and the device kernels: one source, so that the two
// cannot drift apart. backend/native/README.md has the formulas and the errors.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/host_device.hpp"
#include "base/numerics_formulas.hpp"
#include "base/numerics_trig_formulas.hpp"

namespace weighbridge::lib::formulas {

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

WB_HOST_DEVICE inline bool is_nan(float x) { return x != x; }
WB_HOST_DEVICE inline bool is_negative(float x) { return std::bit_cast<uint32_t>(x) >> 31 != 0; }  // -0 too
WB_HOST_DEVICE inline float magnitude(float x) {
    return std::bit_cast<float>(std::bit_cast<uint32_t>(x) & 0x7FFFFFFFu);
}
WB_HOST_DEVICE inline float with_sign(float x, float of) {
    return std::bit_cast<float>((std::bit_cast<uint32_t>(x) & 0x7FFFFFFFu) |
                                (std::bit_cast<uint32_t>(of) & 0x80000000u));
}

// y * 2^exponent for exponents in [-252, 254]: the first product is exact for the y of this file, the second rounds.
WB_HOST_DEVICE inline float scaled(float y, int exponent) {
    const int half = exponent / 2, rest = exponent - half;
    return y * std::bit_cast<float>(static_cast<uint32_t>(half + 127) << 23) *
           std::bit_cast<float>(static_cast<uint32_t>(rest + 127) << 23);
}

// The nearest integer, ties to even, for |x| < 2^22: the default rounding mode does it.
WB_HOST_DEVICE inline float nearest(float x) {
    constexpr float kShift = 0x1.8p23f;
    return (x + kShift) - kShift;
}

// Coefficients from the highest power down.
template <class... Coefficients>
WB_HOST_DEVICE inline float polynomial(float x, float highest, Coefficients... others) {
    float y = highest;
    ((y = fused(y, x, others)), ...);
    return y;
}

struct ReducedExponent {
    int exponent;    // n of exp(x) = 2^n (1 + fraction)
    float fraction;  // exp(r) - 1, |r| <= ln 2 / 2
};

WB_HOST_DEVICE inline ReducedExponent reduce(float x) {
    constexpr float kShift = 0x1.8p23f;
    const float n = fused(x, 0x1.715476p+0f, kShift) - kShift;
    const float r = fused(n, 0x1.05c61p-29f, fused(n, -0x1.62e43p-1f, x));
    const float tail = polynomial(r, 0x1.6d7a6p-10f, 0x1.12399cp-7f, 0x1.5554cp-5f, 0x1.555492p-3f, 0.5f);
    return {static_cast<int>(n), fused(r * r, tail, r)};
}

WB_HOST_DEVICE inline float expm1(float x) {  // |x| <= 80
    if (is_nan(x)) return x;
    const ReducedExponent e = reduce(x);
    const float power = scaled(1.0f, e.exponent);
    return fused(e.fraction, power, power - 1.0f);
}

WB_HOST_DEVICE inline float exp2(float x) {  // -126 <= x <= 127
    const float n = nearest(x);
    const float y =
        polynomial(x - n, 0x1.5fa1p-10f, 0x1.3cebbap-7f, 0x1.c6add8p-5f, 0x1.ebf9b8p-3f, 0x1.62e432p-1f, 1.0f);
    return scaled(y, static_cast<int>(n));
}

WB_HOST_DEVICE inline float exp(float x) {
    if (is_nan(x)) return x;
    if (x > 89.0f) x = 89.0f;
    if (x < -105.0f) x = -105.0f;
    const ReducedExponent e = reduce(x);
    return scaled(e.fraction + 1.0f, e.exponent);  // rounds once, where the result is denormal
}

WB_HOST_DEVICE inline float tanh(float x) {
    if (is_nan(x)) return x;
    const float twice = magnitude(x) + magnitude(x);
    const float m = expm1(twice > 40.0f ? 40.0f : twice);
    return with_sign(m / (m + 2.0f), x);
}

WB_HOST_DEVICE inline float sigmoid(float x) {
    const float e = exp(-magnitude(x));
    return (x < 0 ? e : 1.0f) / (1.0f + e);
}

WB_HOST_DEVICE inline float erf(float x) {
    if (is_nan(x)) return x;
    float a = magnitude(x);
    if (a < 1.0f)
        return fused(x,
                     polynomial(x * x, -0x1.1f27dp-11f, 0x1.3ff03ap-8f, -0x1.b52c68p-6f, 0x1.cdffd6p-4f,
                                -0x1.812634p-2f, 0x1.06eba8p-3f),
                     x);
    if (a > 4.0f) a = 4.0f;
    const float log2 = polynomial(a, 0x1.1c5b4cp-12f, -0x1.183dc4p-8f, 0x1.02e718p-5f, -0x1.3115b6p-3f, -0x1.d73d38p-1f,
                                  -0x1.a04f3ep+0f, -0x1.d8b27ep-12f);
    return with_sign(1.0f - exp2(log2), x);
}

WB_HOST_DEVICE inline float relu(float x) { return x < 0 ? 0.0f : x; }

WB_HOST_DEVICE inline float gelu(float x) {
    if (is_nan(x)) return x;
    const float a = magnitude(x) > 10.0f ? 10.0f : magnitude(x);
    const float log2 = polynomial(a, -0x1.ff23eep-20f, 0x1.d72fc8p-16f, -0x1.140978p-13f, -0x1.1cd8a6p-12f,
                                  0x1.dacae4p-8f, -0x1.af1eeap-5f, -0x1.d62eaap-2f, -0x1.26af36p+0f, -1.0f);
    return (x < 0 ? 0.0f : x) - a * exp2(log2);
}

// x sigmoid(z), with its limit at -inf.
WB_HOST_DEVICE inline float gated(float x, float z) {
    return (x == -kInfinity ? -std::numeric_limits<float>::max() : x) * sigmoid(z);
}
WB_HOST_DEVICE inline float gelu_tanh(float x) { return gated(x, x * fused(x * x, 0.0713548128f, 1.59576912f)); }
WB_HOST_DEVICE inline float silu(float x) { return gated(x, x); }

// numerics', rounded once.
WB_HOST_DEVICE inline float log(float x) { return static_cast<float>(numerics::formulas::log(static_cast<double>(x))); }
WB_HOST_DEVICE inline float log1p(float x) {
    return static_cast<float>(numerics::formulas::log1p(static_cast<double>(x)));
}
WB_HOST_DEVICE inline float sin(float x) { return static_cast<float>(numerics::formulas::sin(static_cast<double>(x))); }
WB_HOST_DEVICE inline float cos(float x) { return static_cast<float>(numerics::formulas::cos(static_cast<double>(x))); }

WB_HOST_DEVICE inline float softplus(float x, float beta, float threshold) {
    const float z = x * beta;
    return z > threshold ? x : log1p(exp(z)) / beta;
}

WB_HOST_DEVICE inline float leaky_relu(float x, float slope) { return x > 0 ? x : x * slope; }
WB_HOST_DEVICE inline float elu(float x, float alpha) { return x > 0 ? x : alpha * expm1(x < -40.0f ? -40.0f : x); }
WB_HOST_DEVICE inline float sign(float x) { return static_cast<float>((x > 0) - (x < 0)); }

WB_HOST_DEVICE inline float clamp(float x, float least, float most) {
    const float y = x < least ? least : x;
    return y > most ? most : y;
}

WB_HOST_DEVICE inline float maximum(float a, float b) { return is_nan(a) || a > b ? a : b; }
WB_HOST_DEVICE inline float minimum(float a, float b) { return is_nan(a) || a < b ? a : b; }

// As kernel::power says.
WB_HOST_DEVICE inline float power(float a, float b) {
    if (b == 0.0f || a == 1.0f) return 1.0f;
    if (a != a || b != b) return a + b;
    const bool whole = ::floorf(b) == b;
    const bool odd = whole && magnitude(b) < 0x1p24f && ::floorf(b * 0.5f) != b * 0.5f;
    const float size = magnitude(a), signed_one = odd && is_negative(a) ? -1.0f : 1.0f;
    if (magnitude(b) == kInfinity) return size == 1.0f ? 1.0f : (size > 1.0f) == (b > 0) ? kInfinity : 0.0f;
    if (size == 0.0f || size == kInfinity) return signed_one * ((size == 0.0f) == (b > 0) ? 0.0f : kInfinity);
    if (a < 0 && !whole) return kNaN;
    const double log = numerics::formulas::log(static_cast<double>(size));
    return signed_one * static_cast<float>(numerics::formulas::exp(b * log));
}

}  // namespace weighbridge::lib::formulas

// SPDX-License-Identifier: Apache-2.0
#include "backend/reference/math.hpp"

#include <cmath>
#include <initializer_list>
#include <limits>

#include "base/numerics.hpp"

namespace weighbridge::lib::reference::math {
namespace {

// The nearest integer, ties to even, for |x| < 2^22: the default rounding mode does it.
float nearest(float x) {
    constexpr float kShift = 0x1.8p23f;
    return (x + kShift) - kShift;
}

// Coefficients from the highest power down.
float polynomial(float x, std::initializer_list<float> coefficients) {
    float y = 0;
    bool first = true;
    for (float c : coefficients) {
        y = first ? c : std::fma(y, x, c);
        first = false;
    }
    return y;
}

struct Reduced {
    int exponent;    // n of exp(x) = 2^n (1 + fraction)
    float fraction;  // exp(r) - 1, |r| <= ln 2 / 2
};

Reduced reduce(float x) {
    constexpr float kShift = 0x1.8p23f;
    float n = std::fma(x, 0x1.715476p+0f, kShift) - kShift;
    float r = std::fma(n, 0x1.05c61p-29f, std::fma(n, -0x1.62e43p-1f, x));
    float tail = polynomial(r, {0x1.6d7a6p-10f, 0x1.12399cp-7f, 0x1.5554cp-5f, 0x1.555492p-3f, 0.5f});
    return {static_cast<int>(n), std::fma(r * r, tail, r)};
}

float expm1(float x) {  // |x| <= 80
    if (std::isnan(x)) return x;
    Reduced e = reduce(x);
    float power = std::ldexp(1.0f, e.exponent);
    return std::fma(e.fraction, power, power - 1.0f);
}

float exp2(float x) {  // -126 <= x <= 127
    float n = nearest(x);
    float y = polynomial(x - n, {0x1.5fa1p-10f, 0x1.3cebbap-7f, 0x1.c6add8p-5f, 0x1.ebf9b8p-3f, 0x1.62e432p-1f, 1.0f});
    return std::ldexp(y, static_cast<int>(n));
}

float gated(float x, float z) { return (std::isinf(x) && x < 0 ? -std::numeric_limits<float>::max() : x) * sigmoid(z); }

}  // namespace

float exp(float x) {
    if (std::isnan(x)) return x;
    if (x > 89.0f) x = 89.0f;
    if (x < -105.0f) x = -105.0f;
    Reduced e = reduce(x);
    return std::ldexp(e.fraction + 1.0f, e.exponent);  // rounds once, where the result is denormal
}

float tanh(float x) {
    if (std::isnan(x)) return x;
    float twice = std::fabs(x) + std::fabs(x);
    float m = expm1(twice > 40.0f ? 40.0f : twice);
    return std::copysign(m / (m + 2.0f), x);
}

float sigmoid(float x) {
    float e = exp(-std::fabs(x));
    return (x < 0 ? e : 1.0f) / (1.0f + e);
}

float erf(float x) {
    if (std::isnan(x)) return x;
    float a = std::fabs(x);
    if (a < 1.0f)
        return std::fma(x,
                        polynomial(x * x, {-0x1.1f27dp-11f, 0x1.3ff03ap-8f, -0x1.b52c68p-6f, 0x1.cdffd6p-4f,
                                           -0x1.812634p-2f, 0x1.06eba8p-3f}),
                        x);
    if (a > 4.0f) a = 4.0f;
    float log2 = polynomial(a, {0x1.1c5b4cp-12f, -0x1.183dc4p-8f, 0x1.02e718p-5f, -0x1.3115b6p-3f, -0x1.d73d38p-1f,
                                -0x1.a04f3ep+0f, -0x1.d8b27ep-12f});
    return std::copysign(1.0f - exp2(log2), x);
}

float relu(float x) { return x < 0 ? 0.0f : x; }

float gelu(float x) {
    if (std::isnan(x)) return x;
    float a = std::fabs(x) > 10.0f ? 10.0f : std::fabs(x);
    float log2 = polynomial(a, {-0x1.ff23eep-20f, 0x1.d72fc8p-16f, -0x1.140978p-13f, -0x1.1cd8a6p-12f, 0x1.dacae4p-8f,
                                -0x1.af1eeap-5f, -0x1.d62eaap-2f, -0x1.26af36p+0f, -1.0f});
    return (x < 0 ? 0.0f : x) - a * exp2(log2);
}

float gelu_tanh(float x) { return gated(x, x * std::fma(x * x, 0.0713548128f, 1.59576912f)); }
float silu(float x) { return gated(x, x); }

float softplus(float x, float beta, float threshold) {
    float z = x * beta;
    return z > threshold ? x : numerics::log1p(exp(z)) / beta;
}

float leaky_relu(float x, float slope) { return x > 0 ? x : x * slope; }
float elu(float x, float alpha) { return x > 0 ? x : alpha * expm1(x < -40.0f ? -40.0f : x); }
float sign(float x) { return static_cast<float>((x > 0) - (x < 0)); }

float clamp(float x, float least, float most) {
    float y = x < least ? least : x;
    return y > most ? most : y;
}

float maximum(float a, float b) { return std::isnan(a) || a > b ? a : b; }
float minimum(float a, float b) { return std::isnan(a) || a < b ? a : b; }

}  // namespace weighbridge::lib::reference::math

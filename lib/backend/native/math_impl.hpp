// SPDX-License-Identifier: Apache-2.0
// Elementary functions on sixteen lanes. Every step is one rounded operation in a fixed order, so that every level and
// the scalar twin (backend/formulas.hpp) give the same bits. Coefficients: minimax fits in 64-bit mantissas, each
// rounded to float in turn with the rest fitted again; README.md has the errors measured.
#pragma once

namespace weighbridge::lib::native::WB_LEVEL {

WB_INLINE F abs(F x) { return floats(both(bits(x), set_int(0x7FFFFFFF))); }
WB_INLINE F negate(F x) { return floats(exclusive(bits(x), set_int(0x80000000))); }
WB_INLINE F with_sign_of(F magnitude, F x) {
    return floats(either(bits(magnitude), both(bits(x), set_int(0x80000000))));
}

inline constexpr float kShift = 0x1.8p23f;  // adding it rounds to an integer, ties to even, kept in the low bits

WB_INLINE I low_integer(F shifted) { return sub(bits(shifted), set_int(0x4B400000)); }  // bits of kShift
WB_INLINE F power_of_two(I n) { return floats(left<23>(add(n, set_int(127)))); }        // n in [-126, 127]

template <int Count>
WB_INLINE F horner(const float (&c)[Count], F x) {
    F y = set(c[Count - 1]);
#pragma GCC unroll 16
    for (int i = Count - 2; i >= 0; --i) y = fma(y, x, set(c[i]));
    return y;
}

// exp(x) = 2^n (1 + m), |r| <= ln 2 / 2, m = exp(r) - 1.
struct Exponential {
    I n;
    F m;
};
WB_INLINE Exponential exponential(F x) {
    constexpr float kTail[] = {0.5f, 0x1.555492p-3f, 0x1.5554cp-5f, 0x1.12399cp-7f, 0x1.6d7a6p-10f};
    F shifted = fma(x, set(0x1.715476p+0f), set(kShift));
    F n = sub(shifted, set(kShift));
    F r = fma(n, set(-0x1.62e43p-1f), x);
    r = fma(n, set(0x1.05c61p-29f), r);
    return {low_integer(shifted), fma(mul(r, r), horner(kTail, r), r)};
}

WB_INLINE F exp(F x) {
    if (all(less(abs(x), set(87.0f)))) {  // a normal result: the power is added to the exponent
        Exponential e = exponential(x);
        return floats(add(bits(add(e.m, set(1.0f))), left<23>(e.n)));
    }
    // Past these the result is infinite or zero anyway; a NaN passes both.
    F within = min_or_second(set(89.0f), max_or_second(set(-105.0f), x));
    Exponential e = exponential(within);
    I half = right_signed<1>(e.n);  // in two steps, of which only the last can round
    F y = mul(add(e.m, set(1.0f)), power_of_two(half));
    // Zero is times 0: a product that underflows takes the CPU twice as long, or ten times.
    return mul(y, keep(less(set(-105.0f), within), power_of_two(sub(e.n, half))));
}

WB_INLINE F expm1_bounded(F x) {  // exp(x) - 1 for |x| <= 80
    Exponential e = exponential(x);
    F scale = power_of_two(e.n);
    return fma(e.m, scale, sub(scale, set(1.0f)));
}

// 2^x for x in [-126, 127]; a NaN gives anything.
WB_INLINE F exp2_bounded(F x) {
    constexpr float kExp2[] = {1.0f, 0x1.62e432p-1f, 0x1.ebf9b8p-3f, 0x1.c6add8p-5f, 0x1.3cebbap-7f, 0x1.5fa1p-10f};
    F shifted = add(x, set(kShift));
    F y = horner(kExp2, sub(x, sub(shifted, set(kShift))));
    return floats(add(bits(y), left<23>(low_integer(shifted))));
}

// With m = exp(2|x|) - 1: m / (m + 2).
WB_INLINE F tanh(F x) {
    F twice = abs(x);
    F m = expm1_bounded(min_or_second(set(40.0f), add(twice, twice)));
    return with_sign_of(div(m, add(m, set(2.0f))), x);
}

WB_INLINE F sigmoid(F x) {
    F e = exp(negate(abs(x)));
    return div(choose(less(x, set(0.0f)), e, set(1.0f)), add(e, set(1.0f)));
}

// |x| < 1: x + x P(x^2); else 1 - 2^Q(|x|), Q = log2(erfc).
WB_INLINE F erf(F x) {
    constexpr float kNear[] = {0x1.06eba8p-3f,  -0x1.812634p-2f, 0x1.cdffd6p-4f,
                               -0x1.b52c68p-6f, 0x1.3ff03ap-8f,  -0x1.1f27dp-11f};
    constexpr float kFar[] = {-0x1.d8b27ep-12f, -0x1.a04f3ep+0f, -0x1.d73d38p-1f, -0x1.3115b6p-3f,
                              0x1.02e718p-5f,   -0x1.183dc4p-8f, 0x1.1c5b4cp-12f};
    F a = abs(x);
    F close = fma(x, horner(kNear, mul(x, x)), x);
    F far = sub(set(1.0f), exp2_bounded(horner(kFar, min_or_second(set(4.0f), a))));
    F y = choose(less(a, set(1.0f)), close, with_sign_of(far, x));
    return choose(is_nan(x), x, y);
}

// max(x, 0) - |x| 2^P(|x|), P = log2(erfc(|x| / sqrt 2) / 2); past 10 the second term is below 1e-20.
WB_INLINE F gelu(F x) {
    constexpr float kTail[] = {-1.0f,           -0x1.26af36p+0f,  -0x1.d62eaap-2f,  -0x1.af1eeap-5f,
                               0x1.dacae4p-8f,  -0x1.1cd8a6p-12f, -0x1.140978p-13f, 0x1.d72fc8p-16f,
                               -0x1.ff23eep-20f};
    F a = min_or_second(set(10.0f), abs(x));
    return sub(max_or_second(set(0.0f), x), mul(a, exp2_bounded(horner(kTail, a))));
}

// x sigmoid(z); at x = -inf the limit, -0.
WB_INLINE F gated(F x, F z) { return mul(max_or_second(set(-0x1.fffffep127f), x), sigmoid(z)); }
WB_INLINE F silu(F x) { return gated(x, x); }
WB_INLINE F gelu_tanh(F x) {  // 2 sqrt(2 / pi) (x + 0.044715 x^3)
    return gated(x, mul(x, fma(mul(x, x), set(0.0713548128f), set(1.59576912f))));
}

WB_INLINE F relu(F x) { return choose(less(x, set(0.0f)), set(0.0f), x); }
WB_INLINE F leaky_relu(F x, F slope) { return choose(less(set(0.0f), x), x, mul(x, slope)); }
WB_INLINE F elu(F x, F alpha) {
    F negative = mul(alpha, expm1_bounded(min_or_second(set(0.0f), max_or_second(set(-40.0f), x))));
    return choose(less(set(0.0f), x), x, negative);
}

// As torch: a NaN of either operand is the result; of two equal operands (zeros) the second.
WB_INLINE F maximum(F a, F b) { return choose(is_nan(a), a, max_or_second(a, b)); }
WB_INLINE F minimum(F a, F b) { return choose(is_nan(a), a, min_or_second(a, b)); }

}  // namespace weighbridge::lib::native::WB_LEVEL

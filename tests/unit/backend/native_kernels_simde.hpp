// SPDX-License-Identifier: Apache-2.0
// AVX-512 on other CPUs, for tests: SIMDe's functions under Intel's names, and what SIMDe 0.7.4 lacks.
#pragma once

#define SIMDE_ENABLE_NATIVE_ALIASES 1
#include <simde/x86/avx512.h>
#include <simde/x86/fma.h>

#undef _mm512_madd_epi16  // SIMDe's alias takes four arguments
#define _mm512_madd_epi16(a, b) simde_mm512_madd_epi16(a, b)

#include <cmath>
#include <cstring>
#include <limits>

inline float wb_flush(float x) { return std::fabs(x) < std::numeric_limits<float>::min() ? std::copysign(0.0f, x) : x; }
inline float wb_half(uint32_t word, bool high) {
    uint32_t bits = high ? word & 0xFFFF0000u : word << 16;
    float x;
    std::memcpy(&x, &bits, sizeof x);
    return wb_flush(x);
}
// VDPBF16PS as Intel's SDM has it: the odd products first, fused, denormals in and out as zeros.
inline __m512 wb_dpbf16_ps(__m512 sum, __m512i a, __m512i b) {
    float s[16];
    uint32_t x[16], y[16];
    std::memcpy(s, &sum, sizeof s);
    std::memcpy(x, &a, sizeof x);
    std::memcpy(y, &b, sizeof y);
    for (int i = 0; i < 16; ++i) {
        s[i] = wb_flush(std::fma(wb_half(x[i], true), wb_half(y[i], true), wb_flush(s[i])));
        s[i] = wb_flush(std::fma(wb_half(x[i], false), wb_half(y[i], false), s[i]));
    }
    std::memcpy(&sum, s, sizeof s);
    return sum;
}

// Lane by lane, what a call does to 16 words; the lanes of a mask that are off are neither read nor written.
template <class To, class From>
inline To wb_words(From from) {
    static_assert(sizeof(To) == sizeof(From));
    To to;
    std::memcpy(&to, &from, sizeof to);
    return to;
}
struct WbInts {
    int32_t v[16];
};
struct WbFloats {
    float v[16];
};
inline __m512 wb_cvtepi32_ps(__m512i a) {
    auto in = wb_words<WbInts>(a);
    WbFloats out;
    for (int i = 0; i < 16; ++i) out.v[i] = static_cast<float>(in.v[i]);
    return wb_words<__m512>(out);
}
template <class To>
inline void wb_narrow(To *p, __mmask16 mask, __m512i a) {
    auto in = wb_words<WbInts>(a);
    for (int i = 0; i < 16; ++i)
        if (mask >> i & 1) p[i] = static_cast<To>(in.v[i]);
}
inline void wb_mask_storeu_ps(float *p, __mmask16 mask, __m512 a) {
    auto in = wb_words<WbFloats>(a);
    for (int i = 0; i < 16; ++i)
        if (mask >> i & 1) p[i] = in.v[i];
}
inline __m512 wb_maskz_loadu_ps(__mmask16 mask, const float *p) {
    WbFloats out{};
    for (int i = 0; i < 16; ++i)
        if (mask >> i & 1) std::memcpy(out.v + i, p + i, sizeof *p);  // at any address
    return wb_words<__m512>(out);
}
inline __m128i wb_maskz_loadu_epi8(__mmask16 mask, const uint8_t *p) {
    uint8_t out[16] = {};
    for (int i = 0; i < 16; ++i)
        if (mask >> i & 1) out[i] = p[i];
    return _mm_loadu_si128(reinterpret_cast<const __m128i *>(out));
}
inline __mmask16 wb_test_epi8_mask(__m128i a, __m128i b) {
    return static_cast<__mmask16>(0xFFFF &
                                  ~_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_and_si128(a, b), _mm_setzero_si128())));
}
inline __m512 wb_shuffle_f32x4(__m512 a, __m512 b, int order) {
    auto x = wb_words<WbFloats>(a), y = wb_words<WbFloats>(b);
    WbFloats out;
    for (int i = 0; i < 16; ++i) {
        int from = (order >> i / 4 * 2 & 3) * 4 + i % 4;
        out.v[i] = i < 8 ? x.v[from] : y.v[from];
    }
    return wb_words<__m512>(out);
}
inline __m512i wb_srai_epi32(__m512i a, unsigned count) {
    auto x = wb_words<WbInts>(a);
    for (int &v : x.v) v >>= count;
    return wb_words<__m512i>(x);
}
inline __m256 wb_extractf32x8_ps(__m512 a, int half) {
    auto x = wb_words<WbFloats>(a);
    return _mm256_loadu_ps(x.v + 8 * half);
}
#define _mm512_cvtepi32_ps wb_cvtepi32_ps
#define _mm512_mask_cvtepi32_storeu_epi8(p, m, a) wb_narrow<uint8_t>(p, m, a)
#define _mm512_mask_cvtepi32_storeu_epi16(p, m, a) wb_narrow<uint16_t>(p, m, a)
#define _mm512_mask_storeu_ps wb_mask_storeu_ps
#define _mm512_maskz_loadu_ps wb_maskz_loadu_ps
#define _mm_maskz_loadu_epi8 wb_maskz_loadu_epi8
#define _mm_test_epi8_mask wb_test_epi8_mask
#define _mm512_shuffle_f32x4 wb_shuffle_f32x4
#define _mm512_srai_epi32 wb_srai_epi32
#define _mm512_extractf32x8_ps wb_extractf32x8_ps

// SPDX-License-Identifier: Apache-2.0
// Sixteen lanes as one AVX-512 register; the contract of each function stands in vec_portable.hpp. The tests compile
// this file through SIMDe as well (WB_SIMDE), so that machines without AVX-512 run the same source.
#pragma once

#ifdef WB_SIMDE
#include WB_SIMDE  // the header that stands in for the intrinsics
#else
#include <immintrin.h>
#endif

#include <cstdint>

#define WB_INLINE inline __attribute__((always_inline))
#define WB_LAMBDA __attribute__((always_inline))
#ifndef WB_VNNI
#define WB_VECTOR_I8 1
#endif

namespace weighbridge::lib::native::WB_LEVEL {

// 12 x 32: 24 accumulators, 2 of weights; activations are broadcast from memory.
inline constexpr int kTileRows = 12, kTileVectors = 2, kStreamPanels = 4;
inline constexpr int64_t kBlockBytes = 384 << 10;      // of activations, to stay in L2
inline constexpr int64_t kAheadBytes = 128 << 10;      // of a panel, to be fetched while the one before is used
inline constexpr int64_t kStreamAhead = 1024;          // bytes, of a panel
inline constexpr int kTurnWords = 1, kFetchWords = 1;  // words a turn of the product's loop, and a line fetched in it

inline constexpr int64_t kLeastColumns = 16;  // of a tile
inline constexpr int kRegisterBytes = 64;

struct F {
    __m512 v;
};
struct I {
    __m512i v;
};
struct M {
    __mmask16 v;
};

#define WB_BINARY(name, Type, f) \
    WB_INLINE Type name(Type a, Type b) { return {f(a.v, b.v)}; }
#define WB_SHIFT(name, f)       \
    template <int Count>        \
    WB_INLINE I name(I a) {     \
        return {f(a.v, Count)}; \
    }

WB_INLINE __mmask16 lanes(int64_t n) {
    return static_cast<__mmask16>(n >= 16 ? 0xFFFFu : n <= 0 ? 0u : (1u << n) - 1u);
}

WB_INLINE F set(float x) { return {_mm512_set1_ps(x)}; }
WB_INLINE F load(const float *p) { return {_mm512_loadu_ps(p)}; }
WB_INLINE F load_n(const float *p, int64_t n) { return {_mm512_maskz_loadu_ps(lanes(n), p)}; }
WB_INLINE void store(float *p, F x) { _mm512_storeu_ps(p, x.v); }
WB_INLINE void store_n(float *p, F x, int64_t n) { _mm512_mask_storeu_ps(p, lanes(n), x.v); }
WB_BINARY(add, F, _mm512_add_ps)
WB_BINARY(sub, F, _mm512_sub_ps)
WB_BINARY(mul, F, _mm512_mul_ps)
WB_BINARY(div, F, _mm512_div_ps)
WB_BINARY(max_or_second, F, _mm512_max_ps)
WB_BINARY(min_or_second, F, _mm512_min_ps)
WB_INLINE F fma(F a, F b, F c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
WB_INLINE F add_product(F sum, F a, F b) { return fma(a, b, sum); }
WB_INLINE F sqrt(F a) { return {_mm512_sqrt_ps(a.v)}; }
WB_INLINE F floor(F a) { return {_mm512_roundscale_ps(a.v, 1)}; }
WB_INLINE F ceil(F a) { return {_mm512_roundscale_ps(a.v, 2)}; }
WB_INLINE F round(F a) { return {_mm512_roundscale_ps(a.v, 0)}; }

WB_INLINE I set_int(uint32_t x) { return {_mm512_set1_epi32(static_cast<int>(x))}; }
WB_INLINE I bits(F a) { return {_mm512_castps_si512(a.v)}; }
WB_INLINE F floats(I a) { return {_mm512_castsi512_ps(a.v)}; }
WB_BINARY(add, I, _mm512_add_epi32)
WB_BINARY(sub, I, _mm512_sub_epi32)
WB_BINARY(both, I, _mm512_and_si512)
WB_BINARY(either, I, _mm512_or_si512)
WB_BINARY(exclusive, I, _mm512_xor_si512)
WB_SHIFT(left, _mm512_slli_epi32)
WB_SHIFT(right, _mm512_srli_epi32)
WB_SHIFT(right_signed, _mm512_srai_epi32)
WB_INLINE F to_float(I a) { return {_mm512_cvtepi32_ps(a.v)}; }
WB_INLINE I load_int(const int32_t *p) { return {_mm512_loadu_si512(p)}; }

WB_INLINE I add_byte_products(I a, I x, const char *w) {  // see vec_avx2.hpp
#ifdef WB_SIMDE
    __m512i pairs = _mm512_maddubs_epi16(x.v, _mm512_loadu_si512(w));
    return add(a, {_mm512_madd_epi16(pairs, _mm512_set1_epi16(1))});
#else
    __m512i t;
    __asm__("vpmaddubsw %[w], %[x], %[t]\n\tvpmaddwd %[ones], %[t], %[t]\n\tvpaddd %[t], %[a], %[a]"
            : [a] "+v"(a.v), [t] "=&v"(t)
            : [x] "v"(x.v), [w] "m"(*reinterpret_cast<const __m512i_u *>(w)), [ones] "v"(_mm512_set1_epi16(1)));
    return a;
#endif
}
WB_INLINE void store_int(int32_t *p, I a) { _mm512_storeu_si512(p, a.v); }

WB_INLINE M less(F a, F b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)}; }
WB_INLINE M is_nan(F a) { return {_mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q)}; }
WB_INLINE M first(int64_t n) { return {lanes(n)}; }
WB_INLINE M load_mask(const uint8_t *p, int64_t n) {
    __m128i b = _mm_maskz_loadu_epi8(lanes(n), p);
    return {_mm_test_epi8_mask(b, b)};
}
WB_INLINE F choose(M m, F yes, F no) { return {_mm512_mask_blend_ps(m.v, no.v, yes.v)}; }
WB_INLINE F keep(M m, F a) { return {_mm512_maskz_mov_ps(m.v, a.v)}; }
WB_INLINE bool all(M m) { return m.v == 0xFFFF; }
WB_INLINE bool any(M m) { return m.v != 0; }

WB_INLINE void store_bytes(uint8_t *p, I a, int64_t n) { _mm512_mask_cvtepi32_storeu_epi8(p, lanes(n), a.v); }
WB_INLINE void store_halves(uint16_t *p, I a, int64_t n) { _mm512_mask_cvtepi32_storeu_epi16(p, lanes(n), a.v); }

template <class Combine>
WB_INLINE float fold(F a, Combine combine) {
    alignas(64) float v[16];
    store(v, a);
    for (int apart = 8; apart > 0; apart /= 2)
        for (int i = 0; i < apart; ++i) v[i] = combine(v[i], v[i + apart]);
    return v[0];
}
WB_INLINE float fold_add(F a) {
    __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

WB_INLINE F fold_max(F a) {
    __m256 m = _mm256_max_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
    m = _mm256_max_ps(m, _mm256_permute2f128_ps(m, m, 1));
    m = _mm256_max_ps(m, _mm256_permute_ps(m, 0x4E));
    m = _mm256_max_ps(m, _mm256_permute_ps(m, 0xB1));
    return set(_mm256_cvtss_f32(m));
}

WB_INLINE void transpose(const float *from, int64_t stride, int64_t last, float *to, int64_t to_stride) {
    __m512 t[16], u[16];
    auto row = [&](int i) WB_LAMBDA { return _mm512_loadu_ps(from + (i < last ? i : last) * stride); };
    for (int i = 0; i < 16; i += 4) {  // 4 x 4 blocks along each row
        __m512 a = row(i), b = row(i + 1), c = row(i + 2), d = row(i + 3);
        __m512 ab = _mm512_unpacklo_ps(a, b), ab2 = _mm512_unpackhi_ps(a, b);
        __m512 cd = _mm512_unpacklo_ps(c, d), cd2 = _mm512_unpackhi_ps(c, d);
        t[i] = _mm512_shuffle_ps(ab, cd, 0x44);
        t[i + 1] = _mm512_shuffle_ps(ab, cd, 0xEE);
        t[i + 2] = _mm512_shuffle_ps(ab2, cd2, 0x44);
        t[i + 3] = _mm512_shuffle_ps(ab2, cd2, 0xEE);
    }
    for (int j = 0; j < 4; ++j) {  // t[4 * i + j], block b: rows 4 * i.., column 4 * b + j
        __m512 a = _mm512_shuffle_f32x4(t[j], t[4 + j], 0x88), b = _mm512_shuffle_f32x4(t[j], t[4 + j], 0xDD);
        __m512 c = _mm512_shuffle_f32x4(t[8 + j], t[12 + j], 0x88), d = _mm512_shuffle_f32x4(t[8 + j], t[12 + j], 0xDD);
        u[j] = _mm512_shuffle_f32x4(a, c, 0x88);
        u[4 + j] = _mm512_shuffle_f32x4(b, d, 0x88);
        u[8 + j] = _mm512_shuffle_f32x4(a, c, 0xDD);
        u[12 + j] = _mm512_shuffle_f32x4(b, d, 0xDD);
    }
    for (int i = 0; i < 16; ++i) _mm512_storeu_ps(to + i * to_stride, u[i]);
}

#undef WB_BINARY
#undef WB_SHIFT
}  // namespace weighbridge::lib::native::WB_LEVEL

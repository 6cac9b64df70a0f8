// SPDX-License-Identifier: Apache-2.0
// Sixteen lanes as two AVX2 registers; the contract of each function stands in vec_portable.hpp.
#pragma once

#include <immintrin.h>

#include <cstdint>

#define WB_INLINE inline __attribute__((always_inline))
#define WB_LAMBDA __attribute__((always_inline))
#define WB_VECTOR_I8 1

namespace weighbridge::lib::native::WB_LEVEL {

// 6 x 16: 12 accumulators, 2 of weights, 1 of activations, of 16 registers.
inline constexpr int kTileRows = 6, kTileVectors = 1, kStreamPanels = 2;
inline constexpr int64_t kBlockBytes = 192 << 10;  // of activations, to stay in L2
inline constexpr int64_t kAheadBytes = 128 << 10;  // of a panel, to be fetched while the one before is used
inline constexpr int64_t kStreamAhead = 1024;      // bytes, of a panel
// Words a turn of the product's loop: beside a busy hyper-thread a core is short of instructions, not of FMAs.
inline constexpr int kTurnWords = 4, kFetchWords = 2;  // and words for which it fetches one line of what follows

#define WB_HALVES 1  // a last vector of at most 8 columns is one register
inline constexpr int64_t kLeastColumns = 8;
inline constexpr int kRegisterBytes = 32;

struct F {
    __m256 lo, hi;
};
struct I {
    __m256i lo, hi;
};
struct M {
    __m256 lo, hi;
};

#define WB_BINARY(name, Type, f) \
    WB_INLINE Type name(Type a, Type b) { return {f(a.lo, b.lo), f(a.hi, b.hi)}; }
#define WB_SHIFT(name, f)                        \
    template <int Count>                         \
    WB_INLINE I name(I a) {                      \
        return {f(a.lo, Count), f(a.hi, Count)}; \
    }

// Lanes [0, n) of 8 as a mask of maskload.
WB_INLINE __m256i lanes(int64_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

WB_INLINE F set(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
WB_INLINE F load(const float *p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
WB_INLINE F load_n(const float *p, int64_t n) {
    if (n >= 16) return load(p);
    if (n > 8) return {_mm256_loadu_ps(p), _mm256_maskload_ps(p + 8, lanes(n - 8))};
    return {_mm256_maskload_ps(p, lanes(n)), _mm256_setzero_ps()};
}
WB_INLINE void store(float *p, F x) {
    _mm256_storeu_ps(p, x.lo);
    _mm256_storeu_ps(p + 8, x.hi);
}
// In pieces: a masked store is microcode on AMD.
WB_INLINE void store_n(float *p, F x, int64_t n) {
    if (n >= 16) return store(p, x);
    __m256 rest = x.lo;
    if (n & 8) {
        _mm256_storeu_ps(p, rest);
        p += 8;
        rest = x.hi;
    }
    __m128 quarter = _mm256_castps256_ps128(rest);
    if (n & 4) {
        _mm_storeu_ps(p, quarter);
        p += 4;
        quarter = _mm256_extractf128_ps(rest, 1);
    }
    if (n & 2) {
        _mm_storel_pi(reinterpret_cast<__m64 *>(p), quarter);
        p += 2;
        quarter = _mm_movehl_ps(quarter, quarter);
    }
    if (n & 1) _mm_store_ss(p, quarter);
}
WB_BINARY(add, F, _mm256_add_ps)
WB_BINARY(sub, F, _mm256_sub_ps)
WB_BINARY(mul, F, _mm256_mul_ps)
WB_BINARY(div, F, _mm256_div_ps)
WB_BINARY(max_or_second, F, _mm256_max_ps)
WB_BINARY(min_or_second, F, _mm256_min_ps)
// sum + a * b, rounded once, for a dozen sums: gcc moves them around unless each is named by assembly. Not for so many
// that some must spill.
WB_INLINE F add_product(F sum, F a, F b) {
    __asm__("vfmadd231ps %2, %1, %0" : "+x"(sum.lo) : "x"(a.lo), "x"(b.lo));
    __asm__("vfmadd231ps %2, %1, %0" : "+x"(sum.hi) : "x"(a.hi), "x"(b.hi));
    return sum;
}
WB_INLINE F fma(F a, F b, F c) { return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)}; }
WB_INLINE F sqrt(F a) { return {_mm256_sqrt_ps(a.lo), _mm256_sqrt_ps(a.hi)}; }
WB_INLINE F floor(F a) { return {_mm256_floor_ps(a.lo), _mm256_floor_ps(a.hi)}; }
WB_INLINE F ceil(F a) { return {_mm256_ceil_ps(a.lo), _mm256_ceil_ps(a.hi)}; }
WB_INLINE F round(F a) {
    constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    return {_mm256_round_ps(a.lo, kNearest), _mm256_round_ps(a.hi, kNearest)};
}

WB_INLINE I set_int(uint32_t x) {
    __m256i y = _mm256_set1_epi32(static_cast<int>(x));
    return {y, y};
}
WB_INLINE I bits(F a) { return {_mm256_castps_si256(a.lo), _mm256_castps_si256(a.hi)}; }
WB_INLINE F floats(I a) { return {_mm256_castsi256_ps(a.lo), _mm256_castsi256_ps(a.hi)}; }
WB_BINARY(add, I, _mm256_add_epi32)
WB_BINARY(sub, I, _mm256_sub_epi32)
WB_BINARY(both, I, _mm256_and_si256)
WB_BINARY(either, I, _mm256_or_si256)
WB_BINARY(exclusive, I, _mm256_xor_si256)
WB_SHIFT(left, _mm256_slli_epi32)
WB_SHIFT(right, _mm256_srli_epi32)
WB_SHIFT(right_signed, _mm256_srai_epi32)
WB_INLINE F to_float(I a) { return {_mm256_cvtepi32_ps(a.lo), _mm256_cvtepi32_ps(a.hi)}; }
WB_INLINE I load_int(const int32_t *p) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i *>(p)),
            _mm256_loadu_si256(reinterpret_cast<const __m256i *>(p + 8))};
}

// int8 without VNNI: a + for each word the sum of x's unsigned bytes times w's signed ones, whose pairs must fit 16
// bits. In assembly: gcc would regroup the sums, and spill the accumulators.
WB_INLINE __m256i add_byte_products(__m256i a, __m256i x, const void *w) {
    __m256i t;
    __asm__("vpmaddubsw %[w], %[x], %[t]\n\tvpmaddwd %[ones], %[t], %[t]\n\tvpaddd %[t], %[a], %[a]"
            : [a] "+x"(a), [t] "=&x"(t)
            : [x] "x"(x), [w] "m"(*static_cast<const __m256i_u *>(w)), [ones] "x"(_mm256_set1_epi16(1)));
    return a;
}
WB_INLINE I add_byte_products(I a, I x, const char *w) {
    return {add_byte_products(a.lo, x.lo, w), add_byte_products(a.hi, x.hi, w + 32)};
}

WB_INLINE M less(F a, F b) { return {_mm256_cmp_ps(a.lo, b.lo, _CMP_LT_OQ), _mm256_cmp_ps(a.hi, b.hi, _CMP_LT_OQ)}; }
WB_INLINE M is_nan(F a) { return {_mm256_cmp_ps(a.lo, a.lo, _CMP_UNORD_Q), _mm256_cmp_ps(a.hi, a.hi, _CMP_UNORD_Q)}; }
WB_INLINE M first(int64_t n) { return {_mm256_castsi256_ps(lanes(n)), _mm256_castsi256_ps(lanes(n - 8))}; }
WB_INLINE M load_mask(const uint8_t *p, int64_t n) {
    alignas(16) uint8_t bytes[16] = {};
    for (int64_t i = 0; i < n; ++i) bytes[i] = p[i];
    __m128i b = _mm_load_si128(reinterpret_cast<const __m128i *>(bytes));
    __m256i zero = _mm256_setzero_si256();
    auto not_zero = [&](__m128i x) {
        __m256i equal = _mm256_cmpeq_epi32(_mm256_cvtepu8_epi32(x), zero);
        return _mm256_castsi256_ps(_mm256_xor_si256(equal, _mm256_set1_epi32(-1)));
    };
    return {not_zero(b), not_zero(_mm_srli_si128(b, 8))};
}
WB_INLINE F choose(M m, F yes, F no) {
    return {_mm256_blendv_ps(no.lo, yes.lo, m.lo), _mm256_blendv_ps(no.hi, yes.hi, m.hi)};
}
WB_INLINE F keep(M m, F a) { return {_mm256_and_ps(m.lo, a.lo), _mm256_and_ps(m.hi, a.hi)}; }
WB_INLINE bool all(M m) { return _mm256_movemask_ps(_mm256_and_ps(m.lo, m.hi)) == 0xFF; }
WB_INLINE bool any(M m) { return _mm256_movemask_ps(_mm256_or_ps(m.lo, m.hi)) != 0; }

WB_INLINE __m256i halves_of(I a) {  // the low 16 bits of the 16 lanes, in order
    __m256i low = _mm256_set1_epi32(0xFFFF);
    __m256i packed = _mm256_packus_epi32(_mm256_and_si256(a.lo, low), _mm256_and_si256(a.hi, low));
    return _mm256_permute4x64_epi64(packed, 0xD8);
}
WB_INLINE void store_bytes(uint8_t *p, I a, int64_t n) {
    __m256i halves = _mm256_and_si256(halves_of(a), _mm256_set1_epi16(0xFF));
    __m128i b = _mm_packus_epi16(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
    if (n >= 16) return _mm_storeu_si128(reinterpret_cast<__m128i *>(p), b);
    alignas(16) uint8_t out[16];
    _mm_store_si128(reinterpret_cast<__m128i *>(out), b);
    for (int64_t i = 0; i < n; ++i) p[i] = out[i];
}
WB_INLINE void store_halves(uint16_t *p, I a, int64_t n) {
    __m256i halves = halves_of(a);
    if (n >= 16) return _mm256_storeu_si256(reinterpret_cast<__m256i *>(p), halves);
    alignas(32) uint16_t out[16];
    _mm256_store_si256(reinterpret_cast<__m256i *>(out), halves);
    for (int64_t i = 0; i < n; ++i) p[i] = out[i];
}

template <class Combine>
WB_INLINE float fold(F a, Combine combine) {
    alignas(32) float v[16];
    store(v, a);
    for (int apart = 8; apart > 0; apart /= 2)
        for (int i = 0; i < apart; ++i) v[i] = combine(v[i], v[i + apart]);
    return v[0];
}
WB_INLINE float fold_add(F a) {
    __m256 eight = _mm256_add_ps(a.lo, a.hi);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

WB_INLINE F fold_max(F a) {
    __m256 m = _mm256_max_ps(a.lo, a.hi);
    m = _mm256_max_ps(m, _mm256_permute2f128_ps(m, m, 1));
    m = _mm256_max_ps(m, _mm256_permute_ps(m, 0x4E));
    m = _mm256_max_ps(m, _mm256_permute_ps(m, 0xB1));
    return {m, m};
}

WB_INLINE void transpose8(const float *from, int64_t stride, int64_t last, float *to, int64_t to_stride) {
    __m256 t[8], u[8];
    for (int i = 0; i < 4; ++i) {  // 4 x 4 blocks: rows i and i + 4, columns 0..3 and 4..7
        auto half = [&](int row, int at) { return _mm_loadu_ps(from + (row < last ? row : last) * stride + at); };
        t[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(half(i, 0)), half(i + 4, 0), 1);
        t[i + 4] = _mm256_insertf128_ps(_mm256_castps128_ps256(half(i, 4)), half(i + 4, 4), 1);
    }
    for (int i = 0; i < 8; i += 4) {
        __m256 a = _mm256_unpacklo_ps(t[i], t[i + 1]), b = _mm256_unpackhi_ps(t[i], t[i + 1]);
        __m256 c = _mm256_unpacklo_ps(t[i + 2], t[i + 3]), d = _mm256_unpackhi_ps(t[i + 2], t[i + 3]);
        u[i] = _mm256_shuffle_ps(a, c, 0x44);
        u[i + 1] = _mm256_shuffle_ps(a, c, 0xEE);
        u[i + 2] = _mm256_shuffle_ps(b, d, 0x44);
        u[i + 3] = _mm256_shuffle_ps(b, d, 0xEE);
    }
    for (int i = 0; i < 8; ++i) _mm256_storeu_ps(to + i * to_stride, u[i]);
}
WB_INLINE void transpose(const float *from, int64_t stride, int64_t last, float *to, int64_t to_stride) {
    for (int c = 0; c < 16; c += 8) {
        transpose8(from + c, stride, last, to + c * to_stride, to_stride);
        if (last >= 8) transpose8(from + 8 * stride + c, stride, last - 8, to + c * to_stride + 8, to_stride);
    }
}

#undef WB_BINARY
#undef WB_SHIFT
}  // namespace weighbridge::lib::native::WB_LEVEL

// SPDX-License-Identifier: Apache-2.0
// The dot products of AVX512-VNNI and AVX512-BF16, in the tiles of tile_impl.hpp.
#pragma once

namespace weighbridge::lib::native::WB_LEVEL {

#ifdef WB_VNNI
// Four bytes against four: vpdpbusd, 32-bit sums without saturation.
struct DotI8 : DotInts {
    static WB_INLINE I weights(const char *p) { return load_int(reinterpret_cast<const int32_t *>(p)); }
    static WB_INLINE I activations(const char *p) { return set_int(word(p)); }
    static WB_INLINE Acc step(Acc a, I w, I x) {
#ifdef WB_SIMDE
        a.v = _mm512_dpbusd_epi32(a.v, x.v, w.v);
#else
        // gcc 12 spills every accumulator around the intrinsic.
        __asm__("vpdpbusd %2, %1, %0" : "+v"(a.v) : "v"(x.v), "v"(w.v));
#endif
        return a;
    }
};

static void linear_i8_vnni(const LinearI8 &l) noexcept { multiply(int8_product<DotI8>(l)); }
#endif

#ifdef WB_BF16
// Two bf16 against two: vdpbf16ps.
struct DotBf16 {
    using Acc = F;
    using Start = float;
    static WB_INLINE Acc start(const float *p) { return load(p); }
    static WB_INLINE Acc zero() { return set(0.0f); }
    static WB_INLINE I weights(const char *p) { return load_int(reinterpret_cast<const int32_t *>(p)); }
    static WB_INLINE I activations(const char *p) {
        uint32_t x;
        __builtin_memcpy(&x, p, sizeof x);
        return set_int(x);
    }
    static WB_INLINE Acc step(Acc a, I w, I x) {
#ifdef WB_SIMDE
        a.v = wb_dpbf16_ps(a.v, x.v, w.v);
#else
        __asm__("vdpbf16ps %2, %1, %0" : "+v"(a.v) : "v"(x.v), "v"(w.v));
#endif
        return a;
    }
    static WB_INLINE F finish(Acc a, int64_t, int64_t) { return a; }
};
struct DotScaledBf16 : DotBf16 {
    const float *factors;
    WB_INLINE F finish(Acc a, int64_t row, int64_t) const { return mul(a, set(factors[row])); }
};

template <class Dot>
WB_INLINE Product<Dot> bf16_product(const LinearBf16 &l) {
    return product_of(l, (l.k + 1) / 2, l.bias, Dot{});
}

#ifndef WB_AMX  // which has its own
static void linear_bf16(const LinearBf16 &l) noexcept { multiply(bf16_product<DotBf16>(l)); }
#endif

// A head's values rounded to bf16, those of two keys side by side.
WB_INLINE void pair_values(const Attention &a, const float *from, int64_t value_words, int32_t *values) {
    for (int64_t n = 0; n < a.keys; n += 2)
        for (int64_t j = 0; j < value_words; j += 16) {
            const float *v = from + n * a.v_row + j;
            const int64_t here = least(16, a.value_dim - j);
            I low = both(nearest_bf16(load_n(v, here)), set_int(0xFFFF));
            I high = n + 1 < a.keys ? nearest_bf16(load_n(v + a.v_row, here)) : set_int(0);
            store_int(values + n / 2 * value_words + j, either(low, left<16>(high)));
        }
}

// By blocks of so many queries, which change no bits. Every key takes part in the sums over V; those that a query may
// not see have weight 0.
template <class Dot, class DotScaled, int64_t BlockRows>
WB_INLINE void attend_bf16(const Attention &a) noexcept {
    static_assert(BlockRows <= kMostTileRows);
    const int64_t padded = panel_columns(a.keys), words = (a.dim + 1) / 2, pairs_of_keys = (a.keys + 1) / 2;
    const int64_t value_words = (a.value_dim + 15) / 16 * 16;
    Scratch scratch{static_cast<char *>(a.scratch)};
    auto *queries = scratch.take<float>(BlockRows * words);  // pairs of bf16 travel as the bits of floats
    auto *panels = scratch.take<float>(padded * words);
    auto *s = scratch.take<float>(BlockRows * padded);
    auto *weights = scratch.take<uint16_t>(BlockRows * padded);
    auto *values = scratch.take<int32_t>(pairs_of_keys * value_words);
    auto *rounded = scratch.take<float>(16 * words);
    float inverse[kAttentionRows] = {};
    auto round_to = [&](const float *from, int64_t stride, int64_t rows, float *to, float scale) WB_LAMBDA {
        for (int64_t r = 0; r < rows; ++r) {
            auto *halves = reinterpret_cast<uint16_t *>(to + r * words);
            for (int64_t i = 0; i < a.dim; i += 16) {
                const int64_t here = least(16, a.dim - i);
                store_halves(halves + i, nearest_bf16(mul(load_n(from + r * stride + i, here), set(scale))), here);
            }
            if (a.dim % 2) halves[a.dim] = 0;
        }
    };
    for (int64_t head = 0; head < a.heads; ++head) {
        for (int64_t n = 0; n < a.keys; n += 16) {
            const int64_t here = least(16, a.keys - n);
            round_to(a.k + head * a.k_head + n * a.k_row, a.k_row, here, rounded, 1.0f);
            for (int64_t d = 0; d < words; d += 16)
                transpose_part(rounded + d, words, here, words - d, panels + (n / 32 * words + d) * 32 + n % 32, 32);
        }
        pair_values(a, a.v + head * a.v_head, value_words, values);
        const int64_t blocks = (a.queries + BlockRows - 1) / BlockRows;
        for (int64_t t = 0, query = 0; t < blocks; ++t) {
            const int64_t rows = a.queries / blocks + (t < a.queries % blocks);
            round_to(a.q + query * a.q_row + head * a.q_head, a.q_row, rows, queries, a.scale);
            score_rows<Dot>(a, head, query, rows, a.keys, queries, words, panels, s, weights, inverse);
            float *out = a.out + query * a.out_row + head * a.out_head;
            DotScaled dot;
            dot.factors = inverse;
            multiply(Product<DotScaled>{reinterpret_cast<const char *>(weights),
                                        padded * 2,
                                        rows,
                                        pairs_of_keys,
                                        reinterpret_cast<const char *>(values),
                                        value_words * 4,
                                        128,
                                        a.value_dim,
                                        nullptr,
                                        dot,
                                        {},
                                        out,
                                        a.out_row});
            zero_empty_rows(a, inverse, rows, out);
            query += rows;
        }
    }
}

#ifndef WB_AMX
static void attention_bf16(const Attention &a) noexcept { attend_bf16<DotBf16, DotScaledBf16, kTileRows>(a); }
#endif
#endif

}  // namespace weighbridge::lib::native::WB_LEVEL

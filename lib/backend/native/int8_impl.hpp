// SPDX-License-Identifier: Apache-2.0
// int8 without VNNI: vpmaddubsw multiplies bytes and adds pairs of products in 16 bits, where it saturates; vpmaddwd
// with ones adds two of these in 32 bits. Weights of which no pair can reach 2^15 (int8_pairs_fit) take that as it is;
// with any others the activations of a pair are taken apart, one product a lane.
#pragma once

namespace weighbridge::lib::native::WB_LEVEL {

// float(i) * (x_scale * w_scale) + shift, rounded once.
WB_INLINE F scaled(I sum, const LinearI8 &l, int64_t row, int64_t column) {
    return fma(to_float(sum), mul(set(l.x_scale[row]), load(l.w_scale + column)), load(l.shift + column));
}

template <class Dot>
WB_INLINE Product<Dot> int8_product(const LinearI8 &l) {
    Dot dot;
    dot.layer = &l;
    return product_of(l, (l.k + 3) / 4, l.start, dot);
}

struct DotInts {
    using Acc = I;
    using Start = int32_t;
    const LinearI8 *layer;
    static WB_INLINE Acc start(const int32_t *p) { return load_int(p); }
    static WB_INLINE Acc zero() { return set_int(0); }
    static WB_INLINE uint32_t word(const char *p) {
        uint32_t x;
        __builtin_memcpy(&x, p, sizeof x);
        return x;
    }
    WB_INLINE F finish(Acc a, int64_t row, int64_t column) const { return scaled(a, *layer, row, column); }
};

#if defined(WB_VECTOR_I8)
struct DotPairs : DotInts {
    static WB_INLINE const char *weights(const char *p) { return p; }
    static WB_INLINE I activations(const char *p) { return set_int(word(p)); }
    static WB_INLINE Acc step(Acc a, const char *w, I x) { return add_byte_products(a, x, w); }
};

struct DotApart : DotInts {
    struct Two {
        I even, odd;
    };
    static WB_INLINE const char *weights(const char *p) { return p; }
    static WB_INLINE Two activations(const char *p) {
        const uint32_t x = word(p);
        return {set_int(x & 0x00FF00FF), set_int(x & 0xFF00FF00)};
    }
    static WB_INLINE Acc step(Acc a, const char *w, Two x) {
        return add_byte_products(add_byte_products(a, x.even, w), x.odd, w);
    }
};

static void linear_i8_pairs(const LinearI8 &l) noexcept {
    if (l.pairs_fit) return multiply(int8_product<DotPairs>(l));
    multiply(int8_product<DotApart>(l));
}

#elif !defined(WB_VNNI)

static void linear_i8_plain(const LinearI8 &l) noexcept {
    const int64_t k_words = (l.k + 3) / 4;
    for (int64_t r = 0; r < l.rows; ++r) {
        const uint8_t *x = l.x + r * l.x_stride;
        for (int64_t column = 0; column < l.n; column += 16) {
            alignas(64) int32_t sum[16];
            alignas(64) float out[16];
            for (int c = 0; c < 16; ++c) sum[c] = l.start[column + c];
            const int8_t *w = l.panels + column / 32 * k_words * 128 + column % 32 * 4;
            for (int64_t k = 0; k < k_words; ++k, w += 128)
                for (int c = 0; c < 16; ++c)
                    for (int b = 0; b < 4; ++b) sum[c] += x[4 * k + b] * w[4 * c + b];
            store(out, scaled(load_int(sum), l, r, column));
            finish(l.epilogue, out, 16, r, 1, column, least(16, l.n - column), l.y, l.y_stride);
        }
    }
}
#endif

}  // namespace weighbridge::lib::native::WB_LEVEL

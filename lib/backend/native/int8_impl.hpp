// SPDX-License-Identifier: Apache-2.0
// int8 without VNNI. vpmaddubsw saturates on full-range data, so bytes are widened to 16 bits and vpmaddwd sums pairs:
// of a word's bytes 0..3, the even ones and the odd ones. Integers are exact in any order, so K is cut into pieces.
#pragma once

namespace weighbridge::lib::native::WB_LEVEL {

// float(i) * (x_scale * w_scale) + shift, rounded once.
WB_INLINE F scaled(I sum, const LinearI8 &l, int64_t row, int64_t column) {
    return fma(to_float(sum), mul(set(l.x_scale[row]), load(l.w_scale + column)), load(l.shift + column));
}

#ifdef WB_VECTOR_I8
WB_INLINE I even_signed(I w) { return right_signed_halves<8>(left_halves<8>(w)); }
WB_INLINE I odd_signed(I w) { return right_signed_halves<8>(w); }
WB_INLINE I words(const void *p) { return load_int(static_cast<const int32_t *>(p)); }
WB_INLINE uint32_t word(const void *p) {
    uint32_t x;
    __builtin_memcpy(&x, p, sizeof x);
    return x;
}

// One to three rows: the weights are widened on their way.
template <int R, int C>
static void int8_few(const LinearI8 &l, int64_t k_words, int64_t vector) noexcept {
    I acc[R][C];
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) {
        I start = words(l.start + 16 * (vector + c));
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) acc[r][c] = start;
    }
    const int8_t *w = l.panels + vector / 2 * k_words * 128 + vector % 2 * 64;
    for (int64_t k = 0; k < k_words; ++k, w += 128) {
        I even[C], odd[C];
#pragma GCC unroll 8
        for (int c = 0; c < C; ++c) {
            I both_parts = words(w + 64 * c);
            __builtin_prefetch(w + 64 * c + kStreamAhead, 0, 3);
            even[c] = even_signed(both_parts);
            odd[c] = odd_signed(both_parts);
        }
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) {
            I x = set_int(word(l.x + r * l.x_stride + 4 * k));
            I x_even = both(x, set_int(0x00FF00FF)), x_odd = right_halves<8>(x);
#pragma GCC unroll 8
            for (int c = 0; c < C; ++c)
                acc[r][c] = accumulate(acc[r][c], add(dot_pairs(x_even, even[c]), dot_pairs(x_odd, odd[c])));
        }
    }
    alignas(64) float out[R * C * 16];
    for (int r = 0; r < R; ++r)
        for (int c = 0; c < C; ++c) store(out + (r * C + c) * 16, scaled(acc[r][c], l, r, 16 * (vector + c)));
    finish(l.epilogue, out, C * 16, 0, R, 16 * vector, least(16 * C, l.n - 16 * vector), l.y, l.y_stride);
}

template <int R>
static void int8_stream(const LinearI8 &l, int64_t k_words) noexcept {
    const int64_t vectors = (l.n + 15) / 16;
    int64_t v = 0;
    if constexpr (R == 1)
        for (; v + 2 <= vectors; v += 2) int8_few<R, 2>(l, k_words, v);
    for (; v < vectors; ++v) int8_few<R, 1>(l, k_words, v);
}

inline constexpr int64_t kPieceWords = 64;  // 256 of K: 16 KB of widened weights, in L1 with the rows of a tile
inline constexpr int64_t kGroupTiles = 8;

struct WideRow {  // 16 words longer than need be, so that the rows do not fall on the same lines of L1
    uint32_t even[kPieceWords + 16], odd[kPieceWords + 16];
};

// acc[r][0..16) += the piece's products for the R rows.
template <int R>
static void int8_tile(const WideRow *x, const int32_t *w, int64_t k_words, int32_t *acc) noexcept {
    I sum[R];
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) sum[r] = words(acc + 16 * r);
    for (int64_t k = 0; k < k_words; ++k, w += 32) {
        I even = words(w);
#pragma GCC unroll 12
        for (int r = 0; r < R; ++r) sum[r] = accumulate(sum[r], dot_pairs(set_int(x[r].even[k]), even));
        I odd = words(w + 16);
#pragma GCC unroll 12
        for (int r = 0; r < R; ++r) sum[r] = accumulate(sum[r], dot_pairs(set_int(x[r].odd[k]), odd));
    }
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) store_int(acc + 16 * r, sum[r]);
}

using Int8Tile = void (*)(const WideRow *, const int32_t *, int64_t, int32_t *) noexcept;
template <int... R>
struct Int8Tiles {
    static constexpr Int8Tile by_rows[] = {int8_tile<R>...};
};
WB_INLINE Int8Tile int8_tile_of(int64_t rows) {
    if constexpr (kTileRows == 6)
        return Int8Tiles<1, 2, 3, 4, 5, 6>::by_rows[rows - 1];
    else
        return Int8Tiles<1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12>::by_rows[rows - 1];
}

// The widened words [piece, piece + count) of one row.
WB_INLINE void widen_row(const uint8_t *from, int64_t count, WideRow &to) {
    int64_t k = 0;
    for (; k + 16 <= count; k += 16) {
        I four = words(from + 4 * k);
        store_int(reinterpret_cast<int32_t *>(to.even + k), both(four, set_int(0x00FF00FF)));
        store_int(reinterpret_cast<int32_t *>(to.odd + k), right_halves<8>(four));
    }
    for (; k < count; ++k) {
        to.even[k] = word(from + 4 * k) & 0x00FF00FF;
        to.odd[k] = word(from + 4 * k) >> 8 & 0x00FF00FF;
    }
}

// Up to kGroupTiles tiles of rows against a panel of 1 or 2 times 16 columns, K in pieces.
static void int8_panel(const LinearI8 &l, int64_t k_words, int64_t panel, int64_t row, int64_t rows) noexcept {
    alignas(64) int32_t acc[2][kGroupTiles * kTileRows * 16];
    alignas(64) int32_t wide[2][kPieceWords * 32];
    alignas(64) WideRow x[kTileRows];
    const int64_t halves = l.n - 32 * panel > 16 ? 2 : 1;
    for (int64_t h = 0; h < halves; ++h)
        for (int64_t r = 0; r < rows; ++r) store_int(acc[h] + 16 * r, words(l.start + 32 * panel + 16 * h));
    const int64_t tiles = (rows + kTileRows - 1) / kTileRows, each = rows / tiles, longer = rows % tiles;
    for (int64_t piece = 0; piece < k_words; piece += kPieceWords) {
        const int64_t count = least(kPieceWords, k_words - piece);
        const int8_t *w = l.panels + (panel * k_words + piece) * 128;
        for (int64_t k = 0; k < count; ++k)
            for (int64_t h = 0; h < halves; ++h) {
                I both_parts = words(w + 128 * k + 64 * h);
                store_int(wide[h] + 32 * k, even_signed(both_parts));
                store_int(wide[h] + 32 * k + 16, odd_signed(both_parts));
                __builtin_prefetch(w + 128 * (k + count) + 64 * h, 0, 2);
            }
        for (int64_t t = 0, at = 0; t < tiles; ++t) {
            const int64_t here = each + (t < longer);
            for (int64_t r = 0; r < here; ++r) widen_row(l.x + (row + at + r) * l.x_stride + 4 * piece, count, x[r]);
            for (int64_t h = 0; h < halves; ++h) int8_tile_of(here)(x, wide[h], count, acc[h] + 16 * at);
            at += here;
        }
    }
    alignas(64) float out[kTileRows * 32];
    for (int64_t at = 0; at < rows; at += kTileRows) {
        const int64_t here = least(kTileRows, rows - at);
        for (int64_t r = 0; r < here; ++r)
            for (int64_t h = 0; h < halves; ++h)
                store(out + 32 * r + 16 * h,
                      scaled(words(acc[h] + 16 * (at + r)), l, row + at + r, 32 * panel + 16 * h));
        finish(l.epilogue, out, 32, row + at, here, 32 * panel, least(32, l.n - 32 * panel), l.y, l.y_stride);
    }
}

static void linear_i8_wide(const LinearI8 &l) noexcept {
    const int64_t k_words = (l.k + 3) / 4, panels = (l.n + 31) / 32;
    if (l.rows <= 0 || l.n <= 0) return;
    if (l.rows == 1) return int8_stream<1>(l, k_words);
    if (l.rows == 2) return int8_stream<2>(l, k_words);
    if (l.rows == 3) return int8_stream<3>(l, k_words);
    for (int64_t row = 0; row < l.rows; row += kGroupTiles * kTileRows)
        for (int64_t p = 0; p < panels; ++p)
            int8_panel(l, k_words, p, row, least(kGroupTiles * kTileRows, l.rows - row));
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

// SPDX-License-Identifier: Apache-2.0
// Matrix products on AMX tiles. Of a block of 32 rows and a panel's 32 columns tiles 0 to 3 hold the sums (upper left,
// upper right, lower left, lower right), 4 and 5 the upper and lower rows' activations (16 rows of 16 words), 6 and 7
// the left and right columns' weights (16 words of 16 columns, as they lie in the panel). A kernel configures the tiles
// before a block, never in it, as that zeroes them, and releases them before it returns: they are the caller's to save.
#pragma once

#ifdef WB_SIMDE
#include WB_SIMDE_TILES
#endif

namespace weighbridge::lib::native::WB_LEVEL {

inline constexpr int64_t kBlockRows = 32, kTileWords = 16;  // words of a row, and of K in a step

// What LDTILECFG reads (Intel SDM volume 2, LDTILECFG), for palette 1.
struct alignas(64) TileConfig {
    uint8_t palette = 1, start_row = 0, reserved[14] = {};
    uint16_t row_bytes[16] = {};
    uint8_t rows[16] = {};
};
static_assert(sizeof(TileConfig) == 64);

#ifdef WB_SIMDE
using native_kernels::tile_configure, native_kernels::tile_release, native_kernels::tile_zero;
using native_kernels::tile_load, native_kernels::tile_store, native_kernels::tile_dot_i8, native_kernels::tile_dot_bf16;
#else
// gcc 12's intrinsics do not say what memory they read: what was stored before a load could come after it.
WB_INLINE void tile_configure(const TileConfig &config) { __asm__ volatile("ldtilecfg %0" : : "m"(config) : "memory"); }
WB_INLINE void tile_release() { __asm__ volatile("tilerelease" : : : "memory"); }
template <int Tile>
WB_INLINE void tile_zero() {
    __asm__ volatile("tilezero %%tmm%c0" : : "i"(Tile));
}
template <int Tile>
WB_INLINE void tile_load(const void *from, int64_t stride) {
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(stride), "i"(Tile) : "memory");
}
template <int Tile>
WB_INLINE void tile_store(void *to, int64_t stride) {
    __asm__ volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(stride), "i"(Tile) : "memory");
}
// sums += activations (unsigned) * weights (signed)
template <int Sums, int Activations, int Weights>
WB_INLINE void tile_dot_i8() {
    __asm__ volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(Sums), "i"(Activations), "i"(Weights));
}
template <int Sums, int Activations, int Weights>
WB_INLINE void tile_dot_bf16() {
    __asm__ volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(Sums), "i"(Activations), "i"(Weights));
}
#endif

struct TileDotI8 : DotI8 {
    template <int Sums, int Activations, int Weights>
    static WB_INLINE void dot() {
        tile_dot_i8<Sums, Activations, Weights>();
    }
};
template <class Dot>
struct TileDotOfBf16 : Dot {
    template <int Sums, int Activations, int Weights>
    static WB_INLINE void dot() {
        tile_dot_bf16<Sums, Activations, Weights>();
    }
};
using TileDotBf16 = TileDotOfBf16<DotBf16>;
using TileDotScaledBf16 = TileDotOfBf16<DotScaledBf16>;

// For blocks of this many rows: the tiles of rows that are not there stay unconfigured.
WB_INLINE void configure_for(int64_t rows) {
    TileConfig config;
    const int64_t upper = least(16, rows);
    // By tile: sums of upper and lower rows, their activations, weights.
    const int64_t counts[] = {upper, upper, rows - upper, rows - upper, upper, rows - upper, kTileWords, kTileWords};
    for (int tile = 0; tile < 8; ++tile) {
        config.rows[tile] = static_cast<uint8_t>(counts[tile]);
        config.row_bytes[tile] = counts[tile] > 0 ? 64 : 0;
    }
    tile_configure(config);
}

// 16 words of K.
template <class Dot, bool Lower, bool Right>
WB_INLINE void tile_step(const void *x, int64_t x_stride, const void *w, int64_t w_step) {
    tile_load<6>(w, w_step);
    if constexpr (Right) tile_load<7>(static_cast<const char *>(w) + 64, w_step);
    tile_load<4>(x, x_stride);
    Dot::template dot<0, 4, 6>();
    if constexpr (Right) Dot::template dot<1, 4, 7>();
    if constexpr (Lower) {
        tile_load<5>(static_cast<const char *>(x) + 16 * x_stride, x_stride);
        Dot::template dot<2, 5, 6>();
        if constexpr (Right) Dot::template dot<3, 5, 7>();
    }
}

// Sums that start from 16 words, the same for each row, or from 0.
template <int Tile>
WB_INLINE void tile_start(const void *start) {
    if (start)
        tile_load<Tile>(start, 0);
    else
        tile_zero<Tile>();
}

// Rows [row, row + rows) of one panel; Lower: more than 16 of them, Right: more than 16 columns.
template <class Dot, bool Lower, bool Right>
static void tile_block(const Product<Dot> &p, int64_t row, int64_t rows, int64_t panel) noexcept {
    const typename Dot::Start *start = p.start ? p.start + 32 * panel : nullptr;
    tile_start<0>(start);
    if constexpr (Right) tile_start<1>(start ? start + 16 : nullptr);
    if constexpr (Lower) tile_start<2>(start);
    if constexpr (Lower && Right) tile_start<3>(start ? start + 16 : nullptr);

    const char *x = p.x + row * p.x_stride, *w = p.w + panel * p.pair_step;
    int64_t words = p.words;
    for (; words >= kTileWords; words -= kTileWords, x += 4 * kTileWords, w += p.w_step * kTileWords)
        tile_step<Dot, Lower, Right>(x, p.x_stride, w, p.w_step);
    if (words > 0) {  // the last step's words, and zeros
        alignas(64) float last_x[kBlockRows * kTileWords], last_w[kTileWords * 32];
        for (int64_t r = 0; r < rows; ++r)
            store(last_x + kTileWords * r, load_n(reinterpret_cast<const float *>(x + r * p.x_stride), words));
        for (int64_t k = 0; k < kTileWords; ++k)
            for (int64_t c = 0; c < 32; c += 16)
                store(last_w + 32 * k + c, k < words && (Right || c == 0)
                                               ? load(reinterpret_cast<const float *>(w + p.w_step * k + 4 * c))
                                               : set(0.0f));
        tile_step<Dot, Lower, Right>(last_x, 4 * kTileWords, last_w, 128);
    }

    alignas(64) float out[kBlockRows * 32];
    tile_store<0>(out, 128);
    if constexpr (Right) tile_store<1>(out + 16, 128);
    if constexpr (Lower) tile_store<2>(out + 16 * 32, 128);
    if constexpr (Lower && Right) tile_store<3>(out + 16 * 32 + 16, 128);
    for (int64_t r = 0; r < rows; ++r)
        for (int64_t c = 0; c < (Right ? 32 : 16); c += 16) {
            float *at = out + 32 * r + c;
            const auto sums = Dot::start(reinterpret_cast<const typename Dot::Start *>(at));
            store(at, p.dot.finish(sums, row + r, 32 * panel + c));
        }
    finish(p.epilogue, out, 32, row, rows, 32 * panel, least(32, p.n - 32 * panel), p.y, p.y_stride);
}

// Rows [begin, end) in blocks of `rows`, which divides them, by all panels: a panel's weights serve all blocks.
template <class Dot>
static void tile_blocks(const Product<Dot> &p, int64_t begin, int64_t end, int64_t rows) noexcept {
    if (begin == end) return;
    configure_for(rows);
    for (int64_t panel = 0; 32 * panel < p.n; ++panel) {
        const bool right = p.n - 32 * panel > 16;
        auto *block = rows > 16 ? right ? tile_block<Dot, true, true> : tile_block<Dot, true, false>
                      : right ? tile_block<Dot, false, true>
                                : tile_block<Dot, false, false>;
        for (int64_t row = begin; row < end; row += rows) block(p, row, rows, panel);
    }
}

template <class Dot>
requires requires { Dot::template dot<0, 4, 6>(); }
static void multiply(const Product<Dot> &p) noexcept {
    if (p.rows <= 0 || p.n <= 0) return;
    const int64_t whole = p.rows / kBlockRows * kBlockRows;
    tile_blocks(p, 0, whole, kBlockRows);
    tile_blocks(p, whole, p.rows, p.rows - whole);
    tile_release();
}

// One to three rows are a matter of reading the weights, which VNNI does as well; the sums are exact in any order.
static void linear_i8_amx(const LinearI8 &l) noexcept {
    if (l.rows <= 3) return linear_i8_vnni(l);
    multiply(int8_product<TileDotI8>(l));
}

// TDPBF16PS rounds in another order than VDPBF16PS, so that one row goes by tiles too, here and in attention.
static void linear_bf16_amx(const LinearBf16 &l) noexcept { multiply(bf16_product<TileDotBf16>(l)); }

static void attention_bf16_amx(const Attention &a) noexcept {
    attend_bf16<TileDotBf16, TileDotScaledBf16, kBlockRows>(a);
}

}  // namespace weighbridge::lib::native::WB_LEVEL

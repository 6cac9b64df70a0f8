// SPDX-License-Identifier: Apache-2.0
// Matrix products. Activations are rows of 32-bit words (a float, 2 bf16 or 4 bytes), weights are words in panels; a
// Dot says what one step does. An output has one accumulator, which takes all words in ascending order, so that its
// bits do not depend on the shape of the tile that holds it.
#pragma once

namespace weighbridge::lib::native::WB_LEVEL {

#ifdef WB_HALVES
// DotF32 for a last vector of at most 8 columns.
struct HalfF32 {
    using Acc = __m256;
    static WB_INLINE Acc start(const float *p) { return _mm256_loadu_ps(p); }
    static WB_INLINE Acc zero() { return _mm256_setzero_ps(); }
    static WB_INLINE Acc weights(const char *p) { return _mm256_loadu_ps(reinterpret_cast<const float *>(p)); }
    static WB_INLINE Acc activations(const char *p) { return _mm256_broadcast_ss(reinterpret_cast<const float *>(p)); }
    static WB_INLINE Acc step(Acc a, Acc w, Acc x) { return _mm256_fmadd_ps(w, x, a); }
    static WB_INLINE F whole(Acc a) { return {a, _mm256_setzero_ps()}; }
    static WB_INLINE void store(float *p, F a) { _mm256_storeu_ps(p, a.lo); }
};
#endif

// fma(w, x, a)
struct DotF32 {
#ifdef WB_HALVES
    using Half = HalfF32;
#endif
    using Acc = F;
    using Start = float;
    static WB_INLINE Acc start(const float *p) { return load(p); }
    static WB_INLINE Acc zero() { return set(0.0f); }
    static WB_INLINE F weights(const char *p) { return load(reinterpret_cast<const float *>(p)); }
    static WB_INLINE F activations(const char *p) { return set(*reinterpret_cast<const float *>(p)); }
    static WB_INLINE Acc step(Acc a, F w, F x) { return fma(w, x, a); }
    static WB_INLINE F finish(Acc a, int64_t, int64_t) { return a; }
};

// As DotF32; the result times a factor of its row.
struct DotScaled : DotF32 {
    const float *factors;
    WB_INLINE F finish(Acc a, int64_t row, int64_t) const { return mul(a, set(factors[row])); }
};

template <class Dot, class = void>
struct StepOf {  // of a tile of C vectors; C = 0: half a vector
    static constexpr bool kHalves = false;
    template <int C>
    using Type = Dot;
};
#ifdef WB_HALVES
template <class Dot>
struct StepOf<Dot, decltype(static_cast<void>(sizeof(typename Dot::Half)))> {
    static constexpr bool kHalves = true;
    template <int C>
    using Type = std::conditional_t<C == 0, typename Dot::Half, Dot>;
};
#endif

template <class Dot>
struct Product {
    const char *x;
    int64_t x_stride, rows, words;  // bytes; words of a row
    const char *w;
    int64_t w_step, pair_step;  // bytes from word to word, and from 32 columns to the next 32
    int64_t n;
    const typename Dot::Start *start;  // panel_columns(n) of them, or null: 0
    Dot dot;
    Epilogue epilogue;
    float *y;
    int64_t y_stride;
    Ahead ahead = {};
    int64_t half_step = 64;  // bytes from 16 columns of the 32 to the other 16
};

WB_INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

template <class Activate>
WB_INLINE void finish_with(const Epilogue &e, const float *tile, int64_t tile_stride, int64_t row, int64_t rows,
                           int64_t column, int64_t columns, float *y, int64_t y_stride, Activate activate) {
    for (int64_t r = 0; r < rows; ++r, tile += tile_stride) {
        float *out = y + (row + r) * y_stride + column;
        const float *residual = e.residual ? e.residual + (row + r) * e.residual_stride + column : nullptr;
        for (int64_t c = 0; c < columns; c += 16) {
            F a = activate(load(tile + c));
            int64_t here = columns - c;
            if (here >= 16) {
                if (residual) a = add(a, load(residual + c));
                store(out + c, a);
            } else {
                if (residual) a = add(a, load_n(residual + c, here));
                store_n(out + c, a, here);
            }
        }
    }
}

// What is left to do for a tile: activation, residual and the columns that there are.
__attribute__((noinline)) static void finish(const Epilogue &e, const float *tile, int64_t tile_stride, int64_t row,
                                             int64_t rows, int64_t column, int64_t columns, float *y,
                                             int64_t y_stride) noexcept {
#define WB_FINISH(...)                                                                \
    return finish_with(e, tile, tile_stride, row, rows, column, columns, y, y_stride, \
                       [&](F a) WB_LAMBDA { return __VA_ARGS__; })
    switch (e.activation) {
        case Activation::none:
            WB_FINISH(a);
        case Activation::relu:
            WB_FINISH(relu(a));
        case Activation::gelu:
            WB_FINISH(gelu(a));
        case Activation::gelu_tanh:
            WB_FINISH(gelu_tanh(a));
        case Activation::silu:
            WB_FINISH(silu(a));
        case Activation::tanh:
            WB_FINISH(tanh(a));
        case Activation::sigmoid:
            WB_FINISH(sigmoid(a));
        case Activation::leaky_relu:
            WB_FINISH(leaky_relu(a, set(e.slope)));
    }
#undef WB_FINISH
}

template <class Step, class Start, class Acc, int R, int C>
WB_INLINE void start_tile(const Start *start, Acc (&acc)[R][C]) {
#pragma GCC unroll 16
    for (int c = 0; c < C; ++c) {
        auto sums = start ? Step::start(start + 16 * c) : Step::zero();
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r) acc[r][c] = sums;
    }
}

// A tile's sums become outputs: in registers where no more than relu and a residual is left to do, else by finish().
template <class Dot, int R, int Vectors, class Acc, int C>
WB_INLINE void store_tile(const Product<Dot> &p, int64_t row, int64_t vector, Acc (&acc)[R][C]) {
    using Step = typename StepOf<Dot>::template Type<Vectors>;
    const int64_t column = 16 * vector, columns = least(16 * C, p.n - column), y_stride = p.y_stride;
    const Activation activation = p.epilogue.activation;
    const Dot dot = p.dot;  // and the strides: else the stores below would have them read again
    F a[R][C];
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 16
        for (int c = 0; c < C; ++c)
            if constexpr (Vectors > 0)
                a[r][c] = dot.finish(acc[r][c], row + r, column + 16 * c);
            else
                a[r][c] = dot.finish(Step::whole(acc[r][c]), row + r, column);
    if (columns == (Vectors > 0 ? 16 * C : 8) && activation <= Activation::relu &&
        (Vectors > 0 || !p.epilogue.residual)) {
        if (activation == Activation::relu)
#pragma GCC unroll 16
            for (int r = 0; r < R; ++r)
#pragma GCC unroll 16
                for (int c = 0; c < C; ++c) a[r][c] = relu(a[r][c]);
        if (p.epilogue.residual) {
            const int64_t stride = p.epilogue.residual_stride;
            const float *residual = p.epilogue.residual + row * stride + column;
#pragma GCC unroll 16
            for (int r = 0; r < R; ++r, residual += stride)
#pragma GCC unroll 16
                for (int c = 0; c < C; ++c) a[r][c] = add(a[r][c], load(residual + 16 * c));
        }
        float *y = p.y + row * y_stride + column;
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r, y += y_stride)
#pragma GCC unroll 16
            for (int c = 0; c < C; ++c)
                if constexpr (Vectors > 0)
                    store(y + 16 * c, a[r][c]);
                else
                    Step::store(y, a[r][c]);
        return;
    }
    alignas(64) float out[R * C * 16];
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 16
        for (int c = 0; c < C; ++c) store(out + (r * C + c) * 16, a[r][c]);
    finish(p.epilogue, out, C * 16, row, R, column, columns, p.y, y_stride);
}

// Rows [row, row + R) and columns [16 vector, 16 (vector + Vectors)); with Vectors 0 those 8 from 16 vector on. `ahead`
// walks `ahead_step` in kFetchWords words: what to bring to L2.
template <class Dot, int R, int Vectors>
static void tile(const Product<Dot> &p, int64_t row, int64_t vector, const char *ahead, int64_t ahead_step) noexcept {
    using Step = typename StepOf<Dot>::template Type<Vectors>;
    constexpr int C = Vectors > 0 ? Vectors : 1;
    typename Step::Acc acc[R][C];
    start_tile<Step>(p.start ? p.start + 16 * vector : nullptr, acc);
    // Three rows a pointer: twelve would not fit the registers.
    constexpr int kBases = (R + 2) / 3;
    const int64_t x_stride = p.x_stride, w_step = p.w_step, pair_step = p.pair_step, half_step = p.half_step;
    const char *x[kBases];
#pragma GCC unroll 16
    for (int b = 0; b < kBases; ++b) x[b] = p.x + (row + 3 * b) * x_stride;
    const char *w = p.w + vector / 2 * pair_step + vector % 2 * half_step;
    auto word = [&](int k) WB_LAMBDA {  // the word k words on
        const char *at = w + k * w_step;
        if constexpr (R <= 3)  // few rows: the weights are the work, so ask for those 8 words on
#pragma GCC unroll 16
            for (int c = 0; c < C; ++c)
                __builtin_prefetch(at + c / 2 * pair_step + c % 2 * half_step + kStreamAhead, 0, 3);
        else if (k % kFetchWords == 0) {
#pragma GCC unroll 16
            for (int c = 0; c < C; ++c) __builtin_prefetch(ahead + 64 * c, 0, 2);
            ahead += ahead_step;
        }
        decltype(Step::weights(w)) wide[C];
#pragma GCC unroll 16
        for (int c = 0; c < C; ++c) wide[c] = Step::weights(at + c / 2 * pair_step + c % 2 * half_step);
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r) {
            auto one = Step::activations(x[r / 3] + r % 3 * x_stride + 4 * k);
#pragma GCC unroll 16
            for (int c = 0; c < C; ++c)
                if constexpr (R > 3 && std::is_base_of_v<DotF32, Step>)
                    acc[r][c] = add_product(acc[r][c], wide[c], one);
                else
                    acc[r][c] = Step::step(acc[r][c], wide[c], one);
        }
    };
    auto pass = [&](int words) WB_LAMBDA {
        w += words * w_step;
#pragma GCC unroll 16
        for (int b = 0; b < kBases; ++b) x[b] += 4 * words;
    };
    int64_t left = p.words;
    if constexpr (kTurnWords > 1 && R > 3)
        for (; left >= kTurnWords; left -= kTurnWords) {
#pragma GCC unroll 16
            for (int k = 0; k < kTurnWords; ++k) word(k);
            pass(kTurnWords);
        }
    for (; left > 0; --left) {
        word(0);
        pass(1);
    }
    store_tile<Dot, R, Vectors>(p, row, vector, acc);
}

// One to three rows: each weight is read once, several panels side by side so that there are chains enough.
template <class Dot, int R>
static void stream(const Product<Dot> &p) noexcept {
    constexpr int kWide = R == 1 || kTileRows > 6 ? 2 * kStreamPanels : 2;
    const int64_t vectors = (p.n + 15) / 16;
    int64_t v = 0;
    for (; v + kWide <= vectors; v += kWide) tile<Dot, R, kWide>(p, 0, v, p.w, 0);
    for (; v + 2 <= vectors; v += 2) tile<Dot, R, 2>(p, 0, v, p.w, 0);
    if (v == vectors) return;
    if constexpr (StepOf<Dot>::kHalves)
        if (p.n - 16 * v <= 8) return tile<Dot, R, 0>(p, 0, v, p.w, 0);
    tile<Dot, R, 1>(p, 0, v, p.w, 0);
}

template <class Dot>
using Tile = void (*)(const Product<Dot> &, int64_t, int64_t, const char *, int64_t) noexcept;

template <class Dot, int C, class Rows = std::make_integer_sequence<int, kTileRows>>
struct Tiles;
template <class Dot, int C, int... R>
struct Tiles<Dot, C, std::integer_sequence<int, R...>> {
    static constexpr Tile<Dot> by_rows[] = {tile<Dot, R + 1, C>...};
};
template <class Dot, int C>
WB_INLINE Tile<Dot> tile_of(int64_t rows) {
    return Tiles<Dot, C>::by_rows[rows - 1];
}

// Rows in balanced tiles (37 in 12s: 10 + 9 + 9 + 9), tiles in blocks whose activations stay in L2 while all panels
// pass.
template <class Dot>
static void multiply(const Product<Dot> &p) noexcept {
    if (p.rows <= 0 || p.n <= 0) return;
    if (p.rows == 1) return stream<Dot, 1>(p);
    if (p.rows == 2) return stream<Dot, 2>(p);
    if (p.rows == 3) return stream<Dot, 3>(p);
    const int64_t tiles = (p.rows + kTileRows - 1) / kTileRows, each = p.rows / tiles, longer = p.rows % tiles;
    const int64_t fit = kBlockBytes / (4 * (p.words + 1) * kTileRows), block = fit > 0 ? fit : 1;
    const int64_t vectors = (p.n + 15) / 16;
    auto row_of = [&](int64_t t) { return t * each + least(t, longer); };
    for (int64_t first = 0; first < tiles; first += block) {
        const int64_t end = least(first + block, tiles);
        for (int64_t v = 0; v < vectors;) {
            const int64_t wide = least(kTileVectors, vectors - v);
            Tile<Dot> run[2] = {tile_of<Dot, 1>(each), tile_of<Dot, 1>(each + (longer > 0))};
            if (wide == kTileVectors) {
                run[0] = tile_of<Dot, kTileVectors>(each);
                run[1] = tile_of<Dot, kTileVectors>(each + (longer > 0));
            }
            if constexpr (StepOf<Dot>::kHalves)
                if (p.n - 16 * v <= 8) {
                    run[0] = tile_of<Dot, 0>(each);
                    run[1] = tile_of<Dot, 0>(each + (longer > 0));
                }
            // All tiles of a panel together fetch the next one, line by line: of these weights, or what follows them.
            const int64_t panel = v / 2, passes = (vectors - 2 * panel > 1 ? 2 : 1) / wide * (end - first);
            const bool last = 2 * panel + 2 >= vectors;
            const char *next = !last         ? p.w + (panel + 1) * p.pair_step
                               : end < tiles ? p.w
                                             : static_cast<const char *>(p.ahead.from);
            const int64_t bytes = last && end == tiles ? p.ahead.bytes : p.pair_step;
            const int64_t steps = p.words / kFetchWords;
            const bool fetch = next && steps > 0 && p.w_step == 128 && bytes <= kAheadBytes;
            const int64_t share = fetch ? least(64 * kTileVectors, bytes / (passes * steps)) : 0;
            for (int64_t t = first; t < end; ++t) {
                const int64_t at = (v % 2 * (end - first) + t - first) * share * steps;
                run[t < longer](p, row_of(t), v, fetch ? next + at : p.x, share);
            }
            v += wide;
        }
    }
}

// A layer, of any precision, as a product of so many words.
template <class Dot, class Layer>
WB_INLINE Product<Dot> product_of(const Layer &l, int64_t words, const typename Dot::Start *start, Dot dot) {
    return {reinterpret_cast<const char *>(l.x),
            l.x_stride * static_cast<int64_t>(sizeof *l.x),
            l.rows,
            words,
            reinterpret_cast<const char *>(l.panels),
            128,
            words * 128,
            l.n,
            start,
            dot,
            l.epilogue,
            l.y,
            l.y_stride,
            l.ahead};
}

static void linear_f32(const LinearF32 &l) noexcept { multiply(product_of(l, l.k, l.bias, DotF32{})); }

}  // namespace weighbridge::lib::native::WB_LEVEL

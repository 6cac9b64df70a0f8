// SPDX-License-Identifier: Apache-2.0
// One row at a time: norms, softmax, reductions, and the conversions to bytes and bf16.
#pragma once

namespace weighbridge::lib::native::WB_LEVEL {

// y[i] = f(x[i]); y may be x.
template <class Function>
WB_INLINE void each(const float *x, float *y, int64_t n, Function f) {
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) store(y + i, f(load(x + i)));
    if (i < n) store_n(y + i, f(load_n(x + i, n - i)), n - i);
}

// lanes = step(lanes, x) for element i in lane i % 16, ascending; lanes past the end stay as they are.
template <class Step>
WB_INLINE F over_lanes(const float *x, int64_t n, F lanes, Step step) {
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) lanes = step(lanes, load(x + i));
    if (i < n) lanes = choose(first(n - i), step(lanes, load_n(x + i, n - i)), lanes);
    return lanes;
}

WB_INLINE float sum_of(const float *x, int64_t n) {
    return fold_add(over_lanes(x, n, set(0.0f), [](F a, F b) { return add(a, b); }));
}
WB_INLINE float max_of(const float *x, int64_t n) {
    F lanes = over_lanes(x, n, set(-__builtin_inff()), [](F a, F b) { return maximum(a, b); });
    return fold(lanes, [](float a, float b) { return a != a || a > b ? a : b; });
}
WB_INLINE float min_of(const float *x, int64_t n) {
    F lanes = over_lanes(x, n, set(__builtin_inff()), [](F a, F b) { return minimum(a, b); });
    return fold(lanes, [](float a, float b) { return a != a || a < b ? a : b; });
}

static void sum_last(const Reduce &r) noexcept {
    for (int64_t i = 0; i < r.rows; ++i) r.y[i] = sum_of(r.x + i * r.x_stride, r.n);
}
static void max_last(const Reduce &r) noexcept {
    for (int64_t i = 0; i < r.rows; ++i) r.y[i] = max_of(r.x + i * r.x_stride, r.n);
}
static void min_last(const Reduce &r) noexcept {
    for (int64_t i = 0; i < r.rows; ++i) r.y[i] = min_of(r.x + i * r.x_stride, r.n);
}

static void softmax_last(const Softmax &s) noexcept {
    for (int64_t row = 0; row < s.rows; ++row) {
        const float *x = s.x + row * s.x_stride;
        float *y = s.y + row * s.y_stride;
        F most = set(max_of(x, s.n));
        F lanes = set(0.0f);
        int64_t i = 0;
        for (; i + 16 <= s.n; i += 16) {
            F p = exp(sub(load(x + i), most));
            lanes = add(lanes, p);
            store(y + i, p);
        }
        if (i < s.n) {
            F p = exp(sub(load_n(x + i, s.n - i), most));
            lanes = choose(first(s.n - i), add(lanes, p), lanes);
            store_n(y + i, p, s.n - i);
        }
        F total = set(fold_add(lanes));
        each(y, y, s.n, [&](F p) { return div(p, total); });
    }
}

template <bool Gamma, bool Beta>
WB_INLINE void norm_rows(const LayerNorm &l) {
    const auto width = static_cast<float>(l.width);
    for (int64_t row = 0; row < l.rows; ++row) {
        const float *x = l.x + row * l.x_stride;
        float *y = l.y + row * l.y_stride;
        F mean = set(sum_of(x, l.width) / width);
        F squares = over_lanes(x, l.width, set(0.0f), [&](F lane, F value) {
            F d = sub(value, mean);
            return fma(d, d, lane);
        });
        F inverse = set(1.0f / __builtin_sqrtf(fold_add(squares) / width + l.epsilon));
        auto apply = [&](F value, F gamma, F beta) {
            F t = mul(sub(value, mean), inverse);
            if constexpr (Gamma && Beta)
                return fma(t, gamma, beta);
            else if constexpr (Gamma)
                return mul(t, gamma);
            else if constexpr (Beta)
                return add(t, beta);
            else
                return t;
        };
        int64_t i = 0;
        for (; i + 16 <= l.width; i += 16)
            store(y + i, apply(load(x + i), Gamma ? load(l.gamma + i) : mean, Beta ? load(l.beta + i) : mean));
        if (int64_t rest = l.width - i; rest > 0)
            store_n(y + i,
                    apply(load_n(x + i, rest), Gamma ? load_n(l.gamma + i, rest) : mean,
                          Beta ? load_n(l.beta + i, rest) : mean),
                    rest);
    }
}
static void layer_norm(const LayerNorm &l) noexcept {
    if (l.gamma) return l.beta ? norm_rows<true, true>(l) : norm_rows<true, false>(l);
    return l.beta ? norm_rows<false, true>(l) : norm_rows<false, false>(l);
}

// `Range` maps x to what the maximum is taken of, `Value` to what is rounded.
template <class Range, class Value>
WB_INLINE void quantise_with(const QuantiseRows &q, float levels, uint32_t zero, Range range, Value value) {
    const int64_t padded = (q.k + 3) / 4 * 4;
    for (int64_t row = 0; row < q.rows; ++row) {
        const float *x = q.x + row * q.x_stride;
        uint8_t *out = q.q + row * q.q_stride;
        F top = set(0.0f), bad = set(0.0f);
        auto look = [&](F v) WB_LAMBDA {
            top = max_or_second(range(v), top);
            bad = add(bad, sub(v, v));  // a NaN from a NaN or an infinity on
        };
        int64_t i = 0;
        for (; i + 16 <= q.k; i += 16) look(load(x + i));
        if (i < q.k) {
            F before = top;
            look(load_n(x + i, q.k - i));
            top = choose(first(q.k - i), top, before);
        }
        alignas(64) float lanes[16];
        store(lanes, fold_max(top));  // no lane is a NaN
        const float most = lanes[0];
        const bool finite = !any(is_nan(bad)), flat = !finite || most < 0x1p-119f;
        q.scale[row] = !finite ? __builtin_nanf("") : flat ? 0.0f : most / levels;
        const F factor = set(flat ? 0.0f : levels / most), magic = set(kShift);
        auto to_bytes = [&](F v) WB_LAMBDA {
            return add(low_integer(flat ? magic : add(mul(value(v), factor), magic)), set_int(zero));
        };
        for (i = 0; i + 16 <= q.k; i += 16) store_bytes(out + i, to_bytes(load(x + i)), 16);
        if (i < q.k) store_bytes(out + i, to_bytes(load_n(x + i, q.k - i)), q.k - i);
        for (i = q.k; i < padded; ++i) out[i] = static_cast<uint8_t>(zero);
    }
}
static void quantise_rows(const QuantiseRows &q) noexcept {
    auto plain = [](F x) WB_LAMBDA { return max_or_second(x, set(0.0f)); };
    auto raised = [](F x) WB_LAMBDA { return max_or_second(add(x, set(kGeluOffset)), set(0.0f)); };
    switch (q.range) {
        case Range::symmetric:
            return quantise_with(
                q, 127.0f, 128, [](F x) WB_LAMBDA { return abs(x); }, [](F x) WB_LAMBDA { return x; });
        case Range::nonnegative:
            return quantise_with(q, 255.0f, 0, plain, plain);
        case Range::gelu:
            return quantise_with(q, 255.0f, 0, raised, raised);
    }
}

WB_INLINE I nearest_bf16(F x) {  // in the low halves
    I b = bits(x);
    I even = both(right<16>(b), set_int(1));
    I rounded = right<16>(add(b, add(even, set_int(0x7FFF))));
    I quiet = either(right<16>(b), set_int(0x40));
    return bits(choose(is_nan(x), floats(quiet), floats(rounded)));
}
static void round_rows_bf16(const RoundRowsBf16 &r) noexcept {
    for (int64_t row = 0; row < r.rows; ++row) {
        const float *x = r.x + row * r.x_stride;
        uint16_t *out = r.q + row * r.q_stride;
        int64_t i = 0;
        for (; i + 16 <= r.k; i += 16) store_halves(out + i, nearest_bf16(load(x + i)), 16);
        if (i < r.k) store_halves(out + i, nearest_bf16(load_n(x + i, r.k - i)), r.k - i);
        if (r.k % 2) out[r.k] = 0;
    }
}

}  // namespace weighbridge::lib::native::WB_LEVEL

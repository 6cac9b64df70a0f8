// SPDX-License-Identifier: Apache-2.0
// Attention, a head at a time: K is transposed into panels in scratch, then a tile's rows of queries at a time have
// their scores, weights and results computed while the scores stay in L1 or L2.
#pragma once

namespace weighbridge::lib::native::WB_LEVEL {

struct Scratch {
    char *at;
    template <class T>
    T *take(int64_t count) {
        char *here = at;
        at += (count * static_cast<int64_t>(sizeof(T)) + 63) / 64 * 64;
        return reinterpret_cast<T *>(here);
    }
};

// to[c * to_stride + r] = row r's element c, for c < columns and r < 16; from `rows` (> 0) on the last row again.
WB_INLINE void transpose_part(const float *from, int64_t stride, int64_t rows, int64_t columns, float *to,
                              int64_t to_stride) {
    if (columns >= 16)
        return rows >= 16 ? transpose(from, stride, 15, to, to_stride)
                          : transpose(from, stride, rows - 1, to, to_stride);
    alignas(64) float part[256], turned[256];
    for (int64_t r = 0; r < least(rows, 16); ++r) store(part + 16 * r, load_n(from + r * stride, columns));
    transpose(part, 16, least(rows, 16) - 1, turned, 16);
    for (int64_t c = 0; c < columns; ++c) store(to + c * to_stride, load(turned + 16 * c));
}

// rows x columns, row-major, to panels of 32 rows: [ceil(rows / 32)][columns][32].
WB_INLINE void to_panels(const float *from, int64_t stride, int64_t rows, int64_t columns, float *panels) {
    for (int64_t r = 0; r < rows; r += 16)
        for (int64_t c = 0; c < columns; c += 16)
            transpose_part(from + r * stride + c, stride, rows - r, columns - c,
                           panels + (r / 32 * columns + c) * 32 + r % 32, 32);
}

// Adds the mask to one query's scores over `count` keys, in place. The largest of them in every lane, or 0 where all
// are -inf. A NaN score needs no care: its weight is a NaN, and so are the sum and every result.
WB_INLINE F mask_scores(const Attention &a, int64_t head, int64_t query, int64_t count, float *s) {
    const int64_t mask_at = head * a.mask_head + query * a.mask_query;
    const F none = set(-__builtin_inff());
    F most = none;
    if (a.mask_kind == MaskKind::none) {
        int64_t n = 0;
        for (; n + 16 <= count; n += 16) most = max_or_second(load(s + n), most);
        if (n < count) most = max_or_second(choose(first(count - n), load(s + n), none), most);
        most = fold_max(most);
        return choose(less(none, most), most, set(0.0f));
    }
    for (int64_t n = 0; n < count; n += 16) {
        const int64_t here = least(16, count - n);
        F score = load(s + n);
        if (a.mask_kind == MaskKind::additive) {
            const float *mask = static_cast<const float *>(a.mask) + mask_at + n * a.mask_key;
            score = add(score, a.mask_key ? load_n(mask, here) : set(*mask));
        } else if (a.mask_kind == MaskKind::boolean) {
            const uint8_t *mask = static_cast<const uint8_t *>(a.mask) + mask_at + n * a.mask_key;
            score = a.mask_key ? choose(load_mask(mask, here), score, none) : *mask ? score : none;
        }
        if (here < 16) score = choose(first(here), score, none);
        store(s + n, score);
        most = max_or_second(score, most);
    }
    most = fold_max(most);
    return choose(less(none, most), most, set(0.0f));
}

WB_INLINE void store_weight(float *to, F weight) { store(to, weight); }
#ifdef WB_BF16
WB_INLINE void store_weight(uint16_t *to, F weight) { store_halves(to, nearest_bf16(weight), 16); }
#endif

// The scores of `rows` queries from `query` on against the first `keys` keys into s, then their weights into `weights`,
// floats, or bf16 with zeros behind them. inverse: 1 / sum; kAttentionRows of them, all initialised.
template <class Dot, class Weight>
WB_INLINE void score_rows(const Attention &a, int64_t head, int64_t query, int64_t rows, int64_t keys,
                          const void *queries, int64_t words, const void *panels, float *s, Weight *weights,
                          float *inverse) {
    const int64_t stride = panel_columns(a.keys);
    multiply(Product<Dot>{static_cast<const char *>(queries),
                          words * 4,
                          rows,
                          words,
                          static_cast<const char *>(panels),
                          128,
                          words * 128,
                          (keys + kLeastColumns - 1) / kLeastColumns * kLeastColumns,
                          nullptr,
                          {},
                          {},
                          s,
                          stride});
    // All rows' maxima first: one row's chain of operations after the other would leave the units idle.
    F top[kAttentionRows], sums[kAttentionRows];
    auto count = [&](int64_t r) { return a.causal ? least(keys, query + r + 1) : keys; };
    for (int64_t r = 0; r < rows; ++r) top[r] = mask_scores(a, head, query + r, count(r), s + r * stride);
    for (int64_t r = 0; r < rows; ++r) {
        const float *p = s + r * stride;
        Weight *to = weights + r * stride;
        F lanes = set(0.0f);
        int64_t n = 0;
        const int64_t here = count(r);
        for (; n + 16 <= here; n += 16) {
            F weight = exp(sub(load(p + n), top[r]));
            lanes = add(lanes, weight);
            store_weight(to + n, weight);
        }
        if (n < here) {  // past the end: exp(0), made 0, which no lane notices
            M inside = first(here - n);
            F weight = keep(inside, exp(keep(inside, sub(load(p + n), top[r]))));
            lanes = add(lanes, weight);
            store_weight(to + n, weight);
            n += 16;
        }
        if constexpr (!std::is_same_v<Weight, float>)
            for (; n < stride; n += 16) store_weight(to + n, set(0.0f));
        sums[r] = lanes;
    }
    for (int64_t r = 0; r < rows; ++r) inverse[r] = fold_add(sums[r]);
    for (int64_t r = 0; r < rows; r += 16) store(inverse + r, div(set(1.0f), load(inverse + r)));
}

WB_INLINE void zero_empty_rows(const Attention &a, const float *inverse, int64_t rows, float *out) {
    if (!a.zero_when_empty) return;
    for (int64_t r = 0; r < rows; ++r)
        if (inverse[r] == __builtin_inff())  // no weight: 1 / 0
            for (int64_t j = 0; j < a.value_dim; ++j) out[r * a.out_row + j] = 0.0f;
}

// A head's values by 16 columns, all keys of them in one piece.
WB_INLINE void pack_values(const Attention &a, const float *v, int64_t values, float *packed) {
    for (int64_t n = 0; n < a.keys; ++n)
        for (int64_t j = 0; j < values; j += 16)
            store(packed + j * a.keys + 16 * n, load_n(v + n * a.v_row + j, a.value_dim - j));
}

// Causal rows take the keys behind the `common` ones that all rows may see, each its own, and then their factor.
WB_INLINE void add_own_keys(const Attention &a, int64_t query, int64_t rows, int64_t common, int64_t keys,
                            const float *s, int64_t padded, const float *v, int64_t v_row, int64_t v_part,
                            const float *inverse, float *out) {
    for (int64_t r = 0; r < rows; ++r) {
        const float *p = s + r * padded;
        for (int64_t j = 0; j < a.value_dim; j += 16) {
            const int64_t here = least(16, a.value_dim - j);
            F sum = load_n(out + r * a.out_row + j, here);
            for (int64_t n = common; n < least(keys, query + r + 1); ++n)
                sum = fma(load(v + n * v_row + j / 16 * v_part), set(p[n]), sum);
            store_n(out + r * a.out_row + j, mul(sum, set(inverse[r])), here);
        }
    }
}

static void attention_f32(const Attention &a) noexcept {
    const int64_t padded = panel_columns(a.keys), values = (a.value_dim + 15) / 16 * 16;
    Scratch scratch{static_cast<char *>(a.scratch)};
    const int64_t block = a.causal ? kTileRows : attention_rows(padded);
    auto *queries = scratch.take<float>(block * a.dim);
    auto *panels = scratch.take<float>(padded * a.dim);
    auto *s = scratch.take<float>(block * padded);
    auto *packed = scratch.take<float>(a.keys * values);
    // V by 16 columns: a head's own rows lie so far apart that more than a few do not fit L1 together.
    const bool pack = a.value_dim % 16 || (a.keys > 32 && a.queries > kTileRows);
    const int64_t v_row = pack ? 16 : a.v_row, v_part = pack ? 16 * a.keys : 16;  // to the next key, and 16 columns
    float inverse[kAttentionRows] = {};
    for (int64_t head = 0; head < a.heads; ++head) {
        const float *v = a.v + head * a.v_head;
        to_panels(a.k + head * a.k_head, a.k_row, a.keys, a.dim, panels);
        if (pack) {
            pack_values(a, v, values, packed);
            v = packed;
        }
        const int64_t blocks = (a.queries + block - 1) / block;
        for (int64_t t = 0, query = 0; t < blocks; ++t) {
            const int64_t rows = a.queries / blocks + (t < a.queries % blocks);
            for (int64_t r = 0; r < rows; ++r)
                each(a.q + (query + r) * a.q_row + head * a.q_head, queries + r * a.dim, a.dim,
                     [&](F x) WB_LAMBDA { return mul(x, set(a.scale)); });
            const int64_t keys = a.causal ? least(a.keys, query + rows) : a.keys;
            score_rows<DotF32>(a, head, query, rows, keys, queries, a.dim, panels, s, s, inverse);
            // All rows take the keys that all may see; causal rows go on alone, then take their factor.
            const int64_t common = a.causal ? least(keys, query + 1) : keys;
            float *out = a.out + query * a.out_row + head * a.out_head;
            const float *factors = inverse;
            float ones[kTileRows];
            for (float &one : ones) one = 1.0f;
            if (common < keys) factors = ones;
            DotScaled dot;
            dot.factors = factors;
            multiply(Product<DotScaled>{reinterpret_cast<const char *>(s),
                                        padded * 4,
                                        rows,
                                        common,
                                        reinterpret_cast<const char *>(v),
                                        v_row * 4,
                                        v_part * 8,
                                        a.value_dim,
                                        nullptr,
                                        dot,
                                        {},
                                        out,
                                        a.out_row,
                                        {},
                                        v_part * 4});
            if (common < keys) add_own_keys(a, query, rows, common, keys, s, padded, v, v_row, v_part, inverse, out);
            zero_empty_rows(a, inverse, rows, out);
            query += rows;
        }
    }
}

}  // namespace weighbridge::lib::native::WB_LEVEL

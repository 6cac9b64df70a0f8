// SPDX-License-Identifier: Apache-2.0
// The device's attention over packed sequences against its twin, sequence by sequence, bit for bit.
#include <cmath>

#include "backend/reference/twins.hpp"
#include "cuda/device_run.hpp"
#include "support/cuda_sim/control.hpp"

namespace {

using namespace cuda_kernels;
namespace twins = weighbridge::lib::reference::twins;
using weighbridge::lib::kTensorFamilies, weighbridge::lib::TensorFamily;

// Heads of one of q, k, v and out, of rows by `length` (L, or a number): side by side in a row, or one after another.
struct Heads {
    HeadView view;
    int64_t width;
    Terms piece;

    Heads(Random &random, int64_t heads, int64_t outer, const Terms &rows, int64_t dim) : width(dim) {
        const int64_t wide = dim + random.between(0, 3);
        auto times = [](const Terms &terms, int64_t by) { return Terms{terms.a * by, terms.b * by, terms.c * by}; };
        if (random.between(0, 1)) {
            view.row = {wide * heads, 0, 0};
            view.head = {wide, 0, 0};
        } else {
            view.row = {wide, 0, 0};
            view.head = times(rows, wide);
        }
        view.outer = times(rows, wide * heads);
        view.view.offset = {random.between(0, 2), 0, 0};
        piece = times(rows, wide * heads * outer);
        piece.a += view.view.offset.a;
        view.view.piece = piece;
    }
    HeadView on(const void *base) const {
        HeadView there = view;
        there.view.base = const_cast<void *>(base);
        return there;
    }
    int64_t begin(Packed &run, int64_t i, int64_t outer) const {
        return run.sum(piece, i) + view.view.offset.a + outer * value(view.outer, run.length(i));
    }
};

struct Shape {
    int64_t heads, outer, dim, value_dim, most_length, most_sequences;
};

// Which of the two kernels, and as which GPUs.
struct Products {
    const TensorFamily *family = nullptr;  // null: fp32

    const char *kernel() const { return family ? "wb_attention_bf16" : "wb_attention"; }
    int64_t shared_bytes(int64_t score_stride, bool in_shared) const {
        return (family ? attention_bf16_shared_bytes : attention_shared_bytes)(score_stride, in_shared);
    }
};

void compare(Random &random, Shape s, int64_t one_special_in, const Products &by) {
    if (by.family) cuda_sim::set_tensor_sums(by.family->sums.block, by.family->sums.fraction);
    Packed run(some_lengths(random, s.most_sequences, s.most_length));
    const bool own_length = random.between(0, 3) != 0;  // queries as many as keys; else a fixed number
    const Terms keys{random.between(0, 1), 1, 0}, queries = own_length ? keys : Terms{random.between(1, 20), 0, 0};
    Heads q(random, s.heads, s.outer, queries, s.dim), k(random, s.heads, s.outer, keys, s.dim),
        v(random, s.heads, s.outer, keys, s.value_dim), out(random, s.heads, s.outer, queries, s.value_dim);
    Guarded<float> q_data(run.sum(q.piece)), k_data(run.sum(k.piece)), v_data(run.sum(v.piece));
    fill(random, q_data), fill(random, k_data), fill(random, v_data, one_special_in);
    if (one_special_in && k_data.size() > 0) k_data[random.between(0, k_data.size() - 1)] = NAN;
    Guarded<float> expected(run.sum(out.piece)), found(run.sum(out.piece));
    expected.fill(-7.0f);

    Attention a;
    a.run = run.run();
    a.q = q.on(q_data.data()), a.k = k.on(k_data.data()), a.v = v.on(v_data.data()), a.out = out.on(found.data());
    a.outer = {s.outer, 0, 0}, a.heads = {s.heads, 0, 0}, a.queries = queries, a.keys = keys;
    a.dim = s.dim, a.value_dim = s.value_dim;
    a.scale = 1.0f / std::sqrt(static_cast<float>(s.dim));
    a.causal = random.between(0, 1) == 0;
    a.zero_when_empty = random.between(0, 1) == 0;
    a.mask_kind = static_cast<kernel::MaskKind>(random.between(0, 2));
    // A mask of [outer, heads, queries, keys], each of them 1 now and then; the pieces are as large as if none were.
    const bool by_key = random.between(0, 4) != 0, by_query = own_length && random.between(0, 1);
    a.mask_key = {by_key ? 1 : 0, 0, 0};
    if (by_query) a.mask.row = keys;
    const int64_t most_keys = value(keys, s.most_length), head_room = most_keys * most_keys + 1;
    if (random.between(0, 1)) a.mask.head = {head_room, 0, 0};
    a.mask.view.piece = {head_room * s.heads, 0, 0};
    Guarded<float> additive(run.sum(a.mask.view.piece));
    Guarded<uint8_t> boolean(additive.size());
    const int64_t out_of = random.between(0, 3);
    for (int64_t i = 0; i < additive.size(); ++i) {
        additive[i] = random.between(0, 3) && out_of ? random.normal() : -INFINITY;
        boolean[i] = out_of && random.between(0, out_of) ? 1 : 0;
    }
    if (a.mask_kind == kernel::MaskKind::additive) a.mask.view.base = additive.data();
    if (a.mask_kind == kernel::MaskKind::boolean) a.mask.view.base = boolean.data();

    for (int64_t i = 0; i < run.size(); ++i)
        for (int64_t o = 0; o < s.outer; ++o) {
            const int64_t l = run.length(i), mask = run.sum(a.mask.view.piece, i);
            kernel::Attention twin{};
            twin.q = q_data.data() + q.begin(run, i, o), twin.q_row = value(q.view.row, l),
            twin.q_head = value(q.view.head, l);
            twin.k = k_data.data() + k.begin(run, i, o), twin.k_row = value(k.view.row, l),
            twin.k_head = value(k.view.head, l);
            twin.v = v_data.data() + v.begin(run, i, o), twin.v_row = value(v.view.row, l),
            twin.v_head = value(v.view.head, l);
            twin.out = expected.data() + out.begin(run, i, o);
            twin.out_row = value(out.view.row, l), twin.out_head = value(out.view.head, l);
            twin.heads = s.heads, twin.queries = value(queries, l), twin.keys = value(keys, l);
            twin.dim = s.dim, twin.value_dim = s.value_dim, twin.scale = a.scale;
            twin.causal = a.causal, twin.zero_when_empty = a.zero_when_empty, twin.mask_kind = a.mask_kind;
            twin.mask_head = a.mask.head.a, twin.mask_query = value(a.mask.row, l), twin.mask_key = a.mask_key.a;
            if (a.mask_kind == kernel::MaskKind::additive) twin.mask = additive.data() + mask;
            if (a.mask_kind == kernel::MaskKind::boolean) twin.mask = boolean.data() + mask;
            twins::attention(twin, by.family != nullptr, by.family);
        }
    CAPTURE(s.heads, s.outer, s.dim, s.value_dim, run.size(), a.causal, static_cast<int>(a.mask_kind),
            a.zero_when_empty, own_length, by_query, by_key);
    a.score_stride = attention_score_stride(most_keys);
    check(random, by.kernel(), a, by.shared_bytes(a.score_stride, true), expected, found);
    Guarded<float> scores(attention_scratch_floats(a.score_stride, 5 * 3 * 3));
    scores.fill(NAN);
    a.scores = scores.data();
    check(random, by.kernel(), a, by.shared_bytes(a.score_stride, false), expected, found);
}

}  // namespace

TEST_CASE("a device's attention gives its twin's bits") {
    Random random(31);
    const Products fp32;
    for (int64_t i = 1; i <= 40; ++i)
        compare(random, {random.between(1, 3), 1, random.between(1, 70), random.between(1, 140), i, 4},
                i % 3 == 0 ? 200 : 0, fp32);
    for (int64_t length : {63, 64, 65, 130})
        compare(random, {1, 1, random.between(1, 40), random.between(1, 40), length, 2}, 0, fp32);
    for (int i = 0; i < 6; ++i) compare(random, {2, random.between(2, 3), 8, 12, 20, 3}, 0, fp32);
}

TEST_CASE("a device's attention in bf16 gives its twin's bits, as each family sums") {
    Random random(32);
    for (int64_t i = 1; i <= 40; i += 3)
        compare(random, {random.between(1, 3), 1, random.between(1, 140), random.between(1, 140), i, 4},
                i % 2 == 0 ? 200 : 0, {&kTensorFamilies[i % 2]});
    for (int64_t length : {63, 64, 65, 130})
        compare(random, {1, 1, random.between(1, 40), random.between(1, 40), length, 2}, 0,
                {&kTensorFamilies[length % 2]});
    for (int i = 0; i < 4; ++i) compare(random, {2, random.between(2, 3), 8, 12, 20, 3}, 0, {&kTensorFamilies[i % 2]});
}

// SPDX-License-Identifier: Apache-2.0
// Attention, norms, softmax and reductions of every level against their twins, bit for bit.
#include <cmath>
#include <limits>

#include "backend/reference/twins.hpp"
#include "native_kernels.hpp"
#include "support/catch.hpp"

namespace {

using namespace native_kernels;
namespace twins = weighbridge::lib::reference::twins;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct Case {
    int64_t heads, queries, keys, dim, value_dim;
};

std::vector<Case> cases() {
    Random random(21);
    std::vector<Case> all = {{2, 34, 34, 64, 64},  {1, 1, 128, 32, 32},  {3, 5, 1, 8, 16}, {2, 3, 0, 8, 8},
                             {1, 25, 257, 20, 24}, {1, 13, 1024, 16, 1}, {1, 0, 5, 4, 4}};
    // Where blocks of queries get smaller, to either side of it.
    for (int64_t keys : {64, 65, 96, 97, 128, 129, 160, 161, 192, 320}) all.push_back({1, 50, keys, 8, 16});
    for (int64_t i = 1; i <= 70; ++i)
        all.push_back({random.between(1, 3), random.between(1, 30), i, random.between(1, 40), random.between(1, 40)});
    for (int64_t i = 1; i <= 40; ++i)
        all.push_back({1, i, random.between(1, 40), random.between(1, 70), random.between(1, 70)});
    return all;
}

int64_t extent(int64_t rows, int64_t stride, int64_t width) { return rows > 0 ? (rows - 1) * stride + width : 0; }

void fill_special(Random &random, Guarded<float> &x) {
    random.normals(x);
    if (x.size() == 0) return;
    const float specials[] = {kNaN, kInfinity, -kInfinity, 0.0f, -0.0f, 1e-40f, 3e38f};
    if (random.between(0, 2) == 0) x[random.between(0, x.size() - 1)] = specials[random.between(0, 6)];
}

}  // namespace

TEST_CASE("native attention gives its twins' bits at every level") {
    Random random(22);
    for (Case c : cases()) {
        // Heads side by side in a row, or heads outside rows.
        const bool inside = random.between(0, 1) == 0;
        const int64_t pad = random.between(0, 3), width = c.dim + pad, value_width = c.value_dim + pad;
        auto row = [&](int64_t w) { return inside ? w * c.heads : w; };
        auto head = [&](int64_t w, int64_t rows) { return inside ? w : w * rows; };
        auto size = [&](int64_t rows, int64_t w, int64_t used) {
            return rows == 0 ? 0 : (c.heads - 1) * head(w, rows) + extent(rows, row(w), used);
        };
        Guarded<float> q(size(c.queries, width, c.dim)), k(size(c.keys, width, c.dim)),
            v(size(c.keys, value_width, c.value_dim));
        random.normals(q);
        random.normals(k);
        fill_special(random, v);
        if (random.between(0, 9) == 0 && k.size() > 0) k[0] = kNaN;
        native::Attention a{};
        a.q = q.data(), a.q_row = row(width), a.q_head = head(width, c.queries);
        a.k = k.data(), a.k_row = row(width), a.k_head = head(width, c.keys);
        a.v = v.data(), a.v_row = row(value_width), a.v_head = head(value_width, c.keys);
        a.heads = c.heads, a.queries = c.queries, a.keys = c.keys, a.dim = c.dim, a.value_dim = c.value_dim;
        a.scale = 1.0f / std::sqrt(static_cast<float>(c.dim));
        a.causal = random.between(0, 1) == 0;
        a.zero_when_empty = random.between(0, 1) == 0;
        a.mask_kind = static_cast<native::MaskKind>(random.between(0, 2));
        a.mask_key = random.between(0, 4) ? 1 : 0;
        a.mask_query = random.between(0, 1) ? (a.mask_key ? c.keys : 1) : 0;
        a.mask_head = random.between(0, 1) ? a.mask_query * c.queries : 0;
        const int64_t masks = (c.heads - 1) * a.mask_head + (c.queries > 0 ? (c.queries - 1) * a.mask_query : 0) +
                              (a.mask_key ? c.keys : 1);
        Guarded<float> additive(masks);
        Guarded<uint8_t> boolean(masks);
        const int64_t out_of = random.between(1, 3);  // one mask in so many lets a key through
        for (int64_t i = 0; i < masks; ++i) {
            additive[i] = random.between(0, 3) ? random.normal() : -kInfinity;
            boolean[i] = random.between(0, out_of) ? 1 : 0;
        }
        if (random.between(0, 3) == 0)
            for (int64_t i = 0; i < masks && i < c.keys; ++i) additive[i] = -kInfinity, boolean[i] = 0;
        if (a.mask_kind == native::MaskKind::additive) a.mask = additive.data();
        if (a.mask_kind == native::MaskKind::boolean) a.mask = boolean.data();
        a.out_row = row(value_width), a.out_head = head(value_width, c.queries);
        const int64_t outs = size(c.queries, value_width, c.value_dim);
        Guarded<float> expected(outs), found(outs);
        Guarded<char> scratch((native::attention_scratch_bytes(c.queries, c.keys, c.dim, c.value_dim) + 63) / 64 * 64);
        a.scratch = scratch.data();
        for (bool bf16 : {false, true}) {
            for (const Tested &level : tested_levels()) {
                auto kernel = bf16 ? level.kernels->attention_bf16 : level.kernels->attention_f32;
                if (!kernel) continue;
                const bool tiles = bf16 && level.kernels->level == native::Level::amx;
                expected.fill(-7.0f);
                a.out = expected.data();
                (tiles ? twins::attention_bf16_amx : bf16 ? twins::attention_bf16 : twins::attention_f32)(a);
                a.out = found.data();
                found.fill(-7.0f);
                kernel(a);
                int64_t at = first_difference(expected.data(), found.data(), outs);
                CAPTURE(level.name, bf16, c.heads, c.queries, c.keys, c.dim, c.value_dim, a.causal, at,
                        static_cast<int>(a.mask_kind), a.mask_key, a.mask_query, a.zero_when_empty);
                if (at >= 0) FAIL(expected[at] << " is the twin's, " << found[at] << " was found");
            }
        }
    }
}

TEST_CASE("attention agrees with double arithmetic, and a fully masked row is NaN or zero") {
    Random random(23);
    const int64_t keys = 37, dim = 16;
    Guarded<float> q(dim), k(keys * dim), v(keys * dim), out(dim);
    random.normals(q), random.normals(k), random.normals(v);
    Guarded<char> scratch(native::attention_scratch_bytes(1, keys, dim, dim));
    Guarded<uint8_t> mask(1);
    native::Attention a{
        q.data(),    k.data(), v.data(), dim, dim,        dim,   dim,   dim,           dim,
        1,           1,        keys,     dim, dim,        0.25f, false, false,         native::MaskKind::none,
        mask.data(), 0,        0,        0,   out.data(), dim,   dim,   scratch.data()};
    std::vector<double> weight(keys), expected(dim, 0.0);
    double total = 0;
    for (int64_t n = 0; n < keys; ++n) {
        double s = 0;
        for (int64_t d = 0; d < dim; ++d) s += 0.25 * q[d] * k[n * dim + d];
        total += weight[n] = std::exp(s);
    }
    for (int64_t n = 0; n < keys; ++n)
        for (int64_t d = 0; d < dim; ++d) expected[d] += weight[n] / total * v[n * dim + d];
    for (const Tested &level : tested_levels()) {
        CAPTURE(level.name);
        a.mask_kind = native::MaskKind::none;
        level.kernels->attention_f32(a);
        for (int64_t d = 0; d < dim; ++d) REQUIRE(std::fabs(out[d] - expected[d]) < 1e-6);
        a.mask_kind = native::MaskKind::boolean;
        mask[0] = 0;
        a.zero_when_empty = false;
        level.kernels->attention_f32(a);
        REQUIRE(std::isnan(out[3]));
        a.zero_when_empty = true;
        level.kernels->attention_f32(a);
        REQUIRE(same(out[3], 0.0f));
    }
}

TEST_CASE("native norms, softmax and reductions give their twins' bits at every level") {
    Random random(24);
    std::vector<int64_t> widths = {128, 256, 320, 512, 1000, 1024, 4096};
    for (int64_t i = 1; i <= 70; ++i) widths.push_back(i);
    for (int64_t width : widths)
        for (int64_t rows : {int64_t{1}, random.between(2, 9)}) {
            const int64_t stride = width + random.between(0, 4), size = extent(rows, stride, width);
            Guarded<float> x(size), gamma(width), beta(width), expected(size), found(size), one(rows), other(rows);
            fill_special(random, x);
            random.normals(gamma), random.normals(beta);
            native::LayerNorm norm{x.data(),
                                   stride,
                                   rows,
                                   width,
                                   random.between(0, 2) ? gamma.data() : nullptr,
                                   random.between(0, 2) ? beta.data() : nullptr,
                                   1e-5f,
                                   expected.data(),
                                   stride};
            native::Softmax softmax{x.data(), stride, rows, width, expected.data(), stride};
            native::Reduce reduce{x.data(), stride, rows, width, one.data()};
            auto same_rows = [&](const Tested &level, const char *what) {
                int64_t at = first_difference(expected.data(), found.data(), size);
                CAPTURE(level.name, what, rows, width, at);
                if (at >= 0) FAIL(expected[at] << " is the twin's, " << found[at] << " was found");
            };
            expected.fill(-7.0f);
            twins::layer_norm(norm);
            norm.y = found.data();
            for (const Tested &level : tested_levels()) {
                found.fill(-7.0f);
                level.kernels->layer_norm(norm);
                same_rows(level, "layer_norm");
            }
            expected.fill(-7.0f);
            twins::softmax_last(softmax);
            softmax.y = found.data();
            for (const Tested &level : tested_levels()) {
                found.fill(-7.0f);
                level.kernels->softmax_last(softmax);
                same_rows(level, "softmax");
            }
            for (int which = 0; which < 3; ++which) {
                reduce.y = one.data();
                which == 0 ? twins::sum_last(reduce) : which == 1 ? twins::max_last(reduce) : twins::min_last(reduce);
                reduce.y = other.data();
                for (const Tested &level : tested_levels()) {
                    const native::Kernels &kernels = *level.kernels;
                    (which == 0 ? kernels.sum_last : which == 1 ? kernels.max_last : kernels.min_last)(reduce);
                    CAPTURE(level.name, which, rows, width);
                    REQUIRE(first_difference(one.data(), other.data(), rows) < 0);
                }
                auto over = [&](const native::Kernels &kernels) {
                    return which == 0 ? kernels.add_rows : which == 1 ? kernels.max_rows : kernels.min_rows;
                };
                auto twin = which == 0 ? twins::add_rows : which == 1 ? twins::max_rows : twins::min_rows;
                for (int64_t i = 0; i < width; ++i) expected[i] = gamma[i];
                twin(x.data(), expected.data(), width);
                for (const Tested &level : tested_levels()) {
                    for (int64_t i = 0; i < width; ++i) found[i] = gamma[i];
                    over (*level.kernels)(x.data(), found.data(), width);
                    CAPTURE(level.name, which, width);
                    REQUIRE(first_difference(expected.data(), found.data(), width) < 0);
                }
            }
        }
}

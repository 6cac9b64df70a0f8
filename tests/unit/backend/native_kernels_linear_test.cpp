// SPDX-License-Identifier: Apache-2.0
// The linear layers of every level against their twins, bit for bit.
#include <cmath>
#include <cstdio>
#include <limits>

#include "backend/reference/twins.hpp"
#include "native_kernels.hpp"
#include "support/catch.hpp"

#ifdef WB_HAVE_SIMDE
#include "native_kernels_tiles.hpp"

namespace weighbridge::lib::native {
namespace simde_avx512 {
const Kernels &table() noexcept;
}
namespace simde_avx512_bf16 {
const Kernels &table() noexcept;
}
namespace simde_amx {
const Kernels &table() noexcept;
}
}  // namespace weighbridge::lib::native
#endif

namespace native_kernels {

const std::vector<Tested> &tested_levels() {
    static const std::vector<Tested> levels = [] {
        std::vector<Tested> found;
        for (int i = 0; i < native::kLevels; ++i) {
            auto level = static_cast<native::Level>(i);
            if (level == native::Level::amx) native::request_amx();
            if (native::available(level))
                found.push_back({native::name_of(level), &native::kernels(level)});
            else
                std::printf("not run: %s (this CPU lacks it)\n", native::name_of(level));
        }
#ifdef WB_HAVE_SIMDE
        if (native::available(native::Level::avx2)) {
            found.push_back({"avx512 through SIMDe", &native::simde_avx512::table()});
            found.push_back({"avx512_bf16 through SIMDe", &native::simde_avx512_bf16::table()});
            found.push_back({"amx through SIMDe", &native::simde_amx::table(), tile_fault});
        }
#endif
        return found;
    }();
    return levels;
}

}  // namespace native_kernels

namespace {

using namespace native_kernels;
using weighbridge::lib::Activation;
using weighbridge::lib::panel_columns;
using weighbridge::lib::Range;
namespace lib = weighbridge::lib;
namespace twins = weighbridge::lib::reference::twins;

struct Shape {
    int64_t rows, k, n;
};

// Every number of rows to 40 and of k and n to 70, and the sizes of real layers.
std::vector<Shape> shapes(uint64_t seed) {
    Random random(seed);
    std::vector<Shape> all;
    for (int64_t rows = 1; rows <= 40; ++rows) all.push_back({rows, random.between(1, 70), random.between(1, 130)});
    for (int64_t i = 1; i <= 70; ++i) {
        all.push_back({random.between(1, 14), i, random.between(1, 70)});
        all.push_back({random.between(1, 14), random.between(1, 70), i});
    }
    for (int64_t rows : {1, 2, 3, 7, 13, 25}) {
        all.push_back({rows, 320, 512});
        all.push_back({rows, 1024, 65});
        all.push_back({rows, 128, 1});
    }
    all.push_back({70, 1030, 33});
    return all;
}

// Strides wider than the rows, a residual or none, every activation.
struct Around {
    int64_t x_stride, y_stride, residual_stride;
    Activation activation;
    bool bias, residual;
};
Around around(Random &random, Shape s, int64_t word) {
    return {
        (s.k + word - 1) / word * word + random.between(0, 5), s.n + random.between(0, 5), s.n + random.between(0, 3),
        static_cast<Activation>(random.between(0, 7)),         random.between(0, 3) != 0,  random.between(0, 1) == 0};
}
int64_t extent(int64_t rows, int64_t stride, int64_t width) { return (rows - 1) * stride + width; }

// Which levels a case is for.
using Chosen = bool (*)(const native::Kernels &);
bool every_level(const native::Kernels &) { return true; }
bool with_tiles(const native::Kernels &kernels) { return kernels.level == native::Level::amx; }
bool with_vdpbf16ps(const native::Kernels &kernels) { return kernels.linear_bf16 && !with_tiles(kernels); }

template <class Layer, class Kernel, class Twin>
void compare(const char *what, Layer layer, Around a, Kernel kernel, Twin twin, Chosen chosen = every_level) {
    const int64_t size = extent(layer.rows, a.y_stride, layer.n);
    Guarded<float> expected(size), found(size);
    expected.fill(-7.0f);
    layer.y = expected.data();
    twin(layer);
    for (const Tested &level : tested_levels()) {
        if (!chosen(*level.kernels)) continue;
        found.fill(-7.0f);
        layer.y = found.data();
        kernel(*level.kernels, layer);
        if (const char *fault = level.fault ? level.fault() : nullptr) FAIL(what << ' ' << level.name << ": " << fault);
        int64_t at = first_difference(expected.data(), found.data(), size);
        if (at < 0) continue;
        CAPTURE(what, level.name, layer.rows, layer.k, layer.n, at, expected[at], found[at],
                static_cast<int>(layer.epilogue.activation));
        FAIL("bits differ from the twin's");
    }
}

struct Buffers {
    Guarded<float> bias, residual;
    Buffers(Random &random, Shape s, Around a)
        : bias(panel_columns(s.n)), residual(extent(s.rows, a.residual_stride, s.n)) {
        random.normals(bias);
        random.normals(residual);
    }
    native::Epilogue epilogue(Around a) {
        return {a.activation, 0.1f, a.residual ? residual.data() : nullptr, a.residual_stride};
    }
};

std::vector<float> weights_of(Random &random, Shape s) {
    std::vector<float> weights(static_cast<size_t>(s.n * s.k));
    for (float &w : weights) w = random.normal() * 0.2f;
    return weights;
}

// Layers on activations q, whose bytes are changed in every second one.
void check_i8(Random &random, Shape s, Around a, Range range, Guarded<uint8_t> &q, Guarded<float> &scale,
              Chosen chosen) {
    Buffers b(random, s, a);
    // Bytes of any value, the extremes often: what 16-bit sums would saturate on.
    if (random.between(0, 1) == 0)
        for (int64_t i = 0; i < q.size(); ++i) q[i] = random.between(0, 2) ? 255 : static_cast<uint8_t>(random.bits());
    std::vector<int8_t> weights(static_cast<size_t>(s.n * s.k));
    // Half the layers with pairs that fit 16 bits but only just, half with any.
    const int most = random.between(0, 1) == 0 ? 127 : 64;
    for (int8_t &w : weights)
        w = static_cast<int8_t>(random.between(0, 2) ? most - 2 * most * (random.between(0, 9) == 0)
                                                     : random.between(-most, most));
    Guarded<int8_t> panels(lib::panel_elements_i8(s.n, s.k));
    lib::pack_i8(weights.data(), s.k, s.n, s.k, panels.data());
    Guarded<float> w_scale(panel_columns(s.n)), shift(panel_columns(s.n));
    Guarded<int32_t> start(panel_columns(s.n));
    for (int64_t i = 0; i < w_scale.size(); ++i) w_scale[i] = 0.001f * static_cast<float>(random.between(1, 999));
    lib::column_sums(panels.data(), s.n, s.k, start.data());
    lib::int8_start(range, start.data(), s.n, w_scale.data(), a.bias ? b.bias.data() : nullptr, start.data(),
                    shift.data());
    native::LinearI8 layer{q.data(),
                           a.x_stride,
                           scale.data(),
                           s.rows,
                           s.k,
                           panels.data(),
                           lib::int8_pairs_fit(panels.data(), s.n, s.k),
                           s.n,
                           w_scale.data(),
                           start.data(),
                           shift.data(),
                           b.epilogue(a),
                           nullptr,
                           a.y_stride};
    compare(
        "i8", layer, a, [](auto &k, auto &l) { k.linear_i8(l); }, twins::linear_i8, chosen);
}

// Layers on activations x, by the recipe of each level's instruction.
void check_bf16(Random &random, Shape s, Around a, Guarded<uint16_t> &x, const std::vector<uint16_t> &weights,
                Chosen chosen) {
    Buffers b(random, s, a);
    if (random.between(0, 5) == 0) b.bias.fill(-0.0f);
    if (random.between(0, 5) == 0) b.bias[0] = -1e-40f;
    Guarded<uint16_t> panels(lib::panel_elements_bf16(s.n, s.k));
    lib::pack_bf16(weights.data(), s.k, s.n, s.k, panels.data());
    native::LinearBf16 layer{
        x.data(),      a.x_stride, s.rows,    s.k, panels.data(), s.n, a.bias ? b.bias.data() : nullptr,
        b.epilogue(a), nullptr,    a.y_stride};
    auto kernel = [](auto &k, auto &l) { k.linear_bf16(l); };
    if (chosen != with_tiles) compare("bf16", layer, a, kernel, twins::linear_bf16, with_vdpbf16ps);
    compare("bf16 by tiles", layer, a, kernel, twins::linear_bf16_amx, with_tiles);
}

}  // namespace

TEST_CASE("native linear_f32 gives its twin's bits at every level") {
    Random random(1);
    for (Shape s : shapes(11)) {
        Around a = around(random, s, 1);
        Buffers b(random, s, a);
        Guarded<float> x(extent(s.rows, a.x_stride, s.k)), panels(lib::panel_elements_f32(s.n, s.k));
        random.normals(x);
        if (random.between(0, 5) == 0) x[random.between(0, x.size() - 1)] = std::numeric_limits<float>::quiet_NaN();
        if (random.between(0, 5) == 0) x[random.between(0, x.size() - 1)] = std::numeric_limits<float>::infinity();
        lib::pack_f32(weights_of(random, s).data(), s.k, s.n, s.k, panels.data());
        native::LinearF32 layer{
            x.data(),      a.x_stride, s.rows,    s.k, panels.data(), s.n, a.bias ? b.bias.data() : nullptr,
            b.epilogue(a), nullptr,    a.y_stride};
        compare(
            "f32", layer, a, [](auto &k, auto &l) { k.linear_f32(l); }, twins::linear_f32);
    }
}

TEST_CASE("native quantise_rows and linear_i8 give their twins' bits at every level") {
    Random random(2);
    for (Shape s : shapes(12)) {
        Around a = around(random, s, 4);
        const auto range = static_cast<Range>(random.between(0, 2));
        const int64_t padded = (s.k + 3) / 4 * 4;
        Guarded<float> x(extent(s.rows, s.k + 1, s.k)), scale(s.rows), found_scale(s.rows);
        random.normals(x);
        switch (random.between(0, 7)) {
            case 0:
                x[random.between(0, x.size() - 1)] = std::numeric_limits<float>::quiet_NaN();
                break;
            case 1:
                x[random.between(0, x.size() - 1)] = -std::numeric_limits<float>::infinity();
                break;
            case 2:
                x.fill(0.0f);
                break;
            case 3:
                x.fill(1e-37f);
                break;
            default:
                break;
        }
        const int64_t bytes = extent(s.rows, a.x_stride, padded);
        Guarded<uint8_t> q(bytes), found(bytes);
        q.fill(77);
        native::QuantiseRows quantise{x.data(), s.k + 1, s.rows, s.k, range, q.data(), a.x_stride, scale.data()};
        twins::quantise_rows(quantise);
        for (const Tested &level : tested_levels()) {
            found.fill(77);
            quantise.q = found.data();
            quantise.scale = found_scale.data();
            level.kernels->quantise_rows(quantise);
            CAPTURE(level.name, s.rows, s.k, static_cast<int>(range));
            REQUIRE(std::memcmp(q.data(), found.data(), static_cast<size_t>(bytes)) == 0);
            REQUIRE(first_difference(scale.data(), found_scale.data(), s.rows) < 0);
        }
        check_i8(random, s, a, range, q, scale, every_level);
    }
}

TEST_CASE("native bf16 gives the bits of its instruction's recipe, VDPBF16PS or TDPBF16PS") {
    Random random(3);
    for (Shape s : shapes(13)) {
        Around a = around(random, s, 2);
        const int64_t padded = (s.k + 1) / 2 * 2;
        Guarded<float> from(extent(s.rows, s.k + 1, s.k));
        random.normals(from);
        from[random.between(0, from.size() - 1)] = 1e-39f;
        if (random.between(0, 5) == 0) from[0] = std::numeric_limits<float>::quiet_NaN();
        const int64_t size = extent(s.rows, a.x_stride, padded);
        Guarded<uint16_t> x(size), found(size);
        x.fill(7);
        native::RoundRowsBf16 round{from.data(), s.k + 1, s.rows, s.k, x.data(), a.x_stride};
        twins::round_rows_bf16(round);
        for (const Tested &level : tested_levels()) {
            found.fill(7);
            round.q = found.data();
            level.kernels->round_rows_bf16(round);
            CAPTURE(level.name, s.rows, s.k);
            REQUIRE(std::memcmp(x.data(), found.data(), static_cast<size_t>(size) * 2) == 0);
        }
        std::vector<uint16_t> weights;
        for (float w : weights_of(random, s)) weights.push_back(lib::to_bf16(w));
        check_bf16(random, s, a, x, weights, every_level);
    }
}

TEST_CASE("tiles give their twins' bits for any number of rows and odd sizes") {
    Random random(5);
    std::vector<Shape> all;
    for (int64_t rows = 1; rows <= 70; ++rows) {
        all.push_back({rows, random.between(1, 140), 2 * random.between(0, 40) + 1});
        all.push_back({rows, random.between(200, 700), 2 * random.between(0, 20) + 1});
    }
    for (int64_t k : {1, 2, 3, 4, 31, 32, 33, 63, 64, 65, 127, 128, 129, 191, 192, 193, 256, 511, 512})
        for (int64_t n : {1, 15, 16, 17, 31, 32, 33, 49, 64, 65}) all.push_back({random.between(1, 40), k, n});
    for (Shape s : all) {
        Around a = around(random, s, 4);
        Guarded<uint8_t> q(extent(s.rows, a.x_stride, (s.k + 3) / 4 * 4));
        Guarded<float> scale(s.rows);
        for (int64_t i = 0; i < q.size(); ++i) q[i] = static_cast<uint8_t>(random.bits());
        for (int64_t i = 0; i < s.rows; ++i) scale[i] = 0.01f * static_cast<float>(random.between(0, 99));
        check_i8(random, s, a, static_cast<Range>(random.between(0, 2)), q, scale, with_tiles);

        // Ordinary numbers, some whose products are denormal, or bits of any kind.
        a = around(random, s, 2);
        const int64_t kind = random.between(0, 4);
        auto number = [&] {
            if (kind == 0) return static_cast<uint16_t>(random.bits());
            return lib::to_bf16(random.normal() * (kind == 1 ? 0x1p-63f : 1.0f));
        };
        Guarded<uint16_t> x(extent(s.rows, a.x_stride, (s.k + 1) / 2 * 2));
        for (int64_t i = 0; i < x.size(); ++i) x[i] = number();
        if (s.k % 2)
            for (int64_t r = 0; r < s.rows; ++r) x[r * a.x_stride + s.k] = 0;
        std::vector<uint16_t> weights(static_cast<size_t>(s.n * s.k));
        for (uint16_t &w : weights) w = number();
        check_bf16(random, s, a, x, weights, with_tiles);
    }
}

TEST_CASE("a row's bits do not depend on the rows around it, and the residual may be the result") {
    Random random(4);
    const Shape s{40, 131, 77};
    Guarded<float> x(s.rows * s.k), panels(lib::panel_elements_f32(s.n, s.k)), all(s.rows * s.n), one(s.n);
    random.normals(x);
    lib::pack_f32(weights_of(random, s).data(), s.k, s.n, s.k, panels.data());
    for (const Tested &level : tested_levels()) {
        native::LinearF32 layer{x.data(), s.k, s.rows, s.k, panels.data(), s.n, nullptr, {}, all.data(), s.n};
        layer.epilogue.activation = Activation::gelu;
        level.kernels->linear_f32(layer);
        for (int64_t row = 0; row < s.rows; ++row) {
            layer.x = x.data() + row * s.k;
            layer.rows = 1;
            layer.y = one.data();
            level.kernels->linear_f32(layer);
            REQUIRE(first_difference(one.data(), all.data() + row * s.n, s.n) < 0);
        }
        layer.x = x.data();
        layer.rows = s.rows;
        Guarded<float> sum(s.rows * s.n);
        sum.fill(2.5f);
        layer.y = sum.data();
        layer.epilogue.residual = sum.data();
        layer.epilogue.residual_stride = s.n;
        level.kernels->linear_f32(layer);
        for (int64_t i = 0; i < sum.size(); ++i) REQUIRE(same(sum[i], all[i] + 2.5f));
    }
}

// SPDX-License-Identifier: Apache-2.0
// The device's linear layers against their twins, bit for bit.
#include "backend/reference/twins.hpp"
#include "cuda/layer.hpp"

namespace {

using namespace cuda_kernels;
namespace lib = weighbridge::lib;
namespace twins = weighbridge::lib::reference::twins;

constexpr struct {
    const char *name;
    int64_t shared;
} kTiles[] = {{"wb_linear_f32_128", linear_shared_bytes(kLinear128)},
              {"wb_linear_f32_64", linear_shared_bytes(kLinear64)},
              {"wb_linear_f32_32", linear_shared_bytes(kLinear32)},
              {"wb_linear_f32_few", kLinearFewShared}};

}  // namespace

TEST_CASE("a device's linear_f32 gives its twin's bits, whatever the tile") {
    Random random(1);
    int64_t round = 0;
    for (Size s : layer_sizes(2)) {
        Layer layer(random, s);
        Guarded<float> x(layer.x.elements), panels(lib::panel_elements_f32(s.n, s.k));
        fill(random, x, ++round % 3 == 0 ? 60 : 0);
        std::vector<float> weights(static_cast<size_t>(s.n * s.k));
        for (float &w : weights) w = random.between(0, 40) ? random.normal() * 0.2f : -0.0f;
        lib::pack_f32(weights.data(), s.k, s.n, s.k, panels.data());
        for (size_t row = 0; row < layer.y.at.size(); ++row)
            twins::linear_f32({x.data() + layer.x.at[row], s.k, 1, s.k, panels.data(), s.n,
                               layer.has_bias ? layer.bias.data() : nullptr, layer.of(row),
                               layer.expected.data() + layer.y.at[row], s.n});
        const LinearF32 arguments{layer.rows(s.k),
                                  layer.x.on(x.data()),
                                  panels.data(),
                                  s.k,
                                  s.n,
                                  layer.has_bias ? layer.bias.data() : nullptr,
                                  layer.epilogue,
                                  layer.y.on(layer.found.data())};
        CAPTURE(s.k, s.n, layer.y.at.size(), layer.x.view.merged, layer.y.view.merged, layer.epilogue.adds);
        for (const auto &tile : kTiles) check(random, tile.name, arguments, tile.shared, layer.expected, layer.found);
    }
}

TEST_CASE("a device's residual may lie where the result goes") {
    Random random(3);
    const int64_t k = 20, n = 40;
    Packed run({5, 9});
    Guarded<float> x(14 * k), panels(lib::panel_elements_f32(n, k)), y(14 * n), expected(14 * n);
    fill(random, x), fill(random, panels), fill(random, y);
    for (int64_t i = 0; i < y.size(); ++i) expected[i] = y[i];
    twins::linear_f32(
        {x.data(), k, 14, k, panels.data(), n, nullptr, {Activation::gelu, 0, expected.data(), n}, expected.data(), n});
    const RowView rows{{y.data(), {}, {}}, {n, 0, 0}, true};
    const LinearF32 arguments{{run.run(), {0, 1, 0}, {k, 0, 0}},
                              {{x.data(), {}, {}}, {k, 0, 0}, true},
                              panels.data(),
                              k,
                              n,
                              nullptr,
                              {Activation::gelu, 0, true, rows},
                              rows};
    launch("wb_linear_f32_64", arguments, {2, 1, 1}, linear_shared_bytes(kLinear64), cuda_sim::Order::shuffled);
    REQUIRE(first_difference(expected.data(), y.data(), y.size()) < 0);
}

TEST_CASE("a device's quantise_rows and linear_i8 give their twins' bits") {
    Random random(4);
    int64_t round = 0;
    for (Size s : layer_sizes(5)) {
        Layer layer(random, s);
        const auto range = static_cast<Range>(round++ % 3);
        const auto rows = static_cast<int64_t>(layer.y.at.size());
        Guarded<float> x(layer.x.elements), scale(rows), twin_scale(rows);
        fill(random, x, round % 4 == 0 ? 100 : 0);
        if (round % 5 == 0 && rows > 0)
            for (int64_t i = 0; i < s.k; ++i) x[layer.x.at[0] + i] = random.between(0, 1) ? 0.0f : 1e-38f;
        const int64_t stride = quantised_stride(s.k), words = (s.k + 3) / 4 * 4;
        Guarded<uint8_t> q(rows * stride), twin_q(rows * stride);
        twin_q.fill(0);
        for (int64_t row = 0; row < rows; ++row)
            twins::quantise_rows({x.data() + layer.x.at[static_cast<size_t>(row)], s.k, 1, s.k, range,
                                  twin_q.data() + row * stride, words, twin_scale.data() + row});
        for (auto order : {cuda_sim::Order::ascending, cuda_sim::Order::descending, cuda_sim::Order::shuffled}) {
            q.fill(99);
            launch("wb_quantise_rows",
                   QuantiseRows{layer.rows(s.k), layer.x.on(x.data()), s.k, range, q.data(), scale.data()},
                   some_blocks(random), 0, order);
            CAPTURE(s.k, rows, static_cast<int>(range));
            REQUIRE(std::memcmp(q.data(), twin_q.data(), static_cast<size_t>(rows * stride)) == 0);
            REQUIRE(first_difference(scale.data(), twin_scale.data(), rows) < 0);
        }
        if (round % 2 == 0)  // bytes of any value
            for (int64_t i = 0; i < q.size(); ++i)
                q[i] = random.between(0, 2) ? 255 : static_cast<uint8_t>(random.bits());
        std::vector<int8_t> weights(static_cast<size_t>(s.n * s.k));
        for (int8_t &w : weights) w = static_cast<int8_t>(random.between(0, 1) ? 127 : random.between(-127, 127));
        Guarded<int8_t> panels(lib::panel_elements_i8(s.n, s.k));
        lib::pack_i8(weights.data(), s.k, s.n, s.k, panels.data());
        Guarded<float> w_scale(panel_columns(s.n)), shift(panel_columns(s.n));
        Guarded<int32_t> start(panel_columns(s.n));
        for (int64_t i = 0; i < w_scale.size(); ++i) w_scale[i] = 0.001f * static_cast<float>(random.between(1, 999));
        lib::column_sums(panels.data(), s.n, s.k, start.data());
        lib::int8_start(range, start.data(), s.n, w_scale.data(), layer.has_bias ? layer.bias.data() : nullptr,
                        start.data(), shift.data());
        for (size_t row = 0; row < layer.y.at.size(); ++row)
            twins::linear_i8({q.data() + static_cast<int64_t>(row) * stride, stride, scale.data() + row, 1, s.k,
                              panels.data(), false, s.n, w_scale.data(), start.data(), shift.data(), layer.of(row),
                              layer.expected.data() + layer.y.at[row], s.n});
        const LinearI8 arguments{layer.rows(s.k),
                                 q.data(),
                                 scale.data(),
                                 panels.data(),
                                 s.k,
                                 s.n,
                                 w_scale.data(),
                                 start.data(),
                                 shift.data(),
                                 layer.epilogue,
                                 layer.y.on(layer.found.data())};
        CAPTURE(s.k, s.n, rows, static_cast<int>(range));
        check(random, "wb_linear_i8", arguments, tensor_shared_bytes(kLinearI8), layer.expected, layer.found);
        check(random, "wb_linear_i8_few", arguments, 0, layer.expected, layer.found);
    }
}

TEST_CASE("an int8 sum of the largest K is exact on a device") {
    const int64_t k = 65536, n = 1;
    Packed run({1});
    std::vector<int8_t> weights(static_cast<size_t>(k), 127);
    Guarded<int8_t> panels(lib::panel_elements_i8(n, k));
    lib::pack_i8(weights.data(), k, n, k, panels.data());
    Guarded<uint8_t> q(k);
    q.fill(255);
    Guarded<float> ones(32), zeros(32), y(1);
    Guarded<int32_t> start(32);
    ones.fill(1.0f), zeros.fill(0.0f), start.fill(0);
    const LinearI8 arguments{{run.run(), {1, 0, 0}, {k, 0, 0}},
                             q.data(),
                             ones.data(),
                             panels.data(),
                             k,
                             n,
                             ones.data(),
                             start.data(),
                             zeros.data(),
                             {},
                             {{y.data(), {}, {}}, {n, 0, 0}, true}};
    for (const char *name : {"wb_linear_i8", "wb_linear_i8_few"}) {
        y[0] = 0;
        launch(name, arguments, {1, 1, 1},
               name == std::string_view("wb_linear_i8") ? tensor_shared_bytes(kLinearI8) : 0,
               cuda_sim::Order::ascending);
        CAPTURE(name);
        REQUIRE(y[0] == static_cast<float>(int64_t{255} * 127 * k));
    }
}

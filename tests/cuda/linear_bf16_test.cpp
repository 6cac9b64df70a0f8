// SPDX-License-Identifier: Apache-2.0
// The device's linear layers in bf16 against their twin, bit for bit, as each family of GPUs sums.
#include "backend/reference/twins.hpp"
#include "cuda/layer.hpp"
#include "support/cuda_sim/control.hpp"

namespace {

using namespace cuda_kernels;
namespace lib = weighbridge::lib;
namespace twins = weighbridge::lib::reference::twins;

constexpr struct {
    const char *name;
    LinearTile tile;
} kTiles[] = {{"wb_linear_bf16", kLinearBf16}, {"wb_linear_bf16_few", kLinearBf16Few}};

}  // namespace

TEST_CASE("a device's round_rows and linear_bf16 give their twins' bits, as each family sums") {
    Random random(11);
    int64_t round = 0;
    for (Size s : layer_sizes(12)) {
        if (++round > 5 && round % 3 != 0) continue;
        const lib::TensorFamily &family = lib::kTensorFamilies[round / 3 % 2];
        cuda_sim::set_tensor_sums(family.sums.block, family.sums.fraction);
        Layer layer(random, s);
        const auto rows = static_cast<int64_t>(layer.y.at.size()), stride = rounded_stride(s.k);
        Guarded<float> x(layer.x.elements);
        fill(random, x, round % 4 == 0 ? 100 : 0);
        Guarded<uint16_t> q(rows * stride), twin_q(rows * stride), panels(lib::panel_elements_bf16(s.n, s.k));
        twin_q.fill(0);
        for (int64_t row = 0; row < rows; ++row)
            for (int64_t i = 0; i < s.k; ++i)
                twin_q[row * stride + i] =
                    lib::tensor_operand(lib::to_bf16(x[layer.x.at[static_cast<size_t>(row)] + i]));
        for (auto order : {cuda_sim::Order::ascending, cuda_sim::Order::descending, cuda_sim::Order::shuffled}) {
            q.fill(99);
            launch("wb_round_rows", RoundRows{layer.rows(s.k), layer.x.on(x.data()), s.k, q.data()},
                   some_blocks(random), 0, order);
            CAPTURE(s.k, rows);
            REQUIRE(std::memcmp(q.data(), twin_q.data(), static_cast<size_t>(rows * stride * 2)) == 0);
        }
        std::vector<uint16_t> weights(static_cast<size_t>(s.n * s.k));
        for (uint16_t &w : weights) w = lib::to_bf16(random.between(0, 40) ? random.normal() * 0.2f : -0.0f);
        lib::pack_bf16(weights.data(), s.k, s.n, s.k, panels.data());
        const float *bias = layer.has_bias ? layer.bias.data() : nullptr;
        for (size_t row = 0; row < layer.y.at.size(); ++row)
            twins::linear_bf16_of({q.data() + static_cast<int64_t>(row) * stride, stride, 1, s.k, panels.data(), s.n,
                                   bias, layer.of(row), layer.expected.data() + layer.y.at[row], s.n},
                                  &family);
        const LinearBf16 arguments{
            layer.rows(s.k), q.data(), panels.data(), s.k, s.n, bias, layer.epilogue, layer.y.on(layer.found.data())};
        CAPTURE(s.k, s.n, rows, family.name);
        for (const auto &tile : kTiles)
            check(random, tile.name, arguments, tensor_shared_bytes(tile.tile), layer.expected, layer.found);
    }
}

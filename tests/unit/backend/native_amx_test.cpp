// SPDX-License-Identifier: Apache-2.0
// Level amx: the recipe of its bf16 and the id that results carry, and the emulated tiles that stand in for a CPU's.
#include "backend/native/native.hpp"
#include "backend/reference/twins.hpp"
#include "native_kernels.hpp"
#include "plan/panels.hpp"
#include "support/catch.hpp"
#include "support/plans.hpp"

#ifdef WB_HAVE_SIMDE
#include "native_kernels_tiles.hpp"
#endif

namespace {

using namespace native_kernels;
namespace lib = weighbridge::lib;
namespace test = weighbridge::test;
namespace twins = weighbridge::lib::reference::twins;

// One output, its weights all 1.
float sum_of(void (*linear)(const native::LinearBf16 &), const std::vector<float> &x, float bias) {
    const auto k = static_cast<int64_t>(x.size());
    std::vector<uint16_t> inputs, weights(x.size(), lib::to_bf16(1.0f));
    for (float v : x) inputs.push_back(lib::to_bf16(v));
    if (k % 2) inputs.push_back(0);
    std::vector<uint16_t> panels(static_cast<size_t>(lib::panel_elements_bf16(1, k)));
    lib::pack_bf16(weights.data(), k, 1, k, panels.data());
    std::vector<float> biases(32, bias);
    float y = 0;
    linear({inputs.data(), k, 1, k, panels.data(), 1, biases.data(), {}, &y, 1});
    return y;
}

}  // namespace

TEST_CASE("the twin of TDPBF16PS adds even and odd products apart, 32 at a time, and then to the sum") {
    const float big = 0x1p24f;  // to which 1 cannot be added
    // 1 + 1 survive beside the big one, where VDPBF16PS adds each to it.
    REQUIRE(sum_of(twins::linear_bf16_amx, {big, 1, 0, 1}, 0) == big + 2);
    REQUIRE(sum_of(twins::linear_bf16, {big, 1, 0, 1}, 0) == big);
    // The bias comes last.
    REQUIRE(sum_of(twins::linear_bf16_amx, {1, 1}, big) == big + 2);
    // A step of 32 ends the partial sums.
    std::vector<float> x(34, 0.0f);
    x[0] = big;
    x[2] = 1;
    x[32] = 1;
    x[33] = 1;
    REQUIRE(sum_of(twins::linear_bf16_amx, x, 0) == big + 2);
    x[32] = 0;
    x[4] = 1;
    REQUIRE(sum_of(twins::linear_bf16_amx, x, 0) == big);
    // Denormals are zeros, going in and coming out.
    REQUIRE(same(sum_of(twins::linear_bf16_amx, {1e-40f}, 0), 0.0f));
    REQUIRE(sum_of(twins::linear_bf16_amx, {1}, 1e-40f) == 1);
    REQUIRE(same(sum_of(twins::linear_bf16_amx, {0x1.8p-126f, 0}, -0x1p-126f), 0.0f));
    REQUIRE(same(sum_of(twins::linear_bf16_amx, {0x1.8p-126f, -0x1p-126f}, 0), 0.0f));
    REQUIRE(same(sum_of(twins::linear_bf16_amx, {0}, -0.0f), 0.0f));  // as +0 is added
}

TEST_CASE("a row's bits on tiles do not depend on the rows around it") {
    Random random(41);
    const int64_t rows = 70, k = 133, n = 49, stride = 134;
    Guarded<uint16_t> x(rows * stride), panels(lib::panel_elements_bf16(n, k));
    std::vector<uint16_t> weights;
    for (int64_t i = 0; i < n * k; ++i) weights.push_back(lib::to_bf16(random.normal()));
    for (int64_t i = 0; i < x.size(); ++i) x[i] = i % stride < k ? lib::to_bf16(random.normal()) : uint16_t{0};
    lib::pack_bf16(weights.data(), k, n, k, panels.data());
    Guarded<float> all(rows * n), one(n);
    for (const Tested &level : tested_levels()) {
        if (level.kernels->level != native::Level::amx) continue;
        native::LinearBf16 layer{x.data(), stride, rows, k, panels.data(), n, nullptr, {}, all.data(), n};
        layer.epilogue.activation = lib::Activation::gelu;
        level.kernels->linear_bf16(layer);
        layer.rows = 1;
        layer.y = one.data();
        for (int64_t row = 0; row < rows; ++row) {
            layer.x = x.data() + row * stride;
            level.kernels->linear_bf16(layer);
            REQUIRE(first_difference(one.data(), all.data() + row * n, n) < 0);
        }
        // The residual may be the result; no rows, no columns and no inputs are allowed.
        Guarded<float> sum(rows * n);
        sum.fill(2.5f);
        layer = {x.data(), stride, rows, k, panels.data(), n, nullptr, layer.epilogue, sum.data(), n};
        layer.epilogue.residual = sum.data();
        layer.epilogue.residual_stride = n;
        level.kernels->linear_bf16(layer);
        for (int64_t i = 0; i < sum.size(); ++i) REQUIRE(same(sum[i], all[i] + 2.5f));
        Guarded<float> bias(64), untouched(0);
        bias.fill(1e-40f);
        layer = {x.data(), stride, 3, 0, panels.data(), n, bias.data(), {}, sum.data(), n};
        level.kernels->linear_bf16(layer);
        for (int64_t i = 0; i < 3 * n; ++i) REQUIRE(same(sum[i], 1e-40f));
        level.kernels->linear_bf16({x.data(), stride, 0, k, panels.data(), n, nullptr, {}, untouched.data(), n});
        level.kernels->linear_bf16({x.data(), stride, 9, k, panels.data(), 0, nullptr, {}, untouched.data(), n});
        if (level.fault) REQUIRE(level.fault() == nullptr);
    }
}

#if defined(__x86_64__)
TEST_CASE("results carry numerics id 2 where products of bf16 run on tiles, and 1 elsewhere") {
    using native::Level;
    const std::vector<int32_t> all = {WB_PRECISION_FP32, WB_PRECISION_BF16, WB_PRECISION_INT8, WB_PRECISION_INT8BF16};
    const auto mlp = test::mlp_graph(64, 96).plan(all), transformer = test::transformer_graph(64).plan(all);
    auto id = [&](const auto &plan, int32_t precision, Level level) {  // made, not run: the level need not be there
        auto program = lib::make_native_program(plan, precision, level, {});
        REQUIRE(program);
        REQUIRE((*program)->cpu_level() == native::name_of(level));
        return (*program)->numerics();
    };
    REQUIRE((mlp->precisions() == all && transformer->precisions() == all));
    for (int32_t precision : all) {
        REQUIRE((id(mlp, precision, Level::avx512_bf16) == 1 && id(transformer, precision, Level::avx512_bf16) == 1));
        const bool attends_in_bf16 = precision == WB_PRECISION_BF16 || precision == WB_PRECISION_INT8BF16;
        REQUIRE(id(mlp, precision, Level::amx) == (precision == WB_PRECISION_BF16 ? 2 : 1));
        REQUIRE(id(transformer, precision, Level::amx) == (attends_in_bf16 ? 2 : 1));
    }
}

TEST_CASE("level amx has kernels of its own for int8 and bf16 layers") {
    const native::Kernels &amx = native::kernels(native::Level::amx);
    const native::Kernels &below = native::kernels(native::Level::avx512_bf16);
    REQUIRE((amx.level == native::Level::amx && below.level == native::Level::avx512_bf16));
    REQUIRE((amx.linear_i8 != below.linear_i8 && amx.linear_bf16 != below.linear_bf16));
    REQUIRE(amx.attention_bf16 != below.attention_bf16);
    REQUIRE((amx.linear_bf16 && amx.attention_bf16));
}
#endif

#ifdef WB_HAVE_SIMDE
TEST_CASE("emulated tiles take wrong use for a fault, as the CPU does") {
    if (!native::available(native::Level::avx2)) return;
    uint8_t config[64];
    auto reset = [&] {
        std::memset(config, 0, sizeof config);
        config[0] = 1;
        for (int tile = 0; tile < 3; ++tile) {
            config[48 + tile] = 16;
            config[16 + 2 * tile] = 64;
        }
    };
    auto configured_with = [&](int byte, uint8_t value) {
        reset();
        config[byte] = value;
        configure_tiles(config);
        const char *fault = tile_fault();
        return std::string(fault ? fault : "");
    };
    const std::string unreleased = "the tiles are not released";
    REQUIRE(configured_with(0, 1) == unreleased);
    for (int byte : {2, 15, 32, 47, 56, 63}) REQUIRE(configured_with(byte, 1) == "#GP: a reserved byte is not 0");
    REQUIRE(configured_with(0, 2) == "#GP: the palette is not 1");
    REQUIRE(configured_with(1, 1) == "the start row is not 0");
    REQUIRE(configured_with(16, 65) == "#GP: more than 64 bytes a row");
    REQUIRE(configured_with(17, 1) == "#GP: more than 64 bytes a row");
    REQUIRE(configured_with(48, 17) == "#GP: more than 16 rows");

    alignas(64) uint8_t memory[1024] = {};
    auto fault_of = [&](auto use) {
        reset();
        config[16] = 32;  // sums of 8 columns
        config[20] = 32;
        config[16 + 2 * 3] = 30;
        config[48 + 3] = 16;
        config[48 + 4] = config[48 + 5] = 8;
        config[16 + 2 * 4] = config[16 + 2 * 5] = 32;
        configure_tiles(config);
        use();
        tile_release();
        const char *fault = tile_fault();
        return std::string(fault ? fault : "");
    };
    REQUIRE(fault_of([] { dot_tiles_i8(0, 1, 2); }).empty());
    REQUIRE(fault_of([] { dot_tiles_bf16(0, 0, 2); }) == "#UD: a tile is two operands");
    REQUIRE(fault_of([] { dot_tiles_bf16(3, 1, 2); }) == "#UD: a row is no whole number of words");
    REQUIRE(fault_of([] { dot_tiles_bf16(1, 0, 2); }) == "#UD: the sums' columns are not the second operand's");
    REQUIRE(fault_of([] { dot_tiles_i8(0, 4, 2); }) == "#UD: the sums' rows are not the first operand's");
    REQUIRE(fault_of([] { dot_tiles_i8(4, 5, 2); }) ==
            "#UD: the first operand's columns are not the second one's rows");
    REQUIRE(fault_of([&] { load_tile(6, memory, 64); }) == "#UD: a tile that is not configured");
    REQUIRE(fault_of([&] { store_tile(8, memory, 64); }) == "#UD: a tile that does not exist");
    REQUIRE(fault_of([&] {
                tile_release();
                load_tile(0, memory, 64);
            }) == "#UD: no tile is configured");
}

TEST_CASE("emulated tiles read and write the bytes that they are configured for, and no others") {
    if (!native::available(native::Level::avx2)) return;
    uint8_t config[64] = {1};
    config[48] = 3;
    config[16] = 20;
    configure_tiles(config);
    Guarded<uint8_t> from(2 * 100 + 20), to(2 * 100 + 20);
    for (int64_t i = 0; i < from.size(); ++i) from[i] = static_cast<uint8_t>(i + 1);
    to.fill(0);
    load_tile(0, from.data(), 100);
    store_tile(0, to.data(), 100);
    for (int64_t i = 0; i < to.size(); ++i) REQUIRE(to[i] == (i % 100 < 20 ? from[i] : 0));
    load_tile(0, from.data() + 200, 0);  // the same row three times
    store_tile(0, to.data(), 100);
    for (int64_t i = 0; i < to.size(); ++i) REQUIRE(to[i] == (i % 100 < 20 ? from[200 + i % 100] : 0));
    zero_tile(0);
    store_tile(0, to.data(), 100);
    for (int64_t i = 0; i < to.size(); ++i) REQUIRE(to[i] == 0);
    tile_release();
    REQUIRE(tile_fault() == nullptr);
}
#endif

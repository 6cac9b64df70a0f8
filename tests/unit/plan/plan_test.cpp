// SPDX-License-Identifier: Apache-2.0
#include "plan/plan.hpp"

#include "plan/panels.hpp"
#include "support/catch.hpp"
#include "support/plans.hpp"

namespace {

namespace lib = weighbridge::lib;
namespace test = weighbridge::test;
using lib::Extent;

const lib::Precisions kAll{WB_PRECISION_FP32, WB_PRECISION_BF16, WB_PRECISION_INT8, WB_PRECISION_INT8BF16};

}  // namespace

TEST_CASE("precisions have names") {
    for (int32_t precision : kAll) REQUIRE(*lib::precision_of(lib::precision_name(precision)) == precision);
    REQUIRE(lib::precision_name(99) == "unknown");
    REQUIRE(std::string_view(lib::precision_of("fp16").status().message) ==
            "precision: expected fp32, bf16, int8 or int8bf16, got 'fp16'");
    REQUIRE(lib::uses_int8_weights(WB_PRECISION_INT8BF16));
    REQUIRE(lib::needs_bf16_instructions(WB_PRECISION_INT8BF16));
    REQUIRE_FALSE(lib::needs_bf16_instructions(WB_PRECISION_INT8));
}

TEST_CASE("a plan's panels turn back to the weights") {
    constexpr int64_t kOutputs = 70, kInputs = 61;  // too many to stay float32
    const auto numbers = test::fixed_numbers(kOutputs * kInputs, 9);
    test::GraphBuilder build;
    build.output(
        build.linear(build.input(0, lib::DType::float32, {Extent::rows(), Extent::of(kInputs)}), kOutputs, numbers));
    const auto plan = build.plan(kAll);
    const lib::PackedWeights &packed = plan->weights(0);
    std::vector<float> back(numbers.size());
    lib::unpack_f32(packed.f32, kOutputs, kInputs, back.data(), kInputs);
    REQUIRE(back == numbers);
    std::vector<uint16_t> rounded(numbers.size());
    lib::unpack_bf16(packed.bf16, kOutputs, kInputs, rounded.data(), kInputs);
    for (size_t i = 0; i < numbers.size(); ++i) REQUIRE(rounded[i] == lib::to_bf16(numbers[i]));
    std::vector<int8_t> quantised(numbers.size());
    lib::unpack_i8(packed.i8, kOutputs, kInputs, quantised.data(), kInputs);
    for (int64_t row = 0; row < kOutputs; ++row)
        for (int64_t k = 0; k < kInputs; ++k) {
            const auto place = static_cast<size_t>(row * kInputs + k);
            REQUIRE(std::fabs(static_cast<float>(quantised[place]) * packed.i8_scale[row] - numbers[place]) <=
                    packed.i8_scale[row] * 0.51f);
        }
    REQUIRE(plan->weight_bytes(WB_PRECISION_FP32) == 96 * kInputs * 4);
    REQUIRE(plan->weight_bytes(WB_PRECISION_BF16) == 96 * 62 * 2);
    REQUIRE(plan->weight_bytes(WB_PRECISION_INT8) == 96 * 64);
}

TEST_CASE("constants are packed, raw or both, as they are used") {
    test::GraphBuilder build;
    const auto x = build.input(0, lib::DType::float32, {Extent::rows(), Extent::of(2)});
    const auto weights = build.floats({2, 2}, {1, 2, 3, 4}), unused = build.floats({1}, {7});
    const auto y = build.add(lib::Op::linear, {x, weights}, {});
    build.output(build.add(lib::Op::matmul, {y, weights}));
    const auto uses = lib::constant_uses(build.graph);
    REQUIRE((uses[0].weights && uses[0].raw));
    REQUIRE_FALSE((uses[1].weights || uses[1].raw));
    static_cast<void>(unused);
    const lib::Bytes file = *lib::write_plan(*build.plan());
    auto read = test::read_copy(file);
    REQUIRE(read);
    REQUIRE(std::equal((*read)->graph().constants()[0].as<float>(), (*read)->graph().constants()[0].as<float>() + 4,
                       std::vector<float>{1, 2, 3, 4}.begin()));
}

TEST_CASE("plans that no CPU could run are refused") {
    auto status = [](const test::GraphBuilder &build, lib::Precisions precisions) {
        return lib::Plan::make(build.graph, {}, std::move(precisions)).status();
    };
    const auto good = test::mlp_graph();
    REQUIRE(std::string_view(status(good, {}).message).find("precisions") == 0);
    REQUIRE(std::string_view(status(good, {WB_PRECISION_FP32, WB_PRECISION_FP32}).message).find("precisions") == 0);
    REQUIRE(std::string_view(status(good, {WB_PRECISION_BF16}).message).find("precisions") == 0);
    REQUIRE(std::string_view(status(good, {WB_PRECISION_INT8BF16, WB_PRECISION_FP32}).message).find("precisions") == 0);
    REQUIRE(std::string_view(status(good, {0}).message).find("precisions") == 0);
    REQUIRE(status(test::GraphBuilder(), {WB_PRECISION_FP32}).code == WB_INVALID_BUNDLE);
    test::GraphBuilder wide;
    const auto x = wide.input(0, lib::DType::float32, {Extent::rows(), Extent::of(lib::kMaxInt8Width + 1)});
    wide.output(wide.linear(x, 1, std::vector<float>(static_cast<size_t>(lib::kMaxInt8Width + 1), 1.0f)));
    REQUIRE(status(wide, {WB_PRECISION_FP32}).ok());
    REQUIRE(std::string_view(status(wide, {WB_PRECISION_FP32, WB_PRECISION_INT8}).message).find("65536") !=
            std::string::npos);
}

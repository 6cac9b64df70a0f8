// SPDX-License-Identifier: Apache-2.0
// An engine whose model runs in bf16, on the CPU and on simulated GPUs: each with its own numerics, which results say.
#include "backend/reference/reference.hpp"
#include "plan/plan_file.hpp"
#include "support/plans.hpp"
#include "unit/backend/cuda/simulated_engine.hpp"

namespace {

using namespace weighbridge::lib;
using namespace weighbridge::test;

// A CPU with bf16 instructions, as the reference plays them.
class CpuWithBf16 final : public Backend {
  public:
    std::string_view name() const override { return "native"; }
    Expected<std::shared_ptr<const Program>> prepare(const std::shared_ptr<const Bundle> &bundle,
                                                     std::string_view precision, const StopSource &stop) override {
        auto plan = read_plan(*bundle->file("model.plan"), bundle, Checksum::compared, stop);
        if (!plan) return plan.status();
        return make_reference_program(*plan, *precision_of(precision), {"numbers", "country"});
    }
};

// The fixture's model, and in its logit what sums of bf16 lose by rounding in a layer that is no small one; in fp32 and
// bf16. Three of that layer's outputs add up to that: w . x + b, which rounds, -w . x and -b.
Bytes widened(const Bytes &plan) {
    constexpr int64_t kHidden = 33, kWide = 128;
    std::vector<float> as_is(kHidden * 3), weights(kWide * kHidden), bias(kWide);
    const std::vector<float> some = fixed_numbers(kWide, 1);
    for (size_t i = 0; i < 3; ++i) as_is[i * 3 + i] = 1.0f;
    for (size_t row = 0; row + 3 <= kWide; row += 3) {
        for (size_t i = 0; i < 3; ++i) {
            weights[row * kHidden + i] = some[row + i];
            weights[(row + 1) * kHidden + i] = -some[row + i];
        }
        bias[row] = some[row] / 3.0f;
        bias[row + 2] = -bias[row];
    }
    GraphBuilder build;
    const auto numbers = build.input(0, DType::float32, {Extent::rows(), Extent::of(3)});
    const auto country = build.input(1, DType::int64, {Extent::rows()});
    const auto wide = build.linear(build.linear(numbers, kHidden, as_is), kWide, weights, bias);
    const auto lost = build.add(Op::reduce_sum, {wide}, {.axis = 1});
    const auto column = build.add(Op::reshape, {lost}, {.shape = {Extent::rows(), Extent::of(1)}});
    const auto weighed = build.add(Op::add, {build.linear(numbers, 1, {0.5f, -0.25f, 1.0f}, {0.0f}), column});
    const auto table = build.floats({4, 1}, {0.125f, 0.5f, -0.5f, 0.25f});
    const auto logit = build.add(Op::add, {weighed, build.add(Op::embedding, {table, country})});
    const auto flat = build.add(Op::reshape, {logit}, {.shape = {Extent::rows()}});
    build.output(flat);
    build.output(flat);
    return *write_plan(*build.plan({WB_PRECISION_FP32, WB_PRECISION_BF16}, (*read_copy(plan))->module()));
}

FixtureOptions wide_fixture() {
    FixtureOptions options;
    options.plan = [](Bytes plan) { return widened(plan); };
    options.manifest = [](std::string manifest) {
        const std::string before = "  \"limits\"";
        return manifest.insert(manifest.find(before), R"(  "tolerances": {"bf16": {"absolute": 0.01}},
)");
    };
    return options;
}

SimulatedEngine engine_in_bf16() {
    return SimulatedEngine(1, {}, steady_clock(), std::make_unique<CpuWithBf16>(), wide_fixture());
}

}  // namespace

TEST_CASE("a model in bf16 serves on a GPU with that family's numerics, and on the CPU with its own", "[cuda]") {
    const SimulatedEngine on = engine_in_bf16();
    const auto model = on.loaded("bf16");
    for (const std::string &event : on.events()) UNSCOPED_INFO(event);
    REQUIRE(model->replicas().size() == 1);
    constexpr int kRows = 20;
    std::vector<wb_result> there;
    for (int i = 0; i < kRows; ++i) there.push_back(on.scored(model, i));
    cuda_sim::lose(0);
    int differing = 0;
    for (int i = 0; i < kRows; ++i) {
        const wb_result here = on.scored(model, i), &gpu = there[static_cast<size_t>(i)];
        CAPTURE(i);
        CHECK((gpu.device == 1 && gpu.numerics == 17 && gpu.precision == WB_PRECISION_BF16));
        CHECK((here.device == 0 && here.numerics == 1 && here.precision == WB_PRECISION_BF16));
        CHECK(std::abs(here.score - gpu.score) < 1e-4);
        differing += here.score != gpu.score ? 1 : 0;
    }
    CHECK(differing > 0);
}

TEST_CASE("a GPU that sums bf16 as no model says leaves such models to the CPU, with the reason", "[cuda]") {
    const SimulatedEngine on = engine_in_bf16();
    cuda_sim::set_tensor_sums(16, 24);
    const auto model = on.loaded("bf16");
    REQUIRE(model->replicas().empty());
    const auto events = on.events();
    const std::string why = "stays on the CPU, not on cuda:0: cuda:0 (simulated GPU): no bf16 there: expected sums";
    REQUIRE(std::any_of(events.begin(), events.end(),
                        [&](const std::string &event) { return event.find(why) != std::string::npos; }));
    CHECK(on.scored(model, 3).numerics == 1);
}

// SPDX-License-Identifier: Apache-2.0
// bf16 on simulated devices: which have it, with whose bits, and what is said where they do not.
#include <algorithm>

#include "unit/backend/cuda/beside.hpp"

namespace {

namespace lib = weighbridge::lib;
namespace cuda = weighbridge::lib::cuda;
namespace test = weighbridge::test;
using test::Beside, test::gpu;

std::string refusal_of_bf16(const test::SimulatedMachine &machine) {
    const auto build = test::mlp_graph(70, 96);
    const auto plan = build.plan(test::plan_precisions(WB_PRECISION_BF16));
    const auto device = gpu(machine);
    REQUIRE(lib::make_cuda_program(plan, WB_PRECISION_FP32, device, test::input_names(build.graph)));
    auto program = lib::make_cuda_program(plan, WB_PRECISION_BF16, device, test::input_names(build.graph));
    REQUIRE(program.status().code == WB_BACKEND_UNAVAILABLE);
    return std::string(program.status().message);
}

}  // namespace

TEST_CASE("bf16 has the numerics of a GPU's family, and the bits of its sums", "[cuda]") {
    const auto build = test::transformer_graph(24, 30);
    const std::pair<int, lib::TensorSums> gpus[] = {{80, {8, 24}},  {86, {8, 24}},   {89, {8, 24}},
                                                    {90, {16, 25}}, {100, {16, 25}}, {120, {16, 25}}};
    for (const auto &[capability, sums] : gpus) {
        CAPTURE(capability);
        const test::SimulatedMachine machine;
        cuda_sim::set_capability(0, capability);
        cuda_sim::set_tensor_sums(sums.block, sums.fraction);
        const auto device = gpu(machine);
        for (int32_t precision : test::kAllPrecisions) {
            CAPTURE(precision);
            const auto plan = build.plan(test::plan_precisions(precision));
            auto program = lib::make_cuda_program(plan, precision, device, test::input_names(build.graph));
            INFO(program.status().message);
            REQUIRE(program);
            const bool own = lib::needs_bf16_instructions(precision);
            REQUIRE((*program)->numerics() == (own ? sums.block == 8 ? 16 : 17 : 1));
            if (own) Beside(plan, precision, device).require_packed({3, 17, 1}, 1);
        }
    }
}

TEST_CASE("int8bf16 without attention, and bf16 with small layers only, have the CPU's bits", "[cuda]") {
    const test::SimulatedMachine machine;
    cuda_sim::set_capability(0, 103);  // no bf16 there
    for (auto [precision, width] : {std::pair(WB_PRECISION_INT8BF16, 96), std::pair(WB_PRECISION_BF16, 4)}) {
        CAPTURE(precision);
        Beside beside(test::mlp_graph(width, width).plan(test::plan_precisions(precision)), precision, gpu(machine));
        INFO(beside.why_not());
        REQUIRE(beside.on_device());
        beside.require_rows(3, 0, 1);
    }
}

TEST_CASE("a GPU whose sums of bf16 are not known, or others than its family's, is not used for bf16", "[cuda]") {
    {
        const test::SimulatedMachine machine;
        cuda_sim::set_capability(0, 103);
        REQUIRE(
            refusal_of_bf16(machine) ==
            "cuda:0 (simulated GPU): no bf16 there: how tensor cores of compute capability 10.3 round is not known");
    }
    for (lib::TensorSums other : {lib::TensorSums{8, 24}, {16, 24}, {16, 26}, {8, 25}, {4, 25}}) {
        const test::SimulatedMachine machine;
        cuda_sim::set_tensor_sums(other.block, other.fraction);
        const std::string why = "no bf16 there: expected sums of tensor cores as of Hopper and Blackwell, got ";
        REQUIRE(test::part_of(refusal_of_bf16(machine), why) == why);
    }
}

TEST_CASE("whatever call fails while tensor cores are checked, nothing is left behind", "[cuda]") {
    const test::SimulatedMachine machine;
    uint64_t failed = 0, calls = 1;
    for (uint64_t call = 1; call <= calls; ++call) {
        CAPTURE(call);
        cuda_sim::reset();
        const auto device = gpu(machine);
        const auto kernels = *device->kernels();
        const size_t objects = cuda_sim::objects(), bytes = cuda_sim::device_bytes(0);
        const uint64_t before = cuda_sim::calls(nullptr);
        cuda_sim::fail_call(nullptr, call, cuda::kOutOfMemory);
        failed += kernels->tensor_family() ? 0 : 1;
        calls = std::max(calls, cuda_sim::calls(nullptr) - before);
        REQUIRE(cuda_sim::objects() <= objects + 1);  // one that could not be given back
        cuda_sim::clear_faults();
        REQUIRE(kernels->tensor_family());
        REQUIRE(cuda_sim::device_bytes(0) <= bytes + (1 << 20));
    }
    REQUIRE(failed > 8);
}

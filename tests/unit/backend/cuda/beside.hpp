// SPDX-License-Identifier: Apache-2.0
// Plans on a simulated device beside the reference.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "backend/cuda/program.hpp"
#include "backend/plan_run.hpp"
#include "backend/reference/reference.hpp"
#include "support/all_precisions.hpp"
#include "support/cuda_sim/simulated.hpp"
#include "support/packed_rows.hpp"
#include "support/plans.hpp"

namespace weighbridge::test {

inline constexpr int64_t kTile = 24;

inline std::shared_ptr<const lib::cuda::GpuDevice> gpu(const SimulatedMachine &machine, int ordinal = 0) {
    auto opened = lib::cuda::GpuDevice::open(machine.driver(), ordinal, simulated_image());
    INFO(opened.status().message);
    REQUIRE(opened);
    return *opened;
}

inline std::shared_ptr<const lib::Plan> plan_of(const lib::Graph &graph, int32_t precision) {
    auto plan = lib::Plan::make(graph, {}, plan_precisions(precision));
    INFO(plan.status().message);
    REQUIRE(plan);
    return *plan;
}

// Indices for tables of two rows or more.
inline void shrink(const lib::Graph &graph, std::vector<std::vector<std::byte>> &inputs) {
    for (const lib::Node &node : graph.nodes()) {
        if (node.op != lib::Op::input || node.type.dtype != lib::DType::int64) continue;
        auto &memory = inputs[static_cast<size_t>(node.attributes.index)];
        for (size_t i = 0; i < memory.size(); i += sizeof(int64_t)) {
            int64_t number = 0;
            std::memcpy(&number, &memory[i], sizeof number);
            number %= 2;
            std::memcpy(&memory[i], &number, sizeof number);
        }
    }
}

// A plan on the device beside the reference.
class Beside {
  public:
    Beside(std::shared_ptr<const lib::Plan> plan, int32_t precision,
           const std::shared_ptr<const lib::cuda::GpuDevice> &device)
        : plan_(std::move(plan)) {
        const auto names = input_names(plan_->graph());
        const auto reference =
            lib::make_reference_program(plan_, precision, names, lib::tensor_family(device->capability()));
        reference_ = *lib::make_lone_executor(*reference, 0, kTile);
        auto program = lib::make_cuda_program(plan_, precision, device, names);
        why_ = program.status().message;
        if (!program) return;
        REQUIRE((*program)->numerics() == reference->numerics());
        auto executor = lib::make_lone_executor(**program, 0, kTile);
        INFO(executor.status().message);
        REQUIRE(executor);
        device_ = *std::move(executor);
    }
    bool on_device() const { return device_ != nullptr; }
    const std::string &why_not() const { return why_; }

    void require_packed(const std::vector<int64_t> &lengths, uint32_t seed) {
        CAPTURE(lengths);
        PackedRows rows(plan_->graph(), lengths, seed);
        if (small_tables) {
            shrink(plan_->graph(), rows.memory);
            for (Inputs &row : rows.rows) shrink(plan_->graph(), row.memory);
        }
        Outputs expected, found;
        REQUIRE(rows.run_alone(*reference_, expected).ok());
        const lib::Status ran = rows.run(*device_, found);
        INFO(ran.message);
        INFO(cuda_sim::last_fault());
        REQUIRE(ran.ok());
        REQUIRE(same_bits(expected, found));
    }
    void require_rows(int64_t rows, int64_t length, uint32_t seed) {
        CAPTURE(rows, length);
        auto inputs = random_inputs(plan_->graph(), rows, length, seed);
        if (small_tables) shrink(plan_->graph(), inputs.memory);
        auto expected = run(*reference_, plan_->graph(), inputs.views, rows, length);
        INFO(expected.status().message);
        REQUIRE(expected);
        auto found = run(*device_, plan_->graph(), inputs.views, rows, length);
        INFO(found.status().message);
        INFO(cuda_sim::last_fault());
        REQUIRE(found);
        REQUIRE(same_bits(*expected, *found));
    }

    bool small_tables = false;

  private:
    std::shared_ptr<const lib::Plan> plan_;
    std::unique_ptr<lib::Executor> reference_, device_;
    std::string why_;
};

}  // namespace weighbridge::test

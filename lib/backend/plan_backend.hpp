// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backend/backend.hpp"
#include "plan/plan.hpp"

namespace weighbridge::lib {

// What the backends that run plans begin with: the bundle's plan, bound to its manifest, and the precision that a load
// asks for. WB_BACKEND_UNAVAILABLE where the bundle has no plan or the plan not that precision; as Backend::prepare.
struct ChosenPlan {
    std::shared_ptr<const Plan> plan;
    int32_t precision;
    std::vector<std::string> tensor_names;
};
Expected<ChosenPlan> choose_plan(const std::shared_ptr<const Bundle> &bundle, std::string_view precision,
                                 const StopSource &stop = {});

// The nodes that are forward's arguments, and whether one of them is a sequence.
std::vector<ValueId> input_nodes(const Graph &graph);
bool has_length(const Graph &graph);

// Checks a run's inputs against a plan's and finds the length of its sequences, 0 where it has none.
// WB_INTERNAL names the tensor; WB_INVALID_INPUT the length that the model does not take.
Expected<int64_t> check_run(const Run &run, const Graph &graph, std::span<const ValueId> inputs, int64_t tile_rows,
                            const std::vector<std::string> &tensor_names);

}  // namespace weighbridge::lib

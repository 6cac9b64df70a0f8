// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "backend/program.hpp"
#include "graph/graph.hpp"

namespace weighbridge::lib {

// The nodes that are forward's arguments, and whether one of them is a sequence.
std::vector<ValueId> input_nodes(const Graph &graph);
bool has_length(const Graph &graph);
int packed_input(const Graph &graph);  // as Program::packed_input

// Checks a run's inputs against a plan's and finds the length of its sequences: 0 where it has none, that of all of
// them together where it is packed. WB_INTERNAL names the tensor; WB_BACKEND_FAILED the length that the model does not
// take.
Expected<int64_t> check_run(const Run &run, const Graph &graph, std::span<const ValueId> inputs, int64_t tile_rows,
                            const std::vector<std::string> &tensor_names);

}  // namespace weighbridge::lib

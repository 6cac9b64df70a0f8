// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "graph/graph.hpp"

namespace weighbridge::lib {

// Runs a graph once with the reference backend in fp32: outputs[i] receives the floats of the graph's output i.
Status evaluate(const Graph &graph, std::span<const TensorView> inputs, int64_t rows, int64_t length,
                std::vector<AlignedBuffer> &outputs);

}  // namespace weighbridge::lib

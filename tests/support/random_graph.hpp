// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "backend/program.hpp"
#include "base/clock.hpp"
#include "graph/graph.hpp"
#include "plan/plan.hpp"

namespace weighbridge::test {

struct RandomGraphOptions {
    bool sequences = false;  // some inputs have a length, of [least_length, largest_length]
    int64_t least_length = 0;
    int64_t largest_length = 40;
    // Without operators that jump, and with numbers that stay moderate: for results to compare by difference.
    bool smooth = false;
    bool all = true;  // those too that no device kernel computes: trees, require and float64
    int operators = 24;
};

// A well-typed graph over the whole operator set, with one to four float outputs that begin with the rows. The same
// seed gives the same graph.
lib::Graph random_graph(uint32_t seed, const RandomGraphOptions &options);

// Dense inputs for a graph: floats about 1 in size, integers in [0, 5), bools.
struct Inputs {
    std::vector<std::vector<std::byte>> memory;
    std::vector<lib::TensorView> views;
    // One row of them, in the same memory.
    std::vector<lib::TensorView> row(int64_t index) const;
};
Inputs random_inputs(const lib::Graph &graph, int64_t rows, int64_t length, uint32_t seed);

// The floats of each output.
using Outputs = std::vector<std::vector<float>>;

// One run. The outputs are filled with a pattern first.
lib::Expected<Outputs> run(lib::Executor &executor, const lib::Graph &graph, std::span<const lib::TensorView> inputs,
                           int64_t rows, int64_t length, const lib::StopSource &stop = {});
// Floats of one row of an output.
int64_t row_floats(const lib::Graph &graph, size_t output, int64_t length);

// Bit for bit; any NaN equals any other.
bool same_bits(std::span<const float> a, std::span<const float> b);
bool same_bits(const Outputs &a, const Outputs &b);

std::vector<std::string> input_names(const lib::Graph &graph);

}  // namespace weighbridge::test

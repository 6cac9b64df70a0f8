// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <string>

#include "backend/native/native.hpp"
#include "plan/plan_file.hpp"
#include "support/plans.hpp"
#include "support/random_graph.hpp"

namespace weighbridge::test {

constexpr size_t kLargestFuzzInput = 1 << 20;
constexpr int64_t kLargestFuzzArena = int64_t{64} << 20;

// Takes bytes as a plan file whose checksum fits, and runs what is a plan once, in each precision that every CPU has.
// Returns whether it was one. Whatever the bytes are: no crash, no access out of bounds, no endless work.
inline bool try_plan(lib::ByteView bytes) {
    if (bytes.size() > kLargestFuzzInput) return false;
    // The checksum stands in the way of everything behind it, so it is left out.
    auto plan = read_copy(bytes, lib::Checksum::compared);
    if (!plan) return false;
    const lib::Graph &graph = (*plan)->graph();
    for (int32_t precision : (*plan)->precisions()) {
        if (lib::needs_bf16_instructions(precision)) continue;
        const auto names = input_names(graph);
        auto program = lib::make_native_program(*plan, precision, lib::native::best_level(false), names);
        if (!program) continue;
        if ((*program)->executor_bytes(1) > kLargestFuzzArena || graph.largest_length > 4096) continue;
        auto executor = (*program)->make_executor(0, 1);
        if (!executor) continue;
        int64_t bytes_in = 0;
        for (const lib::Node &node : graph.nodes())
            if (node.op == lib::Op::input) bytes_in += product(node.type.shape)->at(1, graph.least_length) * 8;
        int64_t floats_out = 0;
        for (size_t i = 0; i < graph.outputs().size(); ++i) floats_out += row_floats(graph, i, graph.least_length);
        if (bytes_in > kLargestFuzzArena || floats_out > kLargestFuzzArena / 4) continue;
        Inputs inputs = random_inputs(graph, 1, graph.least_length, 1);
        static_cast<void>(run(**executor, graph, inputs.views, 1, graph.least_length));
    }
    return true;
}

}  // namespace weighbridge::test

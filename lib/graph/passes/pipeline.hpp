// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "base/cancel.hpp"
#include "graph/graph.hpp"

namespace weighbridge::lib {

struct Pass {
    std::string_view name;
    Expected<Graph> (*run)(const Graph &, const StopSource &stop);
};

// The passes in order. Some run more than once, because others open work for them.
std::span<const Pass> pipeline();

// Runs them, validating the graph before the first and after each. `dump`, where given, gets each pass's name and the
// graph that it left; "imported" is the first. WB_INTERNAL names a pass that broke a graph; WB_CANCELLED,
// WB_DEADLINE_EXCEEDED where `stop` says so, the pass that was next or under way.
using DumpPass = std::function<void(std::string_view name, const Graph &graph)>;
Expected<Graph> optimise(Graph graph, const DumpPass &dump = {}, const StopSource &stop = {});

}  // namespace weighbridge::lib

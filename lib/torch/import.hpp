// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "compile/import_request.hpp"
#include "graph/graph.hpp"

namespace weighbridge::torch_plugin {

// forward as a graph: float32 outputs in the order asked for, nodes that no output needs left out. Throws Refusal
// (WB_INVALID_BUNDLE) with a line "operator, layer, file:line: reason; advice" for each that does not
// lower.
lib::Graph import_module(const void *bytes, size_t size, const lib::ImportRequest &request);

}  // namespace weighbridge::torch_plugin

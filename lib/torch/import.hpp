// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "compile/import_request.hpp"
#include "graph/graph.hpp"

namespace weighbridge::torch_plugin {

// Translates forward into a graph with float32 outputs in the request's order and no dead nodes. Throws Refusal
// (WB_INVALID_BUNDLE) with a line "operator, layer, file:line: reason; advice" for each operator that does not lower.
lib::Graph import_module(const void *bytes, size_t size, const lib::ImportRequest &request);

}  // namespace weighbridge::torch_plugin

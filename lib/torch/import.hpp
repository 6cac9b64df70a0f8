// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "graph/graph.hpp"

namespace weighbridge::torch_plugin {

// What runs hold in an argument. A run has rows of one exact length, so a mask of real positions is true everywhere and
// the lengths are that length.
enum class Content { data, real_mask, lengths };

struct ImportArgument {
    lib::DType dtype = lib::DType::float32;
    std::vector<int64_t> shape;  // kBatch first; kLength or kTokens, never both in one module
    Content content = Content::data;
};

struct ImportOutput {
    std::string name;            // for messages
    std::string key;             // of a dict; empty for a place in a tuple or a list
    size_t index = 0;            // 0 as well for the only tensor
    std::vector<int64_t> shape;  // expected, symbolic as an argument's
};

struct ImportRequest {
    std::vector<ImportArgument> arguments;
    std::vector<ImportOutput> outputs;
    int64_t least_length = 0;
    int64_t largest_length = 0;
};

// forward as a graph: float32 outputs in the order asked for, nodes that no output needs left out. Throws Refusal
// (WB_INVALID_BUNDLE) with a line "operator, layer, file:line: reason; advice" for each that does not
// lower.
lib::Graph import_module(const void *bytes, size_t size, const ImportRequest &request);

}  // namespace weighbridge::torch_plugin

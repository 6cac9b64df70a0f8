// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "backend/kernel_arguments.hpp"
#include "graph/graph.hpp"

namespace weighbridge::lib::kernel {

// The kernel of a node that gives floats element by element; none where elements are computed one at a time.
inline std::optional<Unary> unary_of(const Node &node) {
    const bool there = node.type.dtype == DType::float32 && family_of(node.op) == Family::unary;
    return there ? std::optional(static_cast<Unary>(node.op)) : std::nullopt;
}
inline std::optional<Binary> binary_of(const Node &node) {
    const bool there = node.type.dtype == DType::float32 && family_of(node.op) == Family::arithmetic;
    return there ? std::optional(static_cast<Binary>(node.op)) : std::nullopt;
}

// The operator's real attributes, in the order of the table.
inline UnaryParams params_of(const Node &node) {
    const auto reals = lists_of(node.op, node.attributes).reals;
    return {reals.empty() ? 0.0f : static_cast<float>(reals[0]),
            reals.size() < 2 ? 0.0f : static_cast<float>(reals[1])};
}

}  // namespace weighbridge::lib::kernel

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "graph/bounds.hpp"
#include "graph/graph.hpp"

namespace weighbridge::lib {

// An operator that is to be added to a graph: operands that are there, in the number and of the dtypes that the table
// has, and no attributes but its own. What infer's files share; each finds the shape that a family gives.
struct Inference {
    const Graph &graph;
    const Operator &line;
    const std::vector<ValueId> &operands;
    const Attributes &attributes;

    const Type &type(size_t index) const { return graph.type(operands[index]); }
    const Extents &shape(size_t index) const { return type(index).shape; }
    bool is_constant(size_t index) const { return graph.node(operands[index]).op == Op::constant; }
    WideRange range(const Extent &extent) const { return range_of(extent, graph.least_length, graph.largest_length); }

    Status fail(std::string_view expected, std::string_view found) const {
        return Status::failure(WB_INVALID_BUNDLE, "{}: expected {}, found {}", line.name, expected, found);
    }
    Status fail_operand(std::string_view expected, size_t index) const {
        return fail(expected, formatted("operand {} of {}", index, to_string(type(index))));
    }
    Status counts(size_t expected) const {
        if (operands.size() == expected) return {};
        return fail(formatted("{} operand(s)", expected), formatted("{}", operands.size()));
    }
    // The axis of the first operand, which does not run over rows: nothing may mix one row with another.
    Expected<size_t> axis() const;
    Expected<Extents> broadcast(const Extents &a, const Extents &b) const;
};

// Shapes of results.
Expected<Extents> layout_shape(const Inference &node);  // views and joins
Expected<Extents> look_up_shape(const Inference &node);
Expected<Extents> along_axis_shape(const Inference &node);  // reductions, scans, last_axis
Expected<Extents> product_shape(const Inference &node);

}  // namespace weighbridge::lib

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "graph/bounds.hpp"
#include "graph/graph.hpp"

namespace weighbridge::lib {

// Interval analysis: bounds of a value's elements. Ints and bools lie within [least, most] where `bounded`. uniform:
// every element is `number` (float32), or least == most (int64, bool).
struct Known {
    bool bounded = false;
    Extent least, most;
    bool uniform = false;
    double number = 0.0;

    // The number of a uniform value of any dtype, where it does not depend on length.
    std::optional<double> same(DType dtype) const;
};

// The analysis of a growing graph: it takes in nodes as they are asked for. The graph must outlive it.
class Knowledge {
  public:
    explicit Knowledge(const Graph &graph) : graph_(graph) {}

    const Known &of(ValueId id);
    bool is(ValueId id, double number);  // of a uniform value
    // Of the result of an operator that is not in the graph yet.
    Known deduce(Op op, const std::vector<ValueId> &operands, const Attributes &attributes, const Type &result);
    // The operand that the result repeats, to broadcasting and the sign of a zero: x + 0, x * 1, a choice that is
    // decided, a layout that changes nothing.
    std::optional<ValueId> repeats(Op op, const std::vector<ValueId> &operands, const Attributes &attributes,
                                   const Type &result);

  private:
    struct Query;
    const Graph &graph_;
    std::vector<Known> known_;
};

}  // namespace weighbridge::lib

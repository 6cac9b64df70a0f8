// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <vector>

#include "plan/plan.hpp"

namespace weighbridge::lib {

// A node of a decision tree, one load for all that a step needs. x[feature] <= threshold steps to the node before the
// one that is `step` bytes ahead, anything else, a NaN too, to that one. A leaf has step 0 and a NaN as threshold, so
// that it steps to itself: trees of different heights are walked side by side.
struct TreeNode {
    float threshold;
    uint32_t feature;  // in bytes from the row's first
    uint32_t step;
    float value;  // of a leaf that has one
};
static_assert(sizeof(TreeNode) == 16, "four to a cache line");

// The trees of one operator.
struct Forest {
    std::vector<TreeNode> nodes;
    std::vector<uint32_t> roots;
    std::vector<int32_t> heights;   // by root
    const float *values = nullptr;  // [nodes, width], the plan's
    int64_t width = 0;
};

// The forests of a plan by node. Constant after construction; the plan must outlive it.
class Forests {
  public:
    // May throw std::bad_alloc. WB_CANCELLED, WB_DEADLINE_EXCEEDED where `stop` says so, which is asked before each.
    static Expected<Forests> make(const Plan &plan, const StopSource &stop = {});
    const Forest &of(ValueId node) const { return forests_.at(node); }
    int64_t bytes() const;

  private:
    Forests() = default;
    std::map<ValueId, Forest> forests_;
};

}  // namespace weighbridge::lib

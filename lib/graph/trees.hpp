// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "graph/dense.hpp"

namespace weighbridge::lib {

inline constexpr int64_t kMaxTreeNodes = int64_t{1} << 27;     // a step from node to node, in bytes, fits 32 bits
inline constexpr int64_t kMaxTreeFeatures = int64_t{1} << 24;  // so does the place of a feature
inline constexpr int32_t kMaxTreeHeight = 4096;                // bounds what a crafted plan's walks cost

// The constants of an operator `trees`. nodes[i] is {feature, next}: x[feature] <= thresholds[i] leads to node `next`,
// anything else, a NaN too, to next + 1. A leaf has next == i; of all others next > i, so that every walk ends.
struct TreeTables {
    int64_t count;            // of nodes
    int64_t width;            // of a leaf's values
    int64_t trees;            // of roots
    const float *thresholds;  // [count]
    const float *values;      // [count, width]
    const int64_t *nodes;     // [count, 2]
    const int64_t *roots;     // [trees]

    int64_t feature(int64_t node) const { return nodes[2 * node]; }
    int64_t next(int64_t node) const { return nodes[2 * node + 1]; }
    bool is_leaf(int64_t node) const { return next(node) == node; }
};
TreeTables tree_tables(const Graph &graph, const Node &node);  // whose constants are all there
std::vector<int32_t> tree_heights(const TreeTables &tables);   // by node: the longest walk from it, in steps

// What operators' constants hold beyond their types: every place that a walk may come to lies in its table. Asked of a
// graph whose constants are all there, before anything runs it; WB_INVALID_BUNDLE names the node.
Status check_tables(const Graph &graph);

// The operator by plain loops: what kernels are held against.
void walk_trees(std::span<const Dense> operands, const Dense &result);

}  // namespace weighbridge::lib

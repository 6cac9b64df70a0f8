// SPDX-License-Identifier: Apache-2.0
#include "backend/plan_trees.hpp"

#include <limits>

#include "graph/trees.hpp"

namespace weighbridge::lib {
namespace {

Forest forest_of(const TreeTables &tables) {
    Forest forest;
    forest.values = tables.values;
    forest.width = tables.width;
    forest.nodes.reserve(static_cast<size_t>(tables.count));
    for (int64_t i = 0; i < tables.count; ++i) {
        TreeNode node{std::numeric_limits<float>::quiet_NaN(), 0, 0, 0.0f};
        if (tables.is_leaf(i)) {
            if (tables.width == 1) node.value = tables.values[i];
        } else {
            node.threshold = tables.thresholds[i];
            node.feature = static_cast<uint32_t>(tables.feature(i) * static_cast<int64_t>(sizeof(float)));
            node.step = static_cast<uint32_t>((tables.next(i) + 1 - i) * static_cast<int64_t>(sizeof(TreeNode)));
        }
        forest.nodes.push_back(node);
    }
    const std::vector<int32_t> heights = tree_heights(tables);
    for (int64_t tree = 0; tree < tables.trees; ++tree) {
        forest.roots.push_back(static_cast<uint32_t>(tables.roots[tree]));
        forest.heights.push_back(heights[forest.roots.back()]);
    }
    return forest;
}

}  // namespace

Expected<Forests> Forests::make(const Plan &plan, const StopSource &stop) {
    const Graph &graph = plan.graph();
    Forests forests;
    for (ValueId id = 0; id < graph.nodes().size(); ++id) {
        const Node &node = graph.node(id);
        if (node.op != Op::trees) continue;
        if (Status status = stop.check("preparing node {} of {}", id + 1, graph.nodes().size()); !status.ok())
            return status;
        forests.forests_.emplace(id, forest_of(tree_tables(graph, node)));
    }
    return forests;
}

int64_t Forests::bytes() const {
    size_t bytes = 0;
    for (const auto &[id, forest] : forests_)
        bytes += forest.nodes.size() * sizeof(TreeNode) + forest.roots.size() * 2 * sizeof(uint32_t);
    return static_cast<int64_t>(bytes);
}

}  // namespace weighbridge::lib

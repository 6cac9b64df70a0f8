// SPDX-License-Identifier: Apache-2.0
#include "graph/trees.hpp"

#include <algorithm>
#include <cstring>

#include "graph/requirement.hpp"

namespace weighbridge::lib {
namespace {

Status check_nodes(const TreeTables &tables, int64_t features) {
    for (int64_t i = 0; i < tables.count; ++i) {
        const int64_t next = tables.next(i);
        if (tables.is_leaf(i)) continue;
        if (next < i || next > tables.count - 2)
            return Status::failure(WB_INVALID_BUNDLE,
                                   "node {} of {}: expected itself or a later pair as next, found {}", i, tables.count,
                                   next);
        if (tables.feature(i) < 0 || tables.feature(i) >= features)
            return Status::failure(WB_INVALID_BUNDLE, "node {} of {}: expected a feature in [0, {}), found {}", i,
                                   tables.count, features, tables.feature(i));
    }
    for (int64_t tree = 0; tree < tables.trees; ++tree)
        if (tables.roots[tree] < 0 || tables.roots[tree] >= tables.count)
            return Status::failure(WB_INVALID_BUNDLE, "root {}: expected a node in [0, {}), found {}", tree,
                                   tables.count, tables.roots[tree]);
    const std::vector<int32_t> heights = tree_heights(tables);
    const int32_t most = *std::max_element(heights.begin(), heights.end());
    if (most > kMaxTreeHeight)
        return Status::failure(WB_INVALID_BUNDLE, "expected trees of {} levels at most, found {}", kMaxTreeHeight,
                               most);
    return {};
}

}  // namespace

TreeTables tree_tables(const Graph &graph, const Node &node) {
    const Constant &thresholds = graph.constant_of(node.operands[1]), &values = graph.constant_of(node.operands[2]);
    const Constant &nodes = graph.constant_of(node.operands[3]), &roots = graph.constant_of(node.operands[4]);
    return {thresholds.shape[0], values.shape[1],     roots.shape[0],     thresholds.as<float>(),
            values.as<float>(),  nodes.as<int64_t>(), roots.as<int64_t>()};
}

std::vector<int32_t> tree_heights(const TreeTables &tables) {
    std::vector<int32_t> heights(static_cast<size_t>(tables.count), 0);
    for (int64_t i = tables.count; i-- > 0;) {
        if (tables.is_leaf(i)) continue;
        const auto next = static_cast<size_t>(tables.next(i));
        heights[static_cast<size_t>(i)] = 1 + std::max(heights[next], heights[next + 1]);
    }
    return heights;
}

Status check_tables(const Graph &graph) {
    for (size_t i = 0; i < graph.nodes().size(); ++i) {
        const Node &node = graph.nodes()[i];
        if (node.op == Op::require) {
            const Constant &text = graph.constant_of(node.operands[2]);
            if (!is_text({text.as<int64_t>(), static_cast<size_t>(text.elements())}))
                return Status::failure(WB_INVALID_BUNDLE, "operator {}: require: expected printable ASCII", i);
        }
        if (node.op != Op::trees) continue;
        const Status status = check_nodes(tree_tables(graph, node), graph.type(node.operands[0]).shape.back().terms[0]);
        if (!status.ok()) return Status::failure(WB_INVALID_BUNDLE, "operator {}: trees: {}", i, status.message);
    }
    return {};
}

void walk_trees(std::span<const Dense> operands, const Dense &result) {
    const Dense &x = operands[0];
    const int64_t features = x.shape.back(), trees = operands[4].elements(), width = operands[2].shape[1];
    const TreeTables tables{operands[1].elements(),
                            width,
                            trees,
                            operands[1].as<const float>(),
                            operands[2].as<const float>(),
                            operands[3].as<const int64_t>(),
                            operands[4].as<const int64_t>()};
    const int64_t rows = x.elements() / features;
    auto *to = result.as<float>();
    for (int64_t row = 0; row < rows; ++row) {
        const float *from = x.as<const float>() + row * features;
        for (int64_t tree = 0; tree < trees; ++tree, to += width) {
            int64_t node = tables.roots[tree];
            while (!tables.is_leaf(node))
                node = tables.next(node) + (from[tables.feature(node)] <= tables.thresholds[node] ? 0 : 1);
            if (width > 0) std::memcpy(to, tables.values + node * width, static_cast<size_t>(width) * sizeof(float));
        }
    }
}

}  // namespace weighbridge::lib

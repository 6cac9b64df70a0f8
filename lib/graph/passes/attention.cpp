// SPDX-License-Identifier: Apache-2.0
// Attention fusion: softmax(q k^T scale + mask) v, written out, becomes one operator.
#include <cmath>
#include <limits>

#include "graph/passes/rewrite.hpp"

namespace weighbridge::lib {
namespace {

// What an attention is made of, found from the scores outwards to the products.
struct Scores {
    ValueId query = 0, key = 0;
    std::optional<ValueId> mask;
    double scale = 1.0;
};

ValueId swap_last(Rewrite &rewrite, ValueId value, const std::string &origin) {
    Attributes order;
    const auto rank = static_cast<int64_t>(rewrite.type(value).rank());
    for (int64_t i = 0; i < rank; ++i) order.order.push_back(i < rank - 2 ? i : i == rank - 2 ? rank - 1 : rank - 2);
    return rewrite.add(Op::permute, {value}, order, origin);
}

// Strips multiplications and divisions by one number from a value and multiplies `scale` by them.
ValueId peel_scale(const Graph &graph, ValueId value, double &scale) {
    for (;;) {
        const Node &node = graph.node(value);
        if (node.op != Op::mul && node.op != Op::div) return value;
        const auto right = fill_value(graph, node.operands[1]);
        if (right && graph.type(node.operands[0]) == node.type) {
            scale = node.op == Op::mul ? scale * *right : scale / *right;
            value = node.operands[0];
            continue;
        }
        const auto left = fill_value(graph, node.operands[0]);
        if (node.op == Op::div || !left || graph.type(node.operands[1]) != node.type) return value;
        scale *= *left;
        value = node.operands[1];
    }
}

bool leads_to_product(const Graph &graph, ValueId value) {
    double scale = 1.0;
    return graph.node(peel_scale(graph, value, scale)).op == Op::matmul;
}

std::optional<Scores> match(Rewrite &rewrite, ValueId value, const std::string &origin) {
    Scores scores;
    const Node top = rewrite.node(value);
    const auto same = [&](ValueId id) { return rewrite.type(id) == top.type; };
    if (top.op == Op::add) {
        const bool left = same(top.operands[0]) && leads_to_product(rewrite.to(), top.operands[0]);
        if (!left && !(same(top.operands[1]) && leads_to_product(rewrite.to(), top.operands[1]))) return std::nullopt;
        scores.mask = top.operands[left ? 1 : 0];
        value = top.operands[left ? 0 : 1];
    } else if (top.op == Op::where) {
        for (size_t hidden : {size_t{1}, size_t{2}}) {
            const auto fill = fill_value(rewrite.to(), top.operands[hidden]);
            const ValueId shown = top.operands[3 - hidden];
            if (!fill || *fill != -std::numeric_limits<double>::infinity() || !same(shown)) continue;
            scores.mask = hidden == 2 ? top.operands[0] : rewrite.add(Op::logical_not, {top.operands[0]}, {}, origin);
            value = shown;
            break;
        }
        if (!scores.mask) return std::nullopt;
    }
    value = peel_scale(rewrite.to(), value, scores.scale);
    const Node product = rewrite.node(value);
    if (product.op != Op::matmul) return std::nullopt;
    scores.query = peel_scale(rewrite.to(), product.operands[0], scores.scale);
    double key_scale = 1.0;
    scores.key = peel_scale(rewrite.to(), product.operands[1], key_scale);
    scores.scale *= key_scale;
    if (!std::isfinite(scores.scale)) return std::nullopt;
    return scores;
}

}  // namespace

Expected<Graph> fuse_attention(const Graph &graph) {
    Rewrite rewrite(graph);
    return rewrite.each([&](ValueId, const Node &node) -> std::optional<ValueId> {
        if (node.op != Op::matmul) return std::nullopt;
        const Node weights = rewrite.node(rewrite[node.operands[0]]);
        if (weights.op != Op::softmax) return std::nullopt;
        auto scores = match(rewrite, weights.operands[0], node.origin);
        if (!scores) return std::nullopt;
        Attributes attributes;
        attributes.mask = scores->mask.has_value();
        attributes.scale = scores->scale;
        const ValueId key = swap_last(rewrite, scores->key, node.origin);
        std::vector<ValueId> operands{scores->query, key, rewrite[node.operands[1]]};
        if (scores->mask) operands.push_back(*scores->mask);
        // Products that broadcast their leading axes stay products.
        if (!infer(rewrite.to(), Op::attention, operands, attributes)) return std::nullopt;
        return rewrite.add(Op::attention, operands, attributes, node.origin);
    });
}

}  // namespace weighbridge::lib

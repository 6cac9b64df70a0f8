// SPDX-License-Identifier: Apache-2.0
// Layout simplification, common subexpressions and dead code.
#include <algorithm>
#include <cstring>
#include <map>
#include <string>

#include "graph/graph_file.hpp"
#include "graph/passes/rewrite.hpp"

namespace weighbridge::lib {
namespace {

// First one permutation, then the other.
std::vector<int64_t> both_orders(const std::vector<int64_t> &first, const std::vector<int64_t> &second) {
    std::vector<int64_t> both;
    for (int64_t axis : second) both.push_back(first[static_cast<size_t>(axis)]);
    return both;
}

// permute(concat(permute(x), fills)) = concat(x, permuted fills) where the permutations cancel: padding that a module
// puts around channels first, before a convolution.
std::optional<ValueId> permute_padding(Rewrite &rewrite, const Node &permute) {
    const ValueId old = permute.operands[0];
    const Node concat = rewrite.node(rewrite[old]);
    if (concat.op != Op::concat || rewrite.uses(old) != 1) return std::nullopt;
    const auto &order = permute.attributes.order;
    const auto cancels = [&](const Node &part) {
        return part.op == Op::permute && is_identity(both_orders(part.attributes.order, order));
    };
    std::vector<ValueId> parts;
    for (ValueId id : concat.operands) {
        const Node part = rewrite.node(id);
        if (cancels(part)) {
            parts.push_back(part.operands[0]);
            continue;
        }
        if (part.op != Op::full) return std::nullopt;
        Attributes attributes = part.attributes;
        attributes.shape.clear();
        for (int64_t axis : order) attributes.shape.push_back(part.type.shape[static_cast<size_t>(axis)]);
        parts.push_back(rewrite.add(Op::full, {}, attributes, part.origin));
    }
    const auto axis = std::find(order.begin(), order.end(), concat.attributes.axis) - order.begin();
    return rewrite.add(Op::concat, parts, {.axis = axis}, concat.origin);
}

}  // namespace

Expected<Graph> simplify_layouts(const Graph &graph) {
    Rewrite rewrite(graph);
    return rewrite.each([&](ValueId, const Node &node) -> std::optional<ValueId> {
        if (changes_nothing(graph, node.op, node.operands, node.attributes, node.type))
            return rewrite[node.operands[0]];
        if (node.op != Op::reshape && node.op != Op::permute) return std::nullopt;
        if (node.op == Op::permute)
            if (auto padded = permute_padding(rewrite, node)) return padded;
        const ValueId before = rewrite[node.operands[0]];
        const Node inner = rewrite.node(before);
        if (inner.op != node.op) return std::nullopt;
        if (node.op == Op::reshape) {
            const ValueId source = inner.operands[0];
            if (rewrite.type(source) == node.type) return source;
            // Two reshapes that keep rows apart may join to one that infer refuses.
            if (!infer(rewrite.to(), Op::reshape, {source}, node.attributes)) return std::nullopt;
            return rewrite.add(Op::reshape, {source}, node.attributes, node.origin);
        }
        Attributes both;
        both.order = both_orders(inner.attributes.order, node.attributes.order);
        if (is_identity(both.order)) return inner.operands[0];
        return rewrite.add(Op::permute, {inner.operands[0]}, both, node.origin);
    });
}

Expected<Graph> share_subexpressions(const Graph &graph) {
    Rewrite rewrite(graph);
    std::map<std::string, ValueId> known;
    return rewrite.each([&](ValueId id, const Node &node) -> std::optional<ValueId> {
        // The key: all that decides a node's result, as bytes.
        Bytes key;
        put(key, static_cast<uint32_t>(node.op));
        if (node.op == Op::constant) {
            const Constant &constant = graph.constant_of(id);
            put(key, static_cast<int32_t>(constant.dtype));
            for (int64_t size : constant.shape) put(key, size);
            put(key, uint32_t{0});
            const size_t bytes = constant_bytes(constant);
            if (bytes <= 4096)
                key.insert(key.end(), constant.data.get(), constant.data.get() + bytes);
            else
                put(key, constant.data.get());
        } else {
            for (ValueId operand : node.operands) put(key, rewrite[operand]);
            const AttributeLists lists = lists_of(node.op, node.attributes);
            for (int64_t number : lists.ints) put(key, number);
            for (double number : lists.reals) put(key, number);
            put(key, uint32_t{static_cast<uint32_t>(lists.ints.size())});
            for (const Extent &extent : lists.extents) {
                put(key, int64_t{extent.batch});
                put(key, extent.terms);
            }
        }
        auto [place, added] = known.try_emplace(std::string(as_text(key)), 0);
        if (added) place->second = rewrite.copy(id);
        return place->second;
    });
}

Expected<Graph> remove_dead(const Graph &graph) {
    std::vector<bool> alive(graph.nodes().size(), false);
    for (ValueId id : graph.outputs()) alive[id] = true;
    for (size_t i = graph.nodes().size(); i-- > 0;)
        if (alive[i])
            for (ValueId id : graph.node(static_cast<ValueId>(i)).operands) alive[id] = true;
    Rewrite rewrite(graph);
    return rewrite.each([&](ValueId id, const Node &node) -> std::optional<ValueId> {
        // Inputs stay: they are forward's arguments, used or not.
        if (alive[id] || node.op == Op::input) return std::nullopt;
        return ValueId{0};
    });
}

}  // namespace weighbridge::lib

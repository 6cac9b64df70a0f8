// SPDX-License-Identifier: Apache-2.0
// Slice sinking: a slice of a result becomes the result of sliced operands, so that where only the first token of the
// last layer is read, only that token is computed. Each element's arithmetic stays the same, bit for bit.
#include "graph/passes/rewrite.hpp"

namespace weighbridge::lib {
namespace {

// Slices every operand that has the axis; `axis` counts from the result's left.
class Sinker {
  public:
    Sinker(Rewrite &rewrite, const Node &slice) : rewrite_(rewrite), slice_(slice) {}

    ValueId cut(ValueId old, size_t axis) {
        Attributes attributes = slice_.attributes;
        attributes.axis = static_cast<int64_t>(axis);
        return rewrite_.add(Op::slice, {rewrite_[old]}, attributes, slice_.origin);
    }
    // As cut(), of an operand that broadcasts to a result of rank `rank`.
    ValueId cut_broadcast(ValueId old, size_t axis, size_t rank) {
        const Extents &shape = rewrite_.from().type(old).shape;
        const size_t missing = rank - shape.size();
        if (axis < missing || shape[axis - missing] == Extent::of(1)) return rewrite_[old];
        return cut(old, axis - missing);
    }

    std::optional<ValueId> sink(const Node &node) {
        const auto axis = static_cast<size_t>(slice_.attributes.axis);
        const size_t rank = node.type.rank();
        const Graph &from = rewrite_.from();
        if (axis + 1 == rank || rank == 0) return std::nullopt;
        std::vector<ValueId> operands;
        Attributes attributes = node.attributes;
        const Operator &line = operator_of(node.op);
        if (line.packs == Packs::by_row && (line.family == Family::product || line.family == Family::last_axis)) {
            operands = rewrite_.mapped(node.operands);
            operands[0] = cut(node.operands[0], axis);
            if (node.attributes.residual) operands.back() = cut(node.operands.back(), axis);
        } else if (by_element(line.family)) {
            for (ValueId id : node.operands) operands.push_back(cut_broadcast(id, axis, rank));
        } else if (node.op == Op::reshape) {
            const Extents &before = from.type(node.operands[0]).shape;
            if (before.size() <= axis) return std::nullopt;
            for (size_t i = 0; i <= axis; ++i)
                if (before[i] != node.type.shape[i]) return std::nullopt;
            operands.push_back(cut(node.operands[0], axis));
            attributes.shape[axis] = slice_.type.shape[axis];
        } else if (node.op == Op::permute) {
            operands.push_back(cut(node.operands[0], static_cast<size_t>(node.attributes.order[axis])));
        } else if (node.op == Op::attention && axis + 2 == rank && !node.attributes.causal) {
            operands = rewrite_.mapped(node.operands);
            operands[0] = cut(node.operands[0], axis);
            if (node.attributes.mask) operands[3] = cut_broadcast(node.operands[3], axis, rank);
        } else {
            return std::nullopt;
        }
        return rewrite_.add(node.op, operands, attributes, node.origin);
    }

  private:
    Rewrite &rewrite_;
    const Node &slice_;
};

Expected<Graph> sink_once(const Graph &graph, bool &changed) {
    Rewrite rewrite(graph);
    return rewrite.each([&](ValueId, const Node &node) -> std::optional<ValueId> {
        if (node.op != Op::slice || rewrite.uses(node.operands[0]) != 1) return std::nullopt;
        auto sunk = Sinker(rewrite, node).sink(graph.node(node.operands[0]));
        changed = changed || sunk.has_value();
        return sunk;
    });
}

}  // namespace

Expected<Graph> sink_slices(const Graph &graph, const StopSource &stop) {
    constexpr int kMost = 1000;  // levels; a graph is finite, so this only bounds the work on a hostile one
    Graph current = graph;
    for (int level = 0; level < kMost; ++level) {
        if (const int32_t code = stop.poll(); code != WB_OK) return ended_while(code, "sinking slices");
        bool changed = false;
        auto next = sink_once(current, changed);
        if (!next) return next;
        if (!changed) return current;
        next = share_subexpressions(*next);
        if (next) next = simplify_layouts(*next);
        if (next) next = remove_dead(*next);
        if (!next) return next;
        current = *std::move(next);
    }
    return current;
}

}  // namespace weighbridge::lib

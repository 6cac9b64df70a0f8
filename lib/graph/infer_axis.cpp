// SPDX-License-Identifier: Apache-2.0
// Look-ups, reductions and what else runs along an axis.
#include "graph/inference.hpp"
#include "graph/requirement.hpp"
#include "graph/trees.hpp"

namespace weighbridge::lib {
namespace {

Expected<Extents> embedding(const Inference &node) {
    const Extents &table = node.shape(0);
    if (table.size() != 2 || table[0].batch || table[1].batch) return node.fail_operand("a table [n, d]", 0);
    Extents shape = node.shape(1);
    shape.push_back(table[1]);
    return shape;
}

Expected<Extents> bucketize(const Inference &node) {
    const Extents &boundaries = node.shape(1);
    if (boundaries.size() != 1 || boundaries[0].batch) return node.fail_operand("boundaries [n]", 1);
    return node.shape(0);
}

Expected<Extents> gather(const Inference &node) {
    auto axis = node.axis();
    if (!axis) return axis.status();
    const Extents &from = node.shape(0), &index = node.shape(1);
    bool fits = from.size() == index.size();
    for (size_t i = 0; fits && i < index.size(); ++i) fits = i == *axis || from[i] == index[i];
    if (!fits || index[*axis].batch)
        return node.fail("an index of the operand's shape but along the axis",
                         to_string(node.type(0)) + " and " + to_string(node.type(1)));
    return index;
}

Expected<Extents> trees(const Inference &node) {
    static constexpr const char *kTables[] = {"thresholds [n]", "values [n, w]", "nodes [n, 2]", "roots [t]"};
    for (size_t i = 1; i < node.operands.size(); ++i) {
        const Extents &table = node.shape(i);
        const bool by_node = i != 4, wide = i == 2 || i == 3;
        if (!node.is_constant(i) || table.size() != (wide ? 2u : 1u) || (by_node && table[0] != node.shape(1)[0]) ||
            (i == 3 && !table[1].is(2)))
            return node.fail_operand(std::string("constant ") + kTables[i - 1], i);
    }
    const int64_t nodes = node.shape(1)[0].terms[0];
    if (nodes < 1 || nodes > kMaxTreeNodes)
        return node.fail(formatted("1 to {} nodes", kMaxTreeNodes), formatted("{}", nodes));
    Extents shape = node.shape(0);
    if (shape.empty() || !shape.back().known() || shape.back().terms[0] < 1 || shape.back().terms[0] > kMaxTreeFeatures)
        return node.fail_operand(formatted("[..., 1 to {} features]", kMaxTreeFeatures), 0);
    const auto width = node.shape(4)[0] * node.shape(2)[1];
    if (!width) return node.fail_operand("values that can be counted", 2);
    shape.back() = *width;
    return shape;
}

Expected<Extents> require(const Inference &node) {
    const Extents &shape = node.shape(0), &text = node.shape(2);
    if (shape.empty() || shape[0] != Extent::rows()) return node.fail_operand("[batch, ...]", 0);
    if (node.shape(1) != Extents{Extent::rows()}) return node.fail_operand("[batch]", 1);
    if (!node.is_constant(2) || text.size() != 1 || text[0].terms[0] > kMaxRequireText)
        return node.fail_operand(formatted("a constant text of {} characters at most", kMaxRequireText), 2);
    return shape;
}

Expected<Extents> last_axis(const Inference &node) {
    const Extents &shape = node.shape(0);
    if (node.line.op == Op::softmax) {
        if (shape.empty() || shape.back().batch) return node.fail_operand("a last axis within a row", 0);
        return shape;
    }
    if (!(node.attributes.epsilon >= 0)) return node.fail("epsilon >= 0", formatted("{}", node.attributes.epsilon));
    if (shape.empty() || !shape.back().known()) return node.fail_operand("a known last size", 0);
    for (size_t i = 1; i < node.operands.size(); ++i)
        if (node.shape(i) != Extents{shape.back()}) return node.fail_operand("one number a place", i);
    return shape;
}

}  // namespace

Expected<Extents> look_up_shape(const Inference &node) {
    switch (node.line.op) {
        case Op::embedding:
            return embedding(node);
        case Op::bucketize:
            return bucketize(node);
        case Op::trees:
            return trees(node);
        case Op::require:
            return require(node);
        default:
            return gather(node);
    }
}

Expected<Extents> along_axis_shape(const Inference &node) {
    if (node.line.family == Family::last_axis) return last_axis(node);
    auto axis = node.axis();
    if (!axis) return axis.status();
    Extents shape = node.shape(0);
    if (node.line.op != Op::cumsum) shape[*axis] = Extent::of(1);
    return shape;
}

}  // namespace weighbridge::lib

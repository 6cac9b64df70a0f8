// SPDX-License-Identifier: Apache-2.0
// Reshapes, permutations, slices, expansions and concatenations. None moves an element to another row.
#include "graph/inference.hpp"

namespace weighbridge::lib {
namespace {

// What lies before the axis of rows: a reshape that keeps it, keeps each row's elements together.
std::optional<Extent> before_rows(const Extents &shape) {
    Extents before;
    for (const Extent &size : shape) {
        if (size.batch) return product(before);
        before.push_back(size);
    }
    return Extent::of(-1);
}

Expected<Extents> reshape(const Inference &node) {
    const Extents &from = node.shape(0), &to = node.attributes.shape;
    if (to.size() > static_cast<size_t>(kMaxRank)) return node.fail("a smaller rank", to_string(to));
    auto a = product(from), b = product(to);
    if (!a || !b || *a != *b) return node.fail("as many elements", to_string(from) + " as " + to_string(to));
    auto p = before_rows(from), q = before_rows(to);
    if (!p || !q || *p != *q)
        return node.fail("a shape that keeps rows apart", to_string(from) + " as " + to_string(to));
    return to;
}

Expected<Extents> permute(const Inference &node) {
    const Extents &from = node.shape(0);
    const auto &order = node.attributes.order;
    if (order.size() != from.size())
        return node.fail(formatted("an order of {} axes", from.size()), formatted("{}", order.size()));
    std::vector<bool> seen(from.size(), false);
    Extents to;
    for (int64_t axis : order) {
        if (axis < 0 || static_cast<size_t>(axis) >= from.size())
            return node.fail(formatted("axes in [0, {})", from.size()), formatted("{}", axis));
        if (seen[static_cast<size_t>(axis)]) return node.fail("each axis once", formatted("axis {} twice", axis));
        seen[static_cast<size_t>(axis)] = true;
        to.push_back(from[static_cast<size_t>(axis)]);
    }
    return to;
}

Expected<Extents> slice(const Inference &node) {
    auto axis = node.axis();
    if (!axis) return axis.status();
    const auto &[start, size, step] = std::tie(node.attributes.start, node.attributes.size, node.attributes.step);
    Extents shape = node.shape(0);
    auto steps = size * Extent::of(step);
    auto reach = steps ? start + *steps : std::nullopt;  // one step behind the last element's place
    auto left = reach ? shape[*axis] - *reach : std::nullopt;
    if (step < 1 || step > kMaxElements || start.batch || size.batch || !left || node.range(start).least < 0 ||
        node.range(size).least < 0 || node.range(*left).least < 1 - step)
        return node.fail(
            "places within the axis for every length",
            formatted("{} from {} by {} of {}", to_string(size), to_string(start), step, to_string(node.type(0))));
    shape[*axis] = size;
    return shape;
}

Expected<Extents> expand(const Inference &node) {
    const Extents &from = node.shape(0), &to = node.attributes.shape;
    auto shape = node.broadcast(from, to);
    if (!shape) return shape;
    if (from.size() != to.size() || *shape != to)
        return node.fail("a shape of the same rank to expand to", to_string(from) + " to " + to_string(to));
    return shape;
}

Expected<Extents> concat(const Inference &node) {
    auto axis = node.axis();
    if (!axis) return axis.status();
    Extents shape = node.shape(0);
    for (size_t i = 1; i < node.operands.size(); ++i) {
        Extents other = node.shape(i);
        auto sum = other.size() == shape.size() ? shape[*axis] + other[*axis] : std::nullopt;
        if (sum && !sum->batch) shape[*axis] = other[*axis] = *sum;
        if (!sum || sum->batch || other != shape)
            return node.fail("operands that differ along the axis only", to_string(node.type(i)));
    }
    return shape;
}

}  // namespace

Expected<Extents> layout_shape(const Inference &node) {
    switch (node.line.op) {
        case Op::reshape:
            return reshape(node);
        case Op::permute:
            return permute(node);
        case Op::slice:
            return slice(node);
        case Op::expand:
            return expand(node);
        default:
            return concat(node);
    }
}

}  // namespace weighbridge::lib

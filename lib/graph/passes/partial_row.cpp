// SPDX-License-Identifier: Apache-2.0
#include "graph/passes/partial_row.hpp"

#include <algorithm>
#include <cmath>

#include "graph/scalar_ops.hpp"

namespace weighbridge::lib {
namespace {

using Kind = RowElement::Kind;

RowElement integer_of(int64_t number) { return {.kind = Kind::integer, .integer = number}; }
RowElement real_of(float number) { return {.kind = Kind::real, .real = number}; }

bool same_number(const RowElement &a, const RowElement &b) {
    return a.is_number() && a.kind == b.kind && a.integer == b.integer && a.real == b.real;
}

// x < t as x <= the number before t.
float before(float number) { return std::nextafter(number, -INFINITY); }

}  // namespace

PartialRow::PartialRow(const Graph &graph, const StopSource &stop)
    : graph_(graph), stop_(stop), shapes_(graph.nodes().size()), is_seen_(graph.nodes().size()) {
    for (ValueId id = 0; id < shapes_.size(); ++id) {
        Shape shape;
        int64_t elements = 1;
        bool counts = true;
        const Extents &sizes = graph.type(id).shape;
        for (size_t axis = 0; axis < sizes.size(); ++axis) {
            const Extent &size = sizes[axis];
            shape.rows = shape.rows || size.batch;
            counts = counts && size.terms[1] == 0 && size.terms[2] == 0 && (axis == 0 || !size.batch) &&
                     !__builtin_mul_overflow(elements, size.terms[0], &elements);
            shape.sizes.push_back(size.terms[0]);
        }
        shape.elements = counts && elements < kMaxElements ? elements : -1;
        shapes_[id] = std::move(shape);
    }
}

// Where an element of a result is in an operand that broadcasts to it.
int64_t PartialRow::broadcast(const Shape &shape, int64_t place, const Shape &operand) {
    int64_t found = 0, stride = 1;
    for (size_t i = 0; i < operand.sizes.size(); ++i) {
        const int64_t size = shape.sizes[shape.sizes.size() - 1 - i];
        const int64_t own = operand.sizes[operand.sizes.size() - 1 - i];
        if (own != 1) found += place % size * stride;
        place /= size;
        stride *= own;
    }
    return found;
}

RowElement PartialRow::element(ValueId id, int64_t place) {
    if (!is_seen_[id]) {
        is_seen_[id] = true;
        seen_.push_back(id);
    }
    if (node(id).op == Op::constant) return constant(id, place);
    if (place < 0 || place >= elements(id) || depth_ >= kMostDepth || ++steps_ > kMostSteps) return {};
    if (steps_ % kStepsBetweenPolls == 0) ended_ = stop_.poll();
    if (memo_.size() >= kMostKept || ended_ != WB_OK) steps_ = kMostSteps + 1;
    if (exhausted()) return {};
    const uint64_t key = uint64_t{id} << 32 | static_cast<uint64_t>(place);
    if (const auto found = memo_.find(key); found != memo_.end())
        if (found->second.element.kind != Kind::open || found->second.epoch == epoch_) return found->second.element;
    ++depth_;
    const RowElement made = compute(id, place);
    --depth_;
    memo_[key] = {made, epoch_};
    if (made.kind != Kind::open) trail_.push_back(key);
    return made;
}

void PartialRow::answer(const Split &split, bool holds) {
    answers_.emplace_back(split, holds);
    ++epoch_;
}

void PartialRow::take_back(const Mark &mark) {
    answers_.resize(mark.answers);
    for (; trail_.size() > mark.known; trail_.pop_back()) memo_.erase(trail_.back());
    ++epoch_;
}

void PartialRow::forget() {
    take_back({});
    std::unordered_map<uint64_t, Memo>().swap(memo_);  // clear() would keep its buckets, and go through them each time
    for (ValueId id : seen_) is_seen_[id] = false;
    seen_.clear();
}

RowElement PartialRow::compute(ValueId id, int64_t place) {
    const Node &computed = node(id);
    if (computed.type.dtype == DType::float64) return {};  // splits compare float32
    switch (family_of(computed.op)) {
        case Family::source:
            if (computed.op == Op::full) return full(computed);
            return computed.op == Op::iota ? integer_of(place) : opaque(id, place);
        case Family::view:
            return moved(id, place);
        case Family::join:
            return is_float(id) ? opaque(id, place) : joined(id, place);
        case Family::look_up:
            return looked_up(id, place);
        case Family::choice:
            return chosen(id, place);
        case Family::comparison:
            return compared(id, place);
        case Family::unary:
        case Family::conversion:
        case Family::arithmetic:
        case Family::division:
        case Family::logical:
            return calculated(id, place);
        default:
            return opaque(id, place);
    }
}

RowElement PartialRow::opaque(ValueId id, int64_t place) const {
    if (!is_float(id) || !has_rows(id)) return {};
    return {.kind = Kind::place, .split = {.x = id, .place = place}};
}

RowElement PartialRow::constant(ValueId id, int64_t place) const {
    const Constant &held = graph_.constant_of(id);
    if (!held.data || place < 0 || place >= held.elements()) return {};
    switch (held.dtype) {
        case DType::float32:
            return real_of(held.as<float>()[place]);
        case DType::int64:
            return integer_of(held.as<int64_t>()[place]);
        case DType::boolean:
            return integer_of(held.as<uint8_t>()[place]);
        default:
            return {};
    }
}

RowElement PartialRow::full(const Node &node) const {
    if (node.type.dtype == DType::float32) return real_of(static_cast<float>(node.attributes.value));
    if (node.type.dtype == DType::boolean) return integer_of(node.attributes.value != 0);
    return node.attributes.integer.known() ? integer_of(node.attributes.integer.terms[0]) : RowElement{};
}

// Through a view: the operand's element that stands at a place of the result.
RowElement PartialRow::moved(ValueId id, int64_t place) {
    const Node &view = node(id);
    const ValueId from = view.operands[0];
    const Shape &shape = shapes_[id], &operand = shapes_[from];
    if (operand.elements < 0) return {};
    if (view.op == Op::reshape) return element(from, place);
    if (view.op == Op::expand) return element(from, broadcast(shape, place, operand));
    if (view.op == Op::slice && !view.attributes.start.known()) return {};
    std::array<int64_t, kMaxRank> strides{};
    int64_t stride = 1;
    for (size_t i = operand.sizes.size(); i-- > 0; stride *= operand.sizes[i]) strides[i] = stride;
    int64_t found = 0;
    for (size_t i = shape.sizes.size(); i-- > 0; place /= shape.sizes[i]) {
        const int64_t index = place % shape.sizes[i];
        if (view.op == Op::permute)
            found += index * strides[static_cast<size_t>(view.attributes.order[i])];
        else if (static_cast<int64_t>(i) == view.attributes.axis)
            found += (view.attributes.start.terms[0] + index * view.attributes.step) * strides[i];
        else
            found += index * strides[i];
    }
    return element(from, found);
}

RowElement PartialRow::joined(ValueId id, int64_t place) {
    const Node &join = node(id);
    const auto axis = static_cast<size_t>(join.attributes.axis);
    int64_t inner = 1;
    for (size_t i = axis + 1; i < shapes_[id].sizes.size(); ++i) inner *= shapes_[id].sizes[i];
    const int64_t whole = shapes_[id].sizes[axis];
    int64_t index = place / inner % whole;
    for (ValueId part : join.operands) {
        if (shapes_[part].elements < 0) return {};
        const int64_t own = shapes_[part].sizes[axis];
        if (index < own) return element(part, (place / inner / whole * own + index) * inner + place % inner);
        index -= own;
    }
    return {};
}

RowElement PartialRow::looked_up(ValueId id, int64_t place) {
    const Node &look = node(id);
    if (look.op != Op::embedding && look.op != Op::gather) return opaque(id, place);
    const ValueId from = look.operands[0], places = look.operands[1];
    if (shapes_[from].elements < 0 || shapes_[places].elements < 0) return opaque(id, place);
    const std::vector<int64_t> &sizes = shapes_[from].sizes;
    const size_t axis = look.op == Op::embedding ? 0 : static_cast<size_t>(look.attributes.axis);
    int64_t inner = 1;
    for (size_t i = axis + 1; i < sizes.size(); ++i) inner *= sizes[i];
    if (inner == 0) return {};
    const RowElement index = element(places, look.op == Op::embedding ? place / inner : place);
    if (index.kind == Kind::open) return index;
    if (index.kind != Kind::integer || index.integer < 0 || index.integer >= sizes[axis]) return opaque(id, place);
    if (look.op == Op::embedding) return element(from, index.integer * inner + place % inner);
    const int64_t outer = place / inner / shapes_[places].sizes[axis];
    return element(from, (outer * sizes[axis] + index.integer) * inner + place % inner);
}

RowElement PartialRow::chosen(ValueId id, int64_t place) {
    const RowElement condition = operand(id, 0, place);
    if (condition.kind == Kind::integer) return operand(id, condition.integer != 0 ? 1 : 2, place);
    if (condition.kind != Kind::open) return opaque(id, place);
    // A leaf that leads to itself both ways asks nothing.
    const RowElement first = operand(id, 1, place);
    if (!first.is_number()) return condition;
    return same_number(first, operand(id, 2, place)) ? first : condition;
}

RowElement PartialRow::asked(const Split &split) const {
    if (std::isnan(split.threshold)) return integer_of(0);
    for (const auto &[known, holds] : answers_)
        if (known == split) return integer_of(holds);
    return {.kind = Kind::open, .split = split};
}

RowElement PartialRow::compared(ValueId id, int64_t place) {
    const RowElement a = operand(id, 0, place);
    if (a.kind == Kind::open) return a;
    const RowElement b = operand(id, 1, place);
    if (b.kind == Kind::open) return b;
    Op op = node(id).op;
    if (a.kind == Kind::integer && b.kind == Kind::integer)
        return integer_of(scalar::compared(op, a.integer, b.integer));
    if (a.kind == Kind::real && b.kind == Kind::real) return integer_of(scalar::compared(op, a.real, b.real));
    const bool swapped = a.kind == Kind::real;
    if (!(a.kind == Kind::place && b.kind == Kind::real) && !(swapped && b.kind == Kind::place)) return {};
    if (op == Op::equal || op == Op::not_equal) return {};
    bool above = op == Op::greater || op == Op::greater_equal;
    const bool strict = op == Op::less || op == Op::greater;
    if (swapped) above = !above;
    const float number = swapped ? a.real : b.real, threshold = above ? -number : number;
    if (strict && (std::isnan(threshold) || threshold == -INFINITY)) return integer_of(0);
    Split split = swapped ? b.split : a.split;
    split.threshold = strict ? before(threshold) : threshold;
    split.negated = above;
    return asked(split);
}

RowElement PartialRow::calculated(ValueId id, int64_t place) {
    const Node &made = node(id);
    std::array<RowElement, 2> x;
    for (size_t i = 0; i < made.operands.size(); ++i) {
        if (shapes_[made.operands[i]].elements < 0) return opaque(id, place);
        x[i] = operand(id, i, place);
        if (x[i].kind == Kind::open) return x[i];
        if (!x[i].is_number()) return opaque(id, place);
    }
    const bool to_float = made.type.dtype == DType::float32, of_floats = x[0].kind == Kind::real;
    if (made.op == Op::cast) {
        if (to_float) return of_floats ? x[0] : real_of(static_cast<float>(x[0].integer));
        if (made.type.dtype == DType::boolean) return integer_of(of_floats ? x[0].real != 0 : x[0].integer != 0);
        return of_floats ? integer_of(scalar::converted<float, int64_t>(x[0].real)) : x[0];
    }
    if (of_floats || to_float) return opaque(id, place);
    switch (family_of(made.op)) {
        case Family::logical:
            return integer_of(scalar::compared(made.op, x[0].integer, x[1].integer));
        case Family::division:
            if (x[1].integer == 0) return {};
            return integer_of(scalar::arithmetic(made.op, x[0].integer, x[1].integer));
        case Family::arithmetic:
            return integer_of(scalar::arithmetic(made.op, x[0].integer, x[1].integer));
        default:
            if (made.op == Op::logical_not) return integer_of(x[0].integer == 0);
            return integer_of(scalar::changed(made, x[0].integer));
    }
}

}  // namespace weighbridge::lib

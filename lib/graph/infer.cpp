// SPDX-License-Identifier: Apache-2.0
#include "graph/inference.hpp"

namespace weighbridge::lib {

Expected<size_t> Inference::axis() const {
    const size_t rank = type(0).rank();
    if (attributes.axis < 0 || static_cast<size_t>(attributes.axis) >= rank)
        return fail(formatted("an axis in [0, {})", rank), formatted("{}", attributes.axis));
    const auto axis = static_cast<size_t>(attributes.axis);
    if (shape(0)[axis].batch) return fail_operand("an axis within a row", 0);
    return axis;
}

Expected<Extents> Inference::broadcast(const Extents &a, const Extents &b) const {
    Extents result(std::max(a.size(), b.size()));
    for (size_t i = 0; i < result.size(); ++i) {
        const Extent one = Extent::of(1);
        const Extent &x = i < a.size() ? a[a.size() - 1 - i] : one;
        const Extent &y = i < b.size() ? b[b.size() - 1 - i] : one;
        if (x != y && x != one && y != one) return fail("shapes that broadcast", to_string(a) + " and " + to_string(b));
        result[result.size() - 1 - i] = x == one ? y : x;
    }
    return result;
}

namespace {

std::string names_of(DTypes dtypes) {
    std::string names;
    for (DType dtype : {DType::float32, DType::float64, DType::int64, DType::int32, DType::boolean})
        if (holds(dtypes, dtype)) names += (names.empty() ? "" : " or ") + std::string(name_of(dtype));
    return names;
}

// The table's check: number and dtypes of the operands, and no attributes but the operator's own.
Status check_signature(const Inference &node) {
    const Signature &signature = node.line.operands;
    const size_t count = node.operands.size();
    if (count > kMaxArguments)
        return node.fail(formatted("at most {} operands", kMaxArguments), formatted("{}", count));
    if (count < signature.least || count > signature.most)
        return node.fail(signature.least == signature.most ? formatted("{} operand(s)", signature.least)
                         : signature.most == Signature::kMany
                             ? formatted("{} operand(s) or more", signature.least)
                             : formatted("{} to {} operands", signature.least, signature.most),
                         formatted("{}", count));
    for (size_t i = 0; i < count; ++i) {
        if (node.operands[i] >= node.graph.nodes().size())
            return node.fail("operands that come before it", formatted("value {}", node.operands[i]));
        const DTypes allowed = signature.operands[std::min(i, signature.operands.size() - 1)];
        if (!holds(allowed, node.type(i).dtype)) return node.fail_operand(names_of(allowed), i);
        if (i > signature.alike && node.type(i).dtype != node.type(signature.alike).dtype)
            return node.fail("operands of one dtype",
                             to_string(node.type(signature.alike)) + " and " + to_string(node.type(i)));
    }
    if (!only_own(node.line.op, node.attributes)) return node.fail("no attributes but its own", "others");
    return {};
}

Expected<DType> result_dtype(const Inference &node) {
    const Signature &signature = node.line.operands;
    if (signature.fixed) return signature.dtype;
    if (!signature.by_attribute) return node.type(signature.alike == Signature::kMany ? 0 : signature.alike).dtype;
    const DTypes allowed = node.line.op == Op::input ? dtypes::kAny : dtypes::kComputed;
    const DType dtype = node.attributes.dtype;
    if (!holds(allowed, dtype)) return node.fail(names_of(allowed), name_of(dtype));
    return dtype;
}

Expected<Extents> input_shape(const Inference &node) {
    const Extents &shape = node.attributes.shape;
    if (node.attributes.index < 0 || node.attributes.index >= int64_t{kMaxArguments})
        return node.fail(formatted("an index in [0, {})", kMaxArguments), formatted("{}", node.attributes.index));
    if (shape.empty() || shape[0] != Extent::rows()) return node.fail("[batch, ...]", to_string(shape));
    for (size_t i = 1; i < shape.size(); ++i)
        if (!shape[i].known() && shape[i] != Extent::length())
            return node.fail("[batch, ...] of numbers and the length", to_string(shape));
    return shape;
}

Expected<Type> constant_type(const Inference &node) {
    const size_t constants = node.graph.constants().size();
    if (node.attributes.index < 0 || static_cast<size_t>(node.attributes.index) >= constants)
        return node.fail(formatted("an index in [0, {})", constants), formatted("{}", node.attributes.index));
    const Constant &constant = node.graph.constants()[static_cast<size_t>(node.attributes.index)];
    Type type{constant.dtype, {}};
    for (int64_t size : constant.shape) type.shape.push_back(Extent::of(size));
    if (!holds(dtypes::kComputed, type.dtype)) return node.fail(names_of(dtypes::kComputed), to_string(type));
    return type;
}

Expected<Extents> source_shape(const Inference &node) {
    const Attributes &attributes = node.attributes;
    if (node.line.op == Op::input) return input_shape(node);
    if (node.line.op == Op::iota) {
        if (attributes.size.batch) return node.fail("a size within a row", to_string(attributes.size));
        return Extents{attributes.size};
    }
    if (attributes.integer.batch) return node.fail("a value without rows", to_string(attributes.integer));
    return attributes.shape;
}

// Element by element: as the operands broadcast.
Expected<Extents> element_shape(const Inference &node) {
    if (node.line.op == Op::clamp && (!(node.attributes.least < 0x1p62) || !(node.attributes.largest > -0x1p62)))
        return node.fail("a least below 2^62 and a largest above -2^62", "others");
    Extents shape = node.shape(0);
    for (size_t i = 1; i < node.operands.size(); ++i) {
        auto both = node.broadcast(shape, node.shape(i));
        if (!both) return both;
        shape = *std::move(both);
    }
    return shape;
}

Expected<Extents> shape_of(const Inference &node) {
    switch (node.line.family) {
        case Family::source:
            return source_shape(node);
        case Family::view:
        case Family::join:
            return layout_shape(node);
        case Family::look_up:
            return look_up_shape(node);
        case Family::reduction:
        case Family::scan:
        case Family::last_axis:
            return along_axis_shape(node);
        case Family::product:
            return product_shape(node);
        default:
            return element_shape(node);
    }
}

// The size check of every result: no size is negative, the product of all has at most one factor of rows and stays
// within kMaxElements. A size of 0 does not hide the others, because strides are products of some of them. The product
// is no downward parabola of the length, so that its largest is at the least or the largest length, where executors
// look.
Expected<Type> checked(const Inference &node, Type type) {
    if (type.rank() > static_cast<size_t>(kMaxRank))
        return node.fail(formatted("a result of rank {} at most", kMaxRank), to_string(type));
    auto within = [](int64_t term, int64_t most) { return term >= -most && term <= most; };
    Extent whole = Extent::of(1);
    for (const Extent &size : type.shape) {
        if (!within(size.terms[0], kMaxElements) || !within(size.terms[1], kMaxElements) ||
            !within(size.terms[2], kMaxLength) || node.range(size).least < 0 || node.range(size).most > kMaxElements)
            return node.fail("sizes within bounds for every length", to_string(type));
        if (size.terms == Extent{}.terms) {
            if (size.batch) return node.fail("0 without rows", to_string(type));
            continue;
        }
        auto next = whole * size;
        if (!next) return node.fail("a size of rows times a square of length at most", to_string(type));
        whole = *next;
        if (node.range(whole).most > kMaxElements)
            return node.fail(formatted("at most {} elements a row", kMaxElements), to_string(type));
    }
    if (whole.terms[2] < 0) return node.fail("a size that no square of the length shrinks", to_string(type));
    return type;
}

}  // namespace

Expected<Type> infer(const Graph &graph, Op op, const std::vector<ValueId> &operands, const Attributes &attributes) {
    const Operator *line = find_operator(op);
    if (!line)
        return Status::failure(WB_INVALID_BUNDLE, "expected a known operator, found number {}",
                               static_cast<uint32_t>(op));
    const Inference node{graph, *line, operands, attributes};
    if (Status status = check_signature(node); !status.ok()) return status;
    if (op == Op::constant) {
        auto type = constant_type(node);
        return type ? checked(node, *std::move(type)) : type;
    }
    auto dtype = result_dtype(node);
    if (!dtype) return dtype.status();
    auto shape = shape_of(node);
    if (!shape) return shape.status();
    return checked(node, {*dtype, *std::move(shape)});
}

Status validate(const Graph &graph) {
    if (graph.least_length < 0 || graph.least_length > graph.largest_length || graph.largest_length > kMaxLength)
        return Status::failure(WB_INVALID_BUNDLE, "lengths: expected 0 <= least <= largest <= {}, found {} and {}",
                               kMaxLength, graph.least_length, graph.largest_length);
    bool sequences = false;
    for (size_t i = 0; i < graph.nodes().size(); ++i) {
        const Node &node = graph.nodes()[i];
        if (node.op == Op::input)
            sequences = sequences || std::find(node.type.shape.begin(), node.type.shape.end(), Extent::length()) !=
                                         node.type.shape.end();
        for (ValueId id : node.operands)
            if (id >= i)
                return Status::failure(WB_INVALID_BUNDLE, "operator {}: expected operands before it, found value {}", i,
                                       id);
        auto type = infer(graph, node.op, node.operands, node.attributes);
        if (!type) return Status::failure(WB_INVALID_BUNDLE, "operator {}: {}", i, type.status().message);
        if (*type != node.type)
            return Status::failure(WB_INVALID_BUNDLE, "operator {}: {}: expected {}, found {}", i, name_of(node.op),
                                   to_string(*type), to_string(node.type));
    }
    if (!sequences && graph.least_length > 0)
        return Status::failure(WB_INVALID_BUNDLE, "lengths: expected a least of 0 without sequences, found {}",
                               graph.least_length);
    if (graph.outputs().empty() || graph.outputs().size() > kMaxArguments)
        return Status::failure(WB_INVALID_BUNDLE, "outputs: expected 1 to {}, found {}", kMaxArguments,
                               graph.outputs().size());
    for (ValueId id : graph.outputs())
        if (id >= graph.nodes().size())
            return Status::failure(WB_INVALID_BUNDLE, "outputs: expected a value, found {}", id);
    return {};
}

}  // namespace weighbridge::lib

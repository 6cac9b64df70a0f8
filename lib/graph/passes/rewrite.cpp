// SPDX-License-Identifier: Apache-2.0
#include "graph/passes/rewrite.hpp"

namespace weighbridge::lib {

Rewrite::Rewrite(const Graph &from) : from_(from), map_(from.nodes().size()), uses_(from.nodes().size(), 0) {
    to_.least_length = from.least_length;
    to_.largest_length = from.largest_length;
    for (const Node &node : from.nodes())
        for (ValueId id : node.operands) ++uses_[id];
    for (ValueId id : from.outputs()) ++uses_[id];
}

std::vector<ValueId> Rewrite::mapped(const std::vector<ValueId> &old) const {
    std::vector<ValueId> values;
    for (ValueId id : old) values.push_back(map_[id]);
    return values;
}

ValueId Rewrite::add(Op op, std::vector<ValueId> operands, Attributes attributes, const std::string &origin) {
    if (!failure_.ok()) return 0;
    auto added = to_.add(op, std::move(operands), std::move(attributes), origin);
    if (added) return *added;
    failure_ = added.status();
    return 0;
}

ValueId Rewrite::floats(std::vector<int64_t> shape, const std::vector<float> &values, const std::string &origin) {
    return to_.add_constant(Constant::copy(DType::float32, std::move(shape), values.data()), origin);
}

ValueId Rewrite::copy(ValueId old) {
    const Node &node = from_.node(old);
    if (node.op == Op::constant) return to_.add_constant(from_.constant_of(old), node.origin);
    return add(node.op, mapped(node.operands), node.attributes, node.origin);
}

Expected<Graph> Rewrite::finish() {
    if (!failure_.ok()) return failure_;
    for (ValueId id : from_.outputs()) to_.add_output(map_[id]);
    return std::move(to_);
}

ValueId through_layouts(const Graph &graph, ValueId id) {
    for (;;) {
        const Node &node = graph.node(id);
        if (node.op != Op::reshape && node.op != Op::permute && node.op != Op::slice && node.op != Op::expand)
            return id;
        id = node.operands[0];
    }
}

bool is_identity(const std::vector<int64_t> &order) {
    for (size_t i = 0; i < order.size(); ++i)
        if (order[i] != static_cast<int64_t>(i)) return false;
    return true;
}

bool changes_nothing(const Graph &graph, Op op, const std::vector<ValueId> &operands, const Attributes &attributes,
                     const Type &result) {
    switch (op) {
        case Op::reshape:
        case Op::expand:
        case Op::cast:
            return graph.type(operands[0]) == result;
        case Op::concat:
            return operands.size() == 1;
        case Op::slice:
            return graph.type(operands[0]) == result && attributes.step == 1;
        case Op::permute:
            return is_identity(attributes.order);
        default:
            return false;
    }
}

std::optional<double> fill_value(const Graph &graph, ValueId id) {
    id = through_layouts(graph, id);
    const Node &node = graph.node(id);
    switch (node.op) {
        case Op::full:
            if (node.type.dtype != DType::int64) return node.attributes.value;
            if (!node.attributes.integer.known()) return std::nullopt;
            return static_cast<double>(node.attributes.integer.terms[0]);
        case Op::constant: {
            const Constant &constant = graph.constant_of(id);
            if (!constant.data || constant.elements() != 1) return std::nullopt;
            return constant.dtype == DType::float32   ? constant.as<float>()[0]
                   : constant.dtype == DType::float64 ? constant.as<double>()[0]
                   : constant.dtype == DType::int64   ? static_cast<double>(constant.as<int64_t>()[0])
                                                      : constant.as<uint8_t>()[0];
        }
        default:
            return std::nullopt;
    }
}

}  // namespace weighbridge::lib

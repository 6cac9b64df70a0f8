// SPDX-License-Identifier: Apache-2.0
#include "graph/graph.hpp"

#include <algorithm>
#include <utility>

namespace weighbridge::lib {

std::string to_string(const Type &type) { return std::string(name_of(type.dtype)) + " " + to_string(type.shape); }

int64_t Constant::elements() const {
    int64_t count = 1;
    for (int64_t size : shape) count *= size;
    return count;
}

std::shared_ptr<const std::byte> share(AlignedBuffer buffer) {
    auto owner = std::make_shared<const AlignedBuffer>(std::move(buffer));
    return {owner, owner->data()};
}

Constant Constant::copy(DType dtype, std::vector<int64_t> shape, const void *elements) {
    Constant constant{dtype, std::move(shape), {}};
    const size_t bytes = static_cast<size_t>(constant.elements()) * size_of(dtype);
    AlignedBuffer buffer((bytes + 63) / 64 * 64 + (bytes == 0 ? 64 : 0));
    if (bytes > 0) std::memcpy(buffer.data(), elements, bytes);
    constant.data = share(std::move(buffer));
    return constant;
}

Expected<ValueId> Graph::add(Op op, std::vector<ValueId> operands, Attributes attributes, std::string origin) {
    if (nodes_.size() >= kMaxNodes)
        return Status::failure(WB_INVALID_BUNDLE, "expected at most {} operators, found more", kMaxNodes);
    if (operands.size() > kMaxOperands - operands_)
        return Status::failure(WB_INVALID_BUNDLE, "expected at most {} operands of all operators together, found more",
                               kMaxOperands);
    auto type = infer(*this, op, operands, attributes);
    if (!type) return type.status();
    operands_ += operands.size();
    nodes_.push_back({op, std::move(operands), std::move(attributes), *std::move(type), std::move(origin)});
    return static_cast<ValueId>(nodes_.size() - 1);
}

ValueId Graph::add_constant(Constant constant, std::string origin) {
    Type type{constant.dtype, {}};
    for (int64_t size : constant.shape) type.shape.push_back(Extent::of(size));
    constants_.push_back(std::move(constant));
    const Attributes attributes{.index = static_cast<int64_t>(constants_.size() - 1)};
    nodes_.push_back({Op::constant, {}, attributes, std::move(type), std::move(origin)});
    return static_cast<ValueId>(nodes_.size() - 1);
}

int64_t Graph::inputs() const {
    int64_t count = 0;
    for (const Node &node : nodes_)
        if (node.op == Op::input) count = std::max(count, node.attributes.index + 1);
    return count;
}

std::string Graph::text() const {
    std::string text;
    for (size_t i = 0; i < nodes_.size(); ++i) {
        const Node &node = nodes_[i];
        text += formatted("%{} = {}(", i, name_of(node.op));
        for (size_t k = 0; k < node.operands.size(); ++k) text += formatted("{}%{}", k ? ", " : "", node.operands[k]);
        text += ")";
        text += to_string(node.op, node.attributes) + " : " + to_string(node.type);
        if (!node.origin.empty()) text += "  # " + node.origin;
        text += "\n";
    }
    text += "outputs:";
    for (ValueId id : outputs_) text += formatted(" %{}", id);
    return text + "\n";
}

}  // namespace weighbridge::lib

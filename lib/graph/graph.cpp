// SPDX-License-Identifier: Apache-2.0
#include "graph/graph.hpp"

#include <algorithm>
#include <utility>

namespace weighbridge::lib {

std::string_view name_of(Op op) {
    static constexpr std::pair<Op, std::string_view> kNames[] = {
        {Op::input, "input"},
        {Op::constant, "constant"},
        {Op::full, "full"},
        {Op::iota, "iota"},
        {Op::neg, "neg"},
        {Op::abs, "abs"},
        {Op::exp, "exp"},
        {Op::log, "log"},
        {Op::log1p, "log1p"},
        {Op::sqrt, "sqrt"},
        {Op::rsqrt, "rsqrt"},
        {Op::reciprocal, "reciprocal"},
        {Op::sin, "sin"},
        {Op::cos, "cos"},
        {Op::tanh, "tanh"},
        {Op::sigmoid, "sigmoid"},
        {Op::erf, "erf"},
        {Op::relu, "relu"},
        {Op::gelu, "gelu"},
        {Op::gelu_tanh, "gelu_tanh"},
        {Op::silu, "silu"},
        {Op::softplus, "softplus"},
        {Op::leaky_relu, "leaky_relu"},
        {Op::elu, "elu"},
        {Op::floor, "floor"},
        {Op::ceil, "ceil"},
        {Op::round, "round"},
        {Op::sign, "sign"},
        {Op::square, "square"},
        {Op::clamp, "clamp"},
        {Op::logical_not, "logical_not"},
        {Op::cast, "cast"},
        {Op::add, "add"},
        {Op::sub, "sub"},
        {Op::mul, "mul"},
        {Op::div, "div"},
        {Op::minimum, "minimum"},
        {Op::maximum, "maximum"},
        {Op::pow, "pow"},
        {Op::floor_divide, "floor_divide"},
        {Op::remainder, "remainder"},
        {Op::equal, "equal"},
        {Op::not_equal, "not_equal"},
        {Op::less, "less"},
        {Op::less_equal, "less_equal"},
        {Op::greater, "greater"},
        {Op::greater_equal, "greater_equal"},
        {Op::logical_and, "logical_and"},
        {Op::logical_or, "logical_or"},
        {Op::logical_xor, "logical_xor"},
        {Op::where, "where"},
        {Op::reshape, "reshape"},
        {Op::permute, "permute"},
        {Op::slice, "slice"},
        {Op::expand, "expand"},
        {Op::concat, "concat"},
        {Op::embedding, "embedding"},
        {Op::gather, "gather"},
        {Op::bucketize, "bucketize"},
        {Op::reduce_sum, "reduce_sum"},
        {Op::reduce_mean, "reduce_mean"},
        {Op::reduce_max, "reduce_max"},
        {Op::reduce_min, "reduce_min"},
        {Op::argmax, "argmax"},
        {Op::cumsum, "cumsum"},
        {Op::softmax, "softmax"},
        {Op::layer_norm, "layer_norm"},
        {Op::matmul, "matmul"},
        {Op::linear, "linear"},
        {Op::attention, "attention"},
    };
    for (const auto &[value, name] : kNames)
        if (value == op) return name;
    return "unknown";
}

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
    Attributes attributes{{static_cast<int64_t>(constants_.size() - 1)}, {}, {}};
    nodes_.push_back({Op::constant, {}, std::move(attributes), std::move(type), std::move(origin)});
    return static_cast<ValueId>(nodes_.size() - 1);
}

int64_t Graph::inputs() const {
    int64_t count = 0;
    for (const Node &node : nodes_)
        if (node.op == Op::input) count = std::max(count, node.attributes.ints[0] + 1);
    return count;
}

std::string Graph::text() const {
    std::string text;
    for (size_t i = 0; i < nodes_.size(); ++i) {
        const Node &node = nodes_[i];
        text += formatted("%{} = {}(", i, name_of(node.op));
        for (size_t k = 0; k < node.operands.size(); ++k) text += formatted("{}%{}", k ? ", " : "", node.operands[k]);
        text += ")";
        for (int64_t number : node.attributes.ints) text += formatted(" {}", number);
        for (double number : node.attributes.reals) text += formatted(" {:g}", number);
        if (!node.attributes.extents.empty()) text += " " + to_string(node.attributes.extents);
        text += " : " + to_string(node.type);
        if (!node.origin.empty()) text += "  # " + node.origin;
        text += "\n";
    }
    text += "outputs:";
    for (ValueId id : outputs_) text += formatted(" %{}", id);
    return text + "\n";
}

Attributes LinearAttributes::pack() const {
    return {{static_cast<int64_t>(activation), bias, residual, static_cast<int64_t>(range)}, {slope}, {}};
}
LinearAttributes LinearAttributes::of(const Node &node) {
    const auto &ints = node.attributes.ints;
    return {static_cast<Activation>(ints[0]), ints[1] != 0, ints[2] != 0, static_cast<Range>(ints[3]),
            node.attributes.reals[0]};
}
Attributes AttentionAttributes::pack() const { return {{causal, zero_when_empty, mask}, {scale}, {}}; }
AttentionAttributes AttentionAttributes::of(const Node &node) {
    const auto &ints = node.attributes.ints;
    return {ints[0] != 0, ints[1] != 0, ints[2] != 0, node.attributes.reals[0]};
}

}  // namespace weighbridge::lib

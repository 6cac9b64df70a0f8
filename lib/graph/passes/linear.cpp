// SPDX-License-Identifier: Apache-2.0
// Fusion of linear layers: constant factors and terms behind one fold into it, several of one input become one,
// activations and residuals become its epilogue.
#include <algorithm>
#include <cmath>
#include <map>

#include "graph/passes/rewrite.hpp"

namespace weighbridge::lib {
namespace {

// A linear without an epilogue whose result has one use.
bool is_open(const Rewrite &rewrite, ValueId old, ValueId now) {
    const Node &node = rewrite.node(now);
    if (node.op != Op::linear || rewrite.uses(old) != 1) return false;
    const Attributes &attributes = node.attributes;
    return attributes.activation == Activation::none && !attributes.residual;
}

// An open linear, or one behind a permute that puts its columns elsewhere, as a convolution's channels are.
struct OpenLinear {
    Node linear;
    std::vector<int64_t> order;  // of the permute; empty without

    static std::optional<OpenLinear> find(const Rewrite &rewrite, ValueId old) {
        const ValueId now = rewrite[old];
        if (is_open(rewrite, old, now)) return OpenLinear{rewrite.node(now), {}};
        if (rewrite.node(now).op != Op::permute || rewrite.uses(old) != 1) return std::nullopt;
        const ValueId inner = rewrite.node(now).operands[0];
        // A permute of the old graph has an operand that others may read; one that this pass made has its own.
        const Node &before = rewrite.from().node(old);
        if (!is_open(rewrite, before.op == Op::permute ? before.operands[0] : old, inner)) return std::nullopt;
        return OpenLinear{rewrite.node(inner), rewrite.node(now).attributes.order};
    }
    // From the right: where the columns are among a result's axes.
    size_t columns_from_right() const {
        const auto last = static_cast<int64_t>(order.size()) - 1;
        return order.empty() ? 1 : static_cast<size_t>(order.end() - std::find(order.begin(), order.end(), last));
    }
    ValueId in_order(Rewrite &rewrite, ValueId made) const {
        return order.empty() ? made : rewrite.add(Op::permute, {made}, {.order = order}, linear.origin);
    }
};

// A constant with one number for each of n places of an axis, counted from the right, or one for all.
const Constant *by_column(const Graph &graph, ValueId id, int64_t n, size_t from_right) {
    const Node &node = graph.node(id);
    if (node.op != Op::constant || node.type.dtype != DType::float32) return nullptr;
    const Constant &constant = graph.constant_of(id);
    if (!constant.data) return nullptr;
    const auto &shape = constant.shape;
    const int64_t elements = constant.elements();
    const bool columns = elements == n && shape.size() >= from_right && shape[shape.size() - from_right] == n;
    return columns || elements == 1 ? &constant : nullptr;
}

struct Weights {
    int64_t n, k;
    std::vector<float> matrix, bias;
};

Weights weights_of(const Graph &graph, const Node &linear) {
    const Constant &matrix = graph.constant_of(linear.operands[1]);
    Weights weights{matrix.shape[0], matrix.shape[1], {}, {}};
    weights.matrix.assign(matrix.as<float>(), matrix.as<float>() + weights.n * weights.k);
    weights.bias.assign(static_cast<size_t>(weights.n), 0.0f);
    if (linear.attributes.bias) {
        const float *bias = graph.constant_of(linear.operands[2]).as<float>();
        std::copy_n(bias, weights.n, weights.bias.begin());
    }
    return weights;
}

ValueId emit(Rewrite &rewrite, ValueId x, const Weights &weights, const std::string &origin) {
    const ValueId matrix = rewrite.floats({weights.n, weights.k}, weights.matrix, origin);
    const ValueId bias = rewrite.floats({weights.n}, weights.bias, origin);
    Attributes attributes;
    attributes.bias = true;
    return rewrite.add(Op::linear, {x, matrix, bias}, attributes, origin);
}

}  // namespace

// (x w^T + b) scale + shift = x (scale w)^T + (b scale + shift): batch norms, and biases written as additions. Computed
// in double, rounded once.
Expected<Graph> fold_norms(const Graph &graph) {
    Rewrite rewrite(graph);
    return rewrite.each([&](ValueId, const Node &node) -> std::optional<ValueId> {
        if (node.op != Op::mul && node.op != Op::div && node.op != Op::add && node.op != Op::sub) return std::nullopt;
        const bool swaps = node.op == Op::mul || node.op == Op::add;
        for (size_t side = 0; side < (swaps ? 2u : 1u); ++side) {
            const ValueId old = node.operands[side];
            const auto open = OpenLinear::find(rewrite, old);
            if (!open || rewrite.type(rewrite[old]) != node.type) continue;
            const Node &linear = open->linear;
            Weights weights = weights_of(rewrite.to(), linear);
            const Constant *by =
                by_column(rewrite.to(), rewrite[node.operands[1 - side]], weights.n, open->columns_from_right());
            if (!by) continue;
            const bool one = by->elements() == 1;
            for (int64_t row = 0; row < weights.n; ++row) {
                const double number = by->as<float>()[one ? 0 : row];
                float &bias = weights.bias[static_cast<size_t>(row)];
                if (node.op == Op::add || node.op == Op::sub) {
                    bias = static_cast<float>(node.op == Op::add ? bias + number : bias - number);
                    continue;
                }
                const auto scaled = [&](float value) {
                    return static_cast<float>(node.op == Op::mul ? value * number : value / number);
                };
                bias = scaled(bias);
                for (int64_t k = 0; k < weights.k; ++k) {
                    float &weight = weights.matrix[static_cast<size_t>(row * weights.k + k)];
                    weight = scaled(weight);
                }
            }
            // A plan's weights are finite: where a division by 0, say, makes others, the arithmetic stays written out.
            const auto finite = [](float value) { return std::isfinite(value); };
            if (!std::all_of(weights.matrix.begin(), weights.matrix.end(), finite)) continue;
            return open->in_order(rewrite, emit(rewrite, linear.operands[0], weights, linear.origin));
        }
        return std::nullopt;
    });
}

// Linears of one input whose results are only rearranged become one (query, key and value of an attention, both
// directions of a recurrence).
Expected<Graph> merge_linears(const Graph &graph) {
    std::vector<bool> ends(graph.nodes().size(), false);  // somebody computes with the value as it is
    for (const Node &node : graph.nodes())
        for (ValueId id : node.operands)
            if (node.op != Op::reshape && node.op != Op::permute && node.op != Op::slice && node.op != Op::attention &&
                node.op != Op::matmul && node.op != Op::recurrent)
                ends[id] = true;
    for (ValueId id : graph.outputs()) ends[id] = true;
    std::map<ValueId, std::vector<ValueId>> groups;  // by input
    for (ValueId id = 0; id < graph.nodes().size(); ++id) {
        const Node &node = graph.node(id);
        if (node.op != Op::linear || ends[id] || !graph.constant_of(node.operands[1]).data) continue;
        const Attributes &attributes = node.attributes;
        if (attributes.activation == Activation::none && !attributes.residual) groups[node.operands[0]].push_back(id);
    }
    std::map<ValueId, std::pair<ValueId, int64_t>> places;  // by linear: the merged one and the first column in it
    Rewrite rewrite(graph);
    return rewrite.each([&](ValueId id, const Node &node) -> std::optional<ValueId> {
        if (node.op != Op::linear) return std::nullopt;
        const auto group = groups.find(node.operands[0]);
        if (group == groups.end() || group->second.size() < 2) return std::nullopt;
        if (id == group->second.front()) {
            Weights all{0, graph.constant_of(node.operands[1]).shape[1], {}, {}};
            std::vector<int64_t> starts;
            for (ValueId member : group->second) {
                const Weights one = weights_of(graph, graph.node(member));
                starts.push_back(all.n);
                all.n += one.n;
                all.matrix.insert(all.matrix.end(), one.matrix.begin(), one.matrix.end());
                all.bias.insert(all.bias.end(), one.bias.begin(), one.bias.end());
            }
            const ValueId merged = emit(rewrite, rewrite[node.operands[0]], all, node.origin);
            for (size_t i = 0; i < starts.size(); ++i) places[group->second[i]] = {merged, starts[i]};
        }
        const auto place = places.find(id);
        if (place == places.end()) return std::nullopt;
        const auto axis = static_cast<int64_t>(node.type.rank()) - 1;
        return rewrite.add(Op::slice, {place->second.first},
                           {.axis = axis, .start = Extent::of(place->second.second), .size = node.type.shape.back()},
                           node.origin);
    });
}

namespace {

std::optional<Activation> activation_of(Op op) {
    switch (op) {
        case Op::relu:
            return Activation::relu;
        case Op::gelu:
            return Activation::gelu;
        case Op::gelu_tanh:
            return Activation::gelu_tanh;
        case Op::silu:
            return Activation::silu;
        case Op::tanh:
            return Activation::tanh;
        case Op::sigmoid:
            return Activation::sigmoid;
        case Op::leaky_relu:
            return Activation::leaky_relu;
        default:
            return std::nullopt;
    }
}

}  // namespace

Expected<Graph> fuse_epilogues(const Graph &graph) {
    Rewrite rewrite(graph);
    return rewrite.each([&](ValueId, const Node &node) -> std::optional<ValueId> {
        if (auto activation = activation_of(node.op)) {
            const auto open = OpenLinear::find(rewrite, node.operands[0]);
            if (!open) return std::nullopt;
            Attributes attributes = open->linear.attributes;
            attributes.activation = *activation;
            if (node.op == Op::leaky_relu) attributes.slope = node.attributes.slope;
            const ValueId made = rewrite.add(Op::linear, open->linear.operands, attributes, open->linear.origin);
            return open->in_order(rewrite, made);
        }
        if (node.op != Op::add) return std::nullopt;
        // The later of two linears takes the earlier one as its residual.
        const bool second_later = rewrite[node.operands[1]] > rewrite[node.operands[0]];
        for (size_t side : {size_t{second_later}, size_t{!second_later}}) {
            const ValueId old = node.operands[side], now = rewrite[old];
            const ValueId other = rewrite[node.operands[1 - side]];
            const Node linear = rewrite.node(now);
            if (linear.op != Op::linear || rewrite.uses(old) != 1 || linear.attributes.residual ||
                rewrite.type(other) != node.type || linear.type != node.type || other == now)
                continue;
            Attributes attributes = linear.attributes;
            attributes.residual = true;
            std::vector<ValueId> operands = linear.operands;
            operands.push_back(other);
            return rewrite.add(Op::linear, operands, attributes, linear.origin);
        }
        return std::nullopt;
    });
}

namespace {

Range range_of(const Graph &graph, ValueId id) {
    const Node &node = graph.node(through_layouts(graph, id));
    switch (node.op) {
        case Op::relu:
        case Op::sigmoid:
        case Op::softmax:
        case Op::exp:
        case Op::abs:
        case Op::square:
            return Range::nonnegative;
        case Op::gelu:
        case Op::gelu_tanh:
            return Range::gelu;
        case Op::recurrent:
            return node.attributes.cell == Recurrence::relu ? Range::nonnegative : Range::symmetric;
        case Op::linear: {
            const Attributes &attributes = node.attributes;
            if (attributes.residual) return Range::symmetric;
            switch (attributes.activation) {
                case Activation::relu:
                case Activation::sigmoid:
                    return Range::nonnegative;
                case Activation::gelu:
                case Activation::gelu_tanh:
                    return Range::gelu;
                default:
                    return Range::symmetric;
            }
        }
        default:
            return Range::symmetric;
    }
}

}  // namespace

Expected<Graph> mark_ranges(const Graph &graph) {
    Rewrite rewrite(graph);
    return rewrite.each([&](ValueId, const Node &node) -> std::optional<ValueId> {
        if (node.op != Op::linear) return std::nullopt;
        Attributes attributes = node.attributes;
        attributes.range = range_of(graph, node.operands[0]);
        return rewrite.add(Op::linear, rewrite.mapped(node.operands), attributes, node.origin);
    });
}

}  // namespace weighbridge::lib

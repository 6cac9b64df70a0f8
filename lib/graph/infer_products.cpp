// SPDX-License-Identifier: Apache-2.0
#include "graph/inference.hpp"

namespace weighbridge::lib {
namespace {

Expected<Extents> matmul(const Inference &node) {
    for (size_t i = 0; i < 2; ++i)
        if (node.type(i).rank() < 2) return node.fail_operand("rank 2 at least", i);
    Extents a = node.shape(0), b = node.shape(1);
    const Extent m = a[a.size() - 2], k = a.back(), n = b.back();
    if (k != b[b.size() - 2] || k.batch) return node.fail("sizes that multiply", to_string(a) + " by " + to_string(b));
    a.resize(a.size() - 2);
    b.resize(b.size() - 2);
    auto shape = node.broadcast(a, b);
    if (!shape) return shape;
    shape->push_back(m);
    shape->push_back(n);
    return shape;
}

Expected<Extents> linear(const Inference &node) {
    const Attributes &attributes = node.attributes;
    if (static_cast<int>(attributes.activation) >= kActivations || static_cast<int>(attributes.range) >= kRanges)
        return node.fail("a known activation and range", "others");
    const size_t expected = 2u + attributes.bias + attributes.residual;
    if (Status status = node.counts(expected); !status.ok()) return status;
    const Extents &weights = node.shape(1);
    if (!node.is_constant(1) || weights.size() != 2) return node.fail_operand("constant weights [n, k]", 1);
    Extents shape = node.shape(0);
    if (shape.empty() || shape.back() != weights[1]) return node.fail_operand("[..., k]", 0);
    if (weights[0].is(0) || weights[1].is(0)) return node.fail_operand("weights that are not empty", 1);
    shape.back() = weights[0];
    if (attributes.bias && (!node.is_constant(2) || node.shape(2) != Extents{weights[0]}))
        return node.fail_operand("a constant bias [n]", 2);
    if (attributes.residual && node.shape(expected - 1) != shape)
        return node.fail_operand("a residual " + to_string(shape), expected - 1);
    return shape;
}

Expected<Extents> recurrent(const Inference &node) {
    const Attributes &attributes = node.attributes;
    if (static_cast<int>(attributes.cell) >= kRecurrences) return node.fail("a known cell", "another");
    const size_t expected = 2u + attributes.bias + attributes.state;
    if (Status status = node.counts(expected); !status.ok()) return status;
    const Extents &weights = node.shape(1);
    const int64_t gates = gates_of(attributes.cell), states = states_of(attributes.cell);
    if (!node.is_constant(1) || weights.size() != 2 || weights[0] != Extent::of(gates * weights[1].terms[0]) ||
        weights[1].is(0))
        return node.fail_operand(formatted("constant weights [{} h, h]", gates), 1);
    Extents shape = node.shape(0);
    if (shape.size() < 2 || shape.back() != weights[0]) return node.fail_operand("[..., t, gates h]", 0);
    if (shape[shape.size() - 2].batch) return node.fail_operand("places within a row", 0);
    if (attributes.bias && (!node.is_constant(2) || node.shape(2) != Extents{weights[0]}))
        return node.fail_operand("a constant bias [gates h]", 2);
    shape.back() = Extent::of(states * weights[1].terms[0]);
    if (!attributes.state) return shape;
    Extents state = shape;
    state.erase(state.end() - 2);
    if (node.shape(expected - 1) != state) return node.fail_operand("a state " + to_string(state), expected - 1);
    return shape;
}

Status check_mask(const Inference &node, const Extents &scores) {
    auto shape = node.broadcast(node.shape(3), scores);
    if (!shape) return shape.status();
    if (*shape != scores) return node.fail_operand("a mask that broadcasts to " + to_string(scores), 3);
    return {};
}

Expected<Extents> attention(const Inference &node) {
    if (Status status = node.counts(3u + node.attributes.mask); !status.ok()) return status;
    const Extents &q = node.shape(0), &k = node.shape(1), &v = node.shape(2);
    const size_t rank = q.size();
    bool fits = rank >= 3 && k.size() == rank && v.size() == rank;
    for (size_t i = 0; fits && i + 2 < rank; ++i) fits = q[i] == k[i] && k[i] == v[i];
    fits = fits && q[rank - 1] == k[rank - 1] && k[rank - 2] == v[rank - 2] && q[rank - 1].known() &&
           v[rank - 1].known() && !q[rank - 2].batch && !k[rank - 2].batch;
    if (!fits) return node.fail("q, k and v that fit", to_string(q) + ", " + to_string(k) + " and " + to_string(v));
    auto pairs = q[rank - 2] * k[rank - 2];
    if (!pairs || node.range(*pairs).most > Wide{kMaxLength} * kMaxLength)
        return node.fail("at most 2^40 pairs of query and key", to_string(q) + " and " + to_string(k));
    Extents shape = q;
    shape[rank - 1] = k[rank - 2];
    if (node.attributes.mask)
        if (Status status = check_mask(node, shape); !status.ok()) return status;
    shape[rank - 1] = v[rank - 1];
    return shape;
}

}  // namespace

Expected<Extents> product_shape(const Inference &node) {
    switch (node.line.op) {
        case Op::matmul:
            return matmul(node);
        case Op::linear:
            return linear(node);
        case Op::recurrent:
            return recurrent(node);
        default:
            return attention(node);
    }
}

}  // namespace weighbridge::lib

// SPDX-License-Identifier: Apache-2.0
#include "backend/plan_linear.hpp"

#include <algorithm>

#include "plan/panels.hpp"

namespace weighbridge::lib {

bool sums_bf16(const Plan &plan, int32_t precision) {
    if (!needs_bf16_instructions(precision)) return false;
    const auto &nodes = plan.graph().nodes();
    return std::any_of(nodes.begin(), nodes.end(), [&](const Node &node) {
        if (precision != WB_PRECISION_BF16 || !has_panels(node.op)) return node.op == Op::attention;
        const Extents &weights = plan.graph().type(node.operands[1]).shape;
        return !stays_float(weights[0].terms[0], weights[1].terms[0]);
    });
}

Expected<Linears> Linears::make(const Plan &plan, int32_t precision, const StopSource &stop) {
    const size_t nodes = plan.graph().nodes().size();
    Linears linears;
    linears.weights_.resize(nodes);
    Seen seen;
    for (ValueId id = 0; id < nodes; ++id) {
        if (!has_panels(plan.graph().node(id).op)) continue;
        if (Status status = stop.check("preparing node {} of {}", id + 1, nodes); !status.ok()) return status;
        linears.add(plan, precision, id, seen);
    }
    return linears;
}

void Linears::add(const Plan &plan, int32_t precision, ValueId id, Seen &seen) {
    const Graph &graph = plan.graph();
    const Node &node = graph.node(id);
    const Attributes &attributes = node.attributes;
    const auto constant = static_cast<size_t>(graph.node(node.operands[1]).attributes.index);
    const PackedWeights &packed = plan.weights(constant);
    LinearWeights &weights = weights_[id];
    weights.n = graph.constants()[constant].shape[0];
    weights.k = graph.constants()[constant].shape[1];
    const auto columns = static_cast<size_t>(panel_columns(weights.n));
    const float *bias = attributes.bias ? graph.constant_of(node.operands[2]).as<float>() : nullptr;
    auto room = [&](size_t bytes) {
        computed_.emplace_back(bytes);
        return computed_.back().data();
    };
    if (uses_int8_weights(precision) && packed.i8) {
        weights.i8 = packed.i8;
        weights.scale = packed.i8_scale;
        auto *start = reinterpret_cast<int32_t *>(room(columns * sizeof(int32_t)));
        auto *shift = reinterpret_cast<float *>(room(columns * sizeof(float)));
        Panels &panels = seen[constant];
        if (panels.sums.empty()) {
            panels.sums.resize(columns);
            column_sums(packed.i8, weights.n, weights.k, panels.sums.data());
            panels.pairs_fit = int8_pairs_fit(packed.i8, weights.n, weights.k);
        }
        weights.pairs_fit = panels.pairs_fit;
        int8_start(attributes.range, panels.sums.data(), weights.n, packed.i8_scale, bias, start, shift);
        weights.start = start;
        weights.shift = shift;
        return;
    }
    if (bias) {
        auto *padded = reinterpret_cast<float *>(room(columns * sizeof(float)));
        std::copy_n(bias, weights.n, padded);
        weights.bias = padded;
    }
    if (precision == WB_PRECISION_BF16 && packed.bf16)
        weights.bf16 = packed.bf16;
    else
        weights.f32 = packed.f32;
}

}  // namespace weighbridge::lib

// SPDX-License-Identifier: Apache-2.0
#include "backend/native/factors.hpp"

#include <algorithm>

#include "plan/panels.hpp"

namespace weighbridge::lib::native {
namespace {

constexpr int64_t kLeastColumns = 8;  // with fewer the panels' zeros would be more than three quarters

// products x [k][n], row-major, as panels.
void pack(const float *from, int64_t products, int64_t k, int64_t n, float *panels) {
    for (int64_t product = 0; product < products; ++product, from += k * n)
        for (int64_t begin = 0; begin < n; begin += kPanelColumns)
            for (int64_t row = 0; row < k; ++row, panels += kPanelColumns) {
                const int64_t here = std::min(kPanelColumns, n - begin);
                std::copy_n(from + row * n + begin, here, panels);
                std::fill_n(panels + here, kPanelColumns - here, 0.0f);
            }
}

}  // namespace

Expected<Factors> Factors::make(const Plan &plan, const StopSource &stop) {
    const Graph &graph = plan.graph();
    Factors factors;
    for (ValueId id = 0; id < graph.nodes().size(); ++id) {
        if (graph.node(id).op != Op::matmul) continue;
        const Node &factor = graph.node(graph.node(id).operands[1]);
        if (factor.op != Op::constant) continue;
        const Constant &constant = graph.constants()[static_cast<size_t>(factor.attributes.index)];
        const int64_t n = constant.shape.back(), k = constant.shape[constant.shape.size() - 2];
        if (!constant.data || n < kLeastColumns || k == 0) continue;
        if (Status status = stop.check("preparing node {} of {}", id + 1, graph.nodes().size()); !status.ok())
            return status;
        factors.constants_[id] = factor.attributes.index;
        auto [place, added] = factors.panels_.try_emplace(factor.attributes.index);
        if (!added) continue;
        const int64_t products = constant.elements() / (k * n), bytes = products * panel_elements_f32(n, k) * 4;
        place->second = AlignedBuffer(static_cast<size_t>(bytes));
        factors.bytes_ += bytes;
        pack(constant.as<float>(), products, k, n, reinterpret_cast<float *>(place->second.data()));
    }
    return factors;
}

const float *Factors::of(ValueId node) const {
    const auto constant = constants_.find(node);
    if (constant == constants_.end()) return nullptr;
    return reinterpret_cast<const float *>(panels_.at(constant->second).data());
}

}  // namespace weighbridge::lib::native

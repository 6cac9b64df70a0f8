// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>

#include "plan/plan.hpp"

namespace weighbridge::lib::native {

// The constant second factors of a plan's matmuls as panels, so that no run packs them: those of a layer of each
// feature's own, say. Constant after construction.
class Factors {
  public:
    // May throw std::bad_alloc. WB_CANCELLED, WB_DEADLINE_EXCEEDED where `stop` says so, which is asked before each.
    static Expected<Factors> make(const Plan &plan, const StopSource &stop = {});

    // [products][panel_columns(n) / 32][k][32], aligned to 64 bytes, products in the factor's order; null where the
    // factor is no constant, or is too narrow.
    const float *of(ValueId node) const;
    int64_t bytes() const { return bytes_; }

  private:
    Factors() = default;
    std::map<ValueId, int64_t> constants_;     // by node
    std::map<int64_t, AlignedBuffer> panels_;  // by constant
    int64_t bytes_ = 0;
};

}  // namespace weighbridge::lib::native

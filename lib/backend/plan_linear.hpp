// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <vector>

#include "plan/plan.hpp"

namespace weighbridge::lib {

// A linear's weights as kernels take them, for one precision: pointers into the plan and into what was computed at
// load.
struct LinearWeights {
    const float *f32 = nullptr;
    const uint16_t *bf16 = nullptr;
    const int8_t *i8 = nullptr;
    const float *scale = nullptr;
    const int32_t *start = nullptr;
    const float *shift = nullptr;
    const float *bias = nullptr;  // padded to whole panels; null where there is none
    int64_t n = 0, k = 0;
};

// The linears of a plan by node. Constant after construction; the plan must outlive it.
class Linears {
  public:
    // May throw std::bad_alloc.
    Linears(const Plan &plan, int32_t precision);
    const LinearWeights &of(ValueId node) const { return weights_[node]; }

  private:
    // Layers may share a constant; it is summed once, so that load takes a time of the file's size.
    using Sums = std::map<size_t, std::vector<int32_t>>;  // by constant, panel_columns(n) of them
    void add(const Plan &plan, int32_t precision, ValueId id, Sums &sums);

    std::vector<LinearWeights> weights_;
    std::vector<AlignedBuffer> computed_;
};

}  // namespace weighbridge::lib

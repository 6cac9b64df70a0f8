// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <vector>

#include "plan/plan.hpp"

namespace weighbridge::lib {

// A linear's weights in one precision, as kernels take them: pointers into the plan and into tables computed at load.
struct LinearWeights {
    const float *f32 = nullptr;
    const uint16_t *bf16 = nullptr;
    const int8_t *i8 = nullptr;
    bool pairs_fit = false;  // of i8
    const float *scale = nullptr;
    const int32_t *start = nullptr;
    const float *shift = nullptr;
    const float *bias = nullptr;  // padded to whole panels; null where there is none
    int64_t n = 0, k = 0;
};

// Whether a plan in this precision has sums of bf16 products: in its linears or in attention.
bool sums_bf16(const Plan &plan, int32_t precision);

// The linears of a plan, recurrences' among them, by node. Constant after construction; the plan must outlive it.
class Linears {
  public:
    // May throw std::bad_alloc. WB_CANCELLED, WB_DEADLINE_EXCEEDED where `stop` says so, which is asked before each
    // layer.
    static Expected<Linears> make(const Plan &plan, int32_t precision, const StopSource &stop = {});
    const LinearWeights &of(ValueId node) const { return weights_[node]; }

  private:
    // Cache by constant: layers may share one, and its int8 panels are read once, so that load is linear in the file's
    // size.
    struct Panels {
        std::vector<int32_t> sums;  // column_sums
        bool pairs_fit = false;
    };
    using Seen = std::map<size_t, Panels>;  // by constant
    Linears() = default;
    void add(const Plan &plan, int32_t precision, ValueId id, Seen &seen);

    std::vector<LinearWeights> weights_;
    std::vector<AlignedBuffer> computed_;
};

}  // namespace weighbridge::lib

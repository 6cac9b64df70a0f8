// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plan/plan.hpp"

namespace weighbridge::test {

inline constexpr int32_t kAllPrecisions[] = {WB_PRECISION_FP32, WB_PRECISION_INT8, WB_PRECISION_BF16,
                                             WB_PRECISION_INT8BF16};

// What a plan has to have for one of them: fp32 comes before those that not every CPU runs.
inline lib::Precisions plan_precisions(int32_t precision) {
    if (lib::needs_bf16_instructions(precision)) return {WB_PRECISION_FP32, precision};
    return {precision};
}

}  // namespace weighbridge::test

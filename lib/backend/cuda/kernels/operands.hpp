// SPDX-License-Identifier: Apache-2.0
// What goes into tensor cores in bf16, and what comes out.
#pragma once

#include "backend/cuda/kernels/places.hpp"
#include "backend/tensor_sums.hpp"

namespace weighbridge::lib::cuda::device {

// Two of K side by side, the first in the lower half.
__device__ inline uint32_t operands(float first, float second) {
    return tensor_operand(first) | uint32_t{tensor_operand(second)} << 16;
}

// Families may give a zero either sign: -0 becomes +0, and nothing else changes.
__device__ inline float without_sign_of_zero(float sum) { return sum + 0.0f; }

}  // namespace weighbridge::lib::cuda::device

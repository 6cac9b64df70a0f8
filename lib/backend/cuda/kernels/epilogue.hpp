// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backend/cuda/kernels/places.hpp"
#include "backend/element_formulas.hpp"

namespace weighbridge::lib::cuda::device {

// Ends an output of a linear layer: activation, then residual. The residual may be y's own memory.
__device__ inline void store_output(const Epilogue &epilogue, const RowView &y, const Rows &rows, const Row &row,
                                    int64_t column, float sum) {
    float value = formulas::activated(epilogue.activation, epilogue.slope, sum);
    if (epilogue.adds) value = value + row.of<const float>(epilogue.residual, rows)[column];
    row.of<float>(y, rows)[column] = value;
}

__device__ inline bool merged_with(const Epilogue &epilogue, const RowView &y) {
    return y.merged && (!epilogue.adds || epilogue.residual.merged);
}

}  // namespace weighbridge::lib::cuda::device

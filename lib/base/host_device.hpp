// SPDX-License-Identifier: Apache-2.0
// Formulas that the CPU and a GPU compute from one source are written with these; nvcc is a CUDA build's compiler.
#pragma once

#include <cmath>

#ifdef __CUDACC__
#define WB_HOST_DEVICE __host__ __device__
#define WB_DEVICE_TABLE __device__
#else
#define WB_HOST_DEVICE
#define WB_DEVICE_TABLE inline
#endif

namespace weighbridge::lib {

// a * b + c, rounded once.
WB_HOST_DEVICE inline float fused(float a, float b, float c) {
#ifdef __CUDA_ARCH__
    return __fmaf_rn(a, b, c);
#else
    return std::fma(a, b, c);
#endif
}

}  // namespace weighbridge::lib

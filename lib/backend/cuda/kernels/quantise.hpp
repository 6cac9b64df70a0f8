// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backend/cuda/kernels/places.hpp"
#include "backend/element_formulas.hpp"

namespace weighbridge::lib::cuda::device {

inline constexpr float kOffset = 0.17f;  // kGeluOffset of plan/panels.hpp, which the tests hold to it

__device__ inline float mapped(Range range, float x) {
    if (range == Range::gelu) x = x + kOffset;
    return range == Range::symmetric || x > 0 ? x : 0.0f;
}

// The largest of all lanes' values that are no NaN.
__device__ inline float largest(float x) {
#pragma unroll
    for (int apart = kQuantiseLanes / 2; apart > 0; apart /= 2) {
        const float other = __shfl_xor_sync(kAllLanes, x, apart);
        if (other > x) x = other;
    }
    return x;
}

// kernel::QuantiseRows of one row by a warp, a word of 4 bytes a lane: `stride` bytes are written, zeros behind those
// of the row's last word.
__device__ inline void quantise_row(const float *x, int64_t k, Range range, uint8_t *q, int64_t stride, float *scale) {
    const bool symmetric = range == Range::symmetric;
    const float levels = symmetric ? 127.0f : 255.0f;
    const int64_t padded = (k + 3) / 4 * 4;
    const int lane = static_cast<int>(threadIdx.x) % kQuantiseLanes;
    float top = 0, broken = 0;
    for (int64_t i = lane; i < k; i += kQuantiseLanes) {
        const float size = formulas::magnitude(mapped(range, x[i]));
        if (size > top) top = size;
        if (!(formulas::magnitude(x[i]) < formulas::kInfinity)) broken = 1;
    }
    top = largest(top);
    const bool finite = largest(broken) == 0, flat = !finite || top < 0x1p-119f;
    if (lane == 0) *scale = !finite ? formulas::kNaN : flat ? 0.0f : top / levels;
    for (int64_t i = lane * 4; i < stride; i += kQuantiseLanes * 4) {
        uint32_t word = 0;
        for (int64_t j = 0; j < 4 && i < padded; ++j) {
            const bool zero = flat || i + j >= k;
            const int level = zero ? 0 : static_cast<int>(formulas::nearest(mapped(range, x[i + j]) * (levels / top)));
            word |= static_cast<uint32_t>(level + (symmetric ? 128 : 0)) << (8 * j);
        }
        *reinterpret_cast<uint32_t *>(q + i) = word;
    }
}

}  // namespace weighbridge::lib::cuda::device

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/cuda/device.hpp"
#include "backend/tensor_sums.hpp"

namespace weighbridge::lib::cuda {

// Fixed products by which a device's tensor cores are told from those of another model: summands of many sizes,
// cancellation, results that overflow or are denormal, infinities and NaNs. As fragments of mma.sync m16n8k16, by
// product and lane.
struct TensorVectors {
    static constexpr int kLanes = 32, kRows = 16, kColumns = 8;
    std::vector<uint32_t> a, b;  // 4 and 2 words a lane
    std::vector<float> sums;     // 4 a lane

    static TensorVectors make();
    int64_t count() const { return static_cast<int64_t>(sums.size()) / (4 * kLanes); }
    // How many of `found`, laid out as `sums`, are not what the model gives. Any NaN equals any other; so does a zero.
    int64_t differing(const TensorSums &model, std::span<const float> found) const;
};

// The family whose sums a device has, as its compute capability says and the vectors, computed there, confirm.
// WB_BACKEND_UNAVAILABLE: no model of such a GPU is known, or it gave others.
Expected<const TensorFamily *> check_tensor_family(const KernelSet &kernels);

}  // namespace weighbridge::lib::cuda

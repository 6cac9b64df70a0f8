// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "backend/cuda/device.hpp"
#include "backend/plan_linear.hpp"

namespace weighbridge::lib::cuda {

// A plan's constants on a device, once for all its contexts. Constant after make.
class DeviceWeights {
  public:
    // WB_OUT_OF_MEMORY with both figures; WB_BACKEND_UNAVAILABLE.
    static Expected<std::shared_ptr<const DeviceWeights>> make(const KernelSet &kernels, const Plan &plan,
                                                               const Linears &linears);

    std::byte *constant(size_t index) const { return constants_[index]; }   // null where it is in panels only
    const std::vector<LinearWeights> &linears() const { return linears_; }  // by node: device pointers
    int64_t bytes() const { return bytes_; }

  private:
    DeviceWeights() = default;
    DeviceMemory memory_;
    std::vector<std::byte *> constants_;
    std::vector<LinearWeights> linears_;  // by node
    int64_t bytes_ = 0;
};

}  // namespace weighbridge::lib::cuda

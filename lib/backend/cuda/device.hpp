// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string_view>

#include "backend/cuda/driver.hpp"
#include "backend/cuda/launches.hpp"
#include "base/bytes.hpp"

namespace weighbridge::lib::cuda {

// A device that programs run on: its context and the kernels in it. Constant after open; shared by all programs.
class GpuDevice {
  public:
    // `image` is the fatbin of kernels.def's kernels. WB_BACKEND_UNAVAILABLE, WB_OUT_OF_MEMORY.
    static Expected<std::shared_ptr<const GpuDevice>> open(std::shared_ptr<const Driver> driver, int ordinal,
                                                           ByteView image);

    const std::shared_ptr<const DeviceContext> &context() const { return context_; }
    Resources resources() const { return {context_->multiprocessors(), context_->shared_bytes()}; }
    KernelHandle kernel(std::string_view name) const { return kernels_.find(name)->second; }  // of kernels.def

  private:
    GpuDevice() = default;
    std::shared_ptr<const DeviceContext> context_;
    Library library_;
    std::map<std::string_view, KernelHandle> kernels_;
};

}  // namespace weighbridge::lib::cuda

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "backend/cuda/driver.hpp"
#include "backend/cuda/launches.hpp"
#include "backend/cuda/watch.hpp"
#include "backend/tensor_sums.hpp"
#include "base/bytes.hpp"

namespace weighbridge::lib::cuda {

// A device's context with the kernels in it, until a sticky error ends it.
class KernelSet {
  public:
    // `image` is the fatbin of kernels.def's kernels. WB_BACKEND_UNAVAILABLE, WB_OUT_OF_MEMORY.
    static Expected<std::shared_ptr<const KernelSet>> open(std::shared_ptr<const Driver> driver, int ordinal,
                                                           ByteView image, std::shared_ptr<Watch> watch);

    const std::shared_ptr<const DeviceContext> &context() const { return context_; }
    Watch &watch() const { return *watch_; }
    Resources resources() const { return {context_->multiprocessors(), context_->shared_bytes()}; }
    KernelHandle kernel(std::string_view name) const { return kernels_.find(name)->second; }  // of kernels.def

    // An event to wait for runs by.
    Expected<std::shared_ptr<Watch::Look>> make_look() const;
    // Waits for what a stream has, where that could be put there (`put`); the context is current. A device that does
    // not end it keeps all that it has. WB_BACKEND_UNAVAILABLE, WB_OUT_OF_MEMORY.
    Status end(const std::shared_ptr<Watch::Look> &look, const Stream &stream, Result put, std::string_view what) const;
    // What its tensor cores sum as, checked once. As check_tensor_family(), thread-safe.
    Expected<const TensorFamily *> tensor_family() const;

  private:
    KernelSet() = default;
    std::shared_ptr<const DeviceContext> context_;
    std::shared_ptr<Watch> watch_;
    Library library_;
    std::map<std::string_view, KernelHandle> kernels_;
    mutable std::atomic<const TensorFamily *> tensor_family_{nullptr};
};

// Has something in a device's context, and has it again in the next one where that is lost. Called by the device's
// thread.
class Resident {
  public:
    virtual ~Resident() = default;
    // Gives up all that lies in a context. False where a run is in it still: then once more.
    virtual bool leave() = 0;
    // Makes it anew where it is not there.
    virtual Status settle(const std::shared_ptr<const KernelSet> &kernels) = 0;
};

// A GPU that programs run on, as long as an engine or a program uses it. A context that is lost to a sticky error is
// made anew by the device's thread, at most once a second, with all that lay in it; what runs meanwhile is told
// WB_BACKEND_UNAVAILABLE. Thread-safe.
class GpuDevice {
  public:
    // As KernelSet::open; WB_OUT_OF_MEMORY where there is no thread for it.
    static Expected<std::shared_ptr<const GpuDevice>> open(std::shared_ptr<const Driver> driver, int ordinal,
                                                           ByteView image, const DeviceTimes &times = {});
    ~GpuDevice();
    GpuDevice(const GpuDevice &) = delete;
    GpuDevice &operator=(const GpuDevice &) = delete;

    int ordinal() const { return ordinal_; }
    const std::string &name() const { return name_; }  // "NVIDIA H200"
    int capability() const { return capability_; }     // 90 for sm_90

    bool of_this_process() const;
    // What it has now; absent() between two contexts, and in a forked child.
    Expected<std::shared_ptr<const KernelSet>> kernels() const;
    Status absent() const;
    // Keeps a resident's place in the next context.
    void adopt(const std::shared_ptr<Resident> &resident) const;
    // After a failure: where it has ended the context, has the next one made.
    void look_after() const;

  private:
    struct Recovery;
    GpuDevice(std::shared_ptr<Recovery> recovery, std::shared_ptr<Watch> watch, const KernelSet &kernels);

    const std::shared_ptr<Recovery> recovery_;  // shared with the thread
    const std::shared_ptr<Watch> watch_;
    const int ordinal_, capability_;
    const std::string name_;
};

}  // namespace weighbridge::lib::cuda

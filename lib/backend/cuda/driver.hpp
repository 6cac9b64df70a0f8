// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "backend/cuda/driver_api.hpp"
#include "base/expected.hpp"
#include "base/fork.hpp"

namespace weighbridge::lib::cuda {

inline constexpr std::string_view kDriverLibrary = "libcuda.so.1";
inline constexpr int kLeastDriver = 13000;  // as cuDriverGetVersion counts: kernels are compiled by CUDA 13.0

// Whether a device answers nothing any more in this context once it has given this result: only a new context helps,
// or none.
bool is_sticky(Result result);

// The driver of this machine's GPUs. Mapped when it is first opened, and for the rest of the process. Constant after
// open; thread-safe as the driver is. Not usable in a forked child.
class Driver {
  public:
    // WB_BACKEND_UNAVAILABLE says what keeps it from being used: no library, one of an older CUDA, no device.
    static Expected<std::shared_ptr<const Driver>> open(const std::string &library = std::string(kDriverLibrary));

    const Functions &functions() const { return functions_; }
    int version() const { return version_; }  // 13000 for CUDA 13.0
    int devices() const { return devices_; }
    bool of_this_process() const { return born_.current(); }

    // What a call gave as a status: "WHAT: CUDA_ERROR_OUT_OF_MEMORY (2): out of memory". WB_OUT_OF_MEMORY where that
    // is it, else `code`.
    Status status(Result result, std::string_view what, int32_t code = WB_BACKEND_FAILED) const;

  private:
    explicit Driver(const Functions &functions) : functions_(functions) {}

    const Functions functions_;
    const ForkGuard born_;
    int version_ = 0;
    int devices_ = 0;
};

// A device's primary context, which it shares with whatever else uses the device in this process. Thread-safe.
class DeviceContext {
  public:
    // WB_BACKEND_UNAVAILABLE: no such ordinal, too old a device, prohibited or taken by another process.
    static Expected<std::shared_ptr<const DeviceContext>> make(std::shared_ptr<const Driver> driver, int ordinal);
    ~DeviceContext();
    DeviceContext(const DeviceContext &) = delete;
    DeviceContext &operator=(const DeviceContext &) = delete;

    const Driver &driver() const { return *driver_; }
    const Functions &functions() const { return driver_->functions(); }
    int ordinal() const { return ordinal_; }
    DeviceHandle device() const { return device_; }
    const std::string &name() const { return name_; }  // "NVIDIA H200"
    int capability() const { return capability_; }     // 90 for sm_90
    int multiprocessors() const { return multiprocessors_; }
    int64_t shared_bytes() const { return shared_bytes_; }  // of a block that asks for all
    int64_t total_bytes() const { return total_bytes_; }

    // A failed call as a status, which names the device. A sticky failure is the context's end.
    Status status(Result result, std::string_view what, int32_t code = WB_BACKEND_FAILED) const;
    bool is_lost() const { return lost_.load(std::memory_order_acquire); }
    // Work of it does not end, and a call that gives something back might wait for it: all is left to it from now on.
    void give_up() const { given_up_.store(true, std::memory_order_release); }
    bool is_given_up() const { return given_up_.load(std::memory_order_acquire); }

    // Makes the context the thread's current one while it lives, in front of one that the caller may have.
    class Current {
      public:
        explicit Current(const DeviceContext &context)
            : context_(context), result_(context.functions().context_push(context.handle_)) {}
        ~Current();
        Current(const Current &) = delete;
        Current &operator=(const Current &) = delete;
        Result result() const { return result_; }

      private:
        const DeviceContext &context_;
        const Result result_;
    };

  private:
    DeviceContext(std::shared_ptr<const Driver> driver, int ordinal) : driver_(std::move(driver)), ordinal_(ordinal) {}
    Status look_up();
    Status retain();

    const std::shared_ptr<const Driver> driver_;
    const int ordinal_;
    DeviceHandle device_ = 0;
    ContextHandle handle_ = nullptr;
    std::string name_;
    int capability_ = 0;
    int multiprocessors_ = 0;
    int64_t shared_bytes_ = 0;
    int64_t total_bytes_ = 0;
    mutable std::atomic<bool> lost_{false}, given_up_{false};
};

// Something of a device that is given back to it: freed when its owner goes, in whatever context the thread has.
template <class Handle, auto Release>
class Owned {
  public:
    Owned() = default;
    Owned(std::shared_ptr<const DeviceContext> context, Handle handle)
        : context_(std::move(context)), handle_(handle) {}
    ~Owned() { reset(); }
    Owned(Owned &&other) noexcept
        : context_(std::move(other.context_)), handle_(std::exchange(other.handle_, Handle{})) {}
    Owned &operator=(Owned &&other) noexcept {
        if (this == &other) return *this;
        reset();
        context_ = std::move(other.context_);
        handle_ = std::exchange(other.handle_, Handle{});
        return *this;
    }

    Handle get() const { return handle_; }
    explicit operator bool() const { return handle_ != Handle{}; }

  private:
    void reset() {
        if (!context_ || handle_ == Handle{}) return;
        // A forked child has no device to give back to.
        if (context_->driver().of_this_process() && !context_->is_given_up()) {
            const DeviceContext::Current current(*context_);
            (void)(context_->functions().*Release)(handle_);  // of a lost device: nothing is left to free
        }
        context_.reset();
    }

    std::shared_ptr<const DeviceContext> context_;
    Handle handle_{};
};

using DeviceMemory = Owned<DevicePointer, &Functions::memory_free>;
using PinnedMemory = Owned<void *, &Functions::pinned_free>;
using Stream = Owned<StreamHandle, &Functions::stream_destroy>;
using Event = Owned<EventHandle, &Functions::event_destroy>;
using CapturedGraph = Owned<GraphHandle, &Functions::graph_destroy>;
using GraphExec = Owned<GraphExecHandle, &Functions::graph_exec_destroy>;
using Library = Owned<LibraryHandle, &Functions::library_unload>;

// Makers. WB_OUT_OF_MEMORY with what was asked for and what is free; else WB_BACKEND_UNAVAILABLE. 0 bytes are none.
Expected<DeviceMemory> allocate_on_device(const std::shared_ptr<const DeviceContext> &context, int64_t bytes,
                                          std::string_view what);
Expected<PinnedMemory> allocate_pinned(const std::shared_ptr<const DeviceContext> &context, int64_t bytes);
Expected<Stream> make_stream(const std::shared_ptr<const DeviceContext> &context);
Expected<Event> make_event(const std::shared_ptr<const DeviceContext> &context);
// `image` is a fatbin, cubin or PTX; it is not needed afterwards.
Expected<Library> load_library(const std::shared_ptr<const DeviceContext> &context, const void *image);
// A kernel that may use this much dynamic shared memory. It lives as long as its library.
Expected<KernelHandle> find_kernel(const DeviceContext &context, const Library &library, const char *name,
                                   int64_t shared_bytes);

}  // namespace weighbridge::lib::cuda

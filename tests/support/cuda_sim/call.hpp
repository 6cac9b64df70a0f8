// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/cuda_sim/machine.hpp"

namespace cuda_sim {

// The contexts that a thread has pushed, as devices by number: -1 for one that is no more.
std::vector<int> &pushed();

// One call of a driver's function: holds the machine, counts the call, and knows why it must fail, if it must.
class Call {
  public:
    enum class Needs { nothing, driver, context };

    Call(const char *name, Needs needs);

    explicit operator bool() const { return result == kSuccess; }  // whether the call goes on
    Machine &machine() { return machine_; }
    Device &device() { return *device_; }  // whose context is current
    std::unique_lock<std::mutex> &lock() { return lock_; }

    // A live stream of the current device, else null, and the call fails.
    std::shared_ptr<Stream> stream(StreamHandle handle);
    std::shared_ptr<Event> event(EventHandle handle);
    // What no thread may do while a stream is captured: the call fails, and so will the capture.
    bool may_disturb_capture();
    Result fail(Result with) { return result = with; }

    Result result = kSuccess;

  private:
    Result refusal(const char *name, Needs needs);

    Machine &machine_;
    std::unique_lock<std::mutex> lock_;
    Device *device_ = nullptr;
};

// Adds work to a stream or to what it captures.
Result enqueue(Call &call, StreamHandle handle, Task task);

}  // namespace cuda_sim

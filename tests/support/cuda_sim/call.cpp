// SPDX-License-Identifier: Apache-2.0
#include "support/cuda_sim/call.hpp"

#include <unistd.h>

namespace cuda_sim {

namespace {

// Of the results that a fault may have: those after which a real device answers nothing else.
bool is_sticky_here(Result result) {
    return (result >= kIllegalAddress && result <= kLaunchFailed && result != kLaunchOutOfResources) ||
           result == kEccUncorrectable || result == kUnknown;
}

}  // namespace

std::vector<int> &pushed() {
    static thread_local std::vector<int> stack;
    return stack;
}

Call::Call(const char *name, Needs needs) : machine_(Machine::get()), lock_(machine_.mutex) {
    ++machine_.held;
    machine_.let_go.wait(lock_, [&] { return machine_.held_function != name; });
    --machine_.held;
    result = refusal(name, needs);
}

Result Call::refusal(const char *name, Needs needs) {
    const uint64_t own = ++machine_.counts[name], all = ++machine_.counts[""];
    if (needs == Needs::context && !pushed().empty()) {
        const int ordinal = pushed().back();
        if (ordinal >= 0 && static_cast<size_t>(ordinal) < machine_.devices.size() &&
            machine_.device(ordinal).retained > 0)
            device_ = &machine_.device(ordinal);
    }
    for (const auto &key : {std::pair(std::string(name), own), std::pair(std::string(), all)})
        if (auto fault = machine_.faults.find(key); fault != machine_.faults.end()) {
            if (device_ && is_sticky_here(fault->second)) device_->sticky = fault->second;
            return fault->second;
        }
    if (needs == Needs::nothing) return kSuccess;
    if (machine_.initialised_in != getpid()) return kNotInitialised;
    if (needs == Needs::driver) return kSuccess;
    if (!device_) return kInvalidContext;
    return device_->sticky;
}

std::shared_ptr<Stream> Call::stream(StreamHandle handle) {
    const auto found = machine_.streams.find(handle);
    if (found == machine_.streams.end() || found->second->device != device_) {
        fail(kInvalidHandle);
        return nullptr;
    }
    return found->second;
}

std::shared_ptr<Event> Call::event(EventHandle handle) {
    const auto found = machine_.events.find(handle);
    if (found == machine_.events.end() || found->second->device != device_) {
        fail(kInvalidHandle);
        return nullptr;
    }
    return found->second;
}

bool Call::may_disturb_capture() {
    for (const auto &weak : machine_.captures) {
        const auto capture = weak.lock();
        if (!capture || capture->mode == kCaptureRelaxed) continue;
        if (capture->mode == kCaptureThreadLocal && capture->thread != std::this_thread::get_id()) continue;
        capture->invalid = true;
        fail(kCaptureUnsupported);
    }
    return result == kSuccess;
}

Result enqueue(Call &call, StreamHandle handle, Task task) {
    if (!call) return call.result;
    const auto stream = call.stream(handle);
    if (!stream) return call.result;
    if (!stream->capture) {
        stream->tasks.push_back(std::move(task));
        return kSuccess;
    }
    Capture &capture = *stream->capture;
    if (capture.invalid) return kCaptureInvalidated;
    if (stream.get() != capture.origin) capture.apart.insert(stream.get());
    capture.graph.tasks.push_back(std::move(task));
    return kSuccess;
}

}  // namespace cuda_sim

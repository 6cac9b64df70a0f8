// SPDX-License-Identifier: Apache-2.0
// The driver's functions that order work and wait for it.
#include <cstring>

#include "support/cuda_sim/call.hpp"
#include "support/cuda_sim/control.hpp"

using namespace cuda_sim;
using Needs = Call::Needs;

extern "C" {
#define WB_CUDA(field, symbol, ...) CUDA_SIM_API Result symbol(__VA_ARGS__);
#include "backend/cuda/functions.def"
}

namespace {

constexpr auto kIllegalState = static_cast<Result>(401), kCaptureIsolation = static_cast<Result>(905);
constexpr unsigned kMostThreads = 1024, kSharedBytes = 48 * 1024, kMostGridX = 0x7fffffff, kMostGridY = 65535;

// The block of device memory that holds a whole range.
bool holds(const Device &device, DevicePointer at, size_t bytes) {
    auto after = device.blocks.upper_bound(at);
    if (after == device.blocks.begin()) return false;
    const auto &[begin, block] = *std::prev(after);
    return at - begin <= block->bytes() && bytes <= block->bytes() - (at - begin);
}

// Why a kernel cannot be launched so; success where it can.
Result check(const LaunchConfig &config, const Kernel &kernel, int64_t most_shared) {
    const uint64_t threads = uint64_t{config.block_x} * config.block_y * config.block_z;
    if (config.grid_x == 0 || config.grid_y == 0 || config.grid_z == 0 || threads == 0) return kInvalidValue;
    if (config.grid_x > kMostGridX || config.grid_y > kMostGridY || config.grid_z > kMostGridY) return kInvalidValue;
    if (threads > kMostThreads || static_cast<int64_t>(config.shared_bytes) > most_shared) return kInvalidValue;
    return kernel.threads != 0 && threads != kernel.threads ? kInvalidValue : kSuccess;
}

// A capture's end, however it goes: its streams are free again.
void leave(Machine &machine, const std::shared_ptr<Capture> &capture) {
    for (const auto &[handle, stream] : machine.streams)
        if (stream->capture == capture) stream->capture.reset();
    for (const auto &[handle, event] : machine.events)
        if (event->captured_in && !event->captured_in->capture) event->captured_in = nullptr;
}

template <class Handle>
Handle as_handle(void *pointer) {
    return reinterpret_cast<Handle>(pointer);
}

}  // namespace

Result cuMemcpyHtoDAsync_v2(DevicePointer to, const void *from, size_t bytes, StreamHandle stream) {
    Call call("cuMemcpyHtoDAsync_v2", Needs::context);
    if (!call) return call.result;
    if (!holds(call.device(), to, bytes)) return kInvalidValue;
    Task task;
    task.kind = Task::Kind::copy;
    task.run = [=] { std::memcpy(reinterpret_cast<void *>(to), from, bytes); };
    return enqueue(call, stream, std::move(task));
}

Result cuMemcpyDtoHAsync_v2(void *to, DevicePointer from, size_t bytes, StreamHandle stream) {
    Call call("cuMemcpyDtoHAsync_v2", Needs::context);
    if (!call) return call.result;
    if (!holds(call.device(), from, bytes)) return kInvalidValue;
    Task task;
    task.kind = Task::Kind::copy;
    task.run = [=] { std::memcpy(to, reinterpret_cast<const void *>(from), bytes); };
    return enqueue(call, stream, std::move(task));
}

Result cuMemsetD8Async(DevicePointer to, unsigned char value, size_t bytes, StreamHandle stream) {
    Call call("cuMemsetD8Async", Needs::context);
    if (!call) return call.result;
    if (!holds(call.device(), to, bytes)) return kInvalidValue;
    Task task;
    task.run = [=] { std::memset(reinterpret_cast<void *>(to), value, bytes); };
    return enqueue(call, stream, std::move(task));
}

Result cuStreamCreateWithPriority(StreamHandle *out, unsigned, int) {
    Call call("cuStreamCreateWithPriority", Needs::context);
    if (!call) return call.result;
    auto stream = std::make_shared<Stream>();
    stream->device = &call.device();
    *out = as_handle<StreamHandle>(stream.get());
    call.machine().streams[*out] = std::move(stream);
    return kSuccess;
}

Result cuStreamDestroy_v2(StreamHandle handle) {
    Call call("cuStreamDestroy_v2", Needs::context);
    const auto stream = call.stream(handle);
    if (!stream) return call.result;
    if (call) call.machine().finish(call.lock(), stream);
    stream->tasks.clear();  // which hold events, and these the stream
    for (const auto &[of, event] : call.machine().events)
        if (event->captured_in == stream.get()) event->captured_in = nullptr;
    call.machine().streams.erase(handle);
    return call.result;
}

Result cuStreamSynchronize(StreamHandle handle) {
    Call call("cuStreamSynchronize", Needs::context);
    if (!call) return call.result;
    const auto stream = call.stream(handle);
    if (!stream) return call.result;
    if (stream->capture) {
        stream->capture->invalid = true;
        return kCaptureUnsupported;
    }
    call.machine().finish(call.lock(), stream);
    return call.device().sticky;
}

Result cuStreamWaitEvent(StreamHandle handle, EventHandle event_handle, unsigned) {
    Call call("cuStreamWaitEvent", Needs::context);
    if (!call) return call.result;
    const auto stream = call.stream(handle);
    const auto event = stream ? call.event(event_handle) : nullptr;
    if (!event) return call.result;
    Stream *from = event->captured_in;
    if (from && from->capture) {
        if (stream->capture && stream->capture != from->capture) return kCaptureIsolation;
        stream->capture = from->capture;
        if (stream.get() != stream->capture->origin) stream->capture->apart.insert(stream.get());
        stream->capture->apart.erase(from);
        return kSuccess;
    }
    if (stream->capture) {
        stream->capture->invalid = true;
        return kCaptureIsolation;
    }
    Task task;
    task.kind = Task::Kind::wait;
    task.event = event;
    task.ticket = event->recorded;
    stream->tasks.push_back(std::move(task));
    return kSuccess;
}

Result cuStreamBeginCapture_v2(StreamHandle handle, CaptureMode mode) {
    Call call("cuStreamBeginCapture_v2", Needs::context);
    if (!call) return call.result;
    const auto stream = call.stream(handle);
    if (!stream) return call.result;
    if (stream->capture) return kIllegalState;
    stream->capture = std::make_shared<Capture>();
    stream->capture->mode = mode;
    stream->capture->thread = std::this_thread::get_id();
    stream->capture->origin = stream.get();
    std::erase_if(call.machine().captures, [](const auto &capture) { return capture.expired(); });
    call.machine().captures.push_back(stream->capture);
    return kSuccess;
}

Result cuStreamEndCapture(StreamHandle handle, GraphHandle *out) {
    Call call("cuStreamEndCapture", Needs::context);
    *out = nullptr;
    const auto stream = call.stream(handle);
    if (!stream) return call.result;
    const auto capture = stream->capture;
    if (!capture) return kIllegalState;
    if (capture->origin != stream.get()) return kCaptureUnmatched;
    if (capture->mode != kCaptureRelaxed && capture->thread != std::this_thread::get_id()) return kCaptureWrongThread;
    leave(call.machine(), capture);
    if (!call) return call.result;
    if (capture->invalid) return kCaptureInvalidated;
    if (!capture->apart.empty()) return kCaptureUnjoined;
    auto graph = std::make_unique<Graph>(std::move(capture->graph));
    *out = as_handle<GraphHandle>(graph.get());
    call.machine().graphs[*out] = std::move(graph);
    return kSuccess;
}

Result cuGraphInstantiateWithFlags(GraphExecHandle *out, GraphHandle graph, unsigned long long) {
    Call call("cuGraphInstantiateWithFlags", Needs::context);
    if (!call) return call.result;
    const auto found = call.machine().graphs.find(graph);
    if (found == call.machine().graphs.end()) return kInvalidHandle;
    static uintptr_t next = 0;
    *out = as_handle<GraphExecHandle>(reinterpret_cast<void *>(++next * 16));
    call.machine().execs[*out] = {&call.device(), *found->second};
    return kSuccess;
}

Result cuGraphUpload(GraphExecHandle graph, StreamHandle stream) {
    Call call("cuGraphUpload", Needs::context);
    if (!call || !call.stream(stream)) return call.result;
    return call.machine().execs.contains(graph) ? kSuccess : kInvalidHandle;
}

Result cuGraphLaunch(GraphExecHandle graph, StreamHandle handle) {
    Call call("cuGraphLaunch", Needs::context);
    if (!call) return call.result;
    const auto stream = call.stream(handle);
    if (!stream) return call.result;
    const auto found = call.machine().execs.find(graph);
    if (found == call.machine().execs.end() || found->second.first != &call.device()) return kInvalidHandle;
    if (stream->capture) return kCaptureUnsupported;  // as a child graph: nobody here makes one
    for (const Task &task : found->second.second.tasks) stream->tasks.push_back(task);
    return kSuccess;
}

Result cuGraphExecDestroy(GraphExecHandle graph) {
    Call call("cuGraphExecDestroy", Needs::driver);
    return call.machine().execs.erase(graph) > 0 ? call.result : kInvalidHandle;
}

Result cuGraphDestroy(GraphHandle graph) {
    Call call("cuGraphDestroy", Needs::driver);
    return call.machine().graphs.erase(graph) > 0 ? call.result : kInvalidHandle;
}

Result cuEventCreate(EventHandle *out, unsigned flags) {
    Call call("cuEventCreate", Needs::context);
    if (!call) return call.result;
    auto event = std::make_shared<Event>();
    event->device = &call.device();
    event->timed = (flags & kEventDisableTiming) == 0;
    *out = as_handle<EventHandle>(event.get());
    call.machine().events[*out] = std::move(event);
    return kSuccess;
}

Result cuEventDestroy_v2(EventHandle handle) {
    Call call("cuEventDestroy_v2", Needs::context);
    return call.machine().events.erase(handle) > 0 ? call.result : kInvalidHandle;
}

Result cuEventRecord(EventHandle event_handle, StreamHandle handle) {
    Call call("cuEventRecord", Needs::context);
    if (!call) return call.result;
    const auto stream = call.stream(handle);
    const auto event = stream ? call.event(event_handle) : nullptr;
    if (!event) return call.result;
    if (stream->capture) {
        event->captured_in = stream.get();
        return kSuccess;
    }
    event->captured_in = nullptr;
    event->stream = stream;
    Task task;
    task.kind = Task::Kind::record;
    task.event = event;
    task.ticket = ++event->recorded;
    stream->tasks.push_back(std::move(task));
    return kSuccess;
}

Result cuEventQuery(EventHandle handle) {
    Call call("cuEventQuery", Needs::context);
    if (!call) return call.result;
    const auto event = call.event(handle);
    if (!event) return call.result;
    if (event->captured_in) return kCapturedEvent;
    if (event->done < event->recorded) call.machine().progress(*event->stream);
    if (call.device().sticky != kSuccess) return call.device().sticky;
    return event->done < event->recorded ? kNotReady : kSuccess;
}

Result cuEventSynchronize(EventHandle handle) {
    Call call("cuEventSynchronize", Needs::context);
    if (!call) return call.result;
    const auto event = call.event(handle);
    if (!event) return call.result;
    if (event->captured_in) return kCapturedEvent;
    const uint64_t ticket = event->recorded;
    while (event->done < ticket && call.device().sticky == kSuccess) {
        if (call.machine().progress(*event->stream)) continue;
        call.lock().unlock();
        std::this_thread::sleep_for(std::chrono::microseconds(50));
        call.lock().lock();
    }
    return call.device().sticky;
}

Result cuEventElapsedTime(float *out_ms, EventHandle from, EventHandle to) {
    Call call("cuEventElapsedTime", Needs::context);
    if (!call) return call.result;
    const auto first = call.event(from);
    const auto last = first ? call.event(to) : nullptr;
    if (!last) return call.result;
    if (!first->timed || !last->timed || first->recorded == 0 || last->recorded == 0) return kInvalidHandle;
    if (first->done < first->recorded || last->done < last->recorded) return kNotReady;
    *out_ms = std::chrono::duration<float, std::milli>(last->time - first->time).count();
    return kSuccess;
}

Result cuLibraryLoadData(LibraryHandle *out, const void *image, JitOption *, void **, unsigned, LibraryOption *,
                         void **, unsigned) {
    Call call("cuLibraryLoadData", Needs::context);
    if (!call) return call.result;
    uint32_t magic = 0;
    if (!image) return kInvalidValue;
    std::memcpy(&magic, image, sizeof magic);
    if (magic != 0xba55ed50u) return kInvalidImage;  // of a fatbin
    static uintptr_t next = 0;
    *out = as_handle<LibraryHandle>(reinterpret_cast<void *>(++next * 16));
    call.machine().libraries[*out] = &call.device();
    return kSuccess;
}

Result cuLibraryUnload(LibraryHandle library) {
    Call call("cuLibraryUnload", Needs::driver);
    return call.machine().libraries.erase(library) > 0 ? call.result : kInvalidHandle;
}

Result cuLibraryGetKernel(KernelHandle *out, LibraryHandle library, const char *name) {
    Call call("cuLibraryGetKernel", Needs::driver);
    if (!call) return call.result;
    Machine &machine = call.machine();
    if (!machine.libraries.contains(library)) return kInvalidHandle;
    const auto own = machine.own_kernels.find(std::string_view(name));
    const Kernel *kernel = own != machine.own_kernels.end() ? own->second : cuda_sim::find_kernel(name);
    if (!kernel) return kNotFound;
    *out = as_handle<KernelHandle>(const_cast<Kernel *>(kernel));
    machine.kernels.try_emplace(*out, kernel, int64_t{kSharedBytes});
    return kSuccess;
}

Result cuKernelSetAttribute(KernelAttribute attribute, int value, KernelHandle kernel, DeviceHandle) {
    Call call("cuKernelSetAttribute", Needs::driver);
    if (!call) return call.result;
    const auto found = call.machine().kernels.find(kernel);
    if (found == call.machine().kernels.end()) return kInvalidHandle;
    if (attribute != kMaxDynamicSharedBytes || value < 0 || value > 227 * 1024) return kInvalidValue;
    found->second.second = value;
    return kSuccess;
}

Result cuLaunchKernelEx(const LaunchConfig *config, FunctionHandle function, void **arguments, void **extra) {
    Call call("cuLaunchKernelEx", Needs::context);
    if (!call) return call.result;
    const auto found = call.machine().kernels.find(reinterpret_cast<KernelHandle>(function));
    if (found == call.machine().kernels.end()) return kInvalidHandle;
    const auto &[kernel, most_shared] = found->second;
    if (extra) return kInvalidValue;
    if (const Result wrong = check(*config, *kernel, most_shared); wrong != kSuccess) return wrong;
    Grid grid{{config->grid_x, config->grid_y, config->grid_z},
              {config->block_x, config->block_y, config->block_z},
              config->shared_bytes,
              call.machine().order,
              ++call.machine().seed};
    // As the driver does: the arguments are copied now, in words that any of them may lie at.
    auto copied =
        std::make_shared<std::vector<std::max_align_t>>(kernel->argument_bytes / sizeof(std::max_align_t) + 1);
    if (kernel->argument_bytes > 0) std::memcpy(copied->data(), arguments[0], kernel->argument_bytes);
    Task task;
    task.run = [launch = kernel->launch, copied, grid] { launch(copied->data(), grid); };
    return enqueue(call, config->stream, std::move(task));
}

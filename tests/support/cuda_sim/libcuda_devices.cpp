// SPDX-License-Identifier: Apache-2.0
// The driver's functions that ask about devices, and those that give memory and contexts.
#include <unistd.h>

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

bool exists(const Machine &machine, DeviceHandle device) {
    return device >= 0 && static_cast<size_t>(device) < machine.devices.size();
}

void copy_text(char *out, int size, const char *text) {
    if (size > 0) {
        std::strncpy(out, text, static_cast<size_t>(size) - 1);
        out[size - 1] = 0;
    }
}

// Everything that lies in a primary context that nobody holds any more.
void drop(Machine &machine, Device &device) {
    std::erase_if(machine.streams, [&](const auto &entry) { return entry.second->device == &device; });
    std::erase_if(machine.events, [&](const auto &entry) { return entry.second->device == &device; });
    std::erase_if(machine.execs, [&](const auto &entry) { return entry.second.first == &device; });
    std::erase_if(machine.libraries, [&](const auto &entry) { return entry.second == &device; });
    device.blocks.clear();
    device.allocated = 0;
    if (!device.lost) device.sticky = kSuccess;
}

}  // namespace

Result cuInit(unsigned) {
    Call call("cuInit", Needs::nothing);
    if (!call) return call.result;
    call.machine().initialised_in = getpid();
    return call.machine().devices.empty() ? kNoDevice : kSuccess;
}

Result cuDriverGetVersion(int *out) {
    Call call("cuDriverGetVersion", Needs::nothing);
    if (call) *out = call.machine().version;
    return call.result;
}

static const char *const *text_of(Result result) {
    struct Text {
        Result result;
        const char *texts[2];
    };
    static const Text kTexts[] = {
        {kSuccess, {"CUDA_SUCCESS", "no error"}},
        {kInvalidValue, {"CUDA_ERROR_INVALID_VALUE", "invalid argument"}},
        {kOutOfMemory, {"CUDA_ERROR_OUT_OF_MEMORY", "out of memory"}},
        {kNotInitialised, {"CUDA_ERROR_NOT_INITIALIZED", "initialization error"}},
        {kDeviceUnavailable, {"CUDA_ERROR_DEVICE_UNAVAILABLE", "CUDA-capable device(s) is/are busy or unavailable"}},
        {kNotLicensed, {"CUDA_ERROR_DEVICE_NOT_LICENSED", "GPU does not have a license"}},
        {kSystemNotReady, {"CUDA_ERROR_SYSTEM_NOT_READY", "system not yet initialized"}},
        {kMpsConnectionFailed,
         {"CUDA_ERROR_MPS_CONNECTION_FAILED", "MPS client failed to connect to the MPS control daemon"}},
        {kNoDevice, {"CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"}},
        {kInvalidDevice, {"CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"}},
        {kInvalidImage, {"CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"}},
        {kInvalidContext, {"CUDA_ERROR_INVALID_CONTEXT", "invalid device context"}},
        {kInvalidHandle, {"CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"}},
        {kNotFound, {"CUDA_ERROR_NOT_FOUND", "named symbol not found"}},
        {kNotReady, {"CUDA_ERROR_NOT_READY", "device not ready"}},
        {kIllegalAddress, {"CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"}},
        {kLaunchFailed, {"CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"}},
        {kCaptureUnsupported,
         {"CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "operation not permitted when stream is capturing"}},
        {kCaptureInvalidated,
         {"CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", "operation failed due to a previous error during capture"}},
        {kUnknown, {"CUDA_ERROR_UNKNOWN", "unknown error"}},
    };
    for (const Text &text : kTexts)
        if (text.result == result) return text.texts;
    return nullptr;
}

Result cuGetErrorName(Result result, const char **out) {
    const char *const *texts = text_of(result);
    *out = texts ? texts[0] : nullptr;
    return texts ? kSuccess : kInvalidValue;
}

Result cuGetErrorString(Result result, const char **out) {
    const char *const *texts = text_of(result);
    *out = texts ? texts[1] : nullptr;
    return texts ? kSuccess : kInvalidValue;
}

Result cuDeviceGetCount(int *out) {
    Call call("cuDeviceGetCount", Needs::driver);
    if (call) *out = static_cast<int>(call.machine().devices.size());
    return call.result;
}

Result cuDeviceGet(DeviceHandle *out, int ordinal) {
    Call call("cuDeviceGet", Needs::driver);
    if (!call) return call.result;
    if (!exists(call.machine(), ordinal)) return kInvalidDevice;
    *out = ordinal;
    return kSuccess;
}

Result cuDeviceGetName(char *out, int size, DeviceHandle device) {
    Call call("cuDeviceGetName", Needs::driver);
    if (!call) return call.result;
    if (!exists(call.machine(), device)) return kInvalidDevice;
    copy_text(out, size, call.machine().device(device).name.c_str());
    return kSuccess;
}

Result cuDeviceGetUuid_v2(Uuid *out, DeviceHandle device) {
    Call call("cuDeviceGetUuid_v2", Needs::driver);
    if (!call) return call.result;
    if (!exists(call.machine(), device)) return kInvalidDevice;
    *out = {};
    out->bytes[15] = static_cast<char>(device + 1);
    return kSuccess;
}

Result cuDeviceGetPCIBusId(char *out, int size, DeviceHandle device) {
    Call call("cuDeviceGetPCIBusId", Needs::driver);
    if (!call) return call.result;
    if (!exists(call.machine(), device)) return kInvalidDevice;
    copy_text(out, size, device == 0 ? "0000:00:00.0" : "0000:01:00.0");
    return kSuccess;
}

Result cuDeviceGetAttribute(int *out, DeviceAttribute attribute, DeviceHandle device) {
    Call call("cuDeviceGetAttribute", Needs::driver);
    if (!call) return call.result;
    if (!exists(call.machine(), device)) return kInvalidDevice;
    switch (attribute) {
        case kMultiprocessors:
            *out = 4;  // few, so that grids are small, and tests quick
            return kSuccess;
        case kComputeMode:
            *out = call.machine().device(device).compute_mode;
            return kSuccess;
        case kAsyncEngines:
            *out = 2;
            return kSuccess;
        case kComputeMajor:
            *out = call.machine().device(device).capability / 10;
            return kSuccess;
        case kComputeMinor:
            *out = call.machine().device(device).capability % 10;
            return kSuccess;
        case kSharedBytesOptIn:
            *out = 227 * 1024;
            return kSuccess;
    }
    return kInvalidValue;
}

Result cuDeviceTotalMem_v2(size_t *out, DeviceHandle device) {
    Call call("cuDeviceTotalMem_v2", Needs::driver);
    if (!call) return call.result;
    if (!exists(call.machine(), device)) return kInvalidDevice;
    *out = call.machine().device(device).memory;
    return kSuccess;
}

Result cuDevicePrimaryCtxRetain(ContextHandle *out, DeviceHandle device) {
    Call call("cuDevicePrimaryCtxRetain", Needs::driver);
    if (!call) return call.result;
    if (!exists(call.machine(), device)) return kInvalidDevice;
    Device &of = call.machine().device(device);
    if (of.lost) return kUnknown;
    const bool exclusive = of.compute_mode == kComputeExclusiveProcess;
    if (of.compute_mode != 0 && !(exclusive && !of.taken)) return kDeviceUnavailable;
    ++of.retained;
    *out = reinterpret_cast<ContextHandle>(&of);
    return kSuccess;
}

Result cuDevicePrimaryCtxRelease_v2(DeviceHandle device) {
    Call call("cuDevicePrimaryCtxRelease_v2", Needs::driver);
    if (!call) return call.result;
    if (!exists(call.machine(), device)) return kInvalidDevice;
    Device &of = call.machine().device(device);
    if (of.retained == 0) return kInvalidContext;
    if (--of.retained == 0) drop(call.machine(), of);
    return kSuccess;
}

Result cuCtxPushCurrent_v2(ContextHandle context) {
    Call call("cuCtxPushCurrent_v2", Needs::driver);
    if (!call) return call.result;
    for (const auto &device : call.machine().devices)
        if (reinterpret_cast<ContextHandle>(device.get()) == context && device->retained > 0) {
            pushed().push_back(device->ordinal);
            return kSuccess;
        }
    return kInvalidContext;
}

Result cuCtxPopCurrent_v2(ContextHandle *out) {
    Call call("cuCtxPopCurrent_v2", Needs::driver);
    if (pushed().empty()) return kInvalidContext;
    const int ordinal = pushed().back();
    pushed().pop_back();  // whatever else fails: a caller cannot mend it
    *out = exists(call.machine(), ordinal) ? reinterpret_cast<ContextHandle>(&call.machine().device(ordinal)) : nullptr;
    return call.result;
}

Result cuMemGetInfo_v2(size_t *free, size_t *total) {
    Call call("cuMemGetInfo_v2", Needs::context);
    if (!call) return call.result;
    *total = call.device().memory;
    *free = call.device().memory - call.device().allocated;
    return kSuccess;
}

Result cuMemAlloc_v2(DevicePointer *out, size_t bytes) {
    Call call("cuMemAlloc_v2", Needs::context);
    if (!call || !call.may_disturb_capture()) return call.result;
    if (bytes == 0) return kInvalidValue;
    Device &device = call.device();
    if (bytes > device.memory - device.allocated) return kOutOfMemory;
    auto block = std::make_unique<GuardedMemory>(bytes);
    block->open(false);
    *out = reinterpret_cast<DevicePointer>(block->data());
    device.allocated += bytes;
    device.blocks[*out] = std::move(block);
    return kSuccess;
}

Result cuMemFree_v2(DevicePointer memory) {
    Call call("cuMemFree_v2", Needs::context);
    if (!call || !call.may_disturb_capture()) return call.result;
    if (!call.device().blocks.contains(memory)) return kInvalidValue;
    std::vector<std::shared_ptr<Stream>> busy;  // the driver, too, waits for what may still use it
    for (const auto &[handle, stream] : call.machine().streams)
        if (stream->device == &call.device()) busy.push_back(stream);
    for (const auto &stream : busy) call.machine().finish(call.lock(), stream);
    const auto found = call.device().blocks.find(memory);
    if (found == call.device().blocks.end()) return kInvalidValue;
    call.device().allocated -= found->second->bytes();
    call.device().blocks.erase(found);
    return kSuccess;
}

Result cuMemHostAlloc(void **out, size_t bytes, unsigned) {
    Call call("cuMemHostAlloc", Needs::context);
    if (!call || !call.may_disturb_capture()) return call.result;
    if (bytes == 0) return kInvalidValue;
    auto block = std::make_unique<GuardedMemory>(bytes);
    *out = block->data();
    call.machine().pinned[*out] = std::move(block);
    return kSuccess;
}

Result cuMemFreeHost(void *memory) {
    Call call("cuMemFreeHost", Needs::driver);
    if (!call || !call.may_disturb_capture()) return call.result;
    return call.machine().pinned.erase(memory) > 0 ? kSuccess : kInvalidValue;
}

Result cuMemHostGetDevicePointer_v2(DevicePointer *out, void *memory, unsigned) {
    Call call("cuMemHostGetDevicePointer_v2", Needs::context);
    if (!call) return call.result;
    if (!call.machine().pinned.contains(memory)) return kInvalidValue;
    *out = reinterpret_cast<DevicePointer>(memory);
    return kSuccess;
}

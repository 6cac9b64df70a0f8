// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda/driver.hpp"

#include <dlfcn.h>

#include <type_traits>

namespace weighbridge::lib::cuda {
namespace {

template <class... Values>
Status unavailable(TextFormat<Values...> format, const Values &...values) {
    return Status::failure(WB_BACKEND_UNAVAILABLE, format, values...);
}

std::string version_text(int version) { return formatted("{}.{}", version / 1000, version % 1000 / 10); }

// Every function by its symbol; the name of the first that is missing, or null.
const char *look_up(void *library, Functions &functions) {
    const char *missing = nullptr;
    auto find = [&](auto &field, const char *symbol) {
        field = reinterpret_cast<std::remove_reference_t<decltype(field)>>(dlsym(library, symbol));
        if (!field && !missing) missing = symbol;
    };
#define WB_CUDA(field, symbol, ...) find(functions.field, #symbol);
#include "backend/cuda/functions.def"
    return missing;
}

}  // namespace

bool is_sticky(Result result) {
    switch (result) {
        case kDeinitialised:
        case kDeviceUnavailable:
        case kEccUncorrectable:
        case kNvlinkUncorrectable:
        case kInvalidContext:
        case kIllegalAddress:
        case kLaunchTimeout:
        case kContextIsDestroyed:
        case kAssert:
        case kHardwareStackError:
        case kIllegalInstruction:
        case kMisalignedAddress:
        case kInvalidAddressSpace:
        case kInvalidPc:
        case kLaunchFailed:
        case kUnknown:
            return true;
        default:
            return false;
    }
}

Expected<std::shared_ptr<const Driver>> Driver::open(const std::string &library) {
    void *handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle) {
        const char *reason = dlerror();
        return unavailable("cuda: no driver here: {}", reason ? reason : library.c_str());
    }
    Functions functions;
    const char *missing = look_up(handle, functions);
    int version = 0;
    if (functions.driver_version && functions.driver_version(&version) != kSuccess) version = 0;
    if (missing || version < kLeastDriver)
        return unavailable("cuda: {}: expected a driver of CUDA {} (580) or later, found CUDA {}{}{}", library,
                           version_text(kLeastDriver), version_text(version), missing ? ", which lacks " : "",
                           missing ? missing : "");
    std::shared_ptr<Driver> driver(new Driver(functions));
    driver->version_ = version;
    Result result = functions.init(0);
    if (result == kSuccess) result = functions.device_count(&driver->devices_);
    if (result != kSuccess && result != kNoDevice)
        return driver->status(result, formatted("cuda: {}: starting the driver", library), WB_BACKEND_UNAVAILABLE);
    if (driver->devices_ == 0)
        return unavailable(
            "cuda: {}: the driver finds no device that this process may use: none is there, "
            "CUDA_VISIBLE_DEVICES names none, or one is in MIG mode and has no instance",
            library);
    return std::shared_ptr<const Driver>(std::move(driver));
}

Status Driver::status(Result result, std::string_view what, int32_t code) const {
    if (result == kSuccess) return {};
    const char *name = nullptr, *reason = nullptr;
    if (functions_.error_name(result, &name) != kSuccess || !name) name = "an unknown error";
    if (functions_.error_string(result, &reason) != kSuccess || !reason) reason = "";
    return Status::failure(result == kOutOfMemory ? WB_OUT_OF_MEMORY : code, "{}: {} ({}){}{}", what, name,
                           static_cast<unsigned>(result), *reason ? ": " : "", reason);
}

Expected<std::shared_ptr<const DeviceContext>> DeviceContext::make(std::shared_ptr<const Driver> driver, int ordinal) {
    if (ordinal < 0 || ordinal >= driver->devices())
        return unavailable("cuda:{}: no such device: the driver has {}", ordinal,
                           driver->devices() > 1 ? formatted("cuda:0 to cuda:{}", driver->devices() - 1)
                                                 : "cuda:0 alone (of MIG instances a process sees one)");
    std::shared_ptr<DeviceContext> context(new DeviceContext(std::move(driver), ordinal));
    if (Status status = context->look_up(); !status.ok()) return status;
    if (Status status = context->retain(); !status.ok()) return status;
    return std::shared_ptr<const DeviceContext>(std::move(context));
}

Status DeviceContext::look_up() {
    const Functions &call = functions();
    char name[128] = "";
    int major = 0, minor = 0, shared = 0, mode = 0;
    size_t total = 0;
    Result result = call.device_get(&device_, ordinal_);
    auto attribute = [&](int &value, DeviceAttribute which) {
        if (result == kSuccess) result = call.device_attribute(&value, which, device_);
    };
    if (result == kSuccess) result = call.device_name(name, sizeof name, device_);
    attribute(major, kComputeMajor);
    attribute(minor, kComputeMinor);
    attribute(multiprocessors_, kMultiprocessors);
    attribute(shared, kSharedBytesOptIn);
    attribute(mode, kComputeMode);
    if (result == kSuccess) result = call.device_memory(&total, device_);
    if (result != kSuccess) return status(result, "asking for its properties", WB_BACKEND_UNAVAILABLE);
    name_ = name;
    capability_ = major * 10 + minor;
    shared_bytes_ = shared;
    total_bytes_ = static_cast<int64_t>(total);
    if (mode == kComputeProhibited)
        return unavailable("cuda:{} ({}): its compute mode is prohibited: nobody may use it", ordinal_, name_);
    if (capability_ < 80)
        return unavailable("cuda:{} ({}): expected compute capability 8.0 or later, found {}.{}", ordinal_, name_,
                           major, minor);
    return {};
}

Status DeviceContext::retain() {
    const Result result = functions().primary_retain(&handle_, device_);
    if (result == kSuccess) return {};
    handle_ = nullptr;
    int mode = 0;
    const bool taken = functions().device_attribute(&mode, kComputeMode, device_) == kSuccess &&
                       mode == kComputeExclusiveProcess && (result == kDeviceUnavailable || result == kInvalidDevice);
    return status(result,
                  taken ? "another process has it, and its compute mode lets only one have it" : "making its context",
                  WB_BACKEND_UNAVAILABLE);
}

DeviceContext::~DeviceContext() {
    if (handle_ && driver_->of_this_process() && !is_given_up()) (void)functions().primary_release(device_);
}

Status DeviceContext::status(Result result, std::string_view what, int32_t code) const {
    if (is_sticky(result)) lost_.store(true, std::memory_order_release);
    return driver_->status(
        result, formatted("cuda:{}{}: {}", ordinal_, name_.empty() ? "" : formatted(" ({})", name_), what), code);
}

DeviceContext::Current::~Current() {
    ContextHandle popped = nullptr;
    if (result_ == kSuccess) (void)context_.functions().context_pop(&popped);
}

Expected<DeviceMemory> allocate_on_device(const std::shared_ptr<const DeviceContext> &context, int64_t bytes,
                                          std::string_view what) {
    if (bytes == 0) return DeviceMemory();
    const DeviceContext::Current current(*context);
    DevicePointer memory = 0;
    Result result = current.result();
    if (result == kSuccess) result = context->functions().memory_allocate(&memory, static_cast<size_t>(bytes));
    if (result == kSuccess) return DeviceMemory(context, memory);
    size_t free = 0, total = 0;
    if (result != kOutOfMemory || context->functions().memory_info(&free, &total) != kSuccess)
        return context->status(result, formatted("{} bytes for {}", bytes, what), WB_BACKEND_UNAVAILABLE);
    return Status::failure(WB_OUT_OF_MEMORY, "cuda:{} ({}): {}: {} bytes are needed, {} of {} are free",
                           context->ordinal(), context->name(), what, bytes, free, total);
}

Expected<PinnedMemory> allocate_pinned(const std::shared_ptr<const DeviceContext> &context, int64_t bytes) {
    if (bytes == 0) return PinnedMemory();
    const DeviceContext::Current current(*context);
    void *memory = nullptr;
    Result result = current.result();
    if (result == kSuccess)
        result = context->functions().pinned_allocate(&memory, static_cast<size_t>(bytes), kPinnedPortable);
    if (result == kSuccess) return PinnedMemory(context, memory);
    return context->status(result, formatted("{} bytes of pinned memory", bytes), WB_BACKEND_UNAVAILABLE);
}

Expected<Stream> make_stream(const std::shared_ptr<const DeviceContext> &context) {
    const DeviceContext::Current current(*context);
    StreamHandle stream = nullptr;
    Result result = current.result();
    if (result == kSuccess) result = context->functions().stream_create(&stream, kStreamNonBlocking, 0);
    if (result == kSuccess) return Stream(context, stream);
    return context->status(result, "making a stream", WB_BACKEND_UNAVAILABLE);
}

Expected<Event> make_event(const std::shared_ptr<const DeviceContext> &context) {
    const DeviceContext::Current current(*context);
    EventHandle event = nullptr;
    Result result = current.result();
    if (result == kSuccess)
        result = context->functions().event_create(&event, kEventBlockingSync | kEventDisableTiming);
    if (result == kSuccess) return Event(context, event);
    return context->status(result, "making an event", WB_BACKEND_UNAVAILABLE);
}

Expected<Library> load_library(const std::shared_ptr<const DeviceContext> &context, const void *image) {
    const DeviceContext::Current current(*context);
    LibraryHandle library = nullptr;
    Result result = current.result();
    if (result == kSuccess)
        result = context->functions().library_load(&library, image, nullptr, nullptr, 0, nullptr, nullptr, 0);
    if (result == kSuccess) return Library(context, library);
    return context->status(result, "loading its kernels", WB_BACKEND_UNAVAILABLE);
}

Expected<KernelHandle> find_kernel(const DeviceContext &context, const Library &library, const char *name,
                                   int64_t shared_bytes) {
    const DeviceContext::Current current(context);
    KernelHandle kernel = nullptr;
    Result result = current.result();
    if (result == kSuccess) result = context.functions().library_kernel(&kernel, library.get(), name);
    if (result == kSuccess && shared_bytes > 0)
        result = context.functions().kernel_attribute(kMaxDynamicSharedBytes, static_cast<int>(shared_bytes), kernel,
                                                      context.device());
    if (result == kSuccess) return kernel;
    return context.status(result, formatted("kernel {}", name), WB_BACKEND_UNAVAILABLE);
}

}  // namespace weighbridge::lib::cuda

// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda/device.hpp"

#include <cstring>
#include <vector>

#include "backend/cuda/tensor_check.hpp"

namespace weighbridge::lib::cuda {
namespace {

struct KernelShape {
    const char *name;
    int64_t shared_bytes;  // 0 where the arguments say
};
constexpr KernelShape kKernels[] = {
#define WB_KERNEL(name, arguments, threads, shared) {#name, shared},
#include "backend/cuda/kernels.def"
#undef WB_KERNEL
};
constexpr int64_t kUnasked = 48 * 1024;  // of shared memory, that any kernel may use

// The driver is told where a fatbin begins, and believes what it says of its own size.
Status check_fatbin(ByteView image) {
    constexpr uint32_t kMagic = 0xba55ed50;
    struct Header {
        uint32_t magic;
        uint16_t version, header_bytes;
        uint64_t bytes;  // behind the header
    } header{};
    if (image.size() >= sizeof header) std::memcpy(&header, image.data(), sizeof header);
    if (header.magic != kMagic)
        return Status::failure(WB_BACKEND_UNAVAILABLE,
                               "the GPU kernels: expected a fatbin, got {} bytes of another kind", image.size());
    if (header.header_bytes > image.size() || header.bytes > image.size() - header.header_bytes)
        return Status::failure(
            WB_BACKEND_UNAVAILABLE,
            "the GPU kernels: expected {} bytes behind a header of {} as the fatbin says, got {} in all", header.bytes,
            header.header_bytes, image.size());
    return {};
}

}  // namespace

Expected<std::shared_ptr<const KernelSet>> KernelSet::open(std::shared_ptr<const Driver> driver, int ordinal,
                                                           ByteView image, std::shared_ptr<Watch> watch) {
    if (Status status = check_fatbin(image); !status.ok()) return status;
    auto context = DeviceContext::make(std::move(driver), ordinal);
    if (!context) return context.status();
    std::shared_ptr<KernelSet> set(new KernelSet);
    set->context_ = *std::move(context);
    set->watch_ = std::move(watch);
    auto library = load_library(set->context_, image.data());
    if (!library) return library.status();
    set->library_ = *std::move(library);
    for (const KernelShape &shape : kKernels) {
        // What the arguments decide is bounded by the device alone.
        const int64_t shared = shape.shared_bytes > 0 ? shape.shared_bytes : set->context_->shared_bytes();
        auto kernel = find_kernel(*set->context_, set->library_, shape.name, shared > kUnasked ? shared : 0);
        if (!kernel) return kernel.status();
        set->kernels_[shape.name] = *kernel;
    }
    return std::shared_ptr<const KernelSet>(std::move(set));
}

Expected<std::shared_ptr<Watch::Look>> KernelSet::make_look() const {
    auto event = make_event(context_);
    if (!event) return event.status();
    return std::make_shared<Watch::Look>(context_, *std::move(event));
}

Status KernelSet::end(const std::shared_ptr<Watch::Look> &look, const Stream &stream, Result put,
                      std::string_view what) const {
    const Result recorded = context_->functions().event_record(look->event.get(), stream.get());
    if (recorded != kSuccess) return context_->status(recorded, what, WB_BACKEND_UNAVAILABLE);
    const Watch::Outcome outcome = watch_->wait(look, {});
    if (!outcome.stalled) return context_->status(put == kSuccess ? outcome.result : put, what, WB_BACKEND_UNAVAILABLE);
    context_->give_up();
    return Status::failure(WB_BACKEND_UNAVAILABLE, "cuda:{} ({}): {}: it does not end", context_->ordinal(),
                           context_->name(), what);
}

Expected<const TensorFamily *> KernelSet::tensor_family() const {
    if (const TensorFamily *known = tensor_family_.load()) return known;
    auto found = check_tensor_family(*this);
    if (found) tensor_family_.store(*found);
    return found;
}

// What a device's thread makes its context anew by.
struct GpuDevice::Recovery {
    const std::shared_ptr<const Driver> driver;
    const int ordinal;
    const Bytes image;
    ForkMutex mutex;
    std::shared_ptr<const KernelSet> kernels WB_GUARDED_BY(mutex);  // null between two contexts
    std::vector<std::weak_ptr<Resident>> residents WB_GUARDED_BY(mutex);

    Recovery(std::shared_ptr<const Driver> of, int number, ByteView fatbin)
        : driver(std::move(of)), ordinal(number), image(fatbin.begin(), fatbin.end()) {}

    bool recover(const std::shared_ptr<Watch> &watch);
    std::vector<std::shared_ptr<Resident>> present();
};

std::vector<std::shared_ptr<Resident>> GpuDevice::Recovery::present() {
    const Lock lock(mutex);
    std::erase_if(residents, [](const auto &resident) { return resident.expired(); });
    std::vector<std::shared_ptr<Resident>> made;
    for (const auto &resident : residents)
        if (auto one = resident.lock()) made.push_back(std::move(one));
    return made;
}

// Whether all is there again. A context ends with the last that lies in it, and where somebody else in the process has
// it too it cannot be made anew: the driver gives the same one.
bool GpuDevice::Recovery::recover(const std::shared_ptr<Watch> &watch) {
    const auto all = present();
    std::shared_ptr<const KernelSet> now, lost;
    {
        const Lock lock(mutex);
        if (kernels && kernels->context()->is_lost()) kernels.swap(lost);
        now = kernels;
    }
    lost.reset();  // not under the mutex: the driver takes back what they hold
    if (!now) {
        for (const auto &resident : all)
            if (!resident->leave()) return false;
        auto opened = KernelSet::open(driver, ordinal, image, watch);
        if (!opened) return false;
        now = *std::move(opened);
        const Lock lock(mutex);
        kernels = now;
    }
    bool settled = true;
    for (const auto &resident : all) settled = resident->settle(now).ok() && settled;
    return settled && !now->context()->is_lost();
}

GpuDevice::GpuDevice(std::shared_ptr<Recovery> recovery, std::shared_ptr<Watch> watch, const KernelSet &kernels)
    : recovery_(std::move(recovery)),
      watch_(std::move(watch)),
      ordinal_(kernels.context()->ordinal()),
      capability_(kernels.context()->capability()),
      name_(kernels.context()->name()) {}

Expected<std::shared_ptr<const GpuDevice>> GpuDevice::open(std::shared_ptr<const Driver> driver, int ordinal,
                                                           ByteView image, const DeviceTimes &times) {
    auto recovery = std::make_shared<Recovery>(driver, ordinal, image);
    auto watch = Watch::start(formatted("wb:cuda-{}", ordinal), times);
    if (!watch) return watch.status();
    auto kernels = KernelSet::open(std::move(driver), ordinal, recovery->image, *watch);
    if (!kernels) {
        (*watch)->end();
        return kernels.status();
    }
    {
        const Lock lock(recovery->mutex);
        recovery->kernels = *kernels;
    }
    return std::shared_ptr<const GpuDevice>(new GpuDevice(std::move(recovery), *std::move(watch), **kernels));
}

GpuDevice::~GpuDevice() { watch_->end(); }

bool GpuDevice::of_this_process() const { return recovery_->driver->of_this_process(); }

Status GpuDevice::absent() const {
    return Status::failure(WB_BACKEND_UNAVAILABLE, "cuda:{} ({}): {}", ordinal_, name_,
                           of_this_process() ? "its context was lost, and a new one is not made yet"
                                             : "it belongs to the process that this one was forked from");
}

Expected<std::shared_ptr<const KernelSet>> GpuDevice::kernels() const {
    if (!of_this_process()) return absent();
    const Lock lock(recovery_->mutex);
    if (!recovery_->kernels) return absent();
    return recovery_->kernels;
}

void GpuDevice::adopt(const std::shared_ptr<Resident> &resident) const {
    const Lock lock(recovery_->mutex);
    std::erase_if(recovery_->residents, [](const auto &one) { return one.expired(); });
    recovery_->residents.push_back(resident);
}

void GpuDevice::look_after() const {
    {
        const Lock lock(recovery_->mutex);
        if (!recovery_->kernels || !recovery_->kernels->context()->is_lost()) return;
    }
    watch_->repeat([recovery = recovery_, watch = std::weak_ptr(watch_)] {
        try {
            const auto own = watch.lock();
            return !own || recovery->recover(own);
        } catch (...) {  // out of memory
            return false;
        }
    });
}

}  // namespace weighbridge::lib::cuda

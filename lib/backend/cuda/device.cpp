// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda/device.hpp"

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

}  // namespace

Expected<std::shared_ptr<const GpuDevice>> GpuDevice::open(std::shared_ptr<const Driver> driver, int ordinal,
                                                           ByteView image) {
    auto context = DeviceContext::make(std::move(driver), ordinal);
    if (!context) return context.status();
    std::shared_ptr<GpuDevice> device(new GpuDevice);
    device->context_ = *std::move(context);
    auto library = load_library(device->context_, image.data());
    if (!library) return library.status();
    device->library_ = *std::move(library);
    for (const KernelShape &shape : kKernels) {
        // What the arguments decide is bounded by the device alone.
        const int64_t shared = shape.shared_bytes > 0 ? shape.shared_bytes : device->context_->shared_bytes();
        auto kernel = find_kernel(*device->context_, device->library_, shape.name, shared > kUnasked ? shared : 0);
        if (!kernel) return kernel.status();
        device->kernels_[shape.name] = *kernel;
    }
    return std::shared_ptr<const GpuDevice>(std::move(device));
}

}  // namespace weighbridge::lib::cuda

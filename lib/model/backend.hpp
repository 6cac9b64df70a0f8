// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "backend/native/level.hpp"
#include "backend/program.hpp"
#include "bundle/bundle.hpp"

namespace weighbridge::lib {

// Makes programs of bundles. One object per engine and backend.
class Backend {
  public:
    virtual ~Backend() = default;
    virtual std::string_view name() const = 0;  // as in engines_allowed
    // WB_BACKEND_UNAVAILABLE where this backend cannot run this bundle at all (no plan in it, no plug-in): the next
    // engine in the list is tried. Any other failure ends the load: so do WB_CANCELLED and WB_DEADLINE_EXCEEDED, where
    // `stop` says so, which name what was being prepared.
    virtual Expected<std::shared_ptr<const Program>> prepare(const std::shared_ptr<const Bundle> &bundle,
                                                             std::string_view precision,
                                                             const StopSource &stop = {}) = 0;
};

namespace cuda {
class GpuDevice;
}

// Those that run a bundle's model.plan: with kernels of a CPU level, which must be available, with plain loops, and on
// a GPU.
std::unique_ptr<Backend> make_native_backend(native::Level level);
std::unique_ptr<Backend> make_reference_backend();
std::unique_ptr<Backend> make_cuda_backend(std::shared_ptr<const cuda::GpuDevice> device);

}  // namespace weighbridge::lib

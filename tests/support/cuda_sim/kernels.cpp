// SPDX-License-Identifier: Apache-2.0
#include "support/cuda_sim/kernels.hpp"

#include <string>

#include "backend/cuda/arguments.hpp"
#include "support/cuda_sim/launch.hpp"

using namespace weighbridge::lib::cuda;

#define WB_KERNEL(name, Arguments, threads, shared) extern "C" void name(Arguments arguments);
#include "backend/cuda/kernels.def"
#undef WB_KERNEL

namespace cuda_sim {
namespace {

template <class>
struct ArgumentOf;
template <class Argument>
struct ArgumentOf<void (*)(Argument)> {
    using type = Argument;
};

template <auto Function, unsigned Threads>
void launch_kernel(const void *argument, const Grid &grid) {
    using Argument = typename ArgumentOf<decltype(Function)>::type;
    if (grid.threads.x != Threads || grid.threads.y != 1 || grid.threads.z != 1)
        throw LaunchFault("expected blocks of " + std::to_string(Threads) + " threads, found " +
                          std::to_string(grid.threads.x));
    launch([](const void *values) { Function(*static_cast<const Argument *>(values)); }, argument, grid);
}

#define WB_KERNEL(name, Arguments, threads, shared) \
    Kernel{#name, sizeof(Arguments), threads, launch_kernel<&name, threads>},
constexpr Kernel kKernels[] = {
#include "backend/cuda/kernels.def"
};
#undef WB_KERNEL

}  // namespace

const Kernel *find_kernel(std::string_view name) {
    for (const Kernel &kernel : kKernels)
        if (kernel.name == name) return &kernel;
    return nullptr;
}

}  // namespace cuda_sim

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/cuda_sim/kernels.hpp"

namespace cuda_sim {

using KernelCall = void (*)(const void *argument);  // one thread of it

// Runs a grid on the calling thread. Throws LaunchFault.
void launch(KernelCall call, const void *argument, const Grid &grid);

}  // namespace cuda_sim

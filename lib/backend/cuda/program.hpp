// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backend/cuda/device.hpp"
#include "backend/program.hpp"
#include "plan/plan.hpp"

namespace weighbridge::lib {

// A plan on a GPU: the bits of the reference, for any rows and lengths; with sums of bf16 those that the reference
// gives for the GPU's family. WB_BACKEND_UNAVAILABLE says what keeps it on the CPU: an operator, or tensor cores whose
// sums are not known; WB_OUT_OF_MEMORY with both figures.
Expected<std::shared_ptr<const Program>> make_cuda_program(std::shared_ptr<const Plan> plan, int32_t precision,
                                                           std::shared_ptr<const cuda::GpuDevice> device,
                                                           std::vector<std::string> tensor_names,
                                                           const StopSource &stop = {});

}  // namespace weighbridge::lib

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backend/cuda/device.hpp"
#include "backend/program.hpp"
#include "plan/plan.hpp"

namespace weighbridge::lib {

// A plan on a GPU, in fp32 or int8: the bits of the reference, for any rows and lengths. WB_BACKEND_UNAVAILABLE says
// what keeps it on the CPU: another precision, an operator; WB_OUT_OF_MEMORY with both figures.
Expected<std::shared_ptr<const Program>> make_cuda_program(std::shared_ptr<const Plan> plan, int32_t precision,
                                                           std::shared_ptr<const cuda::GpuDevice> device,
                                                           std::vector<std::string> tensor_names,
                                                           const StopSource &stop = {});

}  // namespace weighbridge::lib

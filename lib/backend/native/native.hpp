// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backend/native/level.hpp"
#include "backend/program.hpp"
#include "plan/plan.hpp"

namespace weighbridge::lib {

// A plan ready to run in one of its precisions, inline, with kernels of a CPU level, which must be available.
// WB_BACKEND_UNAVAILABLE names the precision that this level cannot run. Error messages call inputs by `tensor_names`.
// `stop` as in Linears::make.
Expected<std::shared_ptr<const Program>> make_native_program(std::shared_ptr<const Plan> plan, int32_t precision,
                                                             native::Level level, std::vector<std::string> tensor_names,
                                                             const StopSource &stop = {});

}  // namespace weighbridge::lib

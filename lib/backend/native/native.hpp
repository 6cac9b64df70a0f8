// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backend/backend.hpp"
#include "backend/native/level.hpp"
#include "plan/plan.hpp"

namespace weighbridge::lib {

// Runs plans inline with kernels of a CPU level, which must be available.
std::unique_ptr<Backend> make_native_backend(native::Level level);

// A plan ready to run in one of its precisions. WB_BACKEND_UNAVAILABLE names the precision that this level cannot run.
// Error messages call inputs by `tensor_names`. `stop` as in Backend::prepare.
Expected<std::shared_ptr<const Program>> make_native_program(std::shared_ptr<const Plan> plan, int32_t precision,
                                                             native::Level level, std::vector<std::string> tensor_names,
                                                             const StopSource &stop = {});

}  // namespace weighbridge::lib

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backend/program.hpp"
#include "backend/tensor_sums.hpp"
#include "plan/plan.hpp"

namespace weighbridge::lib {

// Runs a plan, in any of its precisions, with plain loops on the caller's thread: the twin that the native backend is
// compared with. bf16 too: its recipe is emulated. Traits: inline_safe, cancellable (polled between operators),
// batch_invariant. It allocates while it runs. tensor_names: by input of the plan, for messages. With a `family` bf16
// has the bits and the numerics of those GPUs instead.
std::shared_ptr<const Program> make_reference_program(std::shared_ptr<const Plan> plan, int32_t precision,
                                                      std::vector<std::string> tensor_names,
                                                      const TensorFamily *family = nullptr);

}  // namespace weighbridge::lib

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backend/backend.hpp"
#include "plan/plan.hpp"

namespace weighbridge::lib {

// Runs a bundle's model.plan with plain loops on the caller's thread: the twin that the native backend is compared
// with. Traits: inline_safe, cancellable (polled between operators), batch_invariant. It allocates while it runs.
std::unique_ptr<Backend> make_reference_backend();

// The same for a plan without a bundle, in any of its precisions, bf16 too: its recipe is emulated. tensor_names: by
// input of the plan, for messages.
std::shared_ptr<const Program> make_reference_program(std::shared_ptr<const Plan> plan, int32_t precision,
                                                      std::vector<std::string> tensor_names);

}  // namespace weighbridge::lib

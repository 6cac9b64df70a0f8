// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backend/backend.hpp"
#include "plan/plan.hpp"

namespace weighbridge::lib {

// Runs a bundle's model.plan with plain loops on the caller's thread: the twin that fast kernels are compared with.
// Traits: inline_safe, cancellable (polled between operators and at least every 64 rows of one), batch_invariant.
std::unique_ptr<Backend> make_reference_backend();

// The same for a plan without a bundle. tensor_names: by input of the plan, for messages.
std::shared_ptr<const Program> make_reference_program(std::shared_ptr<const Plan> plan,
                                                      std::vector<std::string> tensor_names);

}  // namespace weighbridge::lib

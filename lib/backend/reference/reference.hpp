// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backend/backend.hpp"

namespace weighbridge::lib {

// Runs a bundle's model.plan with plain loops on the caller's thread: the twin that fast kernels are compared with.
// Traits: inline_safe, cancellable (polled between operators and every 64 rows of one), batch_invariant.
std::unique_ptr<Backend> make_reference_backend();

}  // namespace weighbridge::lib

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bundle/manifest.hpp"
#include "plan/plan.hpp"

namespace weighbridge::lib {

// Whether a plan takes the tensors and gives the outputs that a manifest lists: dtype and width of each, in order.
// WB_INVALID_BUNDLE names the tensor or output with both sides.
Status check_binding(const Plan &plan, const Manifest &manifest);

}  // namespace weighbridge::lib

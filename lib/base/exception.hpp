// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/status.hpp"

namespace weighbridge::lib {

// What the exception in flight is to a caller: WB_OUT_OF_MEMORY or WB_INTERNAL. For catch blocks only.
Status failure_of_exception() noexcept;

}  // namespace weighbridge::lib

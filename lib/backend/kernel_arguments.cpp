// SPDX-License-Identifier: Apache-2.0
#include "backend/kernel_arguments.hpp"

#include "backend/formulas.hpp"

namespace weighbridge::lib::kernel {

float power(float a, float b) noexcept { return formulas::power(a, b); }

}  // namespace weighbridge::lib::kernel

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace weighbridge::torch_plugin {

// Why an operator does not lower, and what to write instead, where that is known.
std::string with_advice(const std::string &reason);

}  // namespace weighbridge::torch_plugin

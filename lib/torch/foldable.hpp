// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace c10 {
struct FunctionSchema;
}

namespace weighbridge::torch_plugin {

// Constant folding: whether LibTorch may compute the operator while a module is imported. It may where the result
// depends on the arguments alone and nothing but them is written. Operators that give numbers, strings and lists of
// them pass; one that gives tensors has to be listed in foldable.cpp or to lower.
bool may_fold(const std::string &name, const c10::FunctionSchema &schema);

}  // namespace weighbridge::torch_plugin

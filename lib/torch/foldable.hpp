// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace c10 {
struct FunctionSchema;
}

namespace weighbridge::torch_plugin {

// Whether LibTorch may compute an operator on constants while a module is imported: only what is known to be a function
// of its arguments (or to write into them alone). An operator that gives numbers, strings and lists of them is; one
// that gives tensors must be listed in foldable.cpp or lower.
bool may_fold(const std::string &name, const c10::FunctionSchema &schema);

}  // namespace weighbridge::torch_plugin

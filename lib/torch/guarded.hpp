// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/csrc/jit/api/module.h>

// What LibTorch's operators leave to whoever calls them. A module that runs without them gives the same with them.
namespace weighbridge::torch_plugin {

// Tensors that are made `empty` hold zeros, not what the process's memory held before. Before freezing, which would
// keep that.
void fill_empty(const torch::jit::Module &module);

// Whole numbers for which a processor has no quotient (of 0, of the least one by -1), and attention of 0 heads, raise
// an exception, not SIGFPE. In a frozen forward that did not run yet: what freezing folds is not seen, nor are tensors
// of such numbers.
void guard_divisions(torch::jit::Graph &forward);

}  // namespace weighbridge::torch_plugin

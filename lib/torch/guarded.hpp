// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/csrc/jit/api/module.h>

// What LibTorch's operators leave to whoever calls them. A module that runs without them gives the same with them.
namespace weighbridge::torch_plugin {

// Tensors that are made `empty` hold zeros, not what the process's memory held before. Before freezing, which would
// keep that.
void fill_empty(const torch::jit::Module &module);

// Where a processor has no quotient (of whole numbers by 0, of the least one by -1; of tensors of them too), where an
// attention has 0 heads, and where a packed sequence has sizes of batches that would lead beyond its memory, an
// exception is raised, not SIGFPE or worse. Before freezing, which computes what is constant. What LibTorch computes
// while it loads a module was before that: `lib/scan` refuses such code.
void guard_operators(const torch::jit::Module &module);

// Takes them away from a frozen graph that will not run: an import reads what the module says.
void remove_guards(const std::shared_ptr<torch::jit::Graph> &graph);

}  // namespace weighbridge::torch_plugin

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/csrc/jit/api/module.h>

#include <functional>

namespace weighbridge::torch_plugin {

using NodeVisitor = std::function<void(const torch::jit::Node &)>;

// Every node that forward may come to, before anything is inlined: in the methods and functions that it calls, in
// blocks and in closures. A call through an interface comes to every method of that name.
void visit_reachable(const torch::jit::Module &module, const NodeVisitor &visit);
void visit_nodes(const torch::jit::Graph &graph, const NodeVisitor &visit);

// The one list of what no module may do, served or compiled: files, output, threads, other processes, the process's own
// state, and addresses and indices that nothing checks. Throws Refusal (WB_INVALID_BUNDLE) with the operator's name.
// Before freezing, which may run what has constant arguments; a print, which freezing never runs, may stand in a branch
// that freezing takes away.
void refuse_before_freezing(const torch::jit::Module &module);
void refuse_frozen(const torch::jit::Graph &forward);

}  // namespace weighbridge::torch_plugin

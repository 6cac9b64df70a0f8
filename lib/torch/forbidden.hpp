// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/csrc/jit/api/module.h>

#include <functional>

namespace weighbridge::torch_plugin {

using NodeVisitor = std::function<void(const torch::jit::Node &)>;

// Visits every node reachable from forward before inlining: through calls, blocks and closures. A call through an
// interface reaches every method of that name.
void visit_reachable(const torch::jit::Module &module, const NodeVisitor &visit);
void visit_nodes(const torch::jit::Graph &graph, const NodeVisitor &visit);

// Deny list of operators, for served and compiled modules alike: files, output, threads, other processes, state of the
// process, unchecked addresses and indices. Throws Refusal (WB_INVALID_BUNDLE) with the operator's name. Checked before
// freezing, which runs operators on constants, and after it. Only the second look refuses a print: freezing never runs
// one, and may remove the branch that it stands in.
void refuse_before_freezing(const torch::jit::Module &module);
void refuse_frozen(const torch::jit::Graph &forward);

}  // namespace weighbridge::torch_plugin

// SPDX-License-Identifier: Apache-2.0
#include "forbidden.hpp"

#include <torch/csrc/jit/api/function_impl.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "error_text.hpp"
#include "origin.hpp"
#include "weighbridge/c/base.h"

namespace weighbridge::torch_plugin {
namespace {

struct Forbidden {
    const char *name;  // with at most one "*", which matches anything
    const char *what;
};
constexpr Forbidden kForbidden[] = {
    {"prim::Print", "prints"},
    {"aten::_print", "prints"},
    {"aten::save", "writes a file"},
    {"aten::from_file", "maps a file"},
    {"aten::manual_seed", "sets the process's random numbers"},
    {"aten::seed", "sets the process's random numbers"},
    {"prim::fork*", "starts a thread"},
    {"prim::awaitable*", "waits for a thread"},
    {"aten::wait", "waits for a thread"},
    {"prim::rpc_*", "calls another process"},
    {"c10d::*", "talks to other processes"},
    {"_c10d_functional*", "talks to other processes"},
    {"symm_mem::*", "talks to other processes"},
    {"profiler::*", "sets the process's profiler"},
    {"mkldnn::data_ptr", "gives an address away"},
    {"aten::_sparse_*_unsafe", "trusts indices unseen"},
};

bool matches(std::string_view pattern, std::string_view name) {
    const size_t star = pattern.find('*');
    if (star == std::string_view::npos) return pattern == name;
    const std::string_view first = pattern.substr(0, star), last = pattern.substr(star + 1);
    return name.size() >= first.size() + last.size() && name.starts_with(first) && name.ends_with(last);
}

std::string at(const torch::jit::Node &node) {
    const std::string line = line_of(node);
    return line.empty() ? "it" : line;
}

void refuse(const torch::jit::Node &node) {
    const std::string name = node.kind().toQualString();
    for (const Forbidden &one : kForbidden)
        if (matches(one.name, name))
            throw Refusal{WB_INVALID_BUNDLE, "forward uses " + name + ", which a served module must not (it " +
                                                 one.what + "): remove " + at(node) + " and export again"};
}

void visit_block(const torch::jit::Block &block, const NodeVisitor &visit) {
    for (const torch::jit::Node *node : block.nodes()) {
        visit(*node);
        for (const torch::jit::Block *inner : node->blocks()) visit_block(*inner, visit);
        for (const c10::Symbol attribute : node->attributeNames()) {
            if (node->kindOf(attribute) == torch::jit::AttributeKind::g) visit_nodes(*node->g(attribute), visit);
            if (node->kindOf(attribute) == torch::jit::AttributeKind::gs)
                for (const auto &graph : node->gs(attribute)) visit_nodes(*graph, visit);
        }
    }
}

// The functions that a call may run; none for a node that is no call.
std::vector<torch::jit::Function *> callees(const torch::jit::Module &module, const torch::jit::Node &node) {
    std::vector<torch::jit::Function *> found;
    if (node.kind() == c10::prim::CallFunction) {
        if (const auto type = node.input(0)->type()->cast<c10::FunctionType>()) found.push_back(type->function());
    } else if (node.kind() == c10::prim::CallMethod) {
        const std::string &name = node.s(c10::attr::name);
        const c10::TypePtr &type = node.input(0)->type();
        if (const auto object = type->cast<c10::ClassType>()) {
            if (torch::jit::Function *method = object->findMethod(name)) found.push_back(method);
        } else {
            for (torch::jit::Function *function : module._ivalue()->compilation_unit()->get_functions())
                if (function->qualname().name() == name) found.push_back(function);
        }
    }
    return found;
}

}  // namespace

void visit_nodes(const torch::jit::Graph &graph, const NodeVisitor &visit) { visit_block(*graph.block(), visit); }

void visit_reachable(const torch::jit::Module &module, const NodeVisitor &visit) {
    std::vector<torch::jit::Function *> open{&module.get_method("forward").function()};
    std::set<const torch::jit::Function *> seen{open.front()};
    while (!open.empty()) {
        torch::jit::Function &function = *open.back();
        open.pop_back();
        const auto *code = torch::jit::tryToGraphFunction(function);
        if (!code) continue;  // built in: its call is a node that was visited
        visit_nodes(*code->graph(), [&](const torch::jit::Node &node) {
            visit(node);
            for (torch::jit::Function *callee : callees(module, node))
                if (seen.insert(callee).second) open.push_back(callee);
        });
    }
}

void refuse_before_freezing(const torch::jit::Module &module) {
    visit_reachable(module, [](const torch::jit::Node &node) {
        if (node.kind() != c10::prim::Print) refuse(node);
    });
}

void refuse_frozen(const torch::jit::Graph &forward) { visit_nodes(forward, refuse); }

}  // namespace weighbridge::torch_plugin

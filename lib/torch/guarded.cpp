// SPDX-License-Identifier: Apache-2.0
#include "guarded.hpp"

#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "forbidden.hpp"

namespace weighbridge::torch_plugin {
namespace {

// Operators and what makes the same of zeros. They have the same arguments, but that `empty` has a memory format.
struct Filled {
    c10::Symbol empty, zeros;
};
constexpr Filled kFilled[] = {{c10::aten::empty, c10::aten::zeros},
                              {c10::aten::empty_like, c10::aten::zeros_like},
                              {c10::aten::new_empty, c10::aten::new_zeros}};

constexpr size_t kNone = SIZE_MAX;

// The places of an operator's arguments; `zero`: whether a divisor of 0 is no error of its own.
struct Division {
    std::string_view name;
    size_t dividend, divisor;
    bool zero;
};
constexpr Division kDivisions[] = {{"aten::remainder", 0, 1, true},
                                   {"aten::floordiv", 0, 1, false},
                                   {"aten::divmod", 0, 1, false},
                                   {"aten::gcd", 0, 1, false},
                                   {"aten::gcd", 1, 0, false},
                                   {"aten::_native_multi_head_attention", kNone, 4, true},
                                   {"aten::_transformer_encoder_layer_fwd", kNone, 2, true}};

constexpr std::string_view kQuotients[] = {"aten::div", "aten::div_", "aten::divide", "aten::divide_"};

constexpr const char *kNoQuotient = "whole numbers without a quotient";

// Of a branch that is a guard.
c10::Symbol guard_mark() { return c10::Symbol::attr("weighbridge_guard"); }

bool is_of(const torch::jit::Node &node, size_t input, c10::TypeKind kind) {
    return input < node.inputs().size() && node.input(input)->type()->kind() == kind;
}
// Whether an argument is an int, or may be one: what item() gives is a number of either kind.
bool may_be_int(const torch::jit::Node &node, size_t input) {
    return input == kNone || is_of(node, input, c10::TypeKind::IntType) ||
           is_of(node, input, c10::TypeKind::NumberType);
}

// Whether a value is a constant other than these.
bool is_other_than(const torch::jit::Value *value, int64_t one, int64_t another) {
    const auto known = torch::jit::toIValue(value);
    return known && known->isInt() && known->toInt() != one && known->toInt() != another;
}

// Puts in front of a node that where `wrong` holds it raises an exception, and that the node's argument is the value
// which the other branch hands on. Folding may take the branch away, but never computes what follows a raise: that has
// no value of which LibTorch could know a constant.
void raise_where(torch::jit::Value *wrong, torch::jit::Node &node, size_t input, const char *text) {
    torch::jit::Graph &graph = *node.owningGraph();
    torch::jit::Value *const argument = node.input(input);
    torch::jit::Node *const branch = graph.insertNode(graph.create(c10::prim::If, {wrong}, 0));
    branch->i_(guard_mark(), 1);
    torch::jit::Block *const raises = branch->addBlock(), *const goes_on = branch->addBlock();
    goes_on->registerOutput(argument);
    {
        const torch::jit::WithInsertPoint inside(raises);
        graph.insertNode(graph.create(c10::prim::RaiseException,
                                      {graph.insertConstant(text), graph.insertConstant(c10::IValue())}, 0));
        raises->registerOutput(graph.insertNode(graph.createUninitialized(argument->type()))->output());
    }
    node.replaceInput(input, branch->addOutput()->setType(argument->type()));
}

void guard_division(torch::jit::Node &node, const Division &how) {
    torch::jit::Graph &graph = *node.owningGraph();
    torch::jit::Value *const divisor = node.input(how.divisor);
    if (is_other_than(divisor, 0, how.dividend == kNone ? 0 : -1)) return;
    const torch::jit::WithInsertPoint before(&node);
    torch::jit::Value *wrong = nullptr;
    // Numbers of either kind are divided without a look at 0.
    const bool number =
        is_of(node, how.dividend, c10::TypeKind::NumberType) || is_of(node, how.divisor, c10::TypeKind::NumberType);
    if (how.zero || number) wrong = graph.insert(c10::aten::eq, {divisor, graph.insertConstant(0)});
    if (how.dividend != kNone) {
        torch::jit::Value *const least =
            graph.insert(c10::aten::eq, {node.input(how.dividend), graph.insertConstant(INT64_MIN)});
        torch::jit::Value *const turned = graph.insert(c10::aten::eq, {divisor, graph.insertConstant(-1)});
        torch::jit::Value *const beyond = graph.insert(c10::aten::__and__, {least, turned});
        wrong = wrong ? graph.insert(c10::aten::__or__, {wrong, beyond}) : beyond;
    }
    raise_where(wrong, node, how.divisor, how.dividend == kNone ? "attention of 0 heads" : kNoQuotient);
}

// Of tensors, LibTorch looks at divisors of 0 alone. The least number of 32 or 64 bits times -1 is itself; of fewer
// bits each has its quotient, and of floats too.
void guard_truncation(torch::jit::Node &node) {
    torch::jit::Graph &graph = *node.owningGraph();
    torch::jit::Value *const dividend = node.input(0), *const divisor = node.input(1);
    const auto mode = torch::jit::toIValue(node.input(2));
    if (mode && (mode->isNone() || (mode->isString() && mode->toStringRef() == "floor"))) return;
    if (is_of(node, 1, c10::TypeKind::FloatType) || is_other_than(divisor, -1, -1)) return;
    const torch::jit::WithInsertPoint before(&node);
    torch::jit::Value *const turned = graph.insert(c10::aten::mul, {dividend, divisor});
    torch::jit::Value *const same = graph.insert(c10::aten::eq, {turned, dividend});
    torch::jit::Value *const far = graph.insert(c10::aten::lt, {dividend, graph.insertConstant(INT16_MIN)});
    torch::jit::Value *const least = graph.insert(c10::aten::logical_and, {same, far});
    torch::jit::Value *const minus = graph.insert(c10::aten::eq, {divisor, graph.insertConstant(-1)});
    const bool tensor = is_of(node, 1, c10::TypeKind::TensorType);
    torch::jit::Value *const places =
        tensor ? graph.insert(c10::aten::logical_and, {least, minus})
               : graph.insert(c10::aten::mul, {least, graph.insert(c10::aten::Int, {minus})});
    torch::jit::Value *const any = graph.insert(c10::aten::any, {places});
    raise_where(graph.insert(c10::aten::Bool, {any}), node, 1, kNoQuotient);
}

// Sizes of batches that rise, or are none, lead `_pad_packed_sequence` beyond what it allocates.
void guard_packed(torch::jit::Node &node) {
    torch::jit::Graph &graph = *node.owningGraph();
    torch::jit::Value *const data = node.input(0), *const sizes = node.input(1);
    const torch::jit::WithInsertPoint before(&node);
    const auto zero = graph.insertConstant(0), one = graph.insertConstant(1);
    const auto call = [&](c10::Symbol name, at::ArrayRef<torch::jit::NamedValue> arguments) {
        return graph.insert(name, arguments);
    };
    const auto flat = call(c10::aten::flatten, {sizes});
    const auto rises = call(c10::aten::any, {call(c10::aten::gt, {call(c10::aten::diff, {flat}), zero})});
    const auto low = call(c10::aten::lt, {call(c10::aten::min, {flat}), one});
    const auto rows = call(c10::aten::size, {data, zero});
    const auto other = call(c10::aten::ne, {call(c10::aten::sum, {flat}), rows});
    const auto any = call(c10::aten::logical_or, {call(c10::aten::logical_or, {rises, low}), other});
    const auto nested = call(c10::aten::ne, {call(c10::aten::dim, {sizes}), one});
    raise_where(call(c10::aten::__or__, {call(c10::aten::Bool, {any}), nested}), node, 1,
                "sizes of batches that no packed sequence has");
}

void guard(torch::jit::Node &node) {
    const std::string_view name = node.kind().toQualString();
    for (const Division &how : kDivisions)
        if (how.name == name && may_be_int(node, how.dividend) && may_be_int(node, how.divisor))
            guard_division(node, how);
    const bool rounds = node.inputs().size() > 2 && is_of(node, 0, c10::TypeKind::TensorType) &&
                        !is_of(node, 2, c10::TypeKind::TensorType);
    if (rounds && std::find(std::begin(kQuotients), std::end(kQuotients), name) != std::end(kQuotients))
        guard_truncation(node);
    if (name == "aten::_pad_packed_sequence") guard_packed(node);
}

void remove_guards(torch::jit::Block &block) {
    for (auto it = block.nodes().begin(); it != block.nodes().end();) {
        torch::jit::Node *const node = *it++;
        for (torch::jit::Block *inner : node->blocks()) remove_guards(*inner);
        if (node->kind() != c10::prim::If || !node->hasAttribute(guard_mark())) continue;
        for (size_t i = 0; i < node->outputs().size(); ++i)
            node->output(i)->replaceAllUsesWith(node->blocks()[1]->outputs()[i]);
        node->destroy();
    }
}

}  // namespace

void fill_empty(const torch::jit::Module &module) {
    struct Found {
        torch::jit::Node *node;
        const Filled *how;
    };
    std::vector<Found> all;
    visit_reachable(module, [&](const torch::jit::Node &node) {
        for (const Filled &how : kFilled)
            if (node.kind() == how.empty)
                all.push_back({const_cast<torch::jit::Node *>(&node), &how});  // of a graph that is ours
    });
    for (const auto &[node, how] : all) {
        std::vector<torch::jit::Value *> inputs(node->inputs().begin(), node->inputs().end());
        if (how->empty == c10::aten::empty)
            inputs.erase(inputs.begin() + (inputs.size() == 3 ? 1 : 5));  // 3: with `out`
        torch::jit::Node *const zeros = node->owningGraph()->create(how->zeros, inputs);
        zeros->copyMetadata(node)->insertBefore(node);
        zeros->output()->copyMetadata(node->output());
        node->output()->replaceAllUsesWith(zeros->output());
        node->destroy();
    }
}

void guard_operators(const torch::jit::Module &module) {
    std::vector<torch::jit::Node *> all;
    visit_reachable(module, [&](const torch::jit::Node &node) {
        all.push_back(const_cast<torch::jit::Node *>(&node));  // of a graph that is ours
    });
    for (torch::jit::Node *node : all) guard(*node);
}

void remove_guards(const std::shared_ptr<torch::jit::Graph> &graph) {
    remove_guards(*graph->block());
    torch::jit::EliminateDeadCode(graph);
}

}  // namespace weighbridge::torch_plugin

// SPDX-License-Identifier: Apache-2.0
#include "guarded.hpp"

#include <torch/csrc/jit/ir/constants.h>

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

void guard(torch::jit::Node &node, const Division &how) {
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
    torch::jit::Node *const branch = graph.insertNode(graph.create(c10::prim::If, {wrong}, 0));
    torch::jit::Block *const raises = branch->addBlock();
    branch->addBlock();
    const torch::jit::WithInsertPoint inside(raises);
    torch::jit::Value *const text =
        graph.insertConstant(how.dividend == kNone ? "attention of 0 heads" : "whole numbers without a quotient");
    graph.insertNode(graph.create(c10::prim::RaiseException, {text, graph.insertConstant(c10::IValue())}, 0));
}

void guard_block(torch::jit::Block &block) {
    for (torch::jit::Node *node : block.nodes()) {
        for (torch::jit::Block *inner : node->blocks()) guard_block(*inner);
        for (const Division &how : kDivisions)
            if (how.name == node->kind().toQualString() && may_be_int(*node, how.dividend) &&
                may_be_int(*node, how.divisor))
                guard(*node, how);
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

void guard_divisions(torch::jit::Graph &forward) { guard_block(*forward.block()); }

}  // namespace weighbridge::torch_plugin

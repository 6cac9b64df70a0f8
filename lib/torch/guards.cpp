// SPDX-License-Identifier: Apache-2.0
// Guards on data: `if torch.isnan(x).any(): raise ValueError("...")` asks each row for itself, and so does `assert`.
#include <torch/csrc/jit/ir/constants.h>

#include <algorithm>

#include "interpreter.hpp"
#include "torch/lower/scalars.hpp"

namespace weighbridge::torch_plugin {
namespace {

bool is(const torch::jit::Node &node, const char *name) { return node.kind().toQualString() == std::string_view(name); }

// Writes nothing and decides nothing: running it where the model would not changes no result.
bool is_pure(const torch::jit::Node &node) {
    if (!node.blocks().empty() || is(node, "prim::SetAttr")) return false;
    const auto *schema = node.maybeSchema();
    return !schema || !schema->is_mutable();
}

// The words of an exception that a block ends with and has been made for; "" where they are put together of data.
std::optional<std::string> raised(const torch::jit::Block &block) {
    for (const torch::jit::Node *node : block.nodes()) {
        if (is(*node, "prim::RaiseException")) {
            const auto text = torch::jit::toIValue(node->inputs()[0]);
            return text && text->isString() ? text->toStringRef() : std::string();
        }
        if (!is_pure(*node)) return std::nullopt;
    }
    return std::nullopt;
}

// Of a block without work: the bool that it gives.
std::optional<bool> plain_answer(const torch::jit::Block &block) {
    for (const torch::jit::Node *node : block.nodes())
        if (!is(*node, "prim::Constant")) return std::nullopt;
    const auto held = block.outputs().size() == 1 ? torch::jit::toIValue(block.outputs()[0]) : std::nullopt;
    return held && held->isBool() ? std::optional(held->toBool()) : std::nullopt;
}

}  // namespace

bool Interpreter::run_guard(const torch::jit::Node &node, const Value &condition) {
    const auto *undecided = condition.as<Undecided>();
    if (!undecided || !undecided->rows) return false;
    const AboutRows &rows = *undecided->rows;
    const bool any = rows.what == AboutRows::What::any;
    if (!any && rows.what != AboutRows::What::all) return false;
    for (const size_t side : {size_t{0}, size_t{1}}) {  // where it holds, where it does not
        const torch::jit::Block *rest = node.blocks()[1 - side];
        if (auto text = raised(*node.blocks()[side])) {
            if (!rows.same && any != (side == 0))
                throw Unsupported{"raises only where every row is so, which mixes rows"};
            const ValueId holds = side == 0 ? builder_.unary(Op::logical_not, rows.value) : rows.value;
            builder_.require(holds, text->empty() ? "a check of its own failed" : *std::move(text));
            run_block(*rest);
            for (size_t i = 0; i < node.outputs().size(); ++i) set(node.outputs()[i], get(rest->outputs()[i]));
            return true;
        }
        // `a or b` is: if a then true else b; `a and b`: if a then b else false.
        const bool pure = std::all_of(rest->nodes().begin(), rest->nodes().end(),
                                      [](const torch::jit::Node *inner) { return is_pure(*inner); });
        if (plain_answer(*node.blocks()[side]) != (side == 0) || rest->outputs().size() != 1 || !pure) continue;
        run_block(*rest);
        const Value second = get(rest->outputs()[0]);
        auto joined = both(builder_, condition, second, side == 0);
        if (const auto *flag = second.as<bool>()) joined = *flag == (side == 0) ? second : condition;
        if (!joined) return false;
        set(node.outputs()[0], *std::move(joined));
        return true;
    }
    return false;
}

}  // namespace weighbridge::torch_plugin

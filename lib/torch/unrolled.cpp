// SPDX-License-Identifier: Apache-2.0
// Loops over the places of a sequence, unrolled to the largest length. A round that a sequence does not reach changes
// nothing for it: what the loop carries is chosen by torch.where's own rule, and what a round writes, looks up or
// refuses asks whether it is reached (lower/rounds.cpp).
#include <algorithm>
#include <utility>

#include "interpreter.hpp"
#include "torch/lower/scalars.hpp"

namespace weighbridge::torch_plugin {
namespace {

// Of an unrolled loop: a GRU of one's own, 21 operators a round, to length 512 makes 10,762, which are imported and
// optimised in 1.8 s to a plan of 440 KB.
constexpr size_t kMostOperators = 16384;

// The shortest sequence that has the round.
int64_t least_length_of(const Builder &b, const Extent &count, int64_t round) {
    int64_t length = b.least_length();
    while (length < b.largest_length() && count.at(1, length) <= round) ++length;
    return length;
}

// Makes what follows part of a round, until it ends. A round that every sequence reaches is none.
class RoundScope {
  public:
    RoundScope(Builder &b, const Extent &count, int64_t round) : b_(b), outer_(b.round) {
        const int64_t least = least_length_of(b, count, round);
        if (least <= b.least_length() && count.at(1, least) > round) return;
        reached_ = b.binary(Op::less, b.full_int(Extent::of(round), {}), b.full_int(count, {}));
        const ValueId both = outer_ ? b.binary(Op::logical_and, outer_->reached, *reached_) : *reached_;
        b.round = Builder::Round{both, least};
    }
    ~RoundScope() { b_.round = outer_; }
    RoundScope(const RoundScope &) = delete;
    RoundScope &operator=(const RoundScope &) = delete;

    const std::optional<ValueId> &reached() const { return reached_; }

  private:
    Builder &b_;
    const std::optional<Builder::Round> outer_;
    std::optional<ValueId> reached_;
};

// What is not known yet of the lists in a value.
void add_lists(const Value &value, size_t rounds, std::vector<CarriedList> &to) {
    if (const auto *list = value.as<std::shared_ptr<List>>()) {
        for (const CarriedList &known : to)
            if (known.list() == list->get()) return;
        to.emplace_back(*list, rounds);
    }
    if (const auto *dict = value.as<std::shared_ptr<Dict>>())
        for (const auto &[key, one] : **dict) add_lists(one, rounds, to);
    if (const List *elements = list_of_value(value))
        for (const Value &one : *elements) add_lists(one, rounds, to);
}

}  // namespace

// False where something in it was reported.
bool Interpreter::run_round(const torch::jit::Block &body, int64_t round, const std::vector<Carried> &carried) {
    const size_t before = findings_.lines().size();
    set(body.inputs()[0], Extent::of(round));
    for (size_t i = 0; i < carried.size(); ++i) set(body.inputs()[i + 1], carried[i].now());
    run_block(body);
    if (findings_.lines().size() > before) return false;
    for (const torch::jit::Value *output : body.outputs())
        if (poisoned(get(output))) return false;
    return true;
}

void Interpreter::run_unrolled(const torch::jit::Node &node, const Extent &count) {
    const torch::jit::Block &body = *node.blocks()[0];
    const auto always = [&](const torch::jit::Value *condition) {
        const auto *flag = get(condition).as<bool>();
        if (!flag || !*flag) throw Unsupported{"a loop over places that ends before the last one"};
    };
    if (count.batch || count.terms[1] <= 0 || count.terms[2] != 0)
        throw Unsupported{"a loop of " + to_string(count) + " rounds"};
    always(node.inputs()[1]);
    const int64_t most = count.at(1, builder_.largest_length());
    const Rounds rounds{count,
                        std::clamp<int64_t>(count.at(1, builder_.least_length()), 0, std::max<int64_t>(most, 0))};
    std::vector<Carried> carried;
    for (size_t i = 2; i < node.inputs().size(); ++i) {
        if (poisoned(get(node.inputs()[i]))) return poison(node);
        carried.emplace_back(get(node.inputs()[i]));
    }
    std::vector<CarriedList> lists;
    for (const auto &held : values_) add_lists(held.second, 0, lists);
    const size_t first = builder_.graph().nodes().size();
    for (int64_t round = 0; round < most; ++round) {
        const RoundScope scope(builder_, count, round);
        if (!run_round(body, round, carried)) return poison(node);
        always(body.outputs()[0]);
        for (size_t i = 0; i < carried.size(); ++i)
            carried[i].next(builder_, get(body.outputs()[i + 1]), rounds, scope.reached());
        for (CarriedList &list : lists) list.next(builder_, scope.reached());
        for (const Carried &one : carried) add_lists(one.now(), static_cast<size_t>(round) + 1, lists);
        if (builder_.graph().nodes().size() - first > kMostOperators)
            throw Unsupported{"a loop over places unrolled to " + std::to_string(most) + " rounds of more than " +
                              std::to_string(kMostOperators) + " operators"};
    }
    for (CarriedList &list : lists) list.behind(builder_, rounds);
    std::vector<Value> results;
    for (size_t i = 0; i < carried.size(); ++i) {
        results.push_back(carried[i].behind(builder_, rounds));
        const auto *undecided = results.back().as<Undecided>();
        const torch::jit::Value *output = node.outputs()[i];
        if (undecided && output->hasUses() && output->type()->isSubtypeOf(*c10::TensorType::get()))
            throw Unsupported{undecided->what};
    }
    set_outputs(node, std::move(results));
}

}  // namespace weighbridge::torch_plugin

// SPDX-License-Identifier: Apache-2.0
// Loops: unrolled where their rounds are known, else a recurrence over the places of an axis where that is one.
#include "interpreter.hpp"
#include "torch/lower/scalars.hpp"

namespace weighbridge::torch_plugin {
namespace {

constexpr int64_t kMaxIterations = 4096;

}  // namespace

void Interpreter::run_loop(const torch::jit::Node &node) {
    const torch::jit::Block &body = *node.blocks()[0];
    Value condition = get(node.inputs()[1]);
    const Value &most = get(node.inputs()[0]);
    if (condition.is<Poison>() || most.is<Poison>()) return poison(node);
    const auto *trips = most.as<Extent>();
    if (!trips) throw Unsupported{"a loop whose count depends on data"};
    if (!trips->known()) return run_loop_over_places(node, *trips);
    const int64_t end = trips->terms[0];
    std::vector<Value> carried;
    for (size_t i = 2; i < node.inputs().size(); ++i) carried.push_back(get(node.inputs()[i]));
    int64_t round = 0;
    while (round < end && decided(builder_, condition)) {
        if (round >= kMaxIterations)
            throw Unsupported{"a loop of more than " + std::to_string(kMaxIterations) + " rounds"};
        set(body.inputs()[0], Extent::of(round));
        for (size_t i = 0; i < carried.size(); ++i) set(body.inputs()[i + 1], carried[i]);
        run_block(body);
        condition = get(body.outputs()[0]);
        if (condition.is<Poison>()) return poison(node);
        for (size_t i = 0; i < carried.size(); ++i) carried[i] = get(body.outputs()[i + 1]);
        ++round;
    }
    set_outputs(node, std::move(carried));
}

// A recurrence is fast: all places at once go through what is no state. What is none is unrolled.
void Interpreter::run_loop_over_places(const torch::jit::Node &node, const Extent &count) {
    if (loops_over_places_ > 0) throw Unsupported{"a loop over places in a recurrence"};
    if (unrolled_.count(&node)) return run_unrolled(node, count);
    const size_t before = findings_.lines().size();
    try {
        run_recurrence(node, count);
    } catch (const Unsupported &) {
        throw NoRecurrence{&node};
    }
    if (findings_.lines().size() > before) throw NoRecurrence{&node};
}

// Runs the body once, for every place: what it takes at its round is taken at each of them, and its states are those of
// recurrent cells, which begin with what the loop begins with.
void Interpreter::run_recurrence(const torch::jit::Node &node, const Extent &count) {
    const torch::jit::Block &body = *node.blocks()[0];
    const Unsupported other{"a loop over places, " + to_string(count) + " rounds, that is no recurrence"};
    const auto always = [&](const Value &condition) { return condition.is<bool>() && *condition.as<bool>(); };
    if (count.batch || !always(get(node.inputs()[1]))) throw other;
    std::vector<Value> carried;
    for (size_t i = 2; i < node.inputs().size(); ++i) {
        Value value = get(node.inputs()[i]);
        if (const auto *tensor = value.as<TensorPtr>()) {
            auto state = std::make_shared<Tensor>();
            state->kind = Tensor::Kind::carried;
            state->id = plain(builder_, **tensor);
            value = state;
        }
        set(body.inputs()[i - 1], value);
        carried.push_back(std::move(value));
    }
    set(body.inputs()[0], EachPlace{count});
    ++loops_over_places_;
    run_block(body);
    --loops_over_places_;
    if (poisoned(get(body.outputs()[0]))) return poison(node);
    if (!always(get(body.outputs()[0]))) throw other;
    std::vector<Value> results;
    for (size_t i = 0; i < carried.size(); ++i) {
        const Value after = get(body.outputs()[i + 1]);
        if (poisoned(after)) return poison(node);
        const auto *state = carried[i].as<TensorPtr>(), *made = after.as<TensorPtr>();
        if (!state || !made || (*made)->before != *state) throw other;
        const ValueId all = (*made)->id;
        const Extent last = *(count - Extent::of(1));
        results.push_back(tensor_of(builder_.squeeze(builder_.slice(all, 0, last, Extent::of(1)), 0)));
    }
    set_outputs(node, std::move(results));
}

// A list that a loop over places fills has what the body adds in place of one element for each.
void Interpreter::append_each(const std::string &name, const std::vector<Value> &arguments) {
    const auto *list = name == "aten::append" ? arguments[0].as<std::shared_ptr<List>>() : nullptr;
    const auto *made = arguments.size() == 2 ? arguments[1].as<TensorPtr>() : nullptr;
    if (!list || !(*list)->empty() || !made || (*made)->merged != size_t{0})
        throw Unsupported{"a loop over places that writes other than one result for each into a list"};
    auto all = std::make_shared<Tensor>(**made);
    all->each_place = true;
    (*list)->push_back(all);
}

}  // namespace weighbridge::torch_plugin

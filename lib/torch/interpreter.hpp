// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/csrc/jit/ir/ir.h>

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "origin.hpp"
#include "torch/lower/call.hpp"
#include "torch/lower/carried.hpp"

namespace weighbridge::torch_plugin {

// Why operators do not lower, without repeats: "aten::unique, encoder.layers.0, model.py:12: not supported".
class Findings {
  public:
    void add(const std::string &what) {
        if (seen_.insert(what).second) lines_.push_back(what);
    }
    const std::vector<std::string> &lines() const { return lines_; }

  private:
    std::set<std::string> seen_;
    std::vector<std::string> lines_;
};

// Whether it, or something in it, is the result of what was reported.
bool poisoned(const Value &value);

// A loop over places that turned out to be no recurrence: forward has to be run anew, with it among those that are
// unrolled.
struct NoRecurrence {
    const torch::jit::Node *loop;
};
using Loops = std::unordered_set<const torch::jit::Node *>;

// Abstract interpreter of a frozen, inlined graph: LibTorch computes on concrete values, the builder records the rest.
class Interpreter {
  public:
    Interpreter(Builder &builder, const Layers &layers, Findings &findings, const Loops &unrolled)
        : builder_(builder), layers_(layers), findings_(findings), unrolled_(unrolled) {}

    // The graph's outputs for its inputs (the module itself first). Throws NoRecurrence.
    std::vector<Value> run(const torch::jit::Graph &graph, std::vector<Value> inputs);

  private:
    void run_block(const torch::jit::Block &block);
    void run_node(const torch::jit::Node &node);
    bool run_primitive(const torch::jit::Node &node);  // false where it is an operator
    void unpack(const torch::jit::Node &node, const Value &whole);
    void tuple_element(const torch::jit::Node &node, const Value &whole, const Value &at);
    void run_if(const torch::jit::Node &node);
    // An if about the data of all rows: one whose branch raises is required of each row, `or` and `and` join two. False
    // where it is neither.
    bool run_guard(const torch::jit::Node &node, const Value &condition);
    void run_loop(const torch::jit::Node &node);
    void run_loop_over_places(const torch::jit::Node &node, const Extent &count);
    void run_recurrence(const torch::jit::Node &node, const Extent &count);
    void run_unrolled(const torch::jit::Node &node, const Extent &count);
    bool run_round(const torch::jit::Block &body, int64_t round, const std::vector<Carried> &carried);
    void append_each(const std::string &name, const std::vector<Value> &arguments);
    void run_operator(const torch::jit::Node &node);
    void reshape_in_place(const torch::jit::Node &node, const std::string &name, const std::vector<Value> &arguments);
    void run_in_place(const torch::jit::Node &node, const std::string &name, std::vector<Value> arguments);
    std::vector<Value> compute(const torch::jit::Node &node, const std::vector<Value> &arguments);  // in LibTorch
    Value lower(const torch::jit::Node &node, const std::string &name, const std::vector<Value> &arguments);
    void report(const torch::jit::Node &node, const std::string &reason);
    void constant(const torch::jit::Node &node);
    void attribute(const torch::jit::Node &node, const Opaque &object);
    void protect(const c10::IValue &held);  // its memory counts as weights_

    const Value &get(const torch::jit::Value *value) const;
    void set(const torch::jit::Value *to, Value value) { values_[to] = std::move(value); }
    void set_outputs(const torch::jit::Node &node, std::vector<Value> values);
    void poison(const torch::jit::Node &node);

    Builder &builder_;
    const Layers &layers_;  // names from before freezing
    Findings &findings_;
    const Loops &unrolled_;
    std::unordered_map<const torch::jit::Value *, Value> values_;
    std::unordered_map<const torch::jit::Node *, Value> constants_;  // cached: a loop visits a node often
    std::map<std::pair<const void *, std::string>, Value> attributes_;
    int loops_over_places_ = 0;                 // that are being run
    std::unordered_set<const void *> weights_;  // memory that nothing may write into
};

}  // namespace weighbridge::torch_plugin

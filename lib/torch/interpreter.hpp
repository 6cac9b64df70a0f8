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

namespace weighbridge::torch_plugin {

// What does not lower, in the order found, each once: "aten::unique, encoder.layers.0, model.py:12: not supported".
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

// Runs a frozen, inlined graph on abstract values: what is concrete LibTorch computes, the rest goes to the builder.
class Interpreter {
  public:
    Interpreter(Builder &builder, const Layers &layers, Findings &findings)
        : builder_(builder), layers_(layers), findings_(findings) {}

    // The graph's outputs for its inputs (the module itself first).
    std::vector<Value> run(const torch::jit::Graph &graph, std::vector<Value> inputs);

  private:
    void run_block(const torch::jit::Block &block);
    void run_node(const torch::jit::Node &node);
    bool run_primitive(const torch::jit::Node &node);
    void run_if(const torch::jit::Node &node);
    void run_loop(const torch::jit::Node &node);
    void run_operator(const torch::jit::Node &node);
    void run_in_place(const torch::jit::Node &node, const std::string &name, std::vector<Value> arguments);
    std::vector<Value> compute(const torch::jit::Node &node, const std::vector<Value> &arguments);  // by LibTorch
    Value lower(const torch::jit::Node &node, const std::string &name, const std::vector<Value> &arguments);
    void report(const torch::jit::Node &node, const std::string &reason);
    void constant(const torch::jit::Node &node);
    void attribute(const torch::jit::Node &node, const Opaque &object);
    void protect(const c10::IValue &held);  // from writes

    const Value &get(const torch::jit::Value *value) const;
    void set(const torch::jit::Value *to, Value value) { values_[to] = std::move(value); }
    void set_outputs(const torch::jit::Node &node, std::vector<Value> values);
    void poison(const torch::jit::Node &node);

    Builder &builder_;
    const Layers &layers_;  // from before freezing
    Findings &findings_;
    std::unordered_map<const torch::jit::Value *, Value> values_;
    std::unordered_map<const torch::jit::Node *, Value> constants_;  // so that a loop makes each once
    std::map<std::pair<const void *, std::string>, Value> attributes_;
    std::unordered_set<const void *> weights_;  // memory that nothing may write into
};

}  // namespace weighbridge::torch_plugin

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/csrc/jit/ir/ir.h>

#include <map>
#include <memory>
#include <string>
#include <tuple>

namespace weighbridge::torch_plugin {

// Full names of layers by call site. They are collected before freezing, which inlines calls and keeps only the last
// part of a name: "0" of "encoder.layers.0".
class Layers {
  public:
    void add(const torch::jit::Node &node);  // no effect where it does not call a layer

    // "encoder.layers.0": the layer that an inlined node belongs to; "" for the module's own forward.
    std::string layer_of(const torch::jit::Node &node) const;

  private:
    using Place =
        std::tuple<std::shared_ptr<torch::jit::Source>, size_t, size_t, std::string>;  // file, start, end, last part
    std::map<Place, std::string> layers_;
};

// "model.py:12": the innermost line of the model's own code, or else of an installed package that is neither torch nor
// einops; "" where there is none. Without the module's debug files: the line of the code inside it.
std::string line_of(const torch::jit::Node &node);

}  // namespace weighbridge::torch_plugin

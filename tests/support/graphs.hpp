// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <vector>

#include "plan/plan.hpp"

namespace weighbridge::test {

// Builds graphs by hand; what does not fit is an exception.
class GraphBuilder {
  public:
    using Value = lib::ValueId;

    explicit GraphBuilder(int64_t largest_length = 0) { graph.largest_length = largest_length; }

    Value add(lib::Op op, std::vector<Value> operands, lib::Attributes attributes = {}) {
        auto added = graph.add(op, std::move(operands), std::move(attributes));
        if (!added) throw std::runtime_error(added.status().message);
        return *added;
    }
    Value input(int64_t index, lib::DType dtype, lib::Extents shape) {
        return add(lib::Op::input, {}, {.index = index, .dtype = dtype, .shape = std::move(shape)});
    }
    Value floats(std::vector<int64_t> shape, const std::vector<float> &values) {
        return graph.add_constant(lib::Constant::copy(lib::DType::float32, std::move(shape), values.data()));
    }
    Value integers(std::vector<int64_t> shape, const std::vector<int64_t> &values) {
        return graph.add_constant(lib::Constant::copy(lib::DType::int64, std::move(shape), values.data()));
    }
    // weights: [outputs][inputs] row-major; bias may be empty.
    Value linear(Value x, int64_t outputs, const std::vector<float> &weights, const std::vector<float> &bias = {},
                 lib::Activation activation = lib::Activation::none) {
        const auto inputs = static_cast<int64_t>(weights.size()) / outputs;
        std::vector<Value> operands{x, floats({outputs, inputs}, weights)};
        if (!bias.empty()) operands.push_back(floats({outputs}, bias));
        lib::Attributes attributes;
        attributes.bias = !bias.empty();
        attributes.activation = activation;
        return add(lib::Op::linear, operands, attributes);
    }
    void output(Value value) { graph.add_output(value); }

    std::shared_ptr<const lib::Plan> plan(lib::Precisions precisions = {WB_PRECISION_FP32},
                                          const lib::Digest &module = {}) const {
        auto made = lib::Plan::make(graph, module, std::move(precisions));
        if (!made) throw std::runtime_error(made.status().message);
        return *made;
    }

    lib::Graph graph;
};

}  // namespace weighbridge::test

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "plan/plan.hpp"

namespace weighbridge::lib {

// Makes plans by hand: inputs first, then operations, then outputs. The first mistake is kept, and build() returns it;
// values returned after it mean nothing.
class PlanBuilder {
  public:
    using Value = uint32_t;
    using Floats = std::span<const float>;

    Value input(DType dtype, int64_t width, int32_t rank = 2);

    Value embedding(Value indices, Floats table, int64_t columns);  // table: row-major, a row for each index
    Value concat(std::vector<Value> parts);
    Value linear(Value x, Floats weights, Floats bias);  // weights: [out][in] row-major
    Value relu(Value x) { return unary(OpKind::relu, x); }
    Value sigmoid(Value x) { return unary(OpKind::sigmoid, x); }
    Value tanh(Value x) { return unary(OpKind::tanh, x); }
    Value gelu(Value x) { return unary(OpKind::gelu, x); }
    Value layer_norm(Value x, Floats scale, Floats shift, float epsilon);
    Value add(Value a, Value b);
    Value affine(Value x, Floats scale, Floats shift);  // batch norm, folded
    Value slice(Value x, int64_t begin, int64_t width);
    Value cast(Value x) { return unary(OpKind::cast, x); }

    void output(Value value) { data_.outputs.push_back(value); }

    // Once. WB_INVALID_BUNDLE as Plan::make.
    Expected<std::shared_ptr<const Plan>> build();

  private:
    Value unary(OpKind kind, Value x);
    Value append(PlanOp op);
    uint32_t constant(Floats values, int64_t columns);

    PlanData data_;
    std::vector<float> weights_;
    Status first_mistake_;
};

}  // namespace weighbridge::lib

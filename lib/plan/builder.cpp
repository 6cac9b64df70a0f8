// SPDX-License-Identifier: Apache-2.0
#include "plan/builder.hpp"

#include <cstring>

namespace weighbridge::lib {

PlanBuilder::Value PlanBuilder::input(DType dtype, int64_t width, int32_t rank) {
    if (!data_.ops.empty() && first_mistake_.ok())
        first_mistake_ =
            Status::failure(WB_INVALID_BUNDLE, "model.plan: expected inputs before operations, found input {} after {}",
                            data_.inputs.size(), data_.ops.size());
    data_.inputs.push_back({dtype, rank, width});
    return static_cast<Value>(data_.inputs.size() - 1);
}

PlanBuilder::Value PlanBuilder::append(PlanOp op) {
    if (first_mistake_.ok()) {
        auto width = result_width(data_, data_.ops.size(), op);
        if (width)
            op.width = *width;
        else
            first_mistake_ = width.status();
    }
    data_.ops.push_back(std::move(op));
    return static_cast<Value>(data_.inputs.size() + data_.ops.size() - 1);
}

uint32_t PlanBuilder::constant(Floats values, int64_t columns) {
    auto count = static_cast<int64_t>(values.size());
    if ((columns < 1 || count == 0 || count % columns != 0) && first_mistake_.ok())
        first_mistake_ = Status::failure(WB_INVALID_BUNDLE,
                                         "model.plan: constant {}: expected rows of {} elements, found {} elements",
                                         data_.constants.size(), columns, count);
    PlanConstant constant{columns < 1 ? 0 : count / columns, columns, static_cast<int64_t>(weights_.size())};
    data_.constants.push_back(constant);
    weights_.insert(weights_.end(), values.begin(), values.end());
    weights_.resize(static_cast<size_t>(constant.offset + constant_stride(constant)));
    return static_cast<uint32_t>(data_.constants.size() - 1);
}

PlanBuilder::Value PlanBuilder::unary(OpKind kind, Value x) {
    PlanOp op;
    op.kind = kind;
    op.operands = {x};
    return append(std::move(op));
}

PlanBuilder::Value PlanBuilder::embedding(Value indices, Floats table, int64_t columns) {
    PlanOp op;
    op.kind = OpKind::embedding;
    op.operands = {indices};
    op.constants = {constant(table, columns)};
    return append(std::move(op));
}

PlanBuilder::Value PlanBuilder::concat(std::vector<Value> parts) {
    PlanOp op;
    op.kind = OpKind::concat;
    op.operands = std::move(parts);
    return append(std::move(op));
}

PlanBuilder::Value PlanBuilder::linear(Value x, Floats weights, Floats bias) {
    auto outputs = static_cast<int64_t>(bias.size());
    PlanOp op;
    op.kind = OpKind::linear;
    op.operands = {x};
    uint32_t matrix = constant(weights, outputs == 0 ? 0 : static_cast<int64_t>(weights.size()) / outputs);
    op.constants = {matrix, constant(bias, outputs)};
    return append(std::move(op));
}

PlanBuilder::Value PlanBuilder::layer_norm(Value x, Floats scale, Floats shift, float epsilon) {
    PlanOp op;
    op.kind = OpKind::layer_norm;
    op.operands = {x};
    uint32_t first = constant(scale, static_cast<int64_t>(scale.size()));
    op.constants = {first, constant(shift, static_cast<int64_t>(shift.size()))};
    op.epsilon = epsilon;
    return append(std::move(op));
}

PlanBuilder::Value PlanBuilder::add(Value a, Value b) {
    PlanOp op;
    op.kind = OpKind::add;
    op.operands = {a, b};
    return append(std::move(op));
}

PlanBuilder::Value PlanBuilder::affine(Value x, Floats scale, Floats shift) {
    PlanOp op;
    op.kind = OpKind::affine;
    op.operands = {x};
    uint32_t first = constant(scale, static_cast<int64_t>(scale.size()));
    op.constants = {first, constant(shift, static_cast<int64_t>(shift.size()))};
    return append(std::move(op));
}

PlanBuilder::Value PlanBuilder::slice(Value x, int64_t begin, int64_t width) {
    PlanOp op;
    op.kind = OpKind::slice;
    op.operands = {x};
    op.begin = begin;
    op.width = width;
    return append(std::move(op));
}

Expected<std::shared_ptr<const Plan>> PlanBuilder::build() {
    if (!first_mistake_.ok()) return first_mistake_;
    if (!weights_.empty()) {
        data_.weights = AlignedBuffer(weights_.size() * sizeof(float));
        std::memcpy(data_.weights.data(), weights_.data(), data_.weights.size());
    }
    return Plan::make(std::move(data_));
}

}  // namespace weighbridge::lib

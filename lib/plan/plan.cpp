// SPDX-License-Identifier: Apache-2.0
#include "plan/plan.hpp"

#include <array>
#include <bit>
#include <cmath>

namespace weighbridge::lib {
namespace {

constexpr int64_t kFloatsPerLine = 64 / sizeof(float);

struct Rule {
    std::string_view name;
    uint32_t operands;  // 0: one or more
    uint32_t constants;
};

// By OpKind.
constexpr std::array<Rule, 13> kRules = {{
    {"unknown", 0, 0},
    {"embedding", 1, 1},
    {"concat", 0, 0},
    {"linear", 1, 2},
    {"relu", 1, 0},
    {"sigmoid", 1, 0},
    {"tanh", 1, 0},
    {"gelu", 1, 0},
    {"layer_norm", 1, 2},
    {"add", 2, 0},
    {"affine", 1, 2},
    {"slice", 1, 0},
    {"cast", 1, 0},
}};

bool is_known(OpKind kind) {
    auto number = static_cast<uint32_t>(kind);
    return number >= 1 && number < kRules.size();
}

bool is_known(DType dtype) {
    switch (dtype) {
        case DType::float32:
        case DType::float64:
        case DType::int64:
        case DType::int32:
        case DType::boolean:
            return true;
    }
    return false;
}

// "model.plan: operation 3 (linear): ..."
template <class... Args>
Status broken(size_t index, OpKind kind, fmt::format_string<Args...> format, Args &&...args) {
    auto detail = Status::failure(WB_INVALID_BUNDLE, format, std::forward<Args>(args)...);
    return Status::failure(WB_INVALID_BUNDLE, "model.plan: operation {} ({}): {}", index, name_of(kind),
                           detail.message);
}

int64_t width_of(const PlanData &data, uint32_t value) {
    size_t inputs = data.inputs.size();
    return value < inputs ? data.inputs[value].width : data.ops[value - inputs].width;
}

DType dtype_of(const PlanData &data, uint32_t value) {
    return value < data.inputs.size() ? data.inputs[value].dtype : DType::float32;
}

Status check_operands(const PlanData &data, size_t index, const PlanOp &op) {
    if (!is_known(op.kind))
        return broken(index, op.kind, "expected a kind in [1, {}], found {}", kRules.size() - 1,
                      static_cast<uint32_t>(op.kind));
    const Rule &rule = kRules[static_cast<size_t>(op.kind)];
    if (rule.operands == 0 ? op.operands.empty() : op.operands.size() != rule.operands)
        return broken(index, op.kind, "expected {} operands, found {}",
                      rule.operands == 0   ? "some"
                      : rule.operands == 1 ? "1"
                                           : "2",
                      op.operands.size());
    if (op.constants.size() != rule.constants)
        return broken(index, op.kind, "expected {} constants, found {}", rule.constants, op.constants.size());
    size_t defined = data.inputs.size() + index;
    for (uint32_t operand : op.operands) {
        if (operand >= defined) return broken(index, op.kind, "expected operands below {}, found {}", defined, operand);
        DType dtype = dtype_of(data, operand);
        bool fits = op.kind == OpKind::embedding ? dtype == DType::int64 || dtype == DType::int32
                    : op.kind == OpKind::cast    ? dtype != DType::float32
                                                 : dtype == DType::float32;
        if (!fits)
            return broken(index, op.kind, "expected an operand of {}, found {}",
                          op.kind == OpKind::embedding ? "int64 or int32"
                          : op.kind == OpKind::cast    ? "float64, int64, int32 or bool"
                                                       : "float32",
                          name_of(dtype));
    }
    for (uint32_t constant : op.constants)
        if (constant >= data.constants.size())
            return broken(index, op.kind, "expected constants below {}, found {}", data.constants.size(), constant);
    return Status();
}

Status check_constant(const PlanData &data, size_t index, const PlanOp &op, size_t which, int64_t rows,
                      int64_t columns) {
    const PlanConstant &constant = data.constants[op.constants[which]];
    if (constant.rows == rows && constant.columns == columns) return Status();
    return broken(index, op.kind, "constant {}: expected {} x {}, found {} x {}", op.constants[which], rows, columns,
                  constant.rows, constant.columns);
}

Status check_inputs(const PlanData &data) {
    if (data.inputs.empty() || data.inputs.size() > kMaxInputs)
        return Status::failure(WB_INVALID_BUNDLE, "model.plan: expected 1 to {} inputs, found {}", kMaxInputs,
                               data.inputs.size());
    for (size_t i = 0; i < data.inputs.size(); ++i) {
        const PlanInput &input = data.inputs[i];
        if (!is_known(input.dtype))
            return Status::failure(WB_INVALID_BUNDLE, "model.plan: input {}: expected a dtype in [1, 5], found {}", i,
                                   static_cast<int32_t>(input.dtype));
        if (input.rank != 1 && input.rank != 2)
            return Status::failure(
                WB_INVALID_BUNDLE,
                "model.plan: input {}: expected rank 1 or 2 (plan version 0 has no sequences), found {}", i,
                input.rank);
        int64_t most = input.rank == 1 ? 1 : kMaxWidth;
        if (input.width < 1 || input.width > most)
            return Status::failure(WB_INVALID_BUNDLE, "model.plan: input {}: expected a width in [1, {}], found {}", i,
                                   most, input.width);
    }
    return Status();
}

Status check_constants(const PlanData &data) {
    if (data.constants.size() > kMaxConstants)
        return Status::failure(WB_INVALID_BUNDLE, "model.plan: expected at most {} constants, found {}", kMaxConstants,
                               data.constants.size());
    int64_t floats = 0;
    for (size_t i = 0; i < data.constants.size(); ++i) {
        const PlanConstant &constant = data.constants[i];
        if (Status status = check_size(i, constant); !status.ok()) return status;
        if (constant.offset != floats)
            return Status::failure(WB_INVALID_BUNDLE, "model.plan: constant {}: expected offset {}, found {}", i,
                                   floats, constant.offset);
        floats += constant_stride(constant);
    }
    auto bytes = static_cast<uint64_t>(floats) * sizeof(float);
    if (data.weights.size() != bytes)
        return Status::failure(WB_INVALID_BUNDLE, "model.plan: weights: expected {} bytes, found {}", bytes,
                               data.weights.size());
    return Status();
}

Status check_parameters(size_t index, const PlanOp &op) {
    if (op.kind != OpKind::slice && op.begin != 0)
        return broken(index, op.kind, "expected begin 0, found {}", op.begin);
    if (op.kind == OpKind::layer_norm) {
        if (!std::isfinite(op.epsilon) || op.epsilon < 0.0f)
            return broken(index, op.kind, "expected a finite epsilon of at least 0, found {}", op.epsilon);
    } else if (std::bit_cast<uint32_t>(op.epsilon) != 0) {
        return broken(index, op.kind, "expected epsilon 0, found {}", op.epsilon);
    }
    return Status();
}

Status check_ops(const PlanData &data) {
    if (data.ops.size() > kMaxOperations)
        return Status::failure(WB_INVALID_BUNDLE, "model.plan: expected at most {} operations, found {}",
                               kMaxOperations, data.ops.size());
    for (size_t i = 0; i < data.ops.size(); ++i) {
        const PlanOp &op = data.ops[i];
        auto width = result_width(data, i, op);
        if (!width) return width.status();
        if (op.width != *width) return broken(i, op.kind, "expected width {}, found {}", *width, op.width);
        if (Status status = check_parameters(i, op); !status.ok()) return status;
    }
    return Status();
}

Status check_outputs(const PlanData &data) {
    if (data.outputs.empty() || data.outputs.size() > kMaxOutputs)
        return Status::failure(WB_INVALID_BUNDLE, "model.plan: expected 1 to {} outputs, found {}", kMaxOutputs,
                               data.outputs.size());
    size_t defined = data.inputs.size() + data.ops.size();
    for (size_t i = 0; i < data.outputs.size(); ++i) {
        if (data.outputs[i] >= defined)
            return Status::failure(WB_INVALID_BUNDLE, "model.plan: output {}: expected a value below {}, found {}", i,
                                   defined, data.outputs[i]);
        DType dtype = dtype_of(data, data.outputs[i]);
        if (dtype != DType::float32)
            return Status::failure(WB_INVALID_BUNDLE, "model.plan: output {}: expected a float32 value, found {}", i,
                                   name_of(dtype));
    }
    return Status();
}

}  // namespace

std::string_view name_of(OpKind kind) { return kRules[is_known(kind) ? static_cast<size_t>(kind) : 0].name; }

Status check_size(size_t index, const PlanConstant &constant) {
    if (constant.rows >= 1 && constant.columns >= 1 && constant.rows <= kMaxElements / constant.columns)
        return Status();
    return Status::failure(WB_INVALID_BUNDLE, "model.plan: constant {}: expected 1 to {} elements, found {} x {}",
                           index, kMaxElements, constant.rows, constant.columns);
}

int64_t constant_stride(const PlanConstant &constant) {
    return (constant.rows * constant.columns + kFloatsPerLine - 1) / kFloatsPerLine * kFloatsPerLine;
}

Expected<int64_t> result_width(const PlanData &data, size_t index, const PlanOp &op) {
    if (Status status = check_operands(data, index, op); !status.ok()) return status;
    int64_t width = width_of(data, op.operands[0]);
    switch (op.kind) {
        case OpKind::embedding: {
            int64_t columns = data.constants[op.constants[0]].columns;
            if (columns > kMaxWidth / width)
                return broken(index, op.kind, "expected a width of at most {}, found {} x {}", kMaxWidth, width,
                              columns);
            return width * columns;
        }
        case OpKind::concat: {
            int64_t sum = 0;
            for (uint32_t operand : op.operands) {
                sum += width_of(data, operand);
                if (sum > kMaxWidth)
                    return broken(index, op.kind, "expected a width of at most {}, found more", kMaxWidth);
            }
            return sum;
        }
        case OpKind::linear: {
            int64_t out = data.constants[op.constants[0]].rows;
            if (out > kMaxWidth)
                return broken(index, op.kind, "expected a width of at most {}, found {}", kMaxWidth, out);
            if (Status status = check_constant(data, index, op, 0, out, width); !status.ok()) return status;
            if (Status status = check_constant(data, index, op, 1, 1, out); !status.ok()) return status;
            return out;
        }
        case OpKind::layer_norm:
        case OpKind::affine:
            for (size_t which : {0, 1})
                if (Status status = check_constant(data, index, op, which, 1, width); !status.ok()) return status;
            return width;
        case OpKind::add:
            if (width_of(data, op.operands[1]) != width)
                return broken(index, op.kind, "expected operands of one width, found {} and {}", width,
                              width_of(data, op.operands[1]));
            return width;
        case OpKind::slice:
            if (op.begin < 0 || op.width < 1 || op.begin >= width || op.width > width - op.begin)
                return broken(index, op.kind, "expected columns within [0, {}), found {} from {}", width, op.width,
                              op.begin);
            return op.width;
        case OpKind::relu:
        case OpKind::sigmoid:
        case OpKind::tanh:
        case OpKind::gelu:
        case OpKind::cast:
            return width;
    }
    return Status::failure(WB_INTERNAL, "model.plan: operation {} has no rule", index);
}

Expected<std::shared_ptr<const Plan>> Plan::make(PlanData data) {
    if (data.numerics != kNumericsV1)
        return Status::failure(WB_INVALID_BUNDLE, "model.plan: numerics: expected {}, found {}", kNumericsV1,
                               data.numerics);
    if (data.precision != WB_PRECISION_FP32)
        return Status::failure(WB_INVALID_BUNDLE, "model.plan: precision: expected {} (fp32), found {}",
                               WB_PRECISION_FP32, data.precision);
    for (auto check : {check_inputs, check_constants, check_ops, check_outputs})
        if (Status status = check(data); !status.ok()) return status;
    return std::shared_ptr<const Plan>(new Plan(std::move(data)));
}

int64_t Plan::width(uint32_t value) const { return width_of(data_, value); }

DType Plan::dtype(uint32_t value) const { return dtype_of(data_, value); }

const float *Plan::constant(uint32_t index) const {
    return reinterpret_cast<const float *>(data_.weights.data()) + data_.constants[index].offset;
}

}  // namespace weighbridge::lib

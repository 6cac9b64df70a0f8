// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/expected.hpp"
#include "tensor/tensor.hpp"
#include "weighbridge/c/call.h"

namespace weighbridge::lib {

inline constexpr uint32_t kNumericsV1 = 1;  // how every operation rounds: lib/plan/README.md

// Caps, so that a crafted file can ask for neither endless work nor sizes that overflow.
inline constexpr int64_t kMaxElements = int64_t{1} << 31;  // of a constant
inline constexpr int64_t kMaxWidth = int64_t{1} << 24;     // of a value, in elements a row
inline constexpr uint32_t kMaxOperations = 65536;
inline constexpr uint32_t kMaxConstants = 2 * kMaxOperations;
inline constexpr uint32_t kMaxInputs = 4096;
inline constexpr uint32_t kMaxOutputs = 4096;

// The closed set of operations; numbers are those of the file. lib/plan/README.md has formula, operands and constants.
enum class OpKind : uint32_t {
    embedding = 1,
    concat = 2,
    linear = 3,
    relu = 4,
    sigmoid = 5,
    tanh = 6,
    gelu = 7,
    layer_norm = 8,
    add = 9,
    affine = 10,
    slice = 11,
    cast = 12,
};
std::string_view name_of(OpKind kind);  // "linear", ...; "unknown" for a number that is none

// One argument of forward: `width` elements a row.
struct PlanInput {
    DType dtype = DType::float32;
    int32_t rank = 2;  // 1 is [batch], of width 1; 2 is [batch, width]
    int64_t width = 1;
    bool operator==(const PlanInput &) const = default;
};

// A row-major float32 matrix in the weights; a vector has one row.
struct PlanConstant {
    int64_t rows = 0;
    int64_t columns = 0;
    int64_t offset = 0;  // of its first float in the weights: constants follow one another, each at 64 bytes
    bool operator==(const PlanConstant &) const = default;
};

// Values are numbered: first the inputs, then each operation's result, in order. Operands come before their operation.
struct PlanOp {
    OpKind kind = OpKind::relu;
    std::vector<uint32_t> operands;   // values
    std::vector<uint32_t> constants;  // indices
    int64_t width = 0;                // of the result
    int64_t begin = 0;                // of a slice: its first column; else 0
    float epsilon = 0.0f;             // of a layer_norm; else 0
    bool operator==(const PlanOp &) const = default;
};

// A plan's content, unchecked.
struct PlanData {
    uint32_t numerics = kNumericsV1;
    int32_t precision = WB_PRECISION_FP32;
    std::vector<PlanInput> inputs;  // by tensor of the manifest
    std::vector<PlanConstant> constants;
    std::vector<PlanOp> ops;
    std::vector<uint32_t> outputs;  // values, by output of the manifest
    AlignedBuffer weights;          // zero between constants
};

// A model as plain data: what to compute for each row, and with which weights. Checked, immutable, shared.
class Plan {
  public:
    // Everything that runs may be indexed without another check. WB_INVALID_BUNDLE: "model.plan: ", where, what was
    // expected and what was found.
    static Expected<std::shared_ptr<const Plan>> make(PlanData data);

    const PlanData &data() const { return data_; }
    int64_t width(uint32_t value) const;
    DType dtype(uint32_t value) const;  // float32 for every operation's result
    const float *constant(uint32_t index) const;

  private:
    explicit Plan(PlanData data) : data_(std::move(data)) {}
    PlanData data_;
};

// WB_INVALID_BUNDLE where constant `index` has no elements or too many.
Status check_size(size_t index, const PlanConstant &constant);

// Of a constant whose size is sound: floats from its start to the next one's, its elements rounded up to 64 bytes.
int64_t constant_stride(const PlanConstant &constant);

// The width of what `op` gives as operation number `index` of `data`, whose inputs, constants and ops[0..index) are
// sound. WB_INVALID_BUNDLE where operands or constants do not fit. op.width itself is not looked at, except a slice's.
Expected<int64_t> result_width(const PlanData &data, size_t index, const PlanOp &op);

}  // namespace weighbridge::lib

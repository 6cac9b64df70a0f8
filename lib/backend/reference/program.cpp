// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "backend/reference/kernels.hpp"
#include "backend/reference/reference.hpp"

namespace weighbridge::lib {
namespace {

constexpr int64_t kTileRows = 64;
// Multiply-adds between two polls of the stop: about 100 us of these loops at 1 to 2 ns each.
constexpr int64_t kWorkBetweenPolls = 1 << 16;
constexpr int64_t kFloatsPerLine = 64 / sizeof(float);

// Where each operation's result begins in an arena for `rows` rows, in floats; last comes the arena's size.
std::vector<int64_t> arena_layout(const PlanData &plan, int64_t rows) {
    std::vector<int64_t> begins{0};
    for (const PlanOp &op : plan.ops) {
        int64_t floats = op.width * rows;
        begins.push_back(begins.back() + (floats + kFloatsPerLine - 1) / kFloatsPerLine * kFloatsPerLine);
    }
    return begins;
}

class ReferenceExecutor final : public Executor {
  public:
    ReferenceExecutor(std::shared_ptr<const Plan> plan, std::shared_ptr<const std::vector<std::string>> names,
                      int64_t tile_rows)
        : plan_(std::move(plan)), names_(std::move(names)), tile_rows_(tile_rows) {
        auto begins = arena_layout(plan_->data(), tile_rows);
        arena_ = AlignedBuffer(static_cast<size_t>(begins.back()) * sizeof(float));
        for (size_t i = 0; i < plan_->data().ops.size(); ++i)
            results_.push_back(reinterpret_cast<float *>(arena_.data()) + begins[i]);
    }

    Status run(Run &run) override {
        const PlanData &plan = plan_->data();
        if (Status status = check(run); !status.ok()) return status;
        for (size_t i = 0; i < plan.ops.size(); ++i) {
            int64_t step = rows_between_polls(plan.ops[i]);
            for (int64_t row = 0; row < run.rows; row += step) {
                if (int32_t code = run.stop.poll(); code != WB_OK)
                    return Status::failure(code, "{} while the model ran",
                                           code == WB_CANCELLED ? "cancelled" : "the deadline passed");
                Status status = step_op(run, i, row, std::min(step, run.rows - row));
                if (!status.ok()) return status;
            }
        }
        for (size_t i = 0; i < plan.outputs.size(); ++i) {
            uint32_t value = plan.outputs[i];
            int64_t elements = run.rows * plan_->width(value);
            if (elements > 0)
                std::memcpy(run.outputs[i], floats(run, value, 0), static_cast<size_t>(elements) * sizeof(float));
        }
        return Status();
    }

  private:
    Status check(const Run &run) const {
        const PlanData &plan = plan_->data();
        if (run.rows < 0 || run.rows > tile_rows_)
            return Status::failure(WB_INTERNAL, "reference: expected 0 to {} rows, found {}", tile_rows_, run.rows);
        if (run.inputs.size() != plan.inputs.size() || run.outputs.size() != plan.outputs.size())
            return Status::failure(WB_INTERNAL, "reference: expected {} inputs and {} outputs, found {} and {}",
                                   plan.inputs.size(), plan.outputs.size(), run.inputs.size(), run.outputs.size());
        for (size_t i = 0; i < plan.inputs.size(); ++i) {
            const PlanInput &input = plan.inputs[i];
            const TensorView &view = run.inputs[i];
            bool fits = view.dtype == input.dtype && view.shape.rank == input.rank && view.shape.size[0] == run.rows &&
                        (input.rank == 1 || view.shape.size[1] == input.width);
            if (!fits)
                return Status::failure(
                    WB_INTERNAL,
                    "reference: tensor '{}': expected {} of rank {}, {} rows and width {}, found {} of "
                    "rank {} and sizes {}, {}",
                    (*names_)[i], name_of(input.dtype), input.rank, run.rows, input.width, name_of(view.dtype),
                    view.shape.rank, view.shape.size[0], view.shape.size[1]);
        }
        return Status();
    }

    int64_t rows_between_polls(const PlanOp &op) const {
        int64_t work = op.width;
        if (op.kind == OpKind::linear) work *= plan_->width(op.operands[0]);
        return std::clamp<int64_t>(kWorkBetweenPolls / work, 1, kTileRows);
    }

    // A value's bytes from a row on; raw inputs lie with the caller.
    const void *raw(const Run &run, uint32_t value, int64_t row) const {
        size_t inputs = plan_->data().inputs.size();
        if (value >= inputs) return results_[value - inputs] + row * plan_->width(value);
        size_t bytes = static_cast<size_t>(row * plan_->width(value)) * size_of(plan_->dtype(value));
        return static_cast<const std::byte *>(run.inputs[value].data) + bytes;
    }
    const float *floats(const Run &run, uint32_t value, int64_t row) const {
        return static_cast<const float *>(raw(run, value, row));
    }
    reference::Matrix matrix(uint32_t constant) const {
        const PlanConstant &shape = plan_->data().constants[constant];
        return {plan_->constant(constant), shape.rows, shape.columns};
    }

    // Operation `index` over `rows` rows from `row` on. Fails only in a look-up.
    Status step_op(const Run &run, size_t index, int64_t row, int64_t rows) {
        const PlanOp &op = plan_->data().ops[index];
        uint32_t first = op.operands[0];
        int64_t width = plan_->width(first);
        int64_t elements = rows * op.width;
        float *y = results_[index] + row * op.width;
        auto x = [&](size_t operand = 0) { return floats(run, op.operands[operand], row); };
        auto vector = [&](size_t which) { return plan_->constant(op.constants[which]); };
        switch (op.kind) {
            case OpKind::embedding: {
                reference::Matrix table = matrix(op.constants[0]);
                if (!reference::embedding(raw(run, first, row), plan_->dtype(first), rows, width, table, y))
                    return Status::failure(
                        WB_BACKEND_FAILED,
                        "tensor '{}': expected indices in [0, {}) as the model's table has rows, got one "
                        "outside it",
                        (*names_)[first], table.rows);
                break;
            }
            case OpKind::concat: {
                int64_t column = 0;
                for (size_t i = 0; i < op.operands.size(); ++i) {
                    int64_t part = plan_->width(op.operands[i]);
                    reference::copy_columns(x(i), part, rows, part, y + column, op.width);
                    column += part;
                }
                break;
            }
            case OpKind::linear:
                reference::linear(x(), rows, matrix(op.constants[0]), vector(1), y);
                break;
            case OpKind::relu:
                reference::relu(x(), elements, y);
                break;
            case OpKind::sigmoid:
                reference::sigmoid(x(), elements, y);
                break;
            case OpKind::tanh:
                reference::tanh(x(), elements, y);
                break;
            case OpKind::gelu:
                reference::gelu(x(), elements, y);
                break;
            case OpKind::layer_norm:
                reference::layer_norm(x(), rows, op.width, vector(0), vector(1), op.epsilon, y);
                break;
            case OpKind::add:
                reference::add(x(), x(1), elements, y);
                break;
            case OpKind::affine:
                reference::affine(x(), rows, op.width, vector(0), vector(1), y);
                break;
            case OpKind::slice:
                reference::copy_columns(x() + op.begin, width, rows, op.width, y, op.width);
                break;
            case OpKind::cast:
                reference::cast(raw(run, first, row), plan_->dtype(first), elements, y);
                break;
        }
        return Status();
    }

    const std::shared_ptr<const Plan> plan_;
    const std::shared_ptr<const std::vector<std::string>> names_;  // by tensor
    const int64_t tile_rows_;
    AlignedBuffer arena_;
    std::vector<float *> results_;  // by operation, in the arena
};

class ReferenceProgram final : public Program {
  public:
    ReferenceProgram(std::shared_ptr<const Plan> plan, std::vector<std::string> names)
        : plan_(std::move(plan)), names_(std::make_shared<const std::vector<std::string>>(std::move(names))) {}

    Traits traits() const override { return {.inline_safe = true, .cancellable = true, .batch_invariant = true}; }
    int32_t backend() const override { return WB_BACKEND_REFERENCE; }
    int32_t precision() const override { return plan_->data().precision; }
    int32_t numerics() const override { return static_cast<int32_t>(plan_->data().numerics); }
    int64_t tile_rows() const override { return kTileRows; }

    Expected<std::unique_ptr<Executor>> make_executor(int, int64_t tile_rows) const override {
        return std::unique_ptr<Executor>(std::make_unique<ReferenceExecutor>(plan_, names_, tile_rows));
    }

    int64_t executor_bytes(int64_t tile_rows) const override {
        return arena_layout(plan_->data(), tile_rows).back() * int64_t{sizeof(float)};
    }

  private:
    const std::shared_ptr<const Plan> plan_;
    const std::shared_ptr<const std::vector<std::string>> names_;
};

}  // namespace

std::shared_ptr<const Program> make_reference_program(std::shared_ptr<const Plan> plan,
                                                      std::vector<std::string> tensor_names) {
    return std::make_shared<const ReferenceProgram>(std::move(plan), std::move(tensor_names));
}

}  // namespace weighbridge::lib

// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda/launches.hpp"

#include <algorithm>

#include "backend/cuda/launch_builder.hpp"
#include "graph/bounds.hpp"

namespace weighbridge::lib::cuda {
namespace {

constexpr int64_t kDenseAlignment = 256;

// Anything but the cast of an argument.
bool computes_float64(const StepPlan &step, Op op) {
    const auto of = [](const Type &type) { return type.dtype == DType::float64; };
    return of(step.type) || (op != Op::cast && std::any_of(step.operand_types.begin(), step.operand_types.end(), of));
}

}  // namespace

Status LaunchBuilder::build() {
    for (const StepPlan &step : schedule_.steps)
        if (Status status = add(step, fault_ + 1); !status.ok()) return status;
    return {};
}

Status LaunchBuilder::add(const StepPlan &step, int32_t fault) {
    fault_ = fault;
    const Node &node = node_of(step);
    const Family family = family_of(node.op);
    if (computes_float64(step, node.op))
        return Status::failure(WB_BACKEND_UNAVAILABLE, "{} of float64: no device kernel, such a model runs on the CPU",
                               name_of(node.op));
    bool taken = false;
    if (step.copies)
        taken = add_copy(step);
    else if (family == Family::product)
        taken = node.op == Op::linear      ? add_linear(step)
                : node.op == Op::attention ? add_attention(step)
                : node.op == Op::recurrent ? add_recurrent(step)
                                           : add_matmul(step);
    else if (family == Family::last_axis)
        taken = add_last_axis(step);
    else if (family == Family::reduction || family == Family::scan)
        taken = add_reduction(step) || add_along(step);
    else if (family == Family::look_up)
        taken = add_lookup(step);
    else if (family == Family::source)
        taken = add_fill(step);
    else
        taken = add_float_rows(step) || add_elements(step);
    const bool by_rows = node.op == Op::linear || family == Family::last_axis || family == Family::reduction;
    if (taken || (by_rows && !step.copies && add_dense(step))) return {};
    if (node.op == Op::trees || node.op == Op::require)
        return Status::failure(WB_BACKEND_UNAVAILABLE, "{}: no device kernel, such a model runs on the CPU",
                               name_of(node.op));
    return Status::failure(WB_BACKEND_UNAVAILABLE, "{} of {}: expected views that the device kernels take, got others",
                           name_of(node.op), to_string(step.type));
}

// Room for a copy of a value, each sequence's piece as dense as it can be. None where sequences share the value.
std::optional<ValueView> LaunchBuilder::take_dense(const Type &type) {
    const auto elements = product(sizes_of_sequence(type.shape));
    const bool own = std::any_of(type.shape.begin(), type.shape.end(), [](const Extent &size) { return size.batch; });
    if (!elements || !own || dense_count_ == dense_.size()) return std::nullopt;
    ValueView view;
    view.storage = static_cast<uint32_t>(schedule_.storages.size() + dense_count_);
    view.strides.resize(type.rank());
    Extent stride = Extent::of(1);
    for (size_t axis = type.rank(); axis-- > 0;) {
        view.strides[axis] = stride;
        if (type.shape[axis] == Extent::rows()) continue;
        const auto next = stride * Extent{false, type.shape[axis].terms};
        if (!next) return std::nullopt;
        stride = *next;
    }
    DenseCopy &dense = dense_[dense_count_];
    dense = {};
    dense.storage.dtype = type.dtype;
    dense.storage.elements = *elements;
    dense.storage.own = true;
    if (dense_count_ > 0) {
        const DenseCopy &before = dense_[dense_count_ - 1];
        dense.begin = before.begin + dense_bytes(before.storage);
    }
    made_.dense_bytes = std::max(made_.dense_bytes, dense.begin + dense_bytes(dense.storage));
    ++dense_count_;
    return view;
}

int64_t LaunchBuilder::dense_bytes(const Storage &storage) const {
    const int64_t bytes = most_rows(storage.elements) * static_cast<int64_t>(size_of(storage.dtype));
    return (bytes + kDenseAlignment - 1) / kDenseAlignment * kDenseAlignment;
}

bool LaunchBuilder::add_dense(const StepPlan &step) {
    const Node &node = node_of(step);
    StepPlan dense = step;
    dense_count_ = 0;
    const auto take_operand = [&](size_t index) {
        const Type &type = step.operand_types[index];
        const auto view = take_dense(type);
        if (!view) return;
        dense.operands[index] = *view;
        copy(operand(step, index, type.shape), operand(dense, index, type.shape), type);
    };
    take_operand(0);
    if (node.attributes.residual) take_operand(step.operands.size() - 1);
    const auto to = take_dense(step.type);
    if (!to) return false;
    dense.result = *to;
    const bool taken = node.op == Op::linear                     ? add_linear(dense)
                       : family_of(node.op) == Family::reduction ? add_reduction(dense)
                                                                 : add_last_axis(dense);
    if (!taken) return false;
    copy(result(dense), result(step), step.type);
    return true;
}

int64_t LaunchBuilder::most_rows(const Extent &count) const {
    const Before most = bucket_.most();
    const auto positive = [](int64_t term) { return Wide{std::max<int64_t>(term, 0)}; };
    const Wide all = positive(count.terms[0]) * most.rows + positive(count.terms[1]) * most.places +
                     positive(count.terms[2]) * most.squares;
    return static_cast<int64_t>(std::min(all, Wide{most.rows} * kMaxElements));
}

Rows LaunchBuilder::rows_of(const Extent &count, const Extent &width) const {
    return {places_.run, terms_of(count), terms_of(width)};
}

Expected<Launches> make_launches(const Plan &plan, const Schedule &schedule, int32_t precision, const Places &places,
                                 const Bucket &bucket, const Resources &resources) {
    LaunchBuilder builder(plan, schedule, precision, places, bucket, resources);
    if (Status status = builder.build(); !status.ok()) return status;
    return builder.take();
}

Status failure_of_step(const Plan &plan, const Schedule &schedule, int32_t fault) {
    if (fault < 1 || static_cast<size_t>(fault) > schedule.steps.size())
        return Status::failure(WB_INTERNAL, "expected the number of one of {} steps, got {}", schedule.steps.size(),
                               fault);
    const StepPlan &step = schedule.steps[static_cast<size_t>(fault) - 1];
    const Node &node = plan.graph().node(step.node);
    switch (node.op) {
        case Op::embedding:
            return Status::failure(WB_BACKEND_FAILED,
                                   "embedding: expected indices in [0, {}) as the model's table has rows, got one "
                                   "outside it",
                                   step.operand_types[0].shape[0].terms[0]);
        case Op::gather:
            return Status::failure(WB_BACKEND_FAILED, "gather: expected indices inside the axis, got one outside it");
        default:
            return Status::failure(WB_BACKEND_FAILED, "{}: expected a divisor other than 0, got 0", name_of(node.op));
    }
}

}  // namespace weighbridge::lib::cuda

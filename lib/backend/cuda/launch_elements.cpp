// SPDX-License-Identifier: Apache-2.0
// Launches of norms, reductions, look-ups, and of what goes element by element.
#include "backend/cuda/launch_builder.hpp"
#include "backend/element_kernels.hpp"

namespace weighbridge::lib::cuda {
namespace {

Element element_of(DType dtype) { return static_cast<Element>(dtype); }

Extent last_size(const Extents &sizes) { return sizes.empty() ? Extent::of(1) : sizes.back(); }

// A stride within a row: 0 or 1; -1 for any other.
int64_t step_in_row(const SequenceView &view, const Extents &sizes) {
    if (sizes.empty() || sizes.back().is(1)) return 1;
    const Extent &stride = view.strides.back();
    return stride.is(0) ? 0 : stride.is(1) ? 1 : -1;
}

// Without an axis: its place has to be gone over by itself.
void drop(Extents &sizes, size_t axis) { sizes[axis] = Extent::of(1); }

// The place of an attribute's axis among those of one sequence.
size_t axis_of_sequence(const Extents &shape, int64_t axis) {
    size_t place = 0;
    for (size_t i = 0; i < static_cast<size_t>(axis); ++i) place += shape[i] == Extent::rows() ? 0 : 1;
    return place;
}

}  // namespace

bool LaunchBuilder::add_last_axis(const StepPlan &step) {
    const Node &node = node_of(step);
    const Extents sizes = sizes_of_sequence(step.type.shape);
    const SequenceView x = operand(step, 0, step.type.shape), y = result(step);
    const auto loop = loop_over_rows(sizes, {&x, &y});
    if (!loop || step_in_row(x, sizes) != 1 || step_in_row(y, sizes) != 1) return false;
    LayerNorm norm;
    if (node.op == Op::layer_norm && !(constant(step, 1, norm.gamma) && constant(step, 2, norm.beta))) return false;
    const Rows rows = rows_of(loop->count, last_size(sizes));
    constexpr int64_t kRowsOfBlock = kRowThreads / kRowLanes;
    const int64_t blocks = (most_rows(loop->count) + kRowsOfBlock - 1) / kRowsOfBlock;
    for (const auto &start : loop->starts) {
        const RowView from = row_view(x, loop->strides[0], loop->count, start[0]);
        const RowView to = row_view(y, loop->strides[1], loop->count, start[1]);
        if (node.op == Op::layer_norm) {
            norm.rows = rows;
            norm.x = from;
            norm.epsilon = static_cast<float>(node.attributes.epsilon);
            norm.y = to;
            launch("wb_layer_norm", norm, kRowThreads, 0, blocks);
        } else {
            launch("wb_softmax", Softmax{rows, from, to}, kRowThreads, 0, blocks);
        }
    }
    return true;
}

// Floats along the last axis, by 16 lanes.
bool LaunchBuilder::add_reduction(const StepPlan &step) {
    const Node &node = node_of(step);
    const Type &from = step.operand_types[0];
    const bool last = node.attributes.axis + 1 == static_cast<int64_t>(from.rank());
    if (family_of(node.op) != Family::reduction || !last || from.dtype != DType::float32) return false;
    const Extents sizes = sizes_of_sequence(from.shape);
    const SequenceView x = operand(step, 0, from.shape), y = result(step);
    const auto loop = loop_over_rows(sizes, {&x, &y});
    if (!loop || step_in_row(x, sizes) != 1) return false;
    ReduceLast call;
    call.rows = rows_of(loop->count, last_size(sizes));
    call.reduction = node.op == Op::reduce_sum    ? Reduction::sum
                     : node.op == Op::reduce_mean ? Reduction::mean
                     : node.op == Op::reduce_max  ? Reduction::max
                                                  : Reduction::min;
    constexpr int64_t kRowsOfBlock = kRowThreads / kRowLanes;
    for (const auto &start : loop->starts) {
        call.x = row_view(x, loop->strides[0], loop->count, start[0]);
        call.y = row_view(y, loop->strides[1], loop->count, start[1]);
        launch("wb_reduce_last", call, kRowThreads, 0, (most_rows(loop->count) + kRowsOfBlock - 1) / kRowsOfBlock);
    }
    return true;
}

bool LaunchBuilder::add_float_rows(const StepPlan &step) {
    const Node &node = node_of(step);
    const auto unary = kernel::unary_of(node);
    const auto binary = kernel::binary_of(node);
    if (!unary && !binary) return false;
    const Extents sizes = sizes_of_sequence(step.type.shape);
    const SequenceView y = result(step), a = operand(step, 0, step.type.shape);
    const SequenceView b = binary ? operand(step, 1, step.type.shape) : a;
    const auto loop = loop_over_rows(sizes, {&a, &b, &y});
    const int64_t a_step = step_in_row(a, sizes), b_step = step_in_row(b, sizes);
    if (!loop || step_in_row(y, sizes) != 1 || a_step < 0 || b_step < 0 || (unary && a_step != 1)) return false;
    const Rows rows = rows_of(loop->count, last_size(sizes));
    const int64_t most = most_rows(loop->count) * last_size(sizes).at(1, bucket_.longest);
    const int64_t blocks = (most + kElementThreads - 1) / kElementThreads;
    for (const auto &start : loop->starts) {
        const RowView left = row_view(a, loop->strides[0], loop->count, start[0]);
        const RowView right = row_view(b, loop->strides[1], loop->count, start[1]);
        const RowView to = row_view(y, loop->strides[2], loop->count, start[2]);
        if (unary)
            launch("wb_unary_rows", UnaryRows{rows, *unary, kernel::params_of(node), left, to}, kElementThreads, 0,
                   blocks);
        else
            launch("wb_binary_rows", BinaryRows{rows, *binary, left, right, to, a_step, b_step}, kElementThreads, 0,
                   blocks);
    }
    return true;
}

bool LaunchBuilder::add_elements(const StepPlan &step) {
    const Node &node = node_of(step);
    if (step.operands.size() > 3) return false;
    Elements call;
    call.code = static_cast<Code>(node.op);
    call.from = element_of(step.operand_types[node.op == Op::where ? 1 : 0].dtype);
    call.to = element_of(step.type.dtype);
    if (kernel::unary_of(node)) call.params = kernel::params_of(node);
    call.least = node.attributes.least;
    call.largest = node.attributes.largest;
    call.fault = fault_;
    for (size_t i = 0; i < step.operands.size(); ++i) call.x[i] = strided(operand(step, i, step.type.shape));
    for (size_t i = step.operands.size(); i < 3; ++i) call.x[i] = call.x[0];
    call.y = strided(result(step));
    launch_elements("wb_elements", call, sizes_of_sequence(step.type.shape));
    return true;
}

bool LaunchBuilder::add_copy(const StepPlan &step) {
    copy(operand(step, 0, step.type.shape), result(step), step.type);
    return true;
}

void LaunchBuilder::copy(const SequenceView &from, const SequenceView &to, const Type &type) {
    Copy call;
    call.type = element_of(type.dtype);
    call.x = strided(from);
    call.y = strided(to);
    launch_elements("wb_copy", call, sizes_of_sequence(type.shape));
}

bool LaunchBuilder::add_fill(const StepPlan &step) {
    const Node &node = node_of(step);
    Fill call;
    call.code = static_cast<Code>(node.op);
    call.type = element_of(step.type.dtype);
    call.value = node.attributes.value;
    call.number = terms_of(node.attributes.integer);
    call.y = strided(result(step));
    launch_elements("wb_fill", call, sizes_of_sequence(step.type.shape));
    return true;
}

bool LaunchBuilder::add_lookup(const StepPlan &step) {
    switch (node_of(step).op) {
        case Op::embedding:
            return add_embedding(step);
        case Op::gather:
            return add_gather(step);
        case Op::bucketize:
            return add_bucketize(step);
        default:
            return false;
    }
}

bool LaunchBuilder::add_embedding(const StepPlan &step) {
    Embedding call;
    const ValueView &table = step.operands[0];
    if (!constant(step, 0, call.table) || !table.strides[0].known() || !step.operand_types[0].shape[0].known())
        return false;
    call.entries = step.operand_types[0].shape[0].terms[0];
    call.stride = table.strides[0].terms[0];
    call.fault = fault_;
    // Ids have the result's axes but the last.
    SequenceView ids = operand(step, 1, step.operand_types[1].shape);
    ids.strides.push_back(Extent::of(0));
    const SequenceView y = result(step);
    const Extents sizes = sizes_of_sequence(step.type.shape);
    const auto loop = loop_over_rows(sizes, {&ids, &y});
    if (!loop || step_in_row(y, sizes) != 1) return false;
    call.rows = rows_of(loop->count, last_size(sizes));
    constexpr int64_t kWarps = kRowThreads / 32;
    for (const auto &start : loop->starts) {
        call.ids = row_view(ids, loop->strides[0], loop->count, start[0]);
        call.y = row_view(y, loop->strides[1], loop->count, start[1]);
        launch("wb_embedding", call, kRowThreads, 0, (most_rows(loop->count) + kWarps - 1) / kWarps);
    }
    return true;
}

bool LaunchBuilder::add_gather(const StepPlan &step) {
    const Node &node = node_of(step);
    const Type &from = step.operand_types[0];
    const auto axis = static_cast<size_t>(node.attributes.axis);
    if (from.shape[axis] == Extent::rows()) return false;
    Gather call;
    call.type = element_of(step.type.dtype);
    SequenceView x = operand(step, 0, from.shape);
    const size_t place = axis_of_sequence(from.shape, node.attributes.axis);
    call.size = terms_of(Extent{false, from.shape[axis].terms});
    call.step = terms_of(x.strides[place]);
    x.strides[place] = Extent::of(0);
    call.x = strided(x);
    call.ids = strided(operand(step, 1, step.type.shape));
    call.y = strided(result(step));
    call.fault = fault_;
    launch_elements("wb_gather", call, sizes_of_sequence(step.type.shape));
    return true;
}

bool LaunchBuilder::add_bucketize(const StepPlan &step) {
    Bucketize call;
    if (!constant(step, 1, call.boundaries) || !step.operand_types[1].shape[0].known()) return false;
    call.count = step.operand_types[1].shape[0].terms[0];
    call.right = node_of(step).attributes.right;
    call.x = strided(operand(step, 0, step.type.shape));
    call.y = strided(result(step));
    launch_elements("wb_bucketize", call, sizes_of_sequence(step.type.shape));
    return true;
}

bool LaunchBuilder::add_along(const StepPlan &step) {
    const Node &node = node_of(step);
    const Type &from = step.operand_types[0];
    const auto axis = static_cast<size_t>(node.attributes.axis);
    if (from.shape[axis] == Extent::rows()) return false;
    const bool last = axis + 1 == from.rank();
    if (family_of(node.op) == Family::reduction && last && from.dtype == DType::float32) return false;  // has lanes
    const size_t place = axis_of_sequence(from.shape, node.attributes.axis);
    const SequenceView x = operand(step, 0, from.shape), y = result(step);
    Along call;
    call.code = static_cast<Code>(node.op);
    call.type = element_of(from.dtype);
    call.x = strided(x);
    call.y = strided(y);
    call.size = terms_of(Extent{false, from.shape[axis].terms});
    call.x_step = terms_of(x.strides[place]);
    call.y_step = terms_of(y.strides[place]);
    Extents sizes = sizes_of_sequence(from.shape);
    drop(sizes, place);
    launch_elements("wb_along", call, sizes);
    return true;
}

}  // namespace weighbridge::lib::cuda

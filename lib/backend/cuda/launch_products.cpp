// SPDX-License-Identifier: Apache-2.0
// Launches of linear layers, attention and matmul.
#include "backend/cuda/launch_builder.hpp"
#include "graph/bounds.hpp"

namespace weighbridge::lib::cuda {
namespace {

constexpr int64_t kFewRows = 64;  // up to which a linear layer takes the kernel for few rows

int64_t blocks_of(const LinearTile &tile, int64_t rows, int64_t n) {
    return (rows + tile.rows - 1) / tile.rows * ((n + tile.columns - 1) / tile.columns);
}

struct LinearKernel {
    const char *name;
    LinearTile tile;
    int64_t shared_bytes;
};
constexpr LinearKernel kKernels[] = {
    {"wb_linear_f32_128", kLinear128, linear_shared_bytes(kLinear128)},
    {"wb_linear_f32_64", kLinear64, linear_shared_bytes(kLinear64)},
    {"wb_linear_f32_32", kLinear32, linear_shared_bytes(kLinear32)},
};
constexpr LinearKernel kFew{"wb_linear_f32_few", kLinearFew, kLinearFewShared};

// The largest tile of which there are enough for all multiprocessors, since K cannot be split among them.
const LinearKernel &kernel_for(int64_t rows, int64_t n, int multiprocessors) {
    if (rows <= kFewRows) return kFew;
    for (const LinearKernel &kernel : kKernels)
        if (blocks_of(kernel.tile, rows, n) >= multiprocessors) return kernel;
    return kKernels[2];
}

// Of axes that a kernel goes over as one: the only one with more than one place, else the last. None where there are
// two of these.
std::optional<size_t> axis_gone_over(const Extents &outer) {
    size_t found = outer.size();
    for (size_t axis = 0; axis < outer.size(); ++axis) {
        if (outer[axis].is(1)) continue;
        if (found != outer.size()) return std::nullopt;
        found = axis;
    }
    return found == outer.size() && found > 0 ? found - 1 : found;
}

}  // namespace

bool LaunchBuilder::add_linear(const StepPlan &step) {
    const Node &node = node_of(step);
    const LinearWeights none, &weights = places_.linears.empty() ? none : places_.linears[step.node];
    const SequenceView x = operand(step, 0, step.operand_types[0].shape), y = result(step);
    const SequenceView residual =
        node.attributes.residual ? operand(step, step.operands.size() - 1, step.type.shape) : y;
    const auto loop = loop_over_rows(sizes_of_sequence(step.type.shape), {&x, &y, &residual});
    if (!loop) return false;
    const Type &weight_type = step.operand_types[1];
    const int64_t n = weight_type.shape[0].terms[0], k = weight_type.shape[1].terms[0];
    const Rows rows = rows_of(loop->count, Extent::of(k));
    for (const auto &start : loop->starts) {
        const RowView from = row_view(x, loop->strides[0], loop->count, start[0]);
        const RowView to = row_view(y, loop->strides[1], loop->count, start[1]);
        Epilogue epilogue{
            node.attributes.activation, static_cast<float>(node.attributes.slope), node.attributes.residual, {}};
        if (epilogue.adds) epilogue.residual = row_view(residual, loop->strides[2], loop->count, start[2]);
        const int64_t most = most_rows(loop->count);
        if (precision_ == WB_PRECISION_FP32 || stays_float(n, k)) {
            multiply_f32(weights, {.rows = rows, .x = from, .k = k, .n = n, .epilogue = epilogue, .y = to}, most);
        } else if (precision_ == WB_PRECISION_BF16) {
            multiply_bf16(weights, from, {.rows = rows, .k = k, .n = n, .epilogue = epilogue, .y = to}, most);
        } else {
            multiply_i8(weights, from, node.attributes.range,
                        {.rows = rows, .k = k, .n = n, .epilogue = epilogue, .y = to}, most);
        }
    }
    return true;
}

void LaunchBuilder::multiply_f32(const LinearWeights &weights, LinearF32 arguments, int64_t rows) {
    arguments.panels = weights.f32;
    arguments.bias = weights.bias;
    const LinearKernel &kernel = kernel_for(rows, arguments.n, resources_.multiprocessors);
    launch(kernel.name, arguments, kernel.tile.threads, kernel.shared_bytes, blocks_of(kernel.tile, rows, arguments.n));
}

void LaunchBuilder::multiply_i8(const LinearWeights &weights, const RowView &x, Range range, LinearI8 arguments,
                                int64_t rows) {
    made_.quantised_bytes = std::max(made_.quantised_bytes, rows * quantised_stride(arguments.k));
    made_.scales = std::max(made_.scales, rows);
    constexpr int64_t kRowsOfBlock = kRowThreads / kQuantiseLanes;
    const QuantiseRows quantise{arguments.rows, x, arguments.k, range, places_.quantised, places_.scales};
    launch("wb_quantise_rows", quantise, kRowThreads, 0, (rows + kRowsOfBlock - 1) / kRowsOfBlock);
    arguments.x = places_.quantised;
    arguments.x_scale = places_.scales;
    arguments.panels = weights.i8;
    arguments.w_scale = weights.scale;
    arguments.start = weights.start;
    arguments.shift = weights.shift;
    const bool few = rows <= kFewRows;
    const LinearTile tile = few ? kLinearFew : kLinearI8;
    launch(few ? "wb_linear_i8_few" : "wb_linear_i8", arguments, tile.threads, few ? 0 : tensor_shared_bytes(tile),
           blocks_of(tile, rows, arguments.n));
}

// The larger tile where there are enough of it for all multiprocessors.
void LaunchBuilder::multiply_bf16(const LinearWeights &weights, const RowView &x, LinearBf16 arguments, int64_t rows) {
    made_.quantised_bytes = std::max(made_.quantised_bytes, rows * rounded_stride(arguments.k) * 2);
    auto *rounded = reinterpret_cast<uint16_t *>(places_.quantised);
    constexpr int64_t kRowsOfBlock = kRowThreads / 32;
    launch("wb_round_rows", RoundRows{arguments.rows, x, arguments.k, rounded}, kRowThreads, 0,
           (rows + kRowsOfBlock - 1) / kRowsOfBlock);
    arguments.x = rounded;
    arguments.panels = weights.bf16;
    arguments.bias = weights.bias;
    const bool few = blocks_of(kLinearBf16, rows, arguments.n) < resources_.multiprocessors;
    const LinearTile tile = few ? kLinearBf16Few : kLinearBf16;
    launch(few ? "wb_linear_bf16_few" : "wb_linear_bf16", arguments, tile.threads, tensor_shared_bytes(tile),
           blocks_of(tile, rows, arguments.n));
}

// `outer`: the axis gone over before the heads; none where there is none.
HeadView LaunchBuilder::head_view(const SequenceView &view, std::optional<size_t> outer) {
    const size_t axes = view.strides.size();
    HeadView made;
    made.view = view.view();
    made.row = terms_of(view.strides[axes - 2]);
    if (axes > 2) made.head = terms_of(view.strides[axes - 3]);
    if (outer) made.outer = terms_of(view.strides[*outer]);
    return made;
}

bool LaunchBuilder::add_attention(const StepPlan &step) {
    const Attributes &attributes = node_of(step).attributes;
    const Extents sizes = sizes_of_sequence(step.type.shape);
    // Operands have the result's axes but for their last two.
    const SequenceView q = operand(step, 0, step.operand_types[0].shape), y = result(step);
    const SequenceView k = operand(step, 1, step.operand_types[1].shape);
    const SequenceView v = operand(step, 2, step.operand_types[2].shape);
    const size_t axes = sizes.size();
    if (axes < 2 || q.strides.size() != axes || k.strides.size() != axes || v.strides.size() != axes) return false;
    const Extents outer(sizes.begin(), sizes.begin() + static_cast<std::ptrdiff_t>(axes > 3 ? axes - 3 : 0));
    auto over = axis_gone_over(outer);
    if (!over) return false;
    if (outer.empty()) over.reset();

    Attention call;
    call.run = places_.run;
    call.q = head_view(q, over);
    call.k = head_view(k, over);
    call.v = head_view(v, over);
    call.out = head_view(y, over);
    call.outer = outer.empty() ? Terms{1, 0, 0} : terms_of(*product(outer));
    call.heads = axes > 2 ? terms_of(sizes[axes - 3]) : Terms{1, 0, 0};
    const Extents keys = sizes_of_sequence(step.operand_types[1].shape);
    const Extents values = sizes_of_sequence(step.operand_types[2].shape);
    call.queries = terms_of(sizes[axes - 2]);
    call.keys = terms_of(keys[axes - 2]);
    if (!keys.back().known() || !values.back().known()) return false;
    call.dim = keys.back().terms[0];
    call.value_dim = values.back().terms[0];
    call.scale = static_cast<float>(attributes.scale);
    call.causal = attributes.causal;
    call.zero_when_empty = attributes.zero_when_empty;
    if (attributes.mask) {
        Extents shape = step.type.shape;
        shape.back() = step.operand_types[1].shape[step.operand_types[1].rank() - 2];  // [..., queries, keys]
        const SequenceView mask = operand(step, 3, shape);
        call.mask_kind =
            step.operand_types[3].dtype == DType::boolean ? kernel::MaskKind::boolean : kernel::MaskKind::additive;
        call.mask = head_view(mask, over);
        call.mask_key = terms_of(mask.strides.back());
    }
    launch_attention(call, keys[axes - 2], sizes);
    return true;
}

// Sizes may shrink as the length grows. `sizes`: the result's, of one sequence.
void LaunchBuilder::launch_attention(Attention call, const Extent &keys, const Extents &sizes) {
    const int64_t least = plan_.graph().least_length, longest = std::max(least, bucket_.longest);
    const auto most_of = [&](const Extent &size) {
        return std::max<int64_t>(1, static_cast<int64_t>(range_of(size, least, longest).most));
    };
    const int64_t heads = most_of(*product(Extents(sizes.begin(), sizes.end() - 2)));
    const int64_t blocks = (most_of(sizes[sizes.size() - 2]) + kAttentionQueries - 1) / kAttentionQueries;
    call.score_stride = attention_score_stride(most_of(keys));
    const bool bf16 = needs_bf16_instructions(precision_);
    const auto shared_bytes = bf16 ? attention_bf16_shared_bytes : attention_shared_bytes;
    const bool shared = shared_bytes(call.score_stride, true) <= resources_.shared_bytes;
    if (!shared) {
        call.scores = places_.scores;
        made_.scores =
            std::max(made_.scores, attention_scratch_floats(call.score_stride, blocks * heads * bucket_.sequences));
    }
    launch(bf16 ? "wb_attention_bf16" : "wb_attention", call, kAttentionThreads,
           shared_bytes(call.score_stride, shared), blocks, heads, bucket_.sequences);
}

bool LaunchBuilder::add_recurrent(const StepPlan &step) {
    const Attributes &attributes = node_of(step).attributes;
    const Extents sizes = sizes_of_sequence(step.type.shape);
    const SequenceView x = operand(step, 0, step.operand_types[0].shape), y = result(step);
    const size_t axes = sizes.size();
    if (axes < 2 || x.strides.size() != axes) return false;
    const Extents outer(sizes.begin(), sizes.end() - 2);
    const auto over = axis_gone_over(outer);
    if (!over) return false;
    const auto view_of = [&](const SequenceView &view) {
        HeadView made;
        made.view = view.view();
        if (view.strides.size() == axes) made.row = terms_of(view.strides[axes - 2]);
        if (!outer.empty()) made.outer = terms_of(view.strides[*over]);
        return made;
    };
    Recurrent call;
    call.run = places_.run;
    call.x = view_of(x);
    call.y = view_of(y);
    if (attributes.state) {
        const size_t last = step.operands.size() - 1;
        call.state = view_of(operand(step, last, step.operand_types[last].shape));
    }
    call.outer = outer.empty() ? Terms{1, 0, 0} : terms_of(*product(outer));
    call.places = terms_of(sizes[axes - 2]);
    call.cell = attributes.cell;
    call.reverse = attributes.reverse;
    call.starts = attributes.state;
    const int64_t gates = step.operand_types[1].shape[0].terms[0];
    call.width = step.operand_types[1].shape[1].terms[0];
    const bool floats = precision_ == WB_PRECISION_FP32 || stays_float(gates, call.width);
    const int64_t shared = recurrent_shared_bytes(gates, call.width, !floats && precision_ == WB_PRECISION_BF16);
    if (shared > resources_.shared_bytes) return false;
    const LinearWeights none, &weights = places_.linears.empty() ? none : places_.linears[step.node];
    if (floats || precision_ == WB_PRECISION_BF16) {
        call.panels = weights.f32;
        call.halves = weights.bf16;
        call.bias = weights.bias;
    } else {
        call.bytes = weights.i8;
        call.w_scale = weights.scale;
        call.start = weights.start;
        call.shift = weights.shift;
    }
    const int64_t least = plan_.graph().least_length, longest = std::max(least, bucket_.longest);
    const auto most = outer.empty() ? Wide{1} : range_of(*product(outer), least, longest).most;
    launch("wb_recurrent", call, kRecurrentThreads, shared, static_cast<int64_t>(std::max<Wide>(1, most)),
           bucket_.sequences);
    return true;
}

bool LaunchBuilder::add_matmul(const StepPlan &step) {
    const Extents &shape = step.type.shape;
    const Extents &a_shape = step.operand_types[0].shape, &b_shape = step.operand_types[1].shape;
    if (shape.back() == Extent::rows() || a_shape.back().batch) return false;
    // Each operand has an axis of k where the result has one of n, or of m.
    Extents wide_a = shape, wide_b = shape;
    wide_a.back() = a_shape.back();
    const size_t m = shape.size() - 2;
    wide_b[m] = b_shape[b_shape.size() - 2];
    SequenceView a = operand(step, 0, wide_a), b = operand(step, 1, wide_b);
    Matmul call;
    call.k = terms_of(a_shape.back());
    const auto place = b.strides.end() - 2;
    call.a_step = terms_of(a.strides.back());
    call.b_step = terms_of(*place);
    a.strides.back() = *place = Extent::of(0);
    if (shape[m] == Extent::rows()) b.strides.erase(place);
    call.a = strided(a);
    call.b = strided(b);
    call.y = strided(result(step));
    launch_elements("wb_matmul", call, sizes_of_sequence(shape));
    return true;
}

}  // namespace weighbridge::lib::cuda

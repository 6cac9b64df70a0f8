// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstring>

#include "backend/element_kernels.hpp"
#include "backend/plan_linear.hpp"
#include "backend/plan_run.hpp"
#include "backend/reference/reference.hpp"
#include "backend/reference/twins.hpp"
#include "graph/dense.hpp"
#include "plan/memory.hpp"
#include "plan/panels.hpp"

namespace weighbridge::lib {
namespace {

namespace twins = reference::twins;

constexpr int64_t kTileRows = 64;
constexpr int64_t kSequenceTileRows = 4;

// What every executor of a program reads. Constant after construction.
struct Shared {
    Shared(std::shared_ptr<const Plan> of, int32_t in, std::vector<std::string> names, const TensorFamily *by)
        : plan(std::move(of)),
          precision(in),
          tensor_names(std::move(names)),
          family(sums_bf16(*plan, precision) ? by : nullptr),
          linears(*Linears::make(*plan, precision)),
          inputs(input_nodes(plan->graph())),
          sequences(has_length(plan->graph())) {}

    // A dense buffer for each value that is computed, for runs of up to `rows` rows.
    MemoryPlan memory(int64_t rows) const {
        const Graph &graph = plan->graph();
        std::vector<MemoryBlock> blocks(graph.nodes().size());
        for (size_t i = 0; i < blocks.size(); ++i) {
            const Node &node = graph.nodes()[i];
            blocks[i].first = blocks[i].last = static_cast<int>(i);
            for (ValueId id : node.operands) blocks[id].last = static_cast<int>(i);
            if (node.op == Op::input || node.op == Op::constant) continue;
            const Extent elements = *product(node.type.shape);  // most at an end: infer
            blocks[i].bytes = std::max(elements.at(rows, graph.least_length), elements.at(rows, graph.largest_length)) *
                              static_cast<int64_t>(size_of(node.type.dtype));
        }
        for (ValueId id : graph.outputs()) blocks[id].last = static_cast<int>(blocks.size());
        return plan_memory(blocks);
    }
    // Bytes of the largest row that an int8 or bf16 linear rounds, with its scale.
    int64_t scratch_bytes() const {
        int64_t bytes = 0;
        for (ValueId id = 0; id < plan->graph().nodes().size(); ++id)
            bytes = std::max(bytes, (linears.of(id).k + 3) / 4 * 8);
        return bytes + 64;
    }

    const std::shared_ptr<const Plan> plan;
    const int32_t precision;
    const std::vector<std::string> tensor_names;
    const TensorFamily *const family;  // null: a CPU's
    const Linears linears;
    const std::vector<ValueId> inputs;
    const bool sequences;
};

// Computes one node on dense tensors. A row of a tensor is its last axis.
class Evaluation {
  public:
    Evaluation(const Shared &shared, ValueId id, std::vector<Dense> operands, Dense result, std::byte *scratch)
        : shared_(shared),
          id_(id),
          node_(shared.plan->graph().node(id)),
          x_(std::move(operands)),
          y_(std::move(result)),
          scratch_(scratch) {}

    Status compute(int64_t rows, int64_t length) {
        const Graph &graph = shared_.plan->graph();
        const bool floats = !node_.operands.empty() && graph.type(node_.operands[0]).dtype == DType::float32;
        switch (family_of(node_.op)) {
            case Family::product:
                multiply();
                return {};
            case Family::last_axis:
                along_last();
                return {};
            case Family::reduction:
                if (!floats) break;
                reduce();
                return {};
            default:
                break;
        }
        if (auto op = kernel::unary_of(node_)) {
            twins::unary(*op, kernel::params_of(node_), in(0), out(), y_.elements());
            return {};
        }
        if (auto op = kernel::binary_of(node_)) {
            binary(*op);
            return {};
        }
        return evaluate_exact(node_, x_, y_, rows, length);
    }

  private:
    const float *in(size_t index) const { return x_[index].as<const float>(); }
    float *out() const { return y_.as<float>(); }
    int64_t width() const { return y_.shape.empty() ? 1 : y_.shape.back(); }
    int64_t count() const { return width() == 0 ? 0 : y_.elements() / width(); }

    void multiply() {
        if (node_.op == Op::linear) return linear();
        if (node_.op == Op::attention) return attention();
        if (node_.op == Op::recurrent) return recurrent();
        matmul();
    }
    void along_last() {
        if (node_.op == Op::softmax)
            twins::softmax_last({in(0), width(), count(), width(), out(), width()});
        else
            twins::layer_norm({in(0), width(), count(), width(), in(1), in(2),
                               static_cast<float>(node_.attributes.epsilon), out(), width()});
    }

    void linear() {
        const LinearWeights &weights = shared_.linears.of(id_);
        const Attributes &attributes = node_.attributes;
        kernel::Epilogue epilogue;
        epilogue.activation = attributes.activation;
        epilogue.slope = static_cast<float>(attributes.slope);
        const float *residual = attributes.residual ? in(x_.size() - 1) : nullptr;
        for (int64_t row = 0; row < count(); ++row) {
            if (residual) epilogue.residual = residual + row * weights.n;
            multiply_row(in(0) + row * weights.k, epilogue, out() + row * weights.n);
        }
    }
    // One row times this node's weights.
    void multiply_row(const float *x, const kernel::Epilogue &epilogue, float *y) {
        const LinearWeights &weights = shared_.linears.of(id_);
        const int64_t k = weights.k, n = weights.n;
        if (weights.i8) {
            auto *q = reinterpret_cast<uint8_t *>(scratch_ + 64);
            auto *scale = reinterpret_cast<float *>(scratch_);
            twins::quantise_rows({x, k, 1, k, node_.attributes.range, q, (k + 3) / 4 * 4, scale});
            twins::linear_i8({q, (k + 3) / 4 * 4, scale, 1, k, weights.i8, weights.pairs_fit, n, weights.scale,
                              weights.start, weights.shift, epilogue, y, n});
        } else if (weights.bf16) {
            auto *q = reinterpret_cast<uint16_t *>(scratch_ + 64);
            twins::round_rows_bf16({x, k, 1, k, q, (k + 1) / 2 * 2});
            twins::linear_bf16_of({q, (k + 1) / 2 * 2, 1, k, weights.bf16, n, weights.bias, epilogue, y, n},
                                  shared_.family);
        } else {
            twins::linear_f32({x, k, 1, k, weights.f32, n, weights.bias, epilogue, y, n});
        }
    }

    // Sequence by sequence; a row of the result is the state after its place.
    void recurrent() {
        const LinearWeights &weights = shared_.linears.of(id_);
        const Attributes &attributes = node_.attributes;
        const int64_t gates = weights.n, places = y_.shape[y_.shape.size() - 2];
        if (count() == 0) return;
        std::vector<float> product(static_cast<size_t>(gates));
        for (int64_t sequence = 0; sequence < count() / places; ++sequence) {
            const float *before = attributes.state ? in(x_.size() - 1) + sequence * width() : nullptr;
            for (int64_t i = 0; i < places; ++i) {
                const int64_t row = sequence * places + (attributes.reverse ? places - 1 - i : i);
                const float *a = weights.i8 ? weights.shift : weights.bias;  // without a state
                if (before) {
                    multiply_row(before, {}, product.data());
                    a = product.data();
                }
                float *y = out() + row * width();
                twins::gates(
                    {attributes.cell, in(0) + row * gates, gates, a, gates, before, width(), 1, weights.k, y, width()});
                before = y;
            }
        }
    }

    // By batch row, each broadcast of the mask taken as it comes.
    void attention() {
        const Attributes &attributes = node_.attributes;
        const auto &q = x_[0].shape, &k = x_[1].shape, &v = x_[2].shape;
        const size_t rank = q.size();
        kernel::Attention call{};
        call.heads = q[rank - 3];
        call.queries = q[rank - 2];
        call.keys = k[rank - 2];
        call.dim = q[rank - 1];
        call.value_dim = v[rank - 1];
        call.q_row = call.k_row = call.dim;
        call.v_row = call.out_row = call.value_dim;
        call.q_head = call.queries * call.dim;
        call.k_head = call.keys * call.dim;
        call.v_head = call.keys * call.value_dim;
        call.out_head = call.queries * call.value_dim;
        call.scale = static_cast<float>(attributes.scale);
        call.causal = attributes.causal;
        call.zero_when_empty = attributes.zero_when_empty;
        std::vector<int64_t> outer(q.begin(), q.end() - 3), mask_strides(outer.size(), 0);
        bool boolean = false;
        if (attributes.mask) {
            std::vector<int64_t> scores = q;
            scores[rank - 1] = call.keys;
            const auto strides = broadcast_strides(x_[3].shape, scores);
            boolean = x_[3].dtype == DType::boolean;
            call.mask_kind = boolean ? kernel::MaskKind::boolean : kernel::MaskKind::additive;
            call.mask_head = strides[rank - 3];
            call.mask_query = strides[rank - 2];
            call.mask_key = strides[rank - 1];
            mask_strides.assign(strides.begin(), strides.end() - 3);
        }
        int64_t row = 0;
        for_each_place(outer, {mask_strides}, [&](const std::vector<int64_t> &at) {
            call.q = in(0) + row * call.heads * call.q_head;
            call.k = in(1) + row * call.heads * call.k_head;
            call.v = in(2) + row * call.heads * call.v_head;
            call.out = out() + row * call.heads * call.out_head;
            if (attributes.mask) call.mask = x_[3].as<const std::byte>() + at[0] * (boolean ? 1 : 4);
            twins::attention(call, needs_bf16_instructions(shared_.precision), shared_.family);
            ++row;
        });
    }

    void matmul() {
        const auto &a = x_[0].shape, &b = x_[1].shape, &y = y_.shape;
        const int64_t m = y[y.size() - 2], n = y.back(), k = a.back();
        auto leading = [](const std::vector<int64_t> &shape) {
            return std::vector<int64_t>(shape.begin(), shape.end() - 2);
        };
        const std::vector<int64_t> outer = leading(y);
        int64_t product = 0;
        for_each_place(outer, {broadcast_strides(leading(a), outer), broadcast_strides(leading(b), outer)},
                       [&](const std::vector<int64_t> &at) {
                           const float *left = in(0) + at[0] * m * k, *right = in(1) + at[1] * k * n;
                           float *to = out() + product++ * m * n;
                           for (int64_t i = 0; i < m; ++i)
                               for (int64_t j = 0; j < n; ++j) {
                                   float sum = 0;
                                   for (int64_t l = 0; l < k; ++l)
                                       sum = std::fma(right[l * n + j], left[i * k + l], sum);
                                   to[i * n + j] = sum;
                               }
                       });
    }

    void reduce() {
        const auto axis = static_cast<size_t>(node_.attributes.axis);
        const auto &shape = x_[0].shape;
        const int64_t size = shape[axis];
        int64_t inner = 1;
        for (size_t i = axis + 1; i < shape.size(); ++i) inner *= shape[i];
        const bool most = node_.op == Op::reduce_max, least = node_.op == Op::reduce_min;
        const int64_t results = y_.elements();
        if (axis + 1 == shape.size()) {
            auto along = most ? twins::max_last : least ? twins::min_last : twins::sum_last;
            along({in(0), size, results, size, out()});
        } else {
            auto join = most ? twins::max_rows : least ? twins::min_rows : twins::add_rows;
            std::fill_n(out(), results, most ? -INFINITY : least ? INFINITY : 0.0f);
            for (int64_t outer = 0; inner > 0 && outer < results / inner; ++outer)
                for (int64_t place = 0; place < size; ++place)
                    join(in(0) + (outer * size + place) * inner, out() + outer * inner, inner);
        }
        if (node_.op == Op::reduce_mean)
            for (int64_t i = 0; i < results; ++i) out()[i] = out()[i] / static_cast<float>(size);
    }

    void binary(kernel::Binary op) {
        int64_t place = 0;
        for_each_place(y_.shape, {broadcast_strides(x_[0].shape, y_.shape), broadcast_strides(x_[1].shape, y_.shape)},
                       [&](const std::vector<int64_t> &at) {
                           twins::binary(op, in(0) + at[0], 1, in(1) + at[1], 1, out() + place++, 1);
                       });
    }

    const Shared &shared_;
    const ValueId id_;
    const Node &node_;
    const std::vector<Dense> x_;
    const Dense y_;
    std::byte *const scratch_;
};

class ReferenceExecutor final : public Executor {
  public:
    ReferenceExecutor(std::shared_ptr<const Shared> shared, int64_t tile_rows)
        : shared_(std::move(shared)), tile_rows_(tile_rows), memory_(shared_->memory(tile_rows)) {}

    Status run(Run &run) override {
        auto length = check_run(run, shared_->plan->graph(), shared_->inputs, tile_rows_, shared_->tensor_names);
        if (!length) return length.status();
        if (run.offsets.empty()) return run_alike(run, *length);
        for (int64_t row = 0; row < run.rows; ++row)
            if (Status status = run_row(run, row); !status.ok()) return status;
        return {};
    }

  private:
    Status run_alike(const Run &run, int64_t length) {
        const Graph &graph = shared_->plan->graph();
        for (ValueId id = 0; id < graph.nodes().size(); ++id) {
            const Node &node = graph.node(id);
            if (node.op == Op::input || node.op == Op::constant) continue;
            if (int32_t code = run.stop.poll(); code != WB_OK) return ended_while(code, "the model ran");
            std::vector<Dense> operands;
            for (ValueId operand : node.operands) operands.push_back(dense(run, operand, length));
            Evaluation evaluation(*shared_, id, std::move(operands), dense(run, id, length),
                                  run.scratch + memory_.bytes);
            if (Status status = evaluation.compute(run.rows, length); !status.ok()) return status;
        }
        for (size_t i = 0; i < graph.outputs().size(); ++i) {
            const Dense output = dense(run, graph.outputs()[i], length);
            if (output.elements() > 0)
                std::memcpy(run.outputs[i], output.data, static_cast<size_t>(output.elements()) * sizeof(float));
        }
        return {};
    }

    // A row of a packed run, by itself.
    Status run_row(const Run &packed, int64_t row) {
        const Graph &graph = shared_->plan->graph();
        const int64_t begin = packed.offsets[static_cast<size_t>(row)];
        const int64_t length = packed.offsets[static_cast<size_t>(row) + 1] - begin;
        std::vector<TensorView> inputs(packed.inputs.begin(), packed.inputs.end());
        for (ValueId id : shared_->inputs) {
            const Type &type = graph.type(id);
            TensorView &view = inputs[static_cast<size_t>(graph.node(id).attributes.index)];
            const int64_t before = elements_before(type, packed, row);
            view.data = static_cast<const std::byte *>(view.data) + before * static_cast<int64_t>(size_of(type.dtype));
            for (size_t i = 0; i < type.rank(); ++i) view.shape.size[i] = type.shape[i].at(1, length);
        }
        std::vector<float *> outputs(packed.outputs.begin(), packed.outputs.end());
        for (size_t i = 0; i < outputs.size(); ++i)
            outputs[i] += elements_before(graph.type(graph.outputs()[i]), packed, row);
        Run one = packed;
        one.inputs = inputs;
        one.outputs = outputs;
        one.rows = 1;
        return run_alike(one, length);
    }
    // Of a tensor, those of the rows before this one.
    static int64_t elements_before(const Type &type, const Run &packed, int64_t row) {
        int64_t before = 0;
        const Extent elements = *product(type.shape);
        for (size_t i = 0; i < static_cast<size_t>(row); ++i)
            before += elements.at(1, packed.offsets[i + 1] - packed.offsets[i]);
        return before;
    }

    Dense dense(const Run &run, ValueId id, int64_t length) {
        const Graph &graph = shared_->plan->graph();
        const Node &node = graph.node(id);
        Dense value{node.type.dtype, sizes_at(node.type, run.rows, length), run.scratch + memory_.begins[id]};
        if (node.op == Op::input)
            value.data = const_cast<void *>(run.inputs[static_cast<size_t>(node.attributes.index)].data);
        if (!value.data) value.data = run.scratch;  // of no elements: loops still add offsets to it
        if (node.op == Op::constant) value.data = const_cast<std::byte *>(graph.constant_of(id).data.get());
        return value;
    }

    const std::shared_ptr<const Shared> shared_;
    const int64_t tile_rows_;
    const MemoryPlan memory_;
};

class ReferenceProgram final : public Program {
  public:
    explicit ReferenceProgram(std::shared_ptr<const Shared> shared) : shared_(std::move(shared)) {}

    Traits traits() const override { return {.inline_safe = true, .cancellable = true, .batch_invariant = true}; }
    int32_t backend() const override { return WB_BACKEND_REFERENCE; }
    int32_t precision() const override { return shared_->precision; }
    int32_t numerics() const override { return numerics_of(shared_->family); }
    int64_t tile_rows() const override { return shared_->sequences ? kSequenceTileRows : kTileRows; }
    Expected<std::unique_ptr<Executor>> make_executor(int, int64_t tile_rows) const override {
        return std::unique_ptr<Executor>(std::make_unique<ReferenceExecutor>(shared_, tile_rows));
    }
    int64_t scratch_bytes(int64_t tile_rows) const override {
        return shared_->memory(tile_rows).bytes + shared_->scratch_bytes();
    }
    int64_t weight_bytes() const override { return shared_->plan->bytes(shared_->precision); }
    int packed_input() const override { return lib::packed_input(shared_->plan->graph()); }

  private:
    const std::shared_ptr<const Shared> shared_;
};

}  // namespace

std::shared_ptr<const Program> make_reference_program(std::shared_ptr<const Plan> plan, int32_t precision,
                                                      std::vector<std::string> tensor_names,
                                                      const TensorFamily *family) {
    return std::make_shared<const ReferenceProgram>(
        std::make_shared<const Shared>(std::move(plan), precision, std::move(tensor_names), family));
}

}  // namespace weighbridge::lib

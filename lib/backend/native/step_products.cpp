// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "backend/native/linear_product.hpp"
#include "plan/panels.hpp"

namespace weighbridge::lib::native {
namespace {

// Rows that are rounded, or multiplied by all panels, at a time: their inputs stay in the second-level cache.
constexpr int64_t kRowsAtATime = 96;

// Packing a panel takes about as long as so many rows of a product with it.
constexpr int64_t kPackedAsRows = 16;

class LinearStep final : public Step {
  public:
    LinearStep(const StepContext &context, const StepPlan &plan)
        : plan_(plan),
          weights_(context.linears->of(plan.node)),
          attributes_(context.plan->graph().node(plan.node).attributes),
          product_(*context.kernels, weights_, attributes_.range) {
        epilogue_.activation = attributes_.activation;
        epilogue_.slope = static_cast<float>(attributes_.slope);
        const auto &nodes = context.plan->graph().nodes();
        for (ValueId id = plan.node + 1; id < nodes.size() && !after_.from; ++id)
            if (has_panels(nodes[id].op)) after_ = first_panel(context.linears->of(id));
    }

    void bind(int64_t rows, int64_t length) override {
        x_ = Bound::of(plan_.operands[0], plan_.operand_types[0], rows, length);
        y_ = Bound::of(plan_.result, plan_.type, rows, length);
        residual_ = attributes_.residual ? Bound::of(plan_.operands.back(), plan_.type, rows, length) : y_;
        loops_ = Loops<3>::over(y_, y_.rank - 1, {&x_, &y_, &residual_});
        // Of all rows: which of them join to one loop depends on sizes of 1, and the scratch is for the largest run.
        rows_at_a_time_ = std::min(loops_.times() * loops_.count(), kRowsAtATime);
    }

    int64_t scratch_bytes() const override { return product_.scratch_bytes(rows_at_a_time_); }
    int64_t work() const override { return loops_.times() * loops_.count() * weights_.n * weights_.k; }

    Status run(const StepRun &run) override {
        const auto *x = run.at<const float>(x_);
        auto *y = run.at<float>(y_);
        const auto *residual = attributes_.residual ? run.at<const float>(residual_) : nullptr;
        const auto &step = loops_.step();
        loops_.each([&](const Loops<3>::Places &places) {
            for (int64_t row = 0; row < loops_.count(); row += kRowsAtATime) {
                const int64_t rows = std::min(kRowsAtATime, loops_.count() - row);
                if (residual) epilogue_.residual = residual + places[2] + row * step[2];
                epilogue_.residual_stride = step[2];
                // Behind the last rows the next layer, else this one's first panel again.
                const Ahead after = row + rows == loops_.count() ? after_ : first_panel(weights_);
                if (!product_.multiply(run, x + places[0] + row * step[0], step[0], rows, epilogue_,
                                       y + places[1] + row * step[1], step[1], {.after = after}))
                    return false;
            }
            return true;
        });
        return {};
    }

  private:
    const StepPlan &plan_;
    const LinearWeights &weights_;
    const Attributes &attributes_;
    const LinearProduct product_;
    Ahead after_;  // the next layer's first panel
    Epilogue epilogue_;
    Bound x_, y_, residual_;
    Loops<3> loops_;
    int64_t rows_at_a_time_ = 0;
};

class AttentionStep final : public Step {
  public:
    AttentionStep(const StepContext &context, const StepPlan &plan)
        : plan_(plan), attributes_(context.plan->graph().node(plan.node).attributes) {
        const bool bf16 = needs_bf16_instructions(context.precision) && context.kernels->attention_bf16;
        attend_ = bf16 ? context.kernels->attention_bf16 : context.kernels->attention_f32;
    }

    void bind(int64_t rows, int64_t length) override {
        for (size_t i = 0; i < 3; ++i) bound_[i] = Bound::of(plan_.operands[i], plan_.operand_types[i], rows, length);
        out_ = Bound::of(plan_.result, plan_.type, rows, length);
        const int rank = out_.rank;
        const auto head = static_cast<size_t>(rank - 3), row = static_cast<size_t>(rank - 2);
        const Bound &q = bound_[0], &k = bound_[1], &v = bound_[2];
        mask_ =
            attributes_.mask ? Bound::of(plan_.operands[3], plan_.operand_types[3], rows, length).broadcast(rank) : q;
        call_ = Attention{};
        call_.heads = q.size[head];
        call_.queries = q.size[row];
        call_.keys = k.size[row];
        call_.dim = q.last_size();
        call_.value_dim = v.last_size();
        call_.q_row = q.stride[row];
        call_.q_head = q.stride[head];
        call_.k_row = k.stride[row];
        call_.k_head = k.stride[head];
        call_.v_row = v.stride[row];
        call_.v_head = v.stride[head];
        call_.out_row = out_.stride[row];
        call_.out_head = out_.stride[head];
        call_.scale = static_cast<float>(attributes_.scale);
        call_.causal = attributes_.causal;
        call_.zero_when_empty = attributes_.zero_when_empty;
        if (attributes_.mask) {
            boolean_ = plan_.operand_types[3].dtype == DType::boolean;
            call_.mask_kind = boolean_ ? MaskKind::boolean : MaskKind::additive;
            call_.mask_head = mask_.stride[head];
            call_.mask_query = mask_.stride[row];
            call_.mask_key = mask_.stride[static_cast<size_t>(rank - 1)];
        }
        loops_ = Loops<5>::over(out_, rank - 3, {&q, &k, &v, &mask_, &out_});
        const int64_t work_of_query = std::max<int64_t>(1, call_.keys * (call_.dim + call_.value_dim));
        heads_at_a_time_ =
            std::max<int64_t>(1, kProductBetweenPolls / (work_of_query * std::max<int64_t>(1, call_.queries)));
        // A causal mask counts queries from the first, so those stay together.
        queries_at_a_time_ = call_.causal ? call_.queries : std::max<int64_t>(24, kProductBetweenPolls / work_of_query);
    }

    int64_t scratch_bytes() const override {
        return attention_scratch_bytes(call_.queries, call_.keys, call_.dim, call_.value_dim);
    }
    int64_t work() const override {
        return loops_.times() * loops_.count() * call_.heads * call_.queries * call_.keys *
               (call_.dim + call_.value_dim);
    }

    Status run(const StepRun &run) override {
        call_.scratch = run.scratch;
        loops_.each([&](const Loops<5>::Places &places) {
            for (int64_t i = 0; i < loops_.count(); ++i) {
                std::array<int64_t, 5> at;
                for (size_t k = 0; k < 5; ++k) at[k] = places[k] + i * loops_.step()[k];
                if (!attend(run, at)) return false;
            }
            return true;
        });
        return {};
    }

  private:
    bool attend(const StepRun &run, const std::array<int64_t, 5> &at) {
        const auto *mask = attributes_.mask ? run.at<const std::byte>(mask_) + at[3] * (boolean_ ? 1 : 4) : nullptr;
        Attention call = call_;
        for (int64_t head = 0; head < call_.heads; head += heads_at_a_time_) {
            for (int64_t query = 0; query < call_.queries; query += queries_at_a_time_) {
                if ((head > 0 || query > 0) && !run.may_continue()) return false;
                call.heads = std::min(heads_at_a_time_, call_.heads - head);
                call.queries = std::min(queries_at_a_time_, call_.queries - query);
                call.q = run.at<const float>(bound_[0]) + at[0] + head * call_.q_head + query * call_.q_row;
                call.k = run.at<const float>(bound_[1]) + at[1] + head * call_.k_head;
                call.v = run.at<const float>(bound_[2]) + at[2] + head * call_.v_head;
                call.out = run.at<float>(out_) + at[4] + head * call_.out_head + query * call_.out_row;
                if (mask) call.mask = mask + (head * call_.mask_head + query * call_.mask_query) * (boolean_ ? 1 : 4);
                attend_(call);
            }
        }
        return true;
    }

    const StepPlan &plan_;
    const Attributes &attributes_;
    void (*attend_)(const Attention &) noexcept = nullptr;
    std::array<Bound, 3> bound_;
    Bound mask_, out_;
    Attention call_{};
    bool boolean_ = false;
    Loops<5> loops_;
    int64_t heads_at_a_time_ = 1, queries_at_a_time_ = 1;
};

// The product of two values. The second is packed into panels as weights are, one at a time, or was at load where it is
// a constant.
class MatmulStep final : public Step {
  public:
    MatmulStep(const StepContext &context, const StepPlan &plan)
        : kernels_(*context.kernels), plan_(plan), packed_(context.factors->of(plan.node)) {}

    void bind(int64_t rows, int64_t length) override {
        y_ = Bound::of(plan_.result, plan_.type, rows, length);
        const int rank = y_.rank;
        a_own_ = Bound::of(plan_.operands[0], plan_.operand_types[0], rows, length);
        b_own_ = Bound::of(plan_.operands[1], plan_.operand_types[1], rows, length);
        a_ = a_own_.broadcast(rank);
        b_ = b_own_.broadcast(rank);
        loops_ = Loops<3>::over(y_, rank - 2, {&a_, &b_, &y_});
        m_ = y_.size[static_cast<size_t>(rank - 2)];
        n_ = y_.last_size();
        k_ = a_own_.last_size();
    }
    // A panel of b, then rows of a where those are not dense.
    int64_t scratch_bytes() const override { return in_lines(k_ * kPanelColumns * 4) + in_lines(k_ * 4); }
    int64_t work() const override { return loops_.times() * loops_.count() * m_ * n_ * k_; }

    Status run(const StepRun &run) override {
        int64_t since = kProductBetweenPolls;  // the last poll: the first is at once
        loops_.each([&](const Loops<3>::Places &places) {
            for (int64_t i = 0; i < loops_.count(); ++i) {
                const auto &step = loops_.step();
                const float *a = run.at<const float>(a_own_) + places[0] + i * step[0];
                float *y = run.at<float>(y_) + places[2] + i * step[2];
                if (!multiply(run, a, places[1] + i * step[1], y, since)) return false;
            }
            return true;
        });
        return {};
    }

  private:
    // `begin` to begin + 32 columns of the second factor that is `at` elements on.
    const float *panel_of(const StepRun &run, int64_t at, int64_t begin) const {
        if (packed_) return packed_ + at / (k_ * n_) * panel_elements_f32(n_, k_) + begin * k_;
        auto *panel = reinterpret_cast<float *>(run.scratch);
        const float *b = run.at<const float>(b_own_) + at;
        const auto last = static_cast<size_t>(b_own_.rank - 1);
        const int64_t b_row = b_own_.stride[last - 1], b_step = n_ == 1 ? 0 : b_own_.stride[last];
        const int64_t n = std::min(kPanelColumns, n_ - begin);
        for (int64_t k = 0; k < k_; ++k)
            for (int64_t j = 0; j < kPanelColumns; ++j)
                panel[k * kPanelColumns + j] = j < n ? b[k * b_row + (begin + j) * b_step] : 0.0f;
        return panel;
    }

    bool multiply(const StepRun &run, const float *a, int64_t b, float *y, int64_t &since) {
        auto *row = reinterpret_cast<float *>(run.scratch + in_lines(k_ * kPanelColumns * 4));
        const auto last = static_cast<size_t>(y_.rank - 1), before = last - 1;
        const auto a_last = static_cast<size_t>(a_own_.rank - 1);
        const int64_t a_row = m_ == 1 ? 0 : a_own_.stride[a_last - 1], a_step = k_ == 1 ? 1 : a_own_.stride[a_last];
        const int64_t y_row = m_ == 1 ? n_ : y_.stride[before];
        for (int64_t begin = 0; begin < n_; begin += kPanelColumns) {
            since += (m_ + kPackedAsRows) * k_ * kPanelColumns;
            if (since > kProductBetweenPolls) {
                if (!run.may_continue()) return false;
                since = 0;
            }
            const int64_t n = std::min(kPanelColumns, n_ - begin);
            const float *panel = panel_of(run, b, begin);
            if (a_step == 1) {
                kernels_.linear_f32({a, a_row, m_, k_, panel, n, nullptr, {}, y + begin, y_row});
                continue;
            }
            for (int64_t m = 0; m < m_; ++m) {
                for (int64_t k = 0; k < k_; ++k) row[k] = a[m * a_row + k * a_step];
                kernels_.linear_f32({row, k_, 1, k_, panel, n, nullptr, {}, y + m * y_row + begin, y_row});
            }
        }
        return true;
    }

    const Kernels &kernels_;
    const StepPlan &plan_;
    const float *packed_;  // the second factor's panels, or null
    Bound a_own_, b_own_, a_, b_, y_;
    Loops<3> loops_;
    int64_t m_ = 0, n_ = 0, k_ = 0;
};

}  // namespace

std::unique_ptr<Step> make_product_step(const StepContext &context, const StepPlan &plan) {
    switch (context.plan->graph().node(plan.node).op) {
        case Op::linear:
            return std::make_unique<LinearStep>(context, plan);
        case Op::attention:
            return std::make_unique<AttentionStep>(context, plan);
        case Op::recurrent:
            return make_recurrent_step(context, plan);
        default:
            return std::make_unique<MatmulStep>(context, plan);
    }
}

}  // namespace weighbridge::lib::native

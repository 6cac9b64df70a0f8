// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "backend/native/step.hpp"
#include "graph/requirement.hpp"
#include "graph/scalar_ops.hpp"

namespace weighbridge::lib::native {
namespace {

class EmbeddingStep final : public Step {
  public:
    explicit EmbeddingStep(const StepPlan &plan) : plan_(plan) {}
    void bind(int64_t rows, int64_t length) override {
        table_ = Bound::of(plan_.operands[0], plan_.operand_types[0], rows, length);
        ids_ = Bound::of(plan_.operands[1], plan_.operand_types[1], rows, length);
        y_ = Bound::of(plan_.result, plan_.type, rows, length);
        loops_ = Loops<2>::over(y_, y_.rank - 1, {&ids_, &y_});
    }
    int64_t work() const override { return loops_.times() * loops_.count() * y_.last_size(); }
    Status run(const StepRun &run) override {
        const auto *table = run.at<const std::byte>(table_);
        const auto *ids = run.at<const int64_t>(ids_);
        auto *y = run.at<std::byte>(y_);
        const auto element = static_cast<int64_t>(size_of(plan_.type.dtype));
        const auto bytes = static_cast<size_t>(y_.last_size() * element);
        const int64_t size = table_.size[0], stride = table_.stride[0];
        const auto &step = loops_.step();
        const bool inside = run.each(loops_, y_.last_size(), [&](const Loops<2>::Places &at, int64_t count) {
            for (int64_t i = 0; i < count; ++i) {
                const int64_t id = ids[at[0] + i * step[0]];
                if (id < 0 || id >= size) return false;
                std::memcpy(y + (at[1] + i * step[1]) * element, table + id * stride * element, bytes);
            }
            return true;
        });
        if (inside || *run.left != WB_OK) return {};
        return Status::failure(WB_BACKEND_FAILED,
                               "embedding: expected indices in [0, {}) as the model's table has rows, got one outside "
                               "it",
                               size);
    }

  private:
    const StepPlan &plan_;
    Bound table_, ids_, y_;
    Loops<2> loops_;
};

class GatherStep final : public Step {
  public:
    GatherStep(const StepContext &context, const StepPlan &plan)
        : plan_(plan),
          axis_(static_cast<size_t>(context.plan->graph().node(plan.node).attributes.axis)),
          bytes_(static_cast<int64_t>(size_of(plan.type.dtype))) {}
    void bind(int64_t rows, int64_t length) override {
        x_ = Bound::of(plan_.operands[0], plan_.operand_types[0], rows, length);
        ids_ = Bound::of(plan_.operands[1], plan_.operand_types[1], rows, length);
        y_ = Bound::of(plan_.result, plan_.type, rows, length);
        size_ = x_.size[axis_];
        step_ = x_.stride[axis_];
        x_.stride[axis_] = 0;
        loops_ = Loops<3>::over(y_, y_.rank, {&x_, &ids_, &y_});
    }
    int64_t work() const override { return loops_.times() * loops_.count() * kWork; }
    Status run(const StepRun &run) override {
        const auto *x = run.at<const std::byte>(x_);
        const auto *ids = run.at<const int64_t>(ids_);
        auto *y = run.at<std::byte>(y_);
        const auto &step = loops_.step();
        const bool inside = run.each(loops_, kWork, [&](const Loops<3>::Places &at, int64_t count) {
            for (int64_t i = 0; i < count; ++i) {
                const int64_t id = ids[at[1] + i * step[1]];
                if (id < 0 || id >= size_) return false;
                std::memcpy(y + (at[2] + i * step[2]) * bytes_, x + (at[0] + i * step[0] + id * step_) * bytes_,
                            static_cast<size_t>(bytes_));
            }
            return true;
        });
        if (inside || *run.left != WB_OK) return {};
        return Status::failure(WB_BACKEND_FAILED, "gather: expected indices in [0, {}), got one outside it", size_);
    }

  private:
    static constexpr int64_t kWork = 4;  // of a place
    const StepPlan &plan_;
    const size_t axis_;
    const int64_t bytes_;
    Bound x_, ids_, y_;
    Loops<3> loops_;
    int64_t size_ = 0, step_ = 0;
};

class BucketizeStep final : public Step {
  public:
    BucketizeStep(const StepContext &context, const StepPlan &plan)
        : plan_(plan), right_(context.plan->graph().node(plan.node).attributes.right) {}
    void bind(int64_t rows, int64_t length) override {
        x_ = Bound::of(plan_.operands[0], plan_.operand_types[0], rows, length);
        boundaries_ = Bound::of(plan_.operands[1], plan_.operand_types[1], rows, length);
        y_ = Bound::of(plan_.result, plan_.type, rows, length);
        loops_ = Loops<2>::over(y_, y_.rank, {&x_, &y_});
    }
    int64_t work() const override { return loops_.times() * loops_.count() * kWork; }
    Status run(const StepRun &run) override {
        const float *x = run.at<const float>(x_), *first = run.at<const float>(boundaries_);
        const float *last = first + boundaries_.size[0];
        auto *y = run.at<int64_t>(y_);
        const auto &step = loops_.step();
        run.each(loops_, kWork, [&](const Loops<2>::Places &at, int64_t count) {
            for (int64_t i = 0; i < count; ++i) {
                const float value = x[at[0] + i * step[0]];
                const float *found = value != value ? last
                                     : right_       ? std::upper_bound(first, last, value)
                                                    : std::lower_bound(first, last, value);
                y[at[1] + i * step[1]] = found - first;
            }
            return true;
        });
        return {};
    }

  private:
    static constexpr int64_t kWork = 8;  // of a place
    const StepPlan &plan_;
    const bool right_;
    Bound x_, boundaries_, y_;
    Loops<2> loops_;
};

class RequireStep final : public Step {
  public:
    RequireStep(const StepContext &context, const StepPlan &plan)
        : plan_(plan),
          text_(context.plan->graph().constant_of(context.plan->graph().node(plan.node).operands[2])),
          bytes_(static_cast<int64_t>(size_of(plan.type.dtype))) {}
    void bind(int64_t rows, int64_t length) override {
        x_ = Bound::of(plan_.operands[0], plan_.operand_types[0], rows, length);
        holds_ = Bound::of(plan_.operands[1], plan_.operand_types[1], rows, length);
        y_ = Bound::of(plan_.result, plan_.type, rows, length);
        loops_ = Loops<2>::over(y_, y_.rank, {&x_, &y_});
    }
    int64_t work() const override { return holds_.size[0] + loops_.times() * loops_.count(); }
    Status run(const StepRun &run) override {
        const auto *holds = run.at<const uint8_t>(holds_);
        for (int64_t row = 0; row < holds_.size[0]; ++row)
            if (holds[row * holds_.stride[0]] == 0)
                return not_as_required({text_.as<int64_t>(), static_cast<size_t>(text_.elements())});
        const auto *x = run.at<const std::byte>(x_);
        auto *y = run.at<std::byte>(y_);
        const auto &step = loops_.step();
        run.each(loops_, 1, [&](const Loops<2>::Places &at, int64_t count) {
            for (int64_t i = 0; i < count; ++i)
                std::memcpy(y + (at[1] + i * step[1]) * bytes_, x + (at[0] + i * step[0]) * bytes_,
                            static_cast<size_t>(bytes_));
            return true;
        });
        return {};
    }

  private:
    const StepPlan &plan_;
    const Constant &text_;
    const int64_t bytes_;
    Bound x_, holds_, y_;
    Loops<2> loops_;
};

// argmax, running sums, and reductions of integers, bools and float64: an element at a time along the axis.
class AlongStep final : public Step {
  public:
    AlongStep(const StepContext &context, const StepPlan &plan)
        : plan_(plan), node_(context.plan->graph().node(plan.node)) {}
    void bind(int64_t rows, int64_t length) override {
        const auto axis = static_cast<size_t>(node_.attributes.axis);
        x_ = Bound::of(plan_.operands[0], plan_.operand_types[0], rows, length);
        y_ = Bound::of(plan_.result, plan_.type, rows, length);
        size_ = x_.size[axis];
        x_step_ = x_.stride[axis];
        y_step_ = y_.stride[axis];
        const bool sums = node_.op != Op::argmax && node_.op != Op::reduce_max && node_.op != Op::reduce_min;
        if (x_step_ == 0 && !sums) size_ = std::min<int64_t>(size_, 1);  // one place, repeated without end
        Bound outer = y_;
        outer.size[axis] = 1;
        loops_ = Loops<2>::over(outer, outer.rank, {&x_, &y_});
    }
    int64_t work() const override { return loops_.times() * loops_.count() * size_; }
    Status run(const StepRun &run) override {
        scalar::with_type(plan_.operand_types[0].dtype, [&](auto zero) {
            using T = decltype(zero);
            const T *x = run.at<const T>(x_);
            const auto &step = loops_.step();
            run.each(loops_, size_, [&](const Loops<2>::Places &at, int64_t count) {
                for (int64_t i = 0; i < count; ++i) {
                    const T *from = x + at[0] + i * step[0];
                    if (node_.op == Op::argmax)
                        run.at<int64_t>(y_)[at[1] + i * step[1]] = scalar::argmax(from, x_step_, size_);
                    else
                        scalar::along(node_.op, from, x_step_, size_, run.at<T>(y_) + at[1] + i * step[1], y_step_);
                }
                return true;
            });
        });
        return {};
    }

  private:
    const StepPlan &plan_;
    const Node &node_;
    Bound x_, y_;
    Loops<2> loops_;
    int64_t size_ = 0, x_step_ = 0, y_step_ = 0;
};

}  // namespace

std::unique_ptr<Step> make_lookup_step(const StepContext &context, const StepPlan &plan) {
    switch (context.plan->graph().node(plan.node).op) {
        case Op::embedding:
            return std::make_unique<EmbeddingStep>(plan);
        case Op::gather:
            return std::make_unique<GatherStep>(context, plan);
        case Op::bucketize:
            return std::make_unique<BucketizeStep>(context, plan);
        case Op::trees:
            return make_trees_step(context, plan);
        case Op::require:
            return std::make_unique<RequireStep>(context, plan);
        default:
            return std::make_unique<AlongStep>(context, plan);
    }
}

}  // namespace weighbridge::lib::native

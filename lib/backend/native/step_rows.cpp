// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "backend/native/step.hpp"

namespace weighbridge::lib::native {
namespace {

// layer_norm and softmax: along the last axis, which is dense.
class LastAxisStep final : public Step {
  public:
    LastAxisStep(const StepContext &context, const StepPlan &plan)
        : kernels_(*context.kernels), plan_(plan), node_(context.plan->graph().node(plan.node)) {}

    void bind(int64_t rows, int64_t length) override {
        x_ = Bound::of(plan_.operands[0], plan_.operand_types[0], rows, length);
        y_ = Bound::of(plan_.result, plan_.type, rows, length);
        if (node_.op == Op::layer_norm)
            for (size_t i = 0; i < 2; ++i)
                scale_[i] = Bound::of(plan_.operands[i + 1], plan_.operand_types[i + 1], rows, length);
        loops_ = Loops<2>::over(y_, y_.rank - 1, {&x_, &y_});
    }
    int64_t work() const override { return loops_.times() * loops_.count() * y_.last_size() * 4; }

    Status run(const StepRun &run) override {
        const float *x = run.at<const float>(x_);
        float *y = run.at<float>(y_);
        const auto &step = loops_.step();
        run.each(loops_, y_.last_size() * 4, [&](const Loops<2>::Places &places, int64_t count) {
            if (node_.op == Op::layer_norm)
                kernels_.layer_norm({x + places[0], step[0], count, y_.last_size(), run.at<const float>(scale_[0]),
                                     run.at<const float>(scale_[1]), static_cast<float>(node_.attributes.epsilon),
                                     y + places[1], step[1]});
            else
                kernels_.softmax_last({x + places[0], step[0], count, y_.last_size(), y + places[1], step[1]});
            return true;
        });
        return {};
    }

  private:
    const Kernels &kernels_;
    const StepPlan &plan_;
    const Node &node_;
    Bound x_, y_;
    std::array<Bound, 2> scale_;
    Loops<2> loops_;
};

// Sums, means, maxima and minima of floats. Along the last axis by the kernels' 16 lanes; along another one, whole runs
// of the axes behind it are taken together, in ascending order.
class ReduceStep final : public Step {
  public:
    ReduceStep(const StepContext &context, const StepPlan &plan)
        : kernels_(*context.kernels), plan_(plan), node_(context.plan->graph().node(plan.node)) {}

    void bind(int64_t rows, int64_t length) override {
        x_ = Bound::of(plan_.operands[0], plan_.operand_types[0], rows, length);
        y_ = Bound::of(plan_.result, plan_.type, rows, length);
        const auto axis = static_cast<size_t>(node_.attributes.axis);
        last_ = node_.attributes.axis == x_.rank - 1;
        size_ = x_.size[axis];
        step_ = x_.stride[axis];
        loops_ = last_ ? Loops<2>::over(y_, y_.rank - 1, {&x_, &y_}) : Loops<2>::over(y_, y_.rank, {&x_, &y_});
    }
    int64_t work() const override { return loops_.times() * loops_.count() * std::max<int64_t>(1, size_); }

    Status run(const StepRun &run) override {
        const float *x = run.at<const float>(x_);
        float *y = run.at<float>(y_);
        run.each(loops_, size_, [&](const Loops<2>::Places &places, int64_t count) {
            last_ ? along_last(x + places[0], y + places[1], count) : along_outer(x + places[0], y + places[1], count);
            return true;
        });
        return {};
    }

  private:
    float start() const {
        return node_.op == Op::reduce_max ? -INFINITY : node_.op == Op::reduce_min ? INFINITY : 0.0f;
    }
    void finish(float *y, int64_t count) const {
        if (node_.op != Op::reduce_mean) return;
        const auto divisor = static_cast<float>(size_);
        for (int64_t i = 0; i < count; ++i) y[i] = y[i] / divisor;
    }

    void along_last(const float *x, float *y, int64_t count) const {
        auto reduce = node_.op == Op::reduce_max   ? kernels_.max_last
                      : node_.op == Op::reduce_min ? kernels_.min_last
                                                   : kernels_.sum_last;
        const auto &step = loops_.step();
        if (step[1] == 1 || count == 1) {
            reduce({x, step[0], count, size_, y});
            finish(y, count);
            return;
        }
        for (int64_t i = 0; i < count; ++i) {
            reduce({x + i * step[0], 0, 1, size_, y + i * step[1]});
            finish(y + i * step[1], 1);
        }
    }

    void along_outer(const float *x, float *y, int64_t count) const {
        auto join = node_.op == Op::reduce_max   ? kernels_.max_rows
                    : node_.op == Op::reduce_min ? kernels_.min_rows
                                                 : kernels_.add_rows;
        const auto &step = loops_.step();
        const int64_t together = count == 1 || (step[0] == 1 && step[1] == 1) ? count : 1;
        for (int64_t i = 0; i < count; i += together) {
            float *to = y + i * step[1];
            std::fill_n(to, together, start());
            for (int64_t place = 0; place < size_; ++place) join(x + i * step[0] + place * step_, to, together);
            finish(to, together);
        }
    }

    const Kernels &kernels_;
    const StepPlan &plan_;
    const Node &node_;
    Bound x_, y_;
    Loops<2> loops_;
    bool last_ = false;
    int64_t size_ = 0, step_ = 0;
};

}  // namespace

std::unique_ptr<Step> make_row_step(const StepContext &context, const StepPlan &plan) {
    if (family_of(context.plan->graph().node(plan.node).op) == Family::last_axis)
        return std::make_unique<LastAxisStep>(context, plan);
    return std::make_unique<ReduceStep>(context, plan);
}

}  // namespace weighbridge::lib::native

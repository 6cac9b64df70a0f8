// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "backend/native/linear_product.hpp"

namespace weighbridge::lib::native {
namespace {

// Sequences that go through the steps side by side: each of their weights is read once a step for all of them, and
// their gates stay in the first-level cache.
constexpr int64_t kSequencesAtATime = 16;

// Columns whose weights, of a state of 64 numbers, fit in the first-level cache with room to spare. Every other place
// takes the panels backwards, so that it begins with those that are still there.
constexpr int64_t kColumnsTogether = 128;

// A recurrence, step by step: a product of the states before, then the gates. A place of the result is the state after
// it, so that nothing else is kept.
class RecurrentStep final : public Step {
  public:
    RecurrentStep(const StepContext &context, const StepPlan &plan)
        : kernels_(*context.kernels),
          plan_(plan),
          weights_(context.linears->of(plan.node)),
          attributes_(context.plan->graph().node(plan.node).attributes),
          product_(*context.kernels, weights_, Range::symmetric) {}

    void bind(int64_t rows, int64_t length) override {
        x_ = Bound::of(plan_.operands[0], plan_.operand_types[0], rows, length);
        y_ = Bound::of(plan_.result, plan_.type, rows, length);
        state_ = attributes_.state ? Bound::of(plan_.operands.back(), plan_.operand_types.back(), rows, length) : y_;
        const auto axis = static_cast<size_t>(y_.rank - 2);
        places_ = y_.size[axis];
        x_step_ = x_.stride[axis];
        y_step_ = y_.stride[axis];
        loops_ = Loops<3>::over(y_, y_.rank - 2, {&x_, &y_, &state_});
        side_by_side_ = std::min(loops_.times() * loops_.count(), kSequencesAtATime);
    }

    // The products of a step, then what the product needs.
    int64_t scratch_bytes() const override {
        return in_lines(side_by_side_ * weights_.n * 4) + product_.scratch_bytes(side_by_side_);
    }
    int64_t work() const override { return loops_.times() * loops_.count() * places_ * weights_.n * weights_.k; }

    Status run(const StepRun &run) override {
        loops_.each([&](const Loops<3>::Places &at) {
            const auto &step = loops_.step();
            for (int64_t i = 0; i < loops_.count(); i += kSequencesAtATime) {
                Sequences some;
                some.count = std::min(kSequencesAtATime, loops_.count() - i);
                some.x = run.at<const float>(x_) + at[0] + i * step[0];
                some.y = run.at<float>(y_) + at[1] + i * step[1];
                if (attributes_.state) some.state = run.at<const float>(state_) + at[2] + i * step[2];
                if (!pass(run, some)) return false;
            }
            return true;
        });
        return {};
    }

  private:
    // The first place of each, and their states before it; strides are those of the last loop.
    struct Sequences {
        int64_t count = 0;
        const float *x = nullptr, *state = nullptr;
        float *y = nullptr;
    };

    bool pass(const StepRun &run, const Sequences &some) const {
        auto *products = reinterpret_cast<float *>(run.scratch);
        StepRun rest = run;
        rest.scratch += in_lines(side_by_side_ * weights_.n * 4);
        const auto [x_stride, y_stride, state_stride] = loops_.step();
        const float *before = some.state;
        int64_t before_stride = state_stride, work = 0;
        for (int64_t i = 0; i < places_; ++i) {
            const int64_t place = attributes_.reverse ? places_ - 1 - i : i;
            work += some.count * weights_.n * weights_.k;
            if (work > kProductBetweenPolls) {
                if (!run.may_continue()) return false;
                work = 0;
            }
            // Without a state the first product is the bias.
            const float *a = weights_.i8 ? weights_.shift : weights_.bias;
            int64_t a_stride = 0;
            if (before) {
                if (!product_.multiply(rest, before, before_stride, some.count, {}, products, weights_.n,
                                       {kColumnsTogether, i % 2 == 1, first_panel(weights_)}))
                    return false;
                a = products;
                a_stride = weights_.n;
            }
            float *y = some.y + place * y_step_;
            kernels_.gates({attributes_.cell, some.x + place * x_step_, x_stride, a, a_stride, before, before_stride,
                            some.count, weights_.k, y, y_stride});
            before = y;
            before_stride = y_stride;
        }
        return true;
    }

    const Kernels &kernels_;
    const StepPlan &plan_;
    const LinearWeights &weights_;
    const Attributes &attributes_;
    const LinearProduct product_;
    Bound x_, y_, state_;
    Loops<3> loops_;
    int64_t places_ = 0, x_step_ = 0, y_step_ = 0;
    int64_t side_by_side_ = 0;
};

}  // namespace

std::unique_ptr<Step> make_recurrent_step(const StepContext &context, const StepPlan &plan) {
    return std::make_unique<RecurrentStep>(context, plan);
}

}  // namespace weighbridge::lib::native

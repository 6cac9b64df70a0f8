// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "backend/element_kernels.hpp"
#include "backend/native/step.hpp"
#include "graph/scalar_ops.hpp"

namespace weighbridge::lib::native {
namespace {

constexpr int64_t kChunk = 256;  // floats of a row without dense elements that are gathered at a time

void gather(const float *from, int64_t step, float *to, int64_t count) {
    for (int64_t i = 0; i < count; ++i) to[i] = from[i * step];
}
void scatter(const float *from, float *to, int64_t step, int64_t count) {
    for (int64_t i = 0; i < count; ++i) to[i * step] = from[i];
}

class UnaryStep final : public Step {
  public:
    UnaryStep(const StepContext &context, const StepPlan &plan, Unary op)
        : kernels_(*context.kernels), plan_(plan), op_(op), params_(params_of(context.plan->graph().node(plan.node))) {}
    void bind(int64_t rows, int64_t length) override {
        x_ = Bound::of(plan_.operands[0], plan_.operand_types[0], rows, length);
        y_ = Bound::of(plan_.result, plan_.type, rows, length);
        loops_ = Loops<2>::over(y_, y_.rank, {&x_, &y_});
    }
    int64_t work() const override { return loops_.times() * loops_.count() * kWork; }
    Status run(const StepRun &run) override {
        const float *x = run.at<const float>(x_);
        float *y = run.at<float>(y_);
        const auto &step = loops_.step();
        const bool dense = loops_.count() == 1 || (step[0] == 1 && step[1] == 1);
        run.each(loops_, kWork, [&](const Loops<2>::Places &places, int64_t count) {
            const float *from = x + places[0];
            float *to = y + places[1];
            if (dense) {
                kernels_.unary(op_, params_, from, to, count);
                return true;
            }
            float chunk[kChunk];
            for (int64_t i = 0; i < count; i += kChunk) {
                const int64_t n = std::min(kChunk, count - i);
                gather(from + i * step[0], step[0], chunk, n);
                kernels_.unary(op_, params_, chunk, chunk, n);
                scatter(chunk, to + i * step[1], step[1], n);
            }
            return true;
        });
        return {};
    }

  private:
    static constexpr int64_t kWork = 8;  // of a place
    const Kernels &kernels_;
    const StepPlan &plan_;
    const Unary op_;
    const UnaryParams params_;
    Bound x_, y_;
    Loops<2> loops_;
};

class BinaryStep final : public Step {
  public:
    BinaryStep(const StepContext &context, const StepPlan &plan, Binary op)
        : kernels_(*context.kernels), plan_(plan), op_(op) {}
    void bind(int64_t rows, int64_t length) override {
        y_ = Bound::of(plan_.result, plan_.type, rows, length);
        for (size_t i = 0; i < 2; ++i)
            x_[i] = Bound::of(plan_.operands[i], plan_.operand_types[i], rows, length).broadcast(y_.rank);
        loops_ = Loops<3>::over(y_, y_.rank, {&x_[0], &x_[1], &y_});
    }
    int64_t work() const override { return loops_.times() * loops_.count(); }
    Status run(const StepRun &run) override {
        const float *a = run.at<const float>(x_[0]), *b = run.at<const float>(x_[1]);
        float *y = run.at<float>(y_);
        const auto &step = loops_.step();
        const bool one = loops_.count() == 1;
        const bool dense = one || ((step[0] | 1) == 1 && (step[1] | 1) == 1 && step[2] == 1);
        run.each(loops_, 1, [&](const Loops<3>::Places &places, int64_t count) {
            const float *p = a + places[0], *q = b + places[1];
            float *to = y + places[2];
            if (dense) {
                kernels_.binary(op_, p, one ? 1 : step[0], q, one ? 1 : step[1], to, count);
                return true;
            }
            float left[kChunk], right[kChunk];
            for (int64_t i = 0; i < count; i += kChunk) {
                const int64_t n = std::min(kChunk, count - i);
                gather(p + i * step[0], step[0], left, n);
                gather(q + i * step[1], step[1], right, n);
                kernels_.binary(op_, left, 1, right, 1, left, n);
                scatter(left, to + i * step[2], step[2], n);
            }
            return true;
        });
        return {};
    }

  private:
    const Kernels &kernels_;
    const StepPlan &plan_;
    const Binary op_;
    std::array<Bound, 2> x_;
    Bound y_;
    Loops<3> loops_;
};

// The scalar path: integers, bools, float64, comparisons, choices and conversions, one element at a time, because they
// are few.
class ScalarStep final : public Step {
  public:
    ScalarStep(const StepContext &context, const StepPlan &plan)
        : plan_(plan), node_(context.plan->graph().node(plan.node)) {}

    void bind(int64_t rows, int64_t length) override {
        y_ = Bound::of(plan_.result, plan_.type, rows, length);
        for (size_t i = 0; i < 3; ++i)
            x_[i] = i < plan_.operands.size()
                        ? Bound::of(plan_.operands[i], plan_.operand_types[i], rows, length).broadcast(y_.rank)
                        : y_;
        loops_ = Loops<4>::over(y_, y_.rank, {&x_[0], &x_[1], &x_[2], &y_});
    }
    int64_t work() const override { return loops_.times() * loops_.count() * kWork; }

    Status run(const StepRun &run) override {
        if (node_.op == Op::cast) {
            scalar::with_type(plan_.operand_types[0].dtype, [&](auto from) {
                scalar::with_type(plan_.type.dtype, [&](auto to) {
                    using T = decltype(from);
                    using U = decltype(to);
                    each(run, [](const T *x, const std::byte *, const std::byte *, U *y) {
                        *y = scalar::converted<T, U>(*x);
                    });
                });
            });
        } else if (node_.op == Op::where) {
            scalar::with_type(plan_.type.dtype, [&](auto zero) {
                using T = decltype(zero);
                each(run, [](const uint8_t *c, const T *a, const T *b, T *y) { *y = *c ? *a : *b; });
            });
        } else if (plan_.operands.size() == 1) {
            scalar::with_type(plan_.type.dtype, [&](auto zero) {
                using T = decltype(zero);
                each(run,
                     [&](const T *x, const std::byte *, const std::byte *, T *y) { *y = scalar::changed(node_, *x); });
            });
        } else {
            return binary(run);
        }
        return {};
    }

  private:
    // Calls visit(a, b, c, y) with places of the types that it takes; operands that are not there are y's own.
    template <class Visit>
    void each(const StepRun &run, Visit visit) {
        each_as(run, visit, &Visit::operator());
    }
    template <class Visit, class A, class B, class C, class Y>
    void each_as(const StepRun &run, Visit visit, void (Visit::*)(const A *, const B *, const C *, Y *) const) {
        each_of<A, B, C, Y>(run, visit);
    }
    template <class A, class B, class C, class Y, class Visit>
    void each_of(const StepRun &run, Visit visit) {
        const A *a = run.at<const A>(x_[0]);
        const B *b = run.at<const B>(x_[1]);
        const C *c = run.at<const C>(x_[2]);
        Y *y = run.at<Y>(y_);
        const auto &step = loops_.step();
        run.each(loops_, kWork, [&](const Loops<4>::Places &at, int64_t count) {
            for (int64_t i = 0; i < count; ++i)
                visit(a + at[0] + i * step[0], b + at[1] + i * step[1], c + at[2] + i * step[2],
                      y + at[3] + i * step[3]);
            return true;
        });
    }

    Status binary(const StepRun &run) {
        const bool divides = family_of(node_.op) == Family::division;
        bool by_zero = false;
        scalar::with_type(plan_.operand_types[0].dtype, [&](auto zero) {
            using T = decltype(zero);
            if (plan_.type.dtype == DType::boolean)
                each(run, [&](const T *a, const T *b, const std::byte *, uint8_t *y) {
                    *y = scalar::compared(node_.op, *a, *b);
                });
            else
                each(run, [&](const T *a, const T *b, const std::byte *, T *y) {
                    if (divides && *b == T{})
                        by_zero = true;
                    else
                        *y = scalar::arithmetic(node_.op, *a, *b);
                });
        });
        if (by_zero)
            return Status::failure(WB_BACKEND_FAILED, "{}: expected a divisor other than 0", name_of(node_.op));
        return {};
    }

    static constexpr int64_t kWork = 4;  // of a place
    const StepPlan &plan_;
    const Node &node_;
    std::array<Bound, 3> x_;
    Bound y_;
    Loops<4> loops_;
};

// full and iota.
class FillStep final : public Step {
  public:
    FillStep(const StepContext &context, const StepPlan &plan)
        : plan_(plan), node_(context.plan->graph().node(plan.node)) {}
    void bind(int64_t rows, int64_t length) override {
        y_ = Bound::of(plan_.result, plan_.type, rows, length);
        if (node_.op == Op::full && plan_.type.dtype == DType::int64)
            number_ = node_.attributes.integer.at(rows, length);
        loops_ = Loops<1>::over(y_, y_.rank, {&y_});
    }
    Status run(const StepRun &run) override {
        const int64_t step = loops_.step()[0];
        int64_t next = 0;  // of iota, which has one axis
        run.each(loops_, 1, [&](const Loops<1>::Places &at, int64_t count) {
            for (int64_t i = 0; i < count; ++i) {
                const int64_t place = at[0] + i * step;
                if (node_.op == Op::iota)
                    run.at<int64_t>(y_)[place] = next++;
                else if (plan_.type.dtype == DType::int64)
                    run.at<int64_t>(y_)[place] = number_;
                else if (plan_.type.dtype == DType::boolean)
                    run.at<uint8_t>(y_)[place] = node_.attributes.value != 0 ? 1 : 0;
                else if (plan_.type.dtype == DType::float64)
                    run.at<double>(y_)[place] = node_.attributes.value;
                else
                    run.at<float>(y_)[place] = static_cast<float>(node_.attributes.value);
            }
            return true;
        });
        return {};
    }

  private:
    const StepPlan &plan_;
    const Node &node_;
    int64_t number_ = 0;
    Bound y_;
    Loops<1> loops_;
};

class CopyStep final : public Step {
  public:
    explicit CopyStep(const StepPlan &plan) : plan_(plan), bytes_(static_cast<int64_t>(size_of(plan.type.dtype))) {}
    void bind(int64_t rows, int64_t length) override {
        x_ = Bound::of(plan_.operands[0], plan_.type, rows, length);
        y_ = Bound::of(plan_.result, plan_.type, rows, length);
        loops_ = Loops<2>::over(y_, y_.rank, {&x_, &y_});
    }
    int64_t work() const override { return loops_.times() * loops_.count(); }
    Status run(const StepRun &run) override {
        const std::byte *x = run.at<const std::byte>(x_);
        std::byte *y = run.at<std::byte>(y_);
        const auto &step = loops_.step();
        const bool dense = loops_.count() == 1 || (step[0] == 1 && step[1] == 1);
        run.each(loops_, 1, [&](const Loops<2>::Places &at, int64_t count) {
            const std::byte *from = x + at[0] * bytes_;
            std::byte *to = y + at[1] * bytes_;
            if (dense) {
                std::memcpy(to, from, static_cast<size_t>(count * bytes_));
            } else if (bytes_ == 4) {
                for (int64_t i = 0; i < count; ++i) std::memcpy(to + i * step[1] * 4, from + i * step[0] * 4, 4);
            } else {
                for (int64_t i = 0; i < count; ++i)
                    std::memcpy(to + i * step[1] * bytes_, from + i * step[0] * bytes_, static_cast<size_t>(bytes_));
            }
            return true;
        });
        return {};
    }

  private:
    const StepPlan &plan_;
    const int64_t bytes_;
    Bound x_, y_;
    Loops<2> loops_;
};

}  // namespace

std::unique_ptr<Step> make_element_step(const StepContext &context, const StepPlan &plan) {
    const Node &node = context.plan->graph().node(plan.node);
    if (plan.copies) return std::make_unique<CopyStep>(plan);
    if (family_of(node.op) == Family::source) return std::make_unique<FillStep>(context, plan);
    if (auto op = unary_of(node)) return std::make_unique<UnaryStep>(context, plan, *op);
    if (auto op = binary_of(node)) return std::make_unique<BinaryStep>(context, plan, *op);
    return std::make_unique<ScalarStep>(context, plan);
}

std::unique_ptr<Step> make_step(const StepContext &context, const StepPlan &plan) {
    if (plan.copies) return make_element_step(context, plan);
    const bool floats = !plan.operand_types.empty() && plan.operand_types[0].dtype == DType::float32;
    switch (family_of(context.plan->graph().node(plan.node).op)) {
        case Family::product:
            return make_product_step(context, plan);
        case Family::last_axis:
            return make_row_step(context, plan);
        case Family::reduction:
            return floats ? make_row_step(context, plan) : make_lookup_step(context, plan);
        case Family::look_up:
        case Family::scan:
            return make_lookup_step(context, plan);
        default:
            return make_element_step(context, plan);
    }
}

}  // namespace weighbridge::lib::native

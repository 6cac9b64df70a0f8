// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <memory>

#include "backend/loops.hpp"
#include "backend/native/factors.hpp"
#include "backend/native/kernels.hpp"
#include "backend/plan_linear.hpp"
#include "backend/plan_trees.hpp"
#include "backend/schedule.hpp"
#include "base/cancel.hpp"
#include "plan/plan.hpp"

namespace weighbridge::lib::native {

// What all steps of a program share. Constant while steps exist.
struct StepContext {
    const Plan *plan;
    const Kernels *kernels;
    int32_t precision;
    const Linears *linears;
    const Forests *forests;
    const Factors *factors;
};

inline constexpr int64_t kWorkBetweenPolls = int64_t{4} << 20;  // multiply-adds

// What a run lends to its steps.
struct StepRun {
    std::byte *const *bases;  // by storage
    std::byte *scratch;
    const StopSource *stop;
    int32_t *left;  // WB_OK until a step leaves early: then WB_DEADLINE_EXCEEDED or WB_CANCELLED

    template <class T>
    T *at(const Bound &bound) const {
        return reinterpret_cast<T *>(bases[bound.storage] + bound.offset);
    }
    // Polls the stop. False: the step returns with its result unfinished, and the run ends.
    bool may_continue() const { return (*left = stop->poll()) == WB_OK; }

    // Calls visit(places, count) for each run of the last loop, a long one in parts, and polls between parts of much
    // work; `work` is that of one place. False where the visit, or a poll, gave false.
    template <size_t N, class Visit>
    bool each(const Loops<N> &loops, int64_t work, const Visit &visit) const {
        const int64_t most = std::max<int64_t>(1, kWorkBetweenPolls / std::max<int64_t>(1, work));
        int64_t done = 0;
        return loops.each([&](typename Loops<N>::Places at) {
            for (int64_t missing = loops.count(); missing > 0;) {
                const int64_t count = std::min(missing, most);
                done += count;
                if (done > most) {
                    if (!may_continue()) return false;
                    done = count;
                }
                if (!visit(at, count)) return false;
                for (size_t i = 0; i < N; ++i) at[i] += count * loops.step()[i];
                missing -= count;
            }
            return true;
        });
    }
};

// One step in one executor. bind() fixes sizes; run() may then be called any number of times. Neither allocates.
class Step {
  public:
    virtual ~Step() = default;
    virtual void bind(int64_t rows, int64_t length) = 0;
    // A failure names what the payment's data did wrong. Where the run's stop ended it, `left` says so.
    virtual Status run(const StepRun &run) = 0;
    // After bind. Where one of a step's sizes grows and no other shrinks it is never less: executors ask at the ends.
    virtual int64_t scratch_bytes() const { return 0; }
    virtual int64_t work() const { return 1; }  // about, in multiply-adds, after bind
};

std::unique_ptr<Step> make_product_step(const StepContext &context, const StepPlan &plan);
std::unique_ptr<Step> make_row_step(const StepContext &context, const StepPlan &plan);
std::unique_ptr<Step> make_element_step(const StepContext &context, const StepPlan &plan);
std::unique_ptr<Step> make_lookup_step(const StepContext &context, const StepPlan &plan);
std::unique_ptr<Step> make_trees_step(const StepContext &context, const StepPlan &plan);
std::unique_ptr<Step> make_step(const StepContext &context, const StepPlan &plan);  // any of them

}  // namespace weighbridge::lib::native

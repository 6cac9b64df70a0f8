// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backend/native/step.hpp"

namespace weighbridge::lib::native {

// Multiply-adds between two polls of the stop: below 200 us on a core of 80 GFLOP/s.
inline constexpr int64_t kProductBetweenPolls = int64_t{6} << 20;

constexpr int64_t in_lines(int64_t bytes) { return (bytes + 63) / 64 * 64; }

// A layer's first panel, as what is read after another one.
Ahead first_panel(const LinearWeights &weights);

// Rows times a layer's weights, in the precision that these have: what linears and recurrences share. Constant; the
// weights and the kernels must outlive it.
class LinearProduct {
  public:
    LinearProduct(const Kernels &kernels, const LinearWeights &weights, Range range)
        : kernels_(kernels), weights_(weights), range_(range) {}

    // For so many rows rounded to 8 or 16 bits; 0 in fp32. Never less where rows are more.
    int64_t scratch_bytes(int64_t rows) const;

    // In which order the panels are taken, which decides speed and never what is computed.
    struct Order {
        int64_t columns = INT64_MAX;  // of panels that are taken together
        bool backwards = false;       // the last of these first
        Ahead after = {};             // what is read next
    };

    // y = epilogue(x W + b), with polls of the stop in between. False where the stop ended it: y is unfinished.
    // run.scratch has room for these rows.
    bool multiply(const StepRun &run, const float *x, int64_t x_stride, int64_t rows, const Epilogue &epilogue,
                  float *y, int64_t y_stride, const Order &order) const;

  private:
    int64_t rounded_stride() const {  // bytes of a row
        return weights_.i8 ? (weights_.k + 3) / 4 * 4 : (weights_.k + 1) / 2 * 4;
    }

    const Kernels &kernels_;
    const LinearWeights &weights_;
    const Range range_;
};

std::unique_ptr<Step> make_recurrent_step(const StepContext &context, const StepPlan &plan);

}  // namespace weighbridge::lib::native

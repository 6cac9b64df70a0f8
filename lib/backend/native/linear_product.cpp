// SPDX-License-Identifier: Apache-2.0
#include "backend/native/linear_product.hpp"

#include <algorithm>

#include "plan/panels.hpp"

namespace weighbridge::lib::native {
namespace {

int64_t panel_bytes(const LinearWeights &weights) {
    return kPanelColumns * (weights.f32  ? weights.k * 4
                            : weights.i8 ? (weights.k + 3) / 4 * 4
                                         : (weights.k + 1) / 2 * 4);
}
const std::byte *panels_of(const LinearWeights &weights) {
    return weights.f32  ? reinterpret_cast<const std::byte *>(weights.f32)
           : weights.i8 ? reinterpret_cast<const std::byte *>(weights.i8)
                        : reinterpret_cast<const std::byte *>(weights.bf16);
}

}  // namespace

Ahead first_panel(const LinearWeights &weights) { return {panels_of(weights), panel_bytes(weights)}; }

int64_t LinearProduct::scratch_bytes(int64_t rows) const {
    if (weights_.f32) return 0;
    return in_lines(rows * rounded_stride()) + in_lines(rows * 4);
}

bool LinearProduct::multiply(const StepRun &run, const float *x, int64_t x_stride, int64_t rows,
                             const Epilogue &epilogue, float *y, int64_t y_stride, const Order &order) const {
    std::byte *rounded = run.scratch;
    auto *scale = reinterpret_cast<float *>(run.scratch + in_lines(rows * rounded_stride()));
    if (weights_.i8)
        kernels_.quantise_rows(
            {x, x_stride, rows, weights_.k, range_, reinterpret_cast<uint8_t *>(rounded), rounded_stride(), scale});
    else if (weights_.bf16)
        kernels_.round_rows_bf16(
            {x, x_stride, rows, weights_.k, reinterpret_cast<uint16_t *>(rounded), rounded_stride() / 2});
    const int64_t panel_work = rows * weights_.k * kPanelColumns, panel = panel_bytes(weights_);
    const int64_t polled = std::max<int64_t>(1, kProductBetweenPolls / panel_work);  // panels between two polls
    const int64_t together = std::min(polled, std::max<int64_t>(1, order.columns / kPanelColumns));
    const int64_t group = together * kPanelColumns, groups = (weights_.n + group - 1) / group;
    const int64_t step = order.backwards ? -group : group;
    Epilogue part = epilogue;
    int64_t begin = order.backwards ? (groups - 1) * group : 0;
    for (int64_t i = 0, since = 0; i < groups; ++i, begin += step) {
        if ((since += together) > polled) {
            if (!run.may_continue()) return false;
            since = together;
        }
        const int64_t n = std::min(group, weights_.n - begin);
        if (epilogue.residual) part.residual = epilogue.residual + begin;
        const float *bias = weights_.bias ? weights_.bias + begin : nullptr;
        const Ahead ahead =
            i + 1 == groups ? order.after : Ahead{panels_of(weights_) + (begin + step) / kPanelColumns * panel, panel};
        if (weights_.f32)
            kernels_.linear_f32({x, x_stride, rows, weights_.k, weights_.f32 + begin * weights_.k, n, bias, part,
                                 y + begin, y_stride, ahead});
        else if (weights_.i8)
            kernels_.linear_i8({reinterpret_cast<const uint8_t *>(rounded), rounded_stride(), scale, rows, weights_.k,
                                weights_.i8 + begin * ((weights_.k + 3) / 4 * 4), weights_.pairs_fit, n,
                                weights_.scale + begin, weights_.start + begin, weights_.shift + begin, part, y + begin,
                                y_stride, ahead});
        else
            kernels_.linear_bf16({reinterpret_cast<const uint16_t *>(rounded), rounded_stride() / 2, rows, weights_.k,
                                  weights_.bf16 + begin * ((weights_.k + 1) / 2 * 2), n, bias, part, y + begin,
                                  y_stride, ahead});
    }
    return true;
}

}  // namespace weighbridge::lib::native

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backend/kernel_arguments.hpp"
#include "backend/native/level.hpp"

namespace weighbridge::lib::native {

using namespace kernel;

// Enough for attention_f32 and attention_bf16 at every level.
int64_t attention_scratch_bytes(int64_t queries, int64_t keys, int64_t dim, int64_t value_dim);

// The kernels of the native backend, one table for each CPU level; lib/backend/reference/twins.hpp are the same
// functions as plain loops.
struct Kernels {
    Level level;
    void (*linear_f32)(const LinearF32 &) noexcept;
    void (*quantise_rows)(const QuantiseRows &) noexcept;
    void (*linear_i8)(const LinearI8 &) noexcept;
    void (*round_rows_bf16)(const RoundRowsBf16 &) noexcept;
    void (*linear_bf16)(const LinearBf16 &) noexcept;  // null below avx512_bf16
    void (*attention_f32)(const Attention &) noexcept;
    void (*attention_bf16)(const Attention &) noexcept;  // null below avx512_bf16
    void (*gates)(const Gates &) noexcept;
    void (*layer_norm)(const LayerNorm &) noexcept;
    void (*softmax_last)(const Softmax &) noexcept;
    void (*sum_last)(const Reduce &) noexcept;
    void (*max_last)(const Reduce &) noexcept;
    void (*min_last)(const Reduce &) noexcept;
    void (*add_rows)(const float *x, float *y, int64_t n) noexcept;  // y[i] = y[i] + x[i]
    void (*max_rows)(const float *x, float *y, int64_t n) noexcept;  // y[i] = maximum(y[i], x[i])
    void (*min_rows)(const float *x, float *y, int64_t n) noexcept;
    void (*unary)(Unary op, UnaryParams params, const float *x, float *y, int64_t n) noexcept;
    // An operand with step 0 is one element, used n times.
    void (*binary)(Binary op, const float *a, int64_t a_step, const float *b, int64_t b_step, float *y,
                   int64_t n) noexcept;
};

// The table of a level, which must be available() for its functions to be called. Constant data.
const Kernels &kernels(Level level);

}  // namespace weighbridge::lib::native

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backend/kernel_arguments.hpp"
#include "backend/tensor_sums.hpp"

namespace weighbridge::lib::reference::twins {

// Each native kernel as plain loops over scalars: the same arguments, the same bits. bf16 runs here on any CPU, by the
// recipe of VDPBF16PS; those of level amx by that of TDPBF16PS, those of a GPU as its tensor cores sum. Only `scratch`
// of Attention is not used.
void linear_f32(const kernel::LinearF32 &l);
void quantise_rows(const kernel::QuantiseRows &q);
void linear_i8(const kernel::LinearI8 &l);
void round_rows_bf16(const kernel::RoundRowsBf16 &r);
void linear_bf16(const kernel::LinearBf16 &l);
void linear_bf16_amx(const kernel::LinearBf16 &l);
void linear_bf16_of(const kernel::LinearBf16 &l, const TensorFamily *family);  // null: a CPU's, as linear_bf16
void attention_f32(const kernel::Attention &a);
void attention_bf16(const kernel::Attention &a);
void gates(const kernel::Gates &g);
void attention_bf16_amx(const kernel::Attention &a);
void attention(const kernel::Attention &a, bool bf16, const TensorFamily *family);
void layer_norm(const kernel::LayerNorm &l);
void softmax_last(const kernel::Softmax &s);
void sum_last(const kernel::Reduce &r);
void max_last(const kernel::Reduce &r);
void min_last(const kernel::Reduce &r);
void add_rows(const float *x, float *y, int64_t n);
void max_rows(const float *x, float *y, int64_t n);
void min_rows(const float *x, float *y, int64_t n);
void unary(kernel::Unary op, kernel::UnaryParams params, const float *x, float *y, int64_t n);
void binary(kernel::Binary op, const float *a, int64_t a_step, const float *b, int64_t b_step, float *y, int64_t n);

}  // namespace weighbridge::lib::reference::twins

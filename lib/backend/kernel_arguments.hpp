// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "graph/activation.hpp"
#include "plan/panels.hpp"

namespace weighbridge::lib::kernel {

// What kernels are called with, native ones and their reference twins alike; lib/backend/native/README.md states every
// formula and its order of operations. fp32 and int8 give the same bits at every CPU level, for every number of rows
// and every stride (any NaN counts as equal to any other).
//
// All: no allocation, lock, system call or exception; nothing outside the ranges given is read or written; pointers
// need their element's alignment only, panels and scratch 64 bytes. Strides are in elements, from row to row. Counts
// may be 0. y may be the same memory as x (same pointer and stride) in unary, binary, layer_norm and softmax, and as
// the residual in the linear layers; other overlaps are not allowed. MXCSR is the default: nearest, no FTZ or DAZ.

// What happens to an accumulator a before it is stored: y = activation(a), then y = y + residual where there is one.
struct Epilogue {
    Activation activation = Activation::none;
    float slope = 0;  // of leaky_relu
    const float *residual = nullptr;
    int64_t residual_stride = 0;
};

// What is read after a call, such as the next layer's first panel: brought to the second-level cache while the last
// panel is used. Null for nothing.
struct Ahead {
    const void *from = nullptr;
    int64_t bytes = 0;
};

// a = bias[o], then for k ascending a = fma(w[o][k], x[r][k], a).
struct LinearF32 {
    const float *x;
    int64_t x_stride, rows, k;
    const float *panels;  // pack_f32
    int64_t n;
    const float *bias;  // panel_columns(n) of them, or null: 0
    Epilogue epilogue;
    float *y;
    int64_t y_stride;
    Ahead ahead = {};
};

// One scale a row. symmetric: m = max|x|, scale = m / 127, q = 128 + round_half_even(x * (127 / m)). Else, with t = x
// (nonnegative) or x + 0.17f (gelu), and 0 where t is not above 0: m = max t, scale = m / 255, q =
// round_half_even(t * (255 / m)). m == 0: scale 0 and q as for x = 0 (t = 0). m below 2^-119, where m / 127 loses bits
// or 127 / m overflows, counts as 0. A row with a NaN or an infinity has scale NaN and q as for 0, so that the layer's
// outputs are NaN. The bytes from k to the next multiple of 4 are those of m == 0.
struct QuantiseRows {
    const float *x;
    int64_t x_stride, rows, k;
    Range range;
    uint8_t *q;        // ceil(k / 4) * 4 bytes of each row are written
    int64_t q_stride;  // bytes
    float *scale;      // a row
};

// With integers, exactly: i = start[o] + sum over k of x[r][k] * w[o][k]; a = fma(float(i), x_scale[r] * w_scale[o],
// shift[o]). k <= 65,536.
struct LinearI8 {
    const uint8_t *x;  // ceil(k / 4) * 4 bytes a row, as quantise_rows writes them
    int64_t x_stride;
    const float *x_scale;
    int64_t rows, k;
    const int8_t *panels;  // pack_i8
    bool pairs_fit;        // int8_pairs_fit(panels): quicker where VNNI is missing
    int64_t n;
    const float *w_scale;  // panel_columns(n) of each of the three; start and shift from int8_start
    const int32_t *start;
    const float *shift;
    Epilogue epilogue;
    float *y;
    int64_t y_stride;
    Ahead ahead = {};
};

// q = to_bf16(x); where k is odd one zero follows.
struct RoundRowsBf16 {
    const float *x;
    int64_t x_stride, rows, k;
    uint16_t *q;  // ceil(k / 2) * 2 of each row are written
    int64_t q_stride;
};

// a = bias[o], then for pairs of k ascending VDPBF16PS: a = flush(fma(w[o][2i + 1], x[r][2i + 1], a)), a =
// flush(fma(w[o][2i], x[r][2i], a)); denormals of the operands count as 0, and flush makes them 0.
// At level amx TDPBF16PS, for 32 of k at a time (zeros past the last): e = o = 0, then for their pairs ascending e =
// flush(fma(w[o][2i], x[r][2i], e)), o = flush(fma(w[o][2i + 1], x[r][2i + 1], o)); then a = flush(a + flush(e + o)).
struct LinearBf16 {
    const uint16_t *x;  // ceil(k / 2) * 2 a row
    int64_t x_stride, rows, k;
    const uint16_t *panels;  // pack_bf16
    int64_t n;
    const float *bias;  // panel_columns(n) of them, or null: 0
    Epilogue epilogue;
    float *y;
    int64_t y_stride;
    Ahead ahead = {};
};

enum class MaskKind : uint8_t { none, additive, boolean };

// Attention of one batch row, head by head. For query m and each key n (causal: n <= m only; keys past m take no part):
//   s = 0, then for d ascending s = fma(k[n][d], q[m][d] * scale, s); additive: s = s + mask; boolean: s = -inf where
//   the mask is 0; p = exp(s - max s); sum: 16 lanes, as sum_last; a = 0, then for n ascending a = fma(v[n][j], p, a);
//   out[m][j] = a * (1 / sum).
// Where every s is -inf (or there is no key) the result is NaN, or 0 where zero_when_empty is set.
struct Attention {
    const float *q, *k, *v;
    int64_t q_row, q_head, k_row, k_head, v_row, v_head;  // strides; the innermost is 1
    int64_t heads, queries, keys, dim, value_dim;
    float scale;
    bool causal;
    bool zero_when_empty;
    MaskKind mask_kind;
    const void *mask;                         // float (additive) or uint8 (boolean: not 0 = may attend)
    int64_t mask_head, mask_query, mask_key;  // strides in elements; mask_key is 0 or 1, the others anything
    float *out;
    int64_t out_row, out_head;
    void *scratch;  // attention_scratch_bytes, 64-byte aligned
};

// One step of a recurrence, after its product a = W h' + b (a linear layer's row): a row has the gates' parts in the
// order of LibTorch, each `width` wide, u = x + a for each of them, and h' (of lstm then c') is the state before it.
//   lstm: c = fma(sigmoid(u_f), c', sigmoid(u_i) * tanh(u_g)); h = sigmoid(u_o) * tanh(c); parts i, f, g, o
//   gru: n = tanh(fma(sigmoid(u_r), a_n, x_n)); h = fma(sigmoid(u_z), h' - n, n); parts r, z, n
//   tanh: h = tanh(u); relu: h = relu(u)
struct Gates {
    Recurrence cell;
    const float *x;
    int64_t x_stride;
    const float *a;  // or null: 0
    int64_t a_stride;
    const float *before;  // h', then c'; or null: 0
    int64_t before_stride;
    int64_t rows, width;
    float *y;  // h, then c: states_of(cell) * width
    int64_t y_stride;
};

// mean = sum_last(x) / w; variance = the same lanes of fma(d, d, lane), d = x - mean, / w; r = 1 / sqrt(variance +
// epsilon); t = (x - mean) * r; y = fma(t, gamma, beta), t * gamma, t + beta or t, by what is given.
struct LayerNorm {
    const float *x;
    int64_t x_stride, rows, width;
    const float *gamma, *beta;  // or null
    float epsilon;
    float *y;
    int64_t y_stride;
};

// One row at a time over its n elements. sum: 16 lanes from 0, element i to lane i % 16, then lane[j] += lane[j + 8],
// 4, 2, 1. max, min: exact; a NaN wins; 16 lanes too, from -inf or inf, which only decides the sign of a zero.
struct Reduce {
    const float *x;
    int64_t x_stride, rows, n;
    float *y;  // one a row
};

// m = max, p = exp(x - m), y = p / sum(p).
struct Softmax {
    const float *x;
    int64_t x_stride, rows, n;
    float *y;
    int64_t y_stride;
};

// The operators of floats that have a kernel, element by element, with their numbers.
enum class Unary : uint8_t {
#define WB_OPERATOR(...)
#define WB_BINARY(...)
#define WB_UNARY(name, number, ...) name = number,
#include "graph/operators.def"
};
enum class Binary : uint8_t {
#define WB_OPERATOR(...)
#define WB_UNARY(...)
#define WB_BINARY(name, number, ...) name = number,
#include "graph/operators.def"
};
inline constexpr Unary kUnaries[] = {
#define WB_OPERATOR(...)
#define WB_BINARY(...)
#define WB_UNARY(name, ...) Unary::name,
#include "graph/operators.def"
};
inline constexpr Binary kBinaries[] = {
#define WB_OPERATOR(...)
#define WB_UNARY(...)
#define WB_BINARY(name, ...) Binary::name,
#include "graph/operators.def"
};

// softplus: a = beta, b = threshold; leaky_relu: a = slope; elu: a = alpha; clamp: a = least, b = most.
struct UnaryParams {
    float a = 0, b = 0;
};

// a to the power b, as torch (and C's pow) has it, through numerics' double exp and log.
float power(float a, float b) noexcept;

}  // namespace weighbridge::lib::kernel

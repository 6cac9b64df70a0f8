// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "graph/activation.hpp"

namespace weighbridge::lib {

// The one layout of packed weights, for every CPU level: 32 outputs ("columns") a panel, and in a panel the words of
// each input in ascending order. A word is 32 bits: 1 float, 2 bf16 or 4 int8 of consecutive inputs of one output. What
// is past n or k is zero. A panel's address is a multiple of 64 where the buffer's is.
//   float [ceil(n/32)][k][32], bf16 [ceil(n/32)][ceil(k/2)][32][2], int8 [ceil(n/32)][ceil(k/4)][32][4]
inline constexpr int64_t kPanelColumns = 32;

// Inlined everywhere: a copy made in a file with a CPU level's flags must not serve the others.
[[gnu::always_inline]] constexpr int64_t panel_columns(int64_t n) {
    return (n + kPanelColumns - 1) / kPanelColumns * kPanelColumns;
}
constexpr int64_t panel_elements_f32(int64_t n, int64_t k) { return panel_columns(n) * k; }
constexpr int64_t panel_elements_bf16(int64_t n, int64_t k) { return panel_columns(n) * ((k + 1) / 2) * 2; }
constexpr int64_t panel_elements_i8(int64_t n, int64_t k) { return panel_columns(n) * ((k + 3) / 4) * 4; }

// Row-major weights [n][k], `stride` elements from row to row, to and from panels. Unpacking gives what was packed.
void pack_f32(const float *weights, int64_t stride, int64_t n, int64_t k, float *panels);
void unpack_f32(const float *panels, int64_t n, int64_t k, float *weights, int64_t stride);
void pack_bf16(const uint16_t *weights, int64_t stride, int64_t n, int64_t k, uint16_t *panels);
void unpack_bf16(const uint16_t *panels, int64_t n, int64_t k, uint16_t *weights, int64_t stride);
void pack_i8(const int8_t *weights, int64_t stride, int64_t n, int64_t k, int8_t *panels);
void unpack_i8(const int8_t *panels, int64_t n, int64_t k, int8_t *weights, int64_t stride);

// Whether everything past n or k is zero, as kernels that take whole words and panels count on.
bool ends_in_zeros(const float *panels, int64_t n, int64_t k);
bool ends_in_zeros(const uint16_t *panels, int64_t n, int64_t k);
bool ends_in_zeros(const int8_t *panels, int64_t n, int64_t k);

// The nearest bf16, ties to even; a NaN stays a NaN (its quiet bit is set). Denormals are kept.
uint16_t to_bf16(float x);
float from_bf16(uint16_t x);

inline constexpr float kGeluOffset = 0.17f;  // what Range::gelu adds to a layer's inputs

// One output's weights: m = max|w|, or, where that is more, 127 / 127.99 of the largest sum of two weights of one sign
// at places 2i and 2i + 1; scale = m / 127, q = round_half_even(w * (127 / m)) in [-127, 127]; all zero, with scale 0,
// where m is 0. So no two such q sum to more than 128 or less than -128 (int8_pairs_fit); the step grows by a factor of
// 1.2 where weights are normal, and at most 2. The weights are finite.
void quantise_weights(const float *weights, int64_t k, int8_t *q, float *scale);

// Whether no pair of neighbours, times activations of 0 to 255, can leave 16 bits: the positive ones of q[2i] and
// q[2i + 1] sum to 128 at most, the negative ones to -128 at least. What VPMADDUBSW, which saturates, then has exactly.
bool int8_pairs_fit(const int8_t *panels, int64_t n, int64_t k);

// What linear_i8 adds, made once at load. start and shift have panel_columns(n) elements; w_scale and bias n; bias may
// be null, which is 0. With colsum[o] = sum over k of the weights of output o:
//   symmetric: start = -128 * colsum, shift = bias     nonnegative: start = 0, shift = bias
//   gelu:      start = 0, shift = fma(-0.17f, w_scale * float(colsum), bias)
// column_sums is the part that takes its time, and the same for each layer that shares the weights: panel_columns(n).
void column_sums(const int8_t *panels, int64_t n, int64_t k, int32_t *colsum);
void int8_start(Range range, const int32_t *colsum, int64_t n, const float *w_scale, const float *bias, int32_t *start,
                float *shift);

}  // namespace weighbridge::lib

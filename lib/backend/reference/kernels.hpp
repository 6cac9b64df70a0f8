// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "tensor/tensor.hpp"

namespace weighbridge::lib::reference {

// One operation each over `rows` dense rows, numerics v1: lib/plan/README.md states every formula and its order. A
// row's result depends on that row alone. `y` does not overlap an operand.

struct Matrix {  // row-major
    const float *data;
    int64_t rows, columns;
};

// y: [rows][count * table.columns]. False, with y unspecified, where an index is outside [0, table.rows).
bool embedding(const void *indices, DType dtype, int64_t rows, int64_t count, Matrix table, float *y);

void linear(const float *x, int64_t rows, Matrix weights, const float *bias, float *y);
void layer_norm(const float *x, int64_t rows, int64_t width, const float *scale, const float *shift, float epsilon,
                float *y);
void affine(const float *x, int64_t rows, int64_t width, const float *scale, const float *shift, float *y);

void add(const float *a, const float *b, int64_t elements, float *y);
void relu(const float *x, int64_t elements, float *y);
void sigmoid(const float *x, int64_t elements, float *y);
void tanh(const float *x, int64_t elements, float *y);
void gelu(const float *x, int64_t elements, float *y);
void cast(const void *x, DType dtype, int64_t elements, float *y);

// Copies `width` columns of each row.
void copy_columns(const float *x, int64_t x_stride, int64_t rows, int64_t width, float *y, int64_t y_stride);

}  // namespace weighbridge::lib::reference

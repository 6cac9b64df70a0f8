// SPDX-License-Identifier: Apache-2.0
#include "backend/reference/kernels.hpp"

#include <algorithm>
#include <cmath>

#include "base/numerics.hpp"

namespace weighbridge::lib::reference {
namespace {

constexpr int kLanes = 16;  // numerics v1: of every reduction, whatever the CPU's vectors

// Element i goes to lane i % 16 in ascending order; then lanes are added in halves: 8, 4, 2, 1 apart.
template <class Accumulate>
float reduce(int64_t width, Accumulate &&accumulate) {
    float lanes[kLanes] = {};
    for (int64_t i = 0; i < width; ++i) lanes[i % kLanes] = accumulate(lanes[i % kLanes], i);
    for (int apart = kLanes / 2; apart > 0; apart /= 2)
        for (int lane = 0; lane < apart; ++lane) lanes[lane] = lanes[lane] + lanes[lane + apart];
    return lanes[0];
}

template <class Index>
bool look_up(const Index *indices, int64_t count, Matrix table, float *y) {
    for (int64_t i = 0; i < count; ++i) {
        int64_t index = indices[i];
        if (index < 0 || index >= table.rows) return false;
        std::copy_n(table.data + index * table.columns, table.columns, y + i * table.columns);
    }
    return true;
}

template <class From>
void convert(const From *x, int64_t elements, float *y) {
    for (int64_t i = 0; i < elements; ++i) y[i] = static_cast<float>(x[i]);
}

}  // namespace

bool embedding(const void *indices, DType dtype, int64_t rows, int64_t count, Matrix table, float *y) {
    if (dtype == DType::int32) return look_up(static_cast<const int32_t *>(indices), rows * count, table, y);
    return look_up(static_cast<const int64_t *>(indices), rows * count, table, y);
}

void linear(const float *x, int64_t rows, Matrix weights, const float *bias, float *y) {
    for (int64_t row = 0; row < rows; ++row) {
        const float *in = x + row * weights.columns;
        for (int64_t out = 0; out < weights.rows; ++out) {
            const float *w = weights.data + out * weights.columns;
            float sum = bias[out];
            for (int64_t k = 0; k < weights.columns; ++k) sum = std::fma(w[k], in[k], sum);
            y[row * weights.rows + out] = sum;
        }
    }
}

void layer_norm(const float *x, int64_t rows, int64_t width, const float *scale, const float *shift, float epsilon,
                float *y) {
    auto count = static_cast<float>(width);
    for (int64_t row = 0; row < rows; ++row, x += width, y += width) {
        float mean = reduce(width, [&](float sum, int64_t i) { return sum + x[i]; }) / count;
        float variance = reduce(width,
                                [&](float sum, int64_t i) {
                                    float difference = x[i] - mean;
                                    return std::fma(difference, difference, sum);
                                }) /
                         count;
        float inverse = 1.0f / std::sqrt(variance + epsilon);
        for (int64_t i = 0; i < width; ++i) y[i] = std::fma((x[i] - mean) * inverse, scale[i], shift[i]);
    }
}

void affine(const float *x, int64_t rows, int64_t width, const float *scale, const float *shift, float *y) {
    for (int64_t row = 0; row < rows; ++row, x += width, y += width)
        for (int64_t i = 0; i < width; ++i) y[i] = std::fma(x[i], scale[i], shift[i]);
}

void add(const float *a, const float *b, int64_t elements, float *y) {
    for (int64_t i = 0; i < elements; ++i) y[i] = a[i] + b[i];
}

void relu(const float *x, int64_t elements, float *y) {
    for (int64_t i = 0; i < elements; ++i) y[i] = x[i] < 0.0f ? 0.0f : x[i];
}

void sigmoid(const float *x, int64_t elements, float *y) {
    for (int64_t i = 0; i < elements; ++i) y[i] = numerics::sigmoid(x[i]);
}

void tanh(const float *x, int64_t elements, float *y) {
    for (int64_t i = 0; i < elements; ++i) y[i] = numerics::tanh(x[i]);
}

void gelu(const float *x, int64_t elements, float *y) {
    constexpr float kInverseRootTwo = 0.70710678118654752440f;
    for (int64_t i = 0; i < elements; ++i) y[i] = 0.5f * x[i] * (1.0f + numerics::erf(x[i] * kInverseRootTwo));
}

void cast(const void *x, DType dtype, int64_t elements, float *y) {
    switch (dtype) {
        case DType::float32:
            return convert(static_cast<const float *>(x), elements, y);
        case DType::float64:
            return convert(static_cast<const double *>(x), elements, y);
        case DType::int64:
            return convert(static_cast<const int64_t *>(x), elements, y);
        case DType::int32:
            return convert(static_cast<const int32_t *>(x), elements, y);
        case DType::boolean: {
            auto *bytes = static_cast<const uint8_t *>(x);
            for (int64_t i = 0; i < elements; ++i) y[i] = bytes[i] != 0 ? 1.0f : 0.0f;
            return;
        }
    }
}

void copy_columns(const float *x, int64_t x_stride, int64_t rows, int64_t width, float *y, int64_t y_stride) {
    for (int64_t row = 0; row < rows; ++row) std::copy_n(x + row * x_stride, width, y + row * y_stride);
}

}  // namespace weighbridge::lib::reference

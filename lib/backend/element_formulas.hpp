// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backend/formulas.hpp"
#include "backend/kernel_arguments.hpp"

// The operators of floats by their enumerators, for the reference twins and the device kernels.
namespace weighbridge::lib::formulas {

WB_HOST_DEVICE inline float activated(Activation activation, float slope, float x) {
    switch (activation) {
        case Activation::none:
            return x;
        case Activation::relu:
            return relu(x);
        case Activation::gelu:
            return gelu(x);
        case Activation::gelu_tanh:
            return gelu_tanh(x);
        case Activation::silu:
            return silu(x);
        case Activation::tanh:
            return tanh(x);
        case Activation::sigmoid:
            return sigmoid(x);
        case Activation::leaky_relu:
            return leaky_relu(x, slope);
    }
    return x;
}

WB_HOST_DEVICE inline float rounded(kernel::Unary op, float x) {
    using kernel::Unary;
    if (op == Unary::floor) return ::floorf(x);
    if (op == Unary::ceil) return ::ceilf(x);
    if (op == Unary::round) return ::nearbyintf(x);
    return op == Unary::round_float16 ? numerics::formulas::round_float16(x) : numerics::formulas::round_bfloat16(x);
}

WB_HOST_DEVICE inline float applied(kernel::Unary op, kernel::UnaryParams p, float x) {
    using kernel::Unary;
    switch (op) {
        case Unary::neg:
            return -x;
        case Unary::abs:
            return magnitude(x);
        case Unary::exp:
            return exp(x);
        case Unary::log:
            return log(x);
        case Unary::log1p:
            return log1p(x);
        case Unary::sqrt:
            return ::sqrtf(x);
        case Unary::rsqrt:
            return 1.0f / ::sqrtf(x);
        case Unary::reciprocal:
            return 1.0f / x;
        case Unary::sin:
            return sin(x);
        case Unary::cos:
            return cos(x);
        case Unary::tanh:
            return tanh(x);
        case Unary::sigmoid:
            return sigmoid(x);
        case Unary::erf:
            return erf(x);
        case Unary::relu:
            return relu(x);
        case Unary::gelu:
            return gelu(x);
        case Unary::gelu_tanh:
            return gelu_tanh(x);
        case Unary::silu:
            return silu(x);
        case Unary::softplus:
            return softplus(x, p.a, p.b);
        case Unary::leaky_relu:
            return leaky_relu(x, p.a);
        case Unary::elu:
            return elu(x, p.a);
        case Unary::sign:
            return sign(x);
        case Unary::square:
            return x * x;
        case Unary::clamp:
            return clamp(x, p.a, p.b);
        case Unary::floor:
        case Unary::ceil:
        case Unary::round:
        case Unary::round_float16:
        case Unary::round_bfloat16:
            return rounded(op, x);
    }
    return x;
}

WB_HOST_DEVICE inline float applied(kernel::Binary op, float a, float b) {
    using kernel::Binary;
    switch (op) {
        case Binary::add:
            return a + b;
        case Binary::sub:
            return a - b;
        case Binary::mul:
            return a * b;
        case Binary::div:
            return a / b;
        case Binary::minimum:
            return minimum(a, b);
        case Binary::maximum:
            return maximum(a, b);
        case Binary::pow:
            return power(a, b);
    }
    return a;
}

// A unit of a recurrence after a step, as kernel::Gates says: x and a are those of its first part, and the other parts
// lie `width` apart.
struct UnitState {
    float h = 0, c = 0;
};
WB_HOST_DEVICE inline UnitState stepped(Recurrence cell, const float *x, const float *a, int64_t width,
                                        UnitState before) {
    const auto product = [&](int part) { return a ? a[part * width] : 0.0f; };
    const auto gate = [&](int part) { return x[part * width] + product(part); };
    switch (cell) {
        case Recurrence::lstm: {
            const float c = fused(sigmoid(gate(1)), before.c, sigmoid(gate(0)) * tanh(gate(2)));
            return {sigmoid(gate(3)) * tanh(c), c};
        }
        case Recurrence::gru: {
            const float n = tanh(fused(sigmoid(gate(0)), product(2), x[2 * width]));
            return {fused(sigmoid(gate(1)), before.h - n, n), 0};
        }
        case Recurrence::tanh:
            return {tanh(gate(0)), 0};
        case Recurrence::relu:
            return {relu(gate(0)), 0};
    }
    return before;
}

}  // namespace weighbridge::lib::formulas

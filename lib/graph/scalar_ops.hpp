// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "base/numerics.hpp"
#include "graph/graph.hpp"

// One element of the operators that every backend computes alike: integers, bools, comparisons, all of float64, and
// float arithmetic that IEEE 754 decides.
namespace weighbridge::lib::scalar {

// Calls with a value of the C++ type of a dtype that is computed with.
template <class Call>
void with_type(DType dtype, Call &&call) {
    switch (dtype) {
        case DType::float32:
            return call(float{});
        case DType::float64:
            return call(double{});
        case DType::int64:
            return call(int64_t{});
        case DType::int32:
            return call(int32_t{});
        case DType::boolean:
            return call(uint8_t{});
    }
}

// Integers wrap, as PyTorch's do.
template <class T>
T wrapped(T a, T b, Op op) {
    if constexpr (std::is_same_v<T, int64_t>) {
        const auto x = static_cast<uint64_t>(a), y = static_cast<uint64_t>(b);
        return static_cast<int64_t>(op == Op::add ? x + y : op == Op::sub ? x - y : x * y);
    } else {
        return static_cast<T>(op == Op::add ? a + b : op == Op::sub ? a - b : a * b);
    }
}

template <class T>
T larger(T a, T b) {
    return a != a || a > b ? a : b;  // a NaN wins
}
template <class T>
T smaller(T a, T b) {
    return a != a || a < b ? a : b;
}

inline int64_t floored_quotient(int64_t a, int64_t b) {
    if (b == -1) return static_cast<int64_t>(0 - static_cast<uint64_t>(a));
    const int64_t q = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

template <class T>
T arithmetic(Op op, T a, T b) {
    switch (op) {
        case Op::minimum:
            return b != b ? b : smaller(a, b);
        case Op::maximum:
            return b != b ? b : larger(a, b);
        case Op::div:
            if constexpr (std::is_floating_point_v<T>) return a / b;
            return T{};
        case Op::floor_divide:
            if constexpr (std::is_same_v<T, int64_t>) return floored_quotient(a, b);
            return T{};
        case Op::remainder:
            if constexpr (std::is_same_v<T, int64_t>)
                return static_cast<int64_t>(static_cast<uint64_t>(a) -
                                            static_cast<uint64_t>(floored_quotient(a, b)) * static_cast<uint64_t>(b));
            return T{};
        default:
            return wrapped(a, b, op);
    }
}

template <class T>
uint8_t compared(Op op, T a, T b) {
    switch (op) {
        case Op::equal:
            return a == b;
        case Op::not_equal:
            return a != b;
        case Op::less:
            return a < b;
        case Op::less_equal:
            return a <= b;
        case Op::greater:
            return a > b;
        case Op::greater_equal:
            return a >= b;
        case Op::logical_and:
            return a != 0 && b != 0;
        case Op::logical_or:
            return a != 0 || b != 0;
        default:
            return (a != T{}) != (b != T{});
    }
}

template <class T, class U>
U converted(T value) {
    if constexpr (std::is_same_v<U, uint8_t>) return value != T{};
    if constexpr (std::is_same_v<U, int64_t> && std::is_floating_point_v<T>) {
        // Beyond int64 there is nothing to agree with: PyTorch's answer depends on the CPU.
        if (!(value > T(-0x1p63) && value < T(0x1p63))) return std::numeric_limits<int64_t>::min();
    }
    return static_cast<U>(value);
}

// Of float64, those that only floats have.
inline double function_of(Op op, double x) {
    switch (op) {
        case Op::exp:
            return numerics::exp(x);
        case Op::log:
            return numerics::log(x);
        case Op::log1p:
            return numerics::log1p(x);
        case Op::sqrt:
            return std::sqrt(x);
        case Op::rsqrt:
            return 1.0 / std::sqrt(x);
        case Op::reciprocal:
            return 1.0 / x;
        case Op::sin:
            return numerics::sin(x);
        case Op::cos:
            return numerics::cos(x);
        case Op::tanh:
            return numerics::tanh(x);
        case Op::sigmoid:
            return numerics::sigmoid(x);
        case Op::erf:
            return numerics::erf(x);
        case Op::relu:
            return x < 0 ? 0.0 : x;
        case Op::floor:
            return std::floor(x);
        case Op::ceil:
            return std::ceil(x);
        default:  // round
            return std::nearbyint(x);
    }
}

// One element of an operator of one operand but cast; of float32 neg, abs, sign, square and clamp only.
template <class T>
T changed(const Node &node, T value) {
    auto negated = [&] {
        if constexpr (std::is_floating_point_v<T>)
            return -value;
        else
            return wrapped(T{}, value, Op::sub);
    };
    switch (node.op) {
        case Op::logical_not:
            return static_cast<T>(value == T{});
        case Op::neg:
            return negated();
        case Op::abs:
            return value < T{} ? negated() : value == T{} ? T{} : value;
        case Op::sign:
            return value != value ? value : static_cast<T>((value > T{}) - (value < T{}));
        case Op::square:
            return wrapped(value, value, Op::mul);
        default:
            break;
        case Op::clamp: {  // a bound may be infinite
            const double least = node.attributes.least, largest = node.attributes.largest;
            if (static_cast<double>(value) < least) value = static_cast<T>(least);
            if (static_cast<double>(value) > largest) value = static_cast<T>(largest);
            return value;
        }
    }
    if constexpr (std::is_same_v<T, double>) return function_of(node.op, value);
    return value;
}

// The place of the first largest of `size` elements, `step` apart; a NaN is larger than any number.
template <class T>
int64_t argmax(const T *from, int64_t step, int64_t size) {
    int64_t best = 0;
    for (int64_t i = 1; i < size; ++i) {
        const T value = from[i * step], held = from[best * step];
        if (value > held || (value != value && held == held)) best = i;
    }
    return best;
}

// cumsum and the reductions of `size` elements in ascending order. The sum of none is 0, the largest of none the least
// that T holds.
template <class T>
void along(Op op, const T *from, int64_t step, int64_t size, T *to, int64_t to_step) {
    if (op == Op::cumsum || op == Op::reduce_sum || op == Op::reduce_mean) {
        T sum{};
        for (int64_t i = 0; i < size; ++i) {
            sum = wrapped(sum, from[i * step], Op::add);
            if (op == Op::cumsum) to[i * to_step] = sum;
        }
        if (op == Op::reduce_sum) *to = sum;
        if constexpr (std::is_floating_point_v<T>)
            if (op == Op::reduce_mean) *to = sum / static_cast<T>(size);
        return;
    }
    const bool most = op == Op::reduce_max;
    T found = std::is_floating_point_v<T>  ? static_cast<T>(most ? -INFINITY : INFINITY)
              : std::is_same_v<T, uint8_t> ? static_cast<T>(!most)
                                           : (most ? std::numeric_limits<T>::min() : std::numeric_limits<T>::max());
    for (int64_t i = 0; i < size; ++i) found = arithmetic(most ? Op::maximum : Op::minimum, found, from[i * step]);
    *to = found;
}

}  // namespace weighbridge::lib::scalar

// SPDX-License-Identifier: Apache-2.0
// Element by element: unary and binary operations, and reductions over outer axes.
#pragma once

namespace weighbridge::lib::native::WB_LEVEL {

WB_INLINE F sign(F x) {  // a NaN is neither: 0, as torch has it
    F zero = set(0.0f), one = set(1.0f);
    return sub(choose(less(zero, x), one, zero), choose(less(x, zero), one, zero));
}

static void softplus(UnaryParams p, const float *x, float *y, int64_t n) noexcept {
    for (int64_t i = 0; i < n; i += 16) {
        alignas(64) float in[16], grown[16];
        const int64_t here = least(16, n - i);
        F value = load_n(x + i, here), z = mul(value, set(p.a));
        store(in, value);
        store(grown, exp(z));
        for (int64_t j = 0; j < here; ++j) y[i + j] = in[j] * p.a > p.b ? in[j] : numerics::log1p(grown[j]) / p.a;
    }
}

static void unary(Unary op, UnaryParams p, const float *x, float *y, int64_t n) noexcept {
#define WB_UNARY(name, ...) \
    case Unary::name:       \
        return each(x, y, n, [&](F a) WB_LAMBDA { return __VA_ARGS__; })
#define WB_SCALAR(name)                                              \
    case Unary::name:                                                \
        for (int64_t i = 0; i < n; ++i) y[i] = numerics::name(x[i]); \
        return
    switch (op) {
        WB_UNARY(neg, negate(a));
        WB_UNARY(abs, abs(a));
        WB_UNARY(exp, exp(a));
        WB_SCALAR(log);
        WB_SCALAR(log1p);
        WB_UNARY(sqrt, sqrt(a));
        WB_UNARY(rsqrt, div(set(1.0f), sqrt(a)));
        WB_UNARY(reciprocal, div(set(1.0f), a));
        WB_UNARY(tanh, tanh(a));
        WB_UNARY(sigmoid, sigmoid(a));
        WB_UNARY(erf, erf(a));
        WB_UNARY(relu, relu(a));
        WB_UNARY(gelu, gelu(a));
        WB_UNARY(gelu_tanh, gelu_tanh(a));
        WB_UNARY(silu, silu(a));
        case Unary::softplus:
            return softplus(p, x, y, n);
        case Unary::sin:
            return waves<true>(x, y, n);
        case Unary::cos:
            return waves<false>(x, y, n);
            WB_UNARY(leaky_relu, leaky_relu(a, set(p.a)));
            WB_UNARY(elu, elu(a, set(p.a)));
            WB_UNARY(floor, floor(a));
            WB_UNARY(ceil, ceil(a));
            WB_UNARY(round, round(a));
            WB_UNARY(sign, sign(a));
            WB_UNARY(square, mul(a, a));
            WB_UNARY(clamp, min_or_second(set(p.b), max_or_second(set(p.a), a)));
            WB_SCALAR(round_float16);
            WB_SCALAR(round_bfloat16);
    }
#undef WB_UNARY
#undef WB_SCALAR
}

template <class Function>
WB_INLINE void pairs(const float *a, int64_t a_step, const float *b, int64_t b_step, float *y, int64_t n, Function f) {
    if (n <= 0) return;
    const F one_a = set(*a), one_b = set(*b);
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) store(y + i, f(a_step ? load(a + i) : one_a, b_step ? load(b + i) : one_b));
    if (int64_t rest = n - i; rest > 0)
        store_n(y + i, f(a_step ? load_n(a + i, rest) : one_a, b_step ? load_n(b + i, rest) : one_b), rest);
}

static void binary(Binary op, const float *a, int64_t a_step, const float *b, int64_t b_step, float *y,
                   int64_t n) noexcept {
#define WB_PAIRS(name, ...) \
    case Binary::name:      \
        return pairs(a, a_step, b, b_step, y, n, [](F u, F v) WB_LAMBDA { return __VA_ARGS__; })
    switch (op) {
        WB_PAIRS(add, add(u, v));
        WB_PAIRS(sub, sub(u, v));
        WB_PAIRS(mul, mul(u, v));
        WB_PAIRS(div, div(u, v));
        WB_PAIRS(minimum, minimum(u, v));
        WB_PAIRS(maximum, maximum(u, v));
        case Binary::pow:
            for (int64_t i = 0; i < n; ++i) y[i] = power(a[i * a_step], b[i * b_step]);
            return;
    }
#undef WB_PAIRS
}

static void add_rows(const float *x, float *y, int64_t n) noexcept { binary(Binary::add, y, 1, x, 1, y, n); }
static void max_rows(const float *x, float *y, int64_t n) noexcept { binary(Binary::maximum, y, 1, x, 1, y, n); }
static void min_rows(const float *x, float *y, int64_t n) noexcept { binary(Binary::minimum, y, 1, x, 1, y, n); }

}  // namespace weighbridge::lib::native::WB_LEVEL

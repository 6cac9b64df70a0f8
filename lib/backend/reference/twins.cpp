// SPDX-License-Identifier: Apache-2.0
#include "backend/reference/twins.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "backend/element_formulas.hpp"

namespace weighbridge::lib::reference::twins {
namespace {

constexpr int kLanes = 16;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// Element i in lane i % 16, ascending, by step(lane, i); then combine lanes 8, 4, 2 and 1 apart.
template <class Step, class Combine>
float reduce(int64_t n, float start, Step step, Combine combine) {
    float lane[kLanes];
    for (float &l : lane) l = start;
    for (int64_t i = 0; i < n; ++i) lane[i % kLanes] = step(lane[i % kLanes], i);
    for (int apart = kLanes / 2; apart > 0; apart /= 2)
        for (int j = 0; j < apart; ++j) lane[j] = combine(lane[j], lane[j + apart]);
    return lane[0];
}

float plus(float a, float b) { return a + b; }
float sum(const float *x, int64_t n) {
    return reduce(
        n, 0.0f, [&](float lane, int64_t i) { return lane + x[i]; }, plus);
}
float most(const float *x, int64_t n) {
    return reduce(
        n, -kInfinity, [&](float lane, int64_t i) { return formulas::maximum(lane, x[i]); }, formulas::maximum);
}
float least(const float *x, int64_t n) {
    return reduce(
        n, kInfinity, [&](float lane, int64_t i) { return formulas::minimum(lane, x[i]); }, formulas::minimum);
}

template <class Layer, class Accumulate>
void each_output(const Layer &l, Accumulate accumulate) {
    for (int64_t row = 0; row < l.rows; ++row)
        for (int64_t out = 0; out < l.n; ++out) {
            float y = formulas::activated(l.epilogue.activation, l.epilogue.slope, accumulate(row, out));
            if (l.epilogue.residual) y = y + l.epilogue.residual[row * l.epilogue.residual_stride + out];
            l.y[row * l.y_stride + out] = y;
        }
}

// Where input k of output `out` lies in panels whose words hold `group` inputs.
int64_t place(int64_t out, int64_t k, int64_t inputs, int64_t group) {
    int64_t words = (inputs + group - 1) / group;
    return ((out / 32 * words + k / group) * 32 + out % 32) * group + k % group;
}

float flush(float x) { return std::fabs(x) < std::numeric_limits<float>::min() ? std::copysign(0.0f, x) : x; }

// One lane of VDPBF16PS: the odd products first, fused, denormals in and out as zeros (Intel SDM).
float dot_bf16(float sum, uint16_t w0, uint16_t w1, uint16_t x0, uint16_t x1) {
    sum = flush(std::fma(flush(from_bf16(w1)), flush(from_bf16(x1)), flush(sum)));
    return flush(std::fma(flush(from_bf16(w0)), flush(from_bf16(x0)), sum));
}

// A sum over `count` products of w(k) by x(k), as the instructions have it; both give 0 at `count` where that is odd.
struct SumOfPairs {
    template <class W, class X>
    float operator()(float sum, int64_t count, W w, X x) const {
        for (int64_t k = 0; k < count; k += 2) sum = dot_bf16(sum, w(k), w(k + 1), x(k), x(k + 1));
        return sum;
    }
};
// TDPBF16PS (Intel SDM) on 32 inputs at a time, zeros past the last: the even and the odd products each from 0, fused;
// then the two together; then on the sum. Denormals in and out as zeros.
struct SumOfTiles {
    template <class W, class X>
    float operator()(float sum, int64_t count, W w, X x) const {
        constexpr int64_t kStep = 32;
        const int64_t padded = (count + 1) / 2 * 2;
        for (int64_t begin = 0; begin < count; begin += kStep) {
            float part[2] = {0, 0};
            for (int64_t k = begin; k < begin + kStep; ++k) {
                const float a = k < padded ? from_bf16(w(k)) : 0.0f, b = k < padded ? from_bf16(x(k)) : 0.0f;
                part[k % 2] = flush(std::fma(flush(a), flush(b), part[k % 2]));
            }
            sum = flush(flush(sum) + flush(part[0] + part[1]));
        }
        return sum;
    }
};

// A GPU's tensor cores, 16 inputs at a time, zeros past the last; a zero is +0.
struct SumOfTensorCores {
    TensorSums sums;

    template <class W, class X>
    float operator()(float sum, int64_t count, W w, X x) const {
        const int64_t padded = (count + 1) / 2 * 2;
        for (int64_t begin = 0; begin < count; begin += kTensorStep) {
            uint16_t a[kTensorStep] = {}, b[kTensorStep] = {};
            for (int64_t k = begin; k < std::min(padded, begin + kTensorStep); ++k) {
                a[k - begin] = tensor_operand(x(k));
                b[k - begin] = tensor_operand(w(k));
            }
            sum = multiplied(sums, a, b, sum);
        }
        return sum + 0.0f;
    }
};

// Scores to weights in place; 1 / their sum.
float weigh(const kernel::Attention &a, int64_t head, int64_t query, int64_t count, float *s) {
    int64_t mask_at = head * a.mask_head + query * a.mask_query;
    float top = -kInfinity;
    for (int64_t n = 0; n < count; ++n) {
        if (a.mask_kind == kernel::MaskKind::additive)
            s[n] = s[n] + static_cast<const float *>(a.mask)[mask_at + n * a.mask_key];
        if (a.mask_kind == kernel::MaskKind::boolean && !static_cast<const uint8_t *>(a.mask)[mask_at + n * a.mask_key])
            s[n] = -kInfinity;
        if (s[n] > top) top = s[n];
    }
    if (top == -kInfinity) top = 0;
    for (int64_t n = 0; n < count; ++n) s[n] = formulas::exp(s[n] - top);
    return 1.0f / sum(s, count);
}

template <class Sum>
void linear_bf16_by(const kernel::LinearBf16 &l, Sum sum) {
    each_output(l, [&](int64_t row, int64_t out) {
        auto w = [&](int64_t k) { return l.panels[place(out, k, l.k, 2)]; };
        auto x = [&](int64_t k) { return l.x[row * l.x_stride + k]; };
        return sum(l.bias ? l.bias[out] : 0.0f, l.k, w, x);
    });
}

template <class Sum>
void attention_bf16_by(const kernel::Attention &a, Sum dot) {
    std::vector<float> s(static_cast<size_t>(a.keys) + 2);
    for (int64_t head = 0; head < a.heads; ++head)
        for (int64_t query = 0; query < a.queries; ++query) {
            auto element = [&](const float *x, int64_t d, float by) {
                return d < a.dim ? to_bf16(x[d] * by) : uint16_t{0};
            };
            const float *q = a.q + query * a.q_row + head * a.q_head;
            const int64_t count = a.causal && query + 1 < a.keys ? query + 1 : a.keys;
            for (int64_t n = 0; n < count; ++n) {
                const float *k = a.k + n * a.k_row + head * a.k_head;
                s[n] = dot(
                    0.0f, a.dim, [&](int64_t d) { return element(k, d, 1); },
                    [&](int64_t d) { return element(q, d, a.scale); });
            }
            float inverse = weigh(a, head, query, count, s.data());
            for (int64_t n = count; n < a.keys + 1; ++n) s[n] = 0;
            for (int64_t j = 0; j < a.value_dim; ++j) {
                auto v = [&](int64_t n) {
                    return n < a.keys ? to_bf16(a.v[n * a.v_row + head * a.v_head + j]) : uint16_t{0};
                };
                const float sum = dot(0.0f, a.keys, v, [&](int64_t n) { return to_bf16(s[n]); });
                bool empty = a.zero_when_empty && inverse == kInfinity;
                a.out[query * a.out_row + head * a.out_head + j] = empty ? 0.0f : sum * inverse;
            }
        }
}

}  // namespace

void linear_f32(const kernel::LinearF32 &l) {
    each_output(l, [&](int64_t row, int64_t out) {
        float a = l.bias ? l.bias[out] : 0.0f;
        for (int64_t k = 0; k < l.k; ++k) a = std::fma(l.panels[place(out, k, l.k, 1)], l.x[row * l.x_stride + k], a);
        return a;
    });
}

void quantise_rows(const kernel::QuantiseRows &q) {
    const bool symmetric = q.range == Range::symmetric;
    const float levels = symmetric ? 127.0f : 255.0f;
    for (int64_t row = 0; row < q.rows; ++row) {
        const float *x = q.x + row * q.x_stride;
        float top = 0;
        bool finite = true;
        auto mapped = [&](float v) {
            if (q.range == Range::gelu) v = v + kGeluOffset;
            return symmetric || v > 0 ? v : 0.0f;
        };
        for (int64_t i = 0; i < q.k; ++i) {
            finite = finite && std::isfinite(x[i]);
            top = std::fmax(top, std::fabs(mapped(x[i])));
        }
        const bool flat = !finite || top < 0x1p-119f;
        q.scale[row] = !finite ? kNaN : flat ? 0.0f : top / levels;
        for (int64_t i = 0; i < (q.k + 3) / 4 * 4; ++i) {
            int level = flat || i >= q.k ? 0 : static_cast<int>(std::nearbyint(mapped(x[i]) * (levels / top)));
            q.q[row * q.q_stride + i] = static_cast<uint8_t>(level + (symmetric ? 128 : 0));
        }
    }
}

void linear_i8(const kernel::LinearI8 &l) {
    each_output(l, [&](int64_t row, int64_t out) {
        int64_t sum = l.start[out];
        for (int64_t k = 0; k < l.k; ++k) sum += l.x[row * l.x_stride + k] * l.panels[place(out, k, l.k, 4)];
        return std::fma(static_cast<float>(sum), l.x_scale[row] * l.w_scale[out], l.shift[out]);
    });
}

void round_rows_bf16(const kernel::RoundRowsBf16 &r) {
    for (int64_t row = 0; row < r.rows; ++row)
        for (int64_t i = 0; i < (r.k + 1) / 2 * 2; ++i)
            r.q[row * r.q_stride + i] = i < r.k ? to_bf16(r.x[row * r.x_stride + i]) : uint16_t{0};
}

void linear_bf16(const kernel::LinearBf16 &l) { linear_bf16_by(l, SumOfPairs{}); }
void linear_bf16_amx(const kernel::LinearBf16 &l) { linear_bf16_by(l, SumOfTiles{}); }
void linear_bf16_of(const kernel::LinearBf16 &l, const TensorFamily *family) {
    family ? linear_bf16_by(l, SumOfTensorCores{family->sums}) : linear_bf16(l);
}

void attention_f32(const kernel::Attention &a) {
    std::vector<float> s(static_cast<size_t>(a.keys) + 1);
    for (int64_t head = 0; head < a.heads; ++head)
        for (int64_t query = 0; query < a.queries; ++query) {
            const float *q = a.q + query * a.q_row + head * a.q_head;
            const int64_t count = a.causal && query + 1 < a.keys ? query + 1 : a.keys;
            for (int64_t n = 0; n < count; ++n) {
                const float *k = a.k + n * a.k_row + head * a.k_head;
                s[n] = 0;
                for (int64_t d = 0; d < a.dim; ++d) s[n] = std::fma(k[d], q[d] * a.scale, s[n]);
            }
            float inverse = weigh(a, head, query, count, s.data());
            for (int64_t j = 0; j < a.value_dim; ++j) {
                float sum = 0;
                for (int64_t n = 0; n < count; ++n) sum = std::fma(a.v[n * a.v_row + head * a.v_head + j], s[n], sum);
                bool empty = a.zero_when_empty && inverse == kInfinity;
                a.out[query * a.out_row + head * a.out_head + j] = empty ? 0.0f : sum * inverse;
            }
        }
}

void attention_bf16(const kernel::Attention &a) { attention_bf16_by(a, SumOfPairs{}); }
void attention_bf16_amx(const kernel::Attention &a) { attention_bf16_by(a, SumOfTiles{}); }
void attention(const kernel::Attention &a, bool bf16, const TensorFamily *family) {
    if (bf16 && family) return attention_bf16_by(a, SumOfTensorCores{family->sums});
    bf16 ? attention_bf16(a) : attention_f32(a);
}

void gates(const kernel::Gates &g) {
    for (int64_t row = 0; row < g.rows; ++row)
        for (int64_t i = 0; i < g.width; ++i) {
            const float *before = g.before ? g.before + row * g.before_stride + i : nullptr;
            float *y = g.y + row * g.y_stride + i;
            formulas::UnitState state;
            if (before) state = {before[0], states_of(g.cell) == 2 ? before[g.width] : 0.0f};
            state = formulas::stepped(g.cell, g.x + row * g.x_stride + i, g.a ? g.a + row * g.a_stride + i : nullptr,
                                      g.width, state);
            y[0] = state.h;
            if (states_of(g.cell) == 2) y[g.width] = state.c;
        }
}

void layer_norm(const kernel::LayerNorm &l) {
    const auto width = static_cast<float>(l.width);
    for (int64_t row = 0; row < l.rows; ++row) {
        const float *x = l.x + row * l.x_stride;
        float mean = sum(x, l.width) / width;
        auto square = [&](float lane, int64_t i) { return std::fma(x[i] - mean, x[i] - mean, lane); };
        float inverse = 1.0f / std::sqrt(reduce(l.width, 0.0f, square, plus) / width + l.epsilon);
        for (int64_t i = 0; i < l.width; ++i) {
            float t = (x[i] - mean) * inverse;
            if (l.gamma && l.beta)
                t = std::fma(t, l.gamma[i], l.beta[i]);
            else if (l.gamma)
                t = t * l.gamma[i];
            else if (l.beta)
                t = t + l.beta[i];
            l.y[row * l.y_stride + i] = t;
        }
    }
}

void softmax_last(const kernel::Softmax &s) {
    for (int64_t row = 0; row < s.rows; ++row) {
        const float *x = s.x + row * s.x_stride;
        float *y = s.y + row * s.y_stride;
        float top = most(x, s.n);
        for (int64_t i = 0; i < s.n; ++i) y[i] = formulas::exp(x[i] - top);
        float total = sum(y, s.n);
        for (int64_t i = 0; i < s.n; ++i) y[i] = y[i] / total;
    }
}

void sum_last(const kernel::Reduce &r) {
    for (int64_t i = 0; i < r.rows; ++i) r.y[i] = sum(r.x + i * r.x_stride, r.n);
}
void max_last(const kernel::Reduce &r) {
    for (int64_t i = 0; i < r.rows; ++i) r.y[i] = most(r.x + i * r.x_stride, r.n);
}
void min_last(const kernel::Reduce &r) {
    for (int64_t i = 0; i < r.rows; ++i) r.y[i] = least(r.x + i * r.x_stride, r.n);
}
void add_rows(const float *x, float *y, int64_t n) {
    for (int64_t i = 0; i < n; ++i) y[i] = y[i] + x[i];
}
void max_rows(const float *x, float *y, int64_t n) {
    for (int64_t i = 0; i < n; ++i) y[i] = formulas::maximum(y[i], x[i]);
}
void min_rows(const float *x, float *y, int64_t n) {
    for (int64_t i = 0; i < n; ++i) y[i] = formulas::minimum(y[i], x[i]);
}

void unary(kernel::Unary op, kernel::UnaryParams params, const float *x, float *y, int64_t n) {
    for (int64_t i = 0; i < n; ++i) y[i] = formulas::applied(op, params, x[i]);
}

void binary(kernel::Binary op, const float *a, int64_t a_step, const float *b, int64_t b_step, float *y, int64_t n) {
    for (int64_t i = 0; i < n; ++i) y[i] = formulas::applied(op, a[i * a_step], b[i * b_step]);
}

}  // namespace weighbridge::lib::reference::twins

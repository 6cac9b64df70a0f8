// SPDX-License-Identifier: Apache-2.0
#include "plan/panels.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace weighbridge::lib {
namespace {

// Calls at(panel element, column, k) for each place of the panels, in their order; Group inputs share a word.
template <int Group, class At>
void walk(int64_t n, int64_t k, At at) {
    int64_t place = 0;
    for (int64_t panel = 0; panel < panel_columns(n); panel += kPanelColumns)
        for (int64_t word = 0; word < k; word += Group)
            for (int64_t column = panel; column < panel + kPanelColumns; ++column)
                for (int64_t i = word; i < word + Group; ++i) at(place++, column, i);
}

template <int Group, class T>
void pack(const T *weights, int64_t stride, int64_t n, int64_t k, T *panels) {
    walk<Group>(n, k, [&](int64_t place, int64_t column, int64_t i) {
        panels[place] = column < n && i < k ? weights[column * stride + i] : T{};
    });
}

template <int Group, class T>
void unpack(const T *panels, int64_t n, int64_t k, T *weights, int64_t stride) {
    walk<Group>(n, k, [&](int64_t place, int64_t column, int64_t i) {
        if (column < n && i < k) weights[column * stride + i] = panels[place];
    });
}

template <int Group, class T>
bool zeros_behind(const T *panels, int64_t n, int64_t k) {
    const int64_t words = (k + Group - 1) / Group;
    for (int64_t panel = 0; panel < panel_columns(n); panel += kPanelColumns)  // only the last has columns past n
        for (int64_t word = panel + kPanelColumns > n ? 0 : words - 1; word < words; ++word)
            for (int64_t column = panel; column < panel + kPanelColumns; ++column)
                for (int64_t i = word * Group; i < word * Group + Group; ++i) {
                    const int64_t place = (panel * words + word * kPanelColumns + column - panel) * Group + i % Group;
                    if ((column >= n || i >= k) && panels[place] != T{}) return false;
                }
    return true;
}

}  // namespace

bool ends_in_zeros(const float *panels, int64_t n, int64_t k) { return zeros_behind<1>(panels, n, k); }
bool ends_in_zeros(const uint16_t *panels, int64_t n, int64_t k) { return zeros_behind<2>(panels, n, k); }
bool ends_in_zeros(const int8_t *panels, int64_t n, int64_t k) { return zeros_behind<4>(panels, n, k); }

void pack_f32(const float *weights, int64_t stride, int64_t n, int64_t k, float *panels) {
    pack<1>(weights, stride, n, k, panels);
}
void unpack_f32(const float *panels, int64_t n, int64_t k, float *weights, int64_t stride) {
    unpack<1>(panels, n, k, weights, stride);
}
void pack_bf16(const uint16_t *weights, int64_t stride, int64_t n, int64_t k, uint16_t *panels) {
    pack<2>(weights, stride, n, k, panels);
}
void unpack_bf16(const uint16_t *panels, int64_t n, int64_t k, uint16_t *weights, int64_t stride) {
    unpack<2>(panels, n, k, weights, stride);
}
void pack_i8(const int8_t *weights, int64_t stride, int64_t n, int64_t k, int8_t *panels) {
    pack<4>(weights, stride, n, k, panels);
}
void unpack_i8(const int8_t *panels, int64_t n, int64_t k, int8_t *weights, int64_t stride) {
    unpack<4>(panels, n, k, weights, stride);
}

uint16_t to_bf16(float x) {
    auto bits = std::bit_cast<uint32_t>(x);
    if (x != x) return static_cast<uint16_t>(bits >> 16 | 0x40);
    return static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

float from_bf16(uint16_t x) { return std::bit_cast<float>(static_cast<uint32_t>(x) << 16); }

void quantise_weights(const float *weights, int64_t k, int8_t *q, float *scale) {
    constexpr float kPair = 127.0f / 127.99f;  // two that sum to less than 128 round to 128 at most
    float most = 0;
    for (int64_t i = 0; i < k; i += 2) {
        const float a = weights[i], b = i + 1 < k ? weights[i + 1] : 0.0f;
        most = std::fmax(most, std::fmax(std::fabs(a), std::fabs(b)));
        if ((a > 0) == (b > 0)) most = std::fmax(most, std::fabs(a + b) * kPair);
    }
    const bool flat = most < 0x1p-119f;  // 127 / most would overflow
    *scale = flat ? 0.0f : most / 127.0f;
    const float factor = flat ? 0.0f : 127.0f / most;
    for (int64_t i = 0; i < k; ++i) {
        constexpr float kShift = 0x1.8p23f;  // rounds to an integer, ties to even
        q[i] = flat ? int8_t{0} : static_cast<int8_t>(weights[i] * factor + kShift - kShift);
    }
}

bool int8_pairs_fit(const int8_t *panels, int64_t n, int64_t k) {
    const int64_t bytes = panel_elements_i8(n, k);
    int most = 0, least = 0;
    for (int64_t i = 0; i < bytes; i += 2) {
        const int a = panels[i], b = panels[i + 1];
        most = std::max(most, std::max(a, 0) + std::max(b, 0));
        least = std::min(least, std::min(a, 0) + std::min(b, 0));
    }
    return most <= 128 && least >= -128;
}

void column_sums(const int8_t *panels, int64_t n, int64_t k, int32_t *colsum) {
    std::fill_n(colsum, panel_columns(n), 0);
    walk<4>(n, k, [&](int64_t place, int64_t column, int64_t) { colsum[column] += panels[place]; });
}

void int8_start(Range range, const int32_t *colsum, int64_t n, const float *w_scale, const float *bias, int32_t *start,
                float *shift) {
    for (int64_t column = 0; column < panel_columns(n); ++column) {
        const int32_t sum = colsum[column];
        const float own = bias && column < n ? bias[column] : 0.0f;
        start[column] = range == Range::symmetric ? -128 * sum : 0;
        shift[column] = range == Range::gelu && column < n
                            ? std::fma(-kGeluOffset, w_scale[column] * static_cast<float>(sum), own)
                            : own;
    }
}

}  // namespace weighbridge::lib

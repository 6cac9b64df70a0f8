// SPDX-License-Identifier: Apache-2.0
#include "plan/panels.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "support/catch.hpp"

namespace {

namespace lib = weighbridge::lib;

template <class T, class Pack, class Unpack>
void require_round_trip(int64_t n, int64_t k, int64_t group, int64_t elements, Pack pack, Unpack unpack) {
    const int64_t stride = k + 3;
    std::vector<T> weights(static_cast<size_t>(n * stride), T{99}), panels(static_cast<size_t>(elements), T{55}),
        back(weights);
    std::mt19937 random(static_cast<unsigned>(n * 71 + k));
    for (int64_t o = 0; o < n; ++o)
        for (int64_t i = 0; i < k; ++i)
            weights[o * stride + i] = static_cast<T>(static_cast<int>(random() % 255) - 127);
    pack(weights.data(), stride, n, k, panels.data());
    const int64_t words = (k + group - 1) / group;
    for (int64_t o = 0; o < (n + 31) / 32 * 32; ++o)
        for (int64_t i = 0; i < words * group; ++i) {
            T expected = o < n && i < k ? weights[o * stride + i] : T{};
            CAPTURE(n, k, o, i);
            REQUIRE(panels[((o / 32 * words + i / group) * 32 + o % 32) * group + i % group] == expected);
        }
    unpack(panels.data(), n, k, back.data(), stride);
    REQUIRE(std::memcmp(back.data(), weights.data(), weights.size() * sizeof(T)) == 0);
}

}  // namespace

TEST_CASE("panels hold 32 outputs, words of 1, 2 or 4 inputs, zeros past the ends, and turn back") {
    for (int64_t n : {1, 2, 31, 32, 33, 64, 70})
        for (int64_t k : {1, 2, 3, 4, 5, 7, 8, 33}) {
            require_round_trip<float>(n, k, 1, lib::panel_elements_f32(n, k), lib::pack_f32, lib::unpack_f32);
            require_round_trip<uint16_t>(n, k, 2, lib::panel_elements_bf16(n, k), lib::pack_bf16, lib::unpack_bf16);
            require_round_trip<int8_t>(n, k, 4, lib::panel_elements_i8(n, k), lib::pack_i8, lib::unpack_i8);
        }
}

TEST_CASE("bf16 is the nearest, ties to even, and a NaN stays one") {
    REQUIRE(lib::to_bf16(1.0f) == 0x3F80);
    REQUIRE(lib::to_bf16(std::bit_cast<float>(0x3F808000u)) == 0x3F80);  // a tie, to even
    REQUIRE(lib::to_bf16(std::bit_cast<float>(0x3F818000u)) == 0x3F82);
    REQUIRE(lib::to_bf16(std::bit_cast<float>(0x3F808001u)) == 0x3F81);
    REQUIRE(lib::to_bf16(3.4e38f) == 0x7F80);
    REQUIRE(lib::to_bf16(1e-40f) == 0x0001);
    REQUIRE(std::isnan(lib::from_bf16(lib::to_bf16(std::bit_cast<float>(0x7F800001u)))));
    for (uint32_t bits = 0; bits < 0x10000; ++bits) {
        float x = lib::from_bf16(static_cast<uint16_t>(bits));
        if (!std::isnan(x)) REQUIRE(lib::to_bf16(x) == bits);
    }
}

TEST_CASE("weights are quantised symmetrically, an output at a time") {
    const float weights[] = {0.5f, -1.0f, 0.25f, 0.0039f, 0.0f};
    int8_t q[5];
    float scale = 0;
    lib::quantise_weights(weights, 5, q, &scale);
    REQUIRE(scale == 1.0f / 127.0f);
    const int8_t expected[] = {64, -127, 32, 0, 0};  // 63.5 and 31.75
    REQUIRE(std::memcmp(q, expected, 5) == 0);
    const float none[] = {0.0f, -0.0f};
    lib::quantise_weights(none, 2, q, &scale);
    REQUIRE((scale == 0.0f && q[0] == 0 && q[1] == 0));
}

TEST_CASE("quantised neighbours of one sign fit 16 bits when multiplied by bytes") {
    const float pair[] = {1.0f, 0.5f, -0.25f, 0.75f, -1.0f};  // 1.5 is the largest sum
    int8_t q[5];
    float scale = 0;
    lib::quantise_weights(pair, 5, q, &scale);
    REQUIRE(std::fabs(scale - 1.5f / 127.99f) < 1e-8f);
    const int8_t expected[] = {85, 43, -21, 64, -85};
    REQUIRE(std::memcmp(q, expected, 5) == 0);
    std::mt19937 random(3);
    std::normal_distribution<float> normal;
    for (int64_t k = 1; k < 70; ++k) {
        std::vector<float> weights(static_cast<size_t>(k));
        std::vector<int8_t> quantised(weights.size()), panels(static_cast<size_t>(lib::panel_elements_i8(1, k)));
        for (int times = 0; times < 50; ++times) {
            for (float &w : weights) w = times % 2 ? normal(random) : random() % 3 == 0 ? 1.0f : 0.9999f;
            lib::quantise_weights(weights.data(), k, quantised.data(), &scale);
            lib::pack_i8(quantised.data(), k, 1, k, panels.data());
            REQUIRE(lib::int8_pairs_fit(panels.data(), 1, k));
            for (size_t i = 0; i < weights.size(); ++i)
                REQUIRE(std::fabs(static_cast<float>(quantised[i]) * scale - weights[i]) <= scale * 0.51f);
        }
    }
}

TEST_CASE("int8_pairs_fit looks at neighbours only, sign by sign") {
    auto fit = [](std::vector<int8_t> q) {
        std::vector<int8_t> panels(static_cast<size_t>(lib::panel_elements_i8(1, std::ssize(q))));
        lib::pack_i8(q.data(), std::ssize(q), 1, std::ssize(q), panels.data());
        return lib::int8_pairs_fit(panels.data(), 1, std::ssize(q));
    };
    REQUIRE((fit({64, 64, 64, 64}) && fit({127, -127, 127, 1}) && fit({-128, 0, 0, -128}) && fit({0, 100, 100})));
    REQUIRE((!fit({65, 64}) && !fit({0, 0, -65, -64}) && !fit({1, 2, 3, 4, 127, 2})));
}

TEST_CASE("int8_start has what each range adds") {
    const int8_t weights[] = {1, 2, 3, 4, 5, -100, -100, -100, 100, 1};  // two outputs of five
    std::vector<int8_t> panels(static_cast<size_t>(lib::panel_elements_i8(2, 5)));
    lib::pack_i8(weights, 5, 2, 5, panels.data());
    const float w_scale[] = {0.5f, 0.25f}, bias[] = {1.0f, -1.0f};
    int32_t sums[32], start[32];
    float shift[32];
    lib::column_sums(panels.data(), 2, 5, sums);
    REQUIRE((sums[0] == 15 && sums[1] == -199 && sums[2] == 0 && sums[31] == 0));
    lib::int8_start(lib::Range::symmetric, sums, 2, w_scale, bias, start, shift);
    REQUIRE((start[0] == -128 * 15 && start[1] == -128 * -199 && start[2] == 0 && start[31] == 0));
    REQUIRE((shift[0] == 1.0f && shift[1] == -1.0f && shift[2] == 0.0f));
    lib::int8_start(lib::Range::nonnegative, sums, 2, w_scale, nullptr, start, shift);
    REQUIRE((start[0] == 0 && start[1] == 0 && shift[0] == 0.0f && shift[1] == 0.0f));
    lib::int8_start(lib::Range::gelu, sums, 2, w_scale, bias, start, shift);
    REQUIRE((start[0] == 0 && shift[0] == std::fma(-0.17f, 0.5f * 15.0f, 1.0f) && shift[5] == 0.0f));
}

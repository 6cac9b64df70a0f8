// SPDX-License-Identifier: Apache-2.0
// What GPUs' tensor cores make of bf16 (mma.sync m16n8k16 with float32 sums), for the reference's twins, the tests'
// shim and what devices are checked with at load.
//
// PTX leaves the order and the rounding of such a sum open. Two published models, each held against devices by random
// vectors, say the same of it: Khattak and Mikaitis, Accurate Models of NVIDIA Tensor Cores (arXiv 2512.07004: A100,
// A30, A2, L40S, RTX 1000 Ada, H100, H200, B200), and Xie et al., MMA-Sim (arXiv 2511.10909: Ampere to RTX Blackwell).
// They differ where all products are below 2^-126, which operands of tensor_operand() are too large for. No device of
// ours has been asked yet: a device that answers otherwise is not used for bf16 (backend/cuda/tensor_check.hpp).
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>

#include "base/host_device.hpp"

namespace weighbridge::lib {

// A sum takes `block` products at a time, together with what it is so far. Each summand is cut towards zero to a
// multiple of 2^(e - fraction), e the largest exponent among them; a product's is the sum of its factors', its
// significand in [1, 4). The cut ones are added exactly, and the result is cut towards zero to a float32, denormals and
// all. Zeros take no part; a sum of zero is +0.
struct TensorSums {
    int block = 16;
    int fraction = 25;  // from 23 to 28
    bool operator==(const TensorSums &) const = default;
};

// GPUs whose sums are the same, by the numerics id of their results.
struct TensorFamily {
    int32_t numerics;
    const char *name;
    TensorSums sums;
};
inline constexpr int32_t kLeastTensorNumerics = 16;
inline constexpr TensorFamily kTensorFamilies[] = {{kLeastTensorNumerics, "Ampere and Ada", {8, 24}},
                                                   {kLeastTensorNumerics + 1, "Hopper and Blackwell", {16, 25}}};

// Null where no model of it was published: 8.7 and 8.8, 10.3, 11.0, 12.1.
constexpr const TensorFamily *tensor_family(int capability) {
    if (capability == 80 || capability == 86 || capability == 89) return &kTensorFamilies[0];
    if (capability == 90 || capability == 100 || capability == 120) return &kTensorFamilies[1];
    return nullptr;
}

// Of results; null for a CPU's.
constexpr int32_t numerics_of(const TensorFamily *family) { return family ? family->numerics : 1; }

inline constexpr int kTensorStep = 16;  // products of one instruction, of each output

// Operands below 2^-60 count as zeros, so that no product is as small as those on which the models differ.
inline constexpr int kLeastOperandExponent = 127 - 60;
WB_HOST_DEVICE inline uint16_t tensor_operand(uint16_t bf16) {
    return (bf16 >> 7 & 255) < kLeastOperandExponent ? uint16_t{0} : bf16;
}
// to_bf16() before: the nearest, ties to even.
WB_HOST_DEVICE inline uint16_t tensor_operand(float x) {
    const auto bits = std::bit_cast<uint32_t>(x);
    const uint32_t nearest = x != x ? bits | 0x400000u : bits + 0x7FFFu + (bits >> 16 & 1);
    return tensor_operand(static_cast<uint16_t>(nearest >> 16));
}

namespace tensor_sums {

// Of a float32 or the bf16 that is its upper half: significand and exponent, which of a denormal is that of the least
// normal number.
constexpr int32_t significand(uint32_t bits, int fraction_bits) {
    const uint32_t hidden = (bits >> fraction_bits & 255) != 0 ? uint32_t{1} << fraction_bits : 0;
    return static_cast<int32_t>((bits & ((uint32_t{1} << fraction_bits) - 1)) | hidden);
}
constexpr int exponent(uint32_t bits, int fraction_bits) {
    return std::max(static_cast<int>(bits >> fraction_bits & 255), 1) - 127;
}

// sum * 2^least, cut towards zero.
inline float as_float(int64_t sum, int least) {
    if (sum == 0) return 0.0f;
    const uint32_t sign = sum < 0 ? 0x80000000u : 0;
    const auto size = static_cast<uint64_t>(sum < 0 ? -sum : sum);
    const int exponent = 63 - std::countl_zero(size) + least;
    if (exponent > 127) return std::bit_cast<float>(sign | 0x7F800000u);
    const int last = std::max(exponent - 23, -149), drop = last - least;
    const auto kept = static_cast<uint32_t>(drop < 0 ? size << -drop : drop < 64 ? size >> drop : 0);
    return std::bit_cast<float>(sign | ((static_cast<uint32_t>(last + 149) << 23) + kept));
}

inline bool is_finite(uint16_t bf16) { return (bf16 >> 7 & 255) != 255; }
inline float wide(uint16_t bf16) { return std::bit_cast<float>(uint32_t{bf16} << 16); }

// Infinities and NaNs as IEEE 754 has them: no double overflows here.
inline float add_specials(int block, const uint16_t *a, const uint16_t *b, float sum) {
    double all = sum;
    for (int i = 0; i < block; ++i) all += static_cast<double>(wide(a[i])) * wide(b[i]);
    return static_cast<float>(all);
}

inline float add_block(int block, int fraction, const uint16_t *a, const uint16_t *b, float sum) {
    const auto bits = std::bit_cast<uint32_t>(sum);
    bool finite = (bits >> 23 & 255) != 255;
    const int32_t own = significand(bits, 23);
    constexpr int kNone = std::numeric_limits<int>::min() / 2;
    int top = own != 0 ? exponent(bits, 23) : kNone;
    int32_t products[kTensorStep];
    int exponents[kTensorStep];
    for (int i = 0; i < block; ++i) {
        finite = finite && is_finite(a[i]) && is_finite(b[i]);
        products[i] = significand(a[i], 7) * significand(b[i], 7);
        exponents[i] = products[i] != 0 ? exponent(a[i], 7) + exponent(b[i], 7) : kNone;
        top = std::max(top, exponents[i]);
    }
    if (!finite) return add_specials(block, a, b, sum);
    if (top == kNone) return 0.0f;
    const int64_t cut = (int64_t{own} << (fraction - 23)) >> std::clamp(top - exponent(bits, 23), 0, 63);
    int64_t total = bits >> 31 ? -cut : cut;
    for (int i = 0; i < block; ++i) {
        const int32_t size = (products[i] << (fraction - 14)) >> std::min(top - exponents[i], 31);
        total += (a[i] ^ b[i]) >> 15 ? -size : size;
    }
    return as_float(total, top - fraction);
}

}  // namespace tensor_sums

// sum + a . b over kTensorStep products, as one instruction gives each output.
inline float multiplied(const TensorSums &sums, const uint16_t *a, const uint16_t *b, float sum) {
    for (int i = 0; i < kTensorStep; i += sums.block)
        sum = tensor_sums::add_block(sums.block, sums.fraction, a + i, b + i, sum);
    return sum;
}

}  // namespace weighbridge::lib

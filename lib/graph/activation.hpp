// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// Types alone: kernels include this file, and code that was compiled with a CPU level's flags must not serve the
// others.
namespace weighbridge::lib {

// The function that ends a linear layer. Numbers are those of the plan's file.
enum class Activation : uint8_t { none = 0, relu, gelu, gelu_tanh, silu, tanh, sigmoid, leaky_relu };
inline constexpr int kActivations = 8;

// What is known of a linear layer's input; int8 maps it to bytes accordingly, a row at a time (quantise_rows in
// backend/kernel_arguments.hpp). gelu: at least -0.17. Numbers are those of the plan's file.
enum class Range : uint8_t { symmetric = 0, nonnegative, gelu };
inline constexpr int kRanges = 3;

}  // namespace weighbridge::lib

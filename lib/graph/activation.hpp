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

// What a recurrence computes of a step's gates and the state before it. Numbers are those of the plan's file.
enum class Recurrence : uint8_t { lstm = 0, gru, tanh, relu };
inline constexpr int kRecurrences = 4;
// Gates and states of a cell, each as wide as the cell. Inlined everywhere: see panel_columns in plan/panels.hpp.
[[gnu::always_inline]] constexpr int64_t gates_of(Recurrence cell) {
    return cell == Recurrence::lstm ? 4 : cell == Recurrence::gru ? 3 : 1;
}
[[gnu::always_inline]] constexpr int64_t states_of(Recurrence cell) { return cell == Recurrence::lstm ? 2 : 1; }

}  // namespace weighbridge::lib

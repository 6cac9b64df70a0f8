// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/csrc/jit/api/module.h>

#include <cstddef>
#include <cstdint>

#include "origin.hpp"

namespace weighbridge::torch_plugin {

struct Frozen {
    torch::jit::Module module;
    Layers layers;  // of its nodes
};

// A module from memory, in eval mode and frozen, on the CPU. `debug_files`: nodes know the Python lines they come from.
// Throws Refusal where forward takes another number of arguments, and where it holds what no module may do; what
// LibTorch throws goes through.
Frozen load_frozen(const void *bytes, size_t size, uint32_t arguments, bool debug_files);

}  // namespace weighbridge::torch_plugin

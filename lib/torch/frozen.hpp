// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/csrc/jit/api/module.h>

#include <cstddef>
#include <cstdint>

#include "origin.hpp"

namespace weighbridge::torch_plugin {

struct Frozen {
    torch::jit::Module module;
    Layers layers;  // of the module's nodes, from before freezing
};

// Loads a module from memory onto the CPU, in eval mode, and freezes it. `debug_files`: nodes keep their Python lines.
// Throws Refusal where forward takes another number of arguments or uses a forbidden operator, and what LibTorch
// throws.
Frozen load_frozen(const void *bytes, size_t size, uint32_t arguments, bool debug_files);

}  // namespace weighbridge::torch_plugin

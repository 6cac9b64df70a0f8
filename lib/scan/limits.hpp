// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace weighbridge::lib {

// What a scan takes at most, and the host's changes to the list of operators. The numbers hold for every model that
// torch.jit.save was seen to write, ten times over.
struct ScanLimits {
    uint64_t archive_bytes = uint64_t{2} << 30;
    size_t entries = 20'000;
    uint64_t inflated_bytes = 64 << 20;  // of all compressed entries together
    uint64_t code_bytes = 4 << 20;       // of all code files together
    uint64_t pickle_bytes = 32 << 20;    // of one
    uint64_t inlined_calls = 200'000;    // of a method, with all that it calls put in its place
    uint64_t looped_calls = 10'000'000;  // the same, with loops of a literal count run so often

    // "aten::name" or "aten::*".
    std::vector<std::string> also_allowed;  // wider: the host's explicit choice
    std::vector<std::string> not_allowed;   // narrower; stronger than all else
};

// How deep brackets, blocks, types and pickled containers may nest. LibTorch's parser ended at 600 on a stack of 1 MB.
inline constexpr int kScanDepth = 64;

}  // namespace weighbridge::lib

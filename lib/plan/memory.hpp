// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace weighbridge::lib {

// Memory that is in use from step `first` to step `last`, both included.
struct MemoryBlock {
    int64_t bytes = 0;
    int first = 0, last = 0;
};

struct MemoryPlan {
    std::vector<int64_t> begins;  // by block, multiples of 64
    int64_t bytes = 0;            // of the whole
};

// Up to so many blocks are placed with the least memory in mind, which takes a time that is quadratic in their number
// (0.05 s for these, 81 s for 65,536); crafted plans have more, and models that somebody trained fewer.
inline constexpr size_t kMaxBlocksBySize = 4096;

// Places blocks so that those in use together do not overlap: the largest first, each at the lowest place that is free
// (first fit by size, which is within a few percent of the least for the graphs here); where there are more than
// kMaxBlocksBySize, in the order of use, each in the smallest gap (best fit). A line of 64 bytes follows each.
MemoryPlan plan_memory(const std::vector<MemoryBlock> &blocks);

}  // namespace weighbridge::lib

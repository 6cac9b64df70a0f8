// SPDX-License-Identifier: Apache-2.0
#pragma once

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

// Places blocks so that those in use together do not overlap: the largest first, each at the lowest place that is free
// (first fit by size, which is within a few percent of the least for the graphs here). A line of 64 bytes follows each.
MemoryPlan plan_memory(const std::vector<MemoryBlock> &blocks);

}  // namespace weighbridge::lib

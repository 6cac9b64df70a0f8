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

// The limit of first fit by size, which is quadratic: 0.05 s for 4,096 blocks, 81 s for 65,536. Trained models have
// fewer blocks, crafted plans may have more.
inline constexpr size_t kMaxBlocksBySize = 4096;

// Places blocks so that those in use together do not overlap: by first fit by decreasing size, within a few percent of
// the least for the graphs here, and by best fit in the order of use for more than kMaxBlocksBySize. A line of 64 bytes
// follows each block.
MemoryPlan plan_memory(const std::vector<MemoryBlock> &blocks);

}  // namespace weighbridge::lib

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace weighbridge::lib {

// Buckets of durations: one nanosecond each up to 128 ns, then 64 to an octave (at most 1.6 % wide) up to 2^37 ns
// (137 s), where the last bucket takes all that is longer.
struct LatencyBuckets {
    static constexpr int kStepBits = 6;
    static constexpr size_t kSteps = size_t{1} << kStepBits;
    static constexpr int kTopBit = 37;
    static constexpr size_t kCount = static_cast<size_t>(kTopBit - kStepBits + 1) * kSteps;

    static constexpr size_t index(int64_t ns) {
        if (ns < 0) return 0;
        auto value = static_cast<uint64_t>(ns);
        if (value >= uint64_t{1} << kTopBit) return kCount - 1;
        if (value < kSteps) return static_cast<size_t>(value);
        int shift = static_cast<int>(std::bit_width(value)) - 1 - kStepBits;
        return static_cast<size_t>(shift) * kSteps + static_cast<size_t>(value >> shift);
    }

    // A bucket holds [least(i), least(i + 1)).
    static constexpr int64_t least(size_t index) {
        if (index < 2 * kSteps) return static_cast<int64_t>(index);
        size_t shift = index / kSteps - 1;
        return static_cast<int64_t>((kSteps + index % kSteps) << shift);
    }
};

using LatencyCounts = std::array<uint64_t, LatencyBuckets::kCount>;

// The middle of the bucket in which that many thousandths (1 to 1000) of all observations are reached; 0 where there
// are none.
int64_t latency_quantile(const LatencyCounts &counts, uint64_t per_mille);

}  // namespace weighbridge::lib

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "graph/extent.hpp"

namespace weighbridge::lib {

// Wide enough for any terms of 64 bits, as a file may have them, and any length that a graph may have.
__extension__ using Wide = __int128;

// The smallest and greatest value of an extent's polynomial for lengths in [least, largest].
struct WideRange {
    Wide least, most;
};
WideRange range_of(const Extent &extent, int64_t least_length, int64_t largest_length);

// The smallest and greatest that an extent is for every rows >= 1 and every length in [least, largest]; nullopt for no
// bound.
struct ExtentBounds {
    std::optional<int64_t> least, most;
};
ExtentBounds bounds_of(const Extent &extent, int64_t least_length, int64_t largest_length);

// The comparison of two extents where it comes out alike for every rows and length: a < b, a <= b, a == b.
enum class Comparison { less, less_equal, equal };
std::optional<bool> decide(Comparison comparison, const Extent &a, const Extent &b, int64_t least_length,
                           int64_t largest_length);

}  // namespace weighbridge::lib

// SPDX-License-Identifier: Apache-2.0
#include "graph/bounds.hpp"

#include <algorithm>

namespace weighbridge::lib {

ExtentBounds bounds_of(const Extent &extent, int64_t least_length, int64_t largest_length) {
    const auto &t = extent.terms;
    auto at = [&](int64_t length) { return t[0] + (t[1] + t[2] * length) * length; };
    int64_t least = std::min(at(least_length), at(largest_length));
    int64_t most = std::max(at(least_length), at(largest_length));
    if (t[2] != 0)
        for (int64_t length = -t[1] / (2 * t[2]) - 1, end = length + 3; length < end; ++length)
            if (length >= least_length && length <= largest_length) {
                least = std::min(least, at(length));
                most = std::max(most, at(length));
            }
    ExtentBounds bounds{least, most};
    if (extent.batch) {  // times 1, 2, ...
        if (least < 0) bounds.least.reset();
        if (most > 0) bounds.most.reset();
    }
    return bounds;
}

std::optional<bool> decide(Comparison comparison, const Extent &a, const Extent &b, int64_t least_length,
                           int64_t largest_length) {
    ExtentBounds gap{};  // of a - b
    if (const auto difference = a - b) {
        gap = bounds_of(*difference, least_length, largest_length);
    } else {
        const ExtentBounds x = bounds_of(a, least_length, largest_length),
                           y = bounds_of(b, least_length, largest_length);
        if (x.least && y.most) gap.least = *x.least - *y.most;
        if (x.most && y.least) gap.most = *x.most - *y.least;
    }
    switch (comparison) {
        case Comparison::less:
            if (gap.most && *gap.most < 0) return true;
            if (gap.least && *gap.least >= 0) return false;
            return std::nullopt;
        case Comparison::less_equal:
            if (gap.most && *gap.most <= 0) return true;
            if (gap.least && *gap.least > 0) return false;
            return std::nullopt;
        default:
            if (gap.least && gap.most && *gap.least == 0 && *gap.most == 0) return true;
            if ((gap.least && *gap.least > 0) || (gap.most && *gap.most < 0)) return false;
            return std::nullopt;
    }
}

}  // namespace weighbridge::lib

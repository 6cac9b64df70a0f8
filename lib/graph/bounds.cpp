// SPDX-License-Identifier: Apache-2.0
#include "graph/bounds.hpp"

#include <algorithm>

namespace weighbridge::lib {

namespace {

// Terms are a file's, and so may be anything; lengths are at most kMaxLength.
__extension__ using Wide = __int128;

// As a lower bound: too small a number is none, of too large a one the largest holds as well. And the other way round.
std::optional<int64_t> lower(Wide least) {
    if (least < INT64_MIN) return std::nullopt;
    return static_cast<int64_t>(std::min<Wide>(least, INT64_MAX));
}
std::optional<int64_t> upper(Wide most) {
    if (most > INT64_MAX) return std::nullopt;
    return static_cast<int64_t>(std::max<Wide>(most, INT64_MIN));
}

std::optional<int64_t> difference(const std::optional<int64_t> &a, const std::optional<int64_t> &b) {
    int64_t of = 0;
    if (!a || !b || __builtin_sub_overflow(*a, *b, &of)) return std::nullopt;
    return of;
}

}  // namespace

ExtentBounds bounds_of(const Extent &extent, int64_t least_length, int64_t largest_length) {
    const Wide t[] = {extent.terms[0], extent.terms[1], extent.terms[2]};
    auto at = [&](Wide length) { return t[0] + (t[1] + t[2] * length) * length; };
    Wide least = std::min(at(least_length), at(largest_length));
    Wide most = std::max(at(least_length), at(largest_length));
    if (t[2] != 0)
        for (Wide length = -t[1] / (2 * t[2]) - 1, end = length + 3; length < end; ++length)
            if (length >= least_length && length <= largest_length) {
                least = std::min(least, at(length));
                most = std::max(most, at(length));
            }
    ExtentBounds bounds{lower(least), upper(most)};
    if (extent.batch) {  // times 1, 2, ...
        if (least < 0) bounds.least.reset();
        if (most > 0) bounds.most.reset();
    }
    return bounds;
}

std::optional<bool> decide(Comparison comparison, const Extent &a, const Extent &b, int64_t least_length,
                           int64_t largest_length) {
    ExtentBounds gap{};  // of a - b
    if (const auto apart = a - b) {
        gap = bounds_of(*apart, least_length, largest_length);
    } else {
        const ExtentBounds x = bounds_of(a, least_length, largest_length),
                           y = bounds_of(b, least_length, largest_length);
        gap = {difference(x.least, y.most), difference(x.most, y.least)};
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

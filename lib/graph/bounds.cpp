// SPDX-License-Identifier: Apache-2.0
#include "graph/bounds.hpp"

#include <algorithm>
#include <numeric>

namespace weighbridge::lib {
namespace {

// A lower bound in 64 bits: a number below them bounds nothing, one above them bounds as INT64_MAX does. An upper bound
// likewise, the other way round.
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

// Whether a number is no multiple of what divides all terms of a size.
bool never_multiple(const Extent &number, const Extent &size) {
    if (!number.known()) return false;
    int64_t divisor = 0;
    for (int64_t term : size.terms)
        if (term != INT64_MIN)
            divisor = std::gcd(divisor, term);
        else
            return false;
    return divisor > 1 && number.terms[0] % divisor != 0;
}

}  // namespace

WideRange range_of(const Extent &extent, int64_t least_length, int64_t largest_length) {
    // Extremes are at the ends, or at an integer beside the parabola's vertex.
    const Wide a = extent.terms[0], b = extent.terms[1], c = extent.terms[2];
    auto at = [&](Wide length) { return a + (b + c * length) * length; };
    WideRange found{std::min(at(least_length), at(largest_length)), std::max(at(least_length), at(largest_length))};
    if (c == 0) return found;
    const Wide vertex = -b / (2 * c);
    for (Wide length : {vertex - 1, vertex, vertex + 1})
        if (length >= least_length && length <= largest_length)
            found = {std::min(found.least, at(length)), std::max(found.most, at(length))};
    return found;
}

ExtentBounds bounds_of(const Extent &extent, int64_t least_length, int64_t largest_length) {
    const auto [least, most] = range_of(extent, least_length, largest_length);
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
            if (never_multiple(a, b) || never_multiple(b, a)) return false;
            return std::nullopt;
    }
}

}  // namespace weighbridge::lib

// SPDX-License-Identifier: Apache-2.0
#include "graph/bounds.hpp"

#include "graph/graph.hpp"
#include "support/catch.hpp"

using namespace weighbridge::lib;

namespace {

Extent extent(int64_t constant, int64_t times, int64_t squares) {
    Extent made = Extent::of(constant);
    made.terms[1] = times;
    made.terms[2] = squares;
    return made;
}

}  // namespace

TEST_CASE("an extent's bounds are those of its lengths, the turn of a parabola included") {
    const ExtentBounds line = bounds_of(extent(-3, 2, 0), 1, 10);
    CHECK(line.least == -1);
    CHECK(line.most == 17);
    const ExtentBounds hill = bounds_of(extent(0, 10, -1), 1, 10);
    CHECK(hill.least == 0);
    CHECK(hill.most == 25);
}

TEST_CASE("a size is no number that is no multiple of what divides its terms") {
    Extent rows = extent(0, 4, 0);  // rows * 4 * length, of a length that may be 0
    rows.batch = true;
    CHECK(decide(Comparison::equal, rows, Extent::of(1), 0, 10) == false);
    CHECK(decide(Comparison::equal, Extent::of(6), rows, 0, 10) == false);
    CHECK(decide(Comparison::equal, rows, Extent::of(8), 0, 10) == std::nullopt);
    CHECK(decide(Comparison::equal, extent(INT64_MIN, 2, 0), Extent::of(1), 1, 10) == false);
}

TEST_CASE("terms as large as a file may have them give bounds that hold, or none") {
    for (const int64_t huge : {INT64_MAX, int64_t{6078832729528464401}, INT64_MIN, INT64_MIN + 1}) {
        CAPTURE(huge);
        const ExtentBounds squares = bounds_of(extent(huge, huge, huge), 1, kMaxLength);
        CHECK(squares.least.has_value() == (huge > 0));
        CHECK(squares.most.has_value() == (huge < 0));
        const auto grows = decide(Comparison::less, extent(huge, 0, 0), extent(0, huge, 1), 1, kMaxLength);
        CHECK(grows != (huge < 0));  // not the wrong way
    }
    const ExtentBounds same = bounds_of(extent(INT64_MIN, 0, 0), 0, kMaxLength);
    CHECK(same.least == INT64_MIN);
    CHECK(same.most == INT64_MIN);
}

// SPDX-License-Identifier: Apache-2.0
#include "graph/extent.hpp"

#include <cstdint>

#include "support/catch.hpp"

namespace {

namespace lib = weighbridge::lib;
using lib::Extent;

Extent poly(int64_t constant, int64_t linear, int64_t square, bool batch = false) {
    return {batch, {constant, linear, square}};
}

}  // namespace

TEST_CASE("extents are values at rows and length") {
    REQUIRE(Extent::of(7).at(3, 5) == 7);
    REQUIRE(Extent::rows(2).at(3, 5) == 6);
    REQUIRE(Extent::length(2, 1).at(3, 5) == 11);
    REQUIRE(poly(1, 2, 3, true).at(4, 5) == 4 * (1 + 10 + 75));
    REQUIRE(Extent::of(7).known());
    REQUIRE(Extent::of(7).is(7));
    REQUIRE_FALSE(Extent::rows().known());
    REQUIRE_FALSE(Extent::length().known());
    REQUIRE_FALSE(Extent::rows(7).is(7));
}

TEST_CASE("products and sums are extents or nothing") {
    REQUIRE(Extent::rows(2) * Extent::length(3) == poly(0, 6, 0, true));
    REQUIRE(Extent::length(1, 1) * Extent::length(1, -1) == poly(-1, 0, 1));
    REQUIRE_FALSE(Extent::rows() * Extent::rows());
    REQUIRE_FALSE(Extent::length() * poly(0, 0, 1));
    REQUIRE(Extent::rows() * Extent::of(0) == Extent::of(0));
    REQUIRE(Extent::rows() + Extent::rows(2) == Extent::rows(3));
    REQUIRE_FALSE(Extent::rows() + Extent::of(1));
    REQUIRE(Extent::rows() + Extent::of(0) == Extent::rows());
    REQUIRE(Extent::of(0) + Extent::rows() == Extent::rows());
    REQUIRE(Extent::rows() - Extent::rows() == Extent::of(0));
    REQUIRE(Extent::length(2, 5) - Extent::length(1, 6) == Extent::length(1, -1));
    REQUIRE_FALSE(Extent::of(INT64_MAX) + Extent::of(1));
    REQUIRE_FALSE(Extent::of(INT64_MIN) - Extent::of(1));
    REQUIRE_FALSE(Extent::of(0) - Extent::of(INT64_MIN));
    REQUIRE_FALSE(Extent::of(INT64_MAX) * Extent::of(2));
    REQUIRE(lib::product({Extent::rows(), Extent::length(), Extent::of(4)}) == poly(0, 4, 0, true));
    REQUIRE_FALSE(lib::product({Extent::length(), Extent::length(), Extent::length()}));
    REQUIRE(lib::product({}) == Extent::of(1));
}

TEST_CASE("quotients leave nothing for any rows and length") {
    REQUIRE(lib::exact_quotient(Extent::rows(12), Extent::of(4)) == Extent::rows(3));
    REQUIRE(lib::exact_quotient(Extent::rows(12), Extent::rows(4)) == Extent::of(3));
    REQUIRE(lib::exact_quotient(poly(-1, 0, 1), Extent::length(1, 1)) == Extent::length(1, -1));
    REQUIRE(lib::exact_quotient(poly(0, 6, 0, true), Extent::length(2)) == Extent::rows(3));
    REQUIRE_FALSE(lib::exact_quotient(Extent::of(12), Extent::rows()));
    REQUIRE_FALSE(lib::exact_quotient(Extent::of(12), Extent::of(5)));
    REQUIRE_FALSE(lib::exact_quotient(Extent::of(12), Extent::of(0)));
    REQUIRE_FALSE(lib::exact_quotient(Extent::length(1, 1), Extent::length()));
    REQUIRE(lib::exact_quotient(Extent::of(0), Extent::of(5)) == Extent::of(0));
    // Nothing overflows.
    REQUIRE_FALSE(lib::exact_quotient(Extent::of(INT64_MIN), Extent::of(-1)));
    REQUIRE_FALSE(lib::exact_quotient(poly(INT64_MIN, 0, INT64_MAX), poly(INT64_MAX, 1, 0)));
    for (int64_t a = -6; a <= 6; ++a)
        for (int64_t b = -6; b <= 6; ++b) {
            const Extent whole = *(Extent::length(a, b) * Extent::length(b, a));
            if (a != 0 || b != 0) REQUIRE(lib::exact_quotient(whole, Extent::length(a, b)) == Extent::length(b, a));
        }
}

TEST_CASE("extents as text") {
    REQUIRE(to_string(Extent::of(12)) == "12");
    REQUIRE(to_string(Extent::of(0)) == "0");
    REQUIRE(to_string(Extent::rows()) == "batch");
    REQUIRE(to_string(Extent::rows(12)) == "batch*12");
    REQUIRE(to_string(Extent::length(2, 1)) == "2*length+1");
    REQUIRE(to_string(Extent::length(1, -1)) == "length-1");
    REQUIRE(to_string(Extent::length(-1, 40)) == "-length+40");
    REQUIRE(to_string(poly(0, 1, 1, true)) == "batch*(length^2+length)");
    REQUIRE(to_string(lib::Extents{Extent::rows(), Extent::length(), Extent::of(12)}) == "[batch, length, 12]");
}

TEST_CASE("the value of an extent wraps where a crafted one overflows") {
    REQUIRE(poly(0, 0, INT64_MAX).at(1, 2) == -4);
    REQUIRE(poly(INT64_MAX, 1, 0).at(1, 1) == INT64_MIN);
}

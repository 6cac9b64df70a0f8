// SPDX-License-Identifier: Apache-2.0
#include "feature/calendar.hpp"

#include <cstdint>

#include "support/catch.hpp"

namespace {

using namespace weighbridge::lib;
using Period = Cyclic::Period;

TEST_CASE("hours and days begin at multiples of their seconds, before 1970 too", "[calendar]") {
    REQUIRE(period_fraction(Period::hour, 0, 0) == 0);
    REQUIRE(period_fraction(Period::hour, 1800, 0) == 0.5);
    REQUIRE(period_fraction(Period::hour, -900, 0) == 0.75);
    REQUIRE(period_fraction(Period::day, 86400 + 21600, 0) == 0.25);
    REQUIRE(period_fraction(Period::day, -1, 0.5) == 86399.5 / 86400);
}

TEST_CASE("a week begins on Monday", "[calendar]") {
    REQUIRE(period_fraction(Period::week, 4 * 86400, 0) == 0);         // Monday 1970-01-05
    REQUIRE(period_fraction(Period::week, 0, 0) == 3.0 / 7);           // Thursday
    REQUIRE(period_fraction(Period::week, -3 * 86400, 0) == 0);        // Monday 1969-12-29
    REQUIRE(period_fraction(Period::week, 1793491200, 0) == 6.0 / 7);  // Sunday 2026-11-01
}

TEST_CASE("a year is a fraction of its own days", "[calendar]") {
    REQUIRE(period_fraction(Period::year, 0, 0) == 0);
    REQUIRE(period_fraction(Period::year, 1704067200, 0) == 0);            // 2024-01-01
    REQUIRE(period_fraction(Period::year, 1709164800, 0) == 59.0 / 366);   // 2024-02-29
    REQUIRE(period_fraction(Period::year, 1709251200, 0) == 60.0 / 366);   // 2024-03-01
    REQUIRE(period_fraction(Period::year, 1735603200, 0) == 365.0 / 366);  // 2024-12-31
    REQUIRE(period_fraction(Period::year, 1677628800, 0) == 59.0 / 365);   // 2023-03-01
    REQUIRE(period_fraction(Period::year, 951782400, 0) == 59.0 / 366);    // 2000-02-29
    REQUIRE(period_fraction(Period::year, -2203977600, 0) == 58.0 / 365);  // 1900-02-28, no leap year
    REQUIRE(period_fraction(Period::year, -2203891200, 0) == 59.0 / 365);  // 1900-03-01
    REQUIRE(period_fraction(Period::year, -86400, 0) == 364.0 / 365);      // 1969-12-31
}

TEST_CASE("the ends of int64 stay inside a period", "[calendar]") {
    for (Period period : {Period::hour, Period::day, Period::week, Period::year})
        for (int64_t at : {INT64_MIN, INT64_MAX, INT64_MIN + 1}) {
            double fraction = period_fraction(period, at, 0);
            REQUIRE(fraction >= 0);
            REQUIRE(fraction < 1);
        }
}

}  // namespace

// SPDX-License-Identifier: Apache-2.0
#include "base/number.hpp"

#include <cstdint>

#include "support/catch.hpp"

using weighbridge::lib::parse_number;

TEST_CASE("a number is the whole text, in its range, or nothing is set") {
    uint32_t count = 7;
    for (const char *text : {"", " 1", "1 ", "+1", "-1", "0x1", "1.0", "0", "65", "99999999999999999999", "1,"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_number(text, 1, 64, count));
        CHECK(count == 7);
    }
    CHECK(parse_number("64", 1, 64, count));
    CHECK(count == 64);
    CHECK(parse_number("001", 1, 64, count));
    CHECK(count == 1);
    int64_t whole = 0;
    CHECK(parse_number("-9223372036854775808", INT64_MIN, INT64_MAX, whole));
    CHECK(whole == INT64_MIN);
    CHECK_FALSE(parse_number("9223372036854775808", INT64_MIN, INT64_MAX, whole));
}

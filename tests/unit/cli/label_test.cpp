// SPDX-License-Identifier: Apache-2.0
#include "cli/label.hpp"

#include "support/catch.hpp"

using weighbridge::cli::read_label;

TEST_CASE("a label is 0 or 1 however it is written, true or false, or not known", "[label]") {
    for (const char *text : {"1", "1.0", "1.", "1e0", "true", "True"}) CHECK(*read_label("y", text) == true);
    for (const char *text : {"0", "0.0", "-0.0", "0e5", "false", "False"}) CHECK(*read_label("y", text) == false);
    for (const char *text : {"", "null"}) CHECK_FALSE(read_label("y", text)->has_value());
}

TEST_CASE("another label is refused, and the message has its column but not its value", "[label]") {
    for (const char *text : {"2", "-1", "0.5", "7x", " 1", "yes", "nan", "inf", "TRUEISH", "0x1", "\"1\""}) {
        auto read = read_label("is_fraud", text);
        REQUIRE_FALSE(read);
        CHECK(read.error().message.find("'is_fraud'") != std::string::npos);
        CHECK(read.error().message.find("expected 0, 1, true or false") != std::string::npos);
    }
}

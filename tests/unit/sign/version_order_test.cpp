// SPDX-License-Identifier: Apache-2.0
#include "sign/version_order.hpp"

#include <iterator>

#include "support/catch.hpp"

using weighbridge::lib::is_older;

TEST_CASE("versions are ordered by their numbers, and pre-releases come before their releases", "[sign]") {
    const char *ascending[] = {"-",
                               "1",
                               "1.0-alpha",
                               "1.0-alpha.1",
                               "1.0-alpha.beta",
                               "1.0-beta",
                               "1.0-beta.2",
                               "1.0-beta.11",
                               "1.0-rc.1",
                               "1.0-rc1",
                               "1.0-rc10",
                               "1.0-rc2",
                               "1.0",
                               "1.0+5",
                               "1.0+rc-1",
                               "1.0.0-0.3.7",
                               "1.0.0-0.3.8",
                               "1.0.0-10",
                               "1.0.0-x-y",
                               "1.0.0",
                               "1.0.0-",
                               "1.0.1",
                               "1.2",
                               "1.10",
                               "2-a",
                               "2-b",
                               "2",
                               "2.0",
                               "10",
                               "2026-9-30",
                               "2026-11-01",
                               "2026.9.30",
                               "2026.11.1-rc",
                               "2026.11.1-rc+1",
                               "2026.11.1",
                               "2026.11.1.1",
                               "2026.11.10",
                               "2026.11.10+1",
                               "2026.11.10+2",
                               "v1.0-rc",
                               "v1.0"};
    for (size_t i = 0; i < std::size(ascending); ++i)
        for (size_t j = 0; j < std::size(ascending); ++j) {
            INFO(ascending[i] << " and " << ascending[j]);
            CHECK(is_older(ascending[i], ascending[j]) == (i < j));
        }
    CHECK_FALSE(is_older("2026.011.1", "2026.11.1"));
    CHECK_FALSE(is_older("2026.11.1", "2026.011.1"));
    CHECK_FALSE(is_older("1.0-rc.01", "1.0-rc.1"));
}

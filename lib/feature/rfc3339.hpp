// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace weighbridge::lib {

enum class TimeRead : uint8_t {
    ok,
    malformed,    // not RFC 3339 with an offset, or a day, hour or second that does not exist
    leap_second,  // second 60, which has no number of its own
    finer,        // digits below the unit that are not zero
    overflow,     // outside int64 in the unit
};

// RFC 3339 (`2026-11-01T12:30:00.250+01:00`, upper or lower case, a blank for the `T`) to ticks since 1970-01-01 UTC,
// exactly. The colon of the offset, and its minutes, may be left out.
// @param ticks_per_second  a power of ten up to 10^9
TimeRead parse_rfc3339(std::string_view text, int64_t ticks_per_second, int64_t &out);

}  // namespace weighbridge::lib

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "feature/zone.hpp"

namespace weighbridge::lib {

// The footer of a TZif file: a POSIX TZ string with the extensions of RFC 8536, section 3.3.1 (hours of a transition
// from -167 to 167), such as "CET-1CEST,M3.5.0,M10.5.0/3" or "<+0330>-3:30".
class ZoneRule {
  public:
    // Nothing where the text is no such string, or has daylight saving time without saying when.
    static std::optional<ZoneRule> parse(std::string_view text);

    int32_t standard_offset() const { return standard_; }  // seconds east of UTC

    // The offset at `from`, and what changes it after `from` and before the end of 2099 (UTC).
    int32_t offset_at(int64_t from) const;
    std::vector<Zone::Transition> transitions_after(int64_t from) const;

  private:
    // A day of each year and a time, which may lie outside that day.
    struct Moment {
        enum class Day { julian, index, weekday };  // Jn, n, Mm.w.d
        Day form = Day::julian;
        int32_t month = 1, week = 1, day = 1;  // julian: 1 to 365, never 29 February; index: 0 to 365
        int32_t seconds = 2 * 3600;            // from 00:00 of that day
        int64_t local(int64_t year) const;     // seconds since 1970-01-01 00:00 on the zone's own clock
    };
    struct Interval {
        int64_t begin, end;
    };
    class Reader;

    // Daylight saving time, from the year of `from` (1900 at the earliest) to that of the end, with intervals that
    // touch made one.
    std::vector<Interval> daylight(int64_t from) const;

    int32_t standard_ = 0;
    std::optional<int32_t> daylight_;  // offset, if there is such a time
    Moment start_, end_;               // of daylight saving time
};

}  // namespace weighbridge::lib

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "feature/encoding.hpp"

namespace weighbridge::lib {

// Seconds of 400 Gregorian years, which are a whole number of weeks: times that are this far apart are alike.
inline constexpr int64_t kCalendarCycle = int64_t{146097} * 86400;

// How much of its hour, day, week (from Monday 00:00) or year has passed at a local time, in [0, 1]: whole local
// seconds since 1970-01-01 00:00 and the fraction of a second, in [0, 1), behind them. Proleptic Gregorian; a year has
// 365 or 366 days of 86400 seconds.
double period_fraction(Cyclic::Period period, int64_t local_seconds, double fraction);

}  // namespace weighbridge::lib

// SPDX-License-Identifier: Apache-2.0
#include "feature/calendar.hpp"

namespace weighbridge::lib {
namespace {

constexpr int64_t kDay = 86400;

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }
int64_t floor_mod(int64_t a, int64_t b) { return a % b + (a % b < 0 ? b : 0); }

struct YearPlace {
    int64_t day;   // since 1 January, from 0
    int64_t days;  // of the year
};

// H. Hinnant, "chrono-Compatible Low-Level Date Algorithms" (2013), civil_from_days: years begin in March there.
YearPlace year_place(int64_t days_since_1970) {
    int64_t z = days_since_1970 + 719468;
    int64_t era = floor_div(z, 146097);
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    bool after_december = day_of_year >= 306;  // January and February close the year that began in March
    int64_t year = era * 400 + year_of_era + (after_december ? 1 : 0);
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    int64_t day = after_december ? day_of_year - 306 : day_of_year + 59 + (leap ? 1 : 0);
    return {day, leap ? 366 : 365};
}

}  // namespace

double period_fraction(Cyclic::Period period, int64_t local_seconds, double fraction) {
    int64_t passed = 0, seconds = 1;
    switch (period) {
        case Cyclic::Period::hour:
            seconds = 3600;
            passed = floor_mod(local_seconds, seconds);
            break;
        case Cyclic::Period::day:
            seconds = kDay;
            passed = floor_mod(local_seconds, seconds);
            break;
        case Cyclic::Period::week: {
            seconds = 7 * kDay;
            // 1970-01-01 was a Thursday, three days after a Monday.
            passed = floor_mod(floor_mod(local_seconds, seconds) + 3 * kDay, seconds);
            break;
        }
        case Cyclic::Period::year: {
            YearPlace place = year_place(floor_div(local_seconds, kDay));
            seconds = place.days * kDay;
            passed = place.day * kDay + floor_mod(local_seconds, kDay);
            break;
        }
    }
    return (static_cast<double>(passed) + fraction) / static_cast<double>(seconds);
}

}  // namespace weighbridge::lib

// SPDX-License-Identifier: Apache-2.0
#include "feature/rfc3339.hpp"

namespace weighbridge::lib {

namespace {

// Days from 1970-01-01 to a date of the proleptic Gregorian calendar, counted in years that begin in March, so that the
// leap day is the last one.
int64_t days_from_civil(int64_t year, int64_t month, int64_t day) {
    if (month <= 2) --year;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

int64_t days_in_month(int64_t year, int64_t month) {
    if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Reader {
  public:
    explicit Reader(std::string_view text) : rest_(text) {}

    bool done() const { return rest_.empty(); }
    char peek() const { return rest_.empty() ? '\0' : rest_[0]; }
    char next() {
        char c = peek();
        if (!rest_.empty()) rest_.remove_prefix(1);
        return c;
    }
    bool skip(char wanted) { return next() == wanted; }
    // Exactly `digits` digits, within [least, most].
    bool number(int digits, int64_t least, int64_t most, int64_t &out) {
        out = 0;
        for (int i = 0; i < digits; ++i) {
            char c = next();
            if (!is_digit(c)) return false;
            out = out * 10 + (c - '0');
        }
        return out >= least && out <= most;
    }

  private:
    std::string_view rest_;
};

}  // namespace

TimeRead parse_rfc3339(std::string_view text, int64_t ticks_per_second, int64_t &out) {
    Reader in(text);
    int64_t year, month, day, hour, minute, second;
    if (!in.number(4, 0, 9999, year) || !in.skip('-') || !in.number(2, 1, 12, month) || !in.skip('-') ||
        !in.number(2, 1, days_in_month(year, month), day))
        return TimeRead::malformed;
    if (char t = in.next(); t != 'T' && t != 't' && t != ' ') return TimeRead::malformed;
    if (!in.number(2, 0, 23, hour) || !in.skip(':') || !in.number(2, 0, 59, minute) || !in.skip(':') ||
        !in.number(2, 0, 60, second))
        return TimeRead::malformed;

    int64_t fraction = 0;
    bool finer = false;
    if (in.peek() == '.') {
        in.next();
        if (!is_digit(in.peek())) return TimeRead::malformed;
        for (int64_t worth = ticks_per_second / 10; is_digit(in.peek()); worth /= 10) {
            int64_t digit = in.next() - '0';
            fraction += digit * worth;
            finer |= worth == 0 && digit != 0;
        }
    }
    int64_t east = 0;
    char sign = in.next();
    if (sign == '+' || sign == '-') {
        int64_t hours = 0, minutes = 0;
        if (!in.number(2, 0, 23, hours)) return TimeRead::malformed;
        if (!in.done()) {
            if (in.peek() == ':') in.next();
            if (!in.number(2, 0, 59, minutes)) return TimeRead::malformed;
        }
        east = (hours * 60 + minutes) * (sign == '-' ? -60 : 60);
    } else if (sign != 'Z' && sign != 'z') {
        return TimeRead::malformed;
    }
    if (!in.done()) return TimeRead::malformed;
    if (second == 60) return TimeRead::leap_second;
    if (finer) return TimeRead::finer;
    int64_t seconds = days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - east;
    // In 128 bits: the product alone can leave int64 where the sum, with a fraction, is the lowest value of it.
    __extension__ using Wide = __int128;
    Wide ticks = Wide{seconds} * ticks_per_second + fraction;
    if (ticks < INT64_MIN || ticks > INT64_MAX) return TimeRead::overflow;
    out = static_cast<int64_t>(ticks);
    return TimeRead::ok;
}

}  // namespace weighbridge::lib

// SPDX-License-Identifier: Apache-2.0
#include "feature/zone_rule.hpp"

#include <algorithm>

namespace weighbridge::lib {
namespace {

constexpr int64_t kDay = 86400;
constexpr int64_t kFirstYear = 1900, kLastYear = 2099;
constexpr int64_t kEnd = 4102444800;  // 2100-01-01 00:00 UTC

bool is_leap(int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

// Days from 1970-01-01 to 1 January of `year`, in [1, 9999], in the proleptic Gregorian calendar.
int64_t days_to(int64_t year) {
    const int64_t before = year - 1;
    return before * 365 + before / 4 - before / 100 + before / 400 - 719162;
}

int64_t year_of(int64_t seconds) {
    if (seconds < days_to(kFirstYear) * kDay) return kFirstYear;
    if (seconds >= kEnd) return kLastYear + 1;
    int64_t year = 1970 + seconds / (366 * kDay) - 1;
    while (days_to(year + 1) * kDay <= seconds) ++year;
    while (days_to(year) * kDay > seconds) --year;
    return year;
}

}  // namespace

class ZoneRule::Reader {
  public:
    explicit Reader(std::string_view text) : rest_(text) {}

    bool done() const { return rest_.empty(); }

    bool take(char wanted) {
        if (rest_.empty() || rest_[0] != wanted) return false;
        rest_.remove_prefix(1);
        return true;
    }

    // A name: at least three letters, or letters, digits and signs in <>.
    bool name() {
        const bool quoted = take('<');
        const auto belongs = [quoted](char c) {
            const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
            return letter || (quoted && ((c >= '0' && c <= '9') || c == '+' || c == '-'));
        };
        size_t length = 0;
        while (length < rest_.size() && belongs(rest_[length])) ++length;
        rest_.remove_prefix(length);
        return length >= 3 && (!quoted || take('>'));
    }

    std::optional<int32_t> number(int32_t least, int32_t most) {
        if (rest_.empty() || rest_[0] < '0' || rest_[0] > '9') return {};
        int32_t value = 0;
        for (; !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; rest_.remove_prefix(1)) {
            value = value * 10 + (rest_[0] - '0');
            if (value > most) return {};
        }
        return value >= least ? std::optional(value) : std::nullopt;
    }

    // [+-]hours[:minutes[:seconds]] in seconds.
    std::optional<int32_t> time(int32_t most_hours) {
        const bool negative = take('-');
        if (!negative) take('+');
        const auto hours = number(0, most_hours);
        if (!hours) return {};
        int32_t seconds = *hours * 3600;
        for (const int32_t unit : {60, 1}) {
            if (!take(':')) break;
            const auto value = number(0, 59);
            if (!value) return {};
            seconds += *value * unit;
        }
        return negative ? -seconds : seconds;
    }

    std::optional<Moment> moment() {
        Moment moment;
        std::optional<int32_t> day;
        if (take('M')) {
            moment.form = Moment::Day::weekday;
            const auto month = number(1, 12);
            if (!month || !take('.')) return {};
            const auto week = number(1, 5);
            if (!week || !take('.')) return {};
            moment.month = *month;
            moment.week = *week;
            day = number(0, 6);
        } else if (take('J')) {
            day = number(1, 365);
        } else {
            moment.form = Moment::Day::index;
            day = number(0, 365);
        }
        if (!day) return {};
        moment.day = *day;
        if (take('/')) {
            const auto seconds = time(167);
            if (!seconds) return {};
            moment.seconds = *seconds;
        }
        return moment;
    }

  private:
    std::string_view rest_;
};

std::optional<ZoneRule> ZoneRule::parse(std::string_view text) {
    Reader reader(text);
    ZoneRule rule;
    if (!reader.name()) return {};
    const auto standard = reader.time(24);  // west of UTC is positive here
    if (!standard) return {};
    rule.standard_ = -*standard;
    if (reader.done()) return rule;

    if (!reader.name()) return {};
    rule.daylight_ = rule.standard_ + 3600;
    if (!reader.take(',')) {
        const auto offset = reader.time(24);
        if (!offset || !reader.take(',')) return {};
        rule.daylight_ = -*offset;
    }
    const auto start = reader.moment();
    if (!start || !reader.take(',')) return {};
    const auto end = reader.moment();
    if (!end || !reader.done()) return {};
    rule.start_ = *start;
    rule.end_ = *end;
    return rule;
}

int64_t ZoneRule::Moment::local(int64_t year) const {
    int64_t days = days_to(year);
    if (form == Day::index) {
        days += day;
    } else if (form == Day::julian) {
        days += day - 1 + (is_leap(year) && day >= 60 ? 1 : 0);
    } else {
        static constexpr int32_t kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        for (int32_t m = 1; m < month; ++m) days += kDays[m - 1] + (m == 2 && is_leap(year));
        const int32_t month_days = kDays[month - 1] + (month == 2 && is_leap(year));
        const auto first = static_cast<int32_t>(((days + 4) % 7 + 7) % 7);  // 1970-01-01 was a Thursday
        int32_t of_month = (day - first + 7) % 7 + 7 * (week - 1);
        if (of_month >= month_days) of_month -= 7;  // week 5 is the last one
        days += of_month;
    }
    return days * kDay + seconds;
}

std::vector<ZoneRule::Interval> ZoneRule::daylight(int64_t from) const {
    std::vector<Interval> intervals;
    if (!daylight_) return intervals;
    const auto start = [this](int64_t year) { return start_.local(year) - standard_; };
    const auto end = [this](int64_t year) { return end_.local(year) - *daylight_; };
    // A year before and one after: a moment may be up to a week away from its day, and the south begins in the old
    // year.
    for (int64_t year = year_of(from) - 2; year <= kLastYear + 2; ++year) {
        const int64_t begin = start(year), stop = end(year) > begin ? end(year) : end(year + 1);
        if (begin == end(year) || stop <= begin) continue;
        if (!intervals.empty() && begin <= intervals.back().end)
            intervals.back().end = std::max(intervals.back().end, stop);
        else
            intervals.push_back({begin, stop});
    }
    return intervals;
}

int32_t ZoneRule::offset_at(int64_t from) const {
    for (const Interval &interval : daylight(from))
        if (interval.begin <= from && from < interval.end) return *daylight_;
    return standard_;
}

std::vector<Zone::Transition> ZoneRule::transitions_after(int64_t from) const {
    std::vector<Zone::Transition> transitions;
    const auto add = [&](int64_t at, int32_t offset) {
        if (at > from && at < kEnd) transitions.push_back({at, offset});
    };
    for (const Interval &interval : daylight(from)) {
        add(interval.begin, *daylight_);
        add(interval.end, standard_);
    }
    return transitions;
}

}  // namespace weighbridge::lib

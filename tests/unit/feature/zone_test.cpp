// SPDX-License-Identifier: Apache-2.0
#include "feature/zone.hpp"

#include <string>

#include "feature/zone_rule.hpp"
#include "support/catch.hpp"

using namespace weighbridge::lib;

namespace {

using Transition = Zone::Transition;

constexpr int64_t kMin = INT64_MIN, kMax = INT64_MAX;

std::string number(uint64_t value, int bytes) {
    std::string out;
    for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i) & 0xFF);
    return out;
}

// What a TZif file is made of; times of the first, 32-bit block are left out, as slim files do.
struct File {
    std::vector<std::pair<int64_t, uint8_t>> times = {};  // instant, type
    std::vector<int32_t> offsets = {0};                   // by type
    std::string footer = "UTC0";
    char version = '2';
    uint32_t leaps = 0;

    std::string bytes() const {
        const auto header = [this](uint64_t leap, uint64_t time, uint64_t type, uint64_t letters) {
            return "TZif" + std::string(1, version) + std::string(15, '\0') + number(0, 4) + number(0, 4) +
                   number(leap, 4) + number(time, 4) + number(type, 4) + number(letters, 4);
        };
        std::string out = header(0, 0, 1, 4) + number(0, 6) + std::string("UTC\0", 4);
        out += header(leaps, times.size(), offsets.size(), 4);
        for (const auto &time : times) out += number(static_cast<uint64_t>(time.first), 8);
        for (const auto &time : times) out += static_cast<char>(time.second);
        for (const int32_t offset : offsets) out += number(static_cast<uint32_t>(offset), 4) + number(0, 2);
        out += std::string("LMT\0", 4) + std::string(12 * leaps, '\0');
        return out + "\n" + footer + "\n";
    }
};

std::shared_ptr<const Zone> read(const File &file) {
    const std::string bytes = file.bytes();
    auto zone = Zone::from_tzif(as_bytes(bytes));
    if (!zone) FAIL(zone.status().message);
    return *zone;
}

std::string refused(const std::string &bytes) {
    const auto zone = Zone::from_tzif(as_bytes(bytes));
    REQUIRE_FALSE(zone);
    CHECK(zone.status().code == WB_INVALID_BUNDLE);
    return zone.status().message;
}

// Offset at an instant by a rule alone.
int32_t by_rule(const std::string &rule, int64_t at) { return read({.footer = rule})->offset_at(at); }

}  // namespace

TEST_CASE("zone: fixed and from text") {
    CHECK(Zone::fixed(-7200)->offset_at(kMin) == -7200);
    CHECK(Zone::from_text("")->offset_at(0) == 0);
    CHECK(Zone::from_text("UTC")->offset_at(kMax) == 0);
    CHECK(Zone::from_text("+05:30")->offset_at(0) == 19800);
    CHECK(Zone::from_text("-03:00")->initial_offset() == -10800);
    CHECK(Zone::from_text("-00:30")->offset_at(0) == -1800);
    CHECK(Zone::from_text("+23:59")->offset_at(0) == 86340);
    for (const char *other : {"utc", "Z", "05:30", "+5:30", "+05:60", "+24:00", "+0530", "+05:3", "+05:300", "+05-30",
                              " +05:30", "+a5:30", "+05:3a", "Europe/Paris", "+-5:30"}) {
        CAPTURE(other);
        CHECK(Zone::from_text(other) == nullptr);
    }
}

TEST_CASE("zone: the offset changes at the instant of a transition") {
    const auto zone = *Zone::table(561, {{-100, 3600}, {0, 7200}, {100, 3600}});
    CHECK(zone->offset_at(kMin) == 561);
    CHECK(zone->offset_at(-101) == 561);
    CHECK(zone->offset_at(-100) == 3600);
    CHECK(zone->offset_at(-1) == 3600);
    CHECK(zone->offset_at(0) == 7200);
    CHECK(zone->offset_at(99) == 7200);
    CHECK(zone->offset_at(100) == 3600);
    CHECK(zone->offset_at(kMax) == 3600);
    CHECK(zone->initial_offset() == 561);
    CHECK(zone->transitions().size() == 3);
}

TEST_CASE("zone: a table that will not do is refused") {
    const auto message = [](int32_t initial, std::vector<Transition> transitions) {
        const auto zone = Zone::table(initial, std::move(transitions));
        REQUIRE_FALSE(zone);
        CHECK(zone.status().code == WB_INVALID_BUNDLE);
        return std::string(zone.status().message);
    };
    CHECK(message(0, {{5, 0}, {5, 1}}) == "zone: transition 1: expected a time after 5, got 5");
    CHECK(message(0, {{5, 0}, {4, 1}}) == "zone: transition 1: expected a time after 5, got 4");
    CHECK(message(93601, {}) == "zone: expected an initial offset in [-93600, 93600] seconds, got 93601");
    CHECK(message(0, {{0, INT32_MIN}}) ==
          "zone: transition 0: expected an offset in [-93600, 93600] seconds, got -2147483648");
    CHECK(Zone::table(-93600, {{0, 93600}}));
}

TEST_CASE("tzif: types before, between and after the times") {
    const auto zone = read({.times = {{-1000, 1}, {1000, 2}}, .offsets = {561, 0, 3600}, .footer = "CET-1"});
    CHECK(zone->offset_at(-1001) == 561);
    CHECK(zone->offset_at(-1000) == 0);
    CHECK(zone->offset_at(1000) == 3600);
    CHECK(zone->transitions() == std::vector<Transition>{{-1000, 0}, {1000, 3600}});
}

TEST_CASE("tzif: a time that keeps the offset is no transition") {
    const auto zone = read({.times = {{kMin, 0}, {0, 1}, {9, 1}}, .offsets = {0, 60}, .footer = ""});
    CHECK(zone->transitions() == std::vector<Transition>{{0, 60}});
}

TEST_CASE("tzif: the footer goes on to the end of 2099") {
    // Europe/Paris from the autumn of 1996.
    const auto zone =
        read({.times = {{846378000, 0}}, .offsets = {3600}, .footer = "CET-1CEST,M3.5.0,M10.5.0/3", .version = '4'});
    CHECK(zone->offset_at(846378000) == 3600);
    CHECK(zone->offset_at(859683599) == 3600);  // 1997-03-30 01:00 UTC
    CHECK(zone->offset_at(859683600) == 7200);
    CHECK(zone->offset_at(1711846799) == 3600);  // 2024-03-31 01:00 UTC
    CHECK(zone->offset_at(1711846800) == 7200);
    CHECK(zone->offset_at(1729990799) == 7200);  // 2024-10-27 01:00 UTC
    CHECK(zone->offset_at(1729990800) == 3600);
    CHECK(zone->transitions().size() == 2 * (2099 - 1996));
    CHECK(zone->transitions().back() == Transition{4096573200, 3600});  // 2099-10-25 01:00 UTC
    CHECK(zone->offset_at(4102444800 + 200 * 86400) == 3600);
}

TEST_CASE("tzif: a file without times is its footer") {
    CHECK(read({.offsets = {-10800}, .footer = "<-03>3"})->offset_at(0) == -10800);
    CHECK(read({.offsets = {0}, .footer = ""})->offset_at(5) == 0);
    const auto zone = read({.offsets = {-18000}, .footer = "EST5EDT,M3.2.0,M11.1.0"});
    CHECK(zone->initial_offset() == -18000);
    CHECK(zone->offset_at(1710053999) == -18000);  // 2024-03-10 07:00 UTC
    CHECK(zone->offset_at(1710054000) == -14400);
}

TEST_CASE("tzif: damaged files are refused") {
    const std::string whole = File{.times = {{0, 1}, {5, 0}}, .offsets = {0, 60}}.bytes();
    REQUIRE(Zone::from_tzif(as_bytes(whole)));
    for (size_t length = 0; length < whole.size(); ++length) {
        CAPTURE(length);
        refused(whole.substr(0, length));
    }
    CHECK(refused("") == "TZif file: expected a header at byte 0 of 0, got none");
    CHECK(refused(File{.version = '\0'}.bytes()) == "TZif file: expected version 2 or later, got byte 0x00");
    CHECK(refused(File{.leaps = 2}.bytes()) == "TZif file: expected no leap seconds, got 2");
    CHECK(refused(File{.offsets = {}}.bytes()) == "TZif file: expected at least 1 local time type, got 0");
    CHECK(refused(File{.times = {{0, 1}}}.bytes()) == "TZif file: time 0: expected a type below 1, got 1");
    CHECK(refused(File{.times = {{3, 0}, {3, 0}}}.bytes()) == "TZif file: time 1: expected one after 3, got 3");
    CHECK(refused(File{.offsets = {100000}, .footer = ""}.bytes()) ==
          "zone: expected an initial offset in [-93600, 93600] seconds, got 100000");
    CHECK(refused(File{.times = {{0, 0}}, .footer = "CET-1"}.bytes()) ==
          "TZif file: expected the footer to go on with offset 0 at 0, got 3600");
    CHECK(refused(File{.footer = "CET"}.bytes()) == "TZif file: expected a POSIX TZ rule as footer, got 3 other bytes");
}

TEST_CASE("tzif: counts that promise more than the file has are refused") {
    const std::string whole = File{.times = {{0, 0}}}.bytes();
    const size_t second = 44 + 10;
    for (const size_t header : {size_t{0}, second})
        for (size_t field = 0; field < 6; ++field) {
            std::string bytes = whole;
            bytes.replace(header + 20 + 4 * field, 4, 4, '\xFF');
            CAPTURE(header, field);
            refused(bytes);
        }
}

TEST_CASE("tzif: any byte may be any other") {
    const std::string whole =
        File{.times = {{-5, 1}, {846378000, 0}}, .offsets = {3600, 0}, .footer = "CET-1CEST,M3.5.0,M10.5.0/3"}.bytes();
    size_t read = 0;
    for (size_t at = 0; at < whole.size(); ++at)
        for (const char other : {'\0', '\x01', '\x7F', '\x80', '\xFF', '9', '-'}) {
            std::string bytes = whole;
            bytes[at] = other;
            const auto zone = Zone::from_tzif(as_bytes(bytes));
            read += zone && (*zone)->offset_at(0) <= 26 * 3600;
        }
    CHECK(read > 0);
}

TEST_CASE("zone rule: days of each form") {
    // Of 2024, a leap year: day 60 of Jn is 1 March, day 59 of n is 29 February.
    CHECK(by_rule("AAA0BBB,J60/0,J300", 1709251199) == 0);  // 2024-03-01 00:00 UTC
    CHECK(by_rule("AAA0BBB,J60/0,J300", 1709251200) == 3600);
    CHECK(by_rule("AAA0BBB,59/0,300", 1709164799) == 0);  // 2024-02-29 00:00 UTC
    CHECK(by_rule("AAA0BBB,59/0,300", 1709164800) == 3600);
    CHECK(by_rule("AAA0BBB,J60/0,J300", 1677628799) == 0);  // 2023-03-01 00:00 UTC
    CHECK(by_rule("AAA0BBB,J60/0,J300", 1677628800) == 3600);
    CHECK(by_rule("AAA0BBB,59/0,300", 1677628800) == 3600);
    CHECK(by_rule("AAA0BBB,M2.5.4/0,J300", 1709164799) == 0);  // last Thursday of February: the 29th
    CHECK(by_rule("AAA0BBB,M2.5.4/0,J300", 1709164800) == 3600);
    CHECK(by_rule("AAA0BBB,M9.1.0/0,J300", 1725148800) == 3600);  // 2024-09-01 is a Sunday
    CHECK(by_rule("AAA0BBB,M9.1.0/0,J300", 1725148799) == 0);
}

TEST_CASE("zone rule: two in the morning of the old clock where no time is given") {
    CHECK(by_rule("AAA5BBB,J100,J300", 1712732399) == -18000);  // 2024-04-10 07:00 UTC
    CHECK(by_rule("AAA5BBB,J100,J300", 1712732400) == -14400);
    CHECK(by_rule("AAA5BBB,J100,J300", 1730008799) == -14400);  // 2024-10-27 06:00 UTC
    CHECK(by_rule("AAA5BBB,J100,J300", 1730008800) == -18000);
}

TEST_CASE("zone rule: the southern summer spans the new year") {
    const std::string rule = "AEST-10AEDT,M10.1.0,M4.1.0/3";
    CHECK(by_rule(rule, 1704067200) == 39600);  // 2024-01-01
    CHECK(by_rule(rule, 1720000000) == 36000);  // July
    CHECK(by_rule(rule, 1735689599) == 39600);  // 2024-12-31 23:59:59
}

TEST_CASE("zone rule: daylight saving time may be behind") {
    const std::string rule = "IST-1GMT0,M10.5.0,M3.5.0/1";
    CHECK(by_rule(rule, 1704067200) == 0);
    CHECK(by_rule(rule, 1720000000) == 3600);
}

TEST_CASE("zone rule: times before the day and after it") {
    const std::string nuuk = "<-02>2<-01>,M3.5.0/-1,M10.5.0/0";
    CHECK(by_rule(nuuk, 1711846799) == -7200);  // 2024-03-30 23:00 there
    CHECK(by_rule(nuuk, 1711846800) == -3600);
    const std::string gaza = "EET-2EEST,M3.4.4/50,M10.4.4/50";
    CHECK(by_rule(gaza, 1711756799) == 7200);  // 2024-03-30 02:00 there
    CHECK(by_rule(gaza, 1711756800) == 10800);
    CHECK(by_rule("AAA0BBB,M4.1.0/-167:59:59,J300", 1712448000 - 167 * 3600 - 3599) == 3600);
    CHECK(by_rule("AAA0BBB,M4.1.0/-167:59:59,J300", 1712448000 - 167 * 3600 - 3600) == 0);
}

TEST_CASE("zone rule: summer all year has no transitions") {
    const auto rule = ZoneRule::parse("EST5EDT,0/0,J365/25");
    REQUIRE(rule);
    CHECK(rule->transitions_after(0).empty());
    CHECK(rule->offset_at(0) == -14400);
    CHECK(rule->offset_at(1735689600) == -14400);
    CHECK(rule->standard_offset() == -18000);
}

TEST_CASE("zone rule: transitions alternate, ascend and end in 2099") {
    for (const char *text : {"CET-1CEST,M3.5.0,M10.5.0/3", "AEST-10AEDT,M10.1.0,M4.1.0/3", "AAA0BBB,J1/-167,365/167",
                             "AAA0BBB,J365/167,J1/-167", "AAA12BBB-12,0,0/1", "AAA0BBB,J50,J50/3"}) {
        CAPTURE(text);
        const auto rule = ZoneRule::parse(text);
        REQUIRE(rule);
        for (const int64_t from : {kMin, int64_t{0}, int64_t{1711846800}, int64_t{4102444799}, kMax}) {
            int32_t offset = rule->offset_at(from);
            int64_t before = from;
            for (const auto &[at, next] : rule->transitions_after(from)) {
                CHECK(at > before);
                CHECK(at < 4102444800);
                CHECK(next != offset);
                before = at;
                offset = next;
            }
        }
    }
}

TEST_CASE("zone rule: names and offsets") {
    CHECK(ZoneRule::parse("<+03>-3")->standard_offset() == 10800);
    CHECK(ZoneRule::parse("<+0330>-3:30")->standard_offset() == 12600);
    CHECK(ZoneRule::parse("ABCDEFGH+1:02:03")->standard_offset() == -3723);
    CHECK(ZoneRule::parse("AAA24")->standard_offset() == -86400);
    CHECK(ZoneRule::parse("AAA0BBB-2,J1,J100")->offset_at(86400 * 20) == 7200);
}

TEST_CASE("zone rule: what is no rule") {
    for (const char *text : {"",
                             "A",
                             "AB1",
                             "ABC",
                             "<ABC1",
                             "<>1",
                             "<A>1",
                             "ABC25",
                             "ABC1:60",
                             "ABC1:",
                             "ABC1:00:60",
                             "ABC1:00:00:00",
                             "1ABC",
                             "AB+1",
                             "ABC0DEF",
                             "ABC0DEF,",
                             "ABC0DEF,J1",
                             "ABC0DEF,J1,",
                             "ABC0DEF,J0,J1",
                             "ABC0DEF,J366,J1",
                             "ABC0DEF,366,1",
                             "ABC0DEF,M0.1.1,J1",
                             "ABC0DEF,M13.1.1,J1",
                             "ABC0DEF,M1.0.1,J1",
                             "ABC0DEF,M1.6.1,J1",
                             "ABC0DEF,M1.1.7,J1",
                             "ABC0DEF,M1.1,J1",
                             "ABC0DEF,M1,J1",
                             "ABC0DEF,M,J1",
                             "ABC0DEF,J1/168,J2",
                             "ABC0DEF,J1/,J2",
                             "ABC0DEF,J1,J2 ",
                             "ABC0DEF,J1,J2,J3",
                             "ABC0DE,J1,J2",
                             "ABC0DEF25,J1,J2",
                             "ABC99999999999999999999",
                             "ABC0DEF,J-1,J2",
                             "ABC--1",
                             ":Europe/Paris"}) {
        CAPTURE(text);
        CHECK_FALSE(ZoneRule::parse(text));
    }
}

// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstring>

#include "feature/rfc3339.hpp"
#include "unit/feature/source_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::lib::test;

namespace {

constexpr int64_t kLongest = 64;

struct JsonFixture {
    std::shared_ptr<const Schema> schema = payment_schema();
    std::vector<uint64_t> memory = std::vector<uint64_t>(schema->fixed_bytes() / 8 + 64);
    StridedRows row{*schema, memory.data(), 0};

    JsonFixture() { REQUIRE(init_row(*schema, memory.data(), memory.size() * 8).ok()); }
    Status set(std::string_view json) { return set_row_json(*schema, memory.data(), json, kLongest); }
    [[gnu::noinline]] void take(std::string_view json) {
        Status status = set(json);
        INFO(json << ": " << status.message);
        REQUIRE(status.ok());
    }
    // Fails, says `what`, and leaves the row as it was.
    [[gnu::noinline]] void refuse(std::string_view json, std::string_view what, int32_t code = WB_INVALID_INPUT) {
        uint32_t used;
        std::memcpy(&used, reinterpret_cast<char *>(memory.data()) + offsetof(wb_row_header, used), sizeof used);
        std::string before(reinterpret_cast<char *>(memory.data()), used);
        Status status = set(json);
        INFO(json << ": " << status.message);
        CHECK(status.code == code);
        CHECK(mentions(status, what));
        CHECK(before == std::string(reinterpret_cast<char *>(memory.data()), used));
    }
};

int64_t millis(std::string_view text) {
    int64_t out = -1;
    INFO(text);
    REQUIRE(parse_rfc3339(text, 1000, out) == TimeRead::ok);
    return out;
}

}  // namespace

TEST_CASE_METHOD(JsonFixture, "a JSON object sets features of every type", "[row_json]") {
    take(R"({"amount_minor": 1250, "distance_km": 1.5, "ratio": 1e-3, "online": true, "country": "FR",
             "merchant_id": 77, "paid_at": 1234, "descriptor": "caf\u00e9", "past_amount": [1, -2, 3],
             "past_country": ["FR", "", "GER"], "past_at": [5, "1970-01-01T00:00:01Z"], "past_ratio": [0.5, 2]})");
    CHECK(integer(row, kAmount) == 1250);
    CHECK(number(row, kDistance) == 1.5);
    CHECK(number(row, kRatio) == 1e-3);
    CHECK(flag(row, kOnline));
    CHECK(text(row, kCountry) == "FR");
    CHECK(integer(row, kMerchant) == 77);
    CHECK(integer(row, kPaidAt) == 1234);
    CHECK(text(row, kDescriptor) == "caf\xc3\xa9");
    CHECK(integers(row, kPastAmount) == std::vector<int64_t>{1, -2, 3});
    CHECK(texts(row, kPastCountry) == std::vector<std::string>{"FR", "", "GER"});
    CHECK(integers(row, kPastAt) == std::vector<int64_t>{5, 1000});
    CHECK(numbers(row, kPastRatio) == std::vector<double>{0.5, 2});
}

TEST_CASE_METHOD(JsonFixture, "absent names and null leave a feature as it was", "[row_json]") {
    take(R"({"amount_minor": 7, "past_amount": []})");
    take(R"({"amount_minor": null, "country": null, "past_amount": null})");
    take("{}");
    CHECK(integer(row, kAmount) == 7);
    CHECK(is_missing(row, kCountry));
    CHECK(integers(row, kPastAmount).empty());
    take(R"({"amount_minor": 8})");
    CHECK(integer(row, kAmount) == 8);
}

TEST_CASE_METHOD(JsonFixture, "integers are exact", "[row_json]") {
    take(R"({"amount_minor": 9223372036854775807, "merchant_id": -9223372036854775808})");
    CHECK(integer(row, kAmount) == INT64_MAX);
    CHECK(integer(row, kMerchant) == INT64_MIN);
    take(R"({"amount_minor": 9007199254740993})");
    CHECK(integer(row, kAmount) == 9007199254740993);
    refuse(R"({"amount_minor": 9223372036854775808})", "expected int64, got 9223372036854775808");
    refuse(R"({"amount_minor": -9223372036854775809})", "expected int64, got -9223372036854775809");
    refuse(R"({"amount_minor": 1.5})", "feature 'amount_minor': expected int64, got 1.5");
    refuse(R"({"past_amount": [1, 2.5]})", "expected sequence of int64, got 2.5 in its array");
}

TEST_CASE_METHOD(JsonFixture, "float features take the numbers that JSON lacks", "[row_json]") {
    take(R"({"distance_km": "NaN", "ratio": "-Infinity", "past_ratio": [1, "Infinity"]})");
    CHECK(std::isnan(number(row, kDistance)));
    CHECK(number(row, kRatio) == -HUGE_VAL);
    CHECK(numbers(row, kPastRatio)[1] == HUGE_VAL);
    take(R"({"ratio": 18446744073709551615, "distance_km": 16777217})");
    CHECK(number(row, kRatio) == 0x1p64);
    CHECK(number(row, kDistance) == 16777216);
    refuse(R"({"ratio": "none"})", "expected float64, got \"none\"");
    refuse(R"({"distance_km": 1e39})", "expected float32, got 1e39");
    refuse(R"({"ratio": 1e400})", "expected float64, got 1e400");
    refuse(R"({"amount_minor": "NaN"})", "expected int64, got \"NaN\"");
}

TEST_CASE_METHOD(JsonFixture, "a wrong type names the feature and both types", "[row_json]") {
    refuse(R"({"amount_minor": "12"})", "feature 'amount_minor': expected int64, got \"12\"");
    refuse(R"({"amount_minor": true})", "got a boolean");
    refuse(R"({"amount_minor": [1]})", "got an array");
    refuse(R"({"amount_minor": {"a": 1}})", "got an object");
    refuse(R"({"online": 2})", "feature 'online': expected bool, got 2");
    refuse(R"({"country": 1})", "feature 'country': expected category, got 1");
    refuse(R"({"descriptor": false})", "feature 'descriptor': expected text, got a boolean");
    refuse(R"({"merchant_id": "77"})", "expected category with int64 keys, got \"77\"");
    refuse(R"({"past_amount": 1})", "expected sequence of int64, got a number");
    refuse(R"({"past_country": "FR"})", "expected sequence of category, got a string");
    refuse(R"({"past_amount": [null]})", "got null in its array");
    refuse(R"({"past_amount": [[1]]})", "got an array in its array");
    refuse(R"({"paid_at": 1.5})", "expected timestamp in ms, got 1.5");
    CHECK(set(R"({"online": 2})").feature == kOnline);
}

TEST_CASE_METHOD(JsonFixture, "an error sets nothing, even after good features", "[row_json]") {
    take(R"({"amount_minor": 1, "country": "FR"})");
    refuse(R"({"amount_minor": 2, "country": "GERMANY", "past_amount": [1, 2], "online": "x"})", "'online'");
    CHECK(integer(row, kAmount) == 1);
    CHECK(text(row, kCountry) == "FR");
}

TEST_CASE_METHOD(JsonFixture, "unknown and repeated names are errors", "[row_json]") {
    refuse(R"({"amount_minr": 1})", "no feature 'amount_minr'");
    refuse(R"({"amount_minr": 1})", "amount_minor");
    refuse(R"({"": 1})", "no feature ''");
    refuse("{\"a\\nb\": 1}", "no feature 'a?b'");
    refuse("{\"" + std::string(47, 'x') + "\xc3\xa9\": 1}", "no feature '" + std::string(47, 'x') + "'");
    refuse(R"({"amount_minor": 1, "amount_minor": 1})", "feature 'amount_minor': named twice");
    refuse(R"({"amount_minor": null, "amount_minor": 1})", "named twice");
}

TEST_CASE_METHOD(JsonFixture, "text that is no JSON object is refused with its place", "[row_json]") {
    refuse("", "not valid JSON at byte");
    refuse("{", "not valid JSON at byte");
    refuse(R"({"amount_minor": 1} x)", "not valid JSON at byte 21");
    refuse(R"({"amount_minor": 01})", "not valid JSON");
    refuse(R"({"amount_minor": NaN})", "not valid JSON");
    refuse(R"({"amount_minor": 1,})", "not valid JSON");
    refuse("{\"country\": \"\xff\"}", "not valid JSON at byte 14");
    refuse(std::string_view("{}\0", 3), "not valid JSON");
    refuse("[]", "expected a JSON object, got an array");
    refuse("7", "expected a JSON object, got a number");
    refuse("null", "expected a JSON object, got null");
    refuse(std::string(100000, '['), "expected a JSON object, got an array");
    refuse("{\"past_amount\": " + std::string(100000, '['), "got an array in its array");
    CHECK(set_row_json(*schema, memory.data(), std::string_view(), kLongest).code == WB_INVALID_INPUT);
}

TEST_CASE_METHOD(JsonFixture, "values of private features stay out of messages", "[row_json]") {
    for (const char *json : {R"({"secret": 4111.5})", R"({"secret": "4111"})", R"({"secret": 41114111411141114111})",
                             R"({"secret": 4111x})", R"({"secret_at": "4111"})", R"({"secret_at": 4111.5})",
                             R"({"secret_at": "4111-01-01T00:00:00.0001Z"})"}) {
        Status status = set(json);
        CHECK(status.code == WB_INVALID_INPUT);
        CHECK_FALSE(mentions(status, "4111"));
    }
    refuse(R"({"secret": 1.5})", "feature 'secret': expected int64, got a number that is not whole");
}

TEST_CASE_METHOD(JsonFixture, "a full tail is an error that names the feature", "[row_json]") {
    REQUIRE(init_row(*schema, memory.data(), schema->fixed_bytes() + 8).ok());
    refuse(R"({"country": "123456789"})", "feature 'country'", WB_BUFFER_TOO_SMALL);
    refuse(R"({"past_amount": [1, 2]})", "no room for 16 more", WB_BUFFER_TOO_SMALL);
    refuse(R"({"past_country": ["FR"]})", "feature 'past_country'", WB_BUFFER_TOO_SMALL);
    refuse(R"({"past_amount": [1], "country": "FR"})", "feature 'country'", WB_BUFFER_TOO_SMALL);
    take(R"({"past_amount": [5]})");
    CHECK(integers(row, kPastAmount) == std::vector<int64_t>{5});
}

TEST_CASE_METHOD(JsonFixture, "a row in use or of another schema is left alone", "[row_json]") {
    {
        RowLock lock;
        REQUIRE(lock.take(*schema, memory.data()).ok());
        CHECK(set("{}").code == WB_BUSY);
    }
    memory[1] ^= 1;  // the digest
    CHECK(set("{}").code == WB_SCHEMA_MISMATCH);
    CHECK(set_row_json(*schema, nullptr, "{}", kLongest).code == WB_INVALID_ARGUMENT);
}

TEST_CASE_METHOD(JsonFixture, "times are read to the unit of the feature", "[row_json]") {
    take(R"({"paid_at": "2026-11-01T12:30:00.250+01:00"})");
    CHECK(integer(row, kPaidAt) == 1793532600250);
    refuse(R"({"paid_at": "2026-11-01T12:30:00.0005Z"})", "expected a time in whole ms, got 2026-11-01T12:30:00.0005Z");
    refuse(R"({"paid_at": "2026-11-01T12:30:00"})",
           "RFC 3339 with an offset (2026-11-01T12:30:00Z), got 2026-11-01T12:30:00");
    refuse("{\"paid_at\": \"2026\\n\"}", "got 2026?");
}

TEST_CASE("RFC 3339 to ticks", "[rfc3339]") {
    CHECK(millis("1970-01-01T00:00:00Z") == 0);
    CHECK(millis("1970-01-01t00:00:00z") == 0);
    CHECK(millis("1969-12-31T23:59:59.999-00:00") == -1);
    CHECK(millis("1970-01-01 00:00:00+00:00") == 0);
    CHECK(millis("1970-01-01 01:00:00+01") == 0);
    CHECK(millis("1970-01-01T05:30:00+0530") == 0);
    CHECK(millis("2000-02-29T12:00:00+05:30") == 951805800000);
    CHECK(millis("2026-11-01T00:00:00.1000000Z") == 1793491200100);
    CHECK(millis("0000-03-01T00:00:00Z") == -62162035200000);
    CHECK(millis("9999-12-31T23:59:59.999Z") == 253402300799999);
    CHECK(millis("1900-03-01T00:00:00Z") == -2203891200000);
}

TEST_CASE("what is no RFC 3339 time", "[rfc3339]") {
    int64_t out = 0;
    for (const char *text : {"",
                             "2026",
                             "2026-11-01",
                             "2026-11-01T00:00:00",
                             "2026-11-01T00:00Z",
                             "2026-13-01T00:00:00Z",
                             "2026-00-01T00:00:00Z",
                             "2026-02-29T00:00:00Z",
                             "1900-02-29T00:00:00Z",
                             "2026-04-31T00:00:00Z",
                             "2026-11-00T00:00:00Z",
                             "2026-11-01T24:00:00Z",
                             "2026-11-01T00:60:00Z",
                             "2016-12-31T23:59:61Z",
                             "2026-11-01_00:00:00Z",
                             "2026-11-01T00:00:00.Z",
                             "2026-11-01T00:00:00+01:",
                             "2026-11-01T00:00:00+010",
                             "2026-11-01T00:00:00+1",
                             "2026-11-01 00:00:00 +01:00",
                             "2026-11-01T00:00:00+24:00",
                             "2026-11-01T00:00:00+01:60",
                             "2026-11-01T00:00:00ZZ",
                             "+026-11-01T00:00:00Z",
                             "2026-1-01T00:00:00Z"}) {
        INFO(text);
        CHECK(parse_rfc3339(text, 1000, out) == TimeRead::malformed);
    }
    CHECK(parse_rfc3339(std::string_view("1970-01-01T00:00:00\0", 20), 1, out) == TimeRead::malformed);
}

TEST_CASE("a leap second has no number, and is called that", "[rfc3339]") {
    int64_t out = 0;
    CHECK(parse_rfc3339("2016-12-31T23:59:60Z", 1000, out) == TimeRead::leap_second);
    CHECK(parse_rfc3339("2016-12-31T23:59:60", 1000, out) == TimeRead::malformed);
}

TEST_CASE("times that the unit cannot hold", "[rfc3339]") {
    int64_t out = 0;
    CHECK(parse_rfc3339("1970-01-01T00:00:00.5Z", 1, out) == TimeRead::finer);
    CHECK(parse_rfc3339("1970-01-01T00:00:00.0000000001Z", 1000000000, out) == TimeRead::finer);
    CHECK(parse_rfc3339("2262-04-11T23:47:16.854775807Z", 1000000000, out) == TimeRead::ok);
    CHECK(out == INT64_MAX);
    CHECK(parse_rfc3339("2262-04-11T23:47:16.854775808Z", 1000000000, out) == TimeRead::overflow);
    CHECK(parse_rfc3339("1677-09-21T00:12:43.145224192Z", 1000000000, out) == TimeRead::ok);
    CHECK(out == INT64_MIN);
    CHECK(parse_rfc3339("1677-09-21T00:12:43.145224191Z", 1000000000, out) == TimeRead::overflow);
    CHECK(parse_rfc3339("9999-12-31T23:59:59Z", 1000000000, out) == TimeRead::overflow);
}

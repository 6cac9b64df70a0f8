// SPDX-License-Identifier: Apache-2.0
#include "feature/schema.hpp"

#include <cmath>
#include <string>

#include "encoder_fixture.hpp"
#include "support/catch.hpp"

namespace {

using namespace weighbridge::lib;
using test::feature;
using test::sequence;

std::string refusal(std::vector<Feature> features) {
    auto made = Schema::make(std::move(features));
    REQUIRE_FALSE(made.ok());
    REQUIRE(made.status().code == WB_INVALID_BUNDLE);
    return made.status().message;
}

template <class Change>
std::string refusal(StoredType type, Change change) {
    Feature made = feature("x", type);
    change(made);
    return refusal({made});
}

TEST_CASE("fields lie behind the bitmap, each aligned to its size", "[schema]") {
    auto schema = *Schema::make({feature("flag", StoredType::boolean), feature("single", StoredType::float32),
                                 feature("wide", StoredType::float64), feature("flag2", StoredType::boolean),
                                 sequence("past", StoredType::float32), feature("text", StoredType::text)});
    REQUIRE(schema->missing_offset() == 24);
    std::vector<uint32_t> offsets;
    for (const Feature &made : schema->features()) offsets.push_back(made.offset);
    REQUIRE(offsets == std::vector<uint32_t>{25, 28, 32, 40, 48, 56});
    REQUIRE(schema->fixed_bytes() == 64);
}

TEST_CASE("the bitmap has a bit for each feature", "[schema]") {
    for (size_t count : {size_t{8}, size_t{9}, size_t{17}}) {
        std::vector<Feature> features;
        for (size_t i = 0; i < count; ++i) features.push_back(feature("f" + std::to_string(i), StoredType::boolean));
        auto schema = *Schema::make(features);
        REQUIRE(schema->features()[0].offset == 24 + (count + 7) / 8);
        REQUIRE(schema->fixed_bytes() % 8 == 0);
    }
}

TEST_CASE("the digest covers the layout, not ranges and encodings", "[schema]") {
    auto digest = [](const Feature &made) { return (*Schema::make({made}))->digest(); };
    Feature base = feature("x", StoredType::int64);
    Feature other = test::ranged(base, 0, 1);
    other.encoding = {Log1p{}};
    other.missing = DefaultValue{};
    other.privacy = "p";
    REQUIRE(digest(base) == digest(other));
    Feature money = base, named = base, type = base, many = base;
    money.money_exponent = 2;
    named.name = "y";
    type.type = StoredType::code;
    many.sequence = true;
    for (const Feature &changed : {money, named, type, many}) REQUIRE(digest(base) != digest(changed));
    Feature seconds = feature("t", StoredType::timestamp), millis = seconds;
    seconds.ticks_per_second = 1;
    REQUIRE(digest(seconds) != digest(millis));
    Feature euros = money, dollars = money;
    euros.currency = "EUR";
    dollars.currency = "USD";
    REQUIRE(digest(euros) != digest(dollars));
}

TEST_CASE("the digest of a known schema does not move", "[schema]") {
    // sha256 of "weighbridge row layout 1\namount_minor int64 0 2 0 EUR\npaid_at timestamp 0 -1 1000\n", first 8 bytes.
    Feature amount = feature("amount_minor", StoredType::int64);
    amount.money_exponent = 2;
    amount.currency = "EUR";
    auto schema = *Schema::make({amount, feature("paid_at", StoredType::timestamp)});
    REQUIRE(schema->digest() == 0xDEBCFA43F897ECC4);
}

TEST_CASE("names are lower-case identifiers of at most 63 bytes", "[schema]") {
    for (const char *name : {"", "A", "1a", "_a", "a-b", "a b", "a\xC3\xA9", "\xFF"})
        REQUIRE(refusal({feature(name, StoredType::int64)}).find("expected a name") != std::string::npos);
    REQUIRE(refusal({feature(std::string(64, 'a'), StoredType::int64)}).find("expected a name") != std::string::npos);
    REQUIRE(Schema::make({feature(std::string(63, 'a'), StoredType::int64)}).ok());
}

TEST_CASE("a duplicate name is named with both places", "[schema]") {
    REQUIRE(refusal({feature("a", StoredType::int64), feature("b", StoredType::int64),
                     feature("a", StoredType::text)}) == "feature 'a': expected distinct names, got it at 0 and 2");
}

TEST_CASE("a schema has a feature", "[schema]") { REQUIRE(refusal({}) == "features: expected 1 to 65536, got 0"); }

TEST_CASE("what does not fit a type is refused", "[schema]") {
    REQUIRE(refusal({sequence("x", StoredType::text)}) ==
            "feature 'x': expected a sequence of numbers, categories or timestamps, got one of text");
    REQUIRE(refusal({sequence("x", StoredType::boolean)}).find("got one of bool") != std::string::npos);
    REQUIRE(refusal(StoredType::float64, [](Feature &f) { f.money_exponent = 2; }) ==
            "feature 'x': expected money as int64, got float64");
    REQUIRE(refusal(StoredType::int64, [](Feature &f) { f.money_exponent = 5; }) ==
            "feature 'x': expected a money exponent in [0, 4], got 5");
    REQUIRE(refusal(StoredType::timestamp, [](Feature &f) { f.ticks_per_second = 60; }).find("got 60") !=
            std::string::npos);
    REQUIRE(refusal(StoredType::int64, [](Feature &f) { f.ticks_per_second = 1; }).find("on int64") !=
            std::string::npos);
    REQUIRE(refusal(StoredType::int64, [](Feature &f) { f.zone = "UTC"; }).find("on int64") != std::string::npos);
    REQUIRE(refusal(StoredType::text, [](Feature &f) { f.minimum = 0; }).find("got one on text") != std::string::npos);
    REQUIRE(refusal(StoredType::int64, [](Feature &f) { f.nan_is_missing = true; }).find("got it on int64") !=
            std::string::npos);
    REQUIRE(refusal(static_cast<StoredType>(99), [](Feature &) {}).find("got 99") != std::string::npos);
}

TEST_CASE("a range ascends", "[schema]") {
    REQUIRE(refusal({test::ranged(feature("x", StoredType::int64), 2, 1)}) ==
            "feature 'x': expected an ascending range, got [2, 1]");
    REQUIRE(refusal({test::ranged(feature("x", StoredType::float64), std::nan(""), 1)}).find("ascending") !=
            std::string::npos);
    REQUIRE(Schema::make({test::ranged(feature("x", StoredType::int64), 1, 1)}).ok());
}

TEST_CASE("a default is a value that a caller could have given", "[schema]") {
    auto with = [](DefaultValue value) { return [value](Feature &f) { f.missing = value; }; };
    REQUIRE(refusal(StoredType::float64, with(test::default_number(HUGE_VAL))).find("finite default") !=
            std::string::npos);
    REQUIRE(refusal(StoredType::boolean, with(test::default_number(2))).find("default of 0 or 1") != std::string::npos);
    REQUIRE(refusal(StoredType::category, with(test::default_text("\xFF"))).find("default of UTF-8") !=
            std::string::npos);
    Feature made = test::ranged(feature("x", StoredType::int64), 0, 9);
    made.missing = test::default_integer(10);
    REQUIRE(refusal({made}) == "feature 'x': expected a default in the range [0, 9], got 10");
}

TEST_CASE("features are found by name, and near names by what they share, then by distance", "[schema]") {
    auto schema = *Schema::make({feature("amount_minor", StoredType::int64), feature("country", StoredType::text),
                                 feature("county", StoredType::text), feature("paid_at", StoredType::int64)});
    REQUIRE(schema->find("country") == 1U);
    REQUIRE_FALSE(schema->find("countr"));
    REQUIRE(schema->nearest("contry") == "'country', 'county', 'paid_at'");
    REQUIRE(schema->nearest("amount").starts_with("'amount_minor', "));
    REQUIRE(schema->nearest("minor").starts_with("'amount_minor', "));
    REQUIRE(schema->nearest("paid_at_ms").starts_with("'paid_at', "));
    REQUIRE(schema->nearest(std::string(100000, 'x')).size() > 0);
    REQUIRE((*Schema::make({feature("x", StoredType::int64)}))->nearest("") == "'x'");
}

}  // namespace

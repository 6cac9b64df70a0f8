// SPDX-License-Identifier: Apache-2.0
#include "unit/cpp_api/fixture.hpp"

using namespace weighbridge;
using namespace weighbridge::test;

namespace {

Schema schema() { return Schema::load(bundle()).value(); }

std::string message(const Expected<void> &outcome) { return outcome ? "" : outcome.error().message; }

std::vector<float> numbers(Row &row) { return row.encode(0).value().values<float>(); }

}  // namespace

TEST_CASE("a schema tells of its features") {
    Schema s = schema();
    REQUIRE(s.features().size() == 4);
    CHECK(s.find("country").value() == 2);
    CHECK(std::string(s.features()[0].name) == "amount_minor");
    CHECK(type_name(s.features()[2]) == "category");
    CHECK(s.tensor(1).value().dtype == WB_DTYPE_INT64);
    CHECK(std::string(s.output(0).value().name) == "fraud");
    CHECK_FALSE(s.tensor(99));
}

TEST_CASE("a schema tells of bands, outputs and defaults") {
    Schema s = schema();
    REQUIRE(s.info().band_count == 3);
    CHECK(std::string(s.band(1).value().name) == "review");
    CHECK(s.band(3).error().code == WB_INVALID_ARGUMENT);
    CHECK(s.find_output("logit").value() == 1);
    CHECK(s.find_output("logits").error().code == WB_NOT_FOUND);
    CHECK(s.default_text(0).error().code == WB_NOT_FOUND);
    CHECK(std::string(s.features()[0].currency) == "EUR");
}

TEST_CASE("an unknown name is an error that names near ones") {
    auto found = schema().find("amount_mino");
    REQUIRE_FALSE(found);
    CHECK(found.error().code == WB_NOT_FOUND);
    CHECK(found.error().message.find("amount_minor") != std::string::npos);
}

TEST_CASE("a missing directory is an error with its path") {
    auto found = Schema::load("/does/not/exist");
    REQUIRE_FALSE(found);
    CHECK(found.error().message.find("/does/not/exist") != std::string::npos);
}

TEST_CASE("values are set by name and by index") {
    Row row(schema());
    for (uint32_t i = 0; i < 4; ++i) CHECK(row.is_missing(i));
    CHECK(row.set("amount_minor", 1250));
    CHECK(row.set(1, 2.5));
    CHECK(row.set("country", "DE"));
    CHECK(row.set("online", true));
    for (uint32_t i = 0; i < 4; ++i) CHECK_FALSE(row.is_missing(i));
    CHECK(numbers(row)[1] == 2.5f);
    CHECK(numbers(row)[2] == 1.0f);
    CHECK(row.encode(1).value().values<int64_t>() == std::vector<int64_t>{2});
    CHECK(row.encode(0).value().shape()[1] == 3);
}

TEST_CASE("nullopt and empty optionals are missing; so is everything after clear") {
    Row row(schema());
    CHECK(row.set("age_days", std::optional<float>(1.0f)));
    CHECK_FALSE(row.is_missing(1));
    CHECK(row.set("age_days", std::optional<float>()));
    CHECK(row.is_missing(1));
    CHECK(row.set("age_days", 1));
    CHECK(row.set("age_days", std::nullopt));
    CHECK(row.is_missing(1));
    CHECK(row.set("online", false));
    row.clear();
    CHECK(row.is_missing(3));
}

TEST_CASE("a number goes where its value fits, whatever its C++ type") {
    Row row(schema());
    CHECK(row.set("amount_minor", 12.0));
    CHECK(row.set("amount_minor", 12.0F));
    CHECK(row.set("amount_minor", -0x1p63));
    CHECK(row.set("online", 1));
    CHECK(row.set("online", 0.0));
    CHECK(row.set("age_days", (int64_t{1} << 53) + (int64_t{1} << 29) + 1));  // rounded once
    float age = 0;
    std::memcpy(&age, row.data() + schema().features()[1].offset, sizeof age);
    CHECK(age == 0x1p53F + 0x1p30F);
    for (double value : {0x1p63, -0x1.0000000000001p63, 0.5, 1e300, std::nan("")})
        CHECK_FALSE(row.set("amount_minor", value));
}

TEST_CASE("a wrong type is refused, with feature, expected and found") {
    Row row(schema());
    // A private feature's value is not told.
    CHECK(message(row.set("amount_minor", 12.5)) ==
          "feature 'amount_minor': expected int64, got a number that it does not hold");
    CHECK(message(row.set("amount_minor", "12")) == "feature 'amount_minor': expected int64, got string");
    CHECK(message(row.set("amount_minor", true)) == "feature 'amount_minor': expected int64, got bool");
    CHECK(message(row.set("online", 2)) == "feature 'online': expected bool, got 2");
    CHECK(message(row.set("country", 7)) == "feature 'country': expected category, got int32");
    CHECK(message(row.set("age_days", std::vector<float>{1})) ==
          "feature 'age_days': expected float32, got sequence of float32");
    CHECK(message(row.set("amount_minor", UINT64_MAX)) ==
          "feature 'amount_minor': expected int64, got a number that it does not hold");
    for (uint32_t i = 0; i < 4; ++i) CHECK(row.is_missing(i));
    CHECK(row.set(99, 1).error().code == WB_INVALID_ARGUMENT);
    CHECK(row.set("no_such", 1).error().code == WB_NOT_FOUND);
}

TEST_CASE("a row grows for its texts and keeps them") {
    Row row(schema(), 0);
    std::string text(100'000, 'x');
    CHECK(row.set("country", text));
    CHECK(row.set("amount_minor", 5));
    CHECK(row.header().capacity >= text.size());
    wb_span span;
    std::memcpy(&span, row.data() + row.schema().features()[2].offset, sizeof span);
    CHECK(std::string_view(reinterpret_cast<const char *>(row.data()) + span.offset, span.size) == text);
    row.clear();
    CHECK(row.header().used == row.schema().info().fixed_bytes);
}

TEST_CASE("JSON sets a row, and grows it") {
    Row row(schema(), 0);
    std::string country(5000, 'y');
    CHECK(row.set_json(R"({"amount_minor": 1250, "online": true, "country": ")" + country + "\"}"));
    CHECK_FALSE(row.is_missing(2));
    auto wrong = row.set_json(R"({"amount_minor": "12"})");
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().code == WB_INVALID_INPUT);
    CHECK(wrong.error().feature == 0);
}

TEST_CASE("encoding names the feature that is not acceptable") {
    Row row(schema());
    auto encoded = row.encode(0);
    REQUIRE_FALSE(encoded);
    CHECK(encoded.error().code == WB_INVALID_INPUT);
    CHECK(encoded.error().feature == 0);
    CHECK(row.encode(99).error().code == WB_INVALID_ARGUMENT);
}

TEST_CASE("rows side by side keep their texts when the stride grows") {
    Schema s = schema();
    Rows rows(s);
    for (size_t i = 0; i < 20; ++i) {
        Row row(s);
        CHECK(row.set("amount_minor", static_cast<int64_t>(i)));
        CHECK(row.set("country", std::string(i * 10, 'a' + static_cast<char>(i))));
        rows.push_back(row);
    }
    REQUIRE(rows.size() == 20);
    for (size_t i = 0; i < rows.size(); ++i) {
        const std::byte *row = rows.data() + static_cast<int64_t>(i) * rows.stride();
        wb_row_header header;
        std::memcpy(&header, row, sizeof header);
        CHECK(header.capacity == static_cast<uint32_t>(rows.stride()));
        wb_span span;
        std::memcpy(&span, row + s.features()[2].offset, sizeof span);
        CHECK(std::string_view(reinterpret_cast<const char *>(row) + span.offset, span.size) ==
              std::string(i * 10, 'a' + static_cast<char>(i)));
    }
}

TEST_CASE("a row tells its values, redacted") {
    Row row(schema());
    CHECK(row.set("amount_minor", 1250));
    CHECK(row.set("age_days", 2.5));
    CHECK(row.set("country", "DE"));
    CHECK(row.json().value() == R"({"amount_minor":"<redacted>","age_days":2.5,"country":"DE","online":null})");
}

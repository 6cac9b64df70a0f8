// SPDX-License-Identifier: Apache-2.0
// One value in every form that can write it, and one answer: JSON, rows, and columns of every width, by themselves and
// as Arrow arrays. tests/cli/test_values.py does the same for CSV.
#include <cmath>

#include "feature/columns.hpp"
#include "feature/row.hpp"
#include "support/catch.hpp"
#include "unit/feature/arrow_support.hpp"
#include "unit/feature/encoder_fixture.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::lib::test;

namespace {

using Column = std::unique_ptr<Arrow>;

template <class T>
Column one(const char *format, T value) {
    return arrow_numbers<T>(format, {value});
}

Column bit(bool value) {
    auto made = std::make_unique<Arrow>("b", 1);
    made->no_buffer().bits(value ? "1" : "0");
    return made;
}

// The element type of a column that holds what an Arrow array of this format does; none for times of a unit.
std::optional<int32_t> element_of(std::string_view format) {
    constexpr std::pair<char, int32_t> kElements[] = {
        {'b', WB_ELEMENT_BOOL},   {'c', WB_ELEMENT_INT8},    {'C', WB_ELEMENT_UINT8},   {'s', WB_ELEMENT_INT16},
        {'S', WB_ELEMENT_UINT16}, {'i', WB_ELEMENT_INT32},   {'I', WB_ELEMENT_UINT32},  {'l', WB_ELEMENT_INT64},
        {'L', WB_ELEMENT_UINT64}, {'e', WB_ELEMENT_FLOAT16}, {'f', WB_ELEMENT_FLOAT32}, {'g', WB_ELEMENT_FLOAT64}};
    for (auto [letter, element] : kElements)
        if (format == std::string_view(&letter, 1)) return element;
    return std::nullopt;
}

template <class... Columns>
std::vector<Column> columns_of(Columns... columns) {
    std::vector<Column> list;
    (list.push_back(std::move(columns)), ...);
    return list;
}

// What the encoder makes of the one feature, as float64; NaN where it is refused.
struct OneFeature {
    explicit OneFeature(Feature made) : alone(std::move(made)) {}

    double encode(const RowSource &source) {
        alone.tile.clear();
        Encoder::Append done;
        status = alone.encoder->append(alone.tile, source, 0, alone.notes, done);
        return status.ok() ? alone.at() : std::nan("");
    }
    double json(const std::string &text) {
        const Schema &schema = alone.encoder->schema();
        std::vector<uint64_t> row(schema.fixed_bytes() / 8);
        REQUIRE(init_row(schema, row.data(), row.size() * 8).ok());
        status = set_row_json(schema, row.data(), "{\"x\": " + text + "}", 0);
        return status.ok() ? encode(StridedRows(schema, row.data(), 0)) : std::nan("");
    }
    double arrow(const Arrow &array) {
        Columns columns(std::shared_ptr<const Schema>(&alone.encoder->schema(), [](const Schema *) {}));
        columns.reset(1);
        status = columns.set_arrow(0, array.type, array.array);
        return status.ok() ? encode(columns) : std::nan("");
    }

    // The array's memory as a column of that element type; a bit as the byte that it is the first bit of.
    double strided(const Arrow &array, int32_t element) {
        Columns columns(std::shared_ptr<const Schema>(&alone.encoder->schema(), [](const Schema *) {}));
        columns.reset(1);
        status = columns.set_column(0, array.array.buffers[1], 8, nullptr, 0, element);
        return status.ok() ? encode(columns) : std::nan("");
    }

    [[gnu::noinline]] void all(double wanted, const std::vector<std::string> &texts,
                               const std::vector<Column> &columns) {
        const auto same = [&](double got) {
            return std::isnan(wanted) ? std::isnan(got) : got == wanted && std::signbit(got) == std::signbit(wanted);
        };
        for (const std::string &text : texts) {
            INFO(text);
            const double got = json(text);
            INFO(got << " " << status.message);
            CHECK(same(got));
        }
        for (const Column &column : columns) {
            INFO("Arrow " << column->type.format);
            const double got = arrow(*column);
            INFO(got << " " << status.message);
            CHECK(same(got));
            const auto element = element_of(column->type.format);
            if (!element) continue;
            const double alone_got = strided(*column, *element);
            INFO("element " << *element << " " << alone_got << " " << status.message);
            CHECK(same(alone_got));
        }
    }
    void none(const std::vector<std::string> &texts, const std::vector<Column> &columns) {
        all(std::nan(""), texts, columns);
    }

    Alone alone;
    Status status;
};

constexpr double kMissed = 0x1p53 + 0x1p29;  // halfway between two float32s, and one above it is no double

}  // namespace

TEST_CASE("one value of an int64 in every form", "[one_value]") {
    OneFeature x(feature("x", StoredType::int64));
    x.all(1000, {"1000", "1e3", "1E+3", "1000.0", "1000.000e0", "10000e-1", "0.001e6"},
          columns_of(one<int16_t>("s", 1000), one<uint16_t>("S", 1000), one<int32_t>("i", 1000),
                     one<uint32_t>("I", 1000), one<int64_t>("l", 1000), one<uint64_t>("L", 1000), one("f", 1000.F),
                     one("g", 1000.0), one<uint16_t>("e", 0x63D0)));
    x.all(-7, {"-7", "-7.0", "-70e-1"}, columns_of(one<int8_t>("c", -7), one<int64_t>("l", -7), one("g", -7.0)));
    x.all(0, {"0", "-0", "0.0", "-0.0", "0e99999999999999999999", "0.000"}, columns_of(one("g", -0.0), one("f", 0.F)));
    x.all(0x1p63, {"9223372036854775807", "9223372036854775807.0", "9.223372036854775807e18"},
          columns_of(one<int64_t>("l", INT64_MAX), one<uint64_t>("L", INT64_MAX)));
    x.all(-0x1p63, {"-9223372036854775808", "-9223372036854775808.00"},
          columns_of(one<int64_t>("l", INT64_MIN), one("g", -0x1p63)));
    x.none({"1000.5", "1e-3", "1e19", "9223372036854775808", "-9223372036854775809", "9.2233720368547758071e18",
            "1e99999999999999999999", "1e-99999999999999999999", "\"1000\"", "true", "\"NaN\""},
           columns_of(one("g", 1000.5), one("g", 1e19), one("g", std::nan("")), one("g", HUGE_VAL),
                      one<uint64_t>("L", uint64_t{1} << 63), bit(true)));
}

TEST_CASE("one value of a float32 in every form", "[one_value]") {
    OneFeature x(feature("x", StoredType::float32));
    x.all(0.1F, {"0.1", "1e-1", "0.10000"}, columns_of(one("f", 0.1F), one("g", 0.1)));
    x.all(16777216, {"16777217", "16777217.0", "16777216"},
          columns_of(one<int32_t>("i", 16777217), one<uint64_t>("L", 16777217), one("g", 16777217.0)));
    // Rounded once: by way of a double it would be 2^53, and 1.
    x.all(0x1p53 + 0x1p30, {"9007199791611905"},
          columns_of(one<int64_t>("l", static_cast<int64_t>(kMissed) + 1),
                     one<uint64_t>("L", static_cast<uint64_t>(kMissed) + 1)));
    x.all(1.0F + 0x1p-23F, {"1.00000005960464477540"}, {});
    x.all(0.0, {"1e-46", "0", "0e5", "1e-400"}, columns_of(one("g", 1e-46), one<int64_t>("l", 0)));
    x.all(-0.0, {"-1e-46", "-0.0"}, columns_of(one("g", -1e-46), one("f", -0.F)));
    x.all(0x1p-149, {"1e-45", "1.4e-45"}, columns_of(one("g", 1e-45), one("f", 0x1p-149F)));
    x.none({"1e39", "-1e39", "1e400", "\"Infinity\"", "\"-inf\"", "\"NaN\"", "\"nan\"", "\"0.1\"", "true"},
           columns_of(one("g", 1e39), one("f", HUGE_VALF), one("g", std::nan("")), bit(true)));
}

TEST_CASE("one value of a float64 in every form", "[one_value]") {
    OneFeature x(feature("x", StoredType::float64));
    x.all(0x1p53, {"9007199254740993", "9007199254740993.0", "9007199254740992"},
          columns_of(one<int64_t>("l", 9007199254740993), one<uint64_t>("L", 9007199254740993)));
    x.all(0x1p64, {"18446744073709551615", "18446744073709551616", "1.8446744073709552e19"},
          columns_of(one<uint64_t>("L", UINT64_MAX), one("g", 0x1p64)));
    x.all(-0x1p63, {"-9223372036854775808", "-9223372036854775807"},
          columns_of(one<int64_t>("l", INT64_MIN), one<int64_t>("l", -INT64_MAX)));
    x.all(0, {"1e-400", "0.0"}, columns_of(one("g", 0.0)));
    x.none({"1e400", "-1e400", "\"nan\"", "\"inf\"", "\"1\""}, columns_of(one("g", HUGE_VAL)));
}

TEST_CASE("one value of a bool in every form", "[one_value]") {
    OneFeature x(feature("x", StoredType::boolean));
    x.all(1, {"true", "1", "1.0", "10e-1"},
          columns_of(bit(true), one<int8_t>("c", 1), one<uint64_t>("L", 1), one("g", 1.0)));
    x.all(0, {"false", "0", "-0.0"}, columns_of(bit(false), one<int64_t>("l", 0), one("f", -0.F)));
    x.none({"2", "0.5", "-1", "\"true\"", "\"1\""},
           columns_of(one<int8_t>("c", 2), one("g", 0.5), one<int64_t>("l", -1)));
}

TEST_CASE("one value of a code in every form", "[one_value]") {
    OneFeature x(feature("x", StoredType::code, {Identity{100}}));
    x.all(77, {"77", "77.0", "7.7e1"}, columns_of(one<int8_t>("c", 77), one<int64_t>("l", 77), one("g", 77.0)));
    x.none({"77.5", "100", "-1", "\"77\""}, columns_of(one("g", 77.5), one<int64_t>("l", 100), one("g", -1.0)));
}

TEST_CASE("one time in every form", "[one_value]") {
    Feature made = feature("x", StoredType::timestamp);  // in ms
    OneFeature x(made);
    x.all(1.5,
          {"1500", "1500.0", "1.5e3", "\"1970-01-01T00:00:01.5Z\"", "\"1970-01-01t00:00:01.500000z\"",
           "\"1970-01-01 00:00:01.500+00:00\"", "\"1970-01-01T05:30:01.5+0530\"", "\"1970-01-01 01:00:01.5+01\""},
          columns_of(one<int32_t>("i", 1500), one<int64_t>("l", 1500), one("g", 1500.0), one<int64_t>("tsm:UTC", 1500),
                     one<int64_t>("tsu:", 1500000), one<int64_t>("tsn:Europe/Paris", 1500000000)));
    x.all(-2, {"-2000", "\"1969-12-31T23:59:58Z\""},
          columns_of(one<int64_t>("tss:", -2), one<int64_t>("tsu:", -2000000), one<int64_t>("tsm:", -2000)));
    x.none(
        {"1500.5", "\"1970-01-01T00:00:01.5005Z\"", "\"1970-01-01T00:00:01\"", "\"2016-12-31T23:59:60Z\"", "\"1500\""},
        columns_of(one("g", 1500.5), one<int64_t>("tsu:", 1500001), one<int64_t>("tsn:", 1500000001)));
    CHECK(std::isnan(x.arrow(*one<int64_t>("tsu:", -1))));
    CHECK(std::string(x.status.message) == "feature 'x': expected a time in whole ms, got -1 in us");
    CHECK(std::isnan(x.json("\"2016-12-31T23:59:60Z\"")));
    CHECK(std::string(x.status.message) ==
          "feature 'x': expected seconds up to 59 (a leap second has no number: write the second before), got "
          "2016-12-31T23:59:60Z");
    made.privacy = "times";
    OneFeature secret(made);
    CHECK(std::isnan(secret.arrow(*one<int64_t>("tsu:", 1500001))));
    CHECK(std::string(secret.status.message) == "feature 'x': expected a time in whole ms, got a finer one");
}

TEST_CASE("both ends of a range are included, as the stored type holds them", "[one_value]") {
    OneFeature x(ranged(feature("x", StoredType::float32), 0.1, 0.7));  // as float32 the one is above, the other below
    x.all(0.1F, {"0.1", "0.100000001"}, columns_of(one("f", 0.1F), one("g", 0.1)));
    x.all(0.7F, {"0.7", "0.69999999"}, columns_of(one("f", 0.7F), one("g", 0.7)));
    x.none({"0.09999999", "0.70000006"}, columns_of(one("f", std::nextafter(0.1F, 0.F)), one("g", 0.70000006)));
    CHECK(std::isnan(x.json("0.8")));
    CHECK(std::string(x.status.message) == "feature 'x': expected float32 in [0.1, 0.7], got 0.800000011920929");
    for (double end : {0.1, 0.7, 0.10000000149011612}) {
        Feature optional = ranged(feature("x", StoredType::float32), 0.1, 0.7);
        optional.missing = default_number(end);
        CHECK(try_encoder({optional}, {tensor("x", DType::float64, {kBatch}, {0})}).ok());
    }
    Feature outside = ranged(feature("x", StoredType::float32), 0.1, 0.7);
    outside.missing = default_number(0.71);
    CHECK_FALSE(try_encoder({outside}, {tensor("x", DType::float64, {kBatch}, {0})}).ok());
    OneFeature wide(ranged(feature("x", StoredType::float64), 0, 0.1));
    wide.all(0.1, {"0.1"}, columns_of(one("g", 0.1)));
    wide.none({"0.10000000000000002"}, columns_of(one("f", 0.1F)));
}

TEST_CASE("what truncation drops is not looked at, in any form", "[one_value]") {
    constexpr int64_t kLimit = 2;
    Limits limits;
    limits.length = kLimit;
    for (bool tail : {true, false}) {
        INFO(tail);
        auto encoder = try_encoder(
            {sequence("n", StoredType::int64, {Truncate{tail}}), sequence("x", StoredType::float32, {Truncate{tail}}),
             sequence("at", StoredType::timestamp, {Truncate{tail}}),
             sequence("key", StoredType::category, {Truncate{tail}, HashBuckets{1000, 1}})},
            {tensor("t", DType::float64, {kBatch, kLength, 4}, {0, 1, 2, 3})}, limits);
        REQUIRE(encoder);
        const Schema &schema = (*encoder)->schema();
        std::vector<uint64_t> row(schema.fixed_bytes() / 8 + 100);
        Tile tile = (*encoder)->make_tile(1);
        RowNotes notes;
        Encoder::Append done;
        auto encode = [&](const std::string &json) {
            tile.clear();
            REQUIRE(init_row(schema, row.data(), row.size() * 8).ok());
            Status status = set_row_json(schema, row.data(), json, kLimit);
            return status.ok() ? (*encoder)->append(tile, StridedRows(schema, row.data(), 0), 0, notes, done) : status;
        };
        auto with = [&](std::string n, std::string x, std::string at, std::string key) {
            auto list = [&](const char *good, std::string bad) {
                return tail ? "[" + bad + ", " + good + "]" : "[" + std::string(good) + ", " + bad + "]";
            };
            return "{\"n\": " + list("1, 2", n) + ", \"x\": " + list("1, 2", x) + ", \"at\": " + list("1, 2", at) +
                   ", \"key\": " + list("\"a\", \"b\"", key) + "}";
        };
        REQUIRE(encode(with("9", "9", "9", "\"z\"")).ok());
        const std::vector<double> wanted = values<double>(tile.views()[0]);
        for (const char *bad : {"null", "\"?\"", "1e400", "true"}) {
            INFO(bad);
            Status status = encode(with(bad, bad, bad, bad));
            INFO(status.message);
            REQUIRE(status.ok());
            CHECK(values<double>(tile.views()[0]) == wanted);
        }
        // The length counts before truncation, and the elements that stay are looked at.
        CHECK_FALSE(encode(R"({"n": [null, 1], "x": [1, 2], "at": [1, 2], "key": ["a", "b"]})").ok());
        CHECK_FALSE(encode(with("9, 9", "9", "9", "\"z\"")).ok());
        CHECK_FALSE(encode(R"({"n": [0, null, 0], "x": [1, 2, 3], "at": [1, 2, 3], "key": ["a", "b", "c"]})").ok());

        Columns columns(std::shared_ptr<const Schema>(&schema, [](const Schema *) {}));
        columns.reset(1);
        const std::string valid = tail ? "011" : "110";
        auto numbers = std::make_unique<Arrow>("l", 3);
        numbers->bits(valid).buffer<int64_t>(tail ? std::vector<int64_t>{9, 1, 2} : std::vector<int64_t>{1, 2, 9});
        numbers->nulls(1);
        auto times = std::make_unique<Arrow>("tsu:", 3);
        times->no_buffer().buffer<int64_t>(tail ? std::vector<int64_t>{1, 1000, 2000}
                                                : std::vector<int64_t>{1000, 2000, 1});
        auto keys = std::make_unique<Arrow>("u", 3);
        keys->bits(valid).buffer<int32_t>(tail ? std::vector<int32_t>{0, 0, 1, 2} : std::vector<int32_t>{0, 1, 2, 2});
        keys->bytes("ab").nulls(1);
        const auto n = arrow_list("+l", {0, 3}, std::move(numbers)), at = arrow_list("+l", {0, 3}, std::move(times)),
                   key = arrow_list("+l", {0, 3}, std::move(keys));
        const auto x = arrow_list(
            "+l", {0, 3},
            arrow_numbers<double>("g", tail ? std::vector<double>{NAN, 1, 2} : std::vector<double>{1, 2, NAN}));
        const Arrow *arrays[] = {n.get(), x.get(), at.get(), key.get()};
        for (uint32_t i = 0; i < 4; ++i) REQUIRE(columns.set_arrow(i, arrays[i]->type, arrays[i]->array).ok());
        tile.clear();
        Status status = (*encoder)->append(tile, columns, 0, notes, done);
        INFO(status.message);
        REQUIRE(status.ok());
        CHECK(values<double>(tile.views()[0]) == wanted);
    }
}

TEST_CASE("a model with a longer limit does not take what a shorter one dropped for values", "[one_value]") {
    Limits limits;
    limits.length = 3;
    for (StoredType type : {StoredType::float32, StoredType::float64, StoredType::category}) {
        Feature made = sequence("x", type, {Truncate{true}});
        if (type == StoredType::category) made.encoding.push_back(HashBuckets{1000, 1});
        auto encoder = try_encoder({made}, {tensor("t", DType::float64, {kBatch, kLength}, {0})}, limits);
        REQUIRE(encoder);
        const Schema &schema = (*encoder)->schema();
        std::vector<uint64_t> row(schema.fixed_bytes() / 8 + 100);
        REQUIRE(init_row(schema, row.data(), row.size() * 8).ok());
        const char *json = type == StoredType::category ? R"({"x": [null, "a", "b"]})" : R"({"x": [null, 1, 2]})";
        REQUIRE(set_row_json(schema, row.data(), json, 2).ok());
        Tile tile = (*encoder)->make_tile(1);
        RowNotes notes;
        Encoder::Append done;
        CHECK((*encoder)->append(tile, StridedRows(schema, row.data(), 0), 0, notes, done).code == WB_INVALID_INPUT);
    }
}

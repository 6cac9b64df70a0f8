// SPDX-License-Identifier: Apache-2.0
// A schema with one feature of each kind, and readers that turn a cell into plain values. Never inlined: the
// test macros in them would be compiled at every use.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "feature/cell_value.hpp"
#include "feature/row.hpp"
#include "support/catch.hpp"

namespace weighbridge::lib::test {

enum Index : uint32_t {
    kAmount,
    kDistance,
    kRatio,
    kOnline,
    kCountry,
    kMerchant,
    kPaidAt,
    kDescriptor,
    kPastAmount,
    kPastCountry,
    kPastAt,
    kPastRatio,
    kSecret,
    kSecretAt,
    kFeatures
};

[[gnu::noinline]] inline Feature make_feature(const char *name, StoredType type, bool sequence = false,
                                              int64_t ticks = 0) {
    Feature feature;
    feature.name = name;
    feature.type = type;
    feature.sequence = sequence;
    feature.ticks_per_second = ticks;
    return feature;
}

[[gnu::noinline]] inline std::shared_ptr<const Schema> payment_schema() {
    std::vector<Feature> features = {
        make_feature("amount_minor", StoredType::int64),
        make_feature("distance_km", StoredType::float32),
        make_feature("ratio", StoredType::float64),
        make_feature("online", StoredType::boolean),
        make_feature("country", StoredType::category),
        make_feature("merchant_id", StoredType::code),
        make_feature("paid_at", StoredType::timestamp, false, 1000),
        make_feature("descriptor", StoredType::text),
        make_feature("past_amount", StoredType::int64, true),
        make_feature("past_country", StoredType::category, true),
        make_feature("past_at", StoredType::timestamp, true, 1000),
        make_feature("past_ratio", StoredType::float32, true),
        make_feature("secret", StoredType::int64),
        make_feature("secret_at", StoredType::timestamp, false, 1000),
    };
    features[kSecret].privacy = "card";
    features[kSecretAt].privacy = "card";
    for (Feature &feature : features)
        if (feature.type == StoredType::category)
            feature.encoding.push_back(HashBuckets{100, 7});
        else if (feature.type == StoredType::code)
            feature.encoding.push_back(Identity{100});
    auto schema = Schema::make(std::move(features));
    REQUIRE(schema.ok());
    return *schema;
}

// As C callers see it.
[[gnu::noinline]] inline wb_schema_info info_of(const Schema &schema) {
    wb_schema_info info{};
    info.struct_size = sizeof info;
    info.feature_count = static_cast<uint32_t>(schema.features().size());
    info.digest = schema.digest();
    info.fixed_bytes = schema.fixed_bytes();
    info.missing_offset = schema.missing_offset();
    return info;
}
[[gnu::noinline]] inline wb_feature_info feature_info_of(const Schema &schema, uint32_t index) {
    wb_feature_info info{};
    info.struct_size = sizeof info;
    info.type = static_cast<int32_t>(schema.features()[index].type);
    info.is_sequence = schema.features()[index].sequence;
    info.offset = schema.features()[index].offset;
    return info;
}

[[gnu::noinline]] inline bool is_missing(const RowSource &source, uint32_t feature, int64_t row = 0) {
    Cell cell;
    Status status = source.cell(feature, row, cell);
    INFO(status.message);
    REQUIRE(status.ok());
    return cell.missing;
}

template <class T, class Read>
[[gnu::noinline]] std::vector<T> read_all(const RowSource &source, uint32_t feature, int64_t row, Read read) {
    Cell cell;
    Status status = source.cell(feature, row, cell);
    INFO(status.message);
    REQUIRE(status.ok());
    REQUIRE_FALSE(cell.missing);
    std::vector<T> values;
    for (int64_t i = 0; i < (cell.type == CellType::bytes ? 1 : cell.count); ++i) {
        T value{};
        REQUIRE(read(cell, i, value) == CellRead::ok);
        values.push_back(value);
    }
    return values;
}
[[gnu::noinline]] inline std::vector<int64_t> integers(const RowSource &source, uint32_t feature, int64_t row = 0) {
    return read_all<int64_t>(source, feature, row, read_int64);
}
[[gnu::noinline]] inline std::vector<double> numbers(const RowSource &source, uint32_t feature, int64_t row = 0) {
    return read_all<double>(source, feature, row, read_double);
}
[[gnu::noinline]] inline std::vector<std::string> texts(const RowSource &source, uint32_t feature, int64_t row = 0) {
    auto views = read_all<std::string_view>(source, feature, row, read_text);
    return {views.begin(), views.end()};
}
[[gnu::noinline]] inline int64_t integer(const RowSource &source, uint32_t feature, int64_t row = 0) {
    auto values = integers(source, feature, row);
    REQUIRE(values.size() == 1);
    return values[0];
}
[[gnu::noinline]] inline double number(const RowSource &source, uint32_t feature, int64_t row = 0) {
    auto values = numbers(source, feature, row);
    REQUIRE(values.size() == 1);
    return values[0];
}
[[gnu::noinline]] inline std::string text(const RowSource &source, uint32_t feature, int64_t row = 0) {
    auto values = texts(source, feature, row);
    REQUIRE(values.size() == 1);
    return values[0];
}
[[gnu::noinline]] inline bool flag(const RowSource &source, uint32_t feature, int64_t row = 0) {
    Cell cell;
    REQUIRE(source.cell(feature, row, cell).ok());
    bool value = false;
    REQUIRE(read_bool(cell, 0, value) == CellRead::ok);
    return value;
}

[[gnu::noinline]] inline bool mentions(const Status &status, std::string_view what) {
    INFO(status.message);
    CHECK(std::string_view(status.message).find('\n') == std::string_view::npos);
    return std::string_view(status.message).find(what) != std::string_view::npos;
}

}  // namespace weighbridge::lib::test

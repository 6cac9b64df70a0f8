// SPDX-License-Identifier: Apache-2.0
#include "feature/columns.hpp"

#include "unit/feature/source_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::lib::test;

namespace {

struct ColumnsFixture {
    std::shared_ptr<const Schema> schema = payment_schema();
    Columns columns{schema};

    ColumnsFixture() { columns.reset(3); }
    Status read(uint32_t feature, int64_t row = 0) const {
        Cell cell;
        return columns.cell(feature, row, cell);
    }
};

}  // namespace

TEST_CASE_METHOD(ColumnsFixture, "a feature without a column is missing", "[columns]") {
    for (uint32_t i = 0; i < kFeatures; ++i) CHECK(is_missing(columns, i, 2));
}

TEST_CASE_METHOD(ColumnsFixture, "columns of every scalar type", "[columns]") {
    struct Payment {
        char unaligned;
        int64_t amount;
        float distance;
        double ratio;
        uint8_t online;
    } __attribute__((packed));
    Payment payments[3] = {{0, 1, 0.5f, 0.25, 0}, {0, 2, 1.5f, 1.25, 1}, {0, 3, 2.5f, 2.25, 0}};
    int64_t stride = sizeof(Payment);
    auto *base = reinterpret_cast<const char *>(payments);
    REQUIRE(columns.set_column(kAmount, base + offsetof(Payment, amount), stride, nullptr).ok());
    REQUIRE(columns.set_column(kDistance, base + offsetof(Payment, distance), stride, nullptr).ok());
    REQUIRE(columns.set_column(kRatio, base + offsetof(Payment, ratio), stride, nullptr).ok());
    REQUIRE(columns.set_column(kOnline, base + offsetof(Payment, online), stride, nullptr).ok());
    REQUIRE(columns.set_column(kPaidAt, base + offsetof(Payment, amount), stride, nullptr).ok());
    CHECK(integer(columns, kAmount, 0) == 1);
    CHECK(integer(columns, kAmount, 2) == 3);
    CHECK(number(columns, kDistance, 1) == 1.5);
    CHECK(number(columns, kRatio, 2) == 2.25);
    CHECK(flag(columns, kOnline, 1));
    CHECK_FALSE(flag(columns, kOnline, 2));
    CHECK(integer(columns, kPaidAt, 1) == 2);
}

TEST_CASE_METHOD(ColumnsFixture, "stride 0 shares a value, a negative stride goes backwards", "[columns]") {
    int64_t amounts[3] = {10, 20, 30};
    REQUIRE(columns.set_column(kAmount, amounts, 0, nullptr).ok());
    CHECK(integer(columns, kAmount, 2) == 10);
    REQUIRE(columns.set_column(kAmount, amounts + 2, -8, nullptr).ok());
    CHECK(integer(columns, kAmount, 0) == 30);
    CHECK(integer(columns, kAmount, 2) == 10);
}

TEST_CASE_METHOD(ColumnsFixture, "validity is a bit a row", "[columns]") {
    columns.reset(10);
    int64_t amount = 5;
    const uint8_t validity[2] = {0b10101010, 0b01};
    REQUIRE(columns.set_column(kAmount, &amount, 0, validity).ok());
    CHECK(is_missing(columns, kAmount, 0));
    CHECK(integer(columns, kAmount, 1) == 5);
    CHECK(integer(columns, kAmount, 8) == 5);
    CHECK(is_missing(columns, kAmount, 9));
}

TEST_CASE_METHOD(ColumnsFixture, "texts and sequences are views", "[columns]") {
    const wb_view countries[3] = {{"FR", 2}, {nullptr, 0}, {"GERMANY", 3}};
    const int64_t amounts[2] = {4, 5};
    const wb_view pasts[3] = {{amounts, 2}, {nullptr, 0}, {amounts + 1, 1}};
    const wb_view past_countries[1] = {{countries, 3}};
    REQUIRE(columns.set_column(kCountry, countries, sizeof(wb_view), nullptr).ok());
    REQUIRE(columns.set_column(kPastAmount, pasts, sizeof(wb_view), nullptr).ok());
    REQUIRE(columns.set_column(kPastCountry, past_countries, 0, nullptr).ok());
    CHECK(text(columns, kCountry, 0) == "FR");
    CHECK(text(columns, kCountry, 1).empty());
    CHECK(text(columns, kCountry, 2) == "GER");
    CHECK(integers(columns, kPastAmount, 0) == std::vector<int64_t>{4, 5});
    CHECK(integers(columns, kPastAmount, 1).empty());
    CHECK(integers(columns, kPastAmount, 2) == std::vector<int64_t>{5});
    CHECK(texts(columns, kPastCountry, 2) == std::vector<std::string>{"FR", "", "GER"});
}

TEST_CASE_METHOD(ColumnsFixture, "views that cannot be are refused by name", "[columns]") {
    const wb_view views[3] = {{nullptr, 1}, {"x", -3}, {"x", INT64_MAX}};
    REQUIRE(columns.set_column(kDescriptor, views, sizeof(wb_view), nullptr).ok());
    REQUIRE(columns.set_column(kPastAmount, views, sizeof(wb_view), nullptr).ok());
    for (uint32_t feature : {kDescriptor, kPastAmount}) {
        Status null = read(feature, 0);
        CHECK(null.code == WB_INVALID_INPUT);
        CHECK(null.feature == static_cast<int32_t>(feature));
        CHECK(mentions(null, "'" + schema->features()[feature].name + "': view of size 1 has NULL data"));
        CHECK(mentions(read(feature, 1), "got -3"));
    }
    CHECK(read(kPastAmount, 2).code == WB_INVALID_INPUT);
}

TEST_CASE_METHOD(ColumnsFixture, "reset forgets columns, a failed set does not", "[columns]") {
    int64_t amount = 5;
    REQUIRE(columns.set_column(kAmount, &amount, 0, nullptr).ok());
    CHECK(columns.set_column(kAmount, nullptr, 8, nullptr).code == WB_INVALID_ARGUMENT);
    CHECK(integer(columns, kAmount, 1) == 5);
    columns.reset(2);
    CHECK(columns.rows() == 2);
    CHECK(is_missing(columns, kAmount, 1));
}

TEST_CASE_METHOD(ColumnsFixture, "calls that are wrong name what is", "[columns]") {
    int64_t amount = 5;
    Status index = columns.set_column(kFeatures, &amount, 0, nullptr);
    CHECK(index.code == WB_INVALID_ARGUMENT);
    CHECK(mentions(index, "feature index: expected below 14, got 14"));
    Status null = columns.set_column(kAmount, nullptr, 8, nullptr);
    CHECK(mentions(null, "feature 'amount_minor': expected column data for 3 rows, got NULL"));
    Status stride = columns.set_column(kAmount, &amount, INT64_MIN, nullptr);
    CHECK(mentions(stride, "a stride of -9223372036854775808 overflows for 3 rows"));
    CHECK(read(kAmount, 3).code == WB_INVALID_ARGUMENT);
    CHECK(read(kAmount, -1).code == WB_INVALID_ARGUMENT);
    CHECK(read(kFeatures, 0).code == WB_INVALID_ARGUMENT);
    columns.reset(0);
    CHECK(columns.set_column(kAmount, nullptr, 8, nullptr).ok());
}

TEST_CASE_METHOD(ColumnsFixture, "columns of other element types are read where they are", "[columns]") {
    const int32_t ints[3] = {7, -8, 9};
    const float floats[3] = {0.5f, 1.5f, 1};
    const double doubles[3] = {2, 3.5, 0};
    const uint8_t bytes[3] = {0, 1, 2};
    REQUIRE(columns.set_column(kAmount, ints, 4, nullptr, 0, WB_ELEMENT_INT32).ok());
    REQUIRE(columns.set_column(kDistance, doubles, 8, nullptr, 0, WB_ELEMENT_FLOAT64).ok());
    REQUIRE(columns.set_column(kRatio, floats, 4, nullptr, 0, WB_ELEMENT_FLOAT32).ok());
    REQUIRE(columns.set_column(kOnline, bytes, 1, nullptr, 0, WB_ELEMENT_UINT8).ok());
    REQUIRE(columns.set_column(kPaidAt, doubles, 8, nullptr, 0, WB_ELEMENT_FLOAT64).ok());
    CHECK(integer(columns, kAmount, 1) == -8);
    CHECK(number(columns, kDistance, 1) == 3.5);
    CHECK(number(columns, kRatio, 0) == 0.5);
    CHECK(flag(columns, kOnline, 1));
    CHECK(integer(columns, kPaidAt, 0) == 2);
    Cell cell;
    int64_t whole = 0;
    REQUIRE(columns.cell(kPaidAt, 1, cell).ok());
    CHECK(read_int64(cell, 0, whole) == CellRead::inexact);
    // And none of these is copied as if it were stored so.
    std::byte out[64 * 8];
    CHECK((columns.copy(CellType::i64, kAmount, 1, 0, out) & 1) == 1);
    REQUIRE(columns.set_column(kAmount, ints, 8, nullptr).ok());  // stored again
    CHECK((columns.copy(CellType::i64, kAmount, 1, 0, out) & 1) == 0);
}

TEST_CASE_METHOD(ColumnsFixture, "sequences of other element types", "[columns]") {
    const int16_t amounts[3] = {4, -5, 6};
    const double ratios[2] = {0.5, 0.25};
    const wb_view pasts[3] = {{amounts, 3}, {nullptr, 0}, {amounts + 1, 1}};
    const wb_view past_ratios[1] = {{ratios, 2}};
    const wb_view too_long[1] = {{amounts, INT64_MAX / 2 + 1}};
    REQUIRE(columns.set_column(kPastAmount, pasts, sizeof(wb_view), nullptr, 0, WB_ELEMENT_INT16).ok());
    REQUIRE(columns.set_column(kPastRatio, past_ratios, 0, nullptr, 0, WB_ELEMENT_FLOAT64).ok());
    CHECK(integers(columns, kPastAmount, 0) == std::vector<int64_t>{4, -5, 6});
    CHECK(integers(columns, kPastAmount, 1).empty());
    CHECK(integers(columns, kPastAmount, 2) == std::vector<int64_t>{-5});
    CHECK(numbers(columns, kPastRatio, 2) == std::vector<double>{0.5, 0.25});
    REQUIRE(columns.set_column(kPastAmount, too_long, 0, nullptr, 0, WB_ELEMENT_INT16).ok());
    CHECK(read(kPastAmount).code == WB_INVALID_INPUT);
    // Texts are views of views, which may be said.
    const wb_view countries[2] = {{"FR", 2}, {"DE", 2}};
    const wb_view lists[1] = {{countries, 2}};
    REQUIRE(columns.set_column(kPastCountry, lists, 0, nullptr, 0, WB_ELEMENT_VIEW).ok());
    REQUIRE(columns.set_column(kCountry, countries, sizeof(wb_view), nullptr, 0, WB_ELEMENT_VIEW).ok());
    CHECK(texts(columns, kPastCountry, 1) == std::vector<std::string>{"FR", "DE"});
    CHECK(text(columns, kCountry, 1) == "DE");
}

TEST_CASE_METHOD(ColumnsFixture, "element types that a feature does not take are named", "[columns]") {
    const int64_t data[8] = {};
    auto refused = [&](uint32_t feature, int32_t element, std::string_view what) {
        Status status = columns.set_column(feature, data, 8, nullptr, 0, element);
        CHECK(status.code == WB_INVALID_ARGUMENT);
        CHECK(mentions(status, what));
        CHECK(is_missing(columns, feature, 0));
    };
    refused(kAmount, WB_ELEMENT_VIEW, "feature 'amount_minor': expected int64, got elements of text");
    refused(kAmount, WB_ELEMENT_BOOL, "expected int64, got elements of bool");
    refused(kPaidAt, WB_ELEMENT_BOOL, "expected timestamp in ms, got elements of bool");
    refused(kCountry, WB_ELEMENT_INT32, "expected category, got elements of int32");
    refused(kDescriptor, WB_ELEMENT_FLOAT64, "expected text, got elements of float64");
    refused(kOnline, WB_ELEMENT_VIEW, "expected bool, got elements of text");
    refused(kPastAmount, WB_ELEMENT_VIEW, "expected sequence of int64, got elements of text");
    refused(kAmount, -1, "element type: expected 0 to 13 (WB_ELEMENT_*), got -1");
    refused(kAmount, 14, "got 14");
}

TEST_CASE_METHOD(ColumnsFixture, "validity begins at a bit", "[columns]") {
    columns.reset(10);
    int64_t amount = 5;
    const uint8_t validity[3] = {0b10000000, 0b01010101, 0b1};  // bits 7, 8, 10, 12, 14, 16
    REQUIRE(columns.set_column(kAmount, &amount, 0, validity, 7).ok());
    for (int64_t row = 0; row < 10; ++row) {
        INFO(row);
        CHECK(is_missing(columns, kAmount, row) == !(row == 0 || row % 2 == 1));
    }
    for (int64_t wrong : {int64_t{-1}, INT64_MIN, INT64_MAX, INT64_MAX - 9})
        CHECK(mentions(columns.set_column(kAmount, &amount, 0, validity, wrong),
                       "feature 'amount_minor': expected a validity offset in [0, 9223372036854775797], got "));
    CHECK(columns.set_column(kAmount, &amount, 0, validity, 7).ok());
}

TEST_CASE_METHOD(ColumnsFixture, "a copy describes the same memory and changes alone", "[columns]") {
    int64_t amount = 5;
    REQUIRE(columns.set_column(kAmount, &amount, 0, nullptr).ok());
    Columns copy(columns);
    columns.reset(1);
    amount = 6;
    CHECK(copy.rows() == 3);
    CHECK(integer(copy, kAmount, 2) == 6);
    CHECK(is_missing(columns, kAmount));
}

// SPDX-License-Identifier: Apache-2.0
#include "feature/row.hpp"
#include "feature/mapped_source.hpp"

#include <cstring>
#include <random>

#include "support/child.hpp"
#include "unit/feature/source_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::lib::test;

namespace {

struct RowFixture {
    std::shared_ptr<const Schema> schema = payment_schema();
    wb_schema_info info = info_of(*schema);
    std::vector<uint64_t> memory = std::vector<uint64_t>(schema->fixed_bytes() / 8 + 32);
    void *row = memory.data();
    size_t capacity = memory.size() * 8;

    RowFixture() { REQUIRE(init_row(*schema, row, capacity).ok()); }

    wb_row_header header() const {
        wb_row_header header;
        std::memcpy(&header, row, sizeof header);
        return header;
    }
    void set_header(const wb_row_header &header) { std::memcpy(row, &header, sizeof header); }
    void set_span(uint32_t index, wb_span span) {
        wb_row_put(row, schema->features()[index].offset, &span, sizeof span);
        wb_row_mark(row, info.missing_offset, index, 0);
    }
    Status read(uint32_t index) const {
        Cell cell;
        return StridedRows(*schema, row, 0).cell(index, 0, cell);
    }
};

}  // namespace

TEST_CASE_METHOD(RowFixture, "a fresh row has every feature missing", "[row]") {
    StridedRows rows(*schema, row, 0);
    for (uint32_t i = 0; i < kFeatures; ++i) CHECK(is_missing(rows, i));
    CHECK(header().used == schema->fixed_bytes());
    CHECK(header().capacity == capacity);
    CHECK(header().schema_digest == schema->digest());
    CHECK(header().busy == 0);
    auto bits = static_cast<const unsigned char *>(row)[info.missing_offset + (kFeatures - 1) / 8];
    CHECK(bits == (1u << (kFeatures % 8)) - 1);
}

TEST_CASE_METHOD(RowFixture, "what the C setters write, StridedRows reads", "[row]") {
    auto f = [&](uint32_t index) { return feature_info_of(*schema, index); };
    wb_feature_info amount = f(kAmount), distance = f(kDistance), ratio = f(kRatio), online = f(kOnline);
    wb_feature_info country = f(kCountry), paid = f(kPaidAt), descriptor = f(kDescriptor);
    wb_feature_info past = f(kPastAmount), past_country = f(kPastCountry);
    wb_row_set_int64(row, &info, &amount, kAmount, INT64_MIN);
    wb_row_set_float32(row, &info, &distance, kDistance, 1.5f);
    wb_row_set_float64(row, &info, &ratio, kRatio, -0.1);
    wb_row_set_bool(row, &info, &online, kOnline, 7);
    wb_row_set_int64(row, &info, &paid, kPaidAt, 1234);
    REQUIRE(wb_row_set_span(row, &info, &country, kCountry, "FR", 2, 1) == WB_OK);
    REQUIRE(wb_row_set_span(row, &info, &descriptor, kDescriptor, nullptr, 0, 1) == WB_OK);
    const int64_t amounts[] = {1, -2, 3};
    REQUIRE(wb_row_set_span(row, &info, &past, kPastAmount, amounts, 3, sizeof amounts[0]) == WB_OK);
    wb_span keys[2] = {{wb_row_append(row, "FR", 2), 2}, {wb_row_append(row, "GER", 3), 3}};
    REQUIRE(wb_row_set_span(row, &info, &past_country, kPastCountry, keys, 2, sizeof keys[0]) == WB_OK);

    RowLock lock;
    REQUIRE(lock.take(*schema, row).ok());
    StridedRows rows(*schema, row, 0);
    CHECK(integer(rows, kAmount) == INT64_MIN);
    CHECK(number(rows, kDistance) == 1.5);
    CHECK(number(rows, kRatio) == -0.1);
    CHECK(flag(rows, kOnline));
    CHECK(integer(rows, kPaidAt) == 1234);
    CHECK(text(rows, kCountry) == "FR");
    CHECK(text(rows, kDescriptor).empty());
    CHECK(integers(rows, kPastAmount) == std::vector<int64_t>{1, -2, 3});
    CHECK(texts(rows, kPastCountry) == std::vector<std::string>{"FR", "GER"});
    CHECK(is_missing(rows, kMerchant));

    wb_row_mark(row, info.missing_offset, kAmount, 1);
    CHECK(is_missing(rows, kAmount));
}

TEST_CASE_METHOD(RowFixture, "a used row becomes empty again", "[row]") {
    wb_feature_info country = feature_info_of(*schema, kCountry);
    REQUIRE(wb_row_set_span(row, &info, &country, kCountry, "FR", 2, 1) == WB_OK);
    REQUIRE(init_row(*schema, row, capacity).ok());
    CHECK(is_missing(StridedRows(*schema, row, 0), kCountry));
    CHECK(header().used == schema->fixed_bytes());
}

TEST_CASE_METHOD(RowFixture, "a full tail leaves the row unchanged", "[row]") {
    REQUIRE(init_row(*schema, row, schema->fixed_bytes() + 4).ok());
    wb_feature_info country = feature_info_of(*schema, kCountry);
    CHECK(wb_row_set_span(row, &info, &country, kCountry, "FRANC", 5, 1) == WB_BUFFER_TOO_SMALL);
    CHECK(header().used == schema->fixed_bytes());
    CHECK(is_missing(StridedRows(*schema, row, 0), kCountry));
    CHECK(wb_row_set_span(row, &info, &country, kCountry, "FRAN", 4, 1) == WB_OK);
    CHECK(wb_row_append(row, "", 0) == 0);  // the next 8-aligned place is outside
}

TEST_CASE_METHOD(RowFixture, "init refuses memory that does not fit", "[row]") {
    Status small = init_row(*schema, row, schema->fixed_bytes() - 1);
    CHECK(small.code == WB_INVALID_ARGUMENT);
    CHECK(mentions(small, std::to_string(schema->fixed_bytes()) + ", 4294967295], got " +
                              std::to_string(schema->fixed_bytes() - 1)));
    CHECK(init_row(*schema, row, size_t{1} << 32).code == WB_INVALID_ARGUMENT);
    CHECK(init_row(*schema, nullptr, capacity).code == WB_INVALID_ARGUMENT);
    Status crooked = init_row(*schema, static_cast<char *>(row) + 2, capacity - 2);
    CHECK(crooked.code == WB_INVALID_ARGUMENT);
    CHECK(mentions(crooked, "aligned to 4 bytes"));
    CHECK(init_row(*schema, static_cast<char *>(row) + 4, capacity - 4).ok());
}

TEST_CASE_METHOD(RowFixture, "a row is for one call at a time", "[row]") {
    {
        RowLock first, second;
        REQUIRE(first.take(*schema, row).ok());
        CHECK(second.take(*schema, row).code == WB_BUSY);
    }
    RowLock third;
    CHECK(third.take(*schema, row).ok());
    CHECK(header().busy != 0);
}

TEST_CASE_METHOD(RowFixture, "a lock that fails leaves no mark", "[row]") {
    wb_row_header good = header(), bad = good;
    RowLock lock;
    SECTION("used below the fixed part") { bad.used = schema->fixed_bytes() - 1; }
    SECTION("used beyond the capacity") { bad.used = good.capacity + 1; }
    SECTION("capacity below the fixed part") { bad.capacity = schema->fixed_bytes() - 8; }
    SECTION("memory that never was a row") { bad.schema_digest = 0; }
    set_header(bad);
    Status status = lock.take(*schema, row);
    INFO(status.message);
    CHECK(status.code == WB_INVALID_ARGUMENT);
    CHECK(header().busy == 0);
}

TEST_CASE_METHOD(RowFixture, "a row of another schema is named by both digests", "[row]") {
    wb_row_header other = header();
    other.schema_digest = 0x1234;
    other.busy = 99;  // memory that never was a row is not called busy
    set_header(other);
    RowLock lock;
    Status status = lock.take(*schema, row);
    CHECK(status.code == WB_SCHEMA_MISMATCH);
    CHECK(mentions(status, formatted("expected schema digest {:016x}, got 0000000000001234", schema->digest())));
    CHECK(lock.take(*schema, nullptr).code == WB_INVALID_ARGUMENT);
    CHECK(lock.take(*schema, static_cast<char *>(row) + 1).code == WB_INVALID_ARGUMENT);
}

TEST_CASE_METHOD(RowFixture, "spans outside the used bytes are refused by name", "[row]") {
    uint32_t fixed = schema->fixed_bytes();
    wb_row_append(row, "12345678", 8);
    uint32_t used = header().used;
    auto check = [&](uint32_t index, wb_span span, bool good) {
        set_span(index, span);
        Status status = read(index);
        INFO("span " << span.offset << ", " << span.size << ": " << status.message);
        CHECK(status.ok() == good);
        if (!good) {
            CHECK(status.code == WB_INVALID_INPUT);
            CHECK(status.feature == static_cast<int32_t>(index));
            CHECK(mentions(status, "'" + schema->features()[index].name + "'"));
        }
    };
    check(kCountry, {fixed, 8}, true);
    check(kCountry, {used, 0}, true);
    check(kCountry, {0, 0}, true);
    check(kCountry, {fixed, 9}, false);
    check(kCountry, {used, 1}, false);
    check(kCountry, {used + 1, 0}, false);
    check(kCountry, {UINT32_MAX, UINT32_MAX}, false);
    check(kCountry, {fixed, UINT32_MAX}, false);
    check(kCountry, {0, 4}, false);  // in the header
    check(kPastAmount, {fixed, 1}, true);
    check(kPastAmount, {fixed, 2}, false);
    check(kPastAmount, {fixed, 0x20000001}, false);  // eight times this is 8 in 32 bits
    check(kPastCountry, {fixed, 1}, true);
    check(kPastCountry, {fixed, 0x20000001}, false);
}

TEST_CASE("rows of an older schema are read by place", "[row]") {
    auto made =
        Schema::make({make_feature("amount_minor", StoredType::int64), make_feature("fresh", StoredType::float64)});
    REQUIRE(made.ok());
    std::vector<uint64_t> memory(2 * ((*made)->fixed_bytes() / 8));
    int64_t stride = (*made)->fixed_bytes();
    for (int i = 0; i < 2; ++i) {
        void *row = memory.data() + i * stride / 8;
        REQUIRE(init_row(**made, row, static_cast<size_t>(stride)).ok());
        REQUIRE(set_row_json(**made, row, "{\"amount_minor\": " + std::to_string(10 + i) + "}", 64).ok());
    }
    std::vector<int32_t> wanted = {-1, 0, 1};
    StridedRows strided(**made, memory.data(), stride);
    MappedSource rows(strided, wanted);
    CHECK(is_missing(rows, 0, 1));
    CHECK(integer(rows, 1, 0) == 10);
    CHECK(integer(rows, 1, 1) == 11);
    CHECK(is_missing(rows, 2, 1));

    StridedRows backwards(**made, memory.data() + stride / 8, -stride);
    CHECK(integer(backwards, 0, 1) == 10);
    Cell cell;
    CHECK(backwards.cell(2, 0, cell).code == WB_INVALID_ARGUMENT);
}

// Run under AddressSanitizer this shows that no content of a row leads to a read outside it.
TEST_CASE("random bytes behind a valid header are never read outside", "[row]") {
    auto schema = payment_schema();
    std::mt19937 random(20260711);
    for (int round = 0; round < 3000; ++round) {
        size_t size = schema->fixed_bytes() + random() % 64 / 4 * 4;
        auto memory = std::make_unique<uint32_t[]>(size / 4);
        REQUIRE(init_row(*schema, memory.get(), size).ok());
        auto *bytes = reinterpret_cast<unsigned char *>(memory.get());
        for (size_t i = sizeof(wb_row_header); i < size; ++i) bytes[i] = static_cast<unsigned char>(random());
        for (const Feature &feature : schema->features()) {
            if (!feature.sequence && feature.type != StoredType::category && feature.type != StoredType::text) continue;
            if (random() % 4 == 0) continue;
            wb_span span = {static_cast<uint32_t>(random() % (size + 8)), static_cast<uint32_t>(random() % 16)};
            std::memcpy(bytes + feature.offset, &span, sizeof span);
        }
        auto used = static_cast<uint32_t>(size - random() % 8 % (size - schema->fixed_bytes() + 1));
        std::memcpy(bytes + offsetof(wb_row_header, used), &used, sizeof used);
        RowLock lock;
        REQUIRE(lock.take(*schema, memory.get()).ok());
        StridedRows rows(*schema, memory.get(), 0);
        for (uint32_t i = 0; i < kFeatures; ++i) {
            Cell cell;
            if (!rows.cell(i, 0, cell).ok() || cell.missing) continue;
            for (int64_t k = 0; k < (cell.type == CellType::bytes ? 1 : cell.count); ++k) {
                std::string_view view;
                double value = 0;
                if (read_text(cell, k, view) == CellRead::ok)
                    CHECK(std::string(view).size() == view.size());
                else
                    CHECK(read_double(cell, k, value) != CellRead::missing);
            }
        }
    }
}

TEST_CASE_METHOD(RowFixture, "a row that was in use at a fork is free in the child", "[row]") {
    RowLock held;
    REQUIRE(held.take(*schema, row).ok());
    REQUIRE(weighbridge::test::in_child([&] {
                RowLock first, second;
                if (!first.take(*schema, row).ok()) return 1;
                return second.take(*schema, row).code == WB_BUSY ? 0 : 2;
            }) == 0);
    RowLock other;
    CHECK(other.take(*schema, row).code == WB_BUSY);
}

TEST_CASE_METHOD(RowFixture, "a row tells its values, but not those of features with a privacy class", "[row]") {
    const std::string given =
        R"({"amount_minor":-5,"distance_km":0.1,"ratio":"-Infinity","online":true,"country":"a\"\n\u0001",)"
        R"("merchant_id":7,"paid_at":1234,"descriptor":"","past_amount":[1,-2],"past_country":["FR",""],)"
        R"("past_at":[],"past_ratio":[0.5,1e+30],"secret":9})";
    REQUIRE(set_row_json(*schema, row, given, 100).ok());
    auto shown = row_as_json(*schema, row);
    REQUIRE(shown);
    const std::string text = shown->text();
    CHECK(text.find(R"("distance_km":0.1,"ratio":"-Infinity","online":true,"country":"a\"\n\u0001")") != text.npos);
    CHECK(text.find(R"("past_country":["FR",""],"past_at":[])") != text.npos);
    CHECK(text.find(R"("secret":"<redacted>","secret_at":null)") != text.npos);
    CHECK(text.find('9') == text.npos);

    set_span(kCountry, {8, 4});
    CHECK(row_as_json(*schema, row).status().code == WB_INVALID_INPUT);
    RowLock held;
    REQUIRE(held.take(*schema, row).ok());
    CHECK(row_as_json(*schema, row).status().code == WB_BUSY);
}

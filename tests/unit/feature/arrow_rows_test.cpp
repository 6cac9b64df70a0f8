// SPDX-License-Identifier: Apache-2.0
// Arrow struct arrays: columns by name, offsets and nulls of the struct and of its children, and what is refused.
#include "feature/columns.hpp"
#include "unit/feature/arrow_support.hpp"
#include "unit/feature/source_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::lib::test;

namespace {

DefaultValue zero() { return {0, 0, ""}; }

std::shared_ptr<const Schema> table_schema() {
    std::vector<Feature> features = {
        make_feature("amount", StoredType::int64), make_feature("ratio", StoredType::float32),
        make_feature("country", StoredType::text), make_feature("past", StoredType::int64, true)};
    features[1].missing = zero();
    features[3].missing = zero();
    auto schema = Schema::make(std::move(features));
    REQUIRE(schema.ok());
    return *schema;
}

struct RowsFixture {
    std::shared_ptr<const Schema> schema = table_schema();
    Columns columns{schema};

    RowsFixture() { columns.reset(2); }
    static std::unique_ptr<Arrow> amounts() { return arrow_numbers<int64_t>("l", {1, 2, 3, 4}); }
    static std::unique_ptr<Arrow> countries() { return arrow_texts("u", {"FR", "DE", "IT", "ES"}); }
    Status set(const ArrowTable &table) { return columns.set_arrow_rows(table.rows.type, table.rows.array); }
    [[gnu::noinline]] void refuse(const ArrowTable &table, std::string_view what) {
        Status status = set(table);
        INFO(status.message);
        CHECK(status.code == WB_INVALID_ARGUMENT);
        CHECK(mentions(status, what));
    }
};

}  // namespace

TEST_CASE_METHOD(RowsFixture, "a struct's children are columns by name", "[arrow]") {
    ArrowTable table(2);
    table.rows.no_buffer();
    table.column("country", countries()).column("amount", amounts());
    table.column("past", arrow_list("+l", {0, 2, 2}, arrow_numbers<int32_t>("i", {5, 6})));
    REQUIRE(set(table).ok());
    CHECK(integer(columns, 0, 1) == 2);
    CHECK(is_missing(columns, 1, 0));
    CHECK(text(columns, 2, 0) == "FR");
    CHECK(integers(columns, 3, 0) == std::vector<int64_t>{5, 6});
    CHECK(integers(columns, 3, 1).empty());
    CHECK(columns.cell(0, 2, *std::make_unique<Cell>()).code == WB_INVALID_ARGUMENT);
}

TEST_CASE_METHOD(RowsFixture, "offsets and nulls of struct and children add up", "[arrow]") {
    ArrowTable table(2);
    table.rows.bits("1101").slice(2, 2).nulls(1);  // row 0 is null
    auto sliced = arrow_numbers<int64_t>("l", {90, 1, 2, 3, 4});
    sliced->slice(1, 4);
    auto ratios = std::make_unique<Arrow>("f", 4);
    ratios->bits("1110").buffer<float>({0, 1, 2, 3}).nulls(1);  // and the child is null in row 1
    table.column("amount", std::move(sliced)).column("ratio", std::move(ratios)).column("country", countries());
    table.column("past", arrow_list("+l", {0, 0, 0, 1, 3}, arrow_numbers<int32_t>("i", {5, 6, 7})));
    REQUIRE(set(table).ok());
    for (uint32_t feature = 0; feature < 4; ++feature) CHECK(is_missing(columns, feature, 0));
    CHECK(integer(columns, 0, 1) == 4);
    CHECK(is_missing(columns, 1, 1));
    CHECK(text(columns, 2, 1) == "ES");
    CHECK(integers(columns, 3, 1) == std::vector<int64_t>{6, 7});
    // A column of its own takes the place of the struct's, with its validity.
    int64_t amount = 9;
    REQUIRE(columns.set_column(0, &amount, 0, nullptr).ok());
    CHECK(integer(columns, 0, 0) == 9);
    Arrow other("l", 2);
    other.no_buffer().buffer<int64_t>({7, 8});
    REQUIRE(columns.set_arrow(0, other.type, other.array).ok());
    CHECK(integer(columns, 0, 0) == 7);
    CHECK(is_missing(columns, 2, 0));
    Columns copy(columns);
    columns.reset(2);
    CHECK(integer(copy, 0, 1) == 8);
    CHECK(text(copy, 2, 1) == "ES");
}

TEST_CASE_METHOD(RowsFixture, "columns that do not match are named, and nothing changes", "[arrow]") {
    int64_t amount = 9;
    REQUIRE(columns.set_column(0, &amount, 0, nullptr).ok());
    {
        ArrowTable table(2);
        table.rows.no_buffer();
        table.column("amounts", amounts()).column("x\ny", amounts());
        refuse(table, "Arrow columns: missing 'amount', 'country'; unknown 'amounts', 'x?y' (near the first: 'amount'");
    }
    {
        ArrowTable table(2);
        table.rows.no_buffer();
        table.column("amount", amounts());
        refuse(table, "Arrow columns: missing 'country'");
        table.column("country", countries());
        for (const char *name : {"a", "b", "c", "d", "e"}) table.column(name, amounts());
        refuse(table, "Arrow columns: unknown 'a', 'b', 'c' and 2 more");
        table.children[2]->type.name = nullptr;
        refuse(table, "unknown NULL, 'b', 'c' and 2 more");
    }
    {
        ArrowTable table(2);
        table.rows.no_buffer();
        table.column("amount", countries()).column("country", countries());
        refuse(table, "feature 'amount': expected int64, got Arrow format 'u'");
        table.children[0]->type.name = "country";
        refuse(table, "feature 'country': expected one Arrow column, got columns 0 and 1");
    }
    CHECK(integer(columns, 0, 1) == 9);
}

TEST_CASE_METHOD(RowsFixture, "structs that cannot be are refused", "[arrow]") {
    ArrowTable table(2);
    table.rows.no_buffer();
    table.column("amount", amounts()).column("country", countries());
    auto with = [&](auto change, std::string_view what) {
        ArrowSchema type = table.rows.type;
        ArrowArray array = table.rows.array;
        change(type, array);
        Status status = columns.set_arrow_rows(type, array);
        CHECK(status.code == WB_INVALID_ARGUMENT);
        CHECK(mentions(status, what));
    };
    with([](auto &type, auto &) { type.format = "l"; }, "expected an Arrow struct ('+s'), got format 'l'");
    with([](auto &type, auto &) { type.format = nullptr; }, "got format NULL");
    with([](auto &type, auto &) { type.dictionary = &type; }, "got format '+s' with a dictionary");
    with([](auto &type, auto &) { type.release = nullptr; }, "got a released one");
    with([](auto &, auto &array) { array.release = nullptr; }, "got a released one");
    with([](auto &, auto &array) { array.length = 3; }, "expected 2 rows, got an Arrow struct of 3");
    with([](auto &, auto &array) { array.offset = -1; }, "at offset -1 is out of range");
    with([](auto &, auto &array) { array.offset = INT64_MAX - 1; }, "is out of range");
    with([](auto &, auto &array) { array.offset = 3; },
         "feature 'amount': expected 2 rows from row 3 on, as the Arrow");
    with([](auto &, auto &array) { array.offset = 5; }, "got an array of 4");
    with([](auto &, auto &array) { array.null_count = 3; }, "has null_count 3");
    with([](auto &, auto &array) { array.null_count = 1; }, "has null_count 1 and no validity buffer");
    with([](auto &, auto &array) { array.n_buffers = 0; }, "expected 1 buffer for an Arrow struct, got 0");
    with([](auto &, auto &array) { array.buffers = nullptr; }, "got 1 at NULL");
    with([](auto &, auto &array) { array.n_children = 1; }, "to agree on their children, got 2 and 1");
    with([](auto &type, auto &array) { type.n_children = array.n_children = -1; }, "got -1 and -1");
    with([](auto &type, auto &) { type.children = nullptr; }, "has NULL for its children");
    ArrowSchema *types[2] = {table.types[0], nullptr};
    with([&](auto &type, auto &) { type.children = types; }, "has NULL for child 1");
    with([&](auto &, auto &) { table.children[1]->array.release = nullptr; }, "feature 'country': expected an Arrow");
    table.children[1]->array.release = table.rows.array.release;
    with([&](auto &, auto &) { table.children[1]->array.length = 1; }, "feature 'country': expected 2 rows from row 0");
}

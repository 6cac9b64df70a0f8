// SPDX-License-Identifier: Apache-2.0
// Arrow arrays that are refused when they are set.
#include "feature/columns.hpp"
#include "unit/feature/arrow_support.hpp"
#include "unit/feature/source_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::lib::test;

namespace {

struct RefusalFixture {
    std::shared_ptr<const Schema> schema = payment_schema();
    Columns columns{schema};

    RefusalFixture() { columns.reset(2); }
    [[gnu::noinline]] void refuse(uint32_t feature, const Arrow &arrow, std::string_view what) {
        Status status = columns.set_arrow(feature, arrow.type, arrow.array);
        INFO(schema->features()[feature].name << ", " << (arrow.type.format ? arrow.type.format : "NULL"));
        CHECK(status.code == WB_INVALID_ARGUMENT);
        CHECK(status.feature == static_cast<int32_t>(feature));
        CHECK(mentions(status, "feature '" + schema->features()[feature].name + "': "));
        CHECK(mentions(status, what));
    }
    [[gnu::noinline]] void refuse_format(uint32_t feature, const char *format, std::string_view expected) {
        Arrow arrow(format, 2);
        arrow.no_buffer().buffer<int64_t>({0, 0, 0, 0});
        refuse(feature, arrow, "expected " + std::string(expected) + ", got Arrow format '" + format + "'");
    }
    std::unique_ptr<Arrow> amounts() { return arrow_numbers<int64_t>("l", {1, 2}); }
};

}  // namespace

TEST_CASE_METHOD(RefusalFixture, "formats that no feature takes are named", "[arrow]") {
    for (const char *format :
         {"z",   "Z",   "vz", "tdD", "tdm", "ttm", "tDs", "tiM",  "d:10,2", "w:4", "+s",    "+us:0", "+r",
          "+vl", "+vL", "+m", "",    "x",   "ll",  "ts",  "tsx:", "tsm",    "+w:", "+w:-1", "+w:2x", "+w:99999999999"})
        for (auto [feature, expected] :
             {std::pair{kAmount, "int64"}, std::pair{kDistance, "float32"}, std::pair{kOnline, "bool"},
              std::pair{kCountry, "category"}, std::pair{kPaidAt, "timestamp in ms"},
              std::pair{kPastAmount, "sequence of int64"}})
            refuse_format(feature, format, expected);
}

TEST_CASE_METHOD(RefusalFixture, "formats of another feature type are named", "[arrow]") {
    for (const char *format : {"b", "u", "U", "vu", "tsm:", "+l", "+w:2"}) {
        refuse_format(kAmount, format, "int64");
        refuse_format(kMerchant, format, "category with int64 keys");
    }
    for (const char *format : {"b", "u", "tsm:", "+l"}) refuse_format(kRatio, format, "float64");
    for (const char *format : {"u", "tsm:", "+l"}) refuse_format(kOnline, format, "bool");
    for (const char *format : {"b", "l", "g", "tsm:", "+l"}) refuse_format(kDescriptor, format, "text");
    for (const char *format : {"b", "u", "+l"}) refuse_format(kPaidAt, format, "timestamp in ms");
    for (const char *format : {"b", "l", "g", "u", "tsm:"}) refuse_format(kPastAmount, format, "sequence of int64");
    Arrow null(nullptr, 2);
    refuse(kAmount, null, "got Arrow format NULL");
    Arrow crooked("a\nb\x80", 2);
    refuse(kAmount, crooked, "got Arrow format 'a?b?'");
    std::string endless(5000, 'x');
    Arrow endless_format(endless.c_str(), 2);
    refuse(kAmount, endless_format, "'" + std::string(40, 'x') + "...'");
}

TEST_CASE_METHOD(RefusalFixture, "list elements and dictionaries of another type are named", "[arrow]") {
    auto elements = arrow_list("+l", {0, 1, 2}, arrow_texts("u", {"a", "b"}));
    refuse(kPastAmount, *elements, "expected sequence of int64, got list elements of Arrow format 'u'");
    auto inner = arrow_list("+l", {0, 1, 2}, arrow_numbers<int64_t>("l", {1, 2}));
    auto nested = arrow_list("+l", {0, 1, 2}, std::move(inner));
    refuse(kPastAmount, *nested, "got list elements of Arrow format '+l'");
    auto bytes = amounts();
    bytes->dictionary(arrow_numbers<int64_t>("l", {1, 2}));
    refuse(kCountry, *bytes, "expected category, got a dictionary of Arrow format 'l'");
    auto floating = arrow_numbers<double>("g", {0, 0});
    floating->dictionary(arrow_texts("u", {"a"}));
    refuse(kCountry, *floating, "got Arrow format 'g'");
    auto times = arrow_numbers<int64_t>("tsm:", {0, 0});  // ended the process: the feature has no unit
    times->dictionary(arrow_texts("u", {"a"}));
    refuse(kCountry, *times, "got Arrow format 'tsm:'");
    auto deep = amounts();
    deep->dictionary(arrow_numbers<int8_t>("c", {0}));
    auto twice = amounts();
    deep->dictionary(arrow_texts("u", {"a"}));
    twice->dictionary(std::move(deep));
    refuse(kCountry, *twice, "got a dictionary of Arrow format 'l'");
    auto sequence = amounts();
    sequence->dictionary(arrow_texts("u", {"a"}));
    refuse(kPastCountry, *sequence, "expected sequence of category, got Arrow format 'l'");
}

TEST_CASE_METHOD(RefusalFixture, "an array of another length is named with both numbers", "[arrow]") {
    auto three = arrow_numbers<int64_t>("l", {1, 2, 3});
    refuse(kAmount, *three, "expected 2 rows, got an Arrow array of 3");
}

TEST_CASE_METHOD(RefusalFixture, "lengths, offsets and null counts that cannot be", "[arrow]") {
    auto arrow = amounts();
    SECTION("negative length") { arrow->slice(0, -1); }
    SECTION("negative offset") { arrow->slice(-1, 2); }
    SECTION("overflow") { arrow->slice(INT64_MAX, 2); }
    SECTION("bytes overflow") { arrow->slice(INT64_MAX / 8, 2); }
    SECTION("null_count below -1") { arrow->nulls(-2); }
    SECTION("null_count above length") { arrow->nulls(3); }
    SECTION("nulls without validity") { arrow->nulls(1); }
    refuse(kAmount, *arrow, "Arrow array");
}

TEST_CASE_METHOD(RefusalFixture, "buffers that lack", "[arrow]") {
    auto arrow = amounts();
    arrow->array.n_buffers = 1;
    refuse(kAmount, *arrow, "expected 2 buffers for Arrow format 'l', got 1");
    arrow->array.n_buffers = 3;
    refuse(kAmount, *arrow, "expected 2 buffers");
    arrow->array.n_buffers = 2;
    arrow->buffer_at(1) = nullptr;
    refuse(kAmount, *arrow, "buffer 1 of an Arrow array of length 2 is NULL");
    arrow->array.buffers = nullptr;
    refuse(kAmount, *arrow, "NULL for its buffers");
    auto texts = arrow_texts("u", {"a", "b"});
    texts->buffer_at(2) = nullptr;
    refuse(kCountry, *texts, "Arrow text of 2 bytes is NULL");
    Arrow null("n", 2);
    null.no_buffer().no_buffer();
    refuse(kAmount, null, "expected 0 buffers");
}

TEST_CASE_METHOD(RefusalFixture, "text offsets that cannot be", "[arrow]") {
    Arrow negative("u", 2);
    negative.no_buffer().buffer<int32_t>({-1, 0, 1}).bytes("a");
    refuse(kCountry, negative, "expected ascending text offsets, got first -1 and last 1");
    Arrow descending("U", 2);
    descending.no_buffer().buffer<int64_t>({1, 1, 0}).bytes("a");
    refuse(kCountry, descending, "got first 1 and last 0");
}

TEST_CASE_METHOD(RefusalFixture, "string views with wrong buffers", "[arrow]") {
    auto make = [](int buffers) {
        auto views = std::make_unique<Arrow>("vu", 2);
        views->no_buffer().buffer<ArrowView>({inline_view("a"), inline_view("b")});
        for (int i = 2; i < buffers; ++i) views->bytes("abcd");
        return views;
    };
    refuse(kCountry, *make(2), "expected at least 3 buffers for Arrow format 'vu', got 2");
    auto sizeless = make(3);
    sizeless->no_buffer();
    refuse(kCountry, *sizeless, "without the sizes");
    auto negative = make(3);
    negative->buffer<int64_t>({-1});
    refuse(kCountry, *negative, "buffer 0 of Arrow string views: size -1");
    auto null = make(2);
    null->no_buffer().buffer<int64_t>({4});
    refuse(kCountry, *null, "size 4 at NULL");
    auto endless = make(3);
    endless->array.n_buffers = INT64_MAX;
    refuse(kCountry, *endless, "buffers");
}

TEST_CASE_METHOD(RefusalFixture, "children that lack", "[arrow]") {
    auto make = [] { return arrow_list("+l", {0, 1, 2}, arrow_numbers<int64_t>("l", {1, 2})); };
    auto none = make();
    none->array.n_children = 0;
    refuse(kPastAmount, *none, "expected 1 children for Arrow format '+l', got 1 in the type and 0 in the array");
    auto null = make();
    null->array.children[0] = nullptr;
    refuse(kPastAmount, *null, "NULL for its child");
    auto no_children = make();
    no_children->type.children = nullptr;
    refuse(kPastAmount, *no_children, "NULL for its child");
    auto negative = make();
    negative->child()->array.length = -1;
    refuse(kPastAmount, *negative, "length -1");
    auto parent = amounts();
    parent->child(arrow_numbers<int64_t>("l", {1}));
    refuse(kAmount, *parent, "expected 0 children");
    Arrow fixed("+w:2", 2);
    fixed.no_buffer().child(arrow_numbers<int64_t>("l", {1, 2, 3}));
    refuse(kPastAmount, fixed, "2 lists of 2 elements at offset 0 need more than the child's 3 elements");
}

TEST_CASE_METHOD(RefusalFixture, "a dictionary on one side only", "[arrow]") {
    auto arrow = amounts();
    arrow->dictionary(arrow_texts("u", {"a"}));
    arrow->array.dictionary = nullptr;
    refuse(kCountry, *arrow, "got one in the type only");
    auto other = amounts();
    other->dictionary(arrow_texts("u", {"a"}));
    other->type.dictionary = nullptr;
    refuse(kAmount, *other, "got one in the array only");
}

TEST_CASE_METHOD(RefusalFixture, "released arrays and unknown features", "[arrow]") {
    auto arrow = amounts();
    Status index = columns.set_arrow(kFeatures, arrow->type, arrow->array);
    CHECK(index.code == WB_INVALID_ARGUMENT);
    arrow->array.release = nullptr;
    refuse(kAmount, *arrow, "released");
}

TEST_CASE_METHOD(RefusalFixture, "a refused array leaves the column as it was", "[arrow]") {
    auto good = amounts();
    REQUIRE(columns.set_arrow(kAmount, good->type, good->array).ok());
    auto bad = arrow_texts("u", {"1", "2"});
    CHECK_FALSE(columns.set_arrow(kAmount, bad->type, bad->array).ok());
    CHECK(integer(columns, kAmount, 1) == 2);
    int64_t strided = 7;
    REQUIRE(columns.set_column(kAmount, &strided, 0, nullptr).ok());
    CHECK(integer(columns, kAmount, 1) == 7);
    REQUIRE(columns.set_arrow(kAmount, good->type, good->array).ok());
    CHECK(integer(columns, kAmount, 1) == 2);
}

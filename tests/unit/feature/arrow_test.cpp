// SPDX-License-Identifier: Apache-2.0
#include "feature/arrow.hpp"

#include <random>

#include "feature/columns.hpp"
#include "unit/feature/arrow_support.hpp"
#include "unit/feature/source_support.hpp"

using namespace weighbridge::lib;
using namespace weighbridge::lib::test;

namespace {

struct ArrowFixture {
    std::shared_ptr<const Schema> schema = payment_schema();
    Columns columns{schema};

    // Sets a column of as many rows as the array has.
    [[gnu::noinline]] void take(uint32_t feature, const Arrow &arrow) {
        columns.reset(arrow.array.length);
        Status status = columns.set_arrow(feature, arrow.type, arrow.array);
        INFO(status.message);
        REQUIRE(status.ok());
    }
    [[gnu::noinline]] bool null_element(uint32_t feature, int64_t row, int64_t element) const {
        Cell cell;
        int64_t integer = 0;
        std::string_view text;
        REQUIRE(columns.cell(feature, row, cell).ok());
        return (feature == kPastCountry ? read_text(cell, element, text) : read_int64(cell, element, integer)) ==
               CellRead::missing;
    }
    [[gnu::noinline]] Status read(uint32_t feature, int64_t row) const {
        Cell cell;
        Status status = columns.cell(feature, row, cell);
        if (!status.ok()) {
            CHECK(status.code == WB_INVALID_INPUT);
            CHECK(status.feature == static_cast<int32_t>(feature));
            CHECK(mentions(status, "'" + schema->features()[feature].name + "'"));
        }
        return status;
    }
    template <class T>
    void check_integers(const char *format, std::vector<T> values) {
        auto arrow = arrow_numbers(format, values);
        INFO(format);
        for (uint32_t feature : {kAmount, kMerchant, kDistance, kRatio}) {
            take(feature, *arrow);
            for (size_t i = 0; i < values.size(); ++i)
                CHECK(integer(columns, feature, static_cast<int64_t>(i)) == static_cast<int64_t>(values[i]));
        }
    }
};

}  // namespace

TEST_CASE_METHOD(ArrowFixture, "integers of every width", "[arrow]") {
    check_integers<int8_t>("c", {-128, 0, 127});
    check_integers<uint8_t>("C", {0, 255});
    check_integers<int16_t>("s", {-32768, 32767});
    check_integers<uint16_t>("S", {0, 65535});
    check_integers<int32_t>("i", {INT32_MIN, INT32_MAX});
    check_integers<uint32_t>("I", {0, UINT32_MAX});
    check_integers<int64_t>("l", {INT64_MIN, 0, 1, INT64_MAX});
    check_integers<uint64_t>("L", {0, 1, uint64_t{1} << 52});
}

TEST_CASE_METHOD(ArrowFixture, "an unsigned integer above int64 is not read as a negative one", "[arrow]") {
    auto arrow = arrow_numbers<uint64_t>("L", {UINT64_MAX});
    take(kAmount, *arrow);
    Cell cell;
    REQUIRE(columns.cell(kAmount, 0, cell).ok());
    int64_t value = 0;
    CHECK(read_int64(cell, 0, value) == CellRead::out_of_range);
}

TEST_CASE_METHOD(ArrowFixture, "floating numbers of every width", "[arrow]") {
    for (uint32_t feature : {kDistance, kRatio}) {
        auto half = arrow_numbers<uint16_t>("e", {0x3C00, 0xC000, 0x0001});
        take(feature, *half);
        CHECK(number(columns, feature, 0) == 1.0);
        CHECK(number(columns, feature, 1) == -2.0);
        CHECK(number(columns, feature, 2) == 0x1p-24);
        auto single = arrow_numbers<float>("f", {0.1f});
        take(feature, *single);
        CHECK(number(columns, feature, 0) == 0.1f);
        auto wide = arrow_numbers<double>("g", {0.1});
        take(feature, *wide);
        CHECK(number(columns, feature, 0) == 0.1);
    }
}

TEST_CASE_METHOD(ArrowFixture, "bit booleans with an offset and nulls", "[arrow]") {
    Arrow arrow("b");
    arrow.bits("11111111111011").bits("00000000010110").slice(9, 5).nulls(-1);
    take(kOnline, arrow);
    CHECK(flag(columns, kOnline, 0));
    CHECK_FALSE(flag(columns, kOnline, 1));
    CHECK(is_missing(columns, kOnline, 2));
    CHECK(flag(columns, kOnline, 3));
    CHECK_FALSE(flag(columns, kOnline, 4));
}

TEST_CASE_METHOD(ArrowFixture, "numbers with an offset and nulls", "[arrow]") {
    Arrow arrow("i");
    arrow.bits("1111110").buffer<int32_t>({0, 1, 2, 3, 4, 5, 6}).slice(4, 3).nulls(1);
    take(kAmount, arrow);
    CHECK(integer(columns, kAmount, 0) == 4);
    CHECK(integer(columns, kAmount, 1) == 5);
    CHECK(is_missing(columns, kAmount, 2));
}

TEST_CASE_METHOD(ArrowFixture, "a null array is missing for every type", "[arrow]") {
    Arrow arrow("n", 2);
    arrow.nulls(2);
    for (uint32_t i = 0; i < kFeatures; ++i) {
        take(i, arrow);
        CHECK(is_missing(columns, i, 1));
    }
}

TEST_CASE_METHOD(ArrowFixture, "texts of every layout", "[arrow]") {
    const std::string longer = "a text that is longer than twelve bytes";
    auto small = arrow_texts("u", {"FR", "", longer});
    auto large = arrow_texts<int64_t>("U", {"FR", "", longer});
    Arrow views("vu", 3);
    views.no_buffer();
    views.buffer<ArrowView>({inline_view("FR"), inline_view(""), {static_cast<int32_t>(longer.size()), {}, 1, 3}});
    views.bytes("unused").bytes("xyz" + longer).buffer<int64_t>({6, static_cast<int64_t>(longer.size()) + 3});
    for (uint32_t feature : {kCountry, kDescriptor})
        for (const Arrow *arrow : {small.get(), large.get(), &views}) {
            take(feature, *arrow);
            CHECK(text(columns, feature, 0) == "FR");
            CHECK(text(columns, feature, 1).empty());
            CHECK(text(columns, feature, 2) == longer);
        }
    small->slice(2, 1);
    take(kCountry, *small);
    CHECK(text(columns, kCountry, 0) == longer);
    Arrow twelve("vu", 1);
    twelve.no_buffer().buffer<ArrowView>({inline_view("exactly 12 b")}).no_buffer();
    take(kCountry, twelve);
    CHECK(text(columns, kCountry, 0) == "exactly 12 b");
}

TEST_CASE_METHOD(ArrowFixture, "empty arrays may lack their buffers", "[arrow]") {
    for (const char *format : {"u", "U"}) {
        Arrow arrow(format, 0);
        arrow.no_buffer().no_buffer().no_buffer();
        take(kCountry, arrow);
    }
    Arrow blank("u", 2);  // texts of no bytes, so no memory for them
    blank.no_buffer().buffer<int32_t>({0, 0, 0}).no_buffer();
    take(kCountry, blank);
    CHECK(text(columns, kCountry, 1).empty());
    Arrow list("+l", 0);
    list.no_buffer().no_buffer().child(arrow_numbers<int64_t>("l", {}));
    take(kPastAmount, list);
}

TEST_CASE_METHOD(ArrowFixture, "dictionaries with indices of every width", "[arrow]") {
    auto check = [&](std::unique_ptr<Arrow> indices) {
        indices->dictionary(arrow_texts("u", {"FR", "DE", "GB"}));
        for (uint32_t feature : {kCountry, kDescriptor}) {
            take(feature, *indices);
            CHECK(text(columns, feature, 0) == "GB");
            CHECK(text(columns, feature, 1) == "FR");
        }
    };
    check(arrow_numbers<int8_t>("c", {2, 0}));
    check(arrow_numbers<uint8_t>("C", {2, 0}));
    check(arrow_numbers<int16_t>("s", {2, 0}));
    check(arrow_numbers<uint16_t>("S", {2, 0}));
    check(arrow_numbers<int32_t>("i", {2, 0}));
    check(arrow_numbers<uint32_t>("I", {2, 0}));
    check(arrow_numbers<int64_t>("l", {2, 0}));
    check(arrow_numbers<uint64_t>("L", {2, 0}));
}

TEST_CASE_METHOD(ArrowFixture, "dictionaries have nulls on both levels", "[arrow]") {
    auto values = std::make_unique<Arrow>("U");
    values->bits("0110").buffer<int64_t>({0, 2, 4, 6, 8}).bytes("FRDEGBUS").slice(1, 3).nulls(-1);
    Arrow indices("c", 4);
    indices.bits("1101").buffer<int8_t>({0, 1, 100, 2}).nulls(1).dictionary(std::move(values));
    take(kCountry, indices);
    CHECK(text(columns, kCountry, 0) == "DE");
    CHECK(text(columns, kCountry, 1) == "GB");
    CHECK(is_missing(columns, kCountry, 2));
    CHECK(is_missing(columns, kCountry, 3));
}

TEST_CASE_METHOD(ArrowFixture, "dictionary indices outside the dictionary are refused", "[arrow]") {
    auto indices = arrow_numbers<int64_t>("l", {3, -1, INT64_MIN, 2});
    indices->dictionary(arrow_texts("u", {"FR", "DE", "GB"}));
    take(kCountry, *indices);
    CHECK(mentions(read(kCountry, 0), "feature 'country': expected a dictionary index in [0, 3), got 3"));
    auto beyond = arrow_numbers<uint64_t>("L", {UINT64_MAX});
    beyond->dictionary(arrow_texts("u", {"FR", "DE", "GB"}));
    take(kCountry, *beyond);
    CHECK(mentions(read(kCountry, 0), "expected a dictionary index in [0, 3), got 18446744073709551615"));
    take(kCountry, *indices);
    CHECK_FALSE(read(kCountry, 1).ok());
    CHECK_FALSE(read(kCountry, 2).ok());
    CHECK(read(kCountry, 3).ok());
    auto huge = arrow_numbers<uint64_t>("L", {UINT64_MAX});
    huge->dictionary(arrow_texts("u", {"FR"}));
    take(kCountry, *huge);
    CHECK_FALSE(read(kCountry, 0).ok());
}

TEST_CASE_METHOD(ArrowFixture, "timestamps of the feature's unit and of coarser ones", "[arrow]") {
    auto same = arrow_numbers<int64_t>("tsm:", {-5});
    auto zoned = arrow_numbers<int64_t>("tsm:Europe/Paris", {-5});
    auto plain = arrow_numbers<int64_t>("l", {-5});
    for (const Arrow *arrow : {same.get(), zoned.get(), plain.get()}) {
        take(kPaidAt, *arrow);
        CHECK(integer(columns, kPaidAt, 0) == -5);
    }
    auto seconds = arrow_numbers<int64_t>("tss:UTC", {-5, INT64_MAX / 1000, INT64_MAX / 1000 + 1, INT64_MIN});
    take(kPaidAt, *seconds);
    CHECK(integer(columns, kPaidAt, 0) == -5000);
    CHECK(integer(columns, kPaidAt, 1) == INT64_MAX / 1000 * 1000);
    CHECK(mentions(read(kPaidAt, 2), "timestamp in s does not fit int64 in ms"));
    CHECK_FALSE(read(kPaidAt, 3).ok());
}

TEST_CASE_METHOD(ArrowFixture, "lists of numbers", "[arrow]") {
    auto list = arrow_list("+l", {0, 2, 2, 5}, arrow_numbers<int16_t>("s", {1, -2, 3, 4, 5}));
    take(kPastAmount, *list);
    CHECK(integers(columns, kPastAmount, 0) == std::vector<int64_t>{1, -2});
    CHECK(integers(columns, kPastAmount, 1).empty());
    CHECK(integers(columns, kPastAmount, 2) == std::vector<int64_t>{3, 4, 5});
    take(kPastRatio, *list);
    CHECK(numbers(columns, kPastRatio, 0) == std::vector<double>{1, -2});

    Arrow large("+L");
    auto child = arrow_numbers<double>("g", {9, 9, 0.5, 1.5, 2.5});
    child->slice(2, 3);
    large.bits("1011").buffer<int64_t>({0, 1, 2, 2, 3}).child(std::move(child)).slice(1, 3).nulls(1);
    take(kPastRatio, large);
    CHECK(is_missing(columns, kPastRatio, 0));
    CHECK(numbers(columns, kPastRatio, 1).empty());
    CHECK(numbers(columns, kPastRatio, 2) == std::vector<double>{2.5});
}

TEST_CASE_METHOD(ArrowFixture, "lists of fixed size", "[arrow]") {
    Arrow list("+w:2");
    auto child = arrow_numbers<int64_t>("l", {9, 1, 2, 3, 4, 5, 6});
    child->slice(1, 6);
    list.bits("101").child(std::move(child)).slice(1, 2).nulls(1);
    take(kPastAmount, list);
    CHECK(is_missing(columns, kPastAmount, 0));
    CHECK(integers(columns, kPastAmount, 1) == std::vector<int64_t>{5, 6});
    Arrow none("+w:0", 2);
    none.no_buffer().child(arrow_numbers<int64_t>("l", {}));
    take(kPastAmount, none);
    CHECK(integers(columns, kPastAmount, 1).empty());
}

TEST_CASE_METHOD(ArrowFixture, "lists of texts, dictionaries and timestamps", "[arrow]") {
    const std::vector<std::string> keys = {"FR", "", "GER"};
    auto plain = arrow_list("+l", {0, 3}, arrow_texts("u", keys));
    take(kPastCountry, *plain);
    CHECK(texts(columns, kPastCountry, 0) == keys);

    auto indices = arrow_numbers<uint8_t>("C", {1, 1, 0});
    indices->dictionary(arrow_texts("u", {"FR", "DE"}));
    auto encoded = arrow_list("+l", {1, 3}, std::move(indices));
    take(kPastCountry, *encoded);
    CHECK(texts(columns, kPastCountry, 0) == std::vector<std::string>{"DE", "FR"});

    auto views = std::make_unique<Arrow>("vu", 2);
    views->no_buffer().buffer<ArrowView>({inline_view("FR"), inline_view("DE")}).no_buffer();
    auto viewed = arrow_list("+l", {0, 2}, std::move(views));
    take(kPastCountry, *viewed);
    CHECK(texts(columns, kPastCountry, 0) == std::vector<std::string>{"FR", "DE"});

    auto same = arrow_list("+l", {0, 2}, arrow_numbers<int64_t>("tsm:UTC", {1, 2}));
    take(kPastAt, *same);
    CHECK(integers(columns, kPastAt, 0) == std::vector<int64_t>{1, 2});
    auto seconds = arrow_list("+l", {1, 3}, arrow_numbers<int64_t>("tss:", {1, 2, 3}));
    take(kPastAt, *seconds);
    CHECK(integers(columns, kPastAt, 0) == std::vector<int64_t>{2000, 3000});
}

TEST_CASE_METHOD(ArrowFixture, "lists of the null type are empty or refused", "[arrow]") {
    for (uint32_t feature : {kPastAmount, kPastCountry, kPastRatio}) {
        auto child = std::make_unique<Arrow>("n", 1);
        auto list = arrow_list("+l", {0, 0, 1}, std::move(child));
        take(feature, *list);
        Cell cell;
        REQUIRE(columns.cell(feature, 0, cell).ok());
        CHECK_FALSE(cell.missing);
        CHECK(cell.count == 0);
        CHECK(null_element(feature, 1, 0));
    }
}

TEST_CASE_METHOD(ArrowFixture, "a null among a sequence's elements shows where it is read", "[arrow]") {
    auto child = std::make_unique<Arrow>("l", 4);
    child->bits("1101").buffer<int64_t>({1, 2, 3, 4}).nulls(1);
    auto list = arrow_list("+l", {0, 2, 4}, std::move(child));
    take(kPastAmount, *list);
    CHECK(integers(columns, kPastAmount, 0) == std::vector<int64_t>{1, 2});
    CHECK(null_element(kPastAmount, 1, 0));
    CHECK_FALSE(null_element(kPastAmount, 1, 1));
}

TEST_CASE_METHOD(ArrowFixture, "offsets and views that lead outside are refused where they are read", "[arrow]") {
    Arrow backwards("u", 3);
    backwards.no_buffer().buffer<int32_t>({0, 9, -4, 6}).bytes("abcdef");
    take(kCountry, backwards);
    for (int64_t row : {0, 1, 2}) CHECK(mentions(read(kCountry, row), "expected ascending text offsets in [0, 6]"));
    auto lists = arrow_list("+l", {0, 6, 2, -1, 3}, arrow_numbers<int64_t>("l", {1, 2, 3, 4, 5}));
    take(kPastAmount, *lists);
    for (int64_t row : {0, 1, 2, 3})
        CHECK(mentions(read(kPastAmount, row), "expected ascending list offsets in [0, 5]"));
    Arrow views("vu", 6);
    views.no_buffer();
    views.buffer<ArrowView>(
        {{-1, {}, 0, 0}, {20, {}, 1, 0}, {20, {}, -1, 0}, {20, {}, 0, 1}, {20, {}, 0, -1}, {20, {}, 0, 0}});
    views.bytes(std::string(20, 'x')).buffer<int64_t>({20});
    take(kCountry, views);
    for (int64_t row : {0, 1, 2, 3, 4}) CHECK_FALSE(read(kCountry, row).ok());
    CHECK(text(columns, kCountry, 5) == std::string(20, 'x'));
}

// Under AddressSanitizer these show that no content of a buffer leads to a read outside. The first and the last text
// offset are true: they are all that tells how long the text is.
TEST_CASE_METHOD(ArrowFixture, "random buffers are never read outside", "[arrow]") {
    std::mt19937 random(20261101);
    auto near = [&](int32_t most) {
        return random() % 16 == 0 ? static_cast<int32_t>(random()) : static_cast<int32_t>(random() % 8) + most - 6;
    };
    auto touch = [&](uint32_t feature, const Arrow &arrow) {
        columns.reset(arrow.array.length);
        if (!columns.set_arrow(feature, arrow.type, arrow.array).ok()) return;
        for (int64_t row = 0; row < arrow.array.length; ++row) {
            Cell cell;
            if (!columns.cell(feature, row, cell).ok() || cell.missing) continue;
            for (int64_t i = 0; i < (cell.type == CellType::bytes ? 1 : cell.count); ++i) {
                std::string_view view;
                int64_t value = 0;
                if (read_text(cell, i, view) == CellRead::ok)
                    REQUIRE(std::string(view).size() == view.size());
                else
                    REQUIRE(read_int64(cell, i, value) != CellRead::wrong_type);
            }
        }
    };
    for (int round = 0; round < 2000; ++round) {
        std::vector<int32_t> offsets = {1, near(8), near(8), near(8), 8};
        Arrow texts("u");
        texts.bits("10101").buffer(offsets).bytes("abcdefgh").slice(0, 4);
        touch(kCountry, texts);
        auto list = arrow_list("+l", {near(3), near(3), near(3)}, arrow_numbers<int32_t>("i", {1, 2, 3}));
        touch(kPastAmount, *list);
        auto indices = arrow_numbers<int32_t>("i", {near(3), near(3), near(3)});
        indices->dictionary(arrow_texts("u", {"a", "bc", "def"}));
        auto encoded = arrow_list("+l", {near(3), near(3), near(3)}, std::move(indices));
        touch(kPastCountry, *encoded);
        Arrow views("vu", 3);
        views.no_buffer();
        views.buffer<ArrowView>({{near(20), {}, near(2), near(20)}, {near(20), {}, 0, near(6)}, {near(13), {}, 1, 0}});
        views.bytes(std::string(20, 'x')).bytes("y").buffer<int64_t>({20, 1});
        touch(kDescriptor, views);
    }
}

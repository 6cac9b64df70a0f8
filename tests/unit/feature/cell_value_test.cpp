// SPDX-License-Identifier: Apache-2.0
#include "feature/cell_value.hpp"

#include <cmath>
#include <cstdint>
#include <limits>

#include "given_row.hpp"
#include "support/catch.hpp"
#include "weighbridge/c/schema.h"

namespace {

using namespace weighbridge::lib;

template <class T>
Cell cell_of(CellType type, const T *data, int64_t count = 1) {
    Cell cell;
    cell.type = type;
    cell.data = reinterpret_cast<const std::byte *>(data);
    cell.count = count;
    return cell;
}

template <class T>
void require_integer(CellType type, T value) {
    T pair[2] = {0, value};
    int64_t out = 0;
    REQUIRE(read_int64(cell_of(type, pair, 2), 1, out) == CellRead::ok);
    REQUIRE(out == static_cast<int64_t>(value));
    double number = 0;
    REQUIRE(read_double(cell_of(type, pair, 2), 1, number) == CellRead::ok);
    REQUIRE(number == static_cast<double>(value));
}

TEST_CASE("integers of every width are read to their ends", "[cell]") {
    require_integer<int8_t>(CellType::i8, INT8_MIN);
    require_integer<int16_t>(CellType::i16, INT16_MIN);
    require_integer<int32_t>(CellType::i32, INT32_MIN);
    require_integer<int64_t>(CellType::i64, INT64_MIN);
    require_integer<uint8_t>(CellType::u8, UINT8_MAX);
    require_integer<uint16_t>(CellType::u16, UINT16_MAX);
    require_integer<uint32_t>(CellType::u32, UINT32_MAX);
    require_integer<uint64_t>(CellType::u64, uint64_t{1} << 62);
}

TEST_CASE("an unsigned integer above int64 is out of range", "[cell]") {
    uint64_t value = uint64_t{1} << 63;
    int64_t out = 0;
    double number = 0;
    REQUIRE(read_int64(cell_of(CellType::u64, &value), 0, out) == CellRead::out_of_range);
    REQUIRE(read_double(cell_of(CellType::u64, &value), 0, number) == CellRead::ok);
    REQUIRE(number == 0x1p63);
}

TEST_CASE("an integer that no floating number holds is rounded once", "[cell]") {
    double number = 0;
    for (int64_t value : {(int64_t{1} << 53) + 1, INT64_MAX, INT64_MIN + 1}) {
        REQUIRE(read_double(cell_of(CellType::i64, &value), 0, number) == CellRead::ok);
        REQUIRE(number == static_cast<double>(value));
        REQUIRE(read_single(cell_of(CellType::i64, &value), 0, number) == CellRead::ok);
        REQUIRE(number == static_cast<double>(static_cast<float>(value)));
    }
}

TEST_CASE("doubles are rounded to float32, to nearest", "[cell]") {
    for (auto [value, wanted] : {std::pair{0.1, static_cast<double>(0.1F)},
                                 {0x1.fffffefp+127, 0x1.fffffep+127},
                                 {0x1.ffffffp+127, HUGE_VAL},
                                 {-1e300, -HUGE_VAL},
                                 {1e-46, 0.0}}) {
        double number = 0;
        REQUIRE(read_single(cell_of(CellType::f64, &value), 0, number) == CellRead::ok);
        REQUIRE(number == wanted);
    }
}

TEST_CASE("floating numbers are integers only where they are whole and fit", "[cell]") {
    int64_t out = 0;
    for (double value : {-0x1p63, 0.0, -0.0, 1e15}) {
        REQUIRE(read_int64(cell_of(CellType::f64, &value), 0, out) == CellRead::ok);
        REQUIRE(static_cast<double>(out) == value);
    }
    for (double value : {0.5, 0x1p63, std::nan(""), HUGE_VAL, -HUGE_VAL})
        REQUIRE(read_int64(cell_of(CellType::f64, &value), 0, out) == CellRead::inexact);
}

TEST_CASE("halves become the doubles that they are", "[cell]") {
    REQUIRE(half_to_double(0x3C00) == 1.0);
    REQUIRE(half_to_double(0xC000) == -2.0);
    REQUIRE(half_to_double(0x3555) == 0.333251953125);
    REQUIRE(half_to_double(0x7BFF) == 65504);
    REQUIRE(half_to_double(0x0001) == 0x1p-24);
    REQUIRE(half_to_double(0x03FF) == 1023 * 0x1p-24);
    REQUIRE(half_to_double(0x0400) == 0x1p-14);
    REQUIRE(half_to_double(0x7C00) == HUGE_VAL);
    REQUIRE(half_to_double(0xFC00) == -HUGE_VAL);
    REQUIRE(std::isnan(half_to_double(0x7E00)));
    REQUIRE(std::signbit(half_to_double(0x8000)));
}

TEST_CASE("booleans are bytes of 0 and 1, bits, or numbers of 0 and 1", "[cell]") {
    bool out = false;
    uint8_t bytes[3] = {0, 1, 2};
    REQUIRE(read_bool(cell_of(CellType::boolean, bytes, 3), 1, out) == CellRead::ok);
    REQUIRE(out);
    REQUIRE(read_bool(cell_of(CellType::boolean, bytes, 3), 2, out) == CellRead::out_of_range);
    uint8_t bits = 0b00100000;
    Cell cell = cell_of(CellType::bit, &bits);
    cell.bit_offset = 5;
    REQUIRE(read_bool(cell, 0, out) == CellRead::ok);
    REQUIRE(out);
    int64_t two = 2;
    REQUIRE(read_bool(cell_of(CellType::i64, &two), 0, out) == CellRead::out_of_range);
    double numbers[] = {1, 0.5};
    REQUIRE(read_bool(cell_of(CellType::f64, numbers, 2), 0, out) == CellRead::ok);
    REQUIRE(out);
    REQUIRE(read_bool(cell_of(CellType::f64, numbers, 2), 1, out) == CellRead::inexact);
    int64_t integer = 0;
    double number = 0;
    REQUIRE(read_int64(cell_of(CellType::boolean, bytes), 0, integer) == CellRead::wrong_type);
    REQUIRE(read_double(cell_of(CellType::bit, &bits), 0, number) == CellRead::wrong_type);
}

TEST_CASE("spans outside their memory are damaged", "[cell]") {
    const char memory[] = "abcdef";
    wb_span spans[] = {{1, 2}, {4, 2}, {4, 3}, {7, 0}, {UINT32_MAX, UINT32_MAX}};
    Cell cell = cell_of(CellType::spans, spans, 5);
    cell.base = reinterpret_cast<const std::byte *>(memory);
    cell.base_bytes = 6;
    std::string_view out;
    REQUIRE(read_text(cell, 0, out) == CellRead::ok);
    REQUIRE(out == "bc");
    REQUIRE(read_text(cell, 1, out) == CellRead::ok);
    REQUIRE(out == "ef");
    for (int64_t i : {2, 3, 4}) REQUIRE(read_text(cell, i, out) == CellRead::damaged);
}

TEST_CASE("views may be empty without memory, but not otherwise", "[cell]") {
    wb_view views[] = {{"xyz", 3}, {nullptr, 0}, {nullptr, 1}, {"x", -1}};
    std::string_view out;
    REQUIRE(read_text(cell_of(CellType::views, views, 4), 0, out) == CellRead::ok);
    REQUIRE(out == "xyz");
    REQUIRE(read_text(cell_of(CellType::views, views, 4), 1, out) == CellRead::ok);
    REQUIRE(out.empty());
    REQUIRE(read_text(cell_of(CellType::views, views, 4), 2, out) == CellRead::damaged);
    REQUIRE(read_text(cell_of(CellType::views, views, 4), 3, out) == CellRead::damaged);
}

TEST_CASE("numbers are no text and text is no number", "[cell]") {
    double number = 1;
    int64_t integer = 0;
    std::string_view text;
    bool flag = false;
    REQUIRE(read_text(cell_of(CellType::f64, &number), 0, text) == CellRead::wrong_type);
    REQUIRE(read_double(cell_of(CellType::bytes, "1"), 0, number) == CellRead::wrong_type);
    REQUIRE(read_int64(cell_of(CellType::bytes, "1"), 0, integer) == CellRead::wrong_type);
    REQUIRE(read_bool(cell_of(CellType::bytes, "1"), 0, flag) == CellRead::wrong_type);
}

TEST_CASE("elements behind a nested source are read through it", "[cell]") {
    test::GivenRow text({std::string("FR")}), null({test::Missing{}});
    Cell deeper;
    deeper.type = CellType::arrow;
    test::GivenRow nested({deeper});
    Cell cell;
    cell.type = CellType::arrow;
    cell.count = 3;
    std::string_view out;
    REQUIRE(read_text(cell, 0, out) == CellRead::damaged);
    cell.nested = &text;
    REQUIRE(read_text(cell, 2, out) == CellRead::ok);
    REQUIRE(out == "FR");
    cell.nested = &null;
    REQUIRE(read_text(cell, 0, out) == CellRead::missing);
    cell.nested = &nested;
    double number = 0;
    REQUIRE(read_double(cell, 0, number) == CellRead::wrong_type);
}

}  // namespace

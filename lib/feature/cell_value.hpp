// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.hpp"
#include "feature/row_source.hpp"

namespace weighbridge::lib {

// How reading a value out of a cell ended. The reader's caller knows the feature and makes the message.
enum class CellRead : uint8_t {
    ok,
    missing,       // an element of an Arrow list that is null
    wrong_type,    // text where a number is wanted, or the other way round
    out_of_range,  // for an integer an unsigned one above INT64_MAX; for a bool another number than 0 and 1
    inexact,       // for an integer a fraction, NaN or a huge number
    damaged,       // a span outside its row, a view without memory
};

// Whether a feature takes values of this form at all; which of them, is looked at one by one. Any number goes to a
// number, numbers and bools to a bool, texts to a text.
bool takes(StoredType feature, CellType values);

std::string_view name_of(CellType type);  // "int64", "text", ... for messages

// IEEE 754 binary16 to double, exact.
double half_to_double(uint16_t half);

// A double at or above this rounds to a float32 that is infinite: FLT_MAX and half of its last place.
inline constexpr double kSingleOverflow = 0x1.ffffffp+127;

// To the nearest float32, ties to even; infinite where float32 ends.
double round_to_single(double x);

// Element `index` of a cell, in [0, cell.count) of a sequence and 0 of a scalar; a text is one element whatever its
// count. The cell's own `missing` is the caller's to look at first. On failure `out` is unspecified.
// Numbers become floating ones by one rounding, to nearest; floating ones become integers where they are whole.
CellRead read_double_slow(const Cell &cell, int64_t index, double &out);
CellRead read_single_slow(const Cell &cell, int64_t index, double &out);
CellRead read_int64_slow(const Cell &cell, int64_t index, int64_t &out);
CellRead read_bool(const Cell &cell, int64_t index, bool &out);
// The view points into the caller's memory; its UTF-8 is not checked.
CellRead read_text(const Cell &cell, int64_t index, std::string_view &out);

inline CellRead read_double(const Cell &cell, int64_t index, double &out) {
    if (cell.type == CellType::f64) return out = load_unaligned<double>(cell.data + index * 8), CellRead::ok;
    if (cell.type == CellType::f32) return out = load_unaligned<float>(cell.data + index * 4), CellRead::ok;
    return read_double_slow(cell, index, out);
}

// Rounded to float32.
inline CellRead read_single(const Cell &cell, int64_t index, double &out) {
    if (cell.type == CellType::f32) return out = load_unaligned<float>(cell.data + index * 4), CellRead::ok;
    return read_single_slow(cell, index, out);
}

inline CellRead read_int64(const Cell &cell, int64_t index, int64_t &out) {
    if (cell.type == CellType::i64) return out = load_unaligned<int64_t>(cell.data + index * 8), CellRead::ok;
    return read_int64_slow(cell, index, out);
}

}  // namespace weighbridge::lib

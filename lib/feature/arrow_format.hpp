// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "feature/row_source.hpp"

namespace weighbridge::lib {

// What a format string of Arrow's C data interface says, as far as a feature can use it.
struct ArrowFormat {
    enum class Kind : uint8_t { null, number, utf8, large_utf8, utf8_view, list, large_list, fixed_list } kind;
    CellType type = CellType::i64;  // of a number
    int64_t ticks_per_second = 0;   // of a timestamp, else 0
    int64_t list_size = 0;          // of a fixed-size list

    bool is_list() const { return kind >= Kind::list; }
    bool is_text() const { return kind >= Kind::utf8 && kind <= Kind::utf8_view; }
    bool is_integer() const { return kind == Kind::number && type >= CellType::i8 && type <= CellType::u64; }
};

// Nothing for formats that no feature can use: dates, times, durations, decimals, binary, structs, unions, list views,
// run ends.
std::optional<ArrowFormat> parse_arrow_format(std::string_view format);

// Whether a column or the elements of a list with this format can be values of the feature.
bool fits_feature(const ArrowFormat &format, const Feature &feature);

// A format or a name quoted for a message: printable ASCII, at most 40 bytes, NULL named as such.
std::string quoted(const char *given);

}  // namespace weighbridge::lib

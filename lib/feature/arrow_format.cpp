// SPDX-License-Identifier: Apache-2.0
#include "feature/arrow_format.hpp"

#include <charconv>
#include <cstring>

#include "feature/cell_value.hpp"

namespace weighbridge::lib {

namespace {

using Kind = ArrowFormat::Kind;

constexpr size_t kQuotedBytes = 40;

std::optional<ArrowFormat> number(CellType type) { return ArrowFormat{.kind = Kind::number, .type = type}; }

// "ts" is behind us: a unit letter, a colon, and a zone that says nothing about the stored instant.
std::optional<ArrowFormat> timestamp(std::string_view rest) {
    if (rest.size() < 2 || rest[1] != ':') return {};
    ArrowFormat format{.kind = Kind::number, .type = CellType::i64};
    switch (rest[0]) {
        case 's':
            format.ticks_per_second = 1;
            return format;
        case 'm':
            format.ticks_per_second = 1'000;
            return format;
        case 'u':
            format.ticks_per_second = 1'000'000;
            return format;
        case 'n':
            format.ticks_per_second = 1'000'000'000;
            return format;
        default:
            return {};
    }
}

}  // namespace

std::optional<ArrowFormat> parse_arrow_format(std::string_view format) {
    if (format.size() == 1) switch (format[0]) {
            case 'n':
                return ArrowFormat{.kind = Kind::null};
            case 'b':
                return number(CellType::bit);
            case 'c':
                return number(CellType::i8);
            case 'C':
                return number(CellType::u8);
            case 's':
                return number(CellType::i16);
            case 'S':
                return number(CellType::u16);
            case 'i':
                return number(CellType::i32);
            case 'I':
                return number(CellType::u32);
            case 'l':
                return number(CellType::i64);
            case 'L':
                return number(CellType::u64);
            case 'e':
                return number(CellType::f16);
            case 'f':
                return number(CellType::f32);
            case 'g':
                return number(CellType::f64);
            case 'u':
                return ArrowFormat{.kind = Kind::utf8};
            case 'U':
                return ArrowFormat{.kind = Kind::large_utf8};
            default:
                return {};
        }
    if (format == "vu") return ArrowFormat{.kind = Kind::utf8_view};
    if (format == "+l") return ArrowFormat{.kind = Kind::list};
    if (format == "+L") return ArrowFormat{.kind = Kind::large_list};
    if (format.starts_with("ts")) return timestamp(format.substr(2));
    if (format.starts_with("+w:")) {
        int32_t size = -1;
        const char *end = format.data() + format.size();
        auto [stop, error] = std::from_chars(format.data() + 3, end, size);
        if (error != std::errc() || stop != end || size < 0) return {};
        return ArrowFormat{.kind = Kind::fixed_list, .list_size = size};
    }
    return {};
}

bool fits_feature(const ArrowFormat &format, const Feature &feature) {
    if (format.kind == Kind::null) return true;
    if (format.is_text()) return takes(feature.type, CellType::bytes);
    if (format.kind != Kind::number) return false;
    // A plain number counts in the feature's unit, as in rows and columns.
    return format.ticks_per_second == 0 ? takes(feature.type, format.type) : feature.type == StoredType::timestamp;
}

std::string quoted(const char *given) {
    if (!given) return "NULL";
    std::string text = "'";
    size_t size = strnlen(given, kQuotedBytes);
    for (size_t i = 0; i < size; ++i) text += given[i] >= ' ' && given[i] <= '~' ? given[i] : '?';
    return text += size == kQuotedBytes ? "...'" : "'";
}

}  // namespace weighbridge::lib

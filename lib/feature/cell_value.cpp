// SPDX-License-Identifier: Apache-2.0
#include "feature/cell_value.hpp"

#include <cmath>
#include <type_traits>

#include "weighbridge/c/batch.h"

namespace weighbridge::lib {
namespace {

// Where `element` of an Arrow list is read from: the nested source's own cell, which is a scalar.
CellRead nested_cell(const Cell &cell, int64_t index, Cell &out) {
    if (cell.nested == nullptr) return CellRead::damaged;
    if (!cell.nested->cell(0, cell.first + index, out).ok()) return CellRead::damaged;
    if (out.missing) return CellRead::missing;
    return out.type == CellType::arrow ? CellRead::wrong_type : CellRead::ok;
}

bool bit_at(const Cell &cell, int64_t index) {
    int64_t bit = cell.bit_offset + index;
    return ((std::to_integer<unsigned>(cell.data[bit / 8]) >> (bit % 8)) & 1U) != 0;
}

// Integer elements of every width, widened; one above INT64_MAX does not fit, and has its bits in `out`. False where
// the cell holds no integers.
bool read_integer(const Cell &cell, int64_t index, int64_t &out, bool &fits) {
    const std::byte *at = cell.data;
    fits = true;
    switch (cell.type) {
        case CellType::i8:
            out = load_unaligned<int8_t>(at + index);
            return true;
        case CellType::i16:
            out = load_unaligned<int16_t>(at + index * 2);
            return true;
        case CellType::i32:
            out = load_unaligned<int32_t>(at + index * 4);
            return true;
        case CellType::i64:
            out = load_unaligned<int64_t>(at + index * 8);
            return true;
        case CellType::u8:
            out = load_unaligned<uint8_t>(at + index);
            return true;
        case CellType::u16:
            out = load_unaligned<uint16_t>(at + index * 2);
            return true;
        case CellType::u32:
            out = load_unaligned<uint32_t>(at + index * 4);
            return true;
        case CellType::u64: {
            uint64_t wide = load_unaligned<uint64_t>(at + index * 8);
            fits = wide <= static_cast<uint64_t>(INT64_MAX);
            out = static_cast<int64_t>(wide);
            return true;
        }
        default:
            return false;
    }
}

bool read_floating(const Cell &cell, int64_t index, double &out) {
    switch (cell.type) {
        case CellType::f16:
            out = half_to_double(load_unaligned<uint16_t>(cell.data + index * 2));
            return true;
        case CellType::f32:
            out = load_unaligned<float>(cell.data + index * 4);
            return true;
        case CellType::f64:
            out = load_unaligned<double>(cell.data + index * 8);
            return true;
        default:
            return false;
    }
}

// A number of any type, made a double by `convert`.
template <class Convert>
CellRead read_number(const Cell &cell, int64_t index, double &out, Convert convert) {
    if (cell.type == CellType::arrow) {
        Cell element;
        CellRead read = nested_cell(cell, index, element);
        return read == CellRead::ok ? read_number(element, 0, out, convert) : read;
    }
    int64_t integer = 0;
    bool fits = true;
    double floating = 0;
    if (read_floating(cell, index, floating))
        out = convert(floating);
    else if (read_integer(cell, index, integer, fits))
        out = fits ? convert(integer) : convert(static_cast<uint64_t>(integer));
    else
        return CellRead::wrong_type;
    return CellRead::ok;
}

}  // namespace

bool takes(StoredType feature, CellType values) {
    const bool text = values == CellType::bytes || values == CellType::spans || values == CellType::views;
    const bool flag = values == CellType::boolean || values == CellType::bit;
    switch (feature) {
        case StoredType::category:
        case StoredType::text:
            return text;
        case StoredType::boolean:
            return !text && values != CellType::arrow;
        default:
            return !text && !flag && values != CellType::arrow;
    }
}

std::string_view name_of(CellType type) {
    switch (type) {
        case CellType::boolean:
        case CellType::bit:
            return "bool";
        case CellType::i8:
            return "int8";
        case CellType::i16:
            return "int16";
        case CellType::i32:
            return "int32";
        case CellType::i64:
            return "int64";
        case CellType::u8:
            return "uint8";
        case CellType::u16:
            return "uint16";
        case CellType::u32:
            return "uint32";
        case CellType::u64:
            return "uint64";
        case CellType::f16:
            return "float16";
        case CellType::f32:
            return "float32";
        case CellType::f64:
            return "float64";
        case CellType::bytes:
        case CellType::spans:
        case CellType::views:
            return "text";
        case CellType::arrow:
            return "an Arrow list";
    }
    return "an unknown type";
}

double half_to_double(uint16_t half) {
    int exponent = (half >> 10) & 0x1F;
    double fraction = half & 0x3FF;
    double magnitude;
    if (exponent == 0x1F)
        magnitude = fraction == 0 ? HUGE_VAL : std::nan("");
    else if (exponent == 0)
        magnitude = fraction * 0x1p-24;
    else
        magnitude = (fraction + 1024) * 0x1p-25 * static_cast<double>(1LL << exponent);
    return (half & 0x8000) != 0 ? -magnitude : magnitude;
}

double round_to_single(double x) {
    if (std::fabs(x) < kSingleOverflow) return static_cast<double>(static_cast<float>(x));
    return x == x ? std::copysign(HUGE_VAL, x) : x;
}

CellRead read_double_slow(const Cell &cell, int64_t index, double &out) {
    return read_number(cell, index, out, [](auto number) { return static_cast<double>(number); });
}

// An integer is rounded to float32 at once: by way of a double it might be rounded twice.
CellRead read_single_slow(const Cell &cell, int64_t index, double &out) {
    return read_number(cell, index, out, [](auto number) {
        if constexpr (std::is_integral_v<decltype(number)>) return static_cast<double>(static_cast<float>(number));
        return round_to_single(static_cast<double>(number));
    });
}

CellRead read_int64_slow(const Cell &cell, int64_t index, int64_t &out) {
    if (cell.type == CellType::arrow) {
        Cell element;
        CellRead read = nested_cell(cell, index, element);
        return read == CellRead::ok ? read_int64_slow(element, 0, out) : read;
    }
    bool fits = true;
    if (read_integer(cell, index, out, fits)) return fits ? CellRead::ok : CellRead::out_of_range;
    double floating = 0;
    if (!read_floating(cell, index, floating)) return CellRead::wrong_type;
    bool whole = floating >= -0x1p63 && floating < 0x1p63 && std::trunc(floating) == floating;
    if (!whole) return CellRead::inexact;
    out = static_cast<int64_t>(floating);
    return CellRead::ok;
}

CellRead read_bool(const Cell &cell, int64_t index, bool &out) {
    if (cell.type == CellType::boolean) {
        uint8_t byte = load_unaligned<uint8_t>(cell.data + index);
        out = byte != 0;
        return byte <= 1 ? CellRead::ok : CellRead::out_of_range;
    }
    if (cell.type == CellType::bit) {
        out = bit_at(cell, index);
        return CellRead::ok;
    }
    if (cell.type == CellType::arrow) {
        Cell element;
        CellRead read = nested_cell(cell, index, element);
        return read == CellRead::ok ? read_bool(element, 0, out) : read;
    }
    int64_t integer = 0;
    CellRead read = read_int64_slow(cell, index, integer);
    out = integer == 1;
    return read == CellRead::ok && integer != 0 && integer != 1 ? CellRead::out_of_range : read;
}

CellRead read_text(const Cell &cell, int64_t index, std::string_view &out) {
    const std::byte *data = nullptr;
    int64_t bytes = 0;
    switch (cell.type) {
        case CellType::bytes:
            data = cell.data;
            bytes = cell.count;
            break;
        case CellType::spans: {
            wb_span span = load_unaligned<wb_span>(cell.data + index * static_cast<int64_t>(sizeof(wb_span)));
            if (span.offset > cell.base_bytes || span.size > cell.base_bytes - span.offset) return CellRead::damaged;
            data = cell.base + span.offset;
            bytes = span.size;
            break;
        }
        case CellType::views: {
            wb_view view = load_unaligned<wb_view>(cell.data + index * static_cast<int64_t>(sizeof(wb_view)));
            data = static_cast<const std::byte *>(view.data);
            bytes = view.size;
            break;
        }
        case CellType::arrow: {
            Cell element;
            CellRead read = nested_cell(cell, index, element);
            return read == CellRead::ok ? read_text(element, 0, out) : read;
        }
        default:
            return CellRead::wrong_type;
    }
    if (bytes < 0 || (data == nullptr && bytes > 0)) return CellRead::damaged;
    out = bytes == 0 ? std::string_view{}
                     : std::string_view{reinterpret_cast<const char *>(data), static_cast<size_t>(bytes)};
    return CellRead::ok;
}

}  // namespace weighbridge::lib

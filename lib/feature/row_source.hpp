// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/status.hpp"
#include "feature/schema.hpp"

namespace weighbridge::lib {

// How the elements of a cell lie in the caller's memory, of any alignment.
enum class CellType : uint8_t {
    boolean,  // 1 byte
    bit,      // bit `bit_offset` of data
    i8,
    i16,
    i32,
    i64,
    u8,
    u16,
    u32,
    u64,
    f16,
    f32,
    f64,
    bytes,  // data points at `count` bytes of text
    spans,  // elements are wb_span, relative to `base`
    views,  // elements are wb_view
    arrow,  // elements come through `nested` (lists of strings, of dictionaries, of timestamps in another unit)
};

// Bytes of one element; 1 for bytes, 0 for bit and arrow.
constexpr int64_t size_of(CellType type) {
    switch (type) {
        case CellType::boolean:
        case CellType::i8:
        case CellType::u8:
        case CellType::bytes:
            return 1;
        case CellType::i16:
        case CellType::u16:
        case CellType::f16:
            return 2;
        case CellType::i32:
        case CellType::u32:
        case CellType::f32:
            return 4;
        case CellType::i64:
        case CellType::u64:
        case CellType::f64:
        case CellType::spans:
            return 8;
        case CellType::views:
            return 16;
        case CellType::bit:
        case CellType::arrow:
            return 0;
    }
    return 0;
}

// How rows and strided columns hold a value of the type; bytes for what goes through a span or a view.
constexpr CellType cell_type_of(StoredType type) {
    switch (type) {
        case StoredType::float32:
            return CellType::f32;
        case StoredType::float64:
            return CellType::f64;
        case StoredType::int64:
        case StoredType::code:
        case StoredType::timestamp:
            return CellType::i64;
        case StoredType::boolean:
            return CellType::boolean;
        case StoredType::category:
        case StoredType::text:
            return CellType::bytes;
    }
    return CellType::bytes;
}

class RowSource;

// One feature of one row: a scalar, a text, or the elements of a sequence. Where `missing` is set the rest says
// nothing.
struct Cell {
    CellType type = CellType::f64;
    bool missing = false;
    const std::byte *data = nullptr;    // may be null where count is 0
    int64_t count = 1;                  // bytes of a text, elements of a sequence, 1 for a scalar
    int64_t bit_offset = 0;             // of a bit
    const std::byte *base = nullptr;    // what wb_span elements are relative to
    int64_t base_bytes = 0;             // how much of it may be read
    const RowSource *nested = nullptr;  // of arrow elements: row first + i of it, feature 0
    int64_t first = 0;
    int64_t converted =
        0;  // a value that had to be converted; data points here then, so such a cell is not to be copied
};

// Where features come from: a strided row, columns, Arrow arrays. Reads only memory that it was given; a row whose own
// numbers are wrong (a span outside it) is a WB_INVALID_INPUT failure that names the feature.
class RowSource {
  public:
    virtual ~RowSource() = default;
    // Fills `out`: always type, missing, data and count; the other members only where the type uses them. Allocates
    // nothing. A null element of a sequence shows as `missing` in its nested cell.
    virtual Status cell(uint32_t feature, int64_t row, Cell &out) const = 0;

    // Copies scalars [first, first + count) to `out`, side by side, where they lie as values of `type` (of 4 or 8
    // bytes, and that of the features in the schema). Bit i of the answer is set where feature first + i is missing or
    // lies in another form: its place in `out` says nothing then, and cell() says the rest. count: 1 to kMostCopied.
    virtual uint64_t copy(CellType, uint32_t /*first*/, uint32_t /*count*/, int64_t /*row*/,
                          std::byte * /*out*/) const {
        return ~uint64_t{0};
    }
    static constexpr uint32_t kMostCopied = 64;

    // Whether every row has the same cell, in the same memory.
    virtual bool shared(uint32_t /*feature*/) const { return false; }
};

}  // namespace weighbridge::lib

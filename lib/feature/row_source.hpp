// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/status.hpp"
#include "feature/schema.hpp"

namespace weighbridge::lib {

// How the elements of a cell lie in the caller's memory.
enum class CellType : uint8_t {
    boolean,      // 1 byte
    bit,          // bit `bit_offset` of data
    i8, i16, i32, i64, u8, u16, u32, u64,
    f16, f32, f64,
    bytes,        // data points at `count` bytes of text
    spans,        // elements are wb_span, relative to `base`
    views,        // elements are wb_view
    arrow,        // elements come through `nested` (lists of strings or dictionaries)
};

class RowSource;

// One feature of one row: a scalar, a text, or the elements of a sequence.
struct Cell {
    CellType type = CellType::f64;
    bool missing = false;
    const std::byte *data = nullptr;
    int64_t count = 1;       // bytes of a text, elements of a sequence, 1 for a scalar
    int64_t bit_offset = 0;  // of a bit
    const std::byte *base = nullptr;     // what wb_span elements are relative to
    int64_t base_bytes = 0;              // how much of it may be read
    const RowSource *nested = nullptr;   // of arrow elements: row first + i of it, feature 0
    int64_t first = 0;
};

// Where features come from: a strided row, columns, Arrow arrays. Reads only memory that it was given; a row whose own
// numbers are wrong (a span outside it) is a WB_INVALID_INPUT failure that names the feature.
class RowSource {
  public:
    virtual ~RowSource() = default;
    virtual Status cell(uint32_t feature, int64_t row, Cell &out) const = 0;
};

}  // namespace weighbridge::lib

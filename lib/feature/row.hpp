// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "base/expected.hpp"
#include "base/json.hpp"
#include "feature/row_source.hpp"
#include "weighbridge/c/row.h"

namespace weighbridge::lib {

// Writes the header of an empty row. WB_INVALID_ARGUMENT where the memory is not 4-aligned, or where capacity is below
// fixed_bytes or above UINT32_MAX (both numbers).
Status init_row(const Schema &schema, void *row, size_t capacity);

// wb_row_set_json; README.md, "Reading a value", says what a value becomes. `longest`: limits.length, to which
// sequences with truncate will be cut. All or nothing: on failure the row is as before. May throw std::bad_alloc.
Status set_row_json(const Schema &schema, void *row, std::string_view json, int64_t longest);

// wb_row_get_json. WB_BUSY and the others of RowLock::take; WB_INVALID_INPUT names a feature whose span lies outside
// the row. May throw std::bad_alloc.
Expected<JsonValue> row_as_json(const Schema &schema, void *row);

// Takes the busy marks of rows for this thread, checks their headers against the schema, and gives the marks back when
// destroyed. A mark is a number of this process: one that a fork left set counts as free in the child, whose thread
// will not give it back.
class RowLock {
  public:
    RowLock() = default;
    ~RowLock() { give_back(); }
    RowLock(const RowLock &) = delete;
    RowLock &operator=(const RowLock &) = delete;
    // At most one of the two, once per object. WB_BUSY; WB_INVALID_ARGUMENT (NULL or not 4-aligned, a row of another
    // schema, a header that does not fit). Where they fail no mark is held.
    Status take(const Schema &schema, void *row);
    // `count` rows, `stride` bytes apart and distinct. The failure names the row.
    Status take(const Schema &schema, void *rows, int64_t stride, int64_t count);

  private:
    void give_back();
    std::byte *rows_ = nullptr;
    int64_t stride_ = 0;
    int64_t held_ = 0;
};

// Rows in the published layout, `stride` bytes apart. Their headers must have passed RowLock::take. Thread-safe.
class StridedRows final : public RowSource {
  public:
    StridedRows(const Schema &rows_schema, const void *rows, int64_t stride)
        : schema_(rows_schema), rows_(static_cast<const std::byte *>(rows)), stride_(stride) {}
    Status cell(uint32_t feature, int64_t row, Cell &out) const override;
    uint64_t copy(CellType type, uint32_t first, uint32_t count, int64_t row, std::byte *out) const override;
    bool shared(uint32_t) const override { return stride_ == 0; }

  private:
    const Schema &schema_;
    const std::byte *rows_;
    int64_t stride_;
};

}  // namespace weighbridge::lib

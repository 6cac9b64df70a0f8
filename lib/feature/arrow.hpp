// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "base/expected.hpp"
#include "feature/arrow_format.hpp"
#include "feature/row_source.hpp"
#include "weighbridge/c/batch.h"

namespace weighbridge::lib {

// An Arrow array (C data interface) read in place as one feature's values. Immutable and thread-safe; the structs and
// their buffers are the caller's and must stay.
//
// make checks everything that is known per array (formats, counts, NULL buffers, lengths); cell checks what lies in the
// buffers (list and text offsets, view places, dictionary indices) against what the array says of itself, so that no
// value of a buffer leads to a read outside. How large a buffer really is the interface does not tell: a length or a
// last offset that lies cannot be noticed.
class ArrowColumn final : public RowSource {
  public:
    // WB_INVALID_ARGUMENT names the feature with what was expected and found. `feature` must outlive the column.
    static Expected<ArrowColumn> make(const Feature &feature, uint32_t index, const ArrowSchema &type,
                                      const ArrowArray &array, int64_t rows);

    // As make, for a child of a struct array whose rows are [first, first + rows) of the child's.
    static Expected<ArrowColumn> make_child(const Feature &feature, uint32_t index, const ArrowSchema &type,
                                            const ArrowArray &array, int64_t first, int64_t rows);

    // Row `row` of the array; the first argument is not looked at. WB_INVALID_INPUT names the feature.
    Status cell(uint32_t, int64_t row, Cell &out) const override;

  private:
    enum class Role { column, elements, dictionary };
    using Kind = ArrowFormat::Kind;

    ArrowColumn(const Feature &feature, uint32_t index) : feature_(&feature), index_(index) {}
    static Expected<ArrowColumn> make_any(const Feature &feature, uint32_t index, const ArrowSchema &type,
                                          const ArrowArray &array);
    Status set_up(const ArrowSchema &type, const ArrowArray &array, Role role);
    Status set_up_children(const ArrowSchema &type, const ArrowArray &array, Role role);
    void set_up_unit();
    Status set_up_text(const ArrowArray &array);
    template <class... Values>
    Status refuse(TextFormat<Values...> format, const Values &...values) const;
    template <class... Values>
    Status damaged(TextFormat<Values...> format, const Values &...values) const;

    bool is_converted() const { return multiplier_ != divisor_; }
    bool is_valid(int64_t place) const { return !validity_ || ((validity_[place / 8] >> (place % 8)) & 1); }
    int64_t offset_at(int64_t place) const;
    Status text_cell(int64_t place, Cell &out) const;
    Status view_cell(int64_t place, Cell &out) const;
    Status list_cell(int64_t place, Cell &out) const;
    Status dictionary_cell(int64_t place, Cell &out) const;
    Status converted_cell(Cell &out) const;

    const Feature *feature_;
    uint32_t index_;
    ArrowFormat format_{.kind = Kind::null};
    int64_t length_ = 0;
    int64_t offset_ = 0;                 // of row 0 in the buffers
    const uint8_t *validity_ = nullptr;  // by place: row + offset_
    const std::byte *data_ = nullptr;    // values, offsets or views
    const std::byte *text_ = nullptr;    // of utf8 and large_utf8
    int64_t text_begin_ = 0;             // the first and the last offset, between which all others must lie
    int64_t text_end_ = 0;
    const void *const *buffers_ = nullptr;     // of utf8_view: those with the long texts
    const std::byte *buffer_sizes_ = nullptr;  // int64 by buffer
    int64_t buffer_count_ = 0;
    int64_t multiplier_ = 1;                    // from the array's time unit to the feature's, or
    int64_t divisor_ = 1;                       // from a finer one: only what it divides is a value
    std::unique_ptr<const ArrowColumn> child_;  // elements of a list, or values of a dictionary
    bool is_dictionary_ = false;
};

}  // namespace weighbridge::lib

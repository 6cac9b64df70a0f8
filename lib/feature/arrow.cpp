// SPDX-License-Identifier: Apache-2.0
#include "feature/arrow.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "base/bytes.hpp"
#include "feature/type_name.hpp"

namespace weighbridge::lib {

namespace {

// Keeps every byte offset (16 bytes a view, the widest) inside int64.
constexpr int64_t kMostPlaces = std::numeric_limits<int64_t>::max() / 32;

// Views (Arrow columnar format, "Variable-size Binary View Layout"): int32 length; up to 12 bytes inline, else a prefix
// of 4 bytes, int32 buffer index and int32 offset.
constexpr int64_t kViewBytes = 16;
constexpr int32_t kInlineBytes = 12;
constexpr int64_t kMostBuffers = int64_t{std::numeric_limits<int32_t>::max()} + 3;

// Element `place` of integers of any width; false where it is above INT64_MAX.
bool load_index(CellType type, const std::byte *data, int64_t place, int64_t &out) {
    const std::byte *at = data + place * size_of(type);
    switch (type) {
        case CellType::i8:
            out = load_unaligned<int8_t>(at);
            return true;
        case CellType::i16:
            out = load_unaligned<int16_t>(at);
            return true;
        case CellType::i32:
            out = load_unaligned<int32_t>(at);
            return true;
        case CellType::i64:
            out = load_unaligned<int64_t>(at);
            return true;
        case CellType::u8:
            out = load_unaligned<uint8_t>(at);
            return true;
        case CellType::u16:
            out = load_unaligned<uint16_t>(at);
            return true;
        case CellType::u32:
            out = load_unaligned<uint32_t>(at);
            return true;
        default: {
            auto wide = load_unaligned<uint64_t>(at);
            out = static_cast<int64_t>(wide);
            return wide <= uint64_t{std::numeric_limits<int64_t>::max()};
        }
    }
}

// Buffers that the columnar format gives each layout; of utf8_view the least number, one more by buffer of long texts.
int64_t buffers_of(ArrowFormat::Kind kind) {
    switch (kind) {
        case ArrowFormat::Kind::null:
            return 0;
        case ArrowFormat::Kind::fixed_list:
            return 1;
        case ArrowFormat::Kind::number:
        case ArrowFormat::Kind::list:
        case ArrowFormat::Kind::large_list:
            return 2;
        case ArrowFormat::Kind::utf8:
        case ArrowFormat::Kind::large_utf8:
        case ArrowFormat::Kind::utf8_view:
            return 3;
    }
    return 0;
}

}  // namespace

template <class... Values>
Status ArrowColumn::refuse(TextFormat<Values...> format, const Values &...values) const {
    std::string what = formatted(format, values...);
    return Status::failure(WB_INVALID_ARGUMENT, "feature '{}': {}", feature_->name, what)
        .with_feature(static_cast<int32_t>(index_));
}

template <class... Values>
Status ArrowColumn::damaged(TextFormat<Values...> format, const Values &...values) const {
    Line<160> what;
    what.add(format, values...);
    return Status::failure(WB_INVALID_INPUT, "feature '{}': {}", feature_->name, what.view())
        .with_feature(static_cast<int32_t>(index_));
}

Expected<ArrowColumn> ArrowColumn::make_any(const Feature &feature, uint32_t index, const ArrowSchema &type,
                                            const ArrowArray &array) {
    ArrowColumn column(feature, index);
    if (!type.release || !array.release)
        return column.refuse("expected an Arrow array, got a released one (release is NULL)");
    if (Status status = column.set_up(type, array, Role::column); !status.ok()) return status;
    return column;
}

Expected<ArrowColumn> ArrowColumn::make(const Feature &feature, uint32_t index, const ArrowSchema &type,
                                        const ArrowArray &array, int64_t rows) {
    Expected<ArrowColumn> column = make_any(feature, index, type, array);
    if (column && column->length_ != rows)
        return column->refuse("expected {} rows, got an Arrow array of {}", rows, column->length_);
    return column;
}

Expected<ArrowColumn> ArrowColumn::make_child(const Feature &feature, uint32_t index, const ArrowSchema &type,
                                              const ArrowArray &array, int64_t first, int64_t rows) {
    Expected<ArrowColumn> column = make_any(feature, index, type, array);
    if (!column) return column;
    if (column->length_ < first || column->length_ - first < rows)
        return column->refuse("expected {} rows from row {} on, as the Arrow struct has, got an array of {}", rows,
                              first, column->length_);
    column->offset_ += first;
    column->length_ = rows;
    return column;
}

Status ArrowColumn::set_up(const ArrowSchema &type, const ArrowArray &array, Role role) {
    auto format = type.format ? parse_arrow_format(type.format) : std::nullopt;
    bool list_wanted = feature_->sequence && role == Role::column;
    is_dictionary_ = type.dictionary != nullptr;
    bool fits = format.has_value();
    if (fits && is_dictionary_)
        fits = format->is_integer() && format->ticks_per_second == 0 && !list_wanted && role != Role::dictionary;
    else if (fits && format->kind != Kind::null)
        fits = list_wanted ? format->is_list() : fits_feature(*format, *feature_);
    if (!fits)
        return refuse("expected {}, got {}Arrow format {}", describe_type(*feature_),
                      role == Role::elements     ? "list elements of "
                      : role == Role::dictionary ? "a dictionary of "
                                                 : "",
                      quoted(type.format));
    format_ = *format;
    if (array.length < 0 || array.offset < 0 || array.length > kMostPlaces || array.offset > kMostPlaces - array.length)
        return refuse("Arrow array of length {} at offset {} is out of range", array.length, array.offset);
    if (array.null_count < -1 || array.null_count > array.length)
        return refuse("Arrow array of length {} has null_count {}", array.length, array.null_count);
    length_ = array.length;
    offset_ = array.offset;

    int64_t expected = buffers_of(format_.kind);
    bool variadic = format_.kind == Kind::utf8_view;
    // Arrow before 1.0 wrote one NULL buffer for the null type.
    bool right = variadic ? array.n_buffers >= expected && array.n_buffers <= kMostBuffers
                          : array.n_buffers == expected || (format_.kind == Kind::null && array.n_buffers == 1);
    if (!right)
        return refuse("expected {}{} buffers for Arrow format {}, got {}", variadic ? "at least " : "", expected,
                      quoted(type.format), array.n_buffers);
    if (format_.kind == Kind::null) return {};
    if (!array.buffers) return refuse("Arrow array has NULL for its buffers");
    validity_ = static_cast<const uint8_t *>(array.buffers[0]);
    if (!validity_ && array.null_count > 0)
        return refuse("Arrow array has null_count {} and no validity buffer", array.null_count);
    if (expected > 1) {
        data_ = static_cast<const std::byte *>(array.buffers[1]);
        if (!data_ && length_ > 0) return refuse("buffer 1 of an Arrow array of length {} is NULL", length_);
    }
    set_up_unit();
    if (Status text = set_up_text(array); !text.ok()) return text;
    return set_up_children(type, array, role);
}

void ArrowColumn::set_up_unit() {
    if (format_.ticks_per_second == 0) return;
    multiplier_ = std::max<int64_t>(feature_->ticks_per_second / format_.ticks_per_second, 1);
    divisor_ = std::max<int64_t>(format_.ticks_per_second / feature_->ticks_per_second, 1);
}

Status ArrowColumn::set_up_text(const ArrowArray &array) {
    if (!format_.is_text()) return {};
    if (format_.kind == Kind::utf8_view) {
        buffer_count_ = array.n_buffers - 3;
        buffers_ = array.buffers + 2;
        buffer_sizes_ = static_cast<const std::byte *>(array.buffers[array.n_buffers - 1]);
        if (buffer_count_ > 0 && !buffer_sizes_) return refuse("Arrow string views without the sizes of their buffers");
        for (int64_t i = 0; i < buffer_count_; ++i) {
            auto size = load_unaligned<int64_t>(buffer_sizes_ + i * 8);
            if (size < 0 || (size > 0 && !buffers_[i]))
                return refuse("buffer {} of Arrow string views: size {} at {}", i, size,
                              buffers_[i] ? "memory" : "NULL");
        }
        return {};
    }
    text_ = static_cast<const std::byte *>(array.buffers[2]);
    if (length_ == 0) return {};
    text_begin_ = offset_at(offset_);
    text_end_ = offset_at(offset_ + length_);
    if (text_begin_ < 0 || text_end_ < text_begin_)
        return refuse("expected ascending text offsets, got first {} and last {}", text_begin_, text_end_);
    if (!text_ && text_end_ > text_begin_) return refuse("Arrow text of {} bytes is NULL", text_end_ - text_begin_);
    return {};
}

Status ArrowColumn::set_up_children(const ArrowSchema &type, const ArrowArray &array, Role role) {
    int64_t expected = format_.is_list() ? 1 : 0;
    if (type.n_children != expected || array.n_children != expected)
        return refuse("expected {} children for Arrow format {}, got {} in the type and {} in the array", expected,
                      quoted(type.format), type.n_children, array.n_children);
    if (is_dictionary_ != (array.dictionary != nullptr))
        return refuse("expected the Arrow type and the array to agree on a dictionary, got one in the {} only",
                      is_dictionary_ ? "type" : "array");
    if (is_dictionary_) {
        std::unique_ptr<ArrowColumn> values(new ArrowColumn(*feature_, index_));
        if (Status status = values->set_up(*type.dictionary, *array.dictionary, Role::dictionary); !status.ok())
            return status;
        child_ = std::move(values);
        return {};
    }
    if (expected == 0 || role != Role::column) return {};
    if (!type.children || !array.children || !type.children[0] || !array.children[0])
        return refuse("Arrow list has NULL for its child");
    std::unique_ptr<ArrowColumn> elements(new ArrowColumn(*feature_, index_));
    if (Status status = elements->set_up(*type.children[0], *array.children[0], Role::elements); !status.ok())
        return status;
    if (format_.kind == Kind::fixed_list) {
        int64_t needed = 0;
        if (__builtin_mul_overflow(offset_ + length_, format_.list_size, &needed) || needed > elements->length_)
            return refuse("{} lists of {} elements at offset {} need more than the child's {} elements", length_,
                          format_.list_size, offset_, elements->length_);
    }
    child_ = std::move(elements);
    return {};
}

int64_t ArrowColumn::offset_at(int64_t place) const {
    if (format_.kind == Kind::utf8 || format_.kind == Kind::list) return load_unaligned<int32_t>(data_ + place * 4);
    return load_unaligned<int64_t>(data_ + place * 8);
}

Status ArrowColumn::cell(uint32_t, int64_t row, Cell &out) const {
    if (row < 0 || row >= length_) [[unlikely]]
        return damaged("expected an element in [0, {}) of an Arrow array, got {}", length_, row);
    int64_t place = row + offset_;
    out.missing = format_.kind == Kind::null || !is_valid(place);
    if (out.missing) return {};
    if (is_dictionary_) return dictionary_cell(place, out);
    switch (format_.kind) {
        case Kind::null:
            return {};
        case Kind::number:
            out.type = format_.type;
            out.count = 1;
            if (out.type == CellType::bit) {
                out.data = data_;
                out.bit_offset = place;
                return {};
            }
            out.data = data_ + place * size_of(format_.type);
            return is_converted() ? converted_cell(out) : Status();
        case Kind::utf8:
        case Kind::large_utf8:
            return text_cell(place, out);
        case Kind::utf8_view:
            return view_cell(place, out);
        case Kind::list:
        case Kind::large_list:
        case Kind::fixed_list:
            return list_cell(place, out);
    }
    return {};
}

Status ArrowColumn::converted_cell(Cell &out) const {
    const auto ticks = load_unaligned<int64_t>(out.data);
    if (ticks % divisor_ != 0) [[unlikely]]
        return feature_->privacy.empty()
                   ? damaged("expected a time in whole {}, got {} in {}", unit_name(feature_->ticks_per_second), ticks,
                             unit_name(format_.ticks_per_second))
                   : damaged("expected a time in whole {}, got a finer one", unit_name(feature_->ticks_per_second));
    if (__builtin_mul_overflow(ticks / divisor_, multiplier_, &out.converted)) [[unlikely]]
        return damaged("timestamp in {} does not fit int64 in {}", unit_name(format_.ticks_per_second),
                       unit_name(feature_->ticks_per_second));
    out.data = reinterpret_cast<const std::byte *>(&out.converted);
    return {};
}

Status ArrowColumn::text_cell(int64_t place, Cell &out) const {
    int64_t begin = offset_at(place);
    int64_t end = offset_at(place + 1);
    if (begin < text_begin_ || end < begin || end > text_end_) [[unlikely]]
        return damaged("expected ascending text offsets in [{}, {}], got {} and {}", text_begin_, text_end_, begin,
                       end);
    out.type = CellType::bytes;
    out.data = text_ ? text_ + begin : nullptr;
    out.count = end - begin;
    return {};
}

Status ArrowColumn::view_cell(int64_t place, Cell &out) const {
    const std::byte *view = data_ + place * kViewBytes;
    auto size = load_unaligned<int32_t>(view);
    out.type = CellType::bytes;
    out.count = size;
    out.data = view + 4;
    if (size >= 0 && size <= kInlineBytes) return {};
    auto buffer = load_unaligned<int32_t>(view + 8);
    int64_t begin = load_unaligned<int32_t>(view + 12);
    if (size < 0 || buffer < 0 || buffer >= buffer_count_ || begin < 0) [[unlikely]]
        return damaged("Arrow string view of {} bytes at {} in buffer {} of {}", size, begin, buffer, buffer_count_);
    auto bytes = load_unaligned<int64_t>(buffer_sizes_ + int64_t{buffer} * 8);
    if (begin > bytes || size > bytes - begin) [[unlikely]]
        return damaged("Arrow string view of {} bytes at {} in a buffer of {} bytes", size, begin, bytes);
    out.data = static_cast<const std::byte *>(buffers_[buffer]) + begin;
    return {};
}

Status ArrowColumn::dictionary_cell(int64_t place, Cell &out) const {
    int64_t index = 0;
    const bool fits = load_index(format_.type, data_, place, index);
    if (!fits || index < 0 || index >= child_->length_) [[unlikely]]
        return feature_->privacy.empty() && !fits ? damaged("expected a dictionary index in [0, {}), got {}",
                                                            child_->length_, static_cast<uint64_t>(index))
               : feature_->privacy.empty()
                   ? damaged("expected a dictionary index in [0, {}), got {}", child_->length_, index)
                   : damaged("expected a dictionary index in [0, {}), got a value outside it", child_->length_);
    return child_->cell(0, index, out);
}

Status ArrowColumn::list_cell(int64_t place, Cell &out) const {
    const ArrowColumn &elements = *child_;
    int64_t begin = 0, end = 0;
    if (format_.kind == Kind::fixed_list) {
        begin = place * format_.list_size;
        end = begin + format_.list_size;
    } else {
        begin = offset_at(place);
        end = offset_at(place + 1);
        if (begin < 0 || end < begin || end > elements.length_) [[unlikely]]
            return damaged("expected ascending list offsets in [0, {}], got {} and {}", elements.length_, begin, end);
    }
    // Elements that are null come one by one: only who reads one minds.
    bool nulls = false;
    for (int64_t i = begin; i < end && elements.validity_ && !nulls; ++i)
        nulls = !elements.is_valid(i + elements.offset_);
    out.count = end - begin;
    if (elements.format_.kind == Kind::number && !elements.is_dictionary_ && !elements.is_converted() && !nulls) {
        out.type = elements.format_.type;
        if (out.type == CellType::bit) {
            out.data = elements.data_;
            out.bit_offset = begin + elements.offset_;
        } else {
            out.data = elements.data_ ? elements.data_ + (begin + elements.offset_) * size_of(out.type) : nullptr;
        }
        return {};
    }
    out.type = CellType::arrow;
    out.data = nullptr;
    out.nested = child_.get();
    out.first = begin;
    return {};
}

}  // namespace weighbridge::lib

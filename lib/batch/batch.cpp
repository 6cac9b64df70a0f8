// SPDX-License-Identifier: Apache-2.0
#include "batch/batch.hpp"

#include <algorithm>

namespace weighbridge::lib {
namespace {

constexpr int32_t kLastColumn = WB_COLUMN_DEVICE;

// Keeps what is allocated by row inside size_t.
constexpr int64_t kMostRows = int64_t{1} << 48;

// Whether row `last` lies at a distance from row 0 that an int64 holds.
Status check_reach(const char *what, int64_t stride, int64_t last) {
    int64_t reach = 0;
    if (!__builtin_mul_overflow(stride, last, &reach)) return Status();
    return Status::failure(WB_INVALID_ARGUMENT, "{}: a stride of {} overflows for row {}", what, stride, last);
}

// Rows' places in the caller's memory must not overlap.
Status check_stride(const char *what, const void *data, int64_t stride, size_t bytes) {
    const auto least = static_cast<int64_t>(bytes);
    if (!data || stride >= least || stride <= -least) return Status();
    return Status::failure(WB_INVALID_ARGUMENT,
                           "{}: expected a stride of at least {} bytes, its element's size, got {}", what, least,
                           stride);
}

}  // namespace

Batch::Batch(std::shared_ptr<const Bundle> bundle)
    : bundle_(std::move(bundle)),
      columns_(bundle_->schema()),
      results_(kLastColumn + 1),
      outputs_(bundle_->manifest().outputs.size()),
      tensors_(bundle_->encoder().tensors().size()) {
    columns_.reset(0);
}

Batch::Batch(const Batch &other)
    : RefCounted(),
      bundle_(other.bundle_),
      columns_(other.columns_),
      window_(other.window_),
      strided_(other.strided_),
      stride_(other.stride_),
      strided_source_(other.strided_source_),
      results_(other.results_),
      outputs_(other.outputs_),
      tensors_(other.tensors_.size()) {}

Batch::Use::Use(Batch &batch, As as) : batch_(batch), as_(as) {
    int32_t users = 0;
    if (as == As::owner) {
        taken_ = batch.users_.compare_exchange_strong(users, -1, std::memory_order_acquire);
        return;
    }
    users = batch.users_.load(std::memory_order_relaxed);
    while (users >= 0 && !taken_)
        taken_ = batch.users_.compare_exchange_weak(users, users + 1, std::memory_order_acquire);
}

Status Batch::Use::status() const {
    return taken_ ? Status() : Status::failure(WB_BUSY, "batch: it is in use by another thread");
}

Status Batch::reset(int64_t rows) {
    if (rows < 0 || rows > kMostRows)
        return Status::failure(WB_INVALID_ARGUMENT, "rows: expected 0 to {}, got {}", kMostRows, rows);
    columns_.reset(rows);
    window_ = {0, rows};
    strided_ = nullptr;
    return Status();
}

Status Batch::set_window(int64_t first, int64_t count) {
    if (first < 0 || first > rows() || count < 0 || count > rows() - first)
        return Status::failure(WB_INVALID_ARGUMENT,
                               "window: expected rows inside the batch's [0, {}), got {} from {} on", rows(), count,
                               first);
    window_ = {first, count};
    return Status();
}

Status Batch::set_rows(void *data, int64_t stride) {
    int64_t least = schema().fixed_bytes();
    if (stride != 0 && stride < least && stride > -least)
        return Status::failure(WB_INVALID_ARGUMENT, "stride: expected 0 or at least {} bytes, got {}", least, stride);
    if (Status reach = check_reach("rows", stride, std::max<int64_t>(rows() - 1, 0)); !reach.ok()) return reach;
    columns_.reset(columns_.rows());
    strided_ = static_cast<std::byte *>(data);
    stride_ = stride;
    strided_source_.emplace(schema(), data, stride);
    return Status();
}

// Columns take the place of strided rows once one is set.
Status Batch::columns_replace_rows(Status set) {
    if (set.ok()) strided_ = nullptr;
    return set;
}

Status Batch::set_column(uint32_t feature, const void *data, int64_t stride, const uint8_t *validity,
                         int64_t validity_offset, int32_t element_type) {
    return columns_replace_rows(columns_.set_column(feature, data, stride, validity, validity_offset, element_type));
}

Status Batch::set_arrow(uint32_t feature, const ArrowSchema &type, const ArrowArray &array) {
    return columns_replace_rows(columns_.set_arrow(feature, type, array));
}

Status Batch::set_arrow_rows(const ArrowSchema &type, const ArrowArray &array) {
    return columns_replace_rows(columns_.set_arrow_rows(type, array));
}

Status Batch::set_result(int32_t column, void *data, int64_t stride) {
    if (column < WB_COLUMN_SCORE || column > kLastColumn)
        return Status::failure(WB_INVALID_ARGUMENT, "result column: expected {} to {} (WB_COLUMN_*), got {}",
                               WB_COLUMN_SCORE, kLastColumn, column);
    const bool is_double = column == WB_COLUMN_SCORE || column == WB_COLUMN_PROBABILITY;
    if (Status status = check_stride("result column", data, stride, is_double ? sizeof(double) : sizeof(int32_t));
        !status.ok())
        return status;
    results_[static_cast<size_t>(column)] = {static_cast<std::byte *>(data), stride};
    return Status();
}

Status Batch::set_output(uint32_t index, float *data, int64_t stride) {
    if (index >= outputs_.size())
        return Status::failure(WB_INVALID_ARGUMENT, "output: expected an index below {}, got {}", outputs_.size(),
                               index);
    const auto bytes = static_cast<size_t>(bundle_->manifest().outputs[index].width) * sizeof(float);
    if (Status status = check_stride("output", data, stride, bytes); !status.ok()) return status;
    outputs_[index] = {reinterpret_cast<std::byte *>(data), stride};
    return Status();
}

Status Batch::check(int64_t row) {
    if (row < 0 || row >= rows())
        return Status::failure(WB_INVALID_ARGUMENT, "row: expected 0 to {}, got {}", rows() - 1, row);
    RowLock lock;
    if (strided_)
        if (Status status = lock.take(schema(), strided_ + row * stride_, stride_, 1); !status.ok())
            return status.at_row(row);
    const Encoder &encoder = bundle_->encoder();
    Tile tile = encoder.make_tile(1);
    RowNotes notes;
    Encoder::Append appended;
    return encoder.append(tile, source(), row, notes, appended).at_row(row);
}

const RowSource &Batch::source() const {
    return strided_ ? static_cast<const RowSource &>(*strided_source_) : columns_;
}

Status Batch::begin(RowLock &lock) const {
    if (Status status = check_places(); !status.ok()) return status;
    return this->lock(lock, marked());
}

Status Batch::check_places() const {
    const auto [first, count] = window_;
    if (count == 0) return Status();
    for (const auto *places : {&results_, &outputs_})
        for (const ResultColumn &place : *places)
            if (Status reach = check_reach("results", place.data ? place.stride : 0, first + count - 1); !reach.ok())
                return reach;
    return Status();
}

Window Batch::marked() const {
    const bool one = stride_ == 0 && window_.rows > 0;
    return {window_.first, !strided_ ? 0 : one ? 1 : window_.rows};
}

Status Batch::lock(RowLock &lock, const Window &part) const {
    if (part.rows == 0) return Status();
    Status status = lock.take(schema(), strided_ + part.first * stride_, stride_, part.rows);
    return status.ok() ? status : status.at_row(part.first + status.row);
}

}  // namespace weighbridge::lib

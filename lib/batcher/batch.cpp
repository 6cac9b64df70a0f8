// SPDX-License-Identifier: Apache-2.0
#include "batcher/batch.hpp"

namespace weighbridge::lib {
namespace {

constexpr int32_t kLastColumn = WB_COLUMN_FEATURE;

}  // namespace

Batch::Batch(std::shared_ptr<const Bundle> bundle)
    : bundle_(std::move(bundle)),
      columns_(bundle_->schema()),
      results_(kLastColumn + 1),
      outputs_(bundle_->manifest().outputs.size()) {
    columns_.reset(0);
}

Status Batch::Use::status() const {
    return taken_ ? Status() : Status::failure(WB_BUSY, "batch: it is in use by another thread");
}

Status Batch::reset(int64_t rows) {
    int64_t most = bundle_->encoder().limits().rows;
    if (rows < 0 || rows > most)
        return Status::failure(WB_INVALID_ARGUMENT, "rows: expected 0 to {} (limits.rows of the bundle), got {}", most,
                               rows);
    columns_.reset(rows);
    strided_ = nullptr;
    return Status();
}

Status Batch::set_rows(void *rows, int64_t stride) {
    int64_t least = schema().fixed_bytes();
    if (stride != 0 && stride < least && stride > -least)
        return Status::failure(WB_INVALID_ARGUMENT, "stride: expected 0 or at least {} bytes, got {}", least, stride);
    columns_.reset(columns_.rows());
    strided_ = static_cast<std::byte *>(rows);
    stride_ = stride;
    strided_source_.emplace(schema(), rows, stride);
    return Status();
}

Status Batch::set_column(uint32_t feature, const void *data, int64_t stride, const uint8_t *validity) {
    strided_ = nullptr;
    return columns_.set_column(feature, data, stride, validity);
}

Status Batch::set_arrow(uint32_t feature, const ArrowSchema &type, const ArrowArray &array) {
    strided_ = nullptr;
    return columns_.set_arrow(feature, type, array);
}

Status Batch::set_result(int32_t column, void *data, int64_t stride) {
    if (column < WB_COLUMN_SCORE || column > kLastColumn)
        return Status::failure(WB_INVALID_ARGUMENT, "result column: expected {} to {} (WB_COLUMN_*), got {}",
                               WB_COLUMN_SCORE, kLastColumn, column);
    results_[static_cast<size_t>(column)] = {static_cast<std::byte *>(data), stride};
    return Status();
}

Status Batch::set_output(uint32_t index, float *data, int64_t stride) {
    if (index >= outputs_.size())
        return Status::failure(WB_INVALID_ARGUMENT, "output: expected an index below {}, got {}", outputs_.size(),
                               index);
    outputs_[index] = {reinterpret_cast<std::byte *>(data), stride};
    return Status();
}

Status Batch::check(int64_t row) {
    if (row < 0 || row >= rows())
        return Status::failure(WB_INVALID_ARGUMENT, "row: expected 0 to {}, got {}", rows() - 1, row);
    const Encoder &encoder = bundle_->encoder();
    Tile tile = encoder.make_tile(1);
    RowNotes notes;
    Encoder::Append appended;
    return encoder.append(tile, source(), row, notes, appended).at_row(row);
}

const RowSource &Batch::source() const {
    return strided_ ? static_cast<const RowSource &>(*strided_source_) : columns_;
}

Status Batch::lock_rows(RowLock &lock) const {
    if (!strided_ || rows() == 0) return Status();
    return lock.take(schema(), strided_, stride_, stride_ == 0 ? 1 : rows());
}

}  // namespace weighbridge::lib

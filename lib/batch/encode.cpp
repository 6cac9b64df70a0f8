// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>

#include "batch/batch.hpp"

namespace weighbridge::lib {
namespace {

// The size of a tensor's rows that is theirs: kLength, kTokens, or 0 for none.
int64_t own_size(const Shape &shape) {
    const int64_t size = shape.rank > 1 ? shape.size[1] : 0;
    return size == kLength || size == kTokens ? size : 0;
}

// A tensor in the caller's memory, row by row of the window.
class PaddedTensor {
  public:
    PaddedTensor(const Encoder &encoder, size_t index, const TensorPlace &place, int64_t length, int64_t tokens)
        : encoder_(encoder), index_(index), place_(place), symbol_(own_size(spec().shape)) {
        size_ = symbol_ == kLength ? length : symbol_ == kTokens ? tokens : 1;
        bytes_ = static_cast<int64_t>(size_of(spec().dtype));
        for (int i = 1; i < spec().shape.rank; ++i)
            if (i > 1 || symbol_ == 0) bytes_ *= spec().shape.size[static_cast<size_t>(i)];
    }

    // Whether the rows and their mask fit: WB_BUFFER_TOO_SMALL names tensor and both numbers of bytes.
    Status check(int64_t rows) const {
        Status status = check(rows, bytes_, place_.capacity, "");
        return status.ok() && place_.mask ? check(rows, 1, place_.mask_capacity, "mask of ") : status;
    }
    // False where the row has more elements than there are places.
    bool put(int64_t row, const TensorView &view) const {
        const int64_t filled = symbol_ == 0 ? 1 : view.shape.size[1];
        if (filled > size_) return false;
        std::byte *at = place_.data + row * size_ * bytes_;
        if (filled > 0) std::memcpy(at, view.data, static_cast<size_t>(filled * bytes_));
        encoder_.put_padding(index_, at + filled * bytes_, (size_ - filled) * bytes_);
        put_mask(row, filled);
        return true;
    }
    void put_zeros(int64_t row) const {
        std::memset(place_.data + row * size_ * bytes_, 0, static_cast<size_t>(size_ * bytes_));
        put_mask(row, 0);
    }
    Status too_short(const wb_batch_encoding &needed) const {
        const bool length = symbol_ == kLength;
        return Status::failure(WB_BUFFER_TOO_SMALL,
                               "tensor '{}': expected {} of at least {} for the longest row, got {}", spec().name,
                               length ? "a length" : "tokens", length ? needed.length : needed.tokens, size_);
    }
    size_t index() const { return index_; }

  private:
    const TensorSpec &spec() const { return encoder_.tensors()[index_]; }

    Status check(int64_t rows, int64_t bytes, size_t capacity, const char *what) const {
        int64_t row_bytes = 0, needed = 0;
        if (__builtin_mul_overflow(size_, bytes, &row_bytes) || __builtin_mul_overflow(rows, row_bytes, &needed))
            needed = std::numeric_limits<int64_t>::max();  // more than any memory
        if (capacity >= static_cast<uint64_t>(needed)) return Status();
        return Status::failure(WB_BUFFER_TOO_SMALL, "{}tensor '{}': expected room for {} bytes, got {}", what,
                               spec().name, needed, capacity);
    }
    void put_mask(int64_t row, int64_t filled) const {
        if (!place_.mask) return;
        uint8_t *at = place_.mask + row * size_;
        std::fill_n(at, filled, uint8_t{1});
        std::fill_n(at + filled, size_ - filled, uint8_t{0});
    }

    const Encoder &encoder_;
    size_t index_;
    TensorPlace place_;
    int64_t symbol_;
    int64_t size_;   // places that a row has
    int64_t bytes_;  // of a place
};

// Raises what the longest row needs to what this one has.
void measure(std::span<const TensorSpec> specs, std::span<const TensorView> views, wb_batch_encoding &needed) {
    for (size_t i = 0; i < specs.size(); ++i) {
        const int64_t symbol = own_size(specs[i].shape);
        if (symbol == 0) continue;
        int64_t &most = symbol == kLength ? needed.length : needed.tokens;
        most = std::max(most, views[i].shape.size[1]);
    }
}

}  // namespace

Status Batch::set_tensor(uint32_t index, const TensorPlace &place) {
    const auto &specs = bundle_->encoder().tensors();
    if (index >= specs.size())
        return Status::failure(WB_INVALID_ARGUMENT, "tensor: expected an index below {}, got {}", specs.size(), index);
    if (place.data && place.mask && own_size(specs[index].shape) == 0)
        return Status::failure(WB_INVALID_ARGUMENT, "tensor '{}': expected no mask, since its rows are of one size",
                               specs[index].name);
    tensors_[index] = place.data ? place : TensorPlace();
    return Status();
}

Status Batch::encode(int64_t length, int64_t tokens, std::optional<wb_batch_encoding> &result) {
    if (length < 0) return Status::failure(WB_INVALID_ARGUMENT, "length: expected at least 0, got {}", length);
    if (tokens < 0) return Status::failure(WB_INVALID_ARGUMENT, "tokens: expected at least 0, got {}", tokens);
    const Encoder &encoder = bundle_->encoder();
    std::vector<PaddedTensor> tensors;
    for (size_t i = 0; i < tensors_.size(); ++i)
        if (tensors_[i].data) tensors.emplace_back(encoder, i, tensors_[i], length, tokens);
    for (const PaddedTensor &tensor : tensors)
        if (Status status = tensor.check(window_.rows); !status.ok()) return status;
    RowLock lock;
    if (Status status = begin(lock); !status.ok()) return status;

    const PaddedTensor *too_short = nullptr;
    wb_batch_encoding made = WB_BATCH_ENCODING_INIT;
    made.rows = window_.rows;
    Status first;  // failure of a row
    Tile tile = encoder.make_tile(1);
    for (int64_t i = 0; i < window_.rows; ++i) {
        const int64_t row = window_.first + i;
        tile.clear();
        RowNotes notes;
        Encoder::Append appended;
        const Status status = encoder.append(tile, source(), row, notes, appended);
        if (!status.ok() && status.code != WB_INVALID_INPUT) return Status(status).at_row(row);
        put_encoded(row, status, notes);
        ++(status.ok() ? made.encoded : made.invalid);
        if (status.ok()) measure(encoder.tensors(), tile.views(), made);
        for (const PaddedTensor &tensor : tensors) {
            if (!status.ok())
                tensor.put_zeros(i);
            else if (!tensor.put(i, tile.views()[tensor.index()]) && !too_short)
                too_short = &tensor;
        }
        if (!status.ok() && first.ok()) (first = status).at_row(row);
    }
    Status status = too_short ? too_short->too_short(made) : Status();
    if (!first.ok()) made.first_error = first.row;
    if (status.ok() && made.invalid > 0) {
        status = first;
        status.code = WB_OK_PARTIAL;
    }
    made.status = status.code;
    result = made;
    return status;
}

void Batch::put_encoded(int64_t row, const Status &status, const RowNotes &notes) const {
    result(WB_COLUMN_STATUS).put(row, status.code);
    result(WB_COLUMN_FEATURE).put(row, status.feature);
    result(WB_COLUMN_DEFAULTED).put(row, status.ok() ? notes.defaulted : 0);
    result(WB_COLUMN_CLIPPED).put(row, status.ok() ? notes.clipped : 0);
}

}  // namespace weighbridge::lib

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "base/ref.hpp"
#include "bundle/bundle.hpp"
#include "feature/columns.hpp"
#include "feature/row.hpp"
#include "feature/shape_sorter.hpp"

namespace weighbridge::lib {

// Where a result column goes in the caller's memory.
struct ResultColumn {
    std::byte *data = nullptr;
    int64_t stride = 0;

    template <class T>
    void put(int64_t row, T value) const {
        if (data) std::memcpy(data + row * stride, &value, sizeof value);
    }
};

// Where an encoded tensor goes in the caller's memory, and its mask, null for none.
struct TensorPlace {
    std::byte *data = nullptr;
    size_t capacity = 0;  // in bytes, as the next
    uint8_t *mask = nullptr;
    size_t mask_capacity = 0;
};

// Rows [first, first + rows) of a batch.
struct Window {
    int64_t first = 0;
    int64_t rows = 0;
};

// A caller's description of a batch: rows or columns in, columns out, and the window that the next call works on. Owns
// none of that memory. One thread at a time, kept so by a mark (Use).
class Batch final : public RefCounted {
  public:
    explicit Batch(std::shared_ptr<const Bundle> bundle);
    // Describes the same memory, but for places of tensors; for a thread that has the other.
    Batch(const Batch &other);

    // Takes the batch for this thread while it lives; to read it, for as many threads as do only that.
    class Use {
      public:
        enum class As { owner, reader };
        explicit Use(Batch &batch, As as = As::owner);
        ~Use() {
            if (taken_) batch_.users_.fetch_add(as_ == As::owner ? 1 : -1, std::memory_order_release);
        }
        Use(const Use &) = delete;
        Use &operator=(const Use &) = delete;
        Status status() const;  // WB_BUSY where another thread has it

      private:
        Batch &batch_;
        const As as_;
        bool taken_ = false;
    };

    // The setters of the C ABI, for a thread that has the batch.
    Status reset(int64_t rows);
    Status set_window(int64_t first, int64_t rows);
    Status set_rows(void *rows, int64_t stride);
    Status set_column(uint32_t feature, const void *data, int64_t stride, const uint8_t *validity,
                      int64_t validity_offset = 0, int32_t element_type = WB_ELEMENT_STORED);
    Status set_arrow(uint32_t feature, const ArrowSchema &type, const ArrowArray &array);
    Status set_arrow_rows(const ArrowSchema &type, const ArrowArray &array);
    Status set_result(int32_t column, void *data, int64_t stride);
    Status set_output(uint32_t index, float *data, int64_t stride);
    Status set_tensor(uint32_t index, const TensorPlace &place);
    Status check(int64_t row);

    // See wb_batch_encode; WB_OK_PARTIAL tells of the lowest row that has an error. `result` receives, once all rows
    // were looked at, what became of them.
    Status encode(int64_t length, int64_t tokens, std::optional<wb_batch_encoding> &result);

    const Schema &schema() const { return *bundle_->schema(); }
    int64_t rows() const { return columns_.rows(); }
    const Window &window() const { return window_; }
    const RowSource &source() const;
    const ResultColumn &result(int32_t column) const { return results_[static_cast<size_t>(column)]; }
    const std::vector<ResultColumn> &outputs() const { return outputs_; }

    // Begins a call: checks that the window's results have addresses, and takes the busy marks of strided rows and
    // checks their headers; the failure names the row.
    Status begin(RowLock &lock) const;
    // The same in parts: check_places(), then lock() for all parts of marked(), the rows whose marks are taken.
    Status check_places() const;
    Window marked() const;
    Status lock(RowLock &lock, const Window &part) const;

    // Scratch of scoring: indices of the window's rows, and what sorts them.
    std::vector<int64_t> order;
    ShapeSorter sorter;

  private:
    Status columns_replace_rows(Status set);
    void put_encoded(int64_t row, const Status &status, const RowNotes &notes) const;

    const std::shared_ptr<const Bundle> bundle_;
    Columns columns_;
    Window window_;
    std::byte *strided_ = nullptr;  // null where columns are used
    int64_t stride_ = 0;
    std::optional<StridedRows> strided_source_;
    std::vector<ResultColumn> results_;
    std::vector<ResultColumn> outputs_;
    std::vector<TensorPlace> tensors_;
    std::atomic<int32_t> users_{0};  // readers, or -1 for an owner
};

}  // namespace weighbridge::lib

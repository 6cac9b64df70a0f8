// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "batch/batch.hpp"
#include "engine/target.hpp"
#include "feature/mapped_source.hpp"
#include "feature/row.hpp"

namespace weighbridge::lib {

// The rows of a request, as the caller hands them in. One thread's, for one call.
class RequestRows {
  public:
    virtual uint64_t schema_digest() const = 0;  // of the schema that they were made for, as they say
    // Takes them for this call, as rows of `schema`, until this object goes. WB_BUSY where another call has them;
    // WB_SCHEMA_MISMATCH where they are not such rows.
    virtual Status lock(const Schema &schema) = 0;
    virtual const RowSource &source() const = 0;       // once locked, as the next
    virtual std::span<int64_t> order() = 0;            // the indices of all of them, to be reordered
    virtual ShapeSorter *sorter() { return nullptr; }  // null for a single row

  protected:
    ~RequestRows() = default;
};

class SingleRow final : public RequestRows {
  public:
    explicit SingleRow(void *row) : row_(row) {}
    uint64_t schema_digest() const override;
    Status lock(const Schema &schema) override;
    const RowSource &source() const override { return *source_; }
    std::span<int64_t> order() override { return {&index_, 1}; }

  private:
    void *const row_;
    RowLock lock_;
    std::optional<StridedRows> source_;
    int64_t index_ = 0;
};

// The batch is this thread's (Batch::Use).
class BatchRows final : public RequestRows {
  public:
    explicit BatchRows(Batch &batch) : batch_(batch) {}
    uint64_t schema_digest() const override { return batch_.schema().digest(); }
    Status lock(const Schema &schema) override;
    const RowSource &source() const override { return batch_.source(); }
    ShapeSorter *sorter() override { return &batch_.sorter; }
    std::span<int64_t> order() override { return order({batch_.window().first, batch_.window().rows}); }
    std::span<int64_t> order(const Window &part);

    // Whether they are rows of `schema`, which lock() asks too.
    Status check(const Schema &schema) const;

  private:
    Batch &batch_;
    RowLock lock_;
};

// Rows as a target's model reads them.
class TargetSource {
  public:
    TargetSource(const RowSource &rows, const Target::Layout &layout)
        : mapped_(rows, layout.positions), source_(layout.positions.empty() ? rows : mapped_) {}
    TargetSource(const TargetSource &) = delete;
    TargetSource &operator=(const TargetSource &) = delete;
    const RowSource &operator*() const { return source_; }

  private:
    const MappedSource mapped_;
    const RowSource &source_;
};

}  // namespace weighbridge::lib

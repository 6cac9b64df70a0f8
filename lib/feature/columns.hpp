// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "feature/row_source.hpp"
#include "weighbridge/c/batch.h"

namespace weighbridge::lib {

class ArrowColumn;

// Columns set one by one, each from strided memory or an Arrow array; a feature without one is missing.
// Setting is for one thread at a time; cell is thread-safe between settings. A copy describes the same memory.
class Columns final : public RowSource {
  public:
    explicit Columns(std::shared_ptr<const Schema> schema);
    Columns(const Columns &other);
    ~Columns() override;

    // Forgets every column and sets the number of rows, at least 0.
    void reset(int64_t rows);
    int64_t rows() const { return rows_; }
    // wb_batch_set_column_as, wb_batch_set_arrow and wb_batch_set_arrow_rows. On failure everything is as before.
    Status set_column(uint32_t feature, const void *data, int64_t stride, const uint8_t *validity,
                      int64_t validity_offset = 0, int32_t element_type = WB_ELEMENT_STORED);
    Status set_arrow(uint32_t feature, const ArrowSchema &type, const ArrowArray &array);
    Status set_arrow_rows(const ArrowSchema &type, const ArrowArray &array);
    Status cell(uint32_t feature, int64_t row, Cell &out) const override;
    uint64_t copy(CellType type, uint32_t first, uint32_t count, int64_t row, std::byte *out) const override;
    bool shared(uint32_t feature) const override;

  private:
    struct Column;
    Status check_feature(uint32_t feature) const;
    Status check_type(uint32_t feature, int32_t element_type, CellType &type) const;

    std::shared_ptr<const Schema> schema_;
    int64_t rows_ = 0;
    std::vector<Column> columns_;                             // by feature
    std::vector<std::shared_ptr<const ArrowColumn>> arrows_;  // by feature; null where there is none
};

}  // namespace weighbridge::lib

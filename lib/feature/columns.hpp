// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "feature/row_source.hpp"
#include "weighbridge/c/batch.h"

namespace weighbridge::lib {

// Columns set one by one, each from strided memory or an Arrow array; a feature without one is missing.
class Columns final : public RowSource {
  public:
    explicit Columns(std::shared_ptr<const Schema> schema);
    ~Columns() override;

    void reset(int64_t rows);  // forgets every column
    int64_t rows() const { return rows_; }
    Status set_column(uint32_t feature, const void *data, int64_t stride, const uint8_t *validity);
    Status set_arrow(uint32_t feature, const ArrowSchema &type, const ArrowArray &array);
    Status cell(uint32_t feature, int64_t row, Cell &out) const override;

  private:
    struct Column;
    std::shared_ptr<const Schema> schema_;
    int64_t rows_ = 0;
    std::vector<std::unique_ptr<Column>> columns_;
};

}  // namespace weighbridge::lib

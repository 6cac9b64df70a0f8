// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "feature/row_source.hpp"

namespace weighbridge::lib {

// Rows of one schema read as rows of another: `wanted[i]` is where feature i of the reader stands in the rows' schema,
// -1 where the rows do not have it, which makes it missing.
class MappedSource final : public RowSource {
  public:
    MappedSource(const RowSource &rows, const std::vector<int32_t> &wanted) : rows_(rows), wanted_(wanted) {}

    Status cell(uint32_t feature, int64_t row, Cell &out) const override {
        int32_t index = wanted_[feature];
        if (index >= 0) return rows_.cell(static_cast<uint32_t>(index), row, out);
        out = Cell{};
        out.missing = true;
        return Status();
    }

  private:
    const RowSource &rows_;
    const std::vector<int32_t> &wanted_;
};

}  // namespace weighbridge::lib

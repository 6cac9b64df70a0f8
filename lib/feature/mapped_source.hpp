// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "feature/row_source.hpp"

namespace weighbridge::lib {

// Rows of one schema read as rows of another: `positions[i]` is where feature i of the reader stands in the rows'
// schema, -1 where the rows do not have it, which makes it missing.
class MappedSource final : public RowSource {
  public:
    MappedSource(const RowSource &rows, std::span<const int32_t> positions) : rows_(rows), positions_(positions) {}

    Status cell(uint32_t feature, int64_t row, Cell &out) const override {
        int32_t index = positions_[feature];
        if (index >= 0) return rows_.cell(static_cast<uint32_t>(index), row, out);
        out = Cell{};
        out.missing = true;
        return Status();
    }

    uint64_t copy(CellType type, uint32_t first, uint32_t count, int64_t row, std::byte *out) const override {
        const int32_t index = positions_[first];
        bool follow = index >= 0;
        for (uint32_t i = 1; i < count; ++i) follow &= positions_[first + i] == index + static_cast<int32_t>(i);
        return follow ? rows_.copy(type, static_cast<uint32_t>(index), count, row, out) : ~uint64_t{0};
    }

    bool shared(uint32_t feature) const override {
        return positions_[feature] < 0 || rows_.shared(static_cast<uint32_t>(positions_[feature]));
    }

  private:
    const RowSource &rows_;
    const std::span<const int32_t> positions_;
};

}  // namespace weighbridge::lib

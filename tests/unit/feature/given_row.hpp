// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "feature/row_source.hpp"
#include "weighbridge/c/batch.h"

namespace weighbridge::lib::test {

struct Missing {};
using Given = std::variant<Missing, double, float, int64_t, bool, std::string, std::vector<double>,
                           std::vector<int64_t>, std::vector<std::string>, Cell>;

// One row, written down value by value; row 0 and every other number are the same row.
class GivenRow final : public RowSource {
  public:
    GivenRow(std::vector<Given> values) : values_(std::move(values)), views_(values_.size()) {
        for (size_t i = 0; i < values_.size(); ++i)
            if (auto *texts = std::get_if<std::vector<std::string>>(&values_[i]))
                for (const std::string &text : *texts)
                    views_[i].push_back({text.data(), static_cast<int64_t>(text.size())});
    }

    Status cell(uint32_t feature, int64_t, Cell &out) const override {
        out = Cell{};
        const Given &given = values_.at(feature);
        auto point = [&](CellType type, const void *data, size_t count) {
            out.type = type;
            out.data = static_cast<const std::byte *>(data);
            out.count = static_cast<int64_t>(count);
        };
        if (std::holds_alternative<Missing>(given)) out.missing = true;
        if (auto *value = std::get_if<double>(&given)) point(CellType::f64, value, 1);
        if (auto *value = std::get_if<float>(&given)) point(CellType::f32, value, 1);
        if (auto *value = std::get_if<int64_t>(&given)) point(CellType::i64, value, 1);
        if (auto *value = std::get_if<bool>(&given)) point(CellType::boolean, value, 1);
        if (auto *value = std::get_if<std::string>(&given)) point(CellType::bytes, value->data(), value->size());
        if (auto *value = std::get_if<std::vector<double>>(&given)) point(CellType::f64, value->data(), value->size());
        if (auto *value = std::get_if<std::vector<int64_t>>(&given)) point(CellType::i64, value->data(), value->size());
        if (auto *value = std::get_if<std::vector<std::string>>(&given))
            point(CellType::views, views_[feature].data(), value->size());
        if (auto *value = std::get_if<Cell>(&given)) out = *value;
        return Status();
    }

  private:
    std::vector<Given> values_;
    std::vector<std::vector<wb_view>> views_;
};

}  // namespace weighbridge::lib::test

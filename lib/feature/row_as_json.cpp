// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <cmath>
#include <string>

#include "base/bytes.hpp"
#include "feature/row.hpp"

namespace weighbridge::lib {
namespace {

JsonValue number(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
    return value;
}

// By the shortest decimal that reads back as the same float: 0.1, not 0.10000000149011612.
JsonValue number(float value) {
    char text[32];
    double shortest = 0;
    if (!std::isfinite(value)) return number(static_cast<double>(value));
    const char *end = std::to_chars(text, text + sizeof text, value).ptr;
    std::from_chars(text, end, shortest);
    return shortest;
}

// One value that is no text.
JsonValue scalar(CellType type, const std::byte *at) {
    switch (type) {
        case CellType::f32:
            return number(load_unaligned<float>(at));
        case CellType::f64:
            return number(load_unaligned<double>(at));
        case CellType::boolean:
            return static_cast<uint8_t>(*at) != 0;
        default:
            return load_unaligned<int64_t>(at);
    }
}

std::string_view text(const std::byte *at, int64_t bytes) {
    return {reinterpret_cast<const char *>(at), static_cast<size_t>(bytes)};
}

// Element i of a sequence of texts; null where it lies outside the row.
JsonValue text_element(const Cell &cell, int64_t i) {
    const auto span = load_unaligned<wb_span>(cell.data + i * size_of(CellType::spans));
    if (span.offset > cell.base_bytes || span.size > cell.base_bytes - span.offset) return {};
    return text(cell.base + span.offset, span.size);
}

JsonValue value_of(const Feature &feature, const Cell &cell) {
    if (!feature.sequence)
        return cell.type == CellType::bytes ? JsonValue(text(cell.data, cell.count)) : scalar(cell.type, cell.data);
    JsonValue array = JsonValue::array();
    for (int64_t i = 0; i < cell.count; ++i)
        array.push_back(cell.type == CellType::spans ? text_element(cell, i)
                                                     : scalar(cell.type, cell.data + i * size_of(cell.type)));
    return array;
}

}  // namespace

Expected<JsonValue> row_as_json(const Schema &schema, void *row) {
    RowLock lock;
    if (Status taken = lock.take(schema, row); !taken.ok()) return taken;
    const StridedRows rows(schema, row, 0);
    JsonValue shown = JsonValue::object();
    for (uint32_t i = 0; i < schema.features().size(); ++i) {
        const Feature &feature = schema.features()[i];
        Cell cell;
        if (Status found = rows.cell(i, 0, cell); !found.ok()) return found;
        if (cell.missing)
            shown.add(feature.name, {});
        else
            shown.add(feature.name, feature.privacy.empty() ? value_of(feature, cell) : JsonValue("<redacted>"));
    }
    return shown;
}

}  // namespace weighbridge::lib

// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "cli/payments.hpp"

namespace weighbridge::cli {

namespace {

Error refuse(const wb_feature_info &feature, uint32_t index, std::string_view text) {
    constexpr size_t shown = 32;  // bytes of the cell, so that the line stays readable
    std::string found = "another text";
    if (!feature.is_private) {
        found = nlohmann::json(text.substr(0, shown)).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
        if (text.size() > shown) found += " and more";
    }
    return {WB_INVALID_INPUT, fmt::format("feature '{}': expected {}, got {}", feature.name, type_name(feature), found),
            static_cast<int32_t>(index), 0};
}

template <class T>
bool number_of(std::string_view text, T &value) {
    auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    return code == std::errc() && end == text.data() + text.size();
}

// Calls `element` with each text between semicolons, while it answers true.
template <class Element>
bool for_each_element(std::string_view text, Element element) {
    if (text.empty()) return true;
    for (;;) {
        size_t end = std::min(text.find(';'), text.size());
        if (!element(text.substr(0, end))) return false;
        if (end == text.size()) return true;
        text.remove_prefix(end + 1);
    }
}

template <class T>
Expected<void> set_numbers(Row &row, uint32_t index, const wb_feature_info &feature, std::string_view text) {
    thread_local std::vector<T> values;
    values.clear();
    bool right = for_each_element(text, [](std::string_view one) { return number_of(one, values.emplace_back()); });
    if (!right) return refuse(feature, index, text);
    return row.set(index, values);
}

Expected<void> set_sequence(Row &row, uint32_t index, const wb_feature_info &feature, std::string_view text) {
    switch (feature.type) {
        case WB_TYPE_FLOAT32:
            return set_numbers<float>(row, index, feature, text);
        case WB_TYPE_FLOAT64:
            return set_numbers<double>(row, index, feature, text);
        case WB_TYPE_CATEGORY:
        case WB_TYPE_TEXT: {
            std::vector<std::string_view> values;
            for_each_element(text, [&](std::string_view one) {
                values.push_back(one);
                return true;
            });
            return row.set(index, values);
        }
        default:
            return set_numbers<int64_t>(row, index, feature, text);
    }
}

template <class T>
Expected<void> set_number(Row &row, uint32_t index, const wb_feature_info &feature, std::string_view text) {
    T value = 0;
    if (!number_of(text, value)) return refuse(feature, index, text);
    return row.set(index, value);
}

}  // namespace

Expected<void> set_cell(Row &row, uint32_t index, const CsvField &field) {
    const wb_feature_info &feature = row.schema().features()[index];
    std::string_view text = field.text;
    if (text.empty() && !field.quoted) return row.set(index, std::nullopt);
    if (feature.is_sequence) return set_sequence(row, index, feature, text);
    switch (feature.type) {
        case WB_TYPE_FLOAT32:
            return set_number<float>(row, index, feature, text);
        case WB_TYPE_FLOAT64:
            return set_number<double>(row, index, feature, text);
        case WB_TYPE_BOOL:
            if (text == "1" || text == "true") return row.set(index, true);
            if (text == "0" || text == "false") return row.set(index, false);
            return refuse(feature, index, text);
        case WB_TYPE_CATEGORY:
        case WB_TYPE_TEXT:
            return row.set(index, text);
        case WB_TYPE_TIMESTAMP:
            if (text.find('T') != std::string_view::npos) {
                nlohmann::json json = {{feature.name, text}};
                return row.set_json(json.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace));
            }
            [[fallthrough]];
        default:
            return set_number<int64_t>(row, index, feature, text);
    }
}

}  // namespace weighbridge::cli

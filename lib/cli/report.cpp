// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/printable.hpp"

namespace weighbridge::cli {

namespace {

using Json = nlohmann::ordered_json;

bool is_scalar(const Json &value) { return !value.is_structured(); }

bool is_table(const Json &value) {
    return value.is_array() && !value.empty() &&
           std::all_of(value.begin(), value.end(), [](const Json &row) { return row.is_object(); });
}

std::string cell(const Json &value) {
    if (value.is_null() || (value.is_structured() && value.empty())) return "-";
    if (value.is_string()) return printable(value.get_ref<const std::string &>());
    if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
    // People read four to six digits; --json has them all.
    if (value.is_number_float()) return fmt::format("{:.6g}", value.get<double>());
    return value.dump();
}

void print_table(const std::string &name, const Json &rows, std::string &out) {
    std::vector<std::string> columns;
    for (const Json &row : rows)
        for (const auto &[key, value] : row.items())
            if (std::find(columns.begin(), columns.end(), key) == columns.end()) columns.push_back(key);
    std::vector<std::vector<std::string>> cells = {columns};
    for (const Json &row : rows) {
        std::vector<std::string> line;
        for (const std::string &column : columns)
            line.push_back(row.contains(column) ? cell(row[column]) : std::string());
        cells.push_back(std::move(line));
    }
    out += fmt::format("{}:\n", name);
    for (const auto &line : cells) {
        std::string text = " ";
        for (size_t c = 0; c < columns.size(); ++c) {
            size_t width = 0;
            for (const auto &other : cells) width = std::max(width, other[c].size());
            text += fmt::format(" {:<{}}", line[c], width);
        }
        text.erase(text.find_last_not_of(' ') + 1);
        out += text + "\n";
    }
}

void print_value(const std::string &name, const Json &value, std::string &out) {
    if (is_table(value)) {
        print_table(name, value, out);
    } else if (value.is_object()) {
        for (const auto &[key, inner] : value.items()) print_value(name.empty() ? key : name + "." + key, inner, out);
    } else if (value.is_array() && std::all_of(value.begin(), value.end(), is_scalar)) {
        std::string list;
        for (const Json &element : value) list += (list.empty() ? "" : ", ") + cell(element);
        out += fmt::format("{}: {}\n", name, list);
    } else {
        out += fmt::format("{}: {}\n", name, cell(value));
    }
}

}  // namespace

void print_report(const std::string &report, bool json, const std::string &path) {
    std::string out;
    Json parsed = json ? Json() : Json::parse(report, nullptr, false);
    if (json || parsed.is_discarded())
        out = report + "\n";
    else
        print_value("", parsed, out);
    Output output(path);
    output.write(out);
    output.close();
}

}  // namespace weighbridge::cli

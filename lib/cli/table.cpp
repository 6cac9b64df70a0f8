// SPDX-License-Identifier: Apache-2.0
#include "cli/table.hpp"

#include <algorithm>

namespace weighbridge::cli {

namespace {

// Characters of UTF-8: all bytes but those that continue one.
size_t characters(const std::string &text) {
    return static_cast<size_t>(
        std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xC0) != 0x80; }));
}

}  // namespace

Table::Table(std::vector<std::string> heads) : right_(heads.size(), true) {
    for (std::string &head : heads) {
        widths_.push_back(characters(head));
        heads_.push_back({std::move(head)});
    }
}

void Table::add(std::vector<Cell> row) {
    for (size_t i = 0; i < row.size(); ++i) {
        widths_[i] = std::max(widths_[i], characters(row[i].text));
        if (!row[i].number) right_[i] = false;
    }
    rows_.push_back(std::move(row));
}

std::vector<Table> Table::folded(size_t width, size_t repeated) const {
    std::vector<std::vector<size_t>> groups;  // of columns
    size_t used = 0;
    for (size_t i = repeated; i < heads_.size(); ++i) {
        if (groups.empty() || used + widths_[i] > width) {
            groups.emplace_back();
            used = 0;
            for (size_t first = 0; first < repeated; ++first) {
                groups.back().push_back(first);
                used += widths_[first] + 2;
            }
        }
        groups.back().push_back(i);
        used += widths_[i] + 2;
    }
    std::vector<Table> tables;
    for (const std::vector<size_t> &group : groups) {
        auto chosen = [&](const std::vector<Cell> &row) {
            std::vector<Cell> cells;
            for (size_t column : group) cells.push_back(row[column]);
            return cells;
        };
        std::vector<std::string> heads;
        for (const Cell &head : chosen(heads_)) heads.push_back(head.text);
        Table &table = tables.emplace_back(heads);
        for (const std::vector<Cell> &row : rows_) table.add(chosen(row));
    }
    return tables;
}

void Table::print(std::string &out, size_t indent) const {
    bool headed = std::any_of(heads_.begin(), heads_.end(), [](const Cell &head) { return !head.text.empty(); });
    if (headed) print_row(heads_, out, indent);
    for (const std::vector<Cell> &row : rows_) print_row(row, out, indent);
}

void Table::print_row(const std::vector<Cell> &row, std::string &out, size_t indent) const {
    std::string line(indent, ' ');
    for (size_t i = 0; i < row.size(); ++i) {
        if (i) line += "  ";
        std::string blanks(widths_[i] - characters(row[i].text), ' ');
        line += right_[i] ? blanks + row[i].text : row[i].text + blanks;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
}

}  // namespace weighbridge::cli

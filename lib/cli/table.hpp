// SPDX-License-Identifier: Apache-2.0
// Tables for people.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace weighbridge::cli {

struct Cell {
    std::string text;
    bool number = false;
};

// Rows under heads, each column as wide as it must be, two blanks between them. A column of numbers stands at the
// right.
class Table {
  public:
    explicit Table(std::vector<std::string> heads);

    // As many cells as there are heads.
    void add(std::vector<Cell> row);

    // Tables of at most `width` characters where columns allow it. Each begins with the first `repeated` columns.
    std::vector<Table> folded(size_t width, size_t repeated) const;
    // Appends lines that begin with `indent` blanks; without heads where all of them are empty.
    void print(std::string &out, size_t indent) const;

  private:
    void print_row(const std::vector<Cell> &row, std::string &out, size_t indent) const;

    std::vector<size_t> widths_;
    std::vector<bool> right_;  // by column: all its cells are numbers
    std::vector<Cell> heads_;
    std::vector<std::vector<Cell>> rows_;
};

}  // namespace weighbridge::cli

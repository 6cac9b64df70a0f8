// SPDX-License-Identifier: Apache-2.0
// Reports as tables for people.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "cli/printable.hpp"
#include "cli/report.hpp"
#include "cli/table.hpp"
#include "cli/text.hpp"

namespace weighbridge::cli {

namespace {

constexpr size_t line_width = 100;  // then a table's columns go on below
constexpr size_t long_text = 40;    // a digest or a sentence: has a line of its own

using Kind = Report::Kind;

template <class Test>
bool all_of(const Report &part, Test test) {
    return std::all_of(part.members().begin(), part.members().end(),
                       [&](const Report::Member &member) { return test(member.value); });
}

// An object or a list of objects, not empty: rows.
bool is_rows(const Report &value) {
    return value.is_part() && !value.members().empty() &&
           all_of(value, [](const Report &row) { return row.is(Kind::object); });
}

// Has a title and lines of its own; all else is a cell.
bool is_part(const Report &value) {
    bool list = value.is(Kind::list) && all_of(value, [](const Report &one) { return !one.is_part(); });
    return value.is_part() && !value.members().empty() && !list;
}

// "payments_per_second" is "payments/s", "latency_us" is "latency [us]"; an operator's name stays as it is.
std::string head_of(std::string key) {
    if (key.find("::") != std::string::npos) return key;
    constexpr std::pair<std::string_view, std::string_view> ends[] = {
        {"_per_second", "/s"}, {"_percent", " %"}, {"_bytes", " [bytes]"}, {"_us", " [us]"}, {"_ns", " [ns]"}};
    for (auto [end, unit] : ends)
        if (key.ends_with(end)) key.replace(key.size() - end.size(), end.size(), unit);
    std::replace(key.begin(), key.end(), '_', ' ');
    if (key == "seconds") return "time [s]";
    if (key == "auc") return "AUC";
    return key;
}

// "1234567" is "1,234,567".
std::string grouped(const std::string &digits) {
    std::string text;
    for (size_t i = 0; i < digits.size(); ++i) {
        bool group = (digits.size() - i) % 3 == 0 && !text.empty() && text != "-";
        if (group) text += ',';
        text += digits[i];
    }
    return text;
}

// People read four digits; --json has them all.
std::string number_text(const std::string &digits) {
    if (digits.find_first_not_of("-0123456789") == std::string::npos) return grouped(digits);
    double number = 0.0;
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    bool whole = std::fabs(number) >= 1000.0 && std::fabs(number) < 1e15;
    return whole ? grouped(formatted("{:.0f}", number)) : formatted("{:.4g}", number);
}

std::string cell_text(const Report &value);

// {"op": "clip", "min": 0, "max": 9} is "clip (min 0, max 9)".
std::string object_text(const Report &object) {
    std::string text, rest;
    for (const auto &[name, value] : object.members()) {
        if (text.empty() && value.is(Kind::text))
            text = printable(value.text());
        else
            rest += (rest.empty() ? "" : ", ") + head_of(name) + " " + cell_text(value);
    }
    if (text.empty()) return rest;
    return rest.empty() ? text : text + " (" + rest + ")";
}

std::string cell_text(const Report &value) {
    if (value.is(Kind::text)) return printable(value.text());
    if (value.is(Kind::boolean)) return value.is_true() ? "yes" : "no";
    if (value.is(Kind::number)) return number_text(value.text());
    if (value.members().empty()) return "-";
    if (value.is(Kind::object)) return object_text(value);
    std::string list;
    for (const auto &[name, one] : value.members()) list += (list.empty() ? "" : ", ") + cell_text(one);
    return list;
}

// A null number is a number that is not known.
Cell cell_of(const Report &value) { return {cell_text(value), value.is(Kind::number) || value.is(Kind::null)}; }

// The cells of a row by their heads; numbers of an object are cells of their own.
std::vector<std::pair<std::string, Cell>> cells_of(const Report &row) {
    std::vector<std::pair<std::string, Cell>> cells;
    for (const auto &[name, value] : row.members()) {
        bool numbers = value.is(Kind::object) && all_of(value, [](const Report &one) { return one.is(Kind::number); });
        if (!numbers) cells.emplace_back(head_of(name), cell_of(value));
        if (numbers)
            for (const auto &[inner, number] : value.members())
                cells.emplace_back(head_of(name) + ": " + inner, cell_of(number));
    }
    return cells;
}

void print_tables(const std::vector<Table> &tables, std::string &out, size_t indent) {
    for (size_t i = 0; i < tables.size(); ++i) {
        if (i) out += '\n';
        tables[i].print(out, indent);
    }
}

void print_rows(const Report &rows, std::string &out, size_t indent) {
    std::vector<std::string> heads;
    if (rows.is(Kind::object)) heads.emplace_back("name");
    size_t named = heads.size();
    for (const auto &[name, row] : rows.members())
        for (const auto &[head, cell] : cells_of(row))
            if (std::find(heads.begin() + named, heads.end(), head) == heads.end()) heads.push_back(head);
    Table table(heads);
    for (const auto &[name, row] : rows.members()) {
        std::vector<Cell> line(heads.size(), {"-", true});
        if (named) line[0] = {name};
        for (auto &[head, cell] : cells_of(row))
            line[std::find(heads.begin() + named, heads.end(), head) - heads.begin()] = std::move(cell);
        table.add(std::move(line));
    }
    print_tables(table.folded(line_width, 1), out, indent);
}

using Member = std::pair<std::string, Cell>;

// One line of values under their heads, or, where values are long or many, a line for each.
void print_members(const std::vector<Member> &members, std::string &out, size_t indent) {
    std::vector<std::string> heads;
    std::vector<Cell> cells;
    Table list({"", ""});
    bool is_long = false;
    for (const auto &[head, cell] : members) {
        heads.push_back(head);
        cells.push_back(cell);
        list.add({{head}, cell});
        is_long = is_long || cell.text.size() > long_text;
    }
    Table line(heads);
    line.add(cells);
    std::vector<Table> tables = line.folded(line_width, 0);
    print_tables(is_long || tables.size() > 2 ? std::vector<Table>{list} : tables, out, indent);
}

void print_object(const Report &object, std::string &out, size_t indent);

// A part under its title.
void print_part(const std::string &name, const Report &value, std::string &out, size_t indent) {
    if (!out.empty()) out += '\n';
    out += std::string(indent, ' ') + head_of(name) + '\n';
    if (is_rows(value))
        print_rows(value, out, indent + 2);
    else
        print_object(value, out, indent + 2);
}

// Members that follow each other stand side by side; parts come under titles.
void print_object(const Report &object, std::string &out, size_t indent) {
    std::vector<Member> members;
    auto print_pending = [&] {
        if (members.empty()) return;
        if (indent == 0 && !out.empty()) out += '\n';
        print_members(members, out, indent);
        members.clear();
    };
    for (const auto &[name, value] : object.members()) {
        if (!is_part(value)) {
            members.emplace_back(head_of(name), cell_of(value));
            continue;
        }
        print_pending();
        print_part(name, value, out, indent);
    }
    print_pending();
}

}  // namespace

std::string Report::tables() const {
    std::string out;
    print_object(*this, out, 0);
    return out;
}

}  // namespace weighbridge::cli

// SPDX-License-Identifier: Apache-2.0
#include "cli/spelling.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace weighbridge::cli {

namespace {

constexpr size_t longest_name = 64;  // that is compared: the cost is its square
constexpr size_t most_edits = 2;

// Levenshtein's distance.
size_t edits(std::string_view a, std::string_view b) {
    std::vector<size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), size_t{0});
    for (size_t i = 0; i < a.size(); ++i) {
        size_t corner = std::exchange(row[0], i + 1);
        for (size_t j = 0; j < b.size(); ++j) {
            size_t replaced = corner + (a[i] != b[j]);
            corner = row[j + 1];
            row[j + 1] = std::min({replaced, corner + 1, row[j] + 1});
        }
    }
    return row.back();
}

}  // namespace

std::string nearest_name(std::string_view word, const std::vector<std::string> &names) {
    std::string nearest;
    size_t least = most_edits + 1;
    if (word.empty() || word.size() > longest_name) return nearest;
    const std::string plain = folded(word);
    for (const std::string &name : names) {
        const bool begins = plain.size() > 1 && name.starts_with(plain);
        size_t distance = begins ? 1 : edits(plain, name);
        if (distance >= least || distance >= name.size()) continue;
        least = distance;
        nearest = name;
    }
    return nearest;
}

std::string lowered(std::string_view text) {
    std::string out(text);
    for (char &c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

std::string folded(std::string_view name) {
    constexpr std::string_view blanks = " \t\r\n";
    const size_t begin = std::min(name.find_first_not_of(blanks), name.size());
    return lowered(name.substr(begin, name.find_last_not_of(blanks) + 1 - begin));
}

std::string list_of(const std::vector<std::string> &names, std::string_view last) {
    std::string list;
    for (size_t i = 0; i < names.size(); ++i) {
        if (i) list += i + 1 == names.size() ? " " + std::string(last) + " " : ", ";
        list += names[i];
    }
    return list;
}

}  // namespace weighbridge::cli

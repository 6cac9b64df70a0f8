// SPDX-License-Identifier: Apache-2.0
#include "base/spelling.hpp"

#include <algorithm>
#include <compare>
#include <numeric>
#include <utility>

namespace weighbridge::lib {
namespace {

constexpr size_t kNames = 3;
constexpr size_t kLongest = 64;  // of a name that is looked at: the distance takes the product of two lengths

// Levenshtein's distance.
size_t edit_distance(std::string_view from, std::string_view to) {
    std::vector<size_t> line(to.size() + 1);
    std::iota(line.begin(), line.end(), size_t{0});
    for (size_t i = 0; i < from.size(); ++i) {
        size_t diagonal = line[0];
        line[0] = i + 1;
        for (size_t j = 0; j < to.size(); ++j) {
            size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
            diagonal = line[j + 1];
            line[j + 1] = std::min({replaced, line[j] + 1, line[j + 1] + 1});
        }
    }
    return line.back();
}

// How unlike they are: one that begins with the other is nearer than one that has it elsewhere, and that is nearer than
// any other; then by distance. A letter says nothing.
struct Unlikeness {
    size_t kind, distance;
    auto operator<=>(const Unlikeness &) const = default;
};

Unlikeness unlikeness(std::string_view written, std::string_view name) {
    const auto [shorter, longer] = std::minmax(written, name, [](auto a, auto b) { return a.size() < b.size(); });
    const size_t at = shorter.size() > 1 ? longer.find(shorter) : std::string_view::npos;
    return {at == 0 ? 0u : at != std::string_view::npos ? 1u : 2u, edit_distance(written, name)};
}

}  // namespace

std::string nearest_names(std::string_view name, const std::vector<std::string_view> &names) {
    name = name.substr(0, kLongest);
    std::vector<std::pair<Unlikeness, size_t>> ranked;  // with the index
    for (size_t i = 0; i < names.size(); ++i) ranked.emplace_back(unlikeness(name, names[i]), i);
    std::sort(ranked.begin(), ranked.end());
    std::string text;
    for (size_t i = 0; i < std::min(kNames, ranked.size()); ++i) {
        if (i > 0) text += ", ";
        text += '\'' + std::string(names[ranked[i].second]) + '\'';
    }
    return text;
}

}  // namespace weighbridge::lib

// SPDX-License-Identifier: Apache-2.0
#include "sign/version_order.hpp"

#include <algorithm>

namespace weighbridge::lib {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_number(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_digit); }

// Takes what stands before the mark, and the mark.
std::string_view take_until(std::string_view &text, char mark) {
    const size_t end = std::min(text.find(mark), text.size());
    const std::string_view taken = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return taken;
}

// Takes a run of digits, without its leading zeros, or a run of other bytes.
std::string_view take_run(std::string_view &text) {
    const bool digits = is_digit(text.front());
    size_t end = 1;
    while (end < text.size() && is_digit(text[end]) == digits) ++end;
    std::string_view run = text.substr(0, end);
    text.remove_prefix(end);
    while (digits && run.size() > 1 && run.front() == '0') run.remove_prefix(1);
    return run;
}

// Below, at or above 0, as all comparisons here.
int compare_runs(std::string_view a, std::string_view b) {
    while (!a.empty() && !b.empty()) {
        const std::string_view left = take_run(a), right = take_run(b);
        const bool numbers = is_digit(left.front()) && is_digit(right.front());
        if (numbers && left.size() != right.size()) return left.size() < right.size() ? -1 : 1;
        if (const int order = left.compare(right); order != 0) return order;
    }
    return int{b.empty()} - int{a.empty()};
}

// Identifiers between points: numbers by their value and before others, which compare byte by byte; then their count.
int compare_pre_releases(std::string_view a, std::string_view b) {
    while (!a.empty() && !b.empty()) {
        const std::string_view left = take_until(a, '.'), right = take_until(b, '.');
        if (is_number(left) != is_number(right)) return is_number(left) ? -1 : 1;
        const int order = is_number(left) ? compare_runs(left, right) : left.compare(right);
        if (order != 0) return order;
    }
    return int{b.empty()} - int{a.empty()};
}

struct Version {
    std::string_view release, pre_release, build;
};

bool is_three_numbers(std::string_view text) {
    const std::string_view major = take_until(text, '.'), minor = take_until(text, '.');
    return is_number(major) && is_number(minor) && is_number(text);
}

Version version_of(std::string_view text) {
    Version version;
    version.release = take_until(text, '+');
    version.build = text;
    std::string_view behind = version.release;
    const std::string_view before = take_until(behind, '-');
    if (behind.empty() || !(is_letter(behind.front()) || is_three_numbers(before))) return version;
    version.release = before;
    version.pre_release = behind;
    return version;
}

}  // namespace

bool is_older(std::string_view version, std::string_view than) {
    const Version a = version_of(version), b = version_of(than);
    if (const int order = compare_runs(a.release, b.release); order != 0) return order < 0;
    if (a.pre_release.empty() != b.pre_release.empty()) return b.pre_release.empty();
    if (const int order = compare_pre_releases(a.pre_release, b.pre_release); order != 0) return order < 0;
    return compare_runs(a.build, b.build) < 0;
}

}  // namespace weighbridge::lib

// SPDX-License-Identifier: Apache-2.0
#include "bundle/json_cursor.hpp"

#include <algorithm>
#include <utility>

namespace weighbridge::lib {
namespace {

constexpr size_t kShownValue = 40;
constexpr size_t kShownName = 40;
constexpr size_t kShownPath = 120;  // path, expectation and value fit into a 255 byte message

size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<size_t> row(b.size() + 1);
    for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (size_t i = 1; i <= a.size(); ++i) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.size(); ++j) {
            const size_t above = row[j];
            row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
            diagonal = above;
        }
    }
    return row[b.size()];
}

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

}  // namespace

std::string_view nearest_name(std::string_view word, std::initializer_list<std::string_view> names) {
    constexpr size_t kLongestName = 64;  // no field is longer; keeps the table small for crafted names
    std::string_view nearest;
    size_t least = 3;
    if (word.size() > kLongestName) return nearest;
    for (std::string_view name : names) {
        const size_t distance = edit_distance(word, name);
        if (distance < least && distance < name.size()) {
            least = distance;
            nearest = name;
        }
    }
    return nearest;
}

std::string shown_text(std::string_view text, size_t limit) {
    std::string shown(text.substr(0, limit));
    if (text.size() > limit) {
        size_t end = limit > 3 ? limit - 3 : 0;
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
        shown = std::string(text.substr(0, end)) + "...";
    }
    for (char &c : shown)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
    return shown;
}

std::string shown_value(const JsonValue *value) {
    if (!value) return "nothing";
    if (const auto *text = value->get<std::string>()) return '"' + shown_text(*text, kShownValue) + '"';
    if (const auto *elements = value->get<JsonValue::Elements>())
        return elements->empty() ? "an empty array" : "an array of " + std::to_string(elements->size());
    if (value->get<JsonValue::Members>()) return "an object";
    return value->text();
}

void JsonReport::fail(const std::string &path, std::string_view message) {
    if (failed()) return;
    if (path.empty())
        status_ = Status::failure(WB_INVALID_BUNDLE, "{}: {}", file_, message);
    else
        status_ = Status::failure(WB_INVALID_BUNDLE, "{}: {}: {}", file_, path, message);
}

std::string JsonCursor::path() const {
    std::vector<const JsonCursor *> chain;
    for (const JsonCursor *at = this; at->parent_; at = at->parent_) chain.push_back(at);
    std::string path;
    for (auto at = chain.rbegin(); at != chain.rend(); ++at) {
        if ((*at)->name_.empty() && (*at)->parent_->is_array()) {
            path += "[" + std::to_string((*at)->index_) + "]";
        } else {
            if (!path.empty()) path += '.';
            path += shown_text((*at)->name_, kShownName);
        }
    }
    return shown_text(path, kShownPath);
}

void JsonCursor::refuse(std::string_view message) const { report_->fail(path(), message); }

bool JsonCursor::is_string() const { return value_ && value_->get<std::string>(); }

bool JsonCursor::is_integer() const { return value_ && value_->is_integer(); }

bool JsonCursor::is_array() const { return value_ && value_->get<JsonValue::Elements>(); }

size_t JsonCursor::size() const { return is_array() ? value_->get<JsonValue::Elements>()->size() : 0; }

bool JsonCursor::is_object() const { return value_ && value_->get<JsonValue::Members>(); }

std::string JsonCursor::json() const { return value_->text(); }

std::string_view JsonCursor::word() const {
    return is_string() ? std::string_view(*value_->get<std::string>()) : std::string_view();
}

void JsonCursor::expected(std::string_view what) const {
    if (report_->failed()) return;
    refuse(formatted("expected {}, got {}", what, shown_value(value_)));
}

bool JsonCursor::object() const {
    if (is_object()) return true;
    expected("an object");
    return false;
}

bool JsonCursor::object(std::initializer_list<std::string_view> fields) const {
    if (!object()) return false;
    for (std::string_view name : names()) {
        if (std::find(fields.begin(), fields.end(), name) != fields.end()) continue;
        const std::string_view meant = nearest_name(name, fields);
        const JsonCursor unknown = field(name);
        unknown.refuse(meant.empty() ? std::string("expected no such field")
                                     : formatted("expected no such field; '{}' is near", meant));
        return false;
    }
    return true;
}

std::vector<std::string_view> JsonCursor::names() const {
    std::vector<std::string_view> names;
    if (!is_object()) return names;
    for (const auto &member : *value_->get<JsonValue::Members>()) names.push_back(member.name);
    return names;
}

JsonCursor JsonCursor::field(std::string_view name) const & {
    return {*this, value_ ? value_->find(name) : nullptr, name, 0};
}

size_t JsonCursor::array(size_t least, size_t most) const {
    if (is_array() && size() >= least && size() <= most) return size();
    if (least == most)
        expected(formatted("an array of {}", least));
    else
        expected(formatted("an array of {} to {}", least, most));
    return 0;
}

JsonCursor JsonCursor::element(size_t index) const & {
    return {*this, index < size() ? &(*value_->get<JsonValue::Elements>())[index] : nullptr, {}, index};
}

int64_t JsonCursor::integer(int64_t least, int64_t most) const {
    if (is_integer()) {
        const auto *natural = value_->get<uint64_t>();
        const bool fits = !natural || std::in_range<int64_t>(*natural);
        const int64_t value = !fits ? 0 : natural ? static_cast<int64_t>(*natural) : *value_->get<int64_t>();
        if (fits && value >= least && value <= most) return value;
    }
    if (least == INT64_MIN && most == INT64_MAX)
        expected("a 64-bit integer");
    else if (least == most)
        expected(formatted("{}", least));
    else
        expected(formatted("an integer in [{}, {}]", least, most));
    return least;
}

uint64_t JsonCursor::unsigned_integer() const {
    if (const auto *value = value_ ? value_->get<uint64_t>() : nullptr) return *value;
    expected("an integer in [0, 2^64)");
    return 0;
}

std::optional<double> JsonCursor::any_number() const {
    if (!value_) return {};
    if (const auto *value = value_->get<double>()) return *value;
    if (const auto *value = value_->get<uint64_t>()) return static_cast<double>(*value);
    if (const auto *value = value_->get<int64_t>()) return static_cast<double>(*value);
    return {};
}

double JsonCursor::number() const {
    if (const auto value = any_number()) return *value;
    expected("a number");
    return 0.0;
}

double JsonCursor::number(double least, double most) const {
    if (const auto value = any_number(); value && *value >= least && *value <= most) return *value;
    expected(formatted("a number in [{}, {}]", least, most));
    return least;
}

bool JsonCursor::boolean() const {
    if (const auto *value = value_ ? value_->get<bool>() : nullptr) return *value;
    expected("true or false");
    return false;
}

std::string JsonCursor::text(size_t least_bytes, size_t most_bytes) const {
    const std::string_view value = word();
    if (is_string() && value.size() >= least_bytes && value.size() <= most_bytes && !has_control(value))
        return std::string(value);
    expected(formatted("a string of {} to {} bytes without control characters", least_bytes, most_bytes));
    return {};
}

std::string JsonCursor::text(bool (*test)(std::string_view), std::string_view what) const {
    if (is_string() && test(word())) return std::string(word());
    expected(what);
    return {};
}

size_t JsonCursor::choice(std::initializer_list<std::string_view> choices) const {
    if (is_string()) {
        const auto found = std::find(choices.begin(), choices.end(), word());
        if (found != choices.end()) return static_cast<size_t>(found - choices.begin());
    }
    std::string all;
    for (std::string_view choice : choices) all += formatted("{}{}", all.empty() ? "" : ", ", choice);
    expected("one of " + all);
    return 0;
}

}  // namespace weighbridge::lib

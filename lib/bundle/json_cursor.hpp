// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.hpp"
#include "base/json.hpp"

namespace weighbridge::lib {

inline constexpr int kJsonDepth = 16;  // format 1 needs 6 levels; the rest is for annotations

// Parses one JSON text (RFC 8259) strictly: UTF-8 without a byte order mark, no comments, nothing behind it, no
// duplicate key, at most kJsonDepth levels, at most limit_bytes. Integers within 64 bits stay integers. Throws only
// std::bad_alloc. WB_INVALID_BUNDLE names `file` with line and column, or with the path of a duplicate key. What stands
// there is withheld from the message where the text may hold values of payments.
enum class Excerpt { shown, withheld };
Expected<JsonValue> parse_json(std::string_view file, std::string_view text, size_t limit_bytes,
                               Excerpt excerpt = Excerpt::shown);

// A JSON value as messages show it: scalars as they are, cut at 40 bytes; containers by their kind and size.
std::string shown_value(const JsonValue *value);

// A text as messages show it: at most `limit` bytes, control characters replaced.
std::string shown_text(std::string_view text, size_t limit);

// The first thing that was wrong with a document. Later ones are dropped, so that readers can go on without checking
// after each field.
class JsonReport {
  public:
    explicit JsonReport(std::string file) : file_(std::move(file)) {}

    bool failed() const { return !status_.ok(); }
    const Status &status() const { return status_; }
    // "file: path: message"
    void fail(const std::string &path, std::string_view message);

  private:
    std::string file_;
    Status status_;
};

// A place in a parsed document that knows its path. A reading method that does not find what it expects tells the
// report and gives a harmless value. A cursor must not outlive the one that it came from, nor the document.
class JsonCursor {
  public:
    JsonCursor(JsonReport &report, const JsonValue &document) : report_(&report), value_(&document) {}

    // Whether there is a value: false for an optional field that the text lacks.
    explicit operator bool() const { return value_ != nullptr; }
    const JsonValue *value() const { return value_; }
    JsonReport &report() const { return *report_; }
    std::string path() const;

    // Expects an object without other fields than these. False after a failure.
    bool object(std::initializer_list<std::string_view> fields) const;
    // Expects an object of any names.
    bool object() const;
    // The names of an object, in order.
    std::vector<std::string_view> names() const;
    JsonCursor field(std::string_view name) const &;
    JsonCursor field(std::string_view name) const && = delete;

    // Expects an array of this many elements; gives its size, 0 after a failure.
    size_t array(size_t least, size_t most) const;
    JsonCursor element(size_t index) const &;
    JsonCursor element(size_t index) const && = delete;

    int64_t integer(int64_t least, int64_t most) const;
    uint64_t unsigned_integer() const;
    double number() const;  // finite
    double number(double least, double most) const;
    bool boolean() const;
    std::string text(size_t least_bytes, size_t most_bytes) const;  // valid UTF-8 without control characters
    // A string that `test` accepts; `expected` describes it.
    std::string text(bool (*test)(std::string_view), std::string_view expected) const;
    // Index of the string among `choices`.
    size_t choice(std::initializer_list<std::string_view> choices) const;

    bool is_string() const;
    bool is_integer() const;
    bool is_array() const;
    size_t size() const;  // elements of an array, 0 for anything else
    bool is_object() const;
    // The value's text, in one line.
    std::string json() const;
    // The string, unchecked; "" where there is none.
    std::string_view word() const;

    // "path: expected `what`, got <the value>"
    void expected(std::string_view what) const;
    // "path: message"
    void refuse(std::string_view message) const;

  private:
    std::optional<double> any_number() const;
    JsonCursor(const JsonCursor &parent, const JsonValue *value, std::string_view name, size_t index)
        : report_(parent.report_), value_(value), parent_(&parent), name_(name), index_(index) {}

    JsonReport *report_;
    const JsonValue *value_;
    const JsonCursor *parent_ = nullptr;
    std::string_view name_;  // empty for an element
    size_t index_ = 0;
};

// The one of `names` that `word` was probably meant to be (edit distance at most 2, and less than its length); "" where
// none is near.
std::string_view nearest_name(std::string_view word, std::initializer_list<std::string_view> names);

}  // namespace weighbridge::lib

// SPDX-License-Identifier: Apache-2.0
#include "base/json.hpp"

#include <algorithm>
#include <cmath>

#include "base/format.hpp"
#include "base/utf8.hpp"

namespace weighbridge::lib {
namespace {

void append_quoted(std::string &out, std::string_view text) {
    constexpr std::string_view bytes = "\"\\\b\f\n\r\t", letters = "\"\\bfnrt";
    out += '"';
    for (size_t wrong = utf8_error(text);; wrong = utf8_error(text)) {
        for (char c : text.substr(0, wrong)) {
            if (const size_t known = bytes.find(c); known != bytes.npos)
                (out += '\\') += letters[known];
            else if (static_cast<unsigned char>(c) < 0x20)
                out += formatted("\\u{:04x}", static_cast<unsigned>(c));
            else
                out += c;
        }
        if (wrong == text.npos) break;
        out += "\xEF\xBF\xBD";
        text.remove_prefix(wrong + 1);
    }
    out += '"';
}

// Writes one value and what is in it. `indent` is below 0 for a text of one line.
class Writer {
  public:
    Writer(std::string &out, int indent) : out_(out), indent_(indent) {}

    void operator()(std::monostate) const { out_ += "null"; }
    void operator()(bool value) const { out_ += value ? "true" : "false"; }
    void operator()(int64_t value) const { out_ += formatted("{}", value); }
    void operator()(uint64_t value) const { out_ += formatted("{}", value); }
    void operator()(double value) const {
        if (!std::isfinite(value)) return (*this)(std::monostate());
        const std::string text = formatted("{}", value);
        out_ += text;
        // A whole number says that it is no integer.
        if (text.find_first_of(".e") == text.npos) out_ += ".0";
    }
    void operator()(const std::string &value) const { append_quoted(out_, value); }
    void operator()(const JsonValue::Elements &elements) const {
        list('[', ']', elements, [](const Writer &inner, const JsonValue &value) { inner.write(value); });
    }
    void operator()(const JsonValue::Members &members) const {
        list('{', '}', members, [](const Writer &inner, const JsonValue::Member &member) {
            append_quoted(inner.out_, member.name);
            inner.out_ += inner.indent_ < 0 ? ":" : ": ";
            inner.write(member.value);
        });
    }
    void write(const JsonValue &value) const { value.visit(*this); }

  private:
    template <class List, class Write>
    void list(char open, char close, const List &list, const Write &write) const {
        const Writer inner(out_, indent_ < 0 ? -1 : indent_ + 2);
        out_ += open;
        for (const auto &one : list) {
            if (&one != &list.front()) out_ += ',';
            inner.line();
            write(inner, one);
        }
        if (!list.empty()) line();
        out_ += close;
    }
    void line() const {
        if (indent_ >= 0) (out_ += '\n').append(static_cast<size_t>(indent_), ' ');
    }

    std::string &out_;
    const int indent_;
};

}  // namespace

// Here, since what a value may be has to be complete where one is made or destroyed, and since gcc 12 sees
// uninitialised memory where it inlines a variant's destructor.
JsonValue::JsonValue() noexcept = default;
JsonValue::JsonValue(const JsonValue &other) = default;
JsonValue::JsonValue(JsonValue &&other) noexcept = default;
JsonValue &JsonValue::operator=(const JsonValue &other) = default;
JsonValue &JsonValue::operator=(JsonValue &&other) noexcept = default;
JsonValue::~JsonValue() = default;
JsonValue::JsonValue(Storage value) : value_(std::move(value)) {}
JsonValue::JsonValue(double value) : value_(value) {}
JsonValue::JsonValue(std::string value) : value_(std::move(value)) {}
JsonValue::JsonValue(std::string_view value) : value_(std::string(value)) {}
JsonValue::JsonValue(const char *value) : value_(std::string(value)) {}
JsonValue::JsonValue(std::initializer_list<Member> members) : value_(Members(members)) {}
JsonValue JsonValue::object() { return JsonValue(Storage(Members())); }
void JsonValue::set(bool value) { value_ = value; }
void JsonValue::set(int64_t value) { value_ = value; }
void JsonValue::set(uint64_t value) { value_ = value; }

const JsonValue *JsonValue::find(std::string_view name) const {
    const auto *members = get<Members>();
    if (!members) return nullptr;
    const auto found = std::find_if(members->begin(), members->end(), [&](auto &one) { return one.name == name; });
    return found == members->end() ? nullptr : &found->value;
}

JsonValue &JsonValue::operator[](std::string_view name) {
    if (const JsonValue *found = find(name)) return const_cast<JsonValue &>(*found);
    add(std::string(name), {});
    return std::get<Members>(value_).back().value;
}

void JsonValue::erase(std::string_view name) {
    std::erase_if(std::get<Members>(value_), [&](const Member &one) { return one.name == name; });
}

void JsonValue::add(std::string name, JsonValue value) {
    if (is_null()) value_ = Members();
    std::get<Members>(value_).push_back({std::move(name), std::move(value)});
}

void JsonValue::push_back(JsonValue value) {
    if (is_null()) value_ = Elements();
    std::get<Elements>(value_).push_back(std::move(value));
}

std::string JsonValue::text() const {
    std::string out;
    Writer(out, -1).write(*this);
    return out;
}

std::string JsonValue::lines() const {
    std::string out;
    Writer(out, 0).write(*this);
    return out;
}

std::string quoted_json(std::string_view text) {
    std::string out;
    append_quoted(out, text);
    return out;
}

}  // namespace weighbridge::lib

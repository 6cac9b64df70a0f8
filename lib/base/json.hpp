// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace weighbridge::lib {

// A value of JSON (RFC 8259); an object keeps its members in their order. Changing one allocates; destroying and moving
// one do not, so that memory that runs out while a document is built is an error like any other. (nlohmann_json's
// destructor allocates, which ends the process then.)
class JsonValue {
  public:
    struct Member;
    using Elements = std::vector<JsonValue>;
    // A type of its own, for libstdc++ 12 destroys a half-copied variant of standard types only (never valueless, it
    // thinks) by an index that is not set yet.
    struct Members : std::vector<Member> {
        using std::vector<Member>::vector;
    };

    JsonValue() noexcept;  // null
    JsonValue(const JsonValue &other);
    JsonValue(JsonValue &&other) noexcept;
    JsonValue &operator=(const JsonValue &other);
    JsonValue &operator=(JsonValue &&other) noexcept;
    ~JsonValue();
    JsonValue(std::same_as<bool> auto value) { set(value); }
    JsonValue(std::signed_integral auto value) { set(int64_t{value}); }
    template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>) JsonValue(T value) { set(uint64_t{value}); }
    JsonValue(double value);
    JsonValue(std::string value);
    JsonValue(std::string_view value);
    JsonValue(const char *value);
    JsonValue(std::initializer_list<Member> members);

    static JsonValue object();
    // An array of a range's values, in their order.
    template <class Range = Elements>
    static JsonValue array(const Range &range = {}) {
        return JsonValue(Storage(Elements(range.begin(), range.end())));
    }

    bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
    // Null where the value is of another kind. Integers of a text are uint64_t where they are not negative.
    template <class T>
    const T *get() const {
        return std::get_if<T>(&value_);
    }
    // Calls the visitor with what the value is: std::monostate for null.
    template <class Visitor>
    void visit(const Visitor &visitor) const {
        std::visit(visitor, value_);
    }
    bool is_integer() const { return get<uint64_t>() || get<int64_t>(); }

    // The member of this name, null where there is none. Looks at one after the other.
    const JsonValue *find(std::string_view name) const;
    // The same, added where it is missing; null becomes an object.
    JsonValue &operator[](std::string_view name);
    void erase(std::string_view name);
    // Behind the others, whatever its name is.
    void add(std::string name, JsonValue value);
    // Null becomes an array.
    void push_back(JsonValue value);

    // The text, in one line; or in lines indented by two spaces a level. Numbers as the shortest text that reads back
    // as the same, null for one that is not finite; bytes that are not UTF-8 as U+FFFD.
    std::string text() const;
    std::string lines() const;

  private:
    using Storage = std::variant<std::monostate, bool, int64_t, uint64_t, double, std::string, Elements, Members>;
    explicit JsonValue(Storage value);
    void set(bool value);
    void set(int64_t value);
    void set(uint64_t value);

    Storage value_;
};

struct JsonValue::Member {
    std::string name;
    JsonValue value;
};

// A text as JSON writes it, in quotes.
std::string quoted_json(std::string_view text);

}  // namespace weighbridge::lib

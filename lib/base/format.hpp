// SPDX-License-Identifier: Apache-2.0
// Text from values in fmt's syntax. fmt itself is compiled once, in format.cpp: it takes a second in every file that
// includes it, and every file of the library makes messages.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace weighbridge::lib {

// One value of a text. Text is borrowed.
class TextValue {
  public:
    enum class Kind : uint8_t { boolean, character, signed_integer, unsigned_integer, float32, float64, text };

    TextValue(bool value) : kind(Kind::boolean), boolean(value) {}
    TextValue(char value) : kind(Kind::character), character(value) {}
    template <std::signed_integral T>
    TextValue(T value) : kind(Kind::signed_integer), signed_integer(value) {}
    template <std::unsigned_integral T>
    TextValue(T value) : kind(Kind::unsigned_integer), unsigned_integer(value) {}
    TextValue(float value) : kind(Kind::float32), float32(value) {}
    TextValue(double value) : kind(Kind::float64), float64(value) {}
    TextValue(const char *value) : TextValue(std::string_view(value)) {}
    TextValue(const std::string &value) : TextValue(std::string_view(value)) {}
    TextValue(std::string_view value) : kind(Kind::text), text(value) {}

    Kind kind;
    union {
        bool boolean;
        char character;
        int64_t signed_integer;
        uint64_t unsigned_integer;
        float float32;
        double float64;
        std::string_view text;
    };
};

// A format whose fields are checked by the compiler: as many as there are values, in their order, each {} or
// {:[#][0][width][.precision][x|g]} as its value allows. Whatever is wrong stops the compilation at expected_...().
template <class... Values>
class CheckedFormat {
  public:
    template <size_t Size>
    consteval CheckedFormat(const char (&format)[Size]) : text(format, Size - 1) {
        size_t at = 0;
        (check_field<std::remove_cvref_t<Values>>(at), ...);
        if (next_field(at)) expected_a_value_for_each_field();
    }

    std::string_view text;

  private:
    static void expected_a_value_for_each_field() {}
    static void expected_a_field_for_each_value() {}
    static void expected_a_field_that_suits_its_value() {}

    // Goes to behind the next '{' that opens a field.
    consteval bool next_field(size_t &at) const {
        while (at < text.size()) {
            const char one = text[at++];
            if (one != '{' && one != '}') continue;
            if (at < text.size() && text[at] == one)
                ++at;
            else if (one == '{')
                return true;
            else
                expected_a_field_that_suits_its_value();
        }
        return false;
    }

    template <class Value>
    consteval void check_field(size_t &at) const {
        constexpr bool kReal = std::is_floating_point_v<Value>;
        constexpr bool kNumber = std::is_arithmetic_v<Value> && !std::is_same_v<Value, bool>;
        if (!next_field(at)) expected_a_field_for_each_value();
        const auto taken = [&](char one, bool allowed) {
            if (at >= text.size() || text[at] != one) return false;
            if (!allowed) expected_a_field_that_suits_its_value();
            ++at;
            return true;
        };
        const auto digits = [&] {
            while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
        };
        if (taken(':', true)) {
            taken('#', kNumber);
            taken('0', kNumber);
            digits();
            if (taken('.', kReal || !std::is_arithmetic_v<Value>)) digits();
            taken('x', kNumber && !kReal);
            taken('g', kReal);
        }
        if (!taken('}', true)) expected_a_field_that_suits_its_value();
    }
};

template <class... Values>
using TextFormat = CheckedFormat<std::type_identity_t<Values>...>;

// As fmt::format.
std::string write_text(std::string_view format, const TextValue *values);

// The same in place: controls and bytes that are not UTF-8 are escaped, and what has no room is cut at a whole
// character. Gives the bytes written; does not allocate.
size_t write_text(char *text, size_t room, std::string_view format, const TextValue *values);

template <class... Values>
std::string formatted(TextFormat<Values...> format, const Values &...values) {
    const TextValue list[] = {values..., 0};
    return write_text(format.text, list);
}

// Text built in place, cut where it is full: what refuses a row does not allocate.
template <size_t Room>
class Line {
  public:
    template <class... Values>
    void add(TextFormat<Values...> format, const Values &...values) {
        const TextValue list[] = {values..., 0};
        size_ += write_text(text_ + size_, Room - size_, format.text, list);
    }
    std::string_view view() const { return {text_, size_}; }

  private:
    char text_[Room];
    size_t size_ = 0;
};

}  // namespace weighbridge::lib

// SPDX-License-Identifier: Apache-2.0
#include "feature/decimal.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace weighbridge::lib {
namespace {

constexpr int64_t kFarExponent = int64_t{1} << 40;  // beyond what the digits of any text make up for

// -?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)? in its parts.
struct Decimal {
    explicit Decimal(std::string_view text) {
        negative = text.starts_with('-');
        text.remove_prefix(negative ? 1 : 0);
        const size_t mark = std::min(text.find_first_of("eE"), text.size());
        std::string_view power = text.substr(std::min(mark + 1, text.size()));
        const bool small = power.starts_with('-');
        if (power.starts_with('+') || small) power.remove_prefix(1);
        if (std::from_chars(power.data(), power.data() + power.size(), exponent).ec == std::errc::result_out_of_range)
            exponent = kFarExponent;
        exponent = std::min(exponent, kFarExponent) * (small ? -1 : 1);
        digits = text.substr(0, mark);
        point = static_cast<int64_t>(std::min(digits.find('.'), digits.size()));
    }

    bool negative = false;
    std::string_view digits;  // with the point among them
    int64_t point = 0;        // digits before it
    int64_t exponent = 0;
};

// Of a number that a floating type does not hold: whether it is too near to zero, instead of too far away.
bool is_tiny(std::string_view text) {
    const Decimal decimal(text);
    int64_t place = 0;  // of the first digit that is not 0
    for (char c : decimal.digits) {
        if (c == '.') continue;
        if (c != '0') break;
        ++place;
    }
    return decimal.point - place + decimal.exponent < 0;
}

template <class T>
bool read_floating(std::string_view text, T &out) {
    const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
    if (read.ec == std::errc()) return true;
    if (!is_tiny(text)) return false;
    out = text.starts_with('-') ? -T{0} : T{0};
    return true;
}

}  // namespace

bool read_decimal(std::string_view text, float &out) { return read_floating(text, out); }
bool read_decimal(std::string_view text, double &out) { return read_floating(text, out); }

bool read_decimal(std::string_view text, int64_t &out) {
    const char *end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, out);
    if (read.ptr == end) return read.ec == std::errc();
    const Decimal decimal(text);
    int64_t places = decimal.point + decimal.exponent;  // digits that count whole ones
    out = 0;
    auto append = [&](int64_t digit) {
        return !__builtin_mul_overflow(out, int64_t{10}, &out) &&
               !__builtin_add_overflow(out, decimal.negative ? -digit : digit, &out);
    };
    for (char c : decimal.digits) {
        if (c == '.') continue;
        if (places <= 0 && c != '0') return false;
        if (places > 0 && !append(c - '0')) return false;
        --places;
    }
    for (; places > 0 && out != 0; --places)
        if (!append(0)) return false;
    return true;
}

bool read_named_number(std::string_view text, double &out) {
    const bool negative = text.starts_with('-');
    text.remove_prefix(negative ? 1 : 0);
    auto is = [&](std::string_view name) {
        return std::equal(text.begin(), text.end(), name.begin(), name.end(),
                          [](char a, char b) { return static_cast<char>(a | 0x20) == b; });
    };
    if (is("nan")) {
        out = std::numeric_limits<double>::quiet_NaN();
        return !negative;
    }
    out = negative ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
    return is("inf") || is("infinity");
}

}  // namespace weighbridge::lib

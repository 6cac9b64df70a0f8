// SPDX-License-Identifier: Apache-2.0
#include "graph/extent.hpp"

namespace weighbridge::lib {
namespace {

using Terms = std::array<int64_t, 3>;

std::optional<Extent> multiplied(const Terms &a, const Terms &b, bool batch) {
    Extent result{batch, {}};
    for (size_t i = 0; i < 3; ++i)
        for (size_t j = 0; j < 3; ++j) {
            int64_t term = 0;
            if (__builtin_mul_overflow(a[i], b[j], &term)) return std::nullopt;
            if (term == 0) continue;
            if (i + j > 2) return std::nullopt;
            if (__builtin_add_overflow(result.terms[i + j], term, &result.terms[i + j])) return std::nullopt;
        }
    return result;
}

std::optional<Extent> summed(const Extent &a, const Extent &b, int64_t sign) {
    const bool a_zero = a.is(0) || a.terms == Terms{}, b_zero = b.is(0) || b.terms == Terms{};
    if (!a_zero && !b_zero && a.batch != b.batch) return std::nullopt;
    Extent result{a_zero ? b.batch : a.batch, a.terms};
    for (size_t i = 0; i < 3; ++i) {
        int64_t term = 0;
        if (__builtin_mul_overflow(b.terms[i], sign, &term)) return std::nullopt;
        if (__builtin_add_overflow(result.terms[i], term, &result.terms[i])) return std::nullopt;
    }
    if (result.terms == Terms{}) result.batch = false;
    return result;
}

}  // namespace

std::optional<Extent> operator*(const Extent &a, const Extent &b) {
    if (a.batch && b.batch) return std::nullopt;
    auto result = multiplied(a.terms, b.terms, a.batch || b.batch);
    if (result && result->terms == Terms{}) result->batch = false;
    return result;
}

std::optional<Extent> operator+(const Extent &a, const Extent &b) { return summed(a, b, 1); }
std::optional<Extent> operator-(const Extent &a, const Extent &b) { return summed(a, b, -1); }

std::optional<Extent> exact_quotient(const Extent &a, const Extent &b) {
    if (b.batch && !a.batch) return std::nullopt;
    // Polynomial division; the quotient's highest term first.
    Terms rest = a.terms, quotient{};
    int top = 2;
    while (top >= 0 && b.terms[static_cast<size_t>(top)] == 0) --top;
    if (top < 0) return std::nullopt;
    for (int power = 2; power >= top; --power) {
        const int64_t leading = rest[static_cast<size_t>(power)], by = b.terms[static_cast<size_t>(top)];
        if (by == -1 && leading == INT64_MIN) return std::nullopt;
        if (leading % by != 0) return std::nullopt;
        const int64_t times = leading / by;
        quotient[static_cast<size_t>(power - top)] = times;
        for (int i = 0; i <= top; ++i) {
            int64_t term = 0, &left = rest[static_cast<size_t>(power - top + i)];
            if (__builtin_mul_overflow(times, b.terms[static_cast<size_t>(i)], &term) ||
                __builtin_sub_overflow(left, term, &left))
                return std::nullopt;
        }
    }
    if (rest != Terms{}) return std::nullopt;
    return Extent{a.batch && !b.batch, quotient};
}

std::optional<Extent> product(const Extents &sizes) {
    std::optional<Extent> result = Extent::of(1);
    for (const Extent &size : sizes) {
        result = *result * size;
        if (!result) return result;
    }
    return result;
}

std::string to_string(const Extent &extent) {
    std::string text;
    auto add = [&](int64_t times, const char *symbol) {
        if (times == 0) return;
        if (!text.empty() && times > 0) text += "+";
        if (*symbol == 0) {
            text += std::to_string(times);
        } else {
            if (times == -1) text += "-";
            if (times != 1 && times != -1) text += std::to_string(times) + "*";
            text += symbol;
        }
    };
    add(extent.terms[2], "length^2");
    add(extent.terms[1], "length");
    add(extent.terms[0], "");
    if (text.empty()) text = "0";
    if (!extent.batch) return text;
    if (text == "1") return "batch";
    const bool sum = text.find_first_of("+-", 1) != std::string::npos;
    return sum ? "batch*(" + text + ")" : "batch*" + text;
}

std::string to_string(const Extents &sizes) {
    std::string text = "[";
    for (size_t i = 0; i < sizes.size(); ++i) text += (i ? ", " : "") + to_string(sizes[i]);
    return text + "]";
}

}  // namespace weighbridge::lib

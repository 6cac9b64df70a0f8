// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.hpp"

#include <string>

#include "support/catch.hpp"

using namespace weighbridge::lib;

namespace {

constexpr size_t kNone = std::string_view::npos;

std::string encoded(char32_t point) {
    const auto byte = [](char32_t value) { return static_cast<char>(value); };
    if (point < 0x80) return {byte(point)};
    if (point < 0x800) return {byte(0xC0 | point >> 6), byte(0x80 | (point & 0x3F))};
    if (point < 0x10000)
        return {byte(0xE0 | point >> 12), byte(0x80 | (point >> 6 & 0x3F)), byte(0x80 | (point & 0x3F))};
    return {byte(0xF0 | point >> 18), byte(0x80 | (point >> 12 & 0x3F)), byte(0x80 | (point >> 6 & 0x3F)),
            byte(0x80 | (point & 0x3F))};
}

}  // namespace

TEST_CASE("utf8: every code point but the surrogates is valid and comes back") {
    std::string all;
    for (char32_t point = 0; point <= 0x10FFFF; ++point)
        if (point < 0xD800 || point > 0xDFFF) all += encoded(point);
    REQUIRE(utf8_error(all) == kNone);
    size_t at = 0, wrong = 0;
    for (char32_t point = 0; point <= 0x10FFFF; ++point)
        if (point < 0xD800 || point > 0xDFFF) wrong += utf8_next(all, at) != point;
    CHECK(wrong == 0);
    CHECK(at == all.size());
}

TEST_CASE("utf8: surrogates are refused") {
    size_t accepted = 0;
    for (char32_t point = 0xD800; point <= 0xDFFF; ++point) accepted += utf8_error(encoded(point)) != 0;
    CHECK(accepted == 0);
}

TEST_CASE("utf8: exactly the two-byte sequences of the standard are valid") {
    size_t wrong = 0;
    for (int first = 0x80; first < 0x100; ++first)
        for (int second = 0; second < 0x100; ++second) {
            const std::string text{static_cast<char>(first), static_cast<char>(second)};
            const bool valid = first >= 0xC2 && first <= 0xDF && second >= 0x80 && second <= 0xBF;
            wrong += utf8_error(text) != (valid ? kNone : 0);
        }
    CHECK(wrong == 0);
}

TEST_CASE("utf8: overlong, too large and broken sequences are refused where they begin") {
    for (const std::string_view bad :
         {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xED\xBF\xBF",
          "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xF8\x88\x80\x80\x80",
          "\xFE", "\xFF", "\xE2\x28\xA1", "\xE2\x82\x28", "\xF0\x9F\x98\x28", "\xF0\x9F\x28\x80"}) {
        for (size_t before = 0; before < 20; ++before) {
            const std::string text = std::string(before, 'a') + std::string(bad) + "zzzzzzzzzzzz";
            CAPTURE(before, bad.size(), static_cast<int>(static_cast<uint8_t>(bad[0])));
            CHECK(utf8_error(text) == before);
        }
    }
}

TEST_CASE("utf8: a sequence that the end cuts is refused") {
    for (const std::string_view whole : {"\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"})
        for (size_t length = 1; length < whole.size(); ++length)
            for (size_t before = 0; before < 17; ++before) {
                const std::string text = std::string(before, 'a') + std::string(whole.substr(0, length));
                CHECK(utf8_error(text) == before);
            }
}

TEST_CASE("utf8: nothing is read behind the end") {
    const std::string text = "abcdefgh\xE2\x82\xAC";
    CHECK(utf8_error(std::string_view(text).substr(0, 9)) == 8);
    CHECK(utf8_error(std::string_view(text).substr(0, 8)) == kNone);
    CHECK(utf8_error("") == kNone);
    CHECK(utf8_error(std::string_view("\0\0", 2)) == kNone);
}

TEST_CASE("utf8: long ASCII with one broken byte is found wherever it is") {
    std::string text(200, 'x');
    for (size_t at = 0; at < text.size(); ++at) {
        text[at] = '\xFF';
        CHECK(utf8_error(text) == at);
        text[at] = 'x';
    }
    CHECK(utf8_error(text) == kNone);
}

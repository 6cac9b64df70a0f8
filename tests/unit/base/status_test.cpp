// SPDX-License-Identifier: Apache-2.0
#include "base/status.hpp"

#include <string>

#include "base/utf8.hpp"
#include "support/catch.hpp"

using namespace weighbridge::lib;

namespace {

std::string told(std::string_view text) { return Status::failure(WB_INVALID_INPUT, "got '{}'", text).message; }

}  // namespace

TEST_CASE("status: control characters and what is not UTF-8 are escaped, whatever a file says") {
    using namespace std::string_view_literals;
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"plain"sv, "plain"},
        {"Café ☕ \U0001F4B6"sv, "Café ☕ \U0001F4B6"},
        {"\x1B[2J"sv, "\\x1B[2J"},
        {"a\0b"sv, "a\\x00b"},
        {"a\r\nb\tc"sv, "a\\x0D\\x0Ab\\x09c"},
        {"\x7F"sv, "\\x7F"},
        {"\xC2\x9B"sv, "\\xC2\\x9B"},           // CSI of C1
        {"\xE2\x80\xA8"sv, "\\xE2\\x80\\xA8"},  // line separator
        {"\xE2\x80\xAE"sv, "\\xE2\\x80\\xAE"},  // right-to-left override
        {"\xFFok"sv, "\\xFFok"},                // no first byte
        {"\xC3"sv, "\\xC3"},                    // ends early
        {"\xC0\xAF"sv, "\\xC0\\xAF"},           // overlong
        {"\xED\xA0\x80"sv, "\\xED\\xA0\\x80"},  // a surrogate
        {"\xE2\x82x"sv, "\\xE2\\x82x"},
    };
    for (const auto &[text, shown] : cases) CHECK(told(text) == "got '" + std::string(shown) + "'");
}

TEST_CASE("status: a message of any bytes is a line of UTF-8 that fits, cut at whole characters and escapes") {
    for (int byte = 0; byte < 256; ++byte)
        for (size_t before : {0u, 60u, 245u, 246u, 247u, 248u, 249u, 250u, 300u}) {
            const std::string text = std::string(before, 'x') + std::string(80, static_cast<char>(byte));
            const std::string message = Status::failure(WB_INVALID_INPUT, "{}", text).message;
            CHECK(message.size() <= 255);
            if (text.size() > 255) CHECK(message.size() >= 250);
            CHECK(utf8_error(message) == std::string_view::npos);
            for (char c : message) CHECK((static_cast<unsigned char>(c) >= 0x20 && c != 0x7F));
            if (const size_t escape = message.rfind('\\'); escape != std::string::npos && byte != '\\')
                CHECK(message.size() >= escape + 4);
        }
    const std::string euro = std::string(253, 'x') + "€" + std::string(50, 'x');
    const std::string euros = Status::failure(WB_INVALID_INPUT, "x{}", euro).message;
    CHECK(utf8_error(euros) == std::string_view::npos);
}

TEST_CASE("status: lines built in place are escaped too") {
    Line<8> line;
    line.add("{}", std::string_view("a\0b", 3));
    CHECK(line.view() == "a\\x00b");
    line.add("{}", "\x1B");
    CHECK(line.view() == "a\\x00b");
    line.add("{}", "cdef");
    CHECK(line.view() == "a\\x00bcd");
}

// SPDX-License-Identifier: Apache-2.0
#include "cli/printable.hpp"

#include "base/status.hpp"
#include "base/utf8.hpp"
#include "support/catch.hpp"

using namespace weighbridge;

TEST_CASE("printable: the command escapes what the library escapes, and takes the same UTF-8") {
    auto check = [](const std::string &text) {
        INFO(text);
        CHECK(cli::printable(text) == lib::Status::failure(WB_INTERNAL, "{}", text).message);
        CHECK(cli::is_utf8(text) == (lib::utf8_error(text) == std::string_view::npos));
    };
    check("plain, caf\u00e9 \u2615 \U0001F4B6");
    check("\x1B[2J\r\n\t\x7F\u009B\u2028\u202E\u2066");
    for (int a = 0; a < 256; ++a)
        for (int b = 0; b < 256; b += a < 0x80 ? 51 : 1)
            for (int c : {0x41, 0x80, 0xBF, 0xC2})
                check({static_cast<char>(a), static_cast<char>(b), static_cast<char>(c), static_cast<char>(0x80)});
}

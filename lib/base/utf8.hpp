// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weighbridge::lib {

// Where `text` first breaks UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF), or npos where it
// holds.
size_t utf8_error(std::string_view text);

// The code point at `position` of valid UTF-8; moves position behind it.
char32_t utf8_next(std::string_view text, size_t &position);

// Appends a code point of at most U+10FFFF.
inline void append_utf8(char32_t point, std::string &out) {
    const auto put = [&out](char32_t byte) { out.push_back(static_cast<char>(byte)); };
    if (point < 0x80) return put(point);
    if (point < 0x800) {
        put(0xC0 | (point >> 6));
    } else {
        if (point < 0x10000) {
            put(0xE0 | (point >> 12));
        } else {
            put(0xF0 | (point >> 18));
            put(0x80 | ((point >> 12) & 0x3F));
        }
        put(0x80 | ((point >> 6) & 0x3F));
    }
    put(0x80 | (point & 0x3F));
}

}  // namespace weighbridge::lib

// SPDX-License-Identifier: Apache-2.0
#include "cli/printable.hpp"

#include <cstdint>

#include "cli/text.hpp"

namespace weighbridge::cli {

namespace {

// The code point of a whole character.
uint32_t point_of(std::string_view character) {
    auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(character[i])); };
    if (character.size() == 1) return byte(0);
    uint32_t point = byte(0) & (0x7Fu >> character.size());
    for (size_t i = 1; i < character.size(); ++i) point = point << 6 | (byte(i) & 0x3F);
    return point;
}

bool is_control(uint32_t point) {
    return point < 0x20 || (point >= 0x7F && point < 0xA0) || (point >= 0x2028 && point <= 0x202E) ||
           (point >= 0x2066 && point <= 0x2069);
}

}  // namespace

size_t character_bytes(std::string_view text) {
    if (text.empty()) return 0;
    auto first = static_cast<unsigned char>(text[0]);
    if (first < 0x80) return 1;
    size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
    for (size_t i = 1; i < length; ++i)
        if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return 0;
    uint32_t point = point_of(text.substr(0, length));
    bool overlong = point < (length == 2 ? 0x80u : length == 3 ? 0x800u : 0x10000u);
    return overlong || (point >= 0xD800 && point < 0xE000) || point > 0x10FFFF ? 0 : length;
}

bool is_utf8(std::string_view text) {
    while (size_t length = character_bytes(text)) text.remove_prefix(length);
    return text.empty();
}

std::string printable(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        size_t length = character_bytes(text);
        if (length && !is_control(point_of(text.substr(0, length)))) {
            out.append(text, 0, length);
        } else {
            length = std::max<size_t>(length, 1);
            for (char c : text.substr(0, length)) out += formatted("\\x{:02X}", static_cast<unsigned char>(c));
        }
        text.remove_prefix(length);
    }
    return out;
}

}  // namespace weighbridge::cli

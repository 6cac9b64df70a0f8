// SPDX-License-Identifier: Apache-2.0
#include "base/format.hpp"

#include <cstring>

#include "base/utf8.hpp"

namespace weighbridge::lib {
namespace {

constexpr size_t kEscapeBytes = 4;  // of \xNN

// What would end or rewrite a line of a log: controls of ASCII and of Latin-1, line separators, changes of direction.
bool is_control(char32_t point) {
    return point < 0x20 || (point >= 0x7F && point < 0xA0) || (point >= 0x2028 && point <= 0x202E) ||
           (point >= 0x2066 && point <= 0x2069);
}

// Bytes of the character that `text` begins with, 0 where a line may not show it.
size_t shown_bytes(std::string_view text) {
    const auto first = static_cast<unsigned char>(text[0]);
    const size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (length > text.size() || utf8_error(text.substr(0, length)) != std::string_view::npos) return 0;
    size_t at = 0;
    return is_control(utf8_next(text, at)) ? 0 : length;
}

// Puts \xNN in place of each byte that a line may not show; what then has no room is cut, at a whole character.
size_t escape(char *text, size_t size, size_t room) {
    constexpr const char *kDigits = "0123456789ABCDEF";
    for (size_t at = 0; at < size;) {
        if (const size_t length = shown_bytes({text + at, size - at})) {
            at += length;
            continue;
        }
        if (room - at < kEscapeBytes) return at;
        const auto byte = static_cast<unsigned char>(text[at]);
        const size_t rest = std::min(size - at - 1, room - at - kEscapeBytes);
        std::memmove(text + at + kEscapeBytes, text + at + 1, rest);
        const char escaped[kEscapeBytes] = {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
        std::memcpy(text + at, escaped, kEscapeBytes);
        at += kEscapeBytes;
        size = at + rest;
    }
    return size;
}

}  // namespace

std::string write_text(fmt::string_view format, fmt::format_args args) { return fmt::vformat(format, args); }

size_t write_text(char *text, size_t room, fmt::string_view format, fmt::format_args args) {
    const size_t wanted = fmt::vformat_to_n(text, room, format, args).size;
    return escape(text, std::min(wanted, room), room);
}

}  // namespace weighbridge::lib

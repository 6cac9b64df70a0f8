// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.hpp"

#include "base/bytes.hpp"

namespace weighbridge::lib {
namespace {

constexpr uint64_t kHighBits = 0x8080808080808080;

// What a sequence may look like, by its first byte (The Unicode Standard, table 3-7): its length, and the bounds of the
// second byte, which alone tell overlong forms, surrogates and what is above U+10FFFF. Length 0: no sequence starts so.
struct Form {
    size_t length;
    uint8_t least, most;
};

constexpr Form form_of(uint8_t first) {
    if (first < 0xC2) return {0, 0, 0};
    if (first < 0xE0) return {2, 0x80, 0xBF};
    if (first == 0xE0) return {3, 0xA0, 0xBF};
    if (first == 0xED) return {3, 0x80, 0x9F};
    if (first < 0xF0) return {3, 0x80, 0xBF};
    if (first == 0xF0) return {4, 0x90, 0xBF};
    if (first < 0xF4) return {4, 0x80, 0xBF};
    if (first == 0xF4) return {4, 0x80, 0x8F};
    return {0, 0, 0};
}

}  // namespace

size_t utf8_error(std::string_view text) {
    size_t at = 0;
    while (at < text.size()) {
        while (text.size() - at >= 8 && !(load_unaligned<uint64_t>(text.data() + at) & kHighBits)) at += 8;
        if (at == text.size()) break;
        const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[at + i]); };
        if (byte(0) < 0x80) {
            ++at;
            continue;
        }
        const Form form = form_of(byte(0));
        if (form.length == 0 || text.size() - at < form.length) return at;
        if (byte(1) < form.least || byte(1) > form.most) return at;
        for (size_t i = 2; i < form.length; ++i)
            if ((byte(i) & 0xC0) != 0x80) return at;
        at += form.length;
    }
    return std::string_view::npos;
}

char32_t utf8_next(std::string_view text, size_t &position) {
    const auto next = [&] { return static_cast<char32_t>(static_cast<uint8_t>(text[position++])); };
    const char32_t first = next();
    if (first < 0x80) return first;
    size_t more = first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
    char32_t point = first & (0x3Fu >> more);
    for (; more > 0; --more) point = (point << 6) | (next() & 0x3F);
    return point;
}

}  // namespace weighbridge::lib

// SPDX-License-Identifier: Apache-2.0
#include "base/format.hpp"

#include <fmt/core.h>

#include <cstring>
#include <iterator>
#include <utility>

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

template <class Sink>
void write_field(Sink &sink, std::string_view field, const TextValue &value) {
    switch (value.kind) {
        case TextValue::Kind::boolean:
            return sink.add(field, value.boolean);
        case TextValue::Kind::character:
            return sink.add(field, value.character);
        case TextValue::Kind::signed_integer:
            return sink.add(field, value.signed_integer);
        case TextValue::Kind::unsigned_integer:
            return sink.add(field, value.unsigned_integer);
        case TextValue::Kind::float32:
            return sink.add(field, value.float32);
        case TextValue::Kind::float64:
            return sink.add(field, value.float64);
        case TextValue::Kind::text:
            return sink.add(field, value.text);
    }
}

// The text between fields is copied, each field goes to fmt with its value. The format was checked by the compiler.
template <class Sink>
void write_all(Sink &sink, std::string_view format, const TextValue *values) {
    while (!format.empty()) {
        const size_t plain = std::min(format.find_first_of("{}"), format.size());
        sink.add(format.substr(0, plain));
        format.remove_prefix(plain);
        if (format.empty()) return;
        if (format[0] == format[1]) {  // {{ or }}
            sink.add(format.substr(0, 1));
            format.remove_prefix(2);
            continue;
        }
        const size_t field = format.find('}') + 1;
        write_field(sink, format.substr(0, field), *values++);
        format.remove_prefix(field);
    }
}

struct StringSink {
    void add(std::string_view plain) { text += plain; }
    template <class T>
    void add(std::string_view field, T value) {
        fmt::vformat_to(std::back_inserter(text), field, fmt::make_format_args(value));
    }

    std::string text;
};

struct PlaceSink {
    void add(std::string_view plain) {
        const size_t size = std::min(plain.size(), room - used);
        std::memcpy(text + used, plain.data(), size);
        used += size;
    }
    template <class T>
    void add(std::string_view field, T value) {
        const size_t wanted = fmt::vformat_to_n(text + used, room - used, field, fmt::make_format_args(value)).size;
        used += std::min(wanted, room - used);
    }

    char *text;
    size_t room;
    size_t used = 0;
};

}  // namespace

std::string write_text(std::string_view format, const TextValue *values) {
    StringSink sink;
    write_all(sink, format, values);
    return std::move(sink.text);
}

size_t write_text(char *text, size_t room, std::string_view format, const TextValue *values) {
    PlaceSink sink{text, room};
    write_all(sink, format, values);
    return escape(text, sink.used, room);
}

}  // namespace weighbridge::lib

// SPDX-License-Identifier: Apache-2.0
#include "base/json_text.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include "base/utf8.hpp"

namespace weighbridge::lib {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Reader {
  public:
    Reader(std::string_view text, JsonEvents &events) : text_(text), events_(events) {}

    JsonRead read() {
        bool right = true;
        do right = value() && behind_value();
        while (right && !open_.empty());
        if (right) space();
        if (right && at_ < text_.size()) right = malformed();
        return {right ? JsonRead::End::complete : end_, at_};
    }

  private:
    bool malformed() {
        end_ = JsonRead::End::malformed;
        return false;
    }
    bool told(bool go_on) {
        if (!go_on) end_ = JsonRead::End::stopped;
        return go_on;
    }

    // NUL at the end, which stands nowhere outside a string.
    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    bool take(char wanted) {
        if (at_ == text_.size() || text_[at_] != wanted) return false;
        ++at_;
        return true;
    }
    void space() {
        while (at_ < text_.size() && (peek() == ' ' || peek() == '\n' || peek() == '\r' || peek() == '\t')) ++at_;
    }

    // A scalar, or the starts of containers down to the first scalar or to one that is empty, whose end comes next.
    bool value() {
        for (;;) {
            space();
            if (take('[')) {
                open_.push_back(']');
                if (!told(events_.start_array())) return false;
                space();
                if (peek() == ']') return true;
            } else if (take('{')) {
                open_.push_back('}');
                if (!told(events_.start_object())) return false;
                space();
                if (peek() == '}') return true;
                if (!key()) return false;
            } else {
                return scalar();
            }
        }
    }

    // The ends of containers, up to a comma with another value behind it or to the end of them all.
    bool behind_value() {
        while (!open_.empty()) {
            space();
            const char close = open_.back();
            if (take(',')) return close == ']' || key();
            if (!take(close)) return malformed();
            open_.pop_back();
            if (!told(close == ']' ? events_.end_array() : events_.end_object())) return false;
        }
        return true;
    }

    bool key() {
        space();
        std::string_view name;
        if (!quoted(name) || !told(events_.key(name))) return false;
        space();
        return take(':') || malformed();
    }

    bool scalar() {
        switch (peek()) {
            case '"': {
                std::string_view text;
                return quoted(text) && told(events_.string(text));
            }
            case 't':
                return word("true") && told(events_.boolean(true));
            case 'f':
                return word("false") && told(events_.boolean(false));
            case 'n':
                return word("null") && told(events_.null());
            default:
                return number();
        }
    }

    bool word(std::string_view wanted) {
        for (char c : wanted)
            if (!take(c)) return malformed();
        return true;
    }

    bool digits() {
        if (!is_digit(peek())) return malformed();
        while (is_digit(peek())) ++at_;
        return true;
    }
    bool number() {
        const size_t begin = at_;
        take('-');
        if (!take('0') && !digits()) return false;
        if (take('.') && !digits()) return false;
        if (take('e') || take('E')) {
            if (!take('+')) take('-');
            if (!digits()) return false;
        }
        return told(events_.number(text_.substr(begin, at_ - begin)));
    }

    // The text between quotes: in place where it has no escapes, else in unescaped_.
    bool quoted(std::string_view &out) {
        if (!take('"')) return malformed();
        const size_t begin = at_;
        bool escaped = false;
        for (size_t part = begin;; part = at_) {
            while (at_ < text_.size() && peek() != '"' && peek() != '\\' && static_cast<unsigned char>(peek()) >= 0x20)
                ++at_;
            const std::string_view plain = text_.substr(part, at_ - part);
            if (const size_t wrong = utf8_error(plain); wrong != plain.npos) {
                at_ = part + wrong;
                return malformed();
            }
            if (take('"')) {
                if (escaped) unescaped_ += plain;
                out = escaped ? std::string_view(unescaped_) : plain;
                return true;
            }
            if (!escaped) unescaped_.clear();
            escaped = true;
            unescaped_ += plain;
            if (!take('\\') || !escape()) return malformed();
        }
    }

    bool escape() {
        constexpr std::string_view letters = "\"\\/bfnrt", bytes = "\"\\/\b\f\n\r\t";
        if (take('u')) {
            uint32_t point = 0, low = 0;
            if (!unit(point) || (point >= 0xDC00 && point < 0xE000)) return false;
            if (point >= 0xD800 && point < 0xDC00) {
                if (!take('\\') || !take('u') || !unit(low) || low < 0xDC00 || low >= 0xE000) return false;
                point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
            }
            append_utf8(point, unescaped_);
            return true;
        }
        const size_t which = at_ < text_.size() ? letters.find(peek()) : letters.npos;
        if (which == letters.npos) return false;
        ++at_;
        unescaped_ += bytes[which];
        return true;
    }

    // Four hexadecimal digits.
    bool unit(uint32_t &out) {
        for (int i = 0; i < 4; ++i, ++at_) {
            const char c = peek(), letter = static_cast<char>(c | 0x20);
            if (is_digit(c))
                out = out * 16 + static_cast<uint32_t>(c - '0');
            else if (letter >= 'a' && letter <= 'f')
                out = out * 16 + static_cast<uint32_t>(letter - 'a' + 10);
            else
                return false;
        }
        return true;
    }

    std::string_view text_;
    JsonEvents &events_;
    size_t at_ = 0;
    JsonRead::End end_ = JsonRead::End::complete;
    std::vector<char> open_;  // what closes each open container, the innermost last
    std::string unescaped_;
};

}  // namespace

JsonRead read_json(std::string_view text, JsonEvents &events) { return Reader(text, events).read(); }

}  // namespace weighbridge::lib

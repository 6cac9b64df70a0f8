// SPDX-License-Identifier: Apache-2.0
#include "cli/members.hpp"

#include "cli/report.hpp"

namespace weighbridge::cli {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// Moves over JSON by its grammar; each step is false where the text is wrong, and at() says where.
class Cursor {
  public:
    explicit Cursor(std::string_view text) : text_(text) {}

    size_t at() const { return at_; }
    bool done() const { return at_ == text_.size(); }
    char front() const { return done() ? '\0' : text_[at_]; }
    std::string_view since(size_t begin) const { return text_.substr(begin, at_ - begin); }

    void blanks() {
        while (!done() && std::string_view(" \t\n\r").find(front()) != std::string_view::npos) ++at_;
    }

    bool take(char c) {
        if (done() || front() != c) return false;
        ++at_;
        return true;
    }

    bool string() {
        if (!take('"')) return false;
        while (!take('"')) {
            if (done() || static_cast<unsigned char>(front()) < 0x20) return false;
            if (!take('\\')) {
                ++at_;
            } else if (take('u')) {
                for (int i = 0; i < 4; ++i, ++at_)
                    if (!is_hex(front())) return false;
            } else {
                if (done() || std::string_view("\"\\/bfnrt").find(front()) == std::string_view::npos) return false;
                ++at_;
            }
        }
        return true;
    }

    // Any value; what nests is followed by `open`, so that depth costs no stack.
    bool value() {
        std::string open;
        do {
            blanks();
            char c = front();
            if (c == '{' || c == '[') {
                ++at_;
                blanks();
                if (!take(c == '{' ? '}' : ']')) {
                    open += c;
                    if (c == '{' && !key()) return false;
                    continue;
                }
            } else if (!(c == '"' ? string() : scalar())) {
                return false;
            }
            for (bool closed = true; closed && !open.empty();) {
                blanks();
                closed = take(open.back() == '{' ? '}' : ']');
                if (closed)
                    open.pop_back();
                else if (!take(',') || (open.back() == '{' && !key()))
                    return false;
            }
        } while (!open.empty());
        return true;
    }

    bool key() {
        blanks();
        if (!string()) return false;
        blanks();
        return take(':');
    }

  private:
    bool digits() {
        if (!is_digit(front())) return false;
        while (is_digit(front())) ++at_;
        return true;
    }

    bool scalar() {
        for (std::string_view word : {"true", "false", "null"}) {
            if (!text_.substr(at_).starts_with(word)) continue;
            at_ += word.size();
            return true;
        }
        take('-');
        if (!take('0') && !digits()) return false;
        if (take('.') && !digits()) return false;
        if (!take('e') && !take('E')) return true;
        if (!take('+')) take('-');
        return digits();
    }

    std::string_view text_;
    size_t at_ = 0;
};

}  // namespace

size_t split_object(std::string_view text, std::vector<Member> &members) {
    members.clear();
    Cursor cursor(text);
    auto wrong = [&] { return cursor.at() + 1; };
    cursor.blanks();
    if (!cursor.take('{')) return wrong();
    cursor.blanks();
    if (!cursor.take('}')) {
        do {
            cursor.blanks();
            size_t key = cursor.at();
            if (!cursor.string()) return wrong();
            Member member = {cursor.since(key), {}};
            cursor.blanks();
            if (!cursor.take(':')) return wrong();
            cursor.blanks();
            size_t value = cursor.at();
            if (!cursor.value()) return wrong();
            member.value = cursor.since(value);
            members.push_back(member);
            cursor.blanks();
        } while (cursor.take(','));
        if (!cursor.take('}')) return wrong();
    }
    cursor.blanks();
    return cursor.done() ? 0 : wrong();
}

std::optional<std::string> text_of(std::string_view value) {
    if (!value.starts_with('"')) return std::string(value);
    Report parsed = Report::parse(value);
    if (!parsed.is(Report::Kind::text)) return std::nullopt;
    return parsed.text();
}

}  // namespace weighbridge::cli

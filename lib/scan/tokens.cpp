// SPDX-License-Identifier: Apache-2.0
#include "scan/tokens.hpp"

#include <algorithm>

#include "scan/limits.hpp"

namespace weighbridge::lib {
namespace {

constexpr int kMostOperators = 256;

bool is_digit(char one) { return one >= '0' && one <= '9'; }
bool is_letter(char one) { return (one >= 'a' && one <= 'z') || (one >= 'A' && one <= 'Z') || one == '_'; }

// What the parser knows and the printer does not write, with what it would do.
struct ForbiddenWord {
    std::string_view word, what;
};
constexpr ForbiddenWord kForbiddenWords[] = {
    {"while", "a loop that may never end (write for over a range)"},
    {"with", "a block that calls methods unseen (leave `with torch.no_grad():` out of forward)"},
    {"lambda", "a function without a name"},
    {"import", "an import"},
    {"global", "a global variable"},
    {"raise", "a statement that torch.jit.save does not write"},
    {"assert", "a statement that torch.jit.save does not write"},
    {"del", "a statement that torch.jit.save does not write"},
    {"break", "a statement that torch.jit.save does not write"},
    {"continue", "a statement that torch.jit.save does not write"},
    {"elif", "a chain that the parser recurses by"},
    {"yield", "a statement that torch.jit.save does not write"},
    {"as", "a statement that torch.jit.save does not write"},
};

// Operators that an expression's tree is built of, longest first.
constexpr std::string_view kMarks[] = {"**", "//", "<<", ">>", "==", "!=", "<=", ">=", "->", "+", "-",
                                       "*",  "/",  "%",  "@",  "&",  "|",  "^",  "~",  "<",  ">", "=",
                                       ".",  ",",  ":",  "(",  ")",  "[",  "]",  "{",  "}"};
constexpr std::string_view kWordOperators[] = {"not", "and", "or", "is", "in", "if", "else"};

class CodeTokeniser {
  public:
    CodeTokeniser(std::string_view file, std::string_view code, std::vector<CodeToken> &out, ScanFindings &findings)
        : file_(file), code_(code), out_(out), findings_(findings) {}

    bool read();

  private:
    using Kind = CodeToken::Kind;
    bool read_indent();
    bool read_token();
    bool read_text();
    bool read_number();
    bool read_word();
    bool read_mark();
    bool count_mark(std::string_view mark);
    bool count_operator();

    void push(Kind kind, size_t size) {
        out_.push_back({kind, line_, code_.substr(at_, size)});
        at_ += size;
    }
    char peek(size_t ahead = 0) const { return at_ + ahead < code_.size() ? code_[at_ + ahead] : '\0'; }

    template <class... Values>
    bool refuse(std::string_view rule, TextFormat<Values...> format, const Values &...values) {
        findings_.add(rule, file_, line_, format, values...);
        return false;
    }

    const std::string_view file_, code_;
    std::vector<CodeToken> &out_;
    ScanFindings &findings_;
    size_t at_ = 0;
    uint32_t line_ = 1;
    std::vector<size_t> indents_{0};
    // For each open bracket, and the statement around them, its operators since the last comma.
    std::vector<int> operators_{0};
    std::string closing_;  // the brackets that are to close
    int sum_ = 0;          // of operators_
};

bool CodeTokeniser::read() {
    bool fresh = true;  // at a line's begin, outside brackets
    while (at_ < code_.size()) {
        if (fresh && !read_indent()) return false;
        fresh = false;
        const char one = peek();
        if (at_ == code_.size()) break;
        if (one == '\n') {
            const bool blank = out_.empty() || out_.back().kind == Kind::newline || out_.back().kind == Kind::dedent;
            if (closing_.empty() && !blank)
                push(Kind::newline, 1);
            else
                ++at_;
            ++line_;
            fresh = closing_.empty();
            if (fresh) operators_ = {0}, sum_ = 0;
        } else if (one == ' ') {
            ++at_;
        } else if (!read_token()) {
            return false;
        }
    }
    if (!closing_.empty()) return refuse("code-brackets", "expected '{}' before the end of the file", closing_.back());
    if (!out_.empty() && out_.back().kind != Kind::newline) push(Kind::newline, 0);
    for (; indents_.size() > 1; indents_.pop_back()) push(Kind::dedent, 0);
    push(Kind::end, 0);
    return true;
}

bool CodeTokeniser::read_indent() {
    const size_t first = at_;
    while (peek() == ' ') ++at_;
    const size_t width = at_ - first;
    if (peek() == '\n' || at_ == code_.size()) return true;
    if (width > indents_.back()) {
        if (indents_.size() > kScanDepth)
            return refuse("code-nesting", "expected blocks at most {} deep, found more", kScanDepth);
        indents_.push_back(width);
        push(Kind::indent, 0);
    }
    while (width < indents_.back()) {
        indents_.pop_back();
        push(Kind::dedent, 0);
    }
    if (width != indents_.back()) return refuse("code-indent", "expected the indent of a block, found {}", width);
    return true;
}

bool CodeTokeniser::read_token() {
    const char one = peek();
    if (is_letter(one)) return read_word();
    if (is_digit(one)) return read_number();
    if (one == '"') return read_text();
    return read_mark();
}

bool CodeTokeniser::read_text() {
    if (peek(1) == '"' && peek(2) == '"')
        return refuse("code-text", "expected texts in single double quotes, found three");
    size_t size = 1;
    for (; peek(size) != '"'; ++size) {
        const char one = peek(size);
        if (one == '\\') ++size;
        const char next = peek(size);
        if (next < ' ' || next == 0x7F || static_cast<unsigned char>(next) > 0x7F)
            return refuse("code-text", "expected a text of printable ASCII that ends in its line, found byte {:#04x}",
                          static_cast<unsigned>(static_cast<unsigned char>(next)));
    }
    push(Kind::text, size + 1);
    return true;
}

bool CodeTokeniser::read_number() {
    size_t size = 0;
    const auto digits = [&] {
        while (is_digit(peek(size))) ++size;
    };
    digits();
    if (peek(size) == '.') ++size, digits();
    if (peek(size) == 'e' || peek(size) == 'E') {
        const size_t sign = peek(size + 1) == '-' || peek(size + 1) == '+' ? 2 : 1;
        if (is_digit(peek(size + sign))) size += sign, digits();
    }
    if (peek(size) == 'j') ++size;  // a complex one
    if (is_letter(peek(size)) || is_digit(peek(size)) || peek(size) == '.')
        return refuse("code-number", "expected a decimal number, found '{:.20}'", code_.substr(at_, size + 1));
    push(Kind::number, size);
    return true;
}

bool CodeTokeniser::read_word() {
    size_t size = 1;
    while (is_letter(peek(size)) || is_digit(peek(size))) ++size;
    if (peek(size) == '"') return refuse("code-text", "expected a text without a prefix, found one");
    const std::string_view word = code_.substr(at_, size);
    for (const ForbiddenWord &one : kForbiddenWords)
        if (one.word == word) return refuse("code-word", "'{}' is {}, which no scored model needs", word, one.what);
    const bool counts =
        std::find(std::begin(kWordOperators), std::end(kWordOperators), word) != std::end(kWordOperators);
    push(Kind::name, size);
    return !counts || count_operator();
}

bool CodeTokeniser::read_mark() {
    for (const std::string_view mark : kMarks) {
        if (!code_.substr(at_).starts_with(mark)) continue;
        if (!count_mark(mark)) return false;
        push(Kind::mark, mark.size());
        return true;
    }
    const char one = peek();
    if (one == '#') return refuse("code-comment", "expected no comment, found one: the parser reads types in them");
    return refuse("code-byte", "expected printable ASCII that TorchScript uses, found byte {:#04x}",
                  static_cast<unsigned>(static_cast<unsigned char>(one)));
}

bool CodeTokeniser::count_mark(std::string_view mark) {
    const char one = mark[0];
    if (mark == "," || mark == ":") {
        sum_ -= operators_.back();
        operators_.back() = 0;
        return true;
    }
    if (mark == "(" || mark == "[" || mark == "{") {
        closing_.push_back(one == '(' ? ')' : one == '[' ? ']' : '}');
        if (closing_.size() > kScanDepth)
            return refuse("code-nesting", "expected brackets at most {} deep, found more", kScanDepth);
        if (!count_operator()) return false;  // a call, an index or a group
        operators_.push_back(0);
        return true;
    }
    if (mark == ")" || mark == "]" || mark == "}") {
        if (closing_.empty() || closing_.back() != one)
            return refuse("code-brackets", "expected {}, found '{}'",
                          closing_.empty() ? std::string("no closing bracket") : formatted("'{}'", closing_.back()),
                          one);
        closing_.pop_back();
        sum_ -= operators_.back();
        operators_.pop_back();
        return true;
    }
    return mark == "=" || mark == "->" || count_operator();
}

// How deep an expression's tree may be here, if each operator were inside the one before.
bool CodeTokeniser::count_operator() {
    ++operators_.back();
    if (++sum_ <= kMostOperators) return true;
    return refuse("code-nesting", "expected expressions of at most {} operators in each other, found more",
                  kMostOperators);
}

}  // namespace

bool read_tokens(std::string_view file, std::string_view code, std::vector<CodeToken> &out, ScanFindings &findings) {
    out.clear();
    return CodeTokeniser(file, code, out, findings).read();
}

}  // namespace weighbridge::lib

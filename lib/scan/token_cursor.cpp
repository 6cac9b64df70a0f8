// SPDX-License-Identifier: Apache-2.0
#include "scan/token_cursor.hpp"

#include <algorithm>
#include <iterator>

namespace weighbridge::lib {
namespace {

int depth_of(const CodeToken &token) {
    if (token.kind != CodeToken::Kind::mark) return 0;
    if (token.is("(") || token.is("[") || token.is("{")) return 1;
    return token.is(")") || token.is("]") || token.is("}") ? -1 : 0;
}

}  // namespace

CodeTokens TokenCursor::until(std::initializer_list<std::string_view> ends) {
    const size_t first = at_;
    int depth = 0;
    for (; at_ < tokens_.size(); ++at_) {
        const CodeToken &one = tokens_[at_];
        const bool ended = std::any_of(ends.begin(), ends.end(), [&](std::string_view end) { return one.is(end); });
        if (one.kind == CodeToken::Kind::newline || (depth == 0 && ended)) break;
        depth += depth_of(one);
        if (depth < 0) break;
    }
    return tokens_.subspan(first, at_ - first);
}

CodeTokens TokenCursor::block() {
    const size_t first = at_;
    for (int depth = 0; at_ < tokens_.size(); ++at_) {
        if (tokens_[at_].kind == CodeToken::Kind::indent) ++depth;
        if (tokens_[at_].kind == CodeToken::Kind::dedent && depth-- == 0) break;
    }
    return tokens_.subspan(first, at_ - first);
}

size_t closing_of(CodeTokens tokens, size_t open) {
    int depth = 0;
    for (size_t at = open; at < tokens.size(); ++at) {
        depth += depth_of(tokens[at]);
        if (depth == 0) return at;
    }
    return tokens.size();
}

size_t chain_size(CodeTokens tokens) {
    size_t size = 1;
    while (size + 1 < tokens.size() && tokens[size].is(".") && tokens[size + 1].kind == CodeToken::Kind::name)
        size += 2;
    return size;
}

std::string joined(CodeTokens tokens) {
    std::string text;
    for (const CodeToken &one : tokens) text += one.text;
    return text;
}

bool is_keyword(std::string_view word) {
    static constexpr std::string_view kWords[] = {
        "class", "def", "return", "if",  "else",   "for",     "in",   "pass",  "None",  "True",     "False", "and",
        "or",    "not", "is",     "try", "except", "finally", "from", "async", "await", "nonlocal", "elif"};
    return std::find(std::begin(kWords), std::end(kWords), word) != std::end(kWords);
}

}  // namespace weighbridge::lib

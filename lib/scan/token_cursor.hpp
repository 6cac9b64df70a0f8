// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <span>
#include <string>

#include "scan/tokens.hpp"

namespace weighbridge::lib {

using CodeTokens = std::span<const CodeToken>;

// Walks over tokens; behind the last one stands Kind::end.
class TokenCursor {
  public:
    explicit TokenCursor(CodeTokens tokens) : tokens_(tokens) {}

    const CodeToken &peek(size_t ahead = 0) const {
        static constexpr CodeToken kEnd;
        return at_ + ahead < tokens_.size() ? tokens_[at_ + ahead] : kEnd;
    }
    CodeToken next() {
        const CodeToken one = peek();
        at_ += at_ < tokens_.size();
        return one;
    }
    bool take(std::string_view what) {
        const bool there = peek().is(what);
        at_ += there;
        return there;
    }
    bool take(CodeToken::Kind kind) {
        const bool there = peek().kind == kind && at_ < tokens_.size();
        at_ += there;
        return there;
    }
    // The tokens up to one of these at the same depth of brackets, or to the end of the line.
    CodeTokens until(std::initializer_list<std::string_view> ends);
    // Behind an indent: the lines of its block, up to the dedent that ends it.
    CodeTokens block();

  private:
    CodeTokens tokens_;
    size_t at_ = 0;
};

// The place of the bracket that closes the one at `open`; tokens.size() where none does.
size_t closing_of(CodeTokens tokens, size_t open);
// How many tokens "NAME.NAME.NAME" takes, from the first on.
size_t chain_size(CodeTokens tokens);
// The tokens as one text without blanks.
std::string joined(CodeTokens tokens);
// Whether the word is one of Python's, which names nothing.
bool is_keyword(std::string_view word);

}  // namespace weighbridge::lib

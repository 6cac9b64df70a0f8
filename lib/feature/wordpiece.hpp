// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.hpp"
#include "feature/piece_trie.hpp"

namespace weighbridge::lib {

struct WordPieceOptions {
    bool lowercase = true;
    std::optional<bool> strip_accents = {};  // none: as lowercase, which is what BERT's tokeniser does
    bool split_cjk = true;                   // each CJK ideograph is a word of its own
    bool add_special = true;                 // [CLS] ... [SEP]
    bool keep_tail = false;                  // which end survives truncation to max_tokens
};

// BERT's tokeniser: clean-up, NFD and accents, punctuation, then greedy longest match of word pieces. Gives the ids of
// the `tokenizers` package's BertWordPieceTokenizer for the same vocabulary and options; also where a text spells out a
// special token: "[SEP]" in a text is that token, as in training. Immutable and thread-safe.
class WordPiece {
  public:
    // `vocabulary` is the text of vocab.txt: one piece a line, the id is the line; white space at the end of a line
    // does not count, and a blank line takes an id that no text gets. [UNK], [PAD] and, with add_special, [CLS] and
    // [SEP] must be there. WB_INVALID_BUNDLE says what is wrong in which line.
    static Expected<std::shared_ptr<const WordPiece>> make(std::string_view vocabulary, WordPieceOptions options);

    // Memory that repeated calls use again, so that they do not allocate. One thread's at a time; its content says
    // nothing between calls.
    struct Scratch {
        std::string word;
        std::u32string marks;
    };

    // Ids of `text` (valid UTF-8), at most max_tokens, special ones included. Appends to `ids`. max_tokens is at least
    // 2 with add_special, and not negative: [CLS] and [SEP] stay whatever is cut.
    void encode(std::string_view text, int64_t max_tokens, std::vector<int64_t> &ids, Scratch &scratch) const;

    int64_t pad_id() const { return special_[kPad]; }
    int64_t size() const { return size_; }

  private:
    class Pass;
    enum Special : size_t { kPad, kUnknown, kFirst, kLast, kMask, kSpecials };

    WordPiece() = default;

    WordPieceOptions options_;
    int64_t size_ = 0;
    std::array<int64_t, kSpecials> special_{};  // ids, -1 where the vocabulary has no such piece
    PieceTrie heads_;                           // pieces that begin a word
    PieceTrie tails_;                           // pieces that go on in one, less their ##
};

}  // namespace weighbridge::lib

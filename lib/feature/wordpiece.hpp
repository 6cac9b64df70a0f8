// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/expected.hpp"

namespace weighbridge::lib {

struct WordPieceOptions {
    bool lowercase = true;
    bool strip_accents = true;
    bool split_cjk = true;        // each CJK ideograph is a word of its own
    bool add_special = true;      // [CLS] ... [SEP]
    bool keep_tail = false;       // which end survives truncation to max_tokens
};

// BERT's tokeniser: clean-up, NFD and accents, punctuation, then greedy longest match of word pieces. Gives the ids of
// the `tokenizers` package's BertWordPieceTokenizer for the same vocabulary and options.
class WordPiece {
  public:
    // `vocabulary` is the text of vocab.txt: one piece a line, the id is the line. [UNK], [PAD] and, with add_special,
    // [CLS] and [SEP] must be there. WB_INVALID_BUNDLE says what is wrong in which line.
    static Expected<std::shared_ptr<const WordPiece>> make(std::string_view vocabulary, WordPieceOptions options);

    // Ids of `text` (valid UTF-8), at most max_tokens, special ones included. Appends to `ids`; scratch memory is kept by
    // the thread's caller in `scratch` so that repeated calls do not allocate.
    struct Scratch {
        std::u32string normal;
        std::string word;
    };
    void encode(std::string_view text, int64_t max_tokens, std::vector<int64_t> &ids, Scratch &scratch) const;

    int64_t pad_id() const { return pad_; }
    int64_t size() const { return static_cast<int64_t>(pieces_.size()); }

  private:
    WordPieceOptions options_;
    std::vector<std::string> pieces_;
    std::unordered_map<std::string_view, int64_t> ids_;
    int64_t unknown_ = 0, pad_ = 0, first_ = 0, last_ = 0;
};

}  // namespace weighbridge::lib

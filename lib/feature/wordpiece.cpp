// SPDX-License-Identifier: Apache-2.0
#include "feature/wordpiece.hpp"

#include <algorithm>

#include "base/utf8.hpp"
#include "feature/unicode.hpp"

namespace weighbridge::lib {
namespace {

// A longer word is unknown as a whole: the default of the `tokenizers` package, max_input_chars_per_word.
constexpr size_t kLongestWord = 100;
constexpr std::string_view kContinues = "##";
constexpr std::array<std::string_view, 5> kSpellings = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};

enum class Kind : uint8_t { dropped, space, punctuation, other };

struct AsciiTable {
    Kind kind[128];
};

constexpr AsciiTable make_ascii() {
    AsciiTable table{};
    for (int c = 0; c < 128; ++c) {
        const bool letter_or_digit = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
            table.kind[c] = Kind::space;
        else if (c < 0x20 || c == 0x7F)
            table.kind[c] = Kind::dropped;
        else
            table.kind[c] = letter_or_digit ? Kind::other : Kind::punctuation;
    }
    return table;
}
constexpr AsciiTable kAscii = make_ascii();

std::string_view trim_end(std::string_view line) {
    while (!line.empty()) {
        size_t start = line.size() - 1;
        while (start > 0 && (static_cast<uint8_t>(line[start]) & 0xC0) == 0x80) --start;
        size_t position = start;
        if (!unicode::is_space(utf8_next(line, position))) break;
        line = line.substr(0, start);
    }
    return line;
}

}  // namespace

// One text on its way through the tokeniser. Each code point goes through the steps of the package in their order
// (clean_text, handle_chinese_chars, strip_accents, lowercase, split), which gives what whole texts going through them
// one by one would: only canonical ordering looks beyond one code point, and only at marks in a row.
class WordPiece::Pass {
  public:
    Pass(const WordPiece &owner, size_t room, std::vector<int64_t> &ids, Scratch &scratch)
        : owner_(owner), ids_(ids), word_(scratch.word), marks_(scratch.marks), begin_(ids.size()), room_(room) {
        word_.clear();
        marks_.clear();
    }

    void run(std::string_view text) {
        const bool head_only = !owner_.options_.keep_tail;
        for (size_t at = 0; at < text.size();) {
            if (head_only && ids_.size() - begin_ >= room_) break;
            const auto byte = static_cast<uint8_t>(text[at]);
            if (byte >= 0x80) {
                clean(utf8_next(text, at));
            } else if (const size_t length = byte == '[' ? special(text.substr(at)) : 0) {
                at += length;
            } else {
                ++at;
                ascii(byte);
            }
        }
        end_word();
        const size_t count = ids_.size() - begin_;
        if (count <= room_) return;
        const auto begin = ids_.begin() + static_cast<ptrdiff_t>(begin_);
        if (head_only)
            ids_.resize(begin_ + room_);
        else
            ids_.erase(begin, begin + static_cast<ptrdiff_t>(count - room_));
    }

  private:
    // Length of the special token that the text starts with, which parts texts as the package's added tokens do.
    size_t special(std::string_view text) {
        for (size_t i = 0; i < kSpellings.size(); ++i) {
            if (owner_.special_[i] < 0 || !text.starts_with(kSpellings[i])) continue;
            end_word();
            ids_.push_back(owner_.special_[i]);
            return kSpellings[i].size();
        }
        return 0;
    }

    void ascii(uint8_t byte) {
        switch (kAscii.kind[byte]) {
            case Kind::dropped:
                return;
            case Kind::space:
                return end_word();
            case Kind::punctuation:
                end_word();
                append(byte);
                return end_word();
            case Kind::other:
                settle();
                append(owner_.options_.lowercase && byte >= 'A' && byte <= 'Z' ? byte + 0x20u : byte);
        }
    }

    void clean(char32_t point) {
        if (unicode::is_dropped(point)) return;
        if (unicode::is_space(point)) return end_word();
        const bool alone = owner_.options_.split_cjk && unicode::is_ideograph(point);
        if (alone) end_word();
        strip(point);
        if (alone) end_word();
    }

    void strip(char32_t point) {
        if (!owner_.options_.strip_accents.value()) return fold(point, 0);
        const unicode::BaseForm form = unicode::base_form(point);
        for (uint8_t i = 0; i < form.length; ++i) {
            const unicode::Mark mark = unicode::mark(form.points[i]);
            if (!mark.nonspacing)
                fold(form.points[i], mark.order);
            else if (mark.order == 0)
                settle();
        }
    }

    void fold(char32_t point, uint8_t order) {
        char32_t extra = 0;
        if (owner_.options_.lowercase) point = unicode::lower(point, extra);
        if (order) {
            marks_.push_back(static_cast<char32_t>(order) << 24 | point);
            return;
        }
        settle();
        split(point);
        if (extra) split(extra);
    }

    // Hands on the marks that waited for their neighbours: by order, and in order of arrival where that is equal. One
    // walk for each order present, so that no text makes this quadratic.
    void settle() {
        if (marks_.empty()) return;
        for (char32_t order = 0;;) {
            char32_t next = UINT8_MAX + 1;
            for (const char32_t entry : marks_)
                if (entry >> 24 > order) next = std::min<char32_t>(next, entry >> 24);
            if (next > UINT8_MAX) break;
            order = next;
            for (const char32_t entry : marks_)
                if (entry >> 24 == order) split(entry & 0xFFFFFF);
        }
        marks_.clear();
    }

    void split(char32_t point) {
        const bool parts = point < 0x80 ? kAscii.kind[point] == Kind::punctuation : unicode::is_punctuation(point);
        if (parts) match();
        append(point);
        if (parts) match();
    }

    void append(char32_t point) {
        if (++points_ <= kLongestWord) append_utf8(point, word_);
    }

    void end_word() {
        settle();
        match();
    }

    void match() {
        if (points_ == 0) return;
        const size_t start = ids_.size();
        std::string_view rest = word_;
        bool known = points_ <= kLongestWord;
        for (const PieceTrie *trie = &owner_.heads_; known && !rest.empty(); trie = &owner_.tails_) {
            const PieceTrie::Match found = trie->longest(rest);
            known = found.length > 0;
            ids_.push_back(found.id);
            rest.remove_prefix(found.length);
        }
        if (!known) {
            ids_.resize(start);
            ids_.push_back(owner_.special_[kUnknown]);
        }
        word_.clear();
        points_ = 0;
    }

    const WordPiece &owner_;
    std::vector<int64_t> &ids_;
    std::string &word_;      // UTF-8 of the word so far, at most kLongestWord code points
    std::u32string &marks_;  // order << 24 | code point
    const size_t begin_;     // of this text's pieces in ids_
    const size_t room_;      // for them
    size_t points_ = 0;      // code points of the word so far
};

Expected<std::shared_ptr<const WordPiece>> WordPiece::make(std::string_view vocabulary, WordPieceOptions options) {
    using Piece = PieceTrie::Piece;
    if (vocabulary.size() > INT32_MAX)
        return Status::failure(WB_INVALID_BUNDLE, "vocabulary: expected at most {} bytes, got {}", INT32_MAX,
                               vocabulary.size());
    if (const size_t broken = utf8_error(vocabulary); broken != std::string_view::npos) {
        const auto line = 1 + std::ranges::count(vocabulary.substr(0, broken), '\n');
        return Status::failure(WB_INVALID_BUNDLE, "vocabulary line {}: expected UTF-8, got the byte {:#04x}", line,
                               static_cast<uint8_t>(vocabulary[broken]));
    }
    std::vector<Piece> pieces;
    int32_t lines = 0;
    while (!vocabulary.empty()) {
        const size_t end = std::min(vocabulary.find('\n'), vocabulary.size());
        if (const auto piece = trim_end(vocabulary.substr(0, end)); !piece.empty()) pieces.push_back({piece, lines});
        ++lines;
        vocabulary.remove_prefix(std::min(end + 1, vocabulary.size()));
    }
    std::ranges::stable_sort(pieces, {}, &Piece::text);
    const auto twice = std::ranges::adjacent_find(pieces, {}, &Piece::text);
    if (twice != pieces.end())
        return Status::failure(WB_INVALID_BUNDLE,
                               "vocabulary line {}: expected pieces to differ, got that of line {}: '{}'",
                               twice[1].id + 1, twice[0].id + 1, twice[0].text);

    std::shared_ptr<WordPiece> made(new WordPiece);
    made->options_ = options;
    made->options_.strip_accents = options.strip_accents.value_or(options.lowercase);
    made->size_ = lines;
    static_assert(kSpellings.size() == kSpecials);
    for (size_t i = 0; i < kSpecials; ++i) {
        const auto found = std::ranges::lower_bound(pieces, kSpellings[i], {}, &Piece::text);
        const bool there = found != pieces.end() && found->text == kSpellings[i];
        const bool needed = i == kPad || i == kUnknown || (options.add_special && (i == kFirst || i == kLast));
        if (!there && needed)
            return Status::failure(WB_INVALID_BUNDLE, "vocabulary: expected a line '{}', got {} lines without it",
                                   kSpellings[i], lines);
        made->special_[i] = there ? found->id : -1;
    }
    std::vector<Piece> heads, tails;
    for (const Piece &piece : pieces) {
        if (!piece.text.starts_with(kContinues))
            heads.push_back(piece);
        else if (piece.text != kContinues)
            tails.push_back({piece.text.substr(kContinues.size()), piece.id});
    }
    made->heads_ = PieceTrie(heads);
    made->tails_ = PieceTrie(tails);
    return std::shared_ptr<const WordPiece>(std::move(made));
}

void WordPiece::encode(std::string_view text, int64_t max_tokens, std::vector<int64_t> &ids, Scratch &scratch) const {
    const int64_t room = options_.add_special ? max_tokens - 2 : max_tokens;
    if (options_.add_special) ids.push_back(special_[kFirst]);
    Pass(*this, room < 0 ? 0 : static_cast<size_t>(room), ids, scratch).run(text);
    if (options_.add_special) ids.push_back(special_[kLast]);
}

}  // namespace weighbridge::lib

// SPDX-License-Identifier: Apache-2.0
#include "feature/wordpiece.hpp"

#include <string>

#include "feature/unicode.hpp"
#include "support/catch.hpp"

using namespace weighbridge::lib;

namespace {

using Ids = std::vector<int64_t>;

constexpr int64_t kPad = 0, kUnk = 1, kCls = 2, kSep = 3, kMask = 4;
constexpr std::string_view kSpecials = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
constexpr WordPieceOptions kBare{.add_special = false};

std::shared_ptr<const WordPiece> made(std::string_view pieces, WordPieceOptions options = kBare) {
    auto result = WordPiece::make(std::string(kSpecials) + std::string(pieces), options);
    if (!result) FAIL(result.status().message);
    return *result;
}

Ids encoded(const WordPiece &wordpiece, std::string_view text, int64_t max_tokens = 1000) {
    WordPiece::Scratch scratch;
    Ids ids;
    wordpiece.encode(text, max_tokens, ids, scratch);
    return ids;
}

std::string message(std::string_view vocabulary, WordPieceOptions options = {}) {
    const auto result = WordPiece::make(vocabulary, options);
    REQUIRE_FALSE(result);
    CHECK(result.status().code == WB_INVALID_BUNDLE);
    return result.status().message;
}

std::string repeated(std::string_view text, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += text;
    return out;
}

}  // namespace

TEST_CASE("wordpiece: the longest piece wins, then its tails") {
    const auto w = made("pay\npayment\n##s\n##ment\n##m\n");  // 5 ...
    CHECK(encoded(*w, "payment") == Ids{6});
    CHECK(encoded(*w, "payments") == Ids{6, 7});
    CHECK(encoded(*w, "pays pay") == Ids{5, 7, 5});
    CHECK(encoded(*w, "paym") == Ids{5, 9});
}

TEST_CASE("wordpiece: greedy matching does not go back") {
    const auto w = made("ab\na\n##bc\n");
    CHECK(encoded(*w, "abc") == Ids{kUnk});
}

TEST_CASE("wordpiece: a word that cannot be covered is unknown as a whole") {
    const auto w = made("a\n##b\nb\n");
    CHECK(encoded(*w, "abx") == Ids{kUnk});
    CHECK(encoded(*w, "x ab") == Ids{kUnk, 5, 6});
    CHECK(encoded(*w, "ba") == Ids{kUnk});
}

TEST_CASE("wordpiece: no text, no ids") {
    const auto w = made("a\n");
    CHECK(encoded(*w, "").empty());
    CHECK(encoded(*w, " \t\r\n").empty());
    CHECK(encoded(*w, "\u0301\u200B").empty());
}

TEST_CASE("wordpiece: accents go where letters are lowered, unless told") {
    const auto w = [](WordPieceOptions options) {
        options.add_special = false;
        return made("cafe\nCaf\u00E9\nCafe\ncaf\u00E9\n", options);  // 5 ...
    };
    const std::string text = "Caf\u00E9";
    CHECK(encoded(*w({}), text) == Ids{5});
    CHECK(encoded(*w({.lowercase = false}), text) == Ids{6});
    CHECK(encoded(*w({.lowercase = false, .strip_accents = true}), text) == Ids{7});
    CHECK(encoded(*w({.strip_accents = false}), text) == Ids{8});
}

TEST_CASE("wordpiece: special tokens enclose the pieces") {
    const auto w = made("a\n", {});
    CHECK(encoded(*w, "a") == Ids{kCls, 5, kSep});
    CHECK(encoded(*w, "") == Ids{kCls, kSep});
}

TEST_CASE("wordpiece: truncation keeps the special tokens and the wanted end") {
    const std::string pieces = "a\nb\nc\n##d\n";
    const auto head = made(pieces, {}), tail = made(pieces, {.keep_tail = true});
    CHECK(encoded(*head, "a b c", 4) == Ids{kCls, 5, 6, kSep});
    CHECK(encoded(*tail, "a b c", 4) == Ids{kCls, 6, 7, kSep});
    CHECK(encoded(*head, "a b c", 2) == Ids{kCls, kSep});
    CHECK(encoded(*tail, "a b c", 2) == Ids{kCls, kSep});
    CHECK(encoded(*head, "a b c", 5) == Ids{kCls, 5, 6, 7, kSep});
    CHECK(encoded(*head, "addd", 4) == Ids{kCls, 5, 8, kSep});  // inside a word
    CHECK(encoded(*tail, "addd", 4) == Ids{kCls, 8, 8, kSep});
    CHECK(encoded(*made(pieces), "a b c", 2) == Ids{5, 6});
    CHECK(encoded(*made(pieces), "a b c", 0).empty());
    CHECK(encoded(*made(pieces, {.add_special = false, .keep_tail = true}), "a b c", 1) == Ids{7});
}

TEST_CASE("wordpiece: a word unknown at its end is unknown when truncated too") {
    CHECK(encoded(*made("a\n##b\n"), "abbx", 1) == Ids{kUnk});
}

TEST_CASE("wordpiece: appends, and leaves what is there") {
    const auto w = made("a\nb\n", {.add_special = false, .keep_tail = true});
    WordPiece::Scratch scratch;
    Ids ids{77, 78};
    w->encode("a b", 1, ids, scratch);
    w->encode("a", 1, ids, scratch);
    CHECK(ids == Ids{77, 78, 6, 5});
}

TEST_CASE("wordpiece: what an earlier text left in the scratch does not count") {
    const auto w = made("a\n##b\n");
    WordPiece::Scratch scratch;
    scratch.word = "left over";
    scratch.marks = U"left over";
    Ids ids;
    w->encode("ab", 10, ids, scratch);
    CHECK(ids == Ids{5, 6});
}

TEST_CASE("wordpiece: repeated calls do not grow memory") {
    const auto w = made("a\n##a\n\u0915\n", {});
    const std::string text = repeated("aaaa \u0915\u302E\U00016FF0 \u00E9 ", 20);
    WordPiece::Scratch scratch;
    Ids ids;
    w->encode(text, 64, ids, scratch);
    const auto word = scratch.word.capacity(), marks = scratch.marks.capacity(), held = ids.capacity();
    for (int i = 0; i < 10; ++i) {
        ids.clear();
        w->encode(text, 64, ids, scratch);
    }
    CHECK(scratch.word.capacity() == word);
    CHECK(scratch.marks.capacity() == marks);
    CHECK(ids.capacity() == held);
}

TEST_CASE("wordpiece: ASCII punctuation and symbols are words of their own") {
    const auto w = made("a\n$\n+\n#\n_\n~\n!\n`\n##a\n");
    CHECK(encoded(*w, "a$a+#_~!`a") == Ids{5, 6, 5, 7, 8, 9, 10, 11, 12, 5});
    CHECK(encoded(*w, "##a") == Ids{8, 8, 5});
}

TEST_CASE("wordpiece: other punctuation is by category, symbols are letters") {
    const auto w = made("a\n\u00BF\n\u3002\n\u20AC\n##\u20AC\n");
    CHECK(encoded(*w, "a\u00BFa\u3002") == Ids{5, 6, 5, 7});
    CHECK(encoded(*w, "\u20ACa") == Ids{kUnk});
    CHECK(encoded(*w, "a\u20AC") == Ids{5, 9});
}

TEST_CASE("wordpiece: controls vanish, white space parts") {
    const auto w = made("a\n##b\nb\n");
    for (const std::string_view gone : {"\x01", "\x0B", "\x0C", "\x1F", "\x7F", "\u0085", "\u00AD", "\u200B", "\u200D",
                                        "\uFEFF", "\uFFFD", "\uE000", "\U0010FFFD"}) {
        CAPTURE(gone);
        CHECK(encoded(*w, "a" + std::string(gone) + "b") == Ids{5, 6});
    }
    CHECK(encoded(*w, std::string_view("a\0b", 3)) == Ids{5, 6});
    for (const std::string_view space : {" ", "\t", "\n", "\r", "\u00A0", "\u1680", "\u2003", "\u2028", "\u3000"}) {
        CAPTURE(space);
        CHECK(encoded(*w, "a" + std::string(space) + "b") == Ids{5, 7});
    }
}

TEST_CASE("wordpiece: accents and case are two options") {
    const std::string pieces = "e\nE\n\u00E9\n\u00C9\n";
    const auto with = [&](bool lowercase, bool strip) {
        return encoded(*made(pieces, {.lowercase = lowercase, .strip_accents = strip, .add_special = false}), "\u00C9");
    };
    CHECK(with(true, true) == Ids{5});
    CHECK(with(false, true) == Ids{6});
    CHECK(with(true, false) == Ids{7});
    CHECK(with(false, false) == Ids{8});
}

TEST_CASE("wordpiece: a combining mark is stripped, or stays as it was written") {
    const std::string pieces = "e\n##\u0301\n";
    CHECK(encoded(*made(pieces), "e\u0301") == Ids{5});
    CHECK(encoded(*made(pieces, {.strip_accents = false, .add_special = false}), "e\u0301") == Ids{5, 6});
}

TEST_CASE("wordpiece: lower case of a capital I with dot") {
    const std::string pieces = "i\n##\u0307\n";
    CHECK(encoded(*made(pieces), "\u0130") == Ids{5});
    CHECK(encoded(*made(pieces, {.strip_accents = false, .add_special = false}), "\u0130") == Ids{5, 6});
}

TEST_CASE("wordpiece: a final sigma is lowered as any other") {
    CHECK(encoded(*made("\u03BF\n##\u03C3\n##\u03C2\n"), "\u039F\u03A3") == Ids{5, 6});
}

TEST_CASE("wordpiece: ideographs stand alone, hangul and kana do not") {
    const std::string pieces = "\u4E2D\n\u6587\n##\u6587\na\n##\u4E2D\n##a\n";
    CHECK(encoded(*made(pieces), "a\u4E2D\u6587a") == Ids{8, 5, 6, 8});
    CHECK(encoded(*made(pieces, {.split_cjk = false, .add_special = false}), "a\u4E2D\u6587a") == Ids{8, 9, 7, 10});
    CHECK(encoded(*made("\u1112\n##\u1161\n##\u11AB\n"), "\uD55C") == Ids{5, 6, 7});
    CHECK(encoded(*made("\uD55C\n", {.strip_accents = false, .add_special = false}), "\uD55C") == Ids{5});
    CHECK(encoded(*made("\u304B\n##\u306A\n"), "\u304B\u306A") == Ids{5, 6});
}

TEST_CASE("wordpiece: marks that stay are put in canonical order") {
    // U+302E has class 224, U+1D165 class 216; the package takes neither for a nonspacing mark.
    const auto w = made("a\n##\u302E\n##\U0001D165\n");
    CHECK(encoded(*w, "a\u302E\U0001D165") == Ids{5, 7, 6});
    CHECK(encoded(*w, "a\U0001D165\u302E") == Ids{5, 7, 6});
    CHECK(encoded(*w, "a\u302E\u0301\U0001D165") == Ids{5, 7, 6});
    CHECK(encoded(*w, "a\u302E\u034F\U0001D165") == Ids{5, 6, 7});  // U+034F: class 0, nothing passes it
    CHECK(encoded(*w, "a\u302E\u200D\U0001D165") == Ids{5, 7, 6});  // cleaned away before
}

TEST_CASE("wordpiece: a million marks in a row take a moment") {
    const auto w = made("a\n");
    CHECK(encoded(*w, "a" + repeated("\u302E\U0001D165", 500'000)) == Ids{kUnk});
}

TEST_CASE("wordpiece: a word of 100 code points is matched, a longer one is unknown") {
    const auto w = made("a\n##a\n\u0915\n##\u0915\n");
    CHECK(encoded(*w, repeated("a", 100)).size() == 100);
    CHECK(encoded(*w, repeated("a", 101)) == Ids{kUnk});
    CHECK(encoded(*w, repeated("\u0915", 100)).size() == 100);
    CHECK(encoded(*w, repeated("\u0915", 101)) == Ids{kUnk});
    CHECK(encoded(*w, repeated("a\u0301", 100)).size() == 100);  // counted after clean-up
    CHECK(encoded(*w, repeated("a", 100'000) + " a") == Ids{kUnk, 5});
}

TEST_CASE("wordpiece: a special token in the text is that token") {
    const auto w = made("a\n[\n]\nsep\n");
    CHECK(encoded(*w, "a[SEP]a") == Ids{5, kSep, 5});
    CHECK(encoded(*w, "[PAD][UNK][CLS][MASK]") == Ids{kPad, kUnk, kCls, kMask});
    CHECK(encoded(*w, "[[SEP]]") == Ids{6, kSep, 7});
    CHECK(encoded(*w, "[sep]") == Ids{6, 8, 7});
    CHECK(encoded(*w, "[SEP") == Ids{6, 8});
}

TEST_CASE("wordpiece: a special token that the vocabulary lacks is plain text") {
    const auto w = *WordPiece::make("[PAD]\n[UNK]\n[\n]\nmask\n", kBare);
    CHECK(encoded(*w, "[MASK]") == Ids{2, 4, 3});
}

TEST_CASE("wordpiece: lines may end in white space, and the last one without a newline") {
    const auto w = *WordPiece::make("[PAD]\r\n[UNK] \r\n\n\na\u3000\nb", kBare);
    CHECK(w->size() == 6);
    CHECK(w->pad_id() == 0);
    CHECK(encoded(*w, "a b") == Ids{4, 5});
}

TEST_CASE("wordpiece: ids of special tokens are their lines") {
    const auto w = *WordPiece::make("a\n[SEP]\n[CLS]\n[UNK]\n[PAD]\n", {});
    CHECK(w->pad_id() == 4);
    CHECK(encoded(*w, "a x") == Ids{2, 0, 3, 1});
}

TEST_CASE("wordpiece: a piece ## alone matches nothing") { CHECK(encoded(*made("##\na\n"), "a ab") == Ids{6, kUnk}); }

TEST_CASE("wordpiece: a vocabulary that will not do is refused with its line") {
    CHECK(message("") == "vocabulary: expected a line '[PAD]', got 0 lines without it");
    CHECK(message("[PAD]\n") == "vocabulary: expected a line '[UNK]', got 1 lines without it");
    CHECK(message("[PAD]\n[UNK]\n[CLS]\n") == "vocabulary: expected a line '[SEP]', got 3 lines without it");
    CHECK(message("[PAD]\n[UNK]\n[SEP]\n") == "vocabulary: expected a line '[CLS]', got 3 lines without it");
    CHECK(message("[PAD]\n[UNK]\na\nb\na \n") ==
          "vocabulary line 5: expected pieces to differ, got that of line 3: 'a'");
    CHECK(message("[PAD]\n[UNK]\na\xFF\n") == "vocabulary line 3: expected UTF-8, got the byte 0xff");
    CHECK(message("\uFEFF[PAD]\n[UNK]\n") == "vocabulary: expected a line '[PAD]', got 2 lines without it");
}

TEST_CASE("piece trie: the longest of nested pieces, bytes above 127 included") {
    const PieceTrie trie({{"a", 3}, {"ab", 1}, {"abcd", 2}, {"\xC3\xA9", 0}});
    CHECK(trie.longest("abc").length == 2);
    CHECK(trie.longest("abc").id == 1);
    CHECK(trie.longest("abcde").id == 2);
    CHECK(trie.longest("ax").id == 3);
    CHECK(trie.longest("\xC3\xA9").id == 0);
    CHECK(trie.longest("\xC3").length == 0);
    CHECK(trie.longest("b").id == -1);
    CHECK(trie.longest("").length == 0);
    CHECK(PieceTrie().longest("a").length == 0);
    CHECK(PieceTrie(std::vector<PieceTrie::Piece>{}).longest("a").length == 0);
}

TEST_CASE("unicode: runs of every second letter do not touch those between") {
    char32_t extra = 1;
    CHECK(unicode::lower(0x100, extra) == 0x101);
    CHECK(unicode::lower(0x101, extra) == 0x101);
    CHECK(unicode::lower(0x10FFFF, extra) == 0x10FFFF);
    CHECK(extra == 0);
    CHECK(unicode::lower(0x130, extra) == U'i');
    CHECK(extra == 0x307);
}

TEST_CASE("unicode: base forms") {
    CHECK(unicode::base_form(U'a').length == 1);
    CHECK(unicode::base_form(0x1EA4).points[0] == U'A');  // circumflex and acute are gone
    CHECK(unicode::base_form(0x1EA4).length == 1);
    CHECK(unicode::base_form(0x344).length == 0);
    CHECK(unicode::base_form(0xAC00).length == 2);
    CHECK(unicode::base_form(0xD7A3).length == 3);
    CHECK(unicode::base_form(0xD7A3).points[2] == 0x11C2);
    CHECK(unicode::base_form(0xD7A4).points[0] == 0xD7A4);
}

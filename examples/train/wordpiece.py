# SPDX-License-Identifier: Apache-2.0
"""BERT's tokeniser in plain Python, and a small builder of its vocabulary, for the texts of the example payments:
special tokens inside a text and characters newer than this Python are not its matter. The library has its own
tokeniser; the parity tests hold both against the `tokenizers` package."""
import unicodedata
from collections import Counter

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
MOST_WORD_CHARACTERS = 100  # a longer word is [UNK], as in BERT


def build_vocabulary(texts, most: int) -> list[str]:
    """Special tokens, every character both as a word's start and inside it, then the most frequent words."""
    words = Counter()
    for text, times in Counter(texts).items():
        for word in split_words(text):
            words[word] += times
    characters = sorted({c for word in words for c in word})
    pieces = [*SPECIAL, *characters, *("##" + c for c in characters)]
    known = set(pieces)
    frequent = sorted((word for word in words if word not in known), key=lambda word: (-words[word], word))
    return pieces + frequent[: most - len(pieces)]


def split_words(
    text: str, lowercase: bool = True, strip_accents: bool | None = None, split_cjk: bool = True
) -> list[str]:
    """`strip_accents` follows `lowercase` where it is None, as BERT's own tokeniser does."""
    out = []
    for c in text:
        if c in "\0\ufffd" or (_is_control(c) and c not in "\t\n\r"):
            continue
        out.append(f" {c} " if split_cjk and _is_cjk(c) else " " if c.isspace() else c)
    text = "".join(out)
    if lowercase if strip_accents is None else strip_accents:
        text = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
    if lowercase:
        text = text.lower()
    return "".join(f" {c} " if _is_punctuation(c) else c for c in text).split()


def _is_control(c: str) -> bool:
    return unicodedata.category(c) in ("Cc", "Cf", "Cn", "Co")


def _is_cjk(c: str) -> bool:
    p = ord(c)
    return (0x4E00 <= p <= 0x9FFF or 0x3400 <= p <= 0x4DBF or 0x20000 <= p <= 0x2A6DF or 0x2A700 <= p <= 0x2B73F
            or 0x2B740 <= p <= 0x2B81F or 0x2B920 <= p <= 0x2CEAF or 0xF900 <= p <= 0xFAFF or 0x2F800 <= p <= 0x2FA1F)


def _is_punctuation(c: str) -> bool:
    p = ord(c)
    ascii_sign = 33 <= p <= 47 or 58 <= p <= 64 or 91 <= p <= 96 or 123 <= p <= 126
    return ascii_sign or unicodedata.category(c).startswith("P")


class WordPiece:
    def __init__(self, pieces: list[str], step: dict):
        self.ids = {piece: i for i, piece in enumerate(pieces)}
        self.split = {name: step[name] for name in ("lowercase", "strip_accents", "split_cjk") if name in step}
        self.special = step.get("add_special", True)
        self.keep_tail = step.get("keep", "head") == "tail"
        self.most = step["max_tokens"]
        self.pad = self.ids["[PAD]"]
        self._words: dict[str, list[int]] = {}

    def encode(self, text: str) -> list[int]:
        ids = [i for word in split_words(text, **self.split) for i in self._word(word)]
        room = self.most - (2 if self.special else 0)
        if len(ids) > room:
            ids = ids[len(ids) - room :] if self.keep_tail else ids[:room]
        return [self.ids["[CLS]"], *ids, self.ids["[SEP]"]] if self.special else ids

    def _word(self, word: str) -> list[int]:
        if word not in self._words:
            self._words[word] = self._pieces(word)
        return self._words[word]

    def _pieces(self, word: str) -> list[int]:
        """Greedy: the longest piece that fits, again and again; [UNK] for the whole word where none does."""
        ids, begin = [], 0
        while begin < len(word) <= MOST_WORD_CHARACTERS:
            for end in range(len(word), begin, -1):
                piece = self.ids.get(("##" if begin else "") + word[begin:end])
                if piece is not None:
                    break
            else:
                break
            ids.append(piece)
            begin = end
        return ids if begin == len(word) else [self.ids["[UNK]"]]

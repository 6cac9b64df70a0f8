# SPDX-License-Identifier: Apache-2.0
"""WordPiece gives the ids of the `tokenizers` package, text by text and code point by code point."""

import os
import pathlib
import random
import subprocess
import sys

import pytest

tokenizers = pytest.importorskip("tokenizers")

BUILD = pathlib.Path(os.environ.get("WB_BUILD_DIR", "build/release"))
DRIVER = BUILD / "tests" / "wordpiece_ids"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
UNLIMITED = 1 << 40

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
EMOJI = ["\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f44d\U0001f3fd", "\u2764\ufe0f\u200d\U0001f525",
         "\U0001f1eb\U0001f1f7", "1\ufe0f\u20e3", "\U0001fae8", "\U0001f3f4\U000e0067\U000e0062\U000e007f"]  # fmt: skip
ODD = "\x00\ufffd\ufeff\u200b\u200d\u00ad\u061c\u180e\ufffe\uffff\U0001ffff\ue000\U000f0000\U0010ffff\u0378\ufdd0\u2581"
SPACES = " \t\n\r\x0b\x0c\x1c\x1f\x85\u00a0\u1680\u2000\u2003\u200a\u2028\u2029\u202f\u205f\u3000"
# Marks of many combining classes; those that the package does not take for nonspacing are kept and put in order.
MARKS = "\u0300\u0301\u0307\u0308\u031b\u0323\u0327\u0338\u0345\u034f\u05b0\u0651\u093c\u094d\u0e38\u1dce\u1dfa\u20d0"
MARKS += "\u302a\u302e\u302f\u08d3\u08e2\u1ab0\u1abf\u1ac0\u1ac5\u1dc0\u1df6\ua67c\U0001d165\U0001d16d"
MARKS += "\U00016ff0\U00010efd"
BLOCKS = [(0x20, 0x7E), (0xA1, 0x17F), (0x180, 0x24F), (0x370, 0x3FF), (0x400, 0x52F), (0x5D0, 0x5F4), (0x600, 0x6FF),
          (0x900, 0x97F), (0xB80, 0xCFF), (0xE01, 0xE5B), (0x10A0, 0x10FF), (0x1100, 0x11FF), (0x13A0, 0x13FF),
          (0x1C80, 0x1CBF), (0x1E00, 0x1FFF), (0x2010, 0x206F), (0x20A0, 0x20BF), (0x2100, 0x214F), (0x2C00, 0x2E7F),
          (0x3001, 0x30FF), (0x4E00, 0x4F00), (0xA640, 0xA7FF), (0xAC00, 0xD7A3), (0xF900, 0xFAFF), (0xFB1D, 0xFDFF),
          (0xFE10, 0xFE6F), (0xFF01, 0xFFEE), (0x10400, 0x1044F), (0x118A0, 0x118DF), (0x11080, 0x110CF),
          (0x1E900, 0x1E943), (0x1F300, 0x1F6FF), (0x20000, 0x20100), (0x2F800, 0x2FA1D)]  # fmt: skip


def word(rng):
    kind = rng.randrange(12)
    if kind < 4:
        return "".join(rng.choices(LETTERS, k=rng.randint(1, 12)))
    if kind == 4:
        return "".join(rng.choices("0123456789.,-/*#&$", k=rng.randint(1, 10)))
    if kind == 5:
        return "".join(c + "".join(rng.choices(MARKS, k=rng.randint(0, 5))) for c in rng.choices(LETTERS, k=4))
    if kind == 6:
        return rng.choice(EMOJI)
    if kind == 7:
        return "".join(rng.choices(ODD + SPACES + LETTERS, k=rng.randint(1, 6)))
    if kind == 8 and rng.random() < 0.2:
        return rng.choice(["a", "\u00e9", "\u0915", "\u302e"]) * rng.choice([99, 100, 101, 102, 250])
    if kind == 9 and rng.random() < 0.3:
        return rng.choice(SPECIAL + ["[cls]", "[[SEP]", "[SEP]]", "[unused1]", "##a", "[PA\u0301D]"])
    first, last = rng.choice(BLOCKS)
    return "".join(chr(rng.randint(first, last)) for _ in range(rng.randint(1, 8)))


def any_code_point(rng):
    point = rng.randrange(0x110000 - 0x800)
    return chr(point if point < 0xD800 else point + 0x800)


def corpus(rng, count):
    texts = ["", " ", "\u0301", "[CLS]", "\u0130stanbul \u039f\u0394\u039f\u03a3", "\u1e9e\u00df", "\u0344\u1fef\u037e"]
    while len(texts) < count:
        if rng.random() < 0.1:
            texts.append("".join(any_code_point(rng) for _ in range(rng.randint(1, 12))))
        else:
            texts.append("".join(word(rng) + rng.choice(SPACES[:1] * 8 + SPACES) * rng.randint(0, 2)
                                 for _ in range(rng.randint(1, 12))))  # fmt: skip
    return texts


def vocabulary(rng, texts):
    """Special tokens, most of the corpus's characters as head and as tail, and some longer pieces of its words."""
    pieces = set()
    for lower in (False, True):
        for strip in (False, True):
            normal = tokenizers.normalizers.BertNormalizer(lowercase=lower, strip_accents=strip).normalize_str
            for text in texts:
                for part in normal(text).split():
                    pieces.update(p for c in part for p in (c, "##" + c))
                    start = rng.randrange(len(part))
                    piece = part[start : start + rng.randint(2, 6)]
                    pieces.add("##" + piece if start else piece)
    kept = [p for p in sorted(pieces) if p == p.strip() and rng.random() < 0.93 and p not in SPECIAL]
    rng.shuffle(kept)
    return kept[: len(kept) // 2] + SPECIAL + kept[len(kept) // 2 :]


def package(path, flags):
    made = tokenizers.BertWordPieceTokenizer(
        tokenizers.models.WordPiece.read_file(str(path)),
        clean_text=True,
        handle_chinese_chars="c" in flags,
        strip_accents=None if "d" in flags else "a" in flags,
        lowercase="l" in flags,
    )
    return made._tokenizer


def package_ids(tokenizer, texts, flags, max_tokens=None):
    if max_tokens is not None:
        tokenizer.enable_truncation(max_tokens, direction="left" if "t" in flags else "right")
    return [e.ids for e in tokenizer.encode_batch(texts, add_special_tokens="s" in flags)]


def our_ids(path, texts, flags, max_tokens=UNLIMITED):
    encoded = [t.encode("utf-8") for t in texts]
    done = subprocess.run(
        [str(DRIVER), str(path), flags, str(max_tokens)],
        input=b"".join(b"%d\n" % len(t) + t for t in encoded),
        stdout=subprocess.PIPE,
        check=True,
    )
    lines = done.stdout.decode("ascii").split("\n")[:-1]
    return [[int(n) for n in line.split()] for line in lines]


def compare(texts, expected, found):
    assert len(found) == len(expected)
    for text, want, have in zip(texts, expected, found):
        assert have == want, f"text {ascii(text)}"


@pytest.fixture(scope="module", autouse=True)
def driver():
    if not DRIVER.is_file():
        pytest.skip(f"{DRIVER} is not built (WB_BUILD_DIR names the build folder)")


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    rng = random.Random(20240611)
    texts = corpus(rng, 10_000)
    path = tmp_path_factory.mktemp("wordpiece") / "vocab.txt"
    path.write_bytes("".join(p + "\n" for p in vocabulary(rng, texts)).encode("utf-8"))
    return texts, path


@pytest.mark.parametrize("flags", ["lacs", "acs", "lcs", "las", "cs", "ls", "lac", "", "ldcs", "dcs"])
def test_ids_of_10000_texts(sample, flags):
    texts, path = sample
    expected = package_ids(package(path, flags), texts, flags)
    unknown = path.read_text(encoding="utf-8").split("\n").index("[UNK]")
    known = sum(i != unknown for ids in expected for i in ids)
    assert known > 0.5 * sum(map(len, expected))  # or the comparison says little
    compare(texts, expected, our_ids(path, texts, flags))


@pytest.mark.parametrize("flags", ["lacs", "lacst", "lac", "lact"])
@pytest.mark.parametrize("max_tokens", [2, 3, 16])
def test_truncation(sample, flags, max_tokens):
    texts, path = sample
    texts = texts[:2000]
    expected = package_ids(package(path, flags), texts, flags, max_tokens)
    compare(texts, expected, our_ids(path, texts, flags, max_tokens))


@pytest.mark.parametrize("flags", ["la", "lac", "a", "l", ""])
def test_every_code_point(tmp_path, flags):
    """Each code point between two letters, against a vocabulary that tells all characters apart."""
    points = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
    assigned = [chr(c) for c in points if c < 0x40000 or 0xE0000 <= c < 0xE1000]
    pieces = [p + c for c in assigned for p in ("", "##") if not c.isspace() and c not in "\x1c\x1d\x1e\x1f\x85"]
    path = tmp_path / "vocab.txt"
    path.write_bytes("\n".join(SPECIAL + pieces).encode("utf-8"))
    texts = [" ".join(f"a{chr(c)}b" for c in points[i : i + 128]) for i in range(0, len(points), 128)]
    compare(texts, package_ids(package(path, flags), texts, flags), our_ids(path, texts, flags))


def test_tables_are_the_packages(tmp_path):
    """The committed tables were made with this version of the package, or one that answers alike."""
    script = pathlib.Path(__file__).resolve().parents[2] / "cmake" / "generate_unicode.py"
    tables = script.parents[1] / "lib" / "feature" / "unicode_tables.inc"
    made_with = tables.read_text(encoding="utf-8").split("\n")[1].split()[6].rstrip(";")
    if made_with != tokenizers.__version__:
        pytest.skip(f"tables are of tokenizers {made_with}, {tokenizers.__version__} is installed")
    subprocess.run([sys.executable, str(script), "--check"], check=True)

# SPDX-License-Identifier: Apache-2.0
"""Writes lib/feature/unicode_tables.inc: what the `tokenizers` package does to each code point.

The package mixes Unicode versions (categories are older than case and decomposition), so that no single version of the
Unicode database gives its ids. This script asks the package itself about all code points, one by one.

    python cmake/generate_unicode.py            rewrites the tables
    python cmake/generate_unicode.py --check    ends with 1 where the committed tables are others
"""

import argparse
import pathlib
import sys
import unicodedata

import tokenizers
from tokenizers import normalizers, pre_tokenizers

TABLES = pathlib.Path(__file__).resolve().parent.parent / "lib" / "feature" / "unicode_tables.inc"
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
HANGUL = range(0xAC00, 0xD7A4)  # decomposed by arithmetic, The Unicode Standard, section 3.12


def bert(**wanted):
    steps = {"clean_text": False, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False}
    return normalizers.BertNormalizer(**(steps | wanted)).normalize_str


def ranges(points):
    """[first, last] of each run of neighbours."""
    out = []
    for point in points:
        if out and out[-1][1] == point - 1:
            out[-1][1] = point
        else:
            out.append([point, point])
    return out


def hangul(point):
    index = point - HANGUL.start
    parts = [0x1100 + index // 588, 0x1161 + index % 588 // 28]
    return "".join(map(chr, parts + ([0x11A7 + index % 28] if index % 28 else [])))


def combining_orders(nfd, decomposed):
    """Canonical combining class of each code point, as the package's NFD sorts by it."""
    known = {}
    for point in CODE_POINTS:
        order = unicodedata.combining(chr(point))
        if order and point not in decomposed and nfd(chr(point) + "\u0334\u0345") != chr(point) + "\u0334\u0345":
            known.setdefault(order, chr(point))
    known |= {1: "\u0334", 240: "\u0345"}  # the least and the greatest class
    orders = {}
    for point in CODE_POINTS:
        text = chr(point)
        if point in decomposed or point in HANGUL:
            continue
        if nfd(text + known[1]) == text + known[1] and nfd(known[240] + text) == known[240] + text:
            if text not in (known[1], known[240]):
                continue
        same = [o for o, k in known.items() if nfd(text + k) == text + k and nfd(k + text) == k + text]
        assert len(same) == 1, f"U+{point:04X}: classes {same}"
        orders[point] = same[0]
    return orders


def read_package():
    clean, strip, ideograph = bert(clean_text=True), bert(strip_accents=True), bert(handle_chinese_chars=True)
    lower, nfd = bert(lowercase=True), normalizers.NFD().normalize_str
    split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    table = {name: [] for name in ("dropped", "spaces", "ideographs", "punctuation", "nonspacing")}
    lowered, decomposed = {}, {}
    for point in CODE_POINTS:
        text = chr(point)
        cleaned, words = clean(text), len(split(f"a{text}a"))
        if not cleaned:
            table["dropped"].append(point)
        if words == 2:
            table["spaces"].append(point)
        assert cleaned in ("", " " if words == 2 else text)
        if words == 3:
            table["punctuation"].append(point)
        if ideograph(text) != text:
            assert ideograph(text) == f" {text} "
            table["ideographs"].append(point)
        if lower(text) != text:
            lowered[point] = lower(text)
        if point in HANGUL:
            assert nfd(text) == hangul(point) == strip(text)
        elif nfd(text) != text:
            decomposed[point] = nfd(text)
        elif not strip(text):
            table["nonspacing"].append(point)
        else:
            assert strip(text) == text
    assert lowered.pop(0x130) == "i\u0307"  # the one that grows; unicode.cpp knows it
    return table, {k: ord(v) for k, v in lowered.items()}, decomposed, combining_orders(nfd, decomposed)


def marks(nonspacing, orders):
    """Runs of (first, last, order, dropped). Of a dropped mark only whether its class is zero matters: zero stops the
    reordering of the marks around it; 255 stands for another."""
    out = []
    for point in sorted(set(nonspacing) | set(orders)):
        dropped = int(point in nonspacing)
        order = (255 if orders.get(point) else 0) if dropped else orders[point]
        if out and out[-1][1] == point - 1 and out[-1][2:] == [order, dropped]:
            out[-1][1] = point
        else:
            out.append([point, point, order, dropped])
    return out


def case_runs(lowered):
    """Runs of (first, last, step, target of first): every step-th code point moves by the same distance."""
    out = []
    for point, to in sorted(lowered.items()):
        run = out[-1] if out else None
        if run and to - point == run[3] - run[0]:
            gap = point - run[1]
            if gap == run[2] or (run[0] == run[1] and gap in (1, 2)):
                run[1], run[2] = point, gap
                continue
        out.append([point, point, 1, to])
    return out


def base_forms(decomposed, nonspacing, orders):
    """Decompositions in full, less the marks that are dropped anyway and let others pass."""
    out = []
    for point, text in sorted(decomposed.items()):
        kept = [ord(c) for c in text if ord(c) not in nonspacing or not orders.get(ord(c))]
        assert len(kept) <= 3
        out.append([point] + kept + [0] * (3 - len(kept)))
    return out


def array(kind, name, rows):
    out, line = [f"constexpr {kind} {name}[] = {{"], "   "
    for row in rows:
        item = " {" + ", ".join(str(n) if n < 10 or name == "kMarks" and i > 1 else f"0x{n:X}" for i, n in enumerate(row)) + "},"
        if len(line) + len(item) > 120:
            out.append(line)
            line = "   "
        line += item
    return "\n".join(out + [line, "};"])


def render():
    table, lowered, decomposed, orders = read_package()
    nonspacing = set(table["nonspacing"])
    parts = [
        "// SPDX-License-Identifier: Apache-2.0",
        f"// Written by cmake/generate_unicode.py from tokenizers {tokenizers.__version__}; do not edit.",
        array("Range", "kDropped", ranges(table["dropped"])),
        array("Range", "kSpaces", ranges(table["spaces"])),
        array("Range", "kIdeographs", ranges(table["ideographs"])),
        array("Range", "kPunctuation", ranges(table["punctuation"])),
        array("MarkRange", "kMarks", marks(nonspacing, orders)),
        array("CaseRange", "kLower", case_runs(lowered)),
        array("BaseFormRow", "kBaseForms", base_forms(decomposed, nonspacing, orders)),
    ]
    return "\n".join(parts) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = parser.parse_args().check
    wanted = render()
    if check:
        return int(not TABLES.is_file() or TABLES.read_text(encoding="utf-8") != wanted)
    TABLES.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""What `score`, `bench`, `verify`, `inspect` and `version` print for people: tables, aligned, units in the head."""
import re

import pytest
from test_cli import SCORE, bundle, bundles, csv_of, pytestmark, run, score, write  # noqa: F401


def printed(text):
    """The value under each head; numbers end where their head ends, texts begin where it begins."""
    found, lines = {}, text.splitlines()
    for head, values in zip(lines, lines[1:]):
        for match in re.finditer(r"\S+(?: \S+)*", head):
            begin, end = match.span()
            cell = re.match(r"\S+(?: \S+)*", values[begin:])
            before = re.search(r"\S+$", values[:end])
            if cell and (begin == 0 or values[begin - 1:begin] == " "):
                found.setdefault(match.group(), cell.group())
            elif before and values[end:end + 1] in ("", " "):
                found.setdefault(match.group(), before.group())
    return found


def assert_tidy(text):
    assert text.strip() and "\t" not in text
    for line in text.splitlines():
        assert line == line.rstrip() and len(line) <= 120
        assert not re.match(r"[a-z_.]+: ", line), "a line of key: value"


def test_score_prints_tables_to_a_pipe(bundle, tmp_path):
    source = write(tmp_path / "in.csv", csv_of(12000))
    text = score(bundle, source, tmp_path / "out.csv", *SCORE).stdout
    assert_tidy(text)
    values = printed(text)
    assert values["rows"] == values["scored"] == values["labelled"] == "12,000" and values["rejected"] == "0"
    assert " native " in text.replace("\n", " ") and "time [s]" in values and "payments/s" in values
    assert "latency [us]" in text and values["of"] == "a payment" and float(values["p50"].replace(",", "")) > 0
    assert 0 <= float(values["AUC"]) <= 1 and values["band"] == "approve"


def test_bench_prints_tables(bundle):
    text = run("bench", bundle, "--seconds", "0.05", "--warm-up", "0.01").stdout
    assert_tidy(text)
    assert "latency [us]" in text and {"p50", "p99.9", "max", "rows/s"} <= printed(text).keys()


@pytest.mark.parametrize("verb", ["verify", "inspect"])
def test_verify_and_inspect_print_tables(bundle, verb):
    text = run(verb, bundle).stdout
    assert_tidy(text)
    if verb == "verify":
        values = printed(text)
        assert values["verified"] == "yes" and values["vectors"] == "16" and "largest difference" in text
    else:
        assert "amount_minor" in text and "model.plan" in text and "{" not in text


def test_version_prints_tables():
    assert_tidy(run("version").stdout)

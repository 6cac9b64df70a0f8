# SPDX-License-Identifier: Apache-2.0
"""One value in every form that a file can write it in, and one answer: the tensors of CSV cells beside those of JSON.
tests/unit/feature/one_value_test.cpp does the same for rows and Arrow columns."""
import csv
import io
import json
import os
import pathlib
import shutil
import subprocess

import pytest

BUILD = pathlib.Path(os.environ.get("WB_BUILD_DIR", "build/release")).resolve()
COMMAND = BUILD / "bin" / "weighbridge"
MAKE_FIXTURE = BUILD / "tests" / "make_fixture"

pytestmark = pytest.mark.skipif(not COMMAND.exists() or not MAKE_FIXTURE.exists(), reason="the build is not there")

TRUNCATE = {"op": "truncate", "keep": "tail"}
KEYS = ["a", "a;b", "a\\b", ";", "c"]
FEATURES = [
    {"name": "i", "type": "int64", "missing": {"default": 0}},
    {"name": "f", "type": "float32", "missing": {"default": 0}, "range": [-1e9, 1e38]},
    {"name": "d", "type": "float64", "missing": {"default": 0}},
    {"name": "flag", "type": "bool", "missing": {"default": False}},
    {"name": "at", "type": "timestamp", "unit": "ms", "missing": {"default": 0}},
    {"name": "n", "type": "sequence", "of": "int64", "missing": {"default": []}, "encoding": [TRUNCATE]},
    {"name": "when", "type": "sequence", "of": "timestamp", "unit": "ms", "missing": {"default": []}, "encoding": [TRUNCATE]},
    {"name": "key", "type": "sequence", "of": "category", "missing": {"default": []},
     "encoding": [TRUNCATE, {"op": "vocabulary", "values": KEYS, "unknown": "zero"}]},
]
SEQUENCES = ["n", "when", "key"]  # each in a bundle of its own: the sequences of a row have one length


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    """The fixture bundle with other features, by the name of the sequence, or "": only their schemas are used."""
    made = tmp_path_factory.mktemp("values")
    subprocess.run([MAKE_FIXTURE, made / "all"], check=True)
    for sequence in ["", *SEQUENCES]:
        folder = shutil.copytree(made / "all" / "mlp", made / f"bundle{sequence}")
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["features"] = [feature for feature in FEATURES if feature["name"] not in SEQUENCES or feature["name"] == sequence]
        manifest["tensors"] = [{"name": feature["name"], "dtype": "float64", "features": [feature["name"]],
                                "shape": ["batch", "length"] if feature["name"] == sequence else ["batch"]}
                               for feature in manifest["features"]]
        manifest["limits"] = {"rows": 16, "length": 3}
        (folder / "manifest.json").write_text(json.dumps(manifest))
    return made


def encode(bundles, suffix, text, name=""):
    """The tensors of the one payment, or why it was refused."""
    bundle = bundles / f"bundle{name if name in SEQUENCES else ''}"
    source = bundles / f"in.{suffix}"
    source.write_bytes(text if isinstance(text, bytes) else text.encode())
    done = subprocess.run([COMMAND, "encode", bundle, "--input", source, *(["--allow-missing"] if suffix == "csv" else [])],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, 3), done.stderr
    if done.returncode == 3:
        return json.loads(done.stderr.splitlines()[0])["reason"]
    return json.loads(done.stdout)["tensors"]


def cell(bundles, name, text):
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL).writerow([text])
    return encode(bundles, "csv", f"{name}\n{line.getvalue()}", name)


def member(bundles, name, text):
    return encode(bundles, "ndjson", f'{{"{name}": {text}}}\n', name)


@pytest.mark.parametrize("name, cells, values", [
    ("i", ["1000", "+1000", "0001000", "1e3", "1000.0", "1000.", "10000e-1"], ["1000", "1e3", "1000.0"]),
    ("i", ["-9223372036854775808"], ["-9223372036854775808", "-9223372036854775808.0"]),
    ("f", ["1.00000005960464477540", "1.00000005960464477540e+00"], ["1.00000005960464477540"]),
    ("f", ["1e-46", "0", ".0", "0."], ["1e-46", "0", "1e-400"]),
    ("f", ["9007199791611905"], ["9007199791611905"]),
    ("f", ["1e38"], ["1e38", "100000000000000000000000000000000000000"]),
    ("d", [".5", "0.5", "5e-1", "+.5", "00.50"], ["0.5", "5e-1"]),
    ("d", ["9007199254740993"], ["9007199254740993", "9007199254740992"]),
    ("d", ["18446744073709551615"], ["18446744073709551615"]),
    ("flag", ["1", "true", "True", "TRUE", "1.0"], ["true", "1", "1.0"]),
    ("flag", ["0", "false", "False", "FALSE", "0.0"], ["false", "0"]),
    ("at", ["1793491200000", "1.7934912e12", "2026-11-01T00:00:00Z", "2026-11-01t00:00:00z", "2026-11-01 00:00:00+00:00",
            "2026-11-01 01:00:00.000+0100", "2026-11-01 00:00:00+00"],
     ["1793491200000", '"2026-11-01T00:00:00Z"', '"2026-11-01 00:00:00+00:00"']),
    ("n", ["1;2;3", "1.0;2e0;+3"], ["[1, 2, 3]", "[1.0, 2, 3]"]),
    ("n", ["nan;1;2;3", ";1;2;3", "x;1;2;3", "1e400;1;2;3"], ["[null, 1, 2, 3]", '["NaN", 1, 2, 3]', "[9, 1, 2, 3]"]),
    ("when", ["1970-01-01T00:00:01Z;1000;1970-01-01 00:00:01+00:00"], ['[1000, "1970-01-01t00:00:01z", 1000]']),
    ("key", ["a;a\\;b;a\\b", "a;a\\;b;a\\\\b"], ['["a", "a;b", "a\\\\b"]']),
    ("key", ["\\;;;c"], ['[";", "", "c"]']),
    ("key", ["none;a;;c"], ['["none", "a", "", "c"]', '[null, "a", "", "c"]']),
    ("key", [""], ["[]"]),
])
def test_one_value_has_one_answer_in_csv_and_json(bundles, name, cells, values):
    answers = {f"cell {text}": cell(bundles, name, text) for text in cells}
    answers |= {f"JSON {text}": member(bundles, name, text) for text in values}
    assert all(isinstance(answer, dict) for answer in answers.values()), answers
    wanted = next(iter(answers.values()))
    assert all(answer == wanted for answer in answers.values()), answers


@pytest.mark.parametrize("name, text, value, reason", [
    ("i", "12.5", "12.5", "feature 'i': expected int64, got 12.5"),
    ("i", "1e19", "1e19", "feature 'i': expected int64, got 1e19"),
    ("i", " 1", '" 1"', "feature 'i': expected int64, got \" 1\""),
    ("i", "1_000", '"1_000"', "feature 'i': expected int64, got \"1_000\""),
    ("f", "1e39", "1e39", "feature 'f': expected float32, got 1e39"),
    ("f", "NaN", '"NaN"', "feature 'f': expected finite float32 in [-1000000000, 1e+38], got NaN"),
    ("d", "inf", '"Infinity"', "feature 'd': expected finite float64, got inf"),
    ("flag", "yes", '"yes"', "feature 'flag': expected bool, got \"yes\"; write true or false"),
    ("flag", "2", "2", "feature 'flag': expected bool, got 2"),
    ("at", "2026-11-01 00:00:00", '"2026-11-01 00:00:00"', "feature 'at': expected an integer or RFC 3339 with an offset "
     "(2026-11-01T12:30:00Z), got 2026-11-01 00:00:00"),
    ("at", "2016-12-31T23:59:60Z", '"2016-12-31T23:59:60Z"', "feature 'at': expected seconds up to 59 (a leap second has no "
     "number: write the second before), got 2016-12-31T23:59:60Z"),
    ("d", "1,5", '"1,5"', "feature 'd': expected float64, got \"1,5\"; write a point, and nothing between thousands"),
    ("n", "1;2.5", "[1, 2.5]", "feature 'n': expected sequence of int64, got 2.5 in its array"),
])
def test_what_is_refused_is_refused_in_the_same_words(bundles, name, text, value, reason):
    assert cell(bundles, name, text) == reason
    assert member(bundles, name, value) == reason


def test_a_frame_as_pandas_writes_it_is_read(bundles):
    """Index column, True and False, times with a blank, integers with a missing value as floats."""
    text = ",i,flag,at\n0,12.0,True,2026-11-01 00:00:00+00:00\n"
    plain = '{"i": 12, "flag": true, "at": 1793491200000}\n'
    assert encode(bundles, "csv", text) == encode(bundles, "ndjson", plain)
    source = bundles / "late.csv"
    source.write_text("i,,flag\n1,0,True\n")
    done = subprocess.run([COMMAND, "encode", bundles / "bundle", "--input", source, "--allow-missing"], capture_output=True, text=True)
    assert done.returncode == 1 and "not features" in done.stderr


@pytest.mark.parametrize("name", ["i", "f", "d", "flag", "at"])
def test_a_quoted_empty_cell_of_a_number_is_missing(bundles, name):
    """As pandas writes NaN with QUOTE_ALL."""
    other = "d" if name != "d" else "f"
    plain = encode(bundles, "ndjson", f'{{"{other}": 1}}\n')
    for empty in ("", '""'):
        assert encode(bundles, "csv", f'"{name}","{other}"\n{empty},"1"\n') == plain


def test_a_quoted_empty_cell_of_a_sequence_is_an_empty_one(bundles):
    for name in ("n", "when", "key"):
        assert encode(bundles, "csv", f'{name},i\n"",1\n', name) == encode(bundles, "ndjson", f'{{"{name}": [], "i": 1}}\n', name)


def test_bytes_that_are_no_text_are_shown_as_such(bundles):
    assert "expected int64, got \"\ufffd\"" in encode(bundles, "csv", b"i\n\xff\n")

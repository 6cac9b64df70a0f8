# SPDX-License-Identifier: Apache-2.0
"""A model whose numbers overflow: `score` goes on, the fallback answers those rows, and no JSON holds nan or inf."""
import csv
import io
import json
import os
import pathlib
import subprocess

import pytest

BUILD = pathlib.Path(os.environ.get("WB_BUILD_DIR", "build/release")).resolve()
COMMAND = BUILD / "bin" / "weighbridge"
MAKE_FIXTURE = BUILD / "tests" / "make_fixture"

pytestmark = pytest.mark.skipif(not COMMAND.exists() or not MAKE_FIXTURE.exists(), reason="the build is not there")

# mlp-steep weighs age_days by -16 and extra by 4: 3.4e38 overflows.
ROWS = [("2", "1"), ("3.4e38", "0"), ("0", "3.4e38"), ("3.4e38", "3.4e38"), ("1", "0")]
OVERFLOWS = [False, True, True, True, False]


def strict(text):
    def refuse(constant):
        raise AssertionError(f"{constant} in JSON: {text}")

    return json.loads(text, parse_constant=refuse)


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    directory = tmp_path_factory.mktemp("bundles") / "made"
    subprocess.run([MAKE_FIXTURE, directory], check=True)
    return directory


def payments(repeat=1):
    lines = [f"1250,{age},{extra},FR,1\n" for _ in range(repeat) for age, extra in ROWS]
    return "amount_minor,age_days,extra,country,online\n" + "".join(lines)


def run(*arguments, stdin, code=0):
    done = subprocess.run([COMMAND, *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stderr
    return done.stdout


@pytest.mark.parametrize("more", [(), ("--batch", "4"), ("--batch", "1000")])
def test_score_goes_on_and_the_fallback_answers(bundles, tmp_path, more):
    out = tmp_path / "scores.ndjson"
    source = tmp_path / "payments.csv"
    source.write_text(payments(200))
    report = strict(run("score", bundles / "mlp-steep", "--input", source, "--output", out, "--json", *more, stdin=""))
    answers = [strict(line) for line in out.read_text().splitlines()]
    assert len(answers) == 1000
    for i, answer in enumerate(answers):
        overflows = OVERFLOWS[i % len(ROWS)]
        assert answer["answer"] == ("fallback" if overflows else "model")
        assert answer.get("reason") == ("backend" if overflows else None)
        assert answer["band"] and 0 <= answer["score"] <= 1 and 0 <= answer["probability"] <= 1
        if overflows:
            assert answer["score"] == 0.75
    assert report["rows"] == report["scored"] == 1000 and report["rejected"] == 0
    assert report["fallbacks"]["backend"] == 600


def test_csv_holds_no_nan_either(bundles, tmp_path):
    out = tmp_path / "scores.csv"
    source = tmp_path / "payments.csv"
    source.write_text(payments())
    run("score", bundles / "mlp-steep", "--input", source, "--output", out, stdin="")
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    assert [row["answer"] for row in rows] == ["fallback" if over else "model" for over in OVERFLOWS]
    assert all(row["score"] not in ("nan", "inf", "-inf") for row in rows)

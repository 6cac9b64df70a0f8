# SPDX-License-Identifier: Apache-2.0
"""The `weighbridge` command, run as a user runs it, on the fixture bundles."""
import csv
import hashlib
import json
import math
import os
import pathlib
import signal
import subprocess

import pytest

BUILD = pathlib.Path(os.environ.get("WB_BUILD_DIR", "build/release")).resolve()
COMMAND = BUILD / "bin" / "weighbridge"
MAKE_FIXTURE = BUILD / "tests" / "make_fixture"

pytestmark = pytest.mark.skipif(not COMMAND.exists() or not MAKE_FIXTURE.exists(), reason="the build is not there")

HEADER = "id,amount_minor,age_days,country,online,fraud\n"
BY_COUNTRY = {"FR": 0.5, "DE": -0.5, "IT": 0.25}


def expected(amount, age, country, online):
    logit = 0.5 * math.log1p(amount / 100) - 0.25 * age + BY_COUNTRY.get(country, 0.125) + (1 if online else 0)
    return 1 / (1 + math.exp(-logit))


@pytest.fixture(scope="session")
def bundles(tmp_path_factory):
    directory = tmp_path_factory.mktemp("bundles") / "made"
    subprocess.run([MAKE_FIXTURE, directory], check=True)
    return directory


@pytest.fixture
def bundle(bundles):
    return bundles / "mlp"


def run(*arguments, code=0, stdin=None):
    done = subprocess.run([COMMAND, *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stderr
    if code in (1, 2):
        assert done.stderr.count("\n") == 1 and done.stderr.startswith("weighbridge")
    return done


def write(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def payments(count):
    for i in range(count):
        yield i, i * i * 7 % 100000, i % 9 * 0.5, ["FR", "DE", "IT", "XX"][i % 4], i % 3 == 0


def csv_of(count):
    lines = [f"p{i},{amount},{age},{country},{int(online)},{int(i % 10 == 0)}"
             for i, amount, age, country, online in payments(count)]
    return HEADER + "\n".join(lines) + "\n"


SCORE = ("--id", "id", "--label", "fraud")


def score(bundle, source, output, *more, code=0):
    return run("score", bundle, "--input", source, "--output", output, *more, code=code)


# The command line


def test_help_names_exit_codes_and_every_verb():
    out = run("--help").stdout
    for word in ("pack", "compile", "inspect", "verify", "keygen", "sign", "encode", "score", "bench", "codegen", "version",
                 "130"):
        assert word in out
    for verb in ("pack", "compile", "inspect", "verify", "encode", "score", "bench", "version"):
        text = run(verb, "--help").stdout
        assert "--json" in text and "Exit codes" in text


def test_a_wrong_command_line_is_exit_2(bundle, tmp_path):
    run(code=2)
    run("score", bundle, code=2)
    run("inspect", bundle, "--colour", code=2)
    run("bench", bundle, "--threads", "0", code=2)
    run("score", bundle, "--input", "x.parquet", "--output", tmp_path / "o.csv", code=2)


@pytest.mark.parametrize("word, meant", [("scor", "score"), ("Score", "score"), ("verfy", "verify"), ("comp", "compile"),
                                         ("weigh", None), ("", None), ("x" * 1000, None)])
def test_a_verb_that_is_none_is_named_with_those_that_are(word, meant):
    error = run(word, "x", code=2).stderr
    assert f"no such verb '{word}'" in error and "pack, compile, inspect, verify, keygen, sign, scan, encode, score, bench, codegen and version" in error
    assert f"did you mean '{meant}'?" in error if meant else "did you mean" not in error


def test_help_and_version_need_no_verb():
    assert run("help").stdout == run("--help").stdout == run("-h").stdout
    assert run("help", "score").stdout == run("score", "--help").stdout
    assert run("--version").stdout == run("version").stdout
    assert run("--version", "--json").stdout == run("version", "--json").stdout
    assert "no such verb 'scor'" in run("help", "scor", code=2).stderr
    assert "expected a verb: pack" in run(code=2).stderr and "'--colour'" in run("--colour", code=2).stderr


def test_version_says_what_is_there():
    info = json.loads(run("version", "--json").stdout)
    assert info["version"].count(".") == 2 and "reference" in info["backends"]
    assert info["version"] in run("version").stdout


# inspect and verify


def test_inspect_tells_of_the_features(bundle):
    json.loads(run("inspect", bundle, "--json").stdout)
    assert "amount_minor" in run("inspect", bundle).stdout
    run("inspect", bundle / "nowhere", code=1)


def test_inspect_tells_of_defaults_and_precisions(bundle):
    info = json.loads(run("inspect", bundle, "--json").stdout)
    manifest = json.loads((bundle / "manifest.json").read_text())
    for told, feature in zip(info["features"], manifest["features"]):
        missing = feature.get("missing", "error")
        assert told.get("default") == (missing["default"] if missing != "error" else None)
    assert any("default" in told for told in info["features"]) and info["plan"]["precisions"][0] == "fp32"
    text = run("inspect", bundle).stdout
    assert "default" in text and "precisions" in text


def test_inspect_tells_of_a_plan_that_is_refused(bundle, tmp_path):
    subprocess.run(["cp", "-r", bundle, tmp_path / "other"], check=True)
    content = (bundle / "model.plan").read_bytes()[:-64]
    write(tmp_path / "other" / "model.plan", content)
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["files"]["model.plan"] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    write(tmp_path / "other" / "manifest.json", json.dumps(manifest))
    info = json.loads(run("inspect", tmp_path / "other", "--json").stdout)
    assert "model.plan" in info["plan"]["refused"] and info["features"]


def test_verify_reports_and_fails_where_the_vectors_do_not_reproduce(bundles):
    report = json.loads(run("verify", bundles / "mlp", "--json").stdout)
    assert report["vectors"] == 16
    wrong = run("verify", bundles / "mlp-wrong-golden", code=1)
    assert "WB_VERIFY_FAILED" in wrong.stderr and wrong.stdout
    mismatches = [line for line in wrong.stdout.splitlines() if line.startswith("line ")]
    assert len(mismatches) == 3 and mismatches[0].startswith("line 8: output 'fraud': expected within 1e-05, found ")
    report = json.loads(run("verify", bundles / "mlp-long-wrong-golden", "--json", code=1).stdout)
    assert not report["verified"] and len(report["mismatches"]) == 1500


def test_compile_names_every_operator_that_does_not_lower(bundles):
    plugin = BUILD / "tests" / "fake_plugins" / "libfake_good.so"
    refused = run("compile", bundles / "mlp", "--torch-plugin", plugin, code=1)
    assert refused.stdout.splitlines() == [f"fake::operator_{i}, model.py:{i}: not known" for i in range(1, 5001)]
    assert "5000 operators do not lower, the first: fake::operator_1, model.py:1: not known" in refused.stderr
    report = json.loads(run("compile", bundles / "mlp", "--torch-plugin", plugin, "--json", code=1).stdout)
    assert len(report["refused"]) == 5000


def test_a_damaged_file_is_refused_by_name(bundles, tmp_path):
    subprocess.run(["cp", "-r", bundles / "mlp", tmp_path / "damaged"], check=True)
    plan = tmp_path / "damaged" / "model.plan"
    content = bytearray(plan.read_bytes())
    content[-1] ^= 1
    plan.write_bytes(content)
    assert "model.plan" in run("verify", tmp_path / "damaged", code=1).stderr


def test_pack_needs_its_parts_and_leaves_nothing_behind(tmp_path):
    out = tmp_path / "out"
    done = run("pack", "--module", tmp_path / "no.ts", "--manifest", tmp_path / "no.json", "--out", out, code=1)
    assert "no." in done.stderr and not out.exists()


def test_pack_makes_the_bundle_again(bundles, tmp_path):
    source = bundles / "mlp"
    manifest = json.loads((source / "manifest.json").read_text())
    manifest["files"] = {}
    draft = write(tmp_path / "manifest.json", json.dumps(manifest))
    run("pack", "--module", source / "model.ts", "--manifest", draft, "--golden", source / "golden.jsonl",
        "--out", tmp_path / "out")
    assert (tmp_path / "out" / "golden.jsonl").read_bytes() == (source / "golden.jsonl").read_bytes()
    run("inspect", tmp_path / "out")
    run("pack", "--module", source / "model.ts", "--manifest", draft, "--golden", source / "golden.jsonl",
        "--out", tmp_path / "out", code=1)


def test_pack_warns_of_an_end_that_is_past(bundles, tmp_path):
    source = bundles / "mlp"
    manifest = json.loads((source / "manifest.json").read_text())
    manifest["files"] = {}
    for end, warned in (("2020-01-01T00:00:00Z", True), ("2999-01-01T00:00:00Z", False)):
        manifest["identity"]["not_after"] = end
        draft = write(tmp_path / "manifest.json", json.dumps(manifest))
        done = run("pack", "--module", source / "model.ts", "--manifest", draft, "--golden", source / "golden.jsonl",
                   "--out", tmp_path / end[:4])
        assert (f"not_after is {end}, which is past" in done.stderr) == warned


# encode


def test_encode_shows_the_tensors(bundle, tmp_path):
    source = write(tmp_path / "in.ndjson", '{"amount_minor": 1250, "age_days": 2.5, "country": "DE", "online": true}\n')
    (line,) = run("encode", bundle, "--input", source).stdout.splitlines()
    tensors = json.loads(line)["tensors"]
    assert tensors["country"] == {"dtype": "int64", "shape": [1], "data": [2]}
    assert tensors["numbers"]["shape"] == [1, 3]
    assert tensors["numbers"]["data"] == pytest.approx([math.log1p(12.5), 2.5, 1.0])


def test_encode_rejects_a_wrong_row_and_goes_on(bundle, tmp_path):
    good = '{"amount_minor": 1, "country": "DE", "online": true}\n'
    source = write(tmp_path / "in.ndjson", good + '{"country": "DE", "online": true}\n' + good)
    done = run("encode", bundle, "--input", source, code=3)
    assert [json.loads(line)["line"] for line in done.stdout.splitlines()] == [1, 3]
    assert json.loads(done.stderr)["feature"] == "amount_minor"


# score


@pytest.mark.parametrize("more", [(), ("--threads", "3", "--contexts", "2"), ("--batch", "64"), ("--threads", "1")])
def test_scores_come_in_the_order_of_the_file(bundle, tmp_path, more):
    source = write(tmp_path / "in.csv", csv_of(2000))
    score(bundle, source, tmp_path / "out.csv", *SCORE, *more)
    out = rows_of(tmp_path / "out.csv")
    assert [row["id"] for row in out] == [f"p{i}" for i in range(2000)]
    for row, (i, amount, age, country, online) in zip(out, payments(2000)):
        assert float(row["score"]) == pytest.approx(expected(amount, age, country, online), abs=1e-6)
        assert int(row["line"]) == i + 2
        assert row["answer"] == "model" and row["band"] in ("approve", "review", "decline")
    assert rows_of(tmp_path / "out.csv.rejects") == []


def test_threads_and_batches_give_the_same_bytes(bundle, tmp_path):
    source = write(tmp_path / "in.csv", csv_of(1500))
    files = []
    for i, more in enumerate([("--threads", "1"), ("--threads", "4"), ("--batch", "7"), ("--batch", "1000")]):
        score(bundle, source, tmp_path / f"{i}.csv", "--id", "id", "--allow-unknown", *more)
        files.append((tmp_path / f"{i}.csv").read_bytes())
    assert len(set(files)) == 1


def test_the_summary_agrees_with_a_hand_made_one(bundle, tmp_path):
    source = write(tmp_path / "in.csv", csv_of(1000))
    summary = json.loads(score(bundle, source, tmp_path / "out.csv", *SCORE, "--json").stdout)
    ranked = sorted(((expected(a, g, c, o), i % 10 == 0) for i, a, g, c, o in payments(1000)), reverse=True)
    frauds = [f for _, f in ranked]
    above = sum(1 for s, f in ranked if f for t, g in ranked if not g and s > t)
    assert summary["rows"] == summary["scored"] == summary["labelled"] == 1000 and summary["rejected"] == 0
    assert summary["auc"] == pytest.approx(above / (100 * 900), abs=1e-3)
    assert summary["recall_at_0.5_percent"] == pytest.approx(sum(frauds[:5]) / 100, abs=0.02)
    assert sum(band["payments"] for band in summary["decisions"]) == 1000
    assert sum(band["frauds"] for band in summary["decisions"]) == 100
    assert summary["backend"] == "native"
    latency = summary["latency_us"]
    assert 0 < latency["p50"] <= latency["p99"] <= latency["p99.9"] <= latency["max"]


def test_average_precision_is_scikit_learns(bundle, tmp_path):
    metrics = pytest.importorskip("sklearn.metrics")
    source = write(tmp_path / "in.csv", csv_of(1000))
    summary = json.loads(score(bundle, source, tmp_path / "out.csv", *SCORE, "--json").stdout)
    scores = [float(row["score"]) for row in rows_of(tmp_path / "out.csv")]
    labels = [i % 10 == 0 for i in range(1000)]
    assert summary["average_precision"] == pytest.approx(metrics.average_precision_score(labels, scores), abs=1e-12)
    assert summary["auc"] == pytest.approx(metrics.roc_auc_score(labels, scores), abs=1e-12)


def test_wrong_rows_are_rejected_with_line_and_reason_and_the_rest_is_scored(bundle, tmp_path):
    bad = ["a,-5,1,FR,1,0", "b,x12,1,FR,1,0", "c,5,1,FR,2,0", "d,5,1,,1,0", "e,5,1,FR,1", "f,5,inf,FR,1,0",
           "g,5,1,FR,1,7", 'h,5,1,"F"R,1,0', "i,5,1," + "F" * (1 << 20) + ",1,0"]
    source = write(tmp_path / "in.csv", HEADER + "\n".join(f"{line}\nok{i},5,1,FR,1,0" for i, line in enumerate(bad)))
    for more in ((), ("--batch", "4")):
        score(bundle, source, tmp_path / "out.csv", *SCORE, *more, code=3)
        assert [row["id"] for row in rows_of(tmp_path / "out.csv")] == [f"ok{i}" for i in range(len(bad))]
        rejects = sorted(rows_of(tmp_path / "out.csv.rejects"), key=lambda row: int(row["line"]))
        assert [int(row["line"]) for row in rejects] == [2 * i + 2 for i in range(len(bad))]
        assert [row["feature"] for row in rejects] == ["amount_minor", "amount_minor", "online", "country", "",
                                                       "age_days", "", "", ""]
        assert all(row["reason"] and row["status"] == "WB_INVALID_INPUT" for row in rejects)


def test_no_private_value_reaches_the_rejects(bundle, tmp_path):
    source = write(tmp_path / "in.csv", HEADER + "a,-31337,1,FR,1,0\nb,secret31337,1,FR,1,0\n")
    done = score(bundle, source, tmp_path / "out.csv", *SCORE, code=3)
    text = (tmp_path / "out.csv.rejects").read_text() + done.stdout + done.stderr
    assert "amount_minor" in text and "31337" not in text


def test_columns_that_are_unknown_missing_or_there_twice_are_errors(bundle, tmp_path):
    def refused(header, row, *more, code=1):
        source = write(tmp_path / "in.csv", f"{header}\n{row}\n")
        return score(bundle, source, tmp_path / "out.csv", *more, code=code).stderr

    full, row = "amount_minor,age_days,country,online", "5,1,FR,1"
    refused(full, row, code=0)
    assert "'colour'" in refused(full + ",colour", row + ",red")
    refused(full + ",colour", row + ",red", "--allow-unknown", code=0)
    assert "'age_days'" in refused("amount_minor,country,online", "5,FR,1")
    refused("amount_minor,country,online", "5,FR,1", "--allow-missing", code=0)
    assert "twice" in refused(full + ",country", row + ",DE")
    assert "'id'" in refused(full, row, "--id", "id")
    assert "'fraud'" in refused(full, row, "--label", "fraud")
    refused(full, row, "--label", "online", code=2)
    assert "header" in refused("", "")
    assert f"header of '{tmp_path / 'in.csv'}': not features: 'colour'" in refused(full + ",colour", row + ",red")


@pytest.mark.parametrize("header, expected, unexpected", [
    ("amount_minor,country,online,colour",
     ["not features: 'colour'; --allow-unknown", "no column for: 'age_days'; --allow-missing"], ["required"]),
    ("amount_minor,age_days,online,colour",
     ["not features: 'colour'", "no column for: 'country' (required)"], ["--allow-missing"]),
    ("amount_minor,online", ["'age_days', 'country' (required)"], ["--allow-missing", "not features"]),
    ("AMOUNT_MINOR,age_days,country,online", ["'amount_minor' (column 1 differs in case or blanks only"],
     ["--allow", "not features"]),
    (" amount_minor,age_days,Country ,online", ["'amount_minor' (column 1 differs", "'country' (column 3 differs"],
     ["--allow", "not features"]),
    ("AMOUNT_MINOR,AGE_DAYS,COUNTRY,ONLINE", ["(column 1 differs", "(column 4 differs"], ["names no feature"]),
    ("amount_minor,age_days,country,online,Country", ["not features: 'Country'; --allow-unknown"], ["differs"]),
    ("sep=,\namount_minor,age_days,country,online", ["'sep='", "remove it"], ["names no feature"]),
    ("sep=;\namount_minor;age_days;country;online", ["'sep='", "remove it", "with commas"], ["names no feature"]),
])
def test_names_that_are_nearly_right_are_explained(bundle, tmp_path, header, expected, unexpected):
    source = write(tmp_path / "in.csv", header + "\n5,1,FR,1\n")
    error = score(bundle, source, tmp_path / "out.csv", code=1).stderr
    assert all(part in error for part in expected) and not any(part in error for part in unexpected), error


def test_an_id_or_label_that_is_nearly_right_is_explained(bundle, tmp_path):
    source = write(tmp_path / "in.csv", csv_of(1))
    for option, name in (("--id", "ID"), ("--label", "Fraud")):
        error = score(bundle, source, tmp_path / "out.csv", "--allow-unknown", option, name, code=1).stderr
        assert f"{option} column '{name}' is not there; column {1 if name == 'ID' else 6} differs in case or blanks only" in error


def test_csv_dialects(bundle, tmp_path):
    text = b'\xef\xbb\xbfid,"amount_minor",age_days,country,online\r\n"a, ""b""",5,,"FR",true\r\n\r\n"two\nlines",5,1,DE,0\r\n'
    source = write(tmp_path / "in.csv", text)
    score(bundle, source, tmp_path / "out.csv", "--id", "id")
    out = rows_of(tmp_path / "out.csv")
    assert [row["id"] for row in out] == ['a, "b"', "two\nlines"]
    assert [int(row["line"]) for row in out] == [2, 4]
    assert float(out[0]["score"]) == pytest.approx(expected(5, 0, "FR", True), abs=1e-6)


def test_ndjson_in_and_out_gives_the_scores_of_csv(bundle, tmp_path):
    lines = [json.dumps({"id": i, "amount_minor": amount, "age_days": age, "country": country, "online": online})
             for i, amount, age, country, online in payments(300)]
    source = write(tmp_path / "in.ndjson", "\n".join(lines))
    score(bundle, source, tmp_path / "out.jsonl", "--id", "id")
    out = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    score(bundle, write(tmp_path / "in.csv", csv_of(300)), tmp_path / "out.csv", *SCORE)
    assert [row["score"] for row in out] == [float(row["score"]) for row in rows_of(tmp_path / "out.csv")]
    assert out[7]["id"] == "7" and out[7]["answer"] == "model"


def test_wrong_ndjson_rows_are_rejected(bundle, tmp_path):
    good = '{"amount_minor": 1, "country": "DE", "online": true}'
    wrong = ["[1]", "{", '{"amount_minor": 1, "country": "DE", "online": true, "colour": "red"}',
             '{"amount_minor": "1", "country": "DE", "online": true}', "\udcff".encode("utf-8", "surrogateescape")]
    text = b"".join((line if isinstance(line, bytes) else line.encode()) + b"\n" + good.encode() + b"\n" for line in wrong)
    source = write(tmp_path / "in.ndjson", text)
    score(bundle, source, tmp_path / "out.ndjson", code=3)
    rejects = [json.loads(line) for line in (tmp_path / "out.ndjson.rejects").read_text().splitlines()]
    assert [row["line"] for row in rejects] == [1, 3, 5, 7, 9]
    assert len((tmp_path / "out.ndjson").read_text().splitlines()) == 5
    score(bundle, source, tmp_path / "out.ndjson", "--allow-unknown", code=3)
    assert len((tmp_path / "out.ndjson").read_text().splitlines()) == 6


def test_stdin_and_stdout(bundle):
    done = run("score", bundle, "--input", "-", "--format", "csv", "--output", "-", *SCORE, stdin=csv_of(5) + "x,-1,,FR,1,0\n",
               code=3)
    assert len(done.stdout.splitlines()) == 6
    assert "payments/s" in done.stderr and "amount_minor" in done.stderr


def test_a_deadline_that_cannot_be_met_is_answered_by_the_fallback(bundle, tmp_path):
    source = write(tmp_path / "in.csv", csv_of(3000))
    summary = json.loads(score(bundle, source, tmp_path / "out.csv", *SCORE, "--deadline-us", "1", "--json").stdout)
    late = [row for row in rows_of(tmp_path / "out.csv") if row["answer"] == "fallback"]
    assert len(late) == summary["fallbacks"]["deadline"]
    assert all(row["reason"] == "deadline" and float(row["score"]) == 0.75 for row in late)


def test_files_that_are_not_there(bundle, tmp_path):
    score(bundle, tmp_path / "no.csv", tmp_path / "out.csv", code=1)
    score(bundle, write(tmp_path / "empty.csv", ""), tmp_path / "out.csv", code=1)
    source = write(tmp_path / "in.csv", csv_of(3))
    score(bundle, source, tmp_path / "no" / "out.csv", *SCORE, code=1)
    score(bundle, write(tmp_path / "empty.ndjson", ""), tmp_path / "out.csv")
    if os.path.exists("/dev/full"):
        score(bundle, source, "/dev/full", *SCORE, "--rejects", tmp_path / "r", code=1)


def test_rows_without_an_id_are_counted(bundle, tmp_path):
    row = '{"amount_minor": 1, "age_days": 1, "country": "FR", "online": true%s}'
    source = write(tmp_path / "in.ndjson", "\n".join([row % ', "id": "a"', row % "", row % ', "id": ""', "no JSON"]))
    more = ("--id", "id", "--json")
    report = json.loads(score(bundle, source, tmp_path / "out.ndjson", *more, code=3).stdout)
    assert report["without_id"] == {"id": 3} and "warnings" not in report
    report = json.loads(score(bundle, source, tmp_path / "out.ndjson", *more, "--id", "idd", "--allow-unknown", code=3).stdout)
    assert report["without_id"] == {"id": 3, "idd": 4} and len(report["warnings"]) == 1 and "'idd'" in report["warnings"][0]
    source = write(tmp_path / "in.csv", csv_of(3))
    report = json.loads(score(bundle, source, tmp_path / "out.csv", *SCORE, "--json").stdout)
    assert "without_id" not in report
    source = write(tmp_path / "in.csv", csv_of(3).replace("\np1,", "\n,"))
    assert "without id" in score(bundle, source, tmp_path / "out.csv", *SCORE).stdout


def test_backends(bundle, tmp_path):
    source = write(tmp_path / "in.csv", csv_of(3))
    score(bundle, source, tmp_path / "out.csv", *SCORE, "--backend", "reference")
    assert "turbo" in score(bundle, source, tmp_path / "out.csv", *SCORE, "--backend", "turbo", code=2).stderr


@pytest.mark.parametrize("verb, option, value, message", [
    ("verify", "--precision", "int4", "--precision: expected fp32, bf16, int8 or int8bf16, got 'int4'"),
    ("compile", "--precision", "fp32,int4", "--precision: expected fp32, bf16, int8 or int8bf16, got 'int4'"),
    ("verify", "--backend", "cuda", "--backend: expected native, reference or torchscript, got 'cuda'"),
    ("bench", "--backend", "native,,x", "--backend: expected native, reference or torchscript, got ''"),
    ("verify", "--cpu-level", "sse", "--cpu-level: expected portable, avx2, avx512, avx512_vnni, avx512_bf16 or amx, got 'sse'"),
    ("bench", "--seconds", "0", "--seconds: expected at least 0.01, got 0"),
    ("bench", "--threads", "257", "--threads: expected at most 256, got 257"),
    ("bench", "--threads", "x", "--threads: expected 1 to 256, got 'x'"),
])
def test_a_wrong_value_is_told_by_its_option(bundle, verb, option, value, message):
    assert message in run(verb, bundle, option, value, code=2).stderr


def test_names_may_be_lists_with_blanks_or_nothing(bundle):
    run("verify", bundle, "--backend", "native, reference", "--precision", "", "--cpu-level", "portable")
    assert "[0.01 - 86400]" in run("bench", "--help").stdout


def test_verify_always_verifies(bundle):
    assert "--no-verify" not in run("verify", "--help").stdout and "--no-verify" in run("score", "--help").stdout
    run("verify", bundle, "--no-verify", code=2)


def test_an_interrupt_leaves_a_prefix_of_the_scores(bundle, tmp_path):
    output = tmp_path / "out.csv"
    command = [COMMAND, "score", bundle, "--input", "-", "--format", "csv", "--output", output, "--id", "id",
               "--allow-unknown"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    # More chunks than the pipeline holds: once they are taken, it waits for more input.
    process.stdin.write(csv_of(200_000))
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    ids = [row["id"] for row in rows_of(output)]
    assert ids == [f"p{i}" for i in range(len(ids))]
    assert "scored" in out


# bench


def test_bench_measures_golden_and_given_rows(bundle, tmp_path):
    quick = ("--seconds", "0.05", "--warm-up", "0.01", "--json")
    report = json.loads(run("bench", bundle, *quick).stdout)
    assert report["distinct_rows"] == 16 and report["differing"] == 0 and report["rows_per_second"] > 0
    latency = report["latency_us"]
    assert 0 < latency["p50"] <= latency["p90"] <= latency["p99"] <= latency["p99.9"] <= latency["max"]
    source = write(tmp_path / "in.csv", csv_of(50))
    report = json.loads(run("bench", bundle, "--input", source, "--allow-unknown", "--threads", "2", "--batch", "8", *quick).stdout)
    assert report["distinct_rows"] == 50 and report["batch"] == 8 and report["rows"] == 8 * report["calls"]
    assert "latency [us]" in run("bench", bundle, *quick[:-1]).stdout


def test_bench_names_the_line_of_a_wrong_row(bundle, tmp_path):
    source = write(tmp_path / "in.csv", HEADER + "a,x,1,FR,1,0\n")
    assert "line 2" in run("bench", bundle, "--input", source, "--allow-unknown", code=1).stderr

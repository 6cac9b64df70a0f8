# SPDX-License-Identifier: Apache-2.0
"""The cases of tests/conformance, through Python: each as a dict, as a row, and as JSON where it has no special values. No
case is skipped, and a key that this runner does not know fails."""

import json
import math

import pytest
import weighbridge
from conftest import BUNDLES, DRAFTS, ROOT

DOCUMENTS = {file.name: json.loads(file.read_text(encoding="utf-8"))
             for file in sorted((ROOT / "tests" / "conformance" / "cases").glob("*.json"))}  # fmt: skip
CASES = [(file, document, case) for file, document in DOCUMENTS.items() for case in document["cases"]]
FILE_KEYS = {"bundle", "engines", "options", "schema_only", "may_refuse", "cases"}
CASE_KEYS = {"name", "row", "json", "call", "check", "expect"}
EXPECT_KEYS = {"score_hex", "probability_hex", "score", "tolerance", "band", "defaulted", "clipped", "reason", "status",
               "feature", "bytes"}  # fmt: skip


def special(value):
    """What JSON cannot say: {"$float": "nan"}, {"$bytes": "c328"}."""
    if isinstance(value, list):
        return [special(element) for element in value]
    if not isinstance(value, dict):
        return value
    if "$float" in value:
        return float(value["$float"])
    return bytes.fromhex(value["$bytes"])


def is_plain(value) -> bool:
    if isinstance(value, list):
        return all(map(is_plain, value))
    return not isinstance(value, dict)


def is_draft(document: dict) -> bool:
    return document.get("schema_only", "bytes" in document["cases"][0]["expect"] and "engines" not in document)


@pytest.fixture(scope="module")
def found(fixtures):
    """A file's bundle, loaded once; of a draft the schema; or the error that it may be refused with."""
    loaded = {}

    def bundle(file: str, document: dict):
        if file not in loaded:
            name = document["bundle"]
            folder = next(f / name for f in (fixtures, BUNDLES, DRAFTS) if (f / name / "manifest.json").exists())
            try:
                loaded[file] = weighbridge.Schema.load(folder) if is_draft(document) else \
                    weighbridge.load(folder, engines=document.get("engines", ""), **document.get("options", {}))
            except weighbridge.Error as error:
                if error.name != document.get("may_refuse"):
                    raise
                loaded[file] = error
        return loaded[file]

    return bundle


def judge(expect: dict, schema: weighbridge.Schema, score) -> None:
    """Asserts that the outcome of `score()` is the expected one."""
    try:
        got = score()
    except weighbridge.Error as error:
        assert error.name == expect.get("status"), error
        if "feature" in expect:
            assert (schema.names[error.feature] if error.feature >= 0 else None) == expect["feature"], error
        return
    assert got.status == {"WB_OK": 0, "WB_OK_FALLBACK": 1}.get(expect.get("status", "WB_OK")), got
    for name in ("score", "probability"):
        if f"{name}_hex" in expect:
            assert getattr(got, name) == float.fromhex(expect[f"{name}_hex"]), got
    if "score" in expect:
        assert math.isclose(got.score, expect["score"], rel_tol=0, abs_tol=expect["tolerance"]), got
    for name in ("band", "defaulted", "clipped", "reason"):
        assert name not in expect or getattr(got, name) == expect[name], got


@pytest.mark.parametrize("file, document, case", CASES, ids=[f"{file}: {case['name']}" for file, _, case in CASES])
def test_case(found, file, document, case):
    assert not set(document) - FILE_KEYS and not set(case) - CASE_KEYS and not set(case["expect"]) - EXPECT_KEYS
    bundle, expect, call = found(file, document), case["expect"], case.get("call", {})
    if isinstance(bundle, weighbridge.Error):
        return  # the refusal that the file expects where the CPU lacks instructions
    schema = bundle if isinstance(bundle, weighbridge.Schema) else bundle.schema
    how = {"deadline_ns": 0} if call.get("deadline") == "past" else {}
    how |= {"fallback": call["fallback"]} if "fallback" in call else {}
    values = {name: special(value) for name, value in case.get("row", {}).items()}
    ways = [lambda row: row.set_json(case["json"])] if "json" in case else [lambda row: row.update(values)]
    if "row" in case and is_plain(list(case["row"].values())):
        ways.append(lambda row: row.set_json(json.dumps(case["row"])))
    for i, fill in enumerate(ways):
        if i > 0 and case.get("check") == "name":
            continue  # by JSON an unknown name is WB_INVALID_INPUT
        row = schema.row(tail_bytes=1024 - schema._native.fixed_bytes)

        def score(row=row, fill=fill):
            fill(row)
            if "bytes" in expect:
                assert bytes(row).hex() in expect["bytes"]
            return None if bundle is schema else bundle.score(row, **how)

        if bundle is schema:
            score()
        else:
            judge(expect, schema, score)
    if "row" in case and bundle is not schema:
        judge(expect, schema, lambda: bundle.score(values, **how))


def test_the_same_many_at_once(found):
    """The answers of a file's rows scored together are those of each alone."""
    for file, document in DOCUMENTS.items():
        bundle = found(file, document)
        rows = [{name: special(value) for name, value in case["row"].items()} for case in document["cases"]
                if "row" in case and "call" not in case and case.get("check") not in ("name", "type")
                and "status" not in case["expect"]]
        if not isinstance(bundle, weighbridge.Model) or not rows or "fake" in document.get("engines", ""):
            continue
        scores = bundle.score(rows)
        for i, row in enumerate(rows):
            assert scores.score[i] == bundle.score(row).score, (file, i)


def test_there_are_cases():
    assert len(CASES) >= 90

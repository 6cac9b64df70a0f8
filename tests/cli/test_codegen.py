# SPDX-License-Identifier: Apache-2.0
"""`weighbridge codegen`: what capi/java/test.sh compiles and binds is this text."""
import json
import pathlib
import shutil

import pytest
from test_cli import bundle, bundles, pytestmark, run  # noqa: F401

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_record_of_the_fixture(bundle):
    text = run("codegen", bundle, "--java", "--package", "com.acme.payments").stdout
    assert text == """\
// Written by weighbridge codegen --java; write it again when the schema changes.
package com.acme.payments;

import io.weighbridge.Money;

/**
 * The features of mlp.
 *
 * @param amountMinor int64, EUR in minor units, exponent 2, in [0, 10000000], private (payment)
 * @param ageDays float32; null is missing
 * @param country category
 * @param online bool
 */
public record Payment(
        @Money(currency = "EUR", exponent = 2) long amountMinor,
        Float ageDays,
        String country,
        boolean online) {}
"""


def test_json_of_the_fixture(bundle):
    schema = json.loads(run("codegen", bundle, "--json").stdout)
    assert schema == {
        "weighbridge_codegen": 1,
        "bundle": "mlp",
        "features": [
            {"name": "amount_minor", "type": "int64", "required": True, "currency": "EUR", "exponent": 2,
             "privacy": "payment"},
            {"name": "age_days", "type": "float32"},
            {"name": "country", "type": "category", "required": True},
            {"name": "online", "type": "bool", "required": True},
        ],
        "bands": schema["bands"],
    }
    manifest = json.loads((pathlib.Path(bundle) / "manifest.json").read_text())
    assert schema["bands"] == next(o["bands"] for o in manifest["outputs"] if "bands" in o)


def test_json_of_every_type():
    schema = json.loads(run("codegen", ROOT / "tests/conformance/drafts/every-type", "--json").stdout)
    assert schema["bands"] == []
    features = {one["name"]: one for one in schema["features"]}
    assert features["at"] == {"name": "at", "type": "timestamp", "required": True, "ticks_per_second": 1000}
    assert features["past_code"] == {"name": "past_code", "type": "code", "sequence": True}
    assert {one["type"] for one in features.values()} == {
        "bool", "float32", "float64", "int64", "category", "code", "timestamp", "text"}


def test_names_that_java_does_not_have(bundle, tmp_path):
    draft = tmp_path / "draft"
    shutil.copytree(bundle, draft)
    manifest = json.loads((draft / "manifest.json").read_text())
    one = manifest["features"][1]
    names = {"class": "class_", "a_b": "aB", "ab": "ab", "hash_code": "hashCode_", "of_7d": "of7d", "x_": "x"}
    used = {name for tensor in manifest["tensors"] for name in tensor["features"]} & {one["name"]}
    assert used
    manifest["features"] += [{**one, "name": name} for name in names]
    for tensor in manifest["tensors"]:
        if one["name"] in tensor["features"]:
            tensor["features"] += list(names)
            tensor["shape"][-1] += len(names)
    (draft / "manifest.json").write_text(json.dumps(manifest))
    for file in draft.iterdir():
        if file.name != "manifest.json":
            file.unlink()
    text = run("codegen", draft, "--java").stdout
    for feature, component in names.items():
        named = feature in ("a_b", "ab")  # which differ by the underscore alone
        line = ('@FeatureName("%s") ' % feature if named else "") + "Float " + component
        assert "        " + line in text, text


def test_wrong_lines(bundle, tmp_path):
    assert "expected a language: --java" in run("codegen", bundle, code=2).stderr
    assert "--java and --json: expected one" in run("codegen", bundle, "--java", "--json", code=2).stderr
    assert "--name: expected a language" in run("codegen", bundle, "--json", "--name", "Card", code=2).stderr
    assert "--package: expected a language" in run("codegen", bundle, "--json", "--package", "a", code=2).stderr
    assert "got '1st'" in run("codegen", bundle, "--java", "--name", "1st", code=2).stderr
    assert "got 'com..x'" in run("codegen", bundle, "--java", "--package", "com..x", code=2).stderr
    run("codegen", tmp_path, "--java", code=1)
    run("codegen", bundle, "--java", "--output", bundle / "Payment.java", code=1)
    out = tmp_path / "Payment.java"
    run("codegen", bundle, "--java", "--output", out)
    assert "record Payment(" in out.read_text()

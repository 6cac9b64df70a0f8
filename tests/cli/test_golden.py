# SPDX-License-Identifier: Apache-2.0
"""The example bundles' golden vectors hold what calibration and bands make of a score: others do not verify."""
import json
import pathlib
import shutil

import pytest

from test_cli import pytestmark, run, write  # noqa: F401

BUNDLES = pathlib.Path(__file__).resolve().parents[2] / "examples" / "bundles"


@pytest.fixture(params=["card-mlp", "card-transformer"])
def example(request, tmp_path):
    return pathlib.Path(shutil.copytree(BUNDLES / request.param, tmp_path / request.param))


def change(bundle, apply):
    manifest = json.loads((bundle / "manifest.json").read_text())
    apply(manifest["outputs"][0])
    write(bundle / "manifest.json", json.dumps(manifest))


def refused(bundle, tmp_path, word):
    payments = write(tmp_path / "in.ndjson", "{}\n")
    for verb in (("verify",), ("score", "--input", payments, "--output", tmp_path / "out.csv")):
        said = run(verb[0], bundle, *verb[1:], code=1).stderr
        assert "WB_VERIFY_FAILED" in said and word in said


def test_every_golden_vector_has_a_probability_and_a_band(example):
    report = json.loads(run("verify", example, "--json").stdout)
    assert report["vectors"] == report["probabilities"] == report["bands"] == 64
    names = [band["name"] for band in json.loads((example / "manifest.json").read_text())["outputs"][0]["bands"]]
    lines = [json.loads(line) for line in (example / "golden.jsonl").read_text().splitlines()]
    assert all(0 <= line["probability"] <= 1 for line in lines)
    assert {line["band"] for line in lines} <= set(names)


def test_another_calibration_does_not_verify_nor_load(example, tmp_path):
    change(example, lambda output: output["calibration"].update(b=output["calibration"]["b"] + 0.01))
    refused(example, tmp_path, "probability")


def test_other_bands_do_not_verify_nor_load(example, tmp_path):
    change(example, lambda output: output["bands"][0].update(below=1e-6))
    refused(example, tmp_path, "band")

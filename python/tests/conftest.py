# SPDX-License-Identifier: Apache-2.0
"""What the tests of the Python package share. WB_BUILD_DIR names the build folder; with WB_INSTALLED=1 the package is the
installed one, and only bundles come from there."""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("WB_BUILD_DIR", ROOT / "build" / "release")).resolve()
BUNDLES = ROOT / "examples" / "bundles"
DRAFTS = ROOT / "tests" / "conformance" / "drafts"
if os.environ.get("WB_INSTALLED") != "1":
    sys.path.insert(0, str(BUILD / "python"))

import weighbridge  # noqa: E402


@pytest.fixture(scope="session")
def fixtures(tmp_path_factory) -> pathlib.Path:
    """The bundles that the build's make_fixture makes."""
    folder = tmp_path_factory.mktemp("fixtures") / "made"
    subprocess.run([BUILD / "tests" / "make_fixture", folder], check=True)
    return folder


@pytest.fixture(scope="session")
def engine() -> weighbridge.Engine:
    return weighbridge.Engine(contexts=2)


@pytest.fixture(scope="session")
def small(engine, fixtures) -> weighbridge.Model:
    """amount_minor (int64, private), age_days (float32, default 0, NaN missing), country (category), online (bool)."""
    return engine.load(fixtures / "mlp")


@pytest.fixture(scope="session")
def numeric(engine, fixtures, tmp_path_factory) -> weighbridge.Model:
    """`small` with numbers for countries: every feature is a number or a bool."""
    bundle = tmp_path_factory.mktemp("numeric") / "bundle"
    shutil.copytree(fixtures / "mlp", bundle)
    codes = {"FR": 250, "DE": 276, "IT": 380, "XX": 0}
    golden = (bundle / "golden.jsonl").read_text(encoding="utf-8")
    manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    for text, code in codes.items():
        golden = golden.replace(f'"country": "{text}"', f'"country": {code}')
    country = next(feature for feature in manifest["features"] if feature["name"] == "country")
    country["keys"] = "int64"
    country["encoding"][0]["values"] = [250, 276, 380]
    (bundle / "golden.jsonl").write_text(golden, encoding="utf-8")
    manifest["files"]["golden.jsonl"] = {"sha256": hashlib.sha256(golden.encode()).hexdigest(), "bytes": len(golden)}
    (bundle / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return engine.load(bundle)


@pytest.fixture(scope="session")
def mlp(engine) -> weighbridge.Model:
    return engine.load(BUNDLES / "card-mlp")


@pytest.fixture(scope="session")
def transformer(engine) -> weighbridge.Model:
    return engine.load(BUNDLES / "card-transformer")


def golden_rows(name: str) -> list[dict]:
    """Payments of a bundle of examples/bundles, as dicts."""
    lines = (BUNDLES / name / "golden.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["row"] for line in lines]


@pytest.fixture(scope="session")
def payments() -> list[dict]:
    return golden_rows("card-mlp")


@pytest.fixture(scope="session")
def histories() -> list[dict]:
    return golden_rows("card-transformer")


def columns_of(model: weighbridge.Model, rows: list[dict]) -> dict[str, list]:
    """Rows as columns of Python objects, None where a value is missing."""
    return {name: [row.get(name) for row in rows] for name in model.schema.names}


def same(found: np.ndarray, expected: np.ndarray) -> bool:
    """Whether two arrays of scores are the same bits, NaN included."""
    return found.dtype == expected.dtype and found.tobytes() == expected.tobytes()


@pytest.fixture
def every_type() -> Iterator[weighbridge.Schema]:
    """A schema with a feature of every type."""
    yield weighbridge.Schema.load(DRAFTS / "every-type")

# SPDX-License-Identifier: Apache-2.0
"""What the parity tests share: where the build and the bundles are, and the ways to score payments."""

import csv
import importlib
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("WB_BUILD_DIR", ROOT / "build" / "release")).resolve()
BUNDLES = ROOT / "examples" / "bundles"
COMMAND = BUILD / "bin" / "weighbridge"
SCORE_C = BUILD / "tests" / "score_c"
SCORE_CPP = BUILD / "tests" / "score_cpp"

sys.path.insert(0, str(ROOT / "examples" / "train"))
from encoders import Encoders  # noqa: E402
from ragged import Ragged  # noqa: E402


def require(*programs):
    """Skips the module where something was not built."""
    for program in (*programs, BUILD / "libweighbridge.so"):
        if not program.exists():
            pytest.skip(f"{program} is not built (WB_BUILD_DIR names the build folder)", allow_module_level=True)


def torch_plugin() -> str:
    """The built LibTorch plug-in."""
    found = sorted(BUILD.rglob("libweighbridge_torch-*.so"))
    if not found:
        pytest.skip(f"no LibTorch plug-in in {BUILD}", allow_module_level=True)
    return str(found[0])


def python_module():
    """The built `weighbridge` package."""
    if not list((BUILD / "python" / "weighbridge").glob("_native*.so")):
        pytest.skip("the Python module is not built", allow_module_level=True)
    sys.path.insert(0, str(BUILD / "python"))
    return importlib.import_module("weighbridge")


def rows_of(manifest: dict, columns: dict) -> list[dict]:
    """Payments as dicts of a manifest's features; a missing value is left out."""
    names = [feature["name"] for feature in manifest["features"]]
    lists = []
    for name in names:
        column = columns[name]
        if isinstance(column, Ragged):
            lists.append([column[i].tolist() for i in range(len(column))])
        else:
            lists.append([None if value != value else value for value in column.tolist()])  # None where masked
    return [{name: value for name, value in zip(names, row) if value is not None} for row in zip(*lists)]


def write_rows(rows: list[dict], path: pathlib.Path) -> pathlib.Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def run_driver(program: pathlib.Path, bundle: pathlib.Path, file: pathlib.Path, engines: str) -> dict:
    """Scores a file with score_c or score_cpp."""
    done = subprocess.run([program, bundle, engines, torch_plugin(), file], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    table = np.array([line.split() for line in done.stdout.splitlines()], float).reshape(-1, 3)
    return {"score": table[:, 0], "probability": table[:, 1], "band": table[:, 2].astype(int)}


def run_command(bundle: pathlib.Path, file: pathlib.Path, *options: str, engines: str) -> dict:
    """Scores a file with `weighbridge score`."""
    out = file.with_suffix(".scores.csv")
    done = subprocess.run([COMMAND, "score", bundle, "--input", file, "--output", out, "--backend", engines,
                           "--torch-plugin", torch_plugin(), *options], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with out.open(encoding="utf-8", newline="") as read:
        lines = list(csv.DictReader(read))
    return {"score": np.array([float(line["score"]) for line in lines]),
            "probability": np.array([float(line["probability"]) for line in lines]),
            "band": [line["band"] for line in lines]}


def score_columns(model, columns: dict, outputs=()) -> dict:
    """Scores columns with the Python module."""
    columns = {name: columns[name] for name in model.schema.names}
    lists = {name: list(column) if isinstance(column, Ragged) else column for name, column in columns.items()}
    return model.score_columns(lists, outputs=outputs)


def libtorch_scores(bundle: pathlib.Path, columns: dict, batch: int = 500) -> tuple[dict, list[np.ndarray]]:
    """LibTorch in Python on the bundle's module and the tensors of encoders.py: the expected answers, and the tensors.
    The manifest's calibration and bands are applied by the formulas of lib/bundle/README.md."""
    encoders = Encoders.of_bundle(bundle)
    arrays = encoders.encode(columns)
    module = torch.jit.load(str(bundle / "model.ts"))
    parts = []
    with torch.no_grad():
        for first in range(0, len(arrays[0]), batch):
            found = module(*(torch.from_numpy(array[first : first + batch]) for array in arrays))
            parts.append(found if isinstance(found, tuple) else (found,))
    outputs = [np.concatenate([part[i].numpy() for part in parts]) for i in range(len(parts[0]))]
    return answers(encoders.manifest, outputs), arrays


def answers(manifest: dict, outputs: list[np.ndarray]) -> dict:
    output = manifest["outputs"][0]
    assert output["activation"] == {"kind": "sigmoid", "applied": False}
    z = outputs[0].astype(np.float64)
    score = 1 / (1 + np.exp(-z))
    platt = output["calibration"]
    probability = 1 / (1 + np.exp(-(platt["a"] * z + platt["b"])))
    edges = [band["below"] for band in output["bands"][:-1]]
    return {"score": score, "probability": probability, "band": np.searchsorted(edges, probability, "right"),
            "outputs": outputs}

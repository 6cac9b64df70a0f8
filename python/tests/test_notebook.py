# SPDX-License-Identifier: Apache-2.0
"""The notebook of examples/python, from payments to a served score, runs as it is, and shows what it should."""

import importlib.util
import os
import pathlib
import subprocess
import sys

import pytest

import weighbridge
from conftest import BUILD, ROOT

for package in ("nbclient", "nbformat", "ipykernel", "matplotlib", "torch"):  # not imported: with ipykernel, bars show
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"expected {package}, which the notebook runs with", allow_module_level=True)

import nbformat  # noqa: E402

RUN = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[2])
"""
NOTEBOOK = ROOT / "examples" / "python" / "payments.ipynb"


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The notebook after it ran; what each cell showed."""
    folder = tmp_path_factory.mktemp("notebook")
    package = pathlib.Path(weighbridge.__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": str(package), "WEIGHBRIDGE_COMMAND": str(BUILD / "bin" / "weighbridge"),
                   "TMPDIR": str(folder), "MPLCONFIGDIR": str(folder), "IPYTHONDIR": str(folder)}
    done = subprocess.run([sys.executable, "-c", RUN, NOTEBOOK, folder / "ran.ipynb"], cwd=NOTEBOOK.parent, env=environment,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return nbformat.read(folder / "ran.ipynb", as_version=4)


def shown(notebook, begins: str, kind: str = "text/plain") -> str:
    """What the cell whose source has these words shows, of that kind."""
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code" and begins in cell.source)
    for output in cell.outputs:
        if output.output_type == "stream" and output.name == "stdout" and kind == "text/plain":
            return output.text
        if kind in output.get("data", {}):
            return output.data[kind]
    raise AssertionError(f"'{begins}': expected an output of {kind}, found {cell.outputs}")


def test_no_output_is_committed():
    """They would be another machine's figures, and megabytes."""
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        assert cell.cell_type != "code" or not cell.outputs and cell.execution_count is None


def test_it_says_that_the_module_lowers(ran):
    assert "lowers" in shown(ran, "weighbridge.check(") and "us a row" in shown(ran, "weighbridge.check(")


def test_it_packs_and_loads_a_bundle(ran):
    files = shown(ran, "draft.pack(")
    assert all(name in files for name in ("baseline.json", "golden.jsonl", "manifest.json", "model.plan", "model.ts"))
    assert "native" in shown(ran, "weighbridge.load(bundle)")


def test_the_held_out_payments_are_ranked_far_better_than_by_chance(ran):
    assert shown(ran, "plots.precision_recall(", "image/png")
    average, chance = map(float, shown(ran, "plots.precision_recall(").strip("()").split(","))
    assert average > 10 * chance, (average, chance)


def test_a_payment_alone_has_the_score_of_the_batch(ran):
    text = shown(ran, "score = model.score(payment")
    assert text.endswith("True)") and any(band in text for band in ("approve", "review", "decline"))


def test_the_latencies_are_drawn(ran):
    assert shown(ran, "plots.latency(", "image/png")


def test_the_service_that_took_euros_for_cents_is_found(ran):
    text = shown(ran, "weighbridge.skew(")
    assert "1 of 18 features differ" in text and "amount_minor: 6.67% of rows" in text, text


def test_nothing_was_warned_of(ran):
    """A warning in a notebook is a question to each reader."""
    said = [output.text for cell in ran.cells if cell.cell_type == "code" for output in cell.outputs
            if output.output_type == "stream" and output.name == "stderr"]
    assert said == []

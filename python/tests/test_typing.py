# SPDX-License-Identifier: Apache-2.0
"""The package is typed: strictly, and its stubs are what the compiled module has."""

import os
import pathlib
import subprocess
import sys

import weighbridge

PACKAGE = pathlib.Path(weighbridge.__file__).parent
# mypy finds an installed package by itself, and refuses site-packages in its path.
INSTALLED = os.environ.get("WB_INSTALLED") == "1"
ENVIRONMENT = {**os.environ, **({} if INSTALLED else {"MYPYPATH": str(PACKAGE.parent), "PYTHONPATH": str(PACKAGE.parent)})}


def run(folder: pathlib.Path, *command: str) -> str:
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, env=ENVIRONMENT, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_package_is_strictly_typed(tmp_path):
    assert (PACKAGE / "py.typed").exists()
    run(tmp_path, "mypy", "--strict", "--python-version", "3.11", "--ignore-missing-imports", "--package", "weighbridge")


def test_the_stubs_are_current(tmp_path):
    """But for pybind11's metaclass and the constructor that raises."""
    classes = [name for name, value in vars(weighbridge._native).items() if type(value).__name__ == "pybind11_type"]
    allowed = tmp_path / "allowed"
    allowed.write_text("".join(f"weighbridge._native.{name}\n" for name in classes) + "weighbridge._native.Target.__init__\n")
    run(tmp_path, "mypy.stubtest", "weighbridge._native", "--ignore-disjoint-bases", "--allowlist", str(allowed))


def test_callers_see_types(tmp_path):
    program = tmp_path / "caller.py"
    program.write_text(
        "import weighbridge\n"
        "model = weighbridge.load('bundle')\n"
        "probability: float = model.score({'amount_minor': 1250}).probability\n"
        "status: list[int] = model.score([{'amount_minor': 1250}]).status.tolist()\n"
        "model.score_row({'amount_minor': 1}).no_such_member\n", encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "mypy", "--strict", str(program)], capture_output=True, text=True,
                          env=ENVIRONMENT, cwd=tmp_path)
    assert done.stdout.count("error:") == 1 and '"Score" has no attribute "no_such_member"' in done.stdout, done.stdout

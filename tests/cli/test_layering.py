# SPDX-License-Identifier: Apache-2.0
"""The walls of the house hold: tests/support/layering.py passes this tree, and tells of each kind of breach."""
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def layering(tree):
    run = subprocess.run([sys.executable, ROOT / "tests/support/layering.py", tree], capture_output=True, text=True)
    return run.returncode, run.stdout.strip()


def test_this_tree():
    assert layering(ROOT) == (0, "the layers hold")


@pytest.mark.parametrize(("path", "line", "said"), [
    ("lib/graph/graph.cpp", '#include "bundle/bundle.hpp"', "lib/graph may not look into lib/bundle"),
    ("lib/feature/row.cpp", '#include "graph/graph.hpp"', "lib/feature may not look into lib/graph"),
    ("lib/base/text.cpp", '#include "engine/engine.hpp"', "lib/base may not look into lib/engine"),
    ("lib/engine/engine.cpp", '#include "support/fixture.hpp"', "product code includes no tests"),
    ("lib/engine/engine.cpp", '#include "nowhere/near.hpp"', "this is no file of the tree"),
    ("lib/engine/engine.cpp", "#include <boost/asio.hpp>", "this is no file of the tree"),
    ("lib/engine/engine.cpp", "#include <torch/script.h>", "only lib/torch may include LibTorch"),
    ("lib/torch/lower/norms.cpp", "#include <ATen/ATen.h>", "only lib/torch may include LibTorch"),
    ("lib/engine/engine.cpp", "#include <nlohmann/json.hpp>", "only lib/cli may include nlohmann"),
    ("lib/cli/main.cpp", '#include "engine/engine.hpp"', "lib/cli may not look into lib/engine"),
    ("include/weighbridge.h", '#include "engine/engine.hpp"', "include may not look into lib/engine"),
    ("python/src/module.cpp", '#include "engine/engine.hpp"', "python/src may not look into lib/engine"),
    ("capi/src/call.cpp", '#include "torch/lower/call.hpp"', "capi/src may not look into lib/torch/lower"),
    ("lib/attic/box.cpp", "", "lies in no room"),
])
def test_a_breach(tmp_path, path, line, said):
    for room in ("bundle/bundle.hpp", "graph/graph.hpp", "engine/engine.hpp", "torch/lower/call.hpp"):
        (tmp_path / "lib" / room).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "lib" / room).write_text("#include <vector>\n", encoding="utf-8")
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text(line + "\n", encoding="utf-8")
    status, told = layering(tmp_path)
    assert status == 1
    assert told.startswith(f"{path}: ") and said in told and "\n" not in told

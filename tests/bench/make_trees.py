# SPDX-License-Identifier: Apache-2.0
"""Trains a LightGBM classifier, exports it with hummingbird-ml and packs and compiles it: make_trees.py DIR COMMAND

COMMAND is the `weighbridge` command. DIR gets model.txt, bundle and rows.bin. 100 trees of depth 6 over 30 features.
"""
import json
import pathlib
import subprocess
import sys

import lightgbm
import numpy as np
import torch
from hummingbird.ml import convert
from torch import Tensor, nn

FEATURES, TREES, DEPTH, ROWS = 30, 100, 6, 1024


class Score(nn.Module):
    """The probability of class 1, of what hummingbird-ml makes: a class and two probabilities."""

    def __init__(self, exported: nn.Module) -> None:
        super().__init__()
        self.exported = exported

    def forward(self, x: Tensor) -> Tensor:
        return self.exported(x)[1][:, 1]


def numbers(rows: int, seed: int) -> np.ndarray:
    """Multiples of 2^-10: then a threshold between two of them is the same number as a double and as a float."""
    return (np.random.default_rng(seed).normal(size=(rows, FEATURES)).clip(-4, 4) * 1024).round().astype(np.float32) / 1024


def manifest() -> dict:
    names = [f"x{i:02}" for i in range(FEATURES)]
    return {
        "weighbridge": {"format": 1, "requires": "0.1.0"},
        "identity": {"name": "boosted", "version": "1", "purpose": "tests/bench"},
        "features": [{"name": name, "type": "float32", "range": [-8, 8]} for name in names],
        "tensors": [{"name": "x", "dtype": "float32", "shape": ["batch", FEATURES], "features": names}],
        "outputs": [{"name": "score", "shape": ["batch"]}],
        "limits": {"rows": 4096},
        "fallback": {"score": 0.0},
    }


def main() -> None:
    folder, command = pathlib.Path(sys.argv[1]), sys.argv[2]
    way = sys.argv[3] if len(sys.argv) > 3 else "perf_tree_trav"
    x = numbers(20000, 1)
    risk = np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + np.abs(x[:, 3]) + 0.5 * x[:, 4:].mean(axis=1)
    y = (risk + np.random.default_rng(2).normal(size=len(x)) > 1).astype(int)
    model = lightgbm.LGBMClassifier(n_estimators=TREES, max_depth=DEPTH, num_leaves=2**DEPTH, min_child_samples=5,
                                    random_state=3, n_jobs=1, verbose=-1).fit(x, y)
    model.booster_.save_model(folder / "model.txt")
    exported = convert(model, "torch", extra_config={"tree_implementation": way}).model
    with torch.no_grad():
        traced = torch.jit.trace(Score(exported), torch.from_numpy(x[:5]), check_trace=False)
    traced.save(str(folder / "model.ts"))
    (folder / "manifest.json").write_text(json.dumps(manifest()), encoding="utf-8")
    numbers(ROWS, 4).tofile(folder / "rows.bin")
    leaves = [tree["num_leaves"] for tree in model.booster_.dump_model()["tree_info"]]
    print(f"{TREES} trees of depth {DEPTH}, {np.mean(leaves):.0f} leaves each, exported as {way}", flush=True)
    for verb in (["pack", "--module", folder / "model.ts", "--manifest", folder / "manifest.json", "--out",
                  folder / "bundle"], ["compile", folder / "bundle"]):
        subprocess.run([command, *map(str, verb)], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()

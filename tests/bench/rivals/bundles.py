# SPDX-License-Identifier: Apache-2.0
"""The models as bundles: packed, and compiled to a plan of every precision that this CPU runs."""
import dataclasses
import json
import pathlib
import subprocess

import numpy as np
import torch

from . import cases, cpu, models, timing

NUMBERS = [f"n{i:02}" for i in range(models.NUMBERS)]
CODES = [f"c{i:02}" for i in range(models.CODES)]
STEPS = [f"x{i:02}" for i in range(models.STEP_NUMBERS)]
LENGTH = 1024


def manifest(model: str) -> dict:
    """Numbers go to the model as they are, after a check that they are finite and in range; categories are indices."""
    number = {"type": "float32", "range": [-8, 8]}

    def code(size: int) -> dict:
        return {"keys": "int64", "encoding": [{"op": "identity", "size": size}]}

    if model in models.ROWS:
        features = [{"name": name, **number} for name in NUMBERS]
        features += [{"name": name, "type": "category", **code(models.CODE_SIZE)} for name in CODES]
        tensors = [("numbers", "float32", ["batch", len(NUMBERS)], NUMBERS),
                   ("codes", "int64", ["batch", len(CODES)], CODES)]
    else:
        features = [{"name": name, **number, "type": "sequence", "of": "float32"} for name in STEPS]
        features.append({"name": "kind", "type": "sequence", "of": "category", **code(models.STEP_KINDS)})
        tensors = [("numbers", "float32", ["batch", "length", len(STEPS)], STEPS),
                   ("kinds", "int64", ["batch", "length"], ["kind"])]
    return {
        "weighbridge": {"format": 1, "requires": "0.1.0"},
        "identity": {"name": model, "version": "1", "purpose": "tests/bench"},
        "features": features,
        "tensors": [dict(zip(("name", "dtype", "shape", "features"), tensor)) for tensor in tensors],
        "outputs": [{"name": "logit", "shape": ["batch"]}],
        "limits": {"rows": 4096, **({} if model in models.ROWS else {"length": LENGTH})},
        "fallback": {"score": 0.0},
    }


def golden(model: str, inputs: list, expected: list) -> str:
    lines = []
    for arrays, logit in zip(inputs, expected):
        numbers, codes = (array[0].tolist() for array in arrays)
        row = dict(zip(NUMBERS + CODES, numbers + codes)) if model in models.ROWS else {
            **dict(zip(STEPS, arrays[0][0].T.tolist())), "kind": codes}
        lines.append(json.dumps({"row": row, "outputs": {"logit": [float(logit)]}}))
    return "\n".join(lines) + "\n"


@dataclasses.dataclass
class Bundle:
    path: pathlib.Path
    precisions: list[str]
    refused: dict  # precision: why


class Maker:
    """Packs into `folder` with the `weighbridge` command. `engine` is native, or torchscript: then nothing is compiled
    and the one precision is LibTorch's fp32."""

    def __init__(self, folder: pathlib.Path, command: pathlib.Path, engine: str):
        self.folder, self.command, self.engine = folder, command, engine
        self.made, self.failed = {}, {}

    def bundle(self, model: str) -> Bundle:
        if model in self.failed:
            raise RuntimeError(self.failed[model])
        if model not in self.made:
            try:
                self.made[model] = self.make(model)
            except RuntimeError as error:
                self.failed[model] = f"{model}: {error}"
                raise RuntimeError(self.failed[model]) from error
        return self.made[model]

    def make(self, model: str) -> Bundle:
        draft, out = self.folder / f"{model}-draft", self.folder / model
        draft.mkdir()
        module = models.make(model)
        if model in models.ROWS:
            inputs = [cases.payments(1, 1000 + seed) for seed in range(8)]
        else:
            random = np.random.default_rng(5)
            lengths = (1, 7, 16, 33, 128, 300, *cases.traffic_lengths()[:32])
            inputs = [cases.events(1, length, random) for length in lengths]
        with torch.inference_mode():
            expected = [module(*map(torch.from_numpy, arrays)).numpy()[0] for arrays in inputs]
        scale = float(np.abs(expected).max())
        torch.jit.script(module).save(str(draft / "model.ts"))
        said = manifest(model)
        said["tolerances"] = {p: {"absolute": (timing.EXACT if p == "fp32" else timing.LOSSY) * scale}
                              for p in ("fp32", "bf16", "int8", "int8bf16")}
        (draft / "manifest.json").write_text(json.dumps(said, indent=1), encoding="utf-8")
        (draft / "golden.jsonl").write_text(golden(model, inputs, expected), encoding="utf-8")
        self.run("pack", "--module", draft / "model.ts", "--manifest", draft / "manifest.json", "--golden",
                 draft / "golden.jsonl", "--out", out)
        if self.engine == "torchscript":
            return Bundle(out, ["fp32"], {})
        return self.compile(out)

    def compile(self, out: pathlib.Path) -> Bundle:
        """All precisions at once; where that is refused, those of them that can be compiled with fp32."""
        wanted = cpu.precisions()
        try:
            self.run("compile", out, "--precision", ",".join(wanted))
            return Bundle(out, wanted, {})
        except RuntimeError as error:
            timing.say(f"{out.name}: {error}")
        kept, refused = [], {}
        for precision in wanted:
            try:
                self.run("compile", out, "--precision", ",".join([*kept, precision]))
                kept.append(precision)
            except RuntimeError as error:
                refused[precision] = str(error)
        if not kept:
            raise RuntimeError(f"{out.name}: no precision could be compiled: {refused}")
        self.run("compile", out, "--precision", ",".join(kept))
        return Bundle(out, kept, refused)

    def run(self, verb: str, *arguments) -> None:
        done = subprocess.run([self.command, verb, *map(str, arguments)], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"weighbridge {verb}: {(done.stderr or done.stdout).strip()}")

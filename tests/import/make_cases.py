# SPDX-License-Identifier: Apache-2.0
"""Writes the cases of import_check.cpp: python make_cases.py DIRECTORY [PART OF A NAME]

Each is <name>.ts; <name>.bin has, run by run, the inputs and then what LibTorch made of them, as they lie; cases.json
says what is what. The same cases each time.
"""
import contextlib
import dataclasses
import importlib.util
import json
import pathlib
import sys
import time
import warnings

import torch
from algebra import algebra
from arguments_of_operators import arguments
from case import BATCH, LENGTH, Case
from convolutions import convolutions
from encoders import by_hand, torch_attention, torch_encoder
from float64s import float64s
from formulas import formulas
from guards import guards
from habits import habits
from halves import halves
from idioms import idioms
from layouts import folded, layouts
from library_models import library
from loops import loops
from losses import losses
from mlps import bag, codes, encodings, mlp
from payments import payments
from recurrences import recurrences
from refusals import refusals
from rotary import rotary
from scans import scans
from selections import selections
from spectra import spectra
from tabular import tabular
from trees import trees
from windows import windows

LARGEST = 16
RUNS = [(1, 7), (5, 3), (5, 1), (3, 12)]  # rows and length
MANY = (200, 5)
NEEDED = ["deepctr_torch", "rtdl_num_embeddings", "rtdl_revisiting_models", "tab_transformer_pytorch", "tabm", "x_transformers"]

SCRIPTED_TOO = {"sigmoid", "tanh"}  # which few of the random ones that are scripted have


def cases():
    plan = [(mlp, 84), (codes, 15), (bag, 14), (encodings, 36), (layouts, 24), (folded, 12), (by_hand, 96),
            (torch_encoder, 36), (torch_attention, 12), (library, 24)]
    for make, count in plan:
        for seed in range(count):
            case = make(seed)
            yield case
            if not case.scripted and case.families & SCRIPTED_TOO:
                yield dataclasses.replace(case, name=f"{case.name}_scripted", scripted=True)
    yield from arguments()
    yield from losses()
    yield from convolutions()
    yield from recurrences()
    yield from loops()
    yield from formulas()
    yield from idioms()
    yield from selections()
    yield from trees()
    yield from guards()
    yield from windows()
    yield from algebra()
    yield from habits()
    yield from of_packages()
    yield from float64s()
    yield from halves()
    yield from rotary()
    yield from payments()
    yield from scans()
    yield from spectra()
    yield from tabular()
    yield from refusals()


def of_packages():
    """Models of packages from PyPI, where they are installed."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        print(f"no modules of packages: {', '.join(missing)} of tests/support/requirements-packages.txt not installed")
        return
    from packages import packages
    yield from packages()


def symbolic(found: list[tuple[int, ...]], at: list[tuple[int, int]]) -> list[int]:
    """Sizes as they depend on rows and length, from shapes at two runs."""
    (one, two), ((rows, length), (more_rows, more_length)) = found, at
    sizes = []
    for a, b in zip(one, two, strict=True):
        if a == b:
            sizes.append(a)
        elif (a, b) == (rows, more_rows):
            sizes.append(BATCH)
        else:
            assert (a, b) == (length, more_length), (one, two)
            sizes.append(LENGTH)
    return sizes


def write(case: Case, folder: pathlib.Path) -> dict:
    generator = torch.Generator().manual_seed(len(case.name))
    case.make_program(generator)
    case.program.save(folder / f"{case.name}.ts")
    record = {
        "name": case.name, "families": sorted(case.families), "scripted": case.scripted, "largest_length": LARGEST,
        "arguments": [{"dtype": a.dtype, "shape": list(a.shape), "content": a.content} for a in case.arguments],
        "outputs": [], "runs": [], "refusal": list(case.refusal),
    }
    if case.refusal:
        record["outputs"] = [{"shape": [BATCH]}]
        return record
    places = [(4, 6), (5, 9)]
    shapes = [[tuple(t.shape) for t in case.outputs(case.samples(*place, generator))] for place in places]
    for i, found in enumerate(zip(*shapes)):
        record["outputs"].append({"shape": symbolic(found, places), **({"key": case.keys[i]} if case.keys else {})})
    with (folder / f"{case.name}.bin").open("wb") as data:
        for rows, length in RUNS + ([MANY] if case.many else []):
            inputs = case.samples(rows, length, generator)
            outputs = [tensor.float() for tensor in case.outputs([tensor.clone() for tensor in inputs])]
            for tensor in [*inputs, *outputs]:
                data.write(tensor.contiguous().numpy().tobytes())
            record["runs"].append({"rows": rows, "length": length})
        if case.spoil:  # rows of which the second one is refused
            inputs = case.samples(3, 4, generator)
            case.spoil(inputs)
            for tensor in inputs:
                data.write(tensor.contiguous().numpy().tobytes())
            record["spoilt"] = {"rows": 3, "length": 4, "says": case.says, "fails": case.fails}
    return record


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    part = sys.argv[2] if len(sys.argv) > 2 else ""
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch._C._jit_set_profiling_executor(False)
    warnings.simplefilter("ignore")
    start, records = time.monotonic(), []
    for case in cases():
        if part not in case.name:
            continue
        try:
            with case.around() if case.around else contextlib.nullcontext(), torch.jit.optimized_execution(False):
                records.append(write(case, folder))
        except Exception as failure:
            raise RuntimeError(case.name) from failure
    (folder / "cases.json").write_text(json.dumps(records), encoding="utf-8")
    print(f"{len(records)} cases in {time.monotonic() - start:.1f} s")


if __name__ == "__main__":
    main()

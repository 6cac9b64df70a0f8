# SPDX-License-Identifier: Apache-2.0
"""Whether a module can be served, before it is trained."""

import copy
import html
import inspect
import linecache
import os
import pathlib
import re
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import _module
from ._command import Command, ask, run
from ._error import DeadlineExceeded, InvalidArgument, InvalidInput
from .bundle import Draft, as_pandas, draft

_LINE = re.compile(r"(?P<operator>[^,]+)(?:, (?P<layer>.+?))?, (?P<file>[^,]+):(?P<line>\d+): (?P<rest>.*)")
_ROWS = 128  # golden vectors that the losses are measured over
_BATCH = 256
_LOOSE = 1e6  # a loss is told here, not refused
_FP32_TOLERANCE = 1e-5  # the manifest's default


@dataclass(frozen=True)
class Refusal:
    """What does not lower to a plan, so that only LibTorch runs it.

    operator, layer  as "aten::sum", and the submodule, "" for the module itself
    file, line, source   where it is written
    reason, instead  why not, and what to write instead, "" where nothing is known
    """

    operator: str
    layer: str
    file: str
    line: int
    source: str
    reason: str
    instead: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else "?"
        return (f"{place}: {self.operator}{f' in {self.layer}' if self.layer else ''}: {self.reason}"
                + (f"\n    {self.source}" if self.source else "") + (f"\n    instead: {self.instead}" if self.instead else ""))


@dataclass(frozen=True)
class Check:
    """What serving a module will be like. It is true where everything lowers.

    refused          what does not lower; then nothing else was measured
    operators        how many of which the plan has
    microseconds     by precision: the median of one payment alone on this machine, encoding included
    rows_per_second  by precision: one context in calls of 256 payments
    loss             by precision: how far the score is from LibTorch's, "largest" and "mean", over the example's payments;
                     weights that are not trained yet have other extremes than trained ones
    notes            what else is to know
    seconds          that the check took
    """

    refused: list[Refusal]
    operators: dict[str, int] = field(default_factory=dict)
    microseconds: dict[str, float] = field(default_factory=dict)
    rows_per_second: dict[str, float] = field(default_factory=dict)
    loss: dict[str, dict[str, float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def __bool__(self) -> bool:
        return not self.refused

    def __repr__(self) -> str:
        if self.refused:
            lines = [f"Check({len(self.refused)} operators do not lower)", *(f"  {one}" for one in self.refused)]
        else:
            lines = [f"Check(lowers, {sum(self.operators.values())} operators)"]
            lines += [f"  {name}: {self.microseconds[name]:.1f} us a row, {self.rows_per_second[name]:,.0f} rows/s in calls "
                      f"of {_BATCH}; score off by {loss['largest']:.2g} at most, {loss['mean']:.2g} on average"
                      for name, loss in self.loss.items()]
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"


def check(module: Any, example: Any, *, activation: str = "sigmoid", applied: bool = False, command: Command = None,
          timeout: float = 10.0, **options: Any) -> Check:
    """Compiles a draft of the module in a temporary folder, and says what does not lower, how long a payment will take, and
    what int8 will cost. Trained or not: time and operators are the same.

    module      a torch.nn.Module, a scripted or traced one, or the path of a TorchScript file
    example     payments, or what forward takes: a DataFrame (pandas, polars), a bundle.Draft, or a list of arrays or
                tensors, [batch, ...] each
    activation, applied   of the score, as Draft.use has them
    command     the command `weighbridge`, where it is not on PATH
    timeout     seconds that it may take; DeadlineExceeded then
    options     with a DataFrame, what bundle.draft takes: label=, ignore=, categories=, ...
    """
    began = time.monotonic()
    made = _draft_of(example, options)
    notes: list[str] = []
    ready = _ready(module, made, notes)
    if not made.manifest["outputs"]:
        made.use(ready, activation=activation, applied=applied)
    made.manifest["tolerances"] = {"fp32": {"absolute": _LOOSE}, "int8": {"absolute": _LOOSE}}

    def left() -> float:
        seconds = timeout - (time.monotonic() - began)
        if seconds <= 0:
            raise DeadlineExceeded(f"check: expected an answer within {timeout:g} s, got none")
        return seconds

    with tempfile.TemporaryDirectory(prefix="weighbridge-check-") as folder:
        path = pathlib.Path(folder) / "bundle"
        made.pack(ready, path, golden=_some(made), compile="", command=command, timeout=left())
        report, error = ask(command, "compile", path, "--precision", "fp32,int8", torch=True, timeout=left())
        if report.get("refused"):
            refused = [_refusal(line, _sources(module)) for line in report["refused"]]
            return Check(refused, notes=notes, seconds=time.monotonic() - began)
        if error is not None:
            raise error
        loss = _losses(report, made, notes)
        times: dict[str, float] = {}
        rates: dict[str, float] = {}
        for precision in loss:
            seconds = min(0.5, left() / 8)
            times[precision] = _bench(command, path, precision, 1, seconds, left())["latency_us"]["p50"]
            rates[precision] = _bench(command, path, precision, _BATCH, seconds, left())["rows_per_second"]
    return Check([], report.get("operators", {}), times, rates, loss, notes, time.monotonic() - began)


def _bench(command: Command, path: pathlib.Path, precision: str, batch: int, seconds: float, timeout: float) -> dict[str, Any]:
    return run(command, "bench", path, "--precision", precision, "--batch", str(batch), "--seconds", f"{seconds:.2f}",
               "--warm-up", f"{seconds / 4:.2f}", timeout=timeout)


def _losses(report: Mapping[str, Any], made: Draft, notes: list[str]) -> dict[str, dict[str, float]]:
    primary = next(output["name"] for output in made.manifest["outputs"] if output.get("primary") or
                   len(made.manifest["outputs"]) == 1)
    loss = {one["precision"]: {"largest": float(one["largest_difference"][primary]),
                               "mean": float(one["mean_difference"][primary])} for one in report["precisions"]}
    if loss["fp32"]["largest"] > _FP32_TOLERANCE:
        notes.append(f"in fp32 the score is off by {loss['fp32']['largest']:.2g}, beyond {_FP32_TOLERANCE:g}, the manifest's "
                     "default: packing it needs a tolerance")
    if loss["int8"] == loss["fp32"]:
        notes.append("int8 changes nothing: no layer is large enough to gain by it")
    return loss


def _ready(module: Any, made: Draft, notes: list[str]) -> Any:
    """As TorchScript: scripted, else traced with the example."""
    opened = _module.opened(module)
    encoded = made.encode(made.rows.iloc[:2])
    if not made.manifest["outputs"]:
        _module.expect_arguments(opened, made.manifest["tensors"])
    try:
        return _module.scripted(opened)
    except InvalidInput as error:
        traced = _module.traced(opened, encoded)
        first = error.message.removeprefix("module: torch.jit.script refuses it: ").splitlines()[0]
        notes.append(f"torch.jit.script refuses it ({first}); it was traced, so that conditions and loops are as the example "
                     "has them: pack what torch.jit.trace makes of it")
        return traced


def _some(made: Draft) -> Any:
    """Payments from the whole of the example."""
    rows = len(made.rows)
    return made.rows.iloc[np.unique(np.linspace(0, rows - 1, min(rows, _ROWS)).astype(int))]


def _sources(module: Any) -> list[str]:
    """The files that the module's classes are written in."""
    if isinstance(module, (str, os.PathLike)):
        return []
    found = []
    for part in module.modules():
        try:
            found.append(inspect.getsourcefile(type(part)) or "")
        except (TypeError, OSError):  # a built-in, or a class of a notebook
            continue
    return found


def _refusal(text: str, sources: list[str]) -> Refusal:
    found = _LINE.fullmatch(text)
    if found is None:
        operator, _, reason = text.partition(": ")
        return Refusal(operator, "", "", 0, "", reason, "")
    reason, _, instead = found["rest"].rpartition("; ")
    if not reason:
        reason, instead = instead, ""
    path = next((path for path in sources if pathlib.Path(path).name == found["file"]), "")
    line = int(found["line"])
    return Refusal(found["operator"], found["layer"] or "", found["file"], line, linecache.getline(path, line).strip(),
                   reason, instead)


def _draft_of(example: Any, options: dict[str, Any]) -> Draft:
    if isinstance(example, Draft):
        made = Draft(copy.deepcopy(example.manifest), example.rows, {})
        made.files = dict(example.files)
    elif isinstance(example, (list, tuple)):
        made = _of_tensors([_array(part) for part in example])
    else:
        if "label" not in options:
            options = {"fallback": 0.5, **options}
        return draft(as_pandas(example, "example"), name="check", version="0", **options)
    if options:
        raise InvalidArgument(f"{next(iter(options))}: expected only with a DataFrame as the example")
    return made


def _array(part: Any) -> np.ndarray:
    found = part.detach().cpu().numpy() if hasattr(part, "detach") else np.asarray(part)
    if found.ndim not in (1, 2, 3) or found.dtype.kind not in "fiub" or not len(found):
        raise InvalidInput(f"example: expected arrays of numbers or bools, [batch], [batch, w] or [batch, length, w], got "
                           f"{found.dtype} {list(found.shape)}")
    return found


def _of_tensors(arrays: list[np.ndarray]) -> Draft:
    """Features that become the arrays as they are: floats as float32, integers as keys up to the largest."""
    rows = len(arrays[0]) if arrays else 0
    features: list[dict[str, Any]] = []
    tensors: list[dict[str, Any]] = []
    columns: dict[str, list[Any]] = {}
    past = [array for array in arrays if array.ndim == 3]
    for place, array in enumerate(arrays):
        if len(array) != rows:
            raise InvalidInput(f"example: expected {rows} rows in array {place}, as in the first, got {len(array)}")
        name = f"x{place}"
        if array.dtype.kind == "b":
            if not past or array.shape != past[0].shape[:2]:
                raise InvalidInput(f"example: expected an array of bools that masks one of [batch, length, w], got array {place} "
                                   f"of {list(array.shape)}")
            tensors.append({"name": name, "dtype": "bool", "shape": ["batch", "length"], "source": "mask"})
            continue
        if array.ndim == 3 and array.shape[1] != past[0].shape[1]:
            raise InvalidInput(f"example: expected length {past[0].shape[1]} in array {place}, got {array.shape[1]}")
        wide = array.reshape(*array.shape, 1) if array.ndim == 1 else array
        names = [f"{name}_{column}" for column in range(wide.shape[-1])]
        for column, feature in enumerate(names):
            values = wide[..., column]
            if array.dtype.kind == "f":
                kind, steps = "float32", []
            else:
                kind, steps = "category", [{"op": "identity", "size": int(values.max()) + 1}]
            described: dict[str, Any] = {"name": feature}
            described |= {"type": "sequence", "of": kind} if array.ndim == 3 else {"type": kind}
            described |= {"keys": "int64", "encoding": steps} if steps else {}
            features.append(described)
            columns[feature] = values.tolist()
        shape = ["batch", *(["length"] if array.ndim == 3 else []), *([wide.shape[-1]] if array.ndim > 1 else [])]
        dtype = "float32" if array.dtype.kind == "f" else "int32" if array.dtype.itemsize == 4 else "int64"
        tensors.append({"name": name, "dtype": dtype, "shape": shape, "features": names})
    if not features:
        raise InvalidInput("example: expected an array of numbers for each argument of forward, got none")
    manifest: dict[str, Any] = {
        "weighbridge": {"format": 1}, "identity": {"name": "check", "version": "0"}, "features": features,
        "tensors": tensors, "outputs": [], "fallback": {"score": 0.5}}
    if past:
        manifest["limits"] = {"length": past[0].shape[1]}
    return Draft(manifest, _module.pandas().DataFrame(columns), {})

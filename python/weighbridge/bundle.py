# SPDX-License-Identifier: Apache-2.0
"""From a DataFrame and a module to a bundle.

    draft = weighbridge.bundle.draft(frame, name="card", version="1", label="is_fraud", money={"amount_minor": "EUR"})
    draft.feature("amount_minor")["range"] = [0, 500_000]     # every guess may be corrected
    tensors = draft.encode(frame)                             # what forward gets, to train with
    draft.pack(module, "bundle")
"""

import json
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from . import _module, _values
from ._baseline import baseline_of
from ._command import Command, run
from ._error import InvalidArgument, InvalidInput
from ._infer import feature_of
from ._model import Schema
from ._pandas import is_frame

__all__ = ["Draft", "draft"]


def draft(frame: Any, *, name: str, version: str, label: str | None = None, ignore: Iterable[str] = (),
          money: Mapping[str, str] | None = None, categories: Iterable[str] = (), private: Mapping[str, str] | None = None,
          tensors: Mapping[str, Sequence[str]] | None = None, bands: Mapping[str, float] | None = None,
          fallback: float | None = None, vocabulary: int = 256, **identity: str) -> "Draft":
    """Guesses a manifest from the columns of a DataFrame (pandas; polars is converted).

    name, version  of the bundle; more of its identity as keywords: owner="fraud-team", risk_tier="high"
    label          the column with 0 and 1 that the module learns; no feature
    ignore         columns that are no features, such as ids
    money          columns of integers in minor units and their ISO 4217 currencies
    categories     columns of integers that are keys
    private        columns whose values never stand in messages, and their privacy class
    tensors        the arguments of `forward` in order, and the columns in each; None: `numbers` (float32), `codes`
                   (int64), `past_numbers`, `past_codes` and `past_mask`, those that have columns
    bands          names of the decision bands in order, and below which probability each; the last one's is 1
    fallback       the probability where no model can answer; None: the label's mean
    vocabulary     most keys of a category that are listed; a column with more is hashed
    """
    frame = as_pandas(frame)
    money, private = dict(money or {}), dict(private or {})
    left_out = {*ignore, *([label] if label is not None else [])}
    grouped = [column for columns in (tensors or {}).values() for column in columns]
    _expect_columns(frame, {"label": [label] if label is not None else [], "ignore": ignore, "money": money,
                            "categories": categories, "private": private, "tensors": grouped})
    names = [column for column in frame.columns if column not in left_out]
    if not names:
        raise InvalidArgument("frame: expected columns that are features, got none")
    features = []
    for column in names:
        feature = feature_of(frame[column], currency=money.get(column), category=column in set(categories),
                             vocabulary=vocabulary)
        if column in private:
            feature["privacy"] = private[column]
        features.append(feature)
    manifest: dict[str, Any] = {
        "weighbridge": {"format": 1}, "identity": {"name": name, "version": version, **identity},
        "features": features, "tensors": _tensors(features, tensors), "outputs": [],
        "fallback": {"score": _fallback(frame, label, fallback)}}
    lengths = [len(events) for feature in features if feature["type"] == "sequence"
               for events in frame[feature["name"]].dropna()]
    if lengths:
        manifest["limits"] = {"length": max(1, *lengths)}
    made = Draft(manifest, frame[names], dict(bands or {}))
    made.standardise()
    return made


def as_pandas(frame: Any, named: str = "frame") -> Any:
    """A DataFrame of pandas, of polars too, with rows and names that are there once."""
    if not is_frame(frame) and hasattr(frame, "to_pandas"):
        frame = _of_polars(frame)
    if not is_frame(frame):
        raise InvalidInput(f"{named}: expected a DataFrame, got {type(frame).__name__}")
    if not len(frame):
        raise InvalidInput(f"{named}: expected rows, got none")
    twice = [str(name) for name in frame.columns[frame.columns.duplicated()]]
    if twice:
        raise InvalidArgument(f"{named}: expected column '{twice[0]}' once, got twice")
    return frame


def _of_polars(frame: Any) -> Any:
    """As pandas; integers and bools with missing values keep their type."""
    pandas = _module.pandas()
    made = frame.to_pandas()
    for name in frame.columns:
        kind = str(frame[name].dtype)
        nullable = "boolean" if kind == "Boolean" else kind if kind.startswith(("Int", "UInt")) else ""
        if nullable and frame[name].null_count():
            made[name] = pandas.array(frame[name].to_list(), dtype=nullable)
    return made


def _expect_columns(frame: Any, named: Mapping[str, Iterable[str]]) -> None:
    for argument, columns in named.items():
        for column in columns:
            if column not in frame.columns:
                raise InvalidArgument(f"{argument}: expected a column of the frame, got '{column}'; they are "
                                      + ", ".join(map(str, frame.columns)))


def _fallback(frame: Any, label: str | None, fallback: float | None) -> float:
    if fallback is not None:
        return float(fallback)
    if label is None:
        raise InvalidArgument("fallback: expected the probability where no model can answer, or a label= to take the mean of")
    known = frame[label].dropna()
    if not len(known) or not set(known.unique().tolist()) <= {0, 1}:
        raise InvalidArgument(f"column '{label}': expected 0 and 1, as it is the label")
    return float(f"{known.mean():.4g}")


def _tensors(features: list[dict[str, Any]], groups: Mapping[str, Sequence[str]] | None) -> list[dict[str, Any]]:
    by_name = {str(feature["name"]): feature for feature in features}
    if groups is None:
        guessed: dict[str, Sequence[str]] = {}
        for prefix, past in (("", False), ("past_", True)):
            for group, codes in (("numbers", False), ("codes", True)):
                found = [name for name, feature in by_name.items()
                         if (feature["type"] == "sequence") == past and _is_code(feature) == codes]
                if found:
                    guessed[prefix + group] = found
        groups = guessed
    left = by_name.keys() - {column for columns in groups.values() for column in columns}
    if left:
        raise InvalidArgument(f"tensors: expected every feature in one, '{min(left)}' is in none (ignore= leaves it out)")
    tensors: list[dict[str, Any]] = []
    for name, columns in groups.items():
        chosen = [by_name[column] for column in columns]
        kinds = {feature["type"] == "sequence" for feature in chosen}
        if len(kinds) != 1:
            raise InvalidArgument(f"tensors: expected columns in '{name}', all of lists or none, got {', '.join(columns)}")
        dtype = "int64" if all(map(_is_code, chosen)) else "float32"
        shape = ["batch", "length"] if kinds.pop() else ["batch"]
        tensors.append({"name": name, "dtype": dtype, "shape": [*shape, sum(map(_width, chosen))],
                        "features": list(columns)})
    if any(feature["type"] == "sequence" for feature in features):
        tensors.append({"name": "past_mask", "dtype": "bool", "shape": ["batch", "length"], "source": "mask"})
    return tensors


def _is_code(feature: dict[str, Any]) -> bool:
    return feature.get("of", feature["type"]) in ("category", "bool")


def _width(feature: dict[str, Any]) -> int:
    return 2 if any(step["op"] == "cyclic" for step in feature.get("encoding", [])) else 1


class Draft:
    """A manifest in the making. Not for several threads at once.

    manifest  a dict, as lib/bundle/README.md describes it; change what was guessed wrong
    files     vocabularies that the manifest names, text by file name
    rows      the payments that it was guessed from
    """

    def __init__(self, manifest: dict[str, Any], frame: Any, bands: dict[str, float]) -> None:
        self.manifest = manifest
        self.files: dict[str, str] = {}
        self.rows, self._bands = frame, bands

    def feature(self, name: str) -> dict[str, Any]:
        """One feature of the manifest, to be changed in place."""
        found = next((feature for feature in self.manifest["features"] if feature["name"] == name), None)
        if found is None:
            raise InvalidArgument(f"feature: expected one of {', '.join(f['name'] for f in self.manifest['features'])}, "
                                  f"got '{name}'")
        named: dict[str, Any] = found
        return named

    def schema(self) -> Schema:
        """The manifest as the library reads it; InvalidBundle where it does not."""
        manifest = self.manifest
        if not manifest["outputs"]:  # those are known with the module
            manifest = {**manifest, "outputs": [{"name": "score", "shape": ["batch"]}]}
        with tempfile.TemporaryDirectory(prefix="weighbridge-") as folder:
            self._write(pathlib.Path(folder), manifest)
            return Schema.load(folder)

    def encode(self, rows: Any) -> list[np.ndarray]:
        """The tensors that `forward` gets for payments, in order, as the library will make them."""
        return self.schema().encode(rows if not is_frame(rows) else self._columns(rows))

    def sizes(self, tensor: str) -> list[int]:
        """How many indices each feature of a tensor of codes can give: the rows of its embedding."""
        found = next((t for t in self.manifest["tensors"] if t["name"] == tensor), None)
        if found is None or not all(map(_is_code, map(self.feature, found.get("features", [])))):
            raise InvalidArgument(f"tensor: expected the name of one that has only categories and bools, got '{tensor}'")
        return [self._size(self.feature(name)) for name in found["features"]]

    def _size(self, feature: dict[str, Any]) -> int:
        if feature["type"] == "bool":
            return 2
        step = feature["encoding"][-1]
        if step["op"] != "vocabulary":
            return int(step.get("buckets", step.get("size")))
        keys: list[Any] = step["values"] if "values" in step else self.files[step["file"]].splitlines()
        return len(keys) + int(step.get("unknown") == "zero")

    def standardise(self, rows: Any = None) -> None:
        """Sets each standardise step from payments (those of the draft): mean 0 and deviation 1 of what comes out."""
        frame = self.rows if rows is None else rows
        for feature in self.manifest["features"]:
            steps = [step for step in feature.get("encoding", []) if step["op"] == "standardise"]
            for step in steps:
                step.update(mean=0.0, std=1.0)
            if steps:
                values = self._values_of(feature, frame)
                if len(values):
                    steps[-1].update(mean=float(f"{values.mean():.6g}"), std=float(f"{max(values.std(), 1e-3):.6g}"))

    def _values_of(self, feature: dict[str, Any], frame: Any) -> np.ndarray:
        """What a feature alone becomes, in double; of a sequence its events in a row."""
        tensor, mask = self._encoded(feature, frame)
        return tensor[mask].reshape(-1) if mask is not None else tensor.reshape(-1)

    def encode_feature(self, name: str, series: Any) -> np.ndarray:
        """What one feature alone becomes, in double: [rows, values]; of a sequence padded with zeros, its length last."""
        tensor, mask = self._encoded(self.feature(name), series.rename(name).to_frame())
        flat = tensor.reshape(len(tensor), -1)
        return flat if mask is None else np.concatenate([flat, mask.sum(1, keepdims=True)], 1)

    def _encoded(self, feature: dict[str, Any], frame: Any) -> tuple[np.ndarray, np.ndarray | None]:
        width, kind = _width(feature), "int64" if _is_code(feature) else "float64"
        shape: list[Any] = ["batch", width]
        if feature["type"] == "sequence":
            shape = ["batch", "length", width]
        elif feature["type"] == "text":
            shape, kind = ["batch", feature["encoding"][0]["max_tokens"]], "int64"
        manifest = {**self.manifest, "features": [feature], "outputs": [],
                    "tensors": [{"name": "x", "dtype": kind, "shape": shape, "features": [feature["name"]]}]}
        alone = Draft(manifest, frame, {})
        alone.files = self.files
        tensors, masks = alone.schema().encode(alone._columns(frame), masks=True)
        return tensors[0], masks[0]

    def _columns(self, frame: Any) -> Any:
        names = [feature["name"] for feature in self.manifest["features"]]
        _expect_columns(frame, {"rows": names})
        return frame[names]

    def use(self, module: Any, *, outputs: Sequence[str] | None = None, activation: str = "sigmoid",
            applied: bool = False) -> None:
        """Writes the outputs that a module has, after it took some payments of the draft.

        outputs     their names, the first is the score; None: score, output_1, ...
        activation  of the score: "sigmoid" or "none"
        applied     whether `forward` has done it already; else the library does
        """
        found = _module.outputs_of(module, self.manifest["tensors"], self.encode(self.rows.iloc[:2]))
        if outputs is None:
            outputs = ["score", *(f"output_{place}" for place in range(1, len(found)))]
        if len(found) != len(outputs):
            raise InvalidArgument(f"outputs: expected {len(found)} names, as forward gives that many, got {len(outputs)}")
        described: list[dict[str, Any]] = []
        for name, (source, shape) in zip(outputs, found):
            output: dict[str, Any] = {"name": name, "source": source, "shape": ["batch", *shape]}
            if not described:
                output |= {"primary": True, "activation": {"kind": activation, "applied": applied or activation == "none"}}
                if self._bands:
                    output["bands"] = _described(self._bands)
            described.append(output)
        self.manifest["outputs"] = described
        self.schema()

    def golden(self, module: Any, rows: Any) -> list[dict[str, Any]]:
        """Golden vectors of payments: each with what the module gives for it alone. They stand in the bundle as they are:
        give payments that anyone may read."""
        module = _module.opened(module)
        if not self.manifest["outputs"]:
            self.use(module)
        frame, schema = self._columns(as_pandas(rows)), self.schema()
        vectors = []
        for place in range(len(frame)):
            one = frame.iloc[place : place + 1]
            row = {name: self._json(name, one[name]) for name in frame.columns}
            schema.row().set_json(json.dumps(row))
            given = _module.forward(module, schema.encode(one))
            vectors.append({"row": row, "outputs": {
                output["name"]: _activated(output, given[output["source"]])
                for output in self.manifest["outputs"]}})
        return vectors

    def _json(self, name: str, series: Any) -> Any:
        value = series.astype(object).iloc[0]
        if not isinstance(value, (list, tuple, np.ndarray)):
            if series.isna().iloc[0]:
                return None
            if hasattr(value, "to_datetime64") and value.tzinfo is None:
                value = value.to_datetime64()
        return json.loads(_values.json_text(name, value))

    def baseline(self, rows: Any = None) -> dict[str, Any]:
        """What the features look like in payments (those of the draft), as baseline.json says it."""
        return baseline_of(self.rows if rows is None else as_pandas(rows), self.manifest["features"])

    def pack(self, module: Any, out: str | os.PathLike[str], *, golden: Any = None, compile: str = "fp32",
             command: Command = None, timeout: float | None = None) -> dict[str, Any]:
        """Makes the bundle's directory, which appears whole or not at all, and gives the report of its compilation.

        module   a torch.nn.Module, which is scripted, a scripted or traced one, or the path of model.ts
        golden   payments for the golden vectors, a DataFrame; None: 64 that are made up
        compile  precisions, as "fp32,int8"; "" leaves a bundle that needs LibTorch
        command  the command `weighbridge`, where it is not on PATH
        timeout  seconds for each of its runs
        """
        out = pathlib.Path(out)
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise InvalidArgument(f"out: expected no such directory or an empty one, got '{out}'")
        if not self.manifest["outputs"]:
            self.use(module)
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as folder:
            parts = pathlib.Path(folder) / "draft"
            parts.mkdir()
            self._write(parts, self.manifest)
            (parts / "baseline.json").write_text(json.dumps(self.baseline(), indent=1) + "\n", encoding="utf-8")
            _module.save(module, parts / "model.ts")
            arguments = ["--module", str(parts / "model.ts"), "--manifest", str(parts / "manifest.json")]
            if golden is not None:
                vectors = self.golden(module, golden)
                (parts / "golden.jsonl").write_text("".join(json.dumps(v) + "\n" for v in vectors), encoding="utf-8")
                arguments += ["--golden", str(parts / "golden.jsonl")]
            made = pathlib.Path(folder) / "bundle"
            run(command, "pack", *arguments, "--out", made, torch=True, timeout=timeout)
            report = run(command, "compile", made, "--precision", compile, torch=True, timeout=timeout) if compile else {}
            if out.exists():
                out.rmdir()
            shutil.move(made, out)
        return report

    def _write(self, folder: pathlib.Path, manifest: dict[str, Any]) -> None:
        for name, text in self.files.items():
            (folder / name).write_text(text, encoding="utf-8")
        (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")

    def __repr__(self) -> str:
        told = self.manifest["identity"]
        return (f"Draft({told['name']!r}, version={told['version']!r}, features={len(self.manifest['features'])}, "
                f"tensors=[{', '.join(t['name'] for t in self.manifest['tensors'])}])")


def _described(bands: Mapping[str, float]) -> list[dict[str, Any]]:
    *below, (last, end) = bands.items()
    if end != 1:
        raise InvalidArgument(f"bands: expected the last, '{last}', to end at 1, got {end}")
    return [*({"name": name, "below": float(edge)} for name, edge in below), {"name": last}]


def _activated(output: dict[str, Any], values: np.ndarray) -> list[float]:
    found = values.reshape(-1).astype(np.float64)
    activation = output.get("activation", {})
    if activation.get("kind") == "sigmoid" and not activation.get("applied", True):
        found = 1 / (1 + np.exp(-found))
    elif activation.get("kind") == "softmax" and not activation.get("applied", True):
        raised = np.exp(values.astype(np.float64) - values.max(-1, keepdims=True))
        found = (raised / raised.sum(-1, keepdims=True)).reshape(-1)
    return [float(value) for value in found]

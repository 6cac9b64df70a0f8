# SPDX-License-Identifier: Apache-2.0
"""Features that are one thing in training and another in serving."""

import json
import os
import pathlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ._error import InvalidArgument, InvalidInput
from ._module import pandas
from .bundle import Draft, as_pandas

_BINS = 10
_LEAST_SHARE = 1e-4  # an empty bin counts as this: the logarithm of 0 is none
_SHIFTED = 0.1  # Siddiqi: below it no change that matters, above 0.25 a large one
_EXAMPLES = 3


@dataclass(frozen=True)
class FeatureSkew:
    """One feature in both logs.

    differing        share of the joined rows whose values differ; NaN where none joined
    encoded          whether values were compared as the bundle encodes them, else as they stand in the logs
    missing_served, missing_offline   shares of all rows
    psi              population stability index: sum of (s - o) ln(s / o) over bins, s and o the shares of served and offline
                     rows in them; bins are offline's deciles, or the keys, and one of what is missing (N. Siddiqi, Credit Risk
                     Scorecards, 2006)
    ks               two-sample Kolmogorov-Smirnov statistic of numbers and times: the largest distance of the two empirical
                     distribution functions; NaN for keys
    examples         ids of the first rows that differ
    note             what else is to know, as that the types differ
    """

    name: str
    differing: float
    encoded: bool
    missing_served: float
    missing_offline: float
    psi: float
    ks: float
    examples: list[Any] = field(default_factory=list)
    note: str = ""

    @property
    def is_different(self) -> bool:
        """In a joined row; where none joined, by a PSI above 0.1."""
        return self.psi > _SHIFTED if np.isnan(self.differing) else self.differing > 0


@dataclass(frozen=True)
class Skew:
    """What two logs say of the same payments. It is true where they differ.

    features      each feature, those that differ most first
    joined        rows with an id in both
    only_served, only_offline                   rows with an id in one of them
    columns_only_served, columns_only_offline   columns of one of them
    """

    features: list[FeatureSkew]
    joined: int
    only_served: int
    only_offline: int
    columns_only_served: list[str]
    columns_only_offline: list[str]

    @property
    def different(self) -> list[FeatureSkew]:
        """The features that differ in a joined row; where none joined, those with a PSI above 0.1."""
        return [feature for feature in self.features if feature.is_different]

    def __bool__(self) -> bool:
        return bool(self.different or self.columns_only_served or self.columns_only_offline)

    def __getitem__(self, name: str) -> FeatureSkew:
        found = next((feature for feature in self.features if feature.name == name), None)
        if found is None:
            raise InvalidArgument(f"feature: expected one of {', '.join(f.name for f in self.features)}, got '{name}'")
        return found

    def frame(self) -> Any:
        """The features as a pandas DataFrame."""
        return pandas().DataFrame([vars(feature) for feature in self.features])

    def __repr__(self) -> str:
        lines = [f"Skew({self.joined} rows joined, {self.only_served} only served, {self.only_offline} only offline; "
                 f"{len(self.different)} of {len(self.features)} features differ)"]
        for one in self.different:
            lines.append(f"  {one.name}: {one.differing:.2%} of rows, missing {one.missing_served:.2%} served and "
                         f"{one.missing_offline:.2%} offline, PSI {one.psi:.3f}, KS {one.ks:.3f}"
                         + (f"; {one.note}" if one.note else ""))
        for what, columns in (("served", self.columns_only_served), ("offline", self.columns_only_offline)):
            if columns:
                lines.append(f"  only {what}: {', '.join(columns)}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        found: str = self.frame().to_html(index=False, float_format="{:.4g}".format)
        return found


def skew(served: Any, offline: Any, *, by: str, bundle: str | os.PathLike[str] | Draft | None = None,
         features: Iterable[str] | None = None, tolerance: float = 1e-6) -> Skew:
    """Compares what was served with what was trained on, payment by payment.

    served, offline  DataFrames of the two logs
    by               the column of ids, by which rows are joined; each id once in a log
    bundle           whose encoding makes values comparable: two keys that are both unknown are alike then, as are amounts
                     beyond a clip. None: values are compared as they are
    features         which columns; None: the bundle's features, or the columns of both logs
    tolerance        two numbers differ by more than this times the offline one (float32 in one log is no difference)
    """
    served, offline = as_pandas(served, "served"), as_pandas(offline, "offline")
    for what, frame in (("served", served), ("offline", offline)):
        _expect_ids(what, frame, by)
    draft = bundle if isinstance(bundle, Draft) or bundle is None else _draft_of(bundle)
    wanted = list(features) if features is not None else \
        [f["name"] for f in draft.manifest["features"]] if draft is not None else \
        [name for name in served.columns if name in offline.columns and name != by]
    for name in wanted:
        if name not in served.columns and name not in offline.columns:
            raise InvalidArgument(f"features: expected columns of the logs, got '{name}', which is in neither")
    in_both = [name for name in wanted if name in served.columns and name in offline.columns]
    ids = served[by][served[by].isin(offline[by])]
    left = served.set_index(by).loc[ids].reset_index()
    right = offline.set_index(by).loc[ids].reset_index()
    compared = [_compare(name, (left[name], right[name]), (served[name], offline[name]), ids, draft, tolerance)
                for name in in_both]
    every = features is None and draft is None
    return Skew(sorted(compared, key=lambda one: (-np.nan_to_num(one.differing), -one.psi)), len(ids),
                len(served) - len(ids), len(offline) - len(ids),
                [name for name in (served.columns if every else wanted) if name not in offline.columns],
                [name for name in (offline.columns if every else wanted) if name not in served.columns])


def _expect_ids(what: str, frame: Any, by: str) -> None:
    if by not in frame.columns:
        raise InvalidArgument(f"by: expected a column of the {what} log, got '{by}'; they are "
                              + ", ".join(map(str, frame.columns)))
    if frame[by].isna().any():
        raise InvalidInput(f"{what}: expected an id in each row of '{by}', got none in {int(frame[by].isna().sum())}")
    twice = frame[by][frame[by].duplicated()]
    if len(twice):
        raise InvalidInput(f"{what}: expected each '{by}' once, got {twice.iloc[0]} more than once")


def _draft_of(bundle: str | os.PathLike[str]) -> Draft:
    folder = pathlib.Path(bundle)
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidArgument(f"bundle: expected a bundle's directory, got '{folder}': {error}") from None
    named = {step["file"] for feature in manifest["features"] for step in feature.get("encoding", []) if "file" in step}
    made = Draft(manifest, None, {})
    made.files = {name: (folder / name).read_text(encoding="utf-8") for name in named}
    return made


def _compare(name: str, joined: tuple[Any, Any], logs: tuple[Any, Any], ids: Any, draft: Draft | None,
             tolerance: float) -> FeatureSkew:
    encoded, note = None, ""
    if draft is not None and len(ids):
        try:
            encoded = tuple(draft.encode_feature(name, series) for series in joined)
        except InvalidInput as error:
            note = f"compared as it stands, since the bundle refuses it: {error.message}"
    if encoded is not None and encoded[0].shape == encoded[1].shape:
        differ = ~np.isclose(encoded[0], encoded[1], rtol=tolerance, atol=tolerance).all(axis=1)
    else:
        encoded = None
        differ = _differ(*joined, tolerance)
    types = [_kinds(series) for series in logs]
    if types[0] and types[1] and types[0] != types[1]:
        note = "; ".join(filter(None, [f"{types[0]} served, {types[1]} offline", note]))
    psi, ks = _distances(*logs)
    return FeatureSkew(name, float(differ.mean()) if len(ids) else float("nan"), encoded is not None,
                       float(logs[0].isna().mean()), float(logs[1].isna().mean()), psi, ks,
                       ids.to_numpy()[differ][:_EXAMPLES].tolist(), note)


def _is_number(series: Any) -> bool:
    kind = getattr(getattr(series.dtype, "numpy_dtype", series.dtype), "kind", "O")
    return kind in "iufM" or hasattr(series.dtype, "tz")


def _kinds(series: Any) -> str:
    """Number, time, bool or the types of its objects, "" where all are missing."""
    if hasattr(series.dtype, "tz") or getattr(series.dtype, "kind", "O") == "M":
        return "times"
    if _is_number(series):
        return "numbers"
    there = series.dropna()
    if getattr(getattr(series.dtype, "numpy_dtype", series.dtype), "kind", "O") == "b":
        return "bool"
    return ", ".join(sorted({type(value).__name__ for value in there.astype(object)}))


def _numbers(series: Any) -> np.ndarray:
    """As float64, missing ones NaN; times as seconds, in UTC."""
    if hasattr(series.dtype, "tz"):
        series = series.dt.tz_convert("UTC").dt.tz_localize(None)
    if getattr(series.dtype, "kind", "O") == "M":
        times = series.to_numpy().astype("datetime64[ns]")
        return np.where(np.isnat(times), np.nan, times.astype(np.int64) / 1e9)
    found: np.ndarray = series.to_numpy(dtype=np.float64, na_value=np.nan)
    return found


def _differ(served: Any, offline: Any, tolerance: float) -> np.ndarray:
    if _is_number(served) and _is_number(offline):
        return np.asarray(~np.isclose(_numbers(served), _numbers(offline), rtol=tolerance, atol=0, equal_nan=True))
    gone = served.isna().to_numpy(), offline.isna().to_numpy()
    pairs = zip(served.astype(object), offline.astype(object))
    same = np.fromiter((_same(a, b) for a, b in pairs), bool, len(served))
    return np.asarray(np.where(gone[0] | gone[1], gone[0] != gone[1], ~same))


def _same(served: Any, offline: Any) -> bool:
    if isinstance(served, (list, tuple, np.ndarray)) and isinstance(offline, (list, tuple, np.ndarray)):
        return len(served) == len(offline) and all(map(_same, served, offline))
    return bool(served == offline)


def _distances(served: Any, offline: Any) -> tuple[float, float]:
    """PSI, and KS of numbers."""
    if _is_number(served) and _is_number(offline):
        values = _numbers(served), _numbers(offline)
        there = tuple(numbers[~np.isnan(numbers)] for numbers in values)
        edges = np.unique(np.quantile(there[1], np.arange(1, _BINS) / _BINS)) if len(there[1]) else np.empty(0)
        counts = [np.bincount(np.searchsorted(edges, numbers, "right"), minlength=len(edges) + 1) for numbers in there]
        return psi_of(_shares(counts[0], len(served)), _shares(counts[1], len(offline))), ks_of(*there)
    keys: dict[Any, int] = {}
    tallies = []
    for series in (served, offline):
        places = [keys.setdefault(_key(value), len(keys)) for value in series.dropna().astype(object)]
        tallies.append(places)
    counts = [np.bincount(np.array(places, np.int64), minlength=len(keys)) for places in tallies]
    return psi_of(_shares(counts[0], len(served)), _shares(counts[1], len(offline))), float("nan")


def _key(value: Any) -> Any:
    return tuple(value) if isinstance(value, (list, np.ndarray)) else value


def _shares(counts: np.ndarray, rows: int) -> np.ndarray:
    """Of all rows, what is missing last."""
    return np.asarray(np.append(counts, rows - counts.sum()) / max(rows, 1))


def psi_of(served: np.ndarray, offline: np.ndarray) -> float:
    """Population stability index of two distributions over the same bins."""
    used = (served > 0) | (offline > 0)
    s, o = np.maximum(served[used], _LEAST_SHARE), np.maximum(offline[used], _LEAST_SHARE)
    return float(((s - o) * np.log(s / o)).sum())


def ks_of(served: np.ndarray, offline: np.ndarray) -> float:
    """Two-sample Kolmogorov-Smirnov statistic; NaN where one is empty."""
    if not len(served) or not len(offline):
        return float("nan")
    every = np.concatenate([served, offline])
    below = [np.searchsorted(np.sort(values), every, "right") / len(values) for values in (served, offline)]
    return float(np.abs(below[0] - below[1]).max())

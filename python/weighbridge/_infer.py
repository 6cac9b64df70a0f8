# SPDX-License-Identifier: Apache-2.0
"""What a column of a DataFrame says of a feature: type, range, vocabulary, money, missing values."""

import datetime
import decimal
import math
import re
from typing import Any

import numpy as np

from ._error import InvalidArgument
from ._module import pandas

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_EXPONENTS = {  # of ISO 4217; all others have 2
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF BYR".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3), **dict.fromkeys("CLF UYW".split(), 4)}
_SKEWED = 100  # a quantity that reaches further than this from 0 is taken by its logarithm
_MISSING_KEY = "missing"
_MOST_HASHED = 1 << 20
Feature = dict[str, Any]


class Column:
    """One column as the guesses need it: the values that are there, and how many are not."""

    def __init__(self, series: Any) -> None:
        self.name = str(series.name)
        self.dtype = series.dtype
        self.there = series[series.notna()]
        self.missing = len(self.there) < len(series)

    def wrong(self, expected: str, found: str) -> InvalidArgument:
        return InvalidArgument(f"column '{self.name}': expected {expected}, got {found}")


def feature_of(series: Any, *, currency: str | None, category: bool, vocabulary: int) -> Feature:
    """The feature that a column makes. `currency`: it is money in minor units; `category`: its integers are keys;
    `vocabulary`: most keys that are listed, more are hashed."""
    column = Column(series)
    if not _NAME.fullmatch(column.name):
        near = re.sub(r"[^a-z0-9_]", "_", column.name.lower()).lstrip("0123456789_")[:63]
        raise column.wrong("a name of lower-case letters, digits and _, first a letter, at most 63",
                           f"'{column.name}'" + (f": rename it, such as to '{near}'" if near else ""))
    if not len(column.there):
        raise column.wrong("values to guess a type from", "none: leave it out, or give rows that have it")
    if isinstance(column.there.iloc[0], (list, tuple, np.ndarray)):
        return _sequence(column, currency=currency, category=category, vocabulary=vocabulary)
    feature = _scalar(column, currency=currency, category=category, vocabulary=vocabulary)
    return {"name": column.name, **feature}


def _scalar(column: Column, *, currency: str | None, category: bool, vocabulary: int) -> Feature:
    kind = getattr(getattr(column.dtype, "numpy_dtype", column.dtype), "kind", "O")
    if currency is not None and kind not in "iu":
        raise column.wrong("integers of minor units (cents), as it is money",
                           f"{column.dtype}: write (frame['{column.name}'] * 100).round().astype('int64')")
    if kind == "M" or hasattr(column.dtype, "tz"):
        return _timestamp(column)
    if category and kind in "iu" or kind in "OUST" or hasattr(column.dtype, "categories"):
        return _objects(column, vocabulary)
    if kind == "b":
        default = bool(column.there.mode().iloc[0])
        return {"type": "bool", **_default(column, default)}
    if kind in "iu":
        return _integer(column, currency)
    if kind == "f":
        return _float(column)
    raise column.wrong("numbers, bools, times, texts or lists of them", str(column.dtype))


def _default(column: Column, value: Any) -> Feature:
    return {"missing": {"default": value}} if column.missing else {}


def widened(least: float, most: float) -> list[int]:
    """A range with room for what was not seen: to the power of ten above ten times the largest size, and from 0 where
    nothing is below it."""
    size = max(abs(least), abs(most), 1.0)
    bound = 10 ** min(math.floor(math.log10(size)) + 2, 15)
    return [0 if least >= 0 else -bound, bound]


def _steps(least: float, most: float) -> list[Feature]:
    standardise: Feature = {"op": "standardise", "mean": 0.0, "std": 1.0}
    return [{"op": "log1p"}, standardise] if least >= 0 and most > _SKEWED else [standardise]


def _integer(column: Column, currency: str | None) -> Feature:
    least, most = int(column.there.min()), int(column.there.max())
    if max(abs(least), abs(most)) > 2**53:
        raise column.wrong("integers of at most 2^53, as numbers are",
                           f"{most if abs(most) > abs(least) else least}: name it in categories=, if these are keys")
    feature: Feature = {"type": "int64", "range": widened(least, most)}
    if currency is not None:
        feature["money"] = {"currency": currency, "exponent": _EXPONENTS.get(currency, 2)}
    return {**feature, **_default(column, int(column.there.median())), "encoding": _steps(least, most)}


def _float(column: Column) -> Feature:
    values = column.there.to_numpy(dtype=np.float64)
    if not np.isfinite(values).all():
        row = column.there.index[int(np.flatnonzero(~np.isfinite(values))[0])]
        raise column.wrong("finite numbers", f"an infinite one in row {row}")
    least, most = float(values.min()), float(values.max())
    wide = max(abs(least), abs(most)) > float(np.finfo(np.float32).max)
    feature: Feature = {"type": "float64" if wide else "float32"}
    if 0 <= least and most <= 1:
        feature["range"] = [0, 1]
    elif max(abs(least), abs(most)) < 1e13:
        feature["range"] = widened(least, most)
    median = float(np.float32(np.median(values)))
    missing = {**_default(column, median), "nan": "missing"} if column.missing else {}
    return {**feature, **missing, "encoding": _steps(least, most) if "range" in feature else _steps(-1, 0)}


def _timestamp(column: Column) -> Feature:
    times, zone = column.there, str(getattr(column.dtype, "tz", None) or "UTC")
    if zone != "UTC":
        times = times.dt.tz_convert("UTC").dt.tz_localize(None)
    elif hasattr(column.dtype, "tz"):
        times = times.dt.tz_localize(None)
    values = np.sort(times.to_numpy())
    unit = np.datetime_data(values.dtype)[0]
    missing = _default(column, int(values[len(values) // 2].astype(np.int64)))
    return {"type": "timestamp", "unit": unit, "zone": zone.removeprefix("UTC") or "UTC", **missing,
            "encoding": [{"op": "cyclic", "period": "day"}]}


def _objects(column: Column, vocabulary: int) -> Feature:
    there = column.there.astype(object)
    types = sorted({type(value).__name__ for value in there.tolist()})
    first = there.iloc[0]
    if isinstance(first, decimal.Decimal):
        raise column.wrong("numbers", "Decimal: write minor units as int64 and name the currency in money=")
    if isinstance(first, (datetime.datetime, datetime.date)):
        raise column.wrong("datetime64", f"objects of {types[0]}: write pandas.to_datetime(frame['{column.name}'])")
    texts = all(isinstance(value, str) for value in there)
    if types == ["bool"]:
        raise column.wrong("bools", f"objects of bool: write frame['{column.name}'].astype('boolean')")
    if not texts and not all(isinstance(value, (int, np.integer)) and not isinstance(value, bool) for value in there):
        raise column.wrong("texts, or integers that are named in categories=", f"objects of {', '.join(types)}")
    counts = there.value_counts()
    keys = sorted(counts.index.tolist(), key=lambda key: (-int(counts[key]), key))
    if texts and "" in keys:
        raise column.wrong("texts with characters", "an empty one: replace it by None")
    feature: Feature = {"type": "category"} if texts else {"type": "category", "keys": "int64"}
    keys = keys if texts else [int(key) for key in keys]
    absent: Any = _MISSING_KEY if texts else min(-1, min(keys) - 1)
    if len(keys) > vocabulary:
        buckets = min(1 << math.ceil(math.log2(len(keys) * 2)), _MOST_HASHED)
        step: Feature = {"op": "hash", "buckets": buckets, "seed": 0}
    else:
        more = [absent] if column.missing and absent not in keys else []
        step = {"op": "vocabulary", "values": keys + more, "unknown": "zero"}
    return {**feature, **_default(column, absent), "encoding": [step]}


def _sequence(column: Column, *, currency: str | None, category: bool, vocabulary: int) -> Feature:
    flat = pandas().Series([item for events in column.there for item in events], name=column.name)
    if not len(flat):
        raise column.wrong("values to guess a type from", "only empty lists")
    if flat.isna().any():
        raise column.wrong("lists without missing values", "one that has some")
    feature = _scalar(Column(flat), currency=currency, category=category, vocabulary=vocabulary)
    of = feature.pop("type")
    if of == "bool":
        raise column.wrong("lists of numbers, texts or times", "lists of bool: write integers")
    steps = [{"op": "truncate", "keep": "tail"}, *feature.pop("encoding")]
    return {"name": column.name, "type": "sequence", "of": of, **feature, "missing": {"default": []}, "encoding": steps}

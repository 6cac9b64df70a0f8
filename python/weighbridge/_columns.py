# SPDX-License-Identifier: Apache-2.0
"""Columns of numpy arrays and lists. What the C reader reads in place is handed over as it lies; no value is changed
on the way."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from . import _native
from ._error import InvalidArgument, InvalidInput

_MOST_NAMED = 3
# datetime64's units: seconds each, or how many make one.
_TIME_UNITS = {"W": (604800, 1), "D": (86400, 1), "h": (3600, 1), "m": (60, 1), "s": (1, 1), "ms": (0, 10**3),
               "us": (0, 10**6), "ns": (0, 10**9)}  # fmt: skip

Features = list[dict[str, Any]]


def expect_columns(schema: _native.Schema, features: Features, names: Iterable[object]) -> list[int]:
    """The features' indices of columns: each known, none twice, none missing that has no default."""
    indices: list[int] = []
    for name in names:
        index = schema.find(name)
        if index in indices:
            raise InvalidArgument(f"column '{name}': expected once, got twice", index)
        indices.append(index)
    given = set(indices)
    missing = [f"'{feature['name']}'" for i, feature in enumerate(features) if feature["required"] and i not in given]
    if missing:
        more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
        raise InvalidArgument("columns: missing " + ", ".join(missing[:_MOST_NAMED]) + more)
    return indices


def block_of_columns(schema: _native.Schema, features: Features, columns: Mapping[str, Any]) -> _native.Block:
    """Columns by name. A number, or an array without dimension, serves all rows."""
    if not isinstance(columns, Mapping):
        raise InvalidArgument(f"expected a dict of columns, got {type(columns).__name__}")
    indices = expect_columns(schema, features, columns)
    rows = next((len(values) for values in columns.values() if _has_rows(values)), 1)
    block = _native.Block(schema, rows)
    for index, values in zip(indices, columns.values()):
        set_column(block, index, features[index], values)
    return block


def _has_rows(values: Any) -> bool:
    return hasattr(values, "__len__") and getattr(values, "ndim", 1) != 0 and not isinstance(values, (str, bytes))


def block_of_matrix(schema: _native.Schema, features: Features, matrix: np.ndarray) -> _native.Block:
    """[rows, features], columns in the features' order."""
    if matrix.ndim != 2 or matrix.shape[1] != len(features):
        raise InvalidInput(f"matrix: expected [rows, {len(features)}], a column for each feature, got "
                           f"{list(matrix.shape)}")
    block = _native.Block(schema, matrix.shape[0])
    for index, feature in enumerate(features):
        set_column(block, index, feature, matrix[:, index])
    return block


def block_of_records(schema: _native.Schema, features: Features, records: np.ndarray) -> _native.Block:
    """A structured array: its fields are columns."""
    names = records.dtype.names or ()
    indices = expect_columns(schema, features, names)
    records = records.reshape(-1)
    block = _native.Block(schema, len(records))
    for index, name in zip(indices, names):
        set_column(block, index, features[index], records[name])
    return block


def set_column(block: _native.Block, index: int, feature: dict[str, Any], values: Any) -> None:
    """One feature's values: numbers, bools and datetime64 of numpy, masked arrays, and sequences of Python objects."""
    if isinstance(values, (str, bytes)):
        raise InvalidInput(f"column '{feature['name']}': expected a list of str, got one {type(values).__name__}", index)
    missing = None
    if isinstance(values, np.ma.MaskedArray):
        missing = np.ma.getmaskarray(values)
        values = values.data
    elif isinstance(values, (int, float, np.generic)):
        values = np.asarray(values)
    if feature["is_sequence"] or not isinstance(values, np.ndarray):
        _set_objects(block, index, feature, values, missing)
    elif values.dtype.kind in "biuf":
        _set_numbers(block, index, feature, values, missing)
    elif values.dtype.kind == "M" and values.ndim == 1:
        _set_times(block, index, feature, values, missing)
    elif values.dtype.kind in "OUSTM":
        _set_objects(block, index, feature, values, missing)
    else:
        advice = ": divide it by a unit, such as numpy.timedelta64(1, 's')" if values.dtype.kind == "m" else ""
        raise InvalidArgument(f"column '{feature['name']}': expected {feature['type']}, got {values.dtype}{advice}",
                              index)


def _set_numbers(block: _native.Block, index: int, feature: dict[str, Any], values: np.ndarray,
                 missing: np.ndarray | None) -> None:
    if values.dtype.itemsize > 8:
        raise InvalidArgument(f"column '{feature['name']}': expected float64 or narrower, got {values.dtype}: convert it "
                              "with .astype(numpy.float64), which rounds", index)
    if not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    if values.dtype.kind == "f" and feature["type"] in ("category", "text") and \
            values.shape == (block.rows,) and _native.all_nan(values):
        return  # what pandas and numpy make of a column without a value
    _native.set_numbers(block, index, values, missing)


def _set_times(block: _native.Block, index: int, feature: dict[str, Any], values: np.ndarray,
               missing: np.ndarray | None) -> None:
    unit, count = np.datetime_data(values.dtype)
    if feature["type"] != "timestamp":
        raise InvalidArgument(f"column '{feature['name']}': expected {feature['type']}, got {values.dtype}", index)
    if unit == "generic" and values.shape == (block.rows,) and bool(np.isnat(values).all()):
        return
    if unit not in _TIME_UNITS or count != 1:
        raise InvalidArgument(f"column '{feature['name']}': expected datetime64 of a unit from weeks to nanoseconds, got "
                              f"{values.dtype}: convert it with .astype('datetime64[s]')", index)
    if not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    seconds, ticks_per_second = _TIME_UNITS[unit]
    _native.set_times(block, index, np.ascontiguousarray(values).view(np.int64), seconds, ticks_per_second, missing)


def _set_objects(block: _native.Block, index: int, feature: dict[str, Any], values: Any,
                 missing: np.ndarray | None) -> None:
    if isinstance(values, np.ndarray):
        if values.ndim == 0:
            values = (values[()],) * block.rows
        elif values.ndim > (2 if feature["is_sequence"] else 1):
            raise InvalidArgument(f"column '{feature['name']}': expected one dimension, got {values.ndim}", index)
        elif not feature["is_sequence"]:
            values = values if values.dtype.kind == "M" else values.tolist()
    try:
        objects = tuple(values)
    except TypeError:
        raise InvalidInput(f"column '{feature['name']}': expected an array or a list, got {type(values).__name__}",
                           index) from None
    if missing is not None:
        objects = tuple(None if gone else value for value, gone in zip(objects, missing))
    _native.set_objects(block, index, objects)

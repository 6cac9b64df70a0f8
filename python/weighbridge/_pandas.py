# SPDX-License-Identifier: Apache-2.0
"""pandas, by its columns' own memory. pandas is never imported here: who hands a DataFrame over has it."""

import importlib
from typing import Any

import numpy as np

from . import _native
from ._columns import Features, expect_columns, set_column
from ._error import InvalidArgument


def is_frame(data: object) -> bool:
    return _is_a("DataFrame", data)


def is_series(data: object) -> bool:
    return _is_a("Series", data)


def _is_a(name: str, data: object) -> bool:
    return any(base.__name__ == name and base.__module__.split(".")[0] == "pandas" for base in type(data).__mro__)


def payment_of(series: Any) -> dict[Any, Any]:
    """A row of a DataFrame: its NaN is missing, as in the DataFrame."""
    if not series.index.is_unique:
        raise InvalidArgument(f"column '{series.index[series.index.duplicated()][0]}': expected once, got twice")
    nan = (float, np.floating)
    return {name: None if isinstance(value, nan) and value != value else value for name, value in series.items()}


def block_of_frame(schema: _native.Schema, features: Features, frame: Any) -> _native.Block:
    indices = expect_columns(schema, features, frame.columns)
    block = _native.Block(schema, len(frame))
    for place, index in enumerate(indices):
        _set_series(block, index, features[index], frame.iloc[:, place])
    return block


def _set_series(block: _native.Block, index: int, feature: dict[str, Any], series: Any) -> None:
    kind = series.dtype
    if isinstance(kind, np.dtype):
        set_column(block, index, feature, series.to_numpy(copy=False))
    elif hasattr(kind, "categories") and hasattr(series.array, "codes"):
        _set_categorical(block, index, feature, series)
    elif hasattr(kind, "pyarrow_dtype") or getattr(kind, "storage", "") == "pyarrow":
        _set_arrow(block, index, feature, series)
    elif hasattr(kind, "tz"):
        set_column(block, index, feature, series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())
    elif getattr(getattr(kind, "numpy_dtype", None), "kind", "O") in "biuf":  # Int64, Float32, boolean
        missing = series.isna().to_numpy()
        values = series.array.to_numpy(dtype=kind.numpy_dtype, na_value=kind.numpy_dtype.type(0))
        set_column(block, index, feature, np.ma.MaskedArray(values, missing))
    else:
        set_column(block, index, feature, series.astype(object).tolist())


def _set_categorical(block: _native.Block, index: int, feature: dict[str, Any], series: Any) -> None:
    index_of_keys = series.array.categories
    keys: Any = None
    if isinstance(index_of_keys.dtype, np.dtype) and index_of_keys.dtype.kind in "iu" and index_of_keys.dtype != np.uint64:
        keys = index_of_keys.to_numpy(np.int64)
    elif all(type(key) is str for key in index_of_keys):
        keys = index_of_keys.tolist()
    if keys is not None and not feature["is_sequence"]:
        _native.set_categories(block, index, np.ascontiguousarray(series.array.codes), keys)
    else:
        set_column(block, index, feature, series.astype(object).tolist())


def _set_arrow(block: _native.Block, index: int, feature: dict[str, Any], series: Any) -> None:
    pyarrow: Any = importlib.import_module("pyarrow")  # what holds the values already

    array = pyarrow.array(series.array)
    if pyarrow.types.is_floating(array.type):  # where NaN is missing, as in every column of pandas
        missing = series.isna().to_numpy()
        values = series.to_numpy(dtype=array.type.to_pandas_dtype(), na_value=0)
        set_column(block, index, feature, np.ma.MaskedArray(values, missing))
        return
    if isinstance(array, pyarrow.ChunkedArray):
        array = array.combine_chunks()
    _native.set_arrow(block, index, *array.__arrow_c_array__())

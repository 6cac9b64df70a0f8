# SPDX-License-Identifier: Apache-2.0
"""pandas, by its columns' own memory. pandas is never imported here: who hands a DataFrame over has it."""

import importlib
from typing import Any

import numpy as np

from . import _native
from ._columns import Features, expect_columns, set_column


def is_frame(data: object) -> bool:
    kind = type(data)
    return any(base.__module__.split(".")[0] == "pandas" and base.__name__ == "DataFrame" for base in kind.__mro__)


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
        _set_arrow(block, index, series)
    elif hasattr(kind, "tz"):
        set_column(block, index, feature, series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())
    elif getattr(getattr(kind, "numpy_dtype", None), "kind", "O") in "biuf":  # Int64, Float32, boolean
        missing = series.isna().to_numpy()
        values = series.array.to_numpy(dtype=kind.numpy_dtype, na_value=kind.numpy_dtype.type(0))
        set_column(block, index, feature, np.ma.MaskedArray(values, missing))
    else:
        set_column(block, index, feature, series.astype(object).tolist())


def _set_categorical(block: _native.Block, index: int, feature: dict[str, Any], series: Any) -> None:
    categories = series.array.categories.tolist()
    plain = all(type(key) is str for key in categories) or \
        all(type(key) is int and -(2**63) <= key < 2**63 for key in categories)
    if plain and not feature["is_sequence"]:
        _native.set_categories(block, index, np.ascontiguousarray(series.array.codes), categories)
    else:
        set_column(block, index, feature, series.astype(object).tolist())


def _set_arrow(block: _native.Block, index: int, series: Any) -> None:
    pyarrow: Any = importlib.import_module("pyarrow")  # what holds the values already

    array = pyarrow.array(series.array)
    if isinstance(array, pyarrow.ChunkedArray):
        array = array.combine_chunks()
    _native.set_arrow(block, index, *array.__arrow_c_array__())

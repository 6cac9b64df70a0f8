# SPDX-License-Identifier: Apache-2.0
"""Which kind of source a caller's payments are."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from . import _native, _pandas
from ._columns import Features, block_of_columns, block_of_matrix, block_of_records
from ._error import InvalidArgument, InvalidInput


class ArrowStream(Protocol):
    """A DataFrame of pandas or polars, a table of pyarrow, and others."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


class ArrowArray(Protocol):
    """A record batch of pyarrow, and others."""

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...


Many = Sequence[Mapping[str, Any]] | ArrowStream | ArrowArray


def one_of(data: object) -> Any:
    """One payment as the native module takes it: a Row, a dict or an array of the features; None where `data` is
    many."""
    if isinstance(data, (_native.Row, dict)):
        return data
    if isinstance(data, Mapping):
        return dict(data)
    if isinstance(data, np.void) and data.dtype.names:
        return dict(zip(data.dtype.names, data.item()))
    if _pandas.is_series(data):
        return _pandas.payment_of(data)
    if isinstance(data, np.ndarray) and data.ndim == 1 and data.dtype.kind in "biufO" and not _are_dicts(data):
        return data
    return None


def _are_dicts(data: np.ndarray) -> bool:
    return data.dtype.kind == "O" and data.ndim == 1 and len(data) > 0 and isinstance(data[0], Mapping)


def blocks_of(schema: _native.Schema, features: Features, data: Any) -> list[_native.Block]:
    """Many payments, described where they lie: one block, or several of an Arrow stream."""
    if isinstance(data, (list, tuple)) or isinstance(data, np.ndarray) and _are_dicts(data):
        return [_native.block_of_dicts(schema, [item if not isinstance(item, Mapping) else dict(item) for item in data])]
    if isinstance(data, np.ndarray):
        block = block_of_records if data.dtype.names else block_of_matrix
        return [block(schema, features, data)]
    if _pandas.is_frame(data):
        return [_pandas.block_of_frame(schema, features, data)]
    if hasattr(data, "__arrow_c_stream__"):
        return _native.blocks_of_stream(schema, exported(data, "__arrow_c_stream__"))
    if hasattr(data, "__arrow_c_array__"):
        capsules = exported(data, "__arrow_c_array__")
        if not isinstance(capsules, tuple) or len(capsules) != 2:
            raise InvalidArgument(f"expected two capsules of __arrow_c_array__, got {type(capsules).__name__}")
        return [_native.block_of_array(schema, *capsules)]
    advice = ": collect() it" if type(data).__name__ == "LazyFrame" else ""
    raise InvalidInput("expected a dict, a list of dicts, a numpy array, a DataFrame of pandas or polars, or an Arrow "
                       f"stream, got {type(data).__name__}{advice}")


def exported(data: Any, how: str) -> Any:
    """Arrow's capsules of what another library holds. Its own error says why it has none, with values that must not
    stand in ours."""
    try:
        return getattr(data, how)()
    except Exception as error:
        raise InvalidInput(f"{type(data).__name__}: its {how} failed with {type(error).__name__}") from error


__all__ = ["Many", "block_of_columns", "blocks_of", "one_of"]

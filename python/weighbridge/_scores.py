# SPDX-License-Identifier: Apache-2.0
"""What scoring many payments gives."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from . import _native
from ._error import Error, InvalidArgument, make

# By name: WB_COLUMN_* and its type.
_COLUMNS: dict[str, tuple[int, type[np.generic]]] = {
    "score": (1, np.float64), "probability": (2, np.float64), "band": (3, np.int32), "status": (4, np.int32),
    "reason": (5, np.int32), "defaulted": (6, np.uint32), "clipped": (7, np.uint32), "blamed": (8, np.int32),
}  # fmt: skip

Out = np.ndarray | Mapping[str, np.ndarray] | None


class Scores(dict[str, np.ndarray]):
    """Arrays by name, a value for each row: score, probability, band (index of the decision band, -1 for none), status
    (0, 1 where the fallback answered, else the row's error code), reason (why a fallback answered), defaulted, clipped,
    blamed (index of the feature that an error is about), and the outputs that were asked for. A row that could not be
    scored has NaN as its score.

    result  what became of them all: status, rows, scored, fallbacks, invalid, failed, first_error, error, reason, backend,
            precision, numerics, device, bundle, fallback_bundle, version, queue_ns, run_ns
    """

    result: dict[str, Any]

    @property
    def score(self) -> np.ndarray:
        return self["score"]

    @property
    def probability(self) -> np.ndarray:
        return self["probability"]

    @property
    def band(self) -> np.ndarray:
        return self["band"]

    @property
    def status(self) -> np.ndarray:
        return self["status"]

    def _note_error(self) -> None:
        """Makes an error of what the library told of the first row, whose code is in its column."""
        message, feature = self.result["error"]
        row = self.result["first_error"]
        self.result["error"] = make(int(self.status[row]), message, feature, row) if row >= 0 else None

    @property
    def error(self) -> Error | None:
        """What is wrong with the first row that could not be scored."""
        found: Error | None = self.result["error"]
        return found

    def raise_first(self) -> "Scores":
        """Raises the first row's error, where there is one."""
        if self.error is not None:
            raise self.error
        return self

    def __repr__(self) -> str:
        told = self.result
        return (f"Scores({told['rows']} rows: {told['scored']} scored, {told['fallbacks']} fallbacks, {told['invalid']} "
                f"invalid, {told['failed']} failed; version {told['version'] or '-'})")


def places(schema: _native.Schema, rows: int, outputs: list[int], out: Out) -> tuple[
        Scores, list[tuple[int, np.ndarray]], list[tuple[int, np.ndarray]]]:
    """Where results and outputs go: the caller's arrays, and new ones for what is not among them."""
    given = dict(out) if isinstance(out, Mapping) else {} if out is None else {"score": out}
    scores = Scores()
    results = []
    for name, (column, kind) in _COLUMNS.items():
        scores[name] = _checked(name, given.pop(name), (rows,), kind) if name in given else np.empty(rows, kind)
        results.append((column, scores[name]))
    described = schema.outputs()
    placed = []
    for index in outputs:
        name = described[index]["name"]
        shape = (rows, *described[index]["shape"][1:])
        array = _checked(name, given.pop(name), shape, np.float32) if name in given else np.empty(shape, np.float32)
        scores[name] = array
        placed.append((index, array))
    if given:
        raise InvalidArgument(f"out: expected arrays of {', '.join(scores)}, got {', '.join(map(repr, given))}")
    return scores, results, placed


def expect_apart(out: Out, kept: Iterable[object]) -> None:
    """That no array for results lies in another one, nor in what is read meanwhile."""
    given = list(out.items()) if isinstance(out, Mapping) else [("score", out)]
    for place, (name, array) in enumerate(given):
        for other, taken in given[:place]:
            if _overlap(array, taken):
                raise InvalidArgument(f"out: expected arrays of their own, '{other}' and '{name}' overlap")
        if any(_overlap(array, source) for source in kept if isinstance(source, np.ndarray)):
            raise InvalidArgument(f"out: expected an array of its own for '{name}', got memory of the payments")


def _overlap(a: Any, b: Any) -> bool:
    return np.may_share_memory(a, b) and np.shares_memory(a, b)


def _checked(name: str, array: Any, shape: tuple[int, ...], kind: type[np.generic]) -> np.ndarray:
    if not isinstance(array, np.ndarray) or array.shape != shape or array.dtype != kind or not array.flags.writeable:
        found = f"{array.dtype} {list(array.shape)}" if isinstance(array, np.ndarray) else type(array).__name__
        read_only = isinstance(array, np.ndarray) and not array.flags.writeable
        raise InvalidArgument(f"out: expected a writeable array of {np.dtype(kind)} {list(shape)} for '{name}', got "
                              f"{found}{' that is read-only' if read_only else ''}")
    inner = array[0] if array.ndim > 1 and len(array) else array[:0]
    if not inner.flags.c_contiguous:
        raise InvalidArgument(f"out: expected the values of a row of '{name}' side by side")
    return array

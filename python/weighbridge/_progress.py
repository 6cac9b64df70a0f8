# SPDX-License-Identifier: Apache-2.0
"""Progress of long calls, by tqdm where it is there."""

import importlib
import sys
from collections.abc import Callable
from typing import Any

from ._error import InvalidArgument

_LEAST_ROWS = 20_000  # less is done before a bar is read

Progress = Callable[[int], object] | str | bool | None


class Bar:
    """What is told of each window's rows; `told` is None where nobody wants to know."""

    def __init__(self, progress: Progress, rows: int) -> None:
        self._bar: Any = None
        self.told: Callable[[int], object] | None = None
        if callable(progress):
            self.told = progress
        elif progress == "auto" or progress is True:
            if progress == "auto" and (rows < _LEAST_ROWS or not _is_watched()):
                return
            try:
                tqdm: Any = importlib.import_module("tqdm.auto")
            except ImportError:
                if progress is True:
                    raise InvalidArgument("progress: expected tqdm, which is not installed; a function that is given "
                                          "numbers of rows does too") from None
                return
            self._bar = tqdm.tqdm(total=rows, unit="row", unit_scale=True)
            self.told = self._bar.update
        elif progress not in (None, False):
            raise InvalidArgument(f"progress: expected 'auto', a bool or a function, got {progress!r}")

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()


def _is_watched() -> bool:
    return "ipykernel" in sys.modules or bool(getattr(sys.stderr, "isatty", bool)())

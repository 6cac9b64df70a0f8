# SPDX-License-Identifier: Apache-2.0
"""Scores payments with Weighbridge bundles: the library of the payment service, in a service or a notebook.

    model = weighbridge.load("bundle")
    model.score({"amount_minor": 1250, "country": "FR"}).probability
    model.score(frame)["probability"]
"""

from typing import TYPE_CHECKING, Any

from . import _interpreter as _interpreter  # first: elsewhere the import of the next would hang
from . import _native
from ._arrays import Arrays
from ._engine import Engine, default_engine, engine_options, load_options, system_info
from ._error import (
    BackendFailed, BackendUnavailable, BufferTooSmall, Busy, Cancelled, Closed, DeadlineExceeded, Error, Forked,
    Internal, InvalidArgument, InvalidBundle, InvalidHandle, InvalidInput, IoError, NotFound, NotLoaded, OutOfMemory,
    Overloaded, SchemaChanged, SchemaMismatch, VerifyFailed, WouldWait,
)  # fmt: skip
from ._model import Model, Schema, Slot, load
from ._native import Row, Score
from ._scores import Scores

if TYPE_CHECKING:
    from . import bundle, plots
    from ._check import Check, check
    from ._skew import Skew, skew

__all__ = [
    "Arrays", "BackendFailed", "BackendUnavailable", "BufferTooSmall", "Busy", "Cancelled", "Check", "Closed",
    "DeadlineExceeded", "Engine", "Error", "Forked", "Internal", "InvalidArgument", "InvalidBundle", "InvalidHandle",
    "InvalidInput", "IoError", "Model", "NotFound", "NotLoaded", "OutOfMemory", "Overloaded", "Row", "Schema",
    "SchemaChanged", "SchemaMismatch", "Score", "Scores", "Skew", "Slot", "VerifyFailed", "WouldWait", "bundle",
    "check", "default_engine", "engine_options", "load", "load_options", "now_ns", "plots", "skew", "system_info",
]  # fmt: skip
__version__: str = _native.__version__


def now_ns() -> int:
    """Now, as deadlines are measured: time.monotonic_ns()."""
    import time

    return time.monotonic_ns()


# Tools of notebooks: module, and what in it. A service that scores need not import them.
_LATER = {"bundle": ("bundle", ""), "plots": ("plots", ""), "Check": ("_check", "Check"), "check": ("_check", "check"),
          "Skew": ("_skew", "Skew"), "skew": ("_skew", "skew")}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        import importlib

        module, member = _LATER[name]
        found = importlib.import_module("." + module, __name__)
        globals()[name] = getattr(found, member) if member else found
        return globals()[name]

    def __dir__() -> list[str]:
        return sorted({*globals(), *_LATER})

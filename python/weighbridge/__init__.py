# SPDX-License-Identifier: Apache-2.0
"""Scores payments with Weighbridge bundles: the library of the payment service, in a service or a notebook.

    model = weighbridge.load("bundle")
    model.score({"amount_minor": 1250, "country": "FR"}).probability
    model.score(frame)["probability"]
"""

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

__all__ = [
    "Arrays", "BackendFailed", "BackendUnavailable", "BufferTooSmall", "Busy", "Cancelled", "Closed",
    "DeadlineExceeded", "Engine", "Error", "Forked", "Internal", "InvalidArgument", "InvalidBundle", "InvalidHandle",
    "InvalidInput", "IoError", "Model", "NotFound", "NotLoaded", "OutOfMemory", "Overloaded", "Row", "Schema",
    "SchemaChanged", "SchemaMismatch", "Score", "Scores", "Slot", "VerifyFailed", "WouldWait", "default_engine",
    "engine_options", "load", "load_options", "now_ns", "system_info",
]  # fmt: skip
__version__: str = _native.__version__


def now_ns() -> int:
    """Now, as deadlines are measured: time.monotonic_ns()."""
    import time

    return time.monotonic_ns()

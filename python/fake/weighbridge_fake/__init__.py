# SPDX-License-Identifier: Apache-2.0
"""In tests, in the place of weighbridge: the same calls in pure Python, for machines that the library does not run on. What
is loaded is a file that `weighbridge codegen DIR --json` wrote; what answers is a script, as that of the library's engine fake
(weighbridge/c/model.h), and besides "fallback", the bundle's fallback score, which codegen does not tell.

    import weighbridge_fake

    weighbridge_fake.install()  # before the service imports weighbridge; conftest.py is the place
    slot = weighbridge.default_engine().slot("card", create=True)
    slot.load("tests/card.json", fake_script='{"score": [0.97, 0.02]}')

Names, types, required features and, where a slot is swapped, currencies are checked; ranges, vocabularies and the like are
the library's to check. Payments are dicts, Rows and lists of dicts; what scoring many gives holds lists.
"""

import sys
import time

from ._engine import Engine, Model, Slot, default_engine, load
from ._error import (
    BackendFailed, BackendUnavailable, BufferTooSmall, Busy, Cancelled, Closed, DeadlineExceeded, Error, Forked,
    Internal, InvalidArgument, InvalidBundle, InvalidHandle, InvalidInput, IoError, NotFound, NotLoaded, OutOfMemory,
    Overloaded, SchemaChanged, SchemaMismatch, VerifyFailed, WouldWait,
)  # fmt: skip
from ._schema import Row, Schema
from ._scores import Score, Scores

__all__ = [
    "BackendFailed", "BackendUnavailable", "BufferTooSmall", "Busy", "Cancelled", "Closed", "DeadlineExceeded", "Engine",
    "Error", "Forked", "Internal", "InvalidArgument", "InvalidBundle", "InvalidHandle", "InvalidInput", "IoError", "Model",
    "NotFound", "NotLoaded", "OutOfMemory", "Overloaded", "Row", "Schema", "SchemaChanged", "SchemaMismatch", "Score",
    "Scores", "Slot", "VerifyFailed", "WouldWait", "default_engine", "install", "load", "now_ns", "system_info",
]  # fmt: skip
__version__ = "0.2.0"


def now_ns() -> int:
    """Now, as deadlines are measured."""
    return time.monotonic_ns()


def system_info() -> dict[str, object]:
    return {"fake": True}


def install() -> None:
    """What imports weighbridge from now on has this module. Refused beside the library, for which it would be taken."""
    this = sys.modules[__name__]
    if sys.modules.setdefault("weighbridge", this) is not this:
        raise ImportError("weighbridge_fake: expected to be installed before weighbridge is imported, in tests alone")

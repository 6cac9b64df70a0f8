# SPDX-License-Identifier: Apache-2.0
"""Engines: one for the process by default, others where they are asked for."""

import json
import os
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import _html, _native
from ._error import InvalidArgument

if TYPE_CHECKING:
    from ._model import Model, Slot


class Engine:
    """Owns contexts, models and slots. Thread-safe.

    contexts      how many requests run at a time; None: as many as this process has CPUs
    queue_limit   most requests that wait for a context; None: the library's default
    torch_plugin  path of the LibTorch plug-in, where it is not beside the library
    libtorch      LibTorch's lib directory, where it is not the copy of this process's torch
    options       the library's other options by name (engine_options() lists them), as default_deadline_us=20000: the
                  deadline of calls that name none
    """

    def __init__(self, contexts: int | None = None, queue_limit: int | None = None,
                 torch_plugin: str | os.PathLike[str] = "", libtorch: str | os.PathLike[str] = "",
                 **options: str | int | bool) -> None:
        devices = None if contexts is None else f"cpu={contexts}"
        named: dict[str, Any] = {"devices": devices, "queue_limit": queue_limit,
                                 "torch_plugin": os.fspath(torch_plugin) or None,
                                 "libtorch": os.fspath(libtorch) or None, **options}
        self._native = _native.Engine([(name, option_text(value)) for name, value in named.items() if value is not None])

    def load(self, bundle: "str | os.PathLike[str] | dict[str, bytes]", **options: Any) -> "Model":
        """weighbridge.load, into this engine."""
        from ._model import load

        return load(bundle, engine=self, **options)

    def slot(self, name: str, create: bool = False) -> "Slot":
        """The slot of that name: a named deployment that points at a model. With `create` it is made, empty, where there
        is none; else that is NotFound."""
        from ._model import Slot

        return Slot(_native.Slot(self._native, text("slot", name), create), self)

    def slots(self) -> list[dict[str, Any]]:
        """What each slot serves and has done, as Slot.describe."""
        return _native.slots(self._native)

    def close(self, timeout: float | None = None) -> None:
        """Refuses new requests and waits for those in progress, at most `timeout` seconds (DeadlineExceeded then)."""
        self._native.close(timeout)

    def maintain(self) -> None:
        """Frees the memory of models that were swapped out. Loads and swaps do so too."""
        self._native.maintain()

    def work(self, timeout: float | None = None) -> int:
        """Lends this thread to what was submitted, where the engine has async_threads=0. How many it ran."""
        return self._native.work(timeout)

    def metrics(self) -> str:
        """Counters and latencies as Prometheus text."""
        return self._native.metrics()

    def snapshot(self) -> dict[str, Any]:
        """Counters and latencies since the engine was made."""
        return self._native.snapshot()

    def events(self) -> tuple[list[dict[str, Any]], int]:
        """What was loaded, swapped, refused, shed or failed since this was last asked, the oldest first, and how many
        events nobody took in time. For a logger's thread, once a second or so."""
        return self._native.events()

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        told = self.snapshot()
        return (f"Engine(contexts={told['contexts']}, models={told['models']}, requests={told['requests']}, "
                f"p99={told['latency_p99_ns'] / 1000:.1f}us)")

    def _repr_html_(self) -> str:
        return _html.engine(self.snapshot())


def option_text(value: str | int | bool) -> str:
    return text("option", str(value).lower() if isinstance(value, bool) else str(value))


def text(what: str, value: object) -> str:
    """A name as it can be written in UTF-8: a lone surrogate as its number."""
    if not isinstance(value, str):
        raise InvalidArgument(f"{what}: expected a str, got {type(value).__name__}")
    return value.encode("utf-8", "backslashreplace").decode()


_default: Engine | None = None
_lock = threading.Lock()


def default_engine() -> Engine:
    """The process's own engine, made when it is first asked for. A forked child goes on with it."""
    global _default
    if _default is None:
        with _lock:
            if _default is None:
                _default = Engine()
    return _default


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()  # another thread of the parent may have held it


os.register_at_fork(after_in_child=_after_fork)


def engine_options() -> list[dict[str, str]]:
    """The options that an Engine takes by name: name, form, initial, help."""
    return _native.engine_options()


def load_options() -> list[dict[str, str]]:
    """The options that a load takes by name: name, form, initial, help."""
    return _native.load_options()


def system_info() -> dict[str, Any]:
    """What this machine and build offer."""
    found: dict[str, Any] = json.loads(_native.system_info())
    return found

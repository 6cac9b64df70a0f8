# SPDX-License-Identifier: Apache-2.0
"""asyncio through the engine's completion queue: the loop watches its descriptor, no thread of Python waits."""

import asyncio
import os
import weakref
from typing import TYPE_CHECKING, Any

from . import _native
from ._error import Error

if TYPE_CHECKING:
    from ._engine import Engine

_CAPACITY = 8192  # submits under way in a loop; more are Overloaded


class _Loop:
    """One event loop's queue of one engine."""

    def __init__(self, loop: asyncio.AbstractEventLoop, engine: "Engine") -> None:
        self.queue = _native.Queue(engine._native, _CAPACITY)
        self._loop, self._process = weakref.ref(loop), os.getpid()
        self._waiting: dict[int, asyncio.Future[_native.Score]] = {}
        self._last = 0
        loop.add_reader(self.queue.descriptor, self._drain)

    def is_ours(self) -> bool:
        """Whether no fork came between: a child makes its own."""
        return self._process == os.getpid()

    def submit(self, target: _native.Target, schema: _native.Schema, data: Any, timeout: float | None,
               deadline_ns: int | None, inline: bool) -> _native.Score | int:
        """The score where a context was free, else the submit's number."""
        self._last = tag = self._last + 1
        score = self.queue.submit(tag, target, schema, data, timeout, deadline_ns, inline)
        return tag if score is None else score

    async def wait(self, tag: int) -> _native.Score:
        """Waits for a submit; before the loop runs anything else."""
        future: asyncio.Future[_native.Score] = asyncio.get_running_loop().create_future()
        self._waiting[tag] = future
        try:
            return await future
        except asyncio.CancelledError:
            if tag in self._waiting:
                self.queue.cancel(tag)
            raise

    def _drain(self) -> None:
        for tag, outcome in self.queue.drain():
            future = self._waiting.pop(tag)
            if future.done():
                continue
            if isinstance(outcome, Error):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)


_loops: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.WeakKeyDictionary[Engine, _Loop]]" = \
    weakref.WeakKeyDictionary()


def loop_of(engine: "Engine") -> _Loop:
    loop = asyncio.get_running_loop()
    of_loop = _loops.get(loop)
    if of_loop is None:
        of_loop = _loops[loop] = weakref.WeakKeyDictionary()
    found = of_loop.get(engine)
    if found is None or not found.is_ours():
        found = of_loop[engine] = _Loop(loop, engine)
    return found

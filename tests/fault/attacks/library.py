# SPDX-License-Identifier: Apache-2.0
"""The library in a process of its own, by its C functions: a batch of calls, of which one that crashes or hangs is named."""
import ctypes
import os
import select
import signal
from collections.abc import Callable, Sequence

CALL_S = 20  # that a call may take


class Library:
    def __init__(self, path: str, trusted_keys: str = ""):
        self.path, self.trusted_keys = path, trusted_keys

    def open(self) -> None:
        self.c = ctypes.CDLL(self.path)
        self.engine = ctypes.c_void_p()
        assert self.c.wb_engine_create(ctypes.byref(self.engine), None, None) == 0
        self.c.wb_text_free.argtypes = [ctypes.c_void_p]
        self.options = ctypes.c_void_p()
        assert self.c.wb_load_options_create(ctypes.byref(self.options), None) == 0
        assert self.c.wb_load_options_set(self.options, b"trusted_keys", self.trusted_keys.encode(), None) == 0

    def scan(self, path: str) -> int:
        out = ctypes.c_void_p()
        code = self.c.wb_module_scan(ctypes.byref(out), self.engine, path.encode(), None)
        self.c.wb_text_free(out)
        return code

    def verify(self, path: str) -> int:
        out = ctypes.c_void_p()
        code = self.c.wb_bundle_verify(ctypes.byref(out), self.engine, path.encode(), self.options, None)
        self.c.wb_text_free(out)
        return code


def in_process(library: Library, calls: Sequence[Callable[[Library], int]]) -> list[int | str]:
    """What each call gives, "crashed" or "hung"; the calls behind such a one run in another process."""
    results: list[int | str] = []
    while len(results) < len(calls):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            library.open()
            for call in calls[len(results):]:
                os.write(writer, call(library).to_bytes(4, "little", signed=True))
            os._exit(0)
        os.close(writer)
        before = len(results)
        hung = False
        while len(results) < len(calls):
            if not select.select([reader], [], [], CALL_S)[0]:
                hung = True
                os.kill(child, signal.SIGKILL)
                break
            data = os.read(reader, 4)
            if not data:
                break
            results.append(int.from_bytes(data, "little", signed=True))
        os.close(reader)
        os.waitpid(child, 0)
        if len(results) < len(calls):
            results.append("hung" if hung else "crashed")
        assert len(results) > before
    return results

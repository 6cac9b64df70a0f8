# SPDX-License-Identifier: Apache-2.0
"""Deadlines are of CLOCK_MONOTONIC: Python's time.monotonic_ns() is the library's clock."""

import ctypes
import os
import pathlib
import time

import pytest

BUILD = pathlib.Path(os.environ.get("WB_BUILD_DIR", pathlib.Path(__file__).parents[2] / "build" / "release"))
LIBRARY = BUILD / "libweighbridge.so"


def test_monotonic_ns_is_the_clock_of_deadlines():
    if not LIBRARY.exists():
        pytest.skip(f"{LIBRARY} is not built (WB_BUILD_DIR names the build folder)")
    now_ns = ctypes.CDLL(str(LIBRARY)).wb_now_ns
    now_ns.restype = ctypes.c_int64
    for _ in range(1000):
        before, ours, after = time.monotonic_ns(), now_ns(), time.monotonic_ns()
        assert before <= ours <= after

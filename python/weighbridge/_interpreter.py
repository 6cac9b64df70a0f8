# SPDX-License-Identifier: Apache-2.0
"""Refuses subinterpreters, in which pybind11 waits for the lock that its own thread holds."""

import importlib


def _is_main() -> bool:
    for name in ("_interpreters", "_xxsubinterpreters"):  # from CPython 3.13 on, and before
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        return bool(module.get_current() == module.get_main())
    return True


if not _is_main():
    raise ImportError("weighbridge: expected the main interpreter, got a subinterpreter")

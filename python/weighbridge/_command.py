# SPDX-License-Identifier: Apache-2.0
"""Runs the command `weighbridge`, which packs, compiles and measures: LibTorch stays in a process of its own, that may be
ended."""

import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
from typing import Any

from ._error import BY_CODE, BackendFailed, BackendUnavailable, DeadlineExceeded, Error, InvalidArgument

Command = str | os.PathLike[str] | None


def find_command(command: Command = None) -> str:
    """The one named, else what the environment variable WEIGHBRIDGE_COMMAND names, else the one on PATH."""
    named = os.fspath(command) if command is not None else os.environ.get("WEIGHBRIDGE_COMMAND", "")
    found = shutil.which(named or "weighbridge")
    if found is None:
        raise BackendUnavailable(
            f"command: expected a program, found none at '{named}'" if named else
            "command: found no 'weighbridge' on PATH, which packs and compiles: install the library, or name the command "
            "(command=, or the environment variable WEIGHBRIDGE_COMMAND)")
    return found


def libtorch() -> str | None:
    """LibTorch's lib directory in this process's torch, which is not imported."""
    spec = importlib.util.find_spec("torch")
    found = pathlib.Path(spec.origin).parent / "lib" if spec is not None and spec.origin else None
    return str(found) if found is not None and found.is_dir() else None


def ask(command: Command, verb: str, *arguments: str | os.PathLike[str], torch: bool = False,
        timeout: float | None = None) -> tuple[dict[str, Any], Error | None]:
    """The report that the verb prints as JSON, which is there with some errors too, and what the command refused."""
    told = [find_command(command), verb, *(os.fspath(argument) for argument in arguments), "--json"]
    if torch and (folder := libtorch()) is not None:
        told += ["--libtorch", folder]
    try:
        done = subprocess.run(told, capture_output=True, text=True, errors="replace", timeout=timeout, check=False,
                              stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        raise DeadlineExceeded(f"{verb}: expected an answer within {timeout:.1f} s, got none") from None
    except OSError as error:
        raise BackendUnavailable(f"{told[0]}: {error.strerror}") from None
    return _report(done.stdout), _error(verb, done.returncode, done.stderr)


def run(command: Command, verb: str, *arguments: str | os.PathLike[str], torch: bool = False,
        timeout: float | None = None) -> dict[str, Any]:
    """The report of a verb that has to succeed."""
    report, error = ask(command, verb, *arguments, torch=torch, timeout=timeout)
    if error is not None:
        raise error
    return report


def _error(verb: str, code: int, words: str) -> Error | None:
    """What the command's last line says, as the error that the library would have raised."""
    if code == 0:
        return None
    lines = words.strip().splitlines()
    if code < 0 or code > 128 or not lines:
        return BackendFailed(f"{verb}: the command ended with exit code {code} and no word")
    message = lines[-1].removeprefix(f"weighbridge {verb}: ").removeprefix("weighbridge: ")
    name, _, rest = message.partition(": ")
    kind = next((kind for kind in BY_CODE.values() if kind.name == name), None)
    return kind(f"{verb}: {rest}") if kind is not None else InvalidArgument(f"{verb}: {message}")


def _report(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

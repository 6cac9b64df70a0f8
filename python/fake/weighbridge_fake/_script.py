# SPDX-License-Identifier: Apache-2.0
"""What answers in the place of a model."""

import json
import math
import struct
import threading
import zlib
from dataclasses import dataclass
from typing import Any

from ._error import BY_CODE, Error, InvalidArgument
from ._schema import Schema

_FIELDS = ("score", "latency_us", "rows", "failures", "load", "fallback")
_BY_NAME = {kind.name: kind for kind in BY_CODE.values()}


@dataclass(frozen=True)
class Run:
    """A run's end: after so many seconds a score, or an error."""

    seconds: float
    score: float = 0.0
    error: Error | None = None


class Script:
    def __init__(self, text: str, schema: Schema) -> None:
        try:
            self._read(json.loads(text) if text else {}, schema)
        except InvalidArgument:
            raise
        except (ValueError, KeyError, TypeError, AttributeError, Error) as error:
            raise InvalidArgument(f"fake_script: {error}") from None

    def _read(self, script: Any, schema: Schema) -> None:
        if not isinstance(script, dict) or set(script) - set(_FIELDS):
            raise InvalidArgument(f"fake_script: expected an object of {', '.join(_FIELDS)}")
        self._schema = schema
        given = script.get("score", "hash")
        self._scores = None if given == "hash" else [single(number(score)) for score in _list(given)]
        self._latencies = [number(us) / 1e6 for us in _list(script.get("latency_us", 0))]
        self._rows = [(schema.row(one["row"]).values_for(schema), _way(one)) for one in script.get("rows", [])]
        self._failures = [(_error(one), int(one.get("every", 1)), one.get("times", math.inf)) for one in script.get("failures", [])]
        self._load = script.get("load", {})
        self.load_seconds = number(self._load.get("latency_us", 0)) / 1e6
        self.load_error = _error(self._load) if "status" in self._load else None
        self.fallback = number(script["fallback"]) if "fallback" in script else None
        self._runs = self._given = 0
        self._lock = threading.Lock()

    def next(self, values: dict[str, object]) -> Run:
        """What the next run comes to."""
        with self._lock:
            own = next((way for row, way in self._rows if row == values), {})
            seconds = own.get("seconds", self._latencies[self._runs % len(self._latencies)])
            self._runs += 1
            if "error" in own:
                return Run(seconds, error=_again(own["error"]))
            if "score" in own:
                return Run(seconds, own["score"])
            for error, every, times in self._failures:
                if self._runs % every == 0 and self._runs // every <= times:
                    return Run(seconds, error=_again(error))
            return Run(seconds, self._score(values))

    def _score(self, values: dict[str, object]) -> float:
        if self._scores is None:
            return single(zlib.crc32(repr(values).encode("utf-8", "backslashreplace")) / 2**32)
        self._given += 1
        return self._scores[(self._given - 1) % len(self._scores)]


def number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidArgument(f"fake_script: expected a number, got {value!r}")
    return float(value)


def single(score: float) -> float:
    """As the library's outputs: float32."""
    return float(struct.unpack("f", struct.pack("f", score))[0])


def _list(given: Any) -> list[Any]:
    if isinstance(given, list) and not given:
        raise InvalidArgument("fake_script: expected an array with an element, got none")
    return given if isinstance(given, list) else [given]


def _way(one: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"seconds": number(one["latency_us"]) / 1e6} if "latency_us" in one else {}
    if "status" in one:
        found["error"] = _error(one)
    elif "score" in one:
        found["score"] = single(number(one["score"]))
    if not found:
        raise InvalidArgument("fake_script: rows: expected a score, a status or a latency_us")
    return found


def _error(one: dict[str, Any]) -> Error:
    kind = _BY_NAME.get(one["status"])
    if kind is None:
        raise InvalidArgument(f"fake_script: expected the name of an error, got {one['status']!r}")
    return kind(str(one.get("message", "the fake engine's script says so")))


def _again(error: Error) -> Error:
    """One of its own for each run: who raises it adds a traceback."""
    return type(error)(error.message)

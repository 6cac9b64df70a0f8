# SPDX-License-Identifier: Apache-2.0
"""Engines, models and slots, whose answers are a script's."""

import asyncio
import re
import threading
import time
from collections.abc import Mapping
from typing import Any

from ._error import (
    BackendFailed, Closed, DeadlineExceeded, Error, Internal, InvalidArgument, InvalidInput, NotFound, NotLoaded,
    OutOfMemory, Overloaded, SchemaChanged,
)  # fmt: skip
from ._schema import Row, Schema
from ._scores import Score, Scores
from ._script import Run, Script

# Why the fallback answers in the place of an error.
_REASONS: dict[type[Error], str] = {BackendFailed: "backend", Internal: "backend", OutOfMemory: "backend",
                                    Overloaded: "overload", DeadlineExceeded: "deadline"}
_OF_A_ROW: tuple[type[Error], ...] = (InvalidInput, NotFound, *_REASONS)  # errors of one payment; others end a batch
_COUNTED = ("requests", "rows", "fallbacks", "overloaded", "expired", "invalid", "failed")
_BY_ERROR = {InvalidInput: "invalid", Overloaded: "overloaded", DeadlineExceeded: "expired"}
_LATENCIES = dict.fromkeys(("latency_p50_ns", "latency_p90_ns", "latency_p99_ns", "latency_p999_ns", "latency_max_ns"), 0)
_EVENTS = 256


class _Figures:
    def __init__(self) -> None:
        self._lock, self._counts = threading.Lock(), dict.fromkeys(_COUNTED, 0)

    def count(self, outcome: Score | Error) -> None:
        with self._lock:
            self._counts["requests"] += 1
            if isinstance(outcome, Error):
                self._counts[_BY_ERROR.get(type(outcome), "failed")] += 1
            else:
                self._counts["rows"] += 1
                self._counts["fallbacks"] += outcome.is_fallback

    def all(self) -> dict[str, int]:
        with self._lock:
            return dict(self._counts)


class _Loaded:
    """A version: its schema, its script, and what it has done."""

    def __init__(self, bundle: Any, script: str) -> None:
        self.schema = Schema(bundle)
        self.script = Script(script, self.schema)
        self.version, self.figures = self.schema.file_name, _Figures()

    def describe(self) -> dict[str, Any]:
        return {"name": self.version, "version": self.version, "backend": "fake", "precision": "fp32", "numerics": 0,
                "contexts": 1, "weight_bytes": 0, "context_bytes": 0, "not_after_s": 0, "bundle_sha256": "", "plan_sha256": "",
                "signers": 0, "signed_by": ""}

    def end(self, values: dict[str, object], run: Run, late: bool, began: int, fallback: bool) -> Score:
        error = DeadlineExceeded("the deadline passed while the fake model ran") if late else run.error
        score, reason = run.score, "none"
        if error is not None:
            if type(error) not in _REASONS or self.script.fallback is None or not fallback:
                raise error
            score, reason = self.script.fallback, _REASONS[type(error)]
        return Score(score, score, self.schema.band_of(score), int(error is not None), reason, "none" if error else "fake",
                     sum(value is None for value in values.values()), self.version, time.monotonic_ns() - began)


class Engine:
    """Owns models and slots. Of the library's options only default_deadline_us counts."""

    def __init__(self, contexts: int | None = None, queue_limit: int | None = None, *, default_deadline_us: int = 0,
                 **options: Any) -> None:
        self._default = default_deadline_us * 1000
        self._lock, self._slots, self._figures = threading.Lock(), {}, _Figures()  # type: Any, dict[str, "_Deployment"], Any
        self._events: list[dict[str, Any]] = []
        self._lost, self._closed = 0, False

    def load(self, bundle: Any, **options: Any) -> "Model":
        return Model(self._loaded("", bundle, **options), self)

    def slot(self, name: str, create: bool = False) -> "Slot":
        self._expect_open()
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9._-]{1,63}", name):
            raise InvalidArgument("slot name: expected 1 to 63 of [A-Za-z0-9_.-]")
        with self._lock:
            if create:
                self._slots.setdefault(name, _Deployment(name))
            if name not in self._slots:
                raise NotFound(f"slot '{name}': expected one of {', '.join(self._slots) or 'none'}")
            return Slot(self._slots[name], self)

    def slots(self) -> list[dict[str, Any]]:
        return [deployment.describe() for deployment in self._slots.values()]

    def snapshot(self) -> dict[str, Any]:
        return {"contexts": 1, "waiting": 0, "models": sum(one.serving is not None for one in self._slots.values()),
                **self._figures.all(), "swaps": sum(one.generation for one in self._slots.values()), **_LATENCIES, "handles": []}

    def metrics(self) -> str:
        lines = [f"weighbridge_{name}_total {count}" for name, count in self._figures.all().items()]
        for slot in self.slots():
            labels = f'{{slot="{slot["name"]}",version="{slot["version"]}",bundle="{slot["bundle"]:016x}"}}'
            lines += [f"weighbridge_slot_version_{name}_total{labels} {slot[name]}" for name in _COUNTED]
        return "\n".join(lines) + "\n"

    def events(self) -> tuple[list[dict[str, Any]], int]:
        with self._lock:
            taken, lost, self._events, self._lost = self._events, self._lost, [], 0
        return taken, lost

    def close(self, timeout: float | None = None) -> None:
        self._closed = True

    def maintain(self) -> None:
        self._expect_open()

    def work(self, timeout: float | None = None) -> int:
        return 0

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def _expect_open(self) -> None:
        if self._closed:
            raise Closed("the engine is closed")

    def _deadline(self, timeout: float | None, deadline_ns: int | None) -> int | None:
        """When the answer is due, None for never."""
        if timeout is not None and deadline_ns is not None:
            raise InvalidArgument("expected timeout or deadline_ns, got both")
        for name, value in (("timeout", timeout), ("deadline_ns", deadline_ns)):
            if value is not None and (not isinstance(value, (int, float)) or value != value):
                raise InvalidArgument(f"{name}: expected a number, got {type(value).__name__}")
        if timeout is not None:
            return time.monotonic_ns() + int(min(max(timeout, -1e9), 1e9) * 1e9)
        return deadline_ns if deadline_ns is not None else time.monotonic_ns() + self._default if self._default else None

    def _loaded(self, slot: str, bundle: Any, fake_script: str = "", timeout: float | None = None,
                deadline_ns: int | None = None, **options: Any) -> _Loaded:
        self._expect_open()
        try:
            made = _Loaded(bundle, fake_script)
            wait, late = _wait(made.script.load_seconds, self._deadline(timeout, deadline_ns) if timeout or deadline_ns else None)
            time.sleep(wait)
            if late:
                raise DeadlineExceeded("the deadline passed while the bundle was loaded")
            if made.script.load_error:
                raise made.script.load_error
        except Error as error:
            self._tell("refused", 3, error.message, slot, "")
            raise
        self._tell("loaded", 1, f"{made.version} is loaded: its scores are a script's, for tests", slot, made.version)
        return made

    def _tell(self, event: str, level: int, message: str, slot: str, version: str) -> None:
        told = {"event": event, "level": level, "time_ns": time.monotonic_ns(), "count": 1, "slot": slot, "version": version,
                "message": message}
        with self._lock:
            if len(self._events) < _EVENTS:
                self._events.append(told)
            else:
                self._lost += 1


class _Deployment:
    """What the handles of a slot share."""

    def __init__(self, name: str) -> None:
        self.name, self.generation, self.since_ns, self.lock = name, 0, 0, threading.Lock()
        self.serving: _Loaded | None = None
        self.previous: _Loaded | None = None

    def serve(self, loaded: _Loaded) -> None:
        self.previous, self.serving = self.serving, loaded
        self.generation, self.since_ns = self.generation + 1, time.monotonic_ns()

    def describe(self) -> dict[str, Any]:
        figures = self.serving.figures if self.serving else _Figures()
        return {"name": self.name, "version": self.serving.version if self.serving else "",
                "previous_version": self.previous.version if self.previous else "", "generation": self.generation,
                "since_ns": self.since_ns, "bundle": 0, "previous_bundle": 0, **figures.all(), **_LATENCIES}


class _Scorer:
    engine: Engine

    def _serving(self) -> _Loaded:
        raise NotImplementedError

    @property
    def schema(self) -> Schema:
        return self._serving().schema

    @property
    def features(self) -> list[dict[str, Any]]:
        return self.schema.features

    @property
    def outputs(self) -> list[str]:
        return []

    def row(self, values: Mapping[str, object] | None = None) -> Row:
        return self.schema.row(values)

    def score(self, data: Any, *, timeout: float | None = None, deadline_ns: int | None = None, fallback: bool = True,
              priority: str = "normal", progress: object = "auto") -> Any:
        """A Score for a dict or a Row, Scores for a list of dicts."""
        deadline = self.engine._deadline(timeout, deadline_ns)
        if isinstance(data, (Row, Mapping)):
            return self._one(data, deadline, fallback)
        answers: list[Score | Error] = []
        for place, payment in enumerate(_many(data)):
            try:
                answers.append(self._one(payment, deadline, fallback))
            except _OF_A_ROW as error:
                answers.append(type(error)(error.message, error.feature, place))
        return Scores(answers, self._serving().version)

    def score_row(self, data: Any, **options: Any) -> Score:
        if not isinstance(data, (Row, Mapping)):
            raise InvalidInput(f"expected one payment, got {type(data).__name__}")
        found: Score = self.score(data, **options)
        return found

    async def score_async(self, data: Any, *, timeout: float | None = None, deadline_ns: int | None = None,
                          inline: bool = True) -> Any:
        """As score(); a cancelled task ends the run."""
        if not isinstance(data, (Row, Mapping)):
            return await asyncio.to_thread(self.score, data, timeout=timeout, deadline_ns=deadline_ns)
        loaded = self._serving()
        deadline = self.engine._deadline(timeout, deadline_ns)
        began = time.monotonic_ns()
        try:
            values, run, wait, late = self._begin(loaded, data, deadline)
            await asyncio.sleep(wait)
            score = loaded.end(values, run, late, began, True)
        except Error as error:
            self._count(loaded, error)
            raise
        self._count(loaded, score)
        return score

    def _one(self, data: Any, deadline: int | None, fallback: bool) -> Score:
        loaded = self._serving()
        began = time.monotonic_ns()
        try:
            values, run, wait, late = self._begin(loaded, data, deadline)
            time.sleep(wait)
            score = loaded.end(values, run, late, began, fallback)
        except Error as error:
            self._count(loaded, error)
            raise
        self._count(loaded, score)
        return score

    def _begin(self, loaded: _Loaded, data: Any, deadline: int | None) -> tuple[dict[str, object], Run, float, bool]:
        values = (data if isinstance(data, Row) else loaded.schema.row(data)).values_for(loaded.schema)
        wait, late = _wait(0, deadline)
        run = Run(0) if late else loaded.script.next(values)
        return values, run, *((wait, late) if late else _wait(run.seconds, deadline))

    def _count(self, loaded: _Loaded, outcome: Score | Error) -> None:
        for figures in (loaded.figures, self.engine._figures):
            figures.count(outcome)


def _many(data: Any) -> list[Any]:
    if not isinstance(data, (list, tuple)):
        raise InvalidInput(f"expected a dict or a list of dicts, which the fake takes, got {type(data).__name__}")
    for place, payment in enumerate(data):
        if not isinstance(payment, Mapping):
            raise InvalidInput(f"row {place}: expected a dict of features, got {type(payment).__name__}", -1, place)
    return list(data)


def _wait(seconds: float, deadline: int | None) -> tuple[float, bool]:
    """How long a run takes, and whether the deadline ends it."""
    left = float("inf") if deadline is None else (deadline - time.monotonic_ns()) / 1e9
    return max(0.0, min(seconds, left)), left <= seconds


class Model(_Scorer):
    def __init__(self, loaded: _Loaded, engine: Engine) -> None:
        self._own, self.engine = loaded, engine

    def _serving(self) -> _Loaded:
        self.engine._expect_open()
        return self._own

    def info(self) -> dict[str, Any]:
        return {"identity": {"name": self._own.version, "version": self._own.version}, "features": self.features}

    def describe(self) -> dict[str, Any]:
        return self._own.describe()

    def __repr__(self) -> str:
        return f"Model({self._own.version!r}, backend='fake')"


class Slot(_Scorer):
    def __init__(self, deployment: _Deployment, engine: Engine) -> None:
        self._deployment, self.engine = deployment, engine

    def _serving(self) -> _Loaded:
        self.engine._expect_open()
        if self._deployment.serving is None:
            raise NotLoaded(f"slot '{self._deployment.name}': it is empty: load a bundle into it first")
        return self._deployment.serving

    def bind(self) -> Schema:
        return self.schema

    def load(self, bundle: Any, **options: Any) -> None:
        self._swap(self.engine._loaded(self._deployment.name, bundle, **options))

    def swap(self, model: Model) -> None:
        if not isinstance(model, Model) or model.engine is not self.engine:
            raise InvalidArgument(f"slot '{self._deployment.name}': expected a model of the same engine")
        self._swap(model._serving())

    def rollback(self) -> None:
        self.engine._expect_open()
        with self._deployment.lock:
            if self._deployment.previous is None:
                raise NotLoaded(f"slot '{self._deployment.name}': expected a model before the last swap, found none")
            self._deployment.serve(self._deployment.previous)

    def forget_previous(self) -> None:
        self._deployment.previous = None

    def model(self) -> Model:
        return Model(self._serving(), self.engine)

    def describe(self) -> dict[str, Any]:
        return self._deployment.describe()

    def __repr__(self) -> str:
        told = self.describe()
        return f"Slot({told['name']!r}, version={told['version']!r}, requests={told['requests']})"

    def _swap(self, loaded: _Loaded) -> None:
        self.engine._expect_open()
        with self._deployment.lock:
            serving = self._deployment.serving
            why = loaded.schema.misfit(serving.schema) if serving else ""
            if why:
                raise SchemaChanged(f"slot '{self._deployment.name}': {why}")
            self._deployment.serve(loaded)
        self.engine._tell("swapped", 1, f"slot '{self._deployment.name}' serves {loaded.version}", self._deployment.name,
                          loaded.version)


_default: Engine | None = None
_lock = threading.Lock()


def default_engine() -> Engine:
    global _default
    with _lock:
        if _default is None:
            _default = Engine()
        return _default


def load(bundle: Any, engine: Engine | None = None, **options: Any) -> Model:
    return (engine or default_engine()).load(bundle, **options)

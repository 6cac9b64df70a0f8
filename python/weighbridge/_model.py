# SPDX-License-Identifier: Apache-2.0
"""What scores: models, and slots that point at them."""

import functools
import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar, overload

import numpy as np

from . import _html, _native
from ._arrays import Arrays
from ._columns import Features
from ._engine import Engine, default_engine, option_text, text
from ._error import InvalidArgument, InvalidInput, SchemaMismatch
from ._native import Row, Score
from ._progress import Bar, Progress
from ._scores import Out, Scores, expect_apart, places
from ._sources import Many, block_of_columns, blocks_of, one_of

Bundle = str | os.PathLike[str] | dict[str, bytes]
Priority = Literal["normal", "high"]
T = TypeVar("T")


def load(bundle: Bundle, engine: Engine | None = None, engines: str = "", precision: str = "", verify: bool = True,
         timeout: float | None = None, deadline_ns: int | None = None, **options: str | int | bool) -> "Model":
    """Loads a bundle: the path of its directory, or a dict of its files' bytes by name.

    engine       an Engine; None: the process's own
    engines      who may run it, best first, such as "native,reference"; "torchscript" runs code of the bundle: name it
                 only for bundles that you trust
    precision    "fp32", "bf16", "int8", "int8bf16"; "" for the plan's first
    verify       whether the golden vectors must reproduce first
    timeout      seconds that it may take; or deadline_ns, when it has to be done, of time.monotonic_ns()
    options      the library's other options by name (load_options() lists them)
    """
    engine = default_engine() if engine is None else engine
    named = _load_options(engines, precision, verify, options)
    return Model(_native.Model(engine._native, _bundle(bundle), named, timeout, deadline_ns), engine)


def _bundle(bundle: Bundle) -> bytes | dict[str, bytes]:
    if isinstance(bundle, dict):
        for name, content in bundle.items():
            if not isinstance(name, str) or not isinstance(content, bytes):
                raise InvalidArgument(f"bundle: expected bytes by file name, got {type(content).__name__} by "
                                      f"{type(name).__name__}")
        return bundle
    if not isinstance(bundle, (str, bytes, os.PathLike)):
        raise InvalidArgument(f"bundle: expected a path or a dict of files, got {type(bundle).__name__}")
    try:
        path = os.fsencode(bundle)
    except UnicodeEncodeError:
        raise InvalidArgument("bundle: expected a path, got one with a lone surrogate") from None
    if b"\0" in path:
        raise InvalidArgument("bundle: expected a path, got one with a NUL")
    return path


def _load_options(engines: str, precision: str, verify: bool,
                  options: Mapping[str, str | int | bool]) -> list[tuple[str, str]]:
    named: dict[str, Any] = {"engines": engines or None, "precision": precision or None, "verify": verify, **options}
    return [(text("option", name), option_text(value)) for name, value in named.items() if value is not None]


class Schema:
    """The ordered, typed list of a payment's features."""

    def __init__(self, native: _native.Schema) -> None:
        self._native = native
        self._features: Features = native.features()

    @classmethod
    def load(cls, bundle: Bundle) -> "Schema":
        """Of a bundle, without its model; a draft that holds only manifest.json and vocabularies does too."""
        return cls(_native.Schema(_bundle(bundle)))

    @property
    def features(self) -> Features:
        """Each feature as a dict: name, type, is_sequence, required, default, minimum, maximum and more."""
        return [dict(feature) for feature in self._features]

    @property
    def names(self) -> list[str]:
        """The features' names, in order."""
        return [str(feature["name"]) for feature in self._features]

    @property
    def outputs(self) -> list[str]:
        return [str(output["name"]) for output in self._native.outputs()]

    @property
    def bands(self) -> list[str]:
        """The decision bands' names: a score's band is an index of this."""
        return [name for name, _ in self._native.bands()]

    @property
    def digest(self) -> int:
        """The same number means the same rows."""
        return self._native.digest

    def row(self, values: Mapping[str, object] | None = None, tail_bytes: int = 512) -> Row:
        """A reusable row."""
        made = Row(self._native, tail_bytes)
        if values is not None:
            made.update(dict(values) if isinstance(values, Mapping) else values)
        return made

    @overload
    def encode(self, data: Any, masks: Literal[False] = False) -> list[np.ndarray]: ...

    @overload
    def encode(self, data: Any, masks: Literal[True]) -> tuple[list[np.ndarray], list[np.ndarray | None]]: ...

    @overload
    def encode(self, data: Any, masks: bool) -> Any: ...

    def encode(self, data: Any, masks: bool = False) -> Any:
        """Model.encode, without a model."""
        one = one_of(data)
        if isinstance(one, Row):
            raise InvalidInput("encode: expected a dict, got a Row")
        blocks = blocks_of(self._native, self._features, _as_many(data, one))
        tensors, found = _native.encode_blocks(blocks)
        return (tensors, found) if masks else tensors

    def __repr__(self) -> str:
        return f"Schema({', '.join(self.names)})"

    def _repr_html_(self) -> str:
        return _html.features(self._features)


class _Scorer(_native.Scorer):
    """What a Model and a Slot have in common."""

    _target: _native.Model | _native.Slot
    engine: Engine

    @property
    def schema(self) -> Schema:
        raise NotImplementedError

    def _with_schema(self, call: Callable[[Schema], T]) -> T:
        return call(self.schema)

    @property
    def features(self) -> Features:
        """Each feature as a dict, in order; Schema.features has the members."""
        return self.schema.features

    @property
    def outputs(self) -> list[str]:
        """The outputs' names."""
        return self.schema.outputs

    def row(self, values: Mapping[str, object] | None = None) -> Row:
        """A reusable row, for one thread at a time."""
        return self.schema.row(values)

    def _score_any(self, data: Any, *, out: Out = None, outputs: Sequence[str] = (), timeout: float | None = None,
                   deadline_ns: int | None = None, fallback: bool = True, priority: Priority = "normal",
                   progress: Progress = "auto") -> Any:
        """score() of all that the native method does not score by itself."""
        one = one_of(data)
        if one is not None:
            if out is not None:
                raise InvalidArgument("out: expected many payments, got one")
            return self.score_row(one, outputs=outputs, timeout=timeout, deadline_ns=deadline_ns, fallback=fallback,
                                  priority=priority)

        def call(schema: Schema) -> Scores:
            blocks = blocks_of(schema._native, schema._features, data)
            return self._score(schema, blocks, out, outputs, timeout, deadline_ns, fallback, priority, progress)

        return self._with_schema(call)

    _score_any.__qualname__ = "score"  # for messages

    def score_row(self, data: Any, *, outputs: Sequence[str] = (), timeout: float | None = None,
                  deadline_ns: int | None = None, fallback: bool = True, priority: Priority = "normal") -> Score:
        """Scores one payment, as score() does."""
        one = one_of(data)
        if one is None:
            raise InvalidInput(f"expected one payment, got {type(data).__name__}")
        if not outputs and fallback and priority == "normal":
            return self._with_schema(
                lambda schema: _native.score_one(self._target, schema._native, one, timeout, deadline_ns))
        high = _is_high(priority)
        return self._with_schema(lambda schema: _native.score_with(
            self._target, schema._native, one, timeout, deadline_ns, _indices(schema, outputs), fallback, high))

    def score_columns(self, columns: Mapping[str, Any], *, out: Out = None, outputs: Sequence[str] = (),
                      timeout: float | None = None, deadline_ns: int | None = None, fallback: bool = True,
                      priority: Priority = "normal", progress: Progress = "auto") -> Scores:
        """Scores many payments given as columns by name: numpy arrays (masked where missing; a number serves all rows),
        lists of Python values, and for sequences lists of arrays or of lists."""

        def call(schema: Schema) -> Scores:
            block = block_of_columns(schema._native, schema._features, columns)
            return self._score(schema, [block], out, outputs, timeout, deadline_ns, fallback, priority, progress)

        return self._with_schema(call)

    def _score(self, schema: Schema, blocks: list[_native.Block], out: Out, outputs: Sequence[str],
               timeout: float | None, deadline_ns: int | None, fallback: bool, priority: Priority,
               progress: Progress) -> Scores:
        rows = sum(block.rows for block in blocks)
        scores, results, placed = places(schema._native, rows, _indices(schema, outputs), out)
        if out is not None:
            expect_apart(out, [source for block in blocks for source in block.kept])
        with Bar(progress, rows) as bar:
            scores.result = _native.score_blocks(self._target, self.engine._native, blocks, results, placed, timeout,
                                                 deadline_ns, fallback, _is_high(priority), bar.told)
        scores._note_error()
        return scores

    @overload
    async def score_async(self, data: Row | Mapping[str, object] | np.void, *, timeout: float | None = None,
                          deadline_ns: int | None = None, inline: bool = True) -> Score: ...

    @overload
    async def score_async(self, data: Many, *, timeout: float | None = None, deadline_ns: int | None = None,
                          inline: bool = True) -> Scores: ...

    @overload
    async def score_async(self, data: np.ndarray, *, timeout: float | None = None, deadline_ns: int | None = None,
                          inline: bool = True) -> Any: ...

    async def score_async(self, data: Any, *, timeout: float | None = None, deadline_ns: int | None = None,
                          inline: bool = True) -> Any:
        """Scores payments as score() does, without stopping the event loop. One: here where a context is free, else
        through the engine's completion queue; cancelling the task cancels the call. Many: from a thread of asyncio's.

        inline  False: one payment always through the queue
        """
        if inline:
            now = self._score_now(data, timeout, deadline_ns)
            if now is not None:
                return now
        one = one_of(data)
        if one is None:
            import asyncio

            call = functools.partial(self.score, data, timeout=timeout, deadline_ns=deadline_ns, progress=False)
            return await asyncio.to_thread(call)
        from ._async import loop_of  # asyncio is a tenth of a second that others need not spend

        loop = loop_of(self.engine)
        found = self._with_schema(
            lambda schema: loop.submit(self._target, schema._native, one, timeout, deadline_ns, inline))
        return await loop.wait(found) if isinstance(found, int) else found

    @overload
    def encode(self, data: Any, masks: Literal[False] = False) -> list[np.ndarray]: ...

    @overload
    def encode(self, data: Any, masks: Literal[True]) -> tuple[list[np.ndarray], list[np.ndarray | None]]: ...

    def encode(self, data: Any, masks: bool = False) -> Any:
        """The tensors that `forward` gets for payments, in order, as scoring makes them: what training takes. Padded to
        the longest row, with zeros behind sequences and [PAD] behind texts. Raises the first row's error.

        masks  True: also, for each tensor, which of its elements are a row's own [rows, length], None where rows are of
               one size
        """
        return self.schema.encode(data, masks)

    def arrays(self, *groups: Sequence[str]) -> Arrays:
        """A scorer of payments that come as numpy matrices, the quickest way in. Each group names the features in the
        columns of one matrix: numbers of one stored type, all sequences or none. What no group names is missing."""
        schema = self.schema
        return Arrays(self._target, schema._native, schema._features, groups)


def _as_many(data: Any, one: Any) -> Any:
    if one is None:
        return data
    return [one] if isinstance(one, dict) else one.reshape(1, -1)


def _indices(schema: Schema, outputs: Sequence[str]) -> list[int]:
    if isinstance(outputs, str) or not isinstance(outputs, Sequence):
        raise InvalidArgument(f"outputs: expected a list of names, got {type(outputs).__name__}")
    return [schema._native.find_output(text("output", name)) for name in outputs]


def _is_high(priority: str) -> bool:
    if priority not in ("normal", "high"):
        raise InvalidArgument(f"priority: expected 'normal' or 'high', got {priority!r}")
    return priority == "high"


class Model(_Scorer):
    """One loaded bundle. Thread-safe; the GIL is released while it loads and scores."""

    _target: _native.Model

    def __init__(self, native: _native.Model, engine: Engine) -> None:
        self._target, self.engine = native, engine
        self._schema = Schema(native.schema)
        self._bind(native, self._schema._native)

    @property
    def schema(self) -> Schema:
        return self._schema

    def info(self) -> dict[str, Any]:
        """What was loaded: identity, digests, backend, precision, bands, limits."""
        found: dict[str, Any] = json.loads(self._target.info())
        return found

    def describe(self) -> dict[str, Any]:
        """Name, version, backend, precision, numerics, contexts, bytes, the sha256 of bundle and plan, and who signed."""
        return self._target.describe()

    def __repr__(self) -> str:
        told = self.describe()
        return (f"Model({told['name']!r}, version={told['version']!r}, backend={told['backend']!r}, "
                f"precision={told['precision']!r}, features={len(self._schema._features)}, "
                f"bundle={told['bundle_sha256'][:12]!r})")

    def _repr_html_(self) -> str:
        return _html.model(self.describe(), self._schema._features, self.engine.snapshot())


class Slot(_Scorer):
    """A named deployment: it points at a model, and a swap or a rollback points it at another. Thread-safe.

    Rows are filled for the schema of the model that is served when it is first scored with; those of later versions that
    a swap lets in fit. Where they no longer do, dicts and columns are filled anew and a Row is SchemaMismatch.
    """

    _target: _native.Slot

    def __init__(self, native: _native.Slot, engine: Engine) -> None:
        self._target, self.engine = native, engine
        self._schema: Schema | None = None
        self._bind(native, None)

    @property
    def schema(self) -> Schema:
        """The schema that rows are filled for."""
        return self._schema or self.bind()

    def bind(self) -> Schema:
        """Takes over the schema of the model that is served now, with the features that it adds."""
        self._schema = Schema(self._target.model().schema)
        return self._schema

    def _with_schema(self, call: Callable[[Schema], T]) -> T:
        bound = self.schema
        try:
            return call(bound)
        except SchemaMismatch:
            if bound.digest == self.bind().digest:
                raise
            return call(self.schema)

    def load(self, bundle: Bundle, engines: str = "", precision: str = "", verify: bool = True,
             timeout: float | None = None, deadline_ns: int | None = None, **options: str | int | bool) -> None:
        """Loads a bundle beside the serving model, as weighbridge.load, then swaps it in. On an error the slot serves what
        it served before."""
        self._target.load(_bundle(bundle), _load_options(engines, precision, verify, options), timeout, deadline_ns)

    def swap(self, model: Model) -> None:
        """Points the slot at a model of the same engine. SchemaChanged where callers would not survive it."""
        if not isinstance(model, Model):
            raise InvalidArgument(f"model: expected a Model, got {type(model).__name__}")
        self._target.swap(model._target)

    def rollback(self) -> None:
        """Points the slot back at the model before the last swap; NotLoaded where there is none."""
        self._target.rollback()

    def forget_previous(self) -> None:
        """Lets go of the model before the last swap, and of its memory."""
        self._target.forget_previous()

    def model(self) -> Model:
        """The serving model; NotLoaded where the slot is empty."""
        return Model(self._target.model(), self.engine)

    def describe(self) -> dict[str, Any]:
        """Name, versions, since when, and calls, rows, fallbacks and latencies of the serving version."""
        return self._target.describe()

    def __repr__(self) -> str:
        told = self.describe()
        return (f"Slot({told['name']!r}, version={told['version']!r}, requests={told['requests']}, "
                f"p99={told['latency_p99_ns'] / 1000:.1f}us)")

    def _repr_html_(self) -> str:
        return _html.slot(self.describe())

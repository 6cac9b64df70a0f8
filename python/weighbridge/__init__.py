# SPDX-License-Identifier: Apache-2.0
"""Scores payments with Weighbridge bundles: the library of the payment service, in a notebook.

    model = weighbridge.Model.load("bundle")
    model.score({"amount_minor": numpy.array([1250, 990]), "country": ["FR", "DE"]})["probability"]
"""
import datetime
import json
import math

import numpy as np

from . import _native
from ._error import Error

__all__ = ["Arrays", "Engine", "Error", "Model", "Scores", "now_ns", "system_info"]
__version__ = _native.__version__

_DTYPES = {"float32": np.float32, "float64": np.float64, "bool": np.bool_}  # all others are int64
_TEXTS = ("category", "text")
_READ_IN_PLACE = {np.dtype(name) for name in ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")}


def now_ns() -> int:
    """Now, in nanoseconds of CLOCK_MONOTONIC: what deadlines are measured against."""
    return _native.now_ns()


def system_info() -> dict:
    """What this machine and build offer."""
    return json.loads(_native.system_info())


def _option(value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class Engine:
    """Owns contexts and models.

    contexts      how many requests run at a time; None: as many as this process has CPUs
    queue_limit   most requests that wait for a context; None: the library's default
    torch_plugin  path of the LibTorch plug-in, where it is not beside the library
    libtorch      LibTorch's lib directory, where it is not the copy of this process's torch
    options       the library's other options by name, as default_deadline_us=20000: the deadline of calls that name none
    """

    def __init__(self, contexts=None, queue_limit=None, torch_plugin="", libtorch="", **options):
        devices = None if contexts is None else f"cpu={contexts}"
        named = {"devices": devices, "queue_limit": queue_limit, "torch_plugin": torch_plugin, "libtorch": libtorch}
        given = {name: value for name, value in (named | options).items() if value is not None}
        self._native = _native.Engine([(name, _option(value)) for name, value in given.items()])

    def close(self, deadline_ns=None) -> None:
        """Refuses new requests and waits for those in progress."""
        self._native.close(deadline_ns)

    def metrics(self) -> str:
        """Counters and latencies as Prometheus text."""
        return self._native.metrics()


class Scores(dict):
    """Arrays by name. `result` says what became of the rows: status, rows, scored, fallbacks, invalid, failed,
    first_error, reason, backend, version, queue_ns, run_ns."""

    result: dict


class Model:
    """One loaded bundle. Thread-safe; the GIL is released while it loads and scores."""

    def __init__(self, native, engine):
        self._native = native
        self._engine = engine
        self._features = native.features()
        self._index = {feature["name"]: i for i, feature in enumerate(self._features)}

    @classmethod
    def load(cls, bundle, engine=None, engines="", precision="", verify=True, deadline_ns=None) -> "Model":
        """Loads a bundle: the path of its directory, or a dict of its files' bytes by name.

        engine       an Engine; None makes one for this model
        engines      who may run it, best first, such as "native,reference"; "torchscript" runs code of the bundle:
                     name it only for bundles that you trust
        precision    "fp32", "bf16", "int8", "int8bf16"; "" for the plan's first
        verify       whether the golden vectors must reproduce first
        deadline_ns  when it has to be done, as now_ns(); None: whenever it is
        """
        engine = Engine() if engine is None else engine
        bundle = bundle if isinstance(bundle, dict) else str(bundle)
        return cls(_native.Model(engine._native, bundle, engines, precision, verify, deadline_ns), engine)

    def info(self) -> dict:
        """What was loaded: identity, digests, backend, precision, bands, limits."""
        return json.loads(self._native.info())

    @property
    def features(self) -> list:
        """Name, type, is_sequence and ticks_per_second of each feature, in order."""
        return [dict(feature) for feature in self._features]

    @property
    def outputs(self) -> list:
        return self._native.outputs()

    def score(self, columns: dict, outputs=(), deadline_ns=None) -> Scores:
        """Scores any number of rows given as columns: numpy arrays for numbers (masked where missing; one value may serve
        all rows; of any width, read where they are),
        lists of str or None for texts and categories, lists of arrays, or of lists of str, for sequences. A feature
        without a column is missing.

        Gives Scores, arrays by name: score, probability, band, status, reason, blamed, and those of `outputs`. A row
        that cannot be scored has its error code in status, and NaN as score.
        """
        rows = None
        native = []
        for name, values in columns.items():
            column, size = self._column(self._feature(name)[0], values)
            native.append(column)
            if size is None:
                continue
            if rows not in (None, size):
                raise ValueError(f"column {name!r}: expected {rows} rows, got {size}")
            rows = size
        wanted = self._outputs(outputs)
        columns, result = self._native.score_batch(1 if rows is None else rows, native, wanted, deadline_ns)
        scores = Scores(columns)
        scores.result = result
        return scores

    def score_row(self, row: dict, deadline_ns=None) -> dict:
        """Scores one payment: score, probability, band, status, reason and how long it took.

        Values are str, numbers, bool, None where missing, lists of these for sequences, numpy's of each, and for
        timestamps a datetime with a time zone, a datetime64 (of UTC), RFC 3339 text or an integer in the feature's unit.
        """
        return self._native.score_row(_json(row), deadline_ns)

    def arrays(self, *groups) -> "Arrays":
        """A scorer of payments that come as numpy matrices, the quickest way in. Each group names the features in the
        columns of one matrix: numbers of one stored type, all sequences or none. What no group names is missing."""
        return Arrays(self, groups)

    def encode_row(self, row: dict) -> list:
        """The tensors that `forward` gets for one payment, in order, each with a batch of 1."""
        return self.encode([row])

    def encode(self, rows) -> list:
        """The tensors that `forward` gets for several payments (dicts), in order, padded as long as the longest: with
        zeros behind sequences, with [PAD] behind texts. Raises Error for the first row that cannot be encoded."""
        return self._native.encode_rows([_json(row) for row in rows])

    def _outputs(self, names) -> list:
        """The indices of outputs."""
        if isinstance(names, str):
            raise TypeError(f"outputs: expected a list of names, got one str, {names!r}")
        known = self.outputs
        for name in names:
            if name not in known:
                raise ValueError(f"output {name!r}: expected one of {', '.join(known)}")
        return [known.index(name) for name in names]

    def _feature(self, name: str):
        """A feature's index and description."""
        if name not in self._index:
            raise KeyError(f"column {name!r}: expected one of {', '.join(self._index)}")
        return self._index[name], self._features[self._index[name]]

    def _column(self, index: int, values):
        """A native column, and how many rows it has (None where one value serves all)."""
        feature = self._features[index]
        dtype = _DTYPES.get(feature["type"], np.int64)
        if feature["is_sequence"]:
            texts = feature["type"] in _TEXTS
            items = [item if item is None else list(item) if texts else self._numbers(feature, item, dtype, True)
                     for item in values]
            return _native.Column(index, items, None), len(items)
        if feature["type"] in _TEXTS:
            if isinstance(values, (str, bytes)):
                raise TypeError(f"column {feature['name']!r}: expected a list of str, got one {type(values).__name__}")
            texts = list(values)
            return _native.Column(index, texts, None), len(texts)
        validity = None
        if isinstance(values, np.ma.MaskedArray):
            validity = np.packbits(~np.ma.getmaskarray(values), bitorder="little")
            values = values.data
        array = self._numbers(feature, values, dtype, False)
        if array.ndim > 1:
            raise ValueError(f"column {feature['name']!r}: expected one dimension, got {array.ndim}")
        return _native.Column(index, array, validity), array.shape[0] if array.ndim else None

    @staticmethod
    def _numbers(feature: dict, values, dtype, contiguous: bool) -> np.ndarray:
        array = np.asarray(values)
        if array.size == 0:
            array = array.astype(dtype)
        if array.dtype.kind == "M" and feature["type"] == "timestamp":
            unit = {1: "s", 10**3: "ms", 10**6: "us", 10**9: "ns"}[feature["ticks_per_second"]]
            array = array.astype(f"datetime64[{unit}]").astype(np.int64)
        if not contiguous and array.dtype in _READ_IN_PLACE and (array.dtype.kind == "b") == (dtype is np.bool_) \
                and np.can_cast(array.dtype, dtype, casting="same_kind"):
            return array
        try:
            array = array.astype(dtype, casting="same_kind", copy=False)
        except TypeError as error:
            raise TypeError(f"column {feature['name']!r}: expected {np.dtype(dtype)}, got {array.dtype}") from error
        return np.ascontiguousarray(array) if contiguous else array


class Arrays:
    """Scores numpy matrices of a model's features; made by Model.arrays, for one thread at a time.

        cards = model.arrays(["amount", "ratio"], ["country", "mcc"])
        cards.score_one(numpy.array([12.5, 0.3], "float32"), numpy.array([250, 5411]))

    score_one(*matrices, deadline_ns=None)  the score of one payment, a float: [columns] for each group, or
                                            [length, columns] where it is of sequences
    score(*matrices, deadline_ns=None)      scores of several, with the rows as first dimension; NaN for a row that
                                            cannot be scored (Model.score says why)

    Elements are of the stored type (float32, float64, int64, bool); strides are free.
    """

    def __init__(self, model: Model, groups):
        features = [[model._feature(name) for name in group] for group in groups]
        for group in features:
            forms = {(feature["type"], feature["is_sequence"]) for _, feature in group}
            if len(forms) != 1 or forms & {(text, of) for text in _TEXTS for of in (False, True)}:
                raise ValueError(f"group: expected numbers of one type, got {sorted(form[0] for form in forms)}")
        self._model = model
        native = _native.Arrays(model._native, [[index for index, _ in group] for group in features])
        self.score_one, self.score = native.score_one, native.score


def _json(row: dict) -> str:
    return json.dumps({name: _plain(name, value) for name, value in row.items()}, allow_nan=False)


def _plain(name: str, value):
    """A feature's value as JSON has it, with the library's texts for what is no number of JSON."""
    if value is None or isinstance(value, (str, int)):  # bool is an int
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, (list, tuple)):
        return [_plain(name, element) for element in value]
    if isinstance(value, datetime.datetime):
        return _time(name, value)
    if isinstance(value, (np.ndarray, np.datetime64)) and value.dtype.kind == "M":
        return _times(value)
    if hasattr(value, "tolist"):  # numpy's scalars and arrays, and what imitates them
        plain = value.tolist()
        if type(plain) is not type(value):
            return _plain(name, plain)
    raise TypeError(f"feature {name!r}: expected str, a number, bool, datetime, None or a list of these, "
                    f"got {type(value).__name__}")


def _time(name: str, value: datetime.datetime):
    if value != value:  # pandas.NaT
        return None
    offset = value.utcoffset()
    if offset is None:
        raise TypeError(f"feature {name!r}: expected a datetime with a time zone, got one without: give it one, such as "
                        "value.replace(tzinfo=datetime.timezone.utc)")
    if offset % datetime.timedelta(minutes=1):  # RFC 3339 has no seconds in an offset
        value = value.astimezone(datetime.timezone.utc)
    return value.isoformat()


def _times(value):
    """numpy's times, which are UTC: as RFC 3339, so that the library sees to the unit."""
    seconds = value.astype(np.promote_types(value.dtype, "datetime64[s]"))
    return _missing(np.datetime_as_string(seconds, timezone="UTC").tolist())


def _missing(texts):
    if isinstance(texts, list):
        return [_missing(text) for text in texts]
    return None if texts.startswith("NaT") else texts

# SPDX-License-Identifier: Apache-2.0
"""Values that are neither numbers, texts nor lists of those: what they are exactly, or why they are refused."""

import datetime
import decimal
import json
import math
from typing import Any

import numpy as np

from ._error import InvalidInput

_MOST_BITS = 4096  # of an int, beyond every number of 64 bits and what Python writes as digits
_DEEPEST = 2  # lists in lists that are looked into, to be refused as the library refuses them
_COARSE = {"W": 604800, "D": 86400, "h": 3600, "m": 60, "s": 1}  # units of whole seconds
_YEARS = "expected a time in the years 1 to 9999 of UTC"


def reduce(name: str, value: object) -> object:
    """A plain value (None where it is missing), or as bytes the JSON object that the C reader reads it from exactly:
    RFC 3339 for times, all digits for numbers."""
    if isinstance(value, np.ndarray) and type(value) is not np.ndarray:
        return unmasked(value)
    if isinstance(value, np.generic) and value.dtype.kind in "biuf":
        plain = value.item()
        if type(plain) is not type(value):
            return plain
    if isinstance(value, decimal.Decimal) and value.is_nan():
        return math.nan
    text = json_text(name, value)
    return None if text == "null" else f"{{{json.dumps(name)}: {text}}}".encode()


def unmasked(values: np.ndarray) -> Any:
    """An array of a subclass as a plain one; of a masked one what is masked is None, or NaT among times."""
    if not isinstance(values, np.ma.MaskedArray) or not np.ma.getmaskarray(values).any():
        return np.asarray(values)
    if values.dtype.kind == "M":
        return np.asarray(values.filled(np.datetime64("NaT")))
    return values.tolist()


def json_text(name: str, value: Any, depth: int = 0) -> str:
    """A value as JSON that the C reader reads exactly."""
    if value is None:
        return "null"
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        raise InvalidInput(f"feature '{name}': expected a number of 64 bits, got an int of {value.bit_length()} bits")
    if isinstance(value, (bool, int, str)):
        return json.dumps(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, (list, tuple)):
        if depth == _DEEPEST:
            raise InvalidInput(f"feature '{name}': expected a list of values, got lists in lists in lists")
        return "[" + ", ".join(json_text(name, element, depth + 1) for element in value) + "]"
    if isinstance(value, np.ma.MaskedArray):
        return json_text(name, unmasked(value), depth)
    if isinstance(value, decimal.Decimal):
        return _decimal(value)
    if isinstance(value, (np.ndarray, np.datetime64)) and value.dtype.kind == "M":
        return _numpy_times(name, value)
    if isinstance(value, datetime.datetime):
        return _time(name, value)
    if isinstance(value, (np.ndarray, np.generic)):
        plain = value.tolist()
        if type(plain) is not type(value):
            return json_text(name, plain, depth)
    if _is_missing(value):
        return "null"
    raise InvalidInput(f"feature '{name}': expected str, a number, bool, datetime, None or a list of these, got "
                       f"{type(value).__name__}{_advice(value)}")


def _advice(value: object) -> str:
    if isinstance(value, datetime.date):
        return ": make it a datetime with a time zone"
    if isinstance(value, (bytes, bytearray)):
        return ": decode it"
    if isinstance(value, (datetime.timedelta, np.timedelta64)):
        return ": divide it by a unit, such as datetime.timedelta(seconds=1)"
    if hasattr(value, "tolist") or hasattr(value, "to_list"):
        return ": make it a list"
    return ""


def _is_missing(value: Any) -> bool:
    try:
        return bool(value != value)
    except Exception:  # pandas.NA says neither, and others do not compare
        return type(value).__name__ == "NAType"


def _float(value: float) -> str:
    if math.isfinite(value):
        return repr(float(value))
    return '"NaN"' if math.isnan(value) else '"Infinity"' if value > 0 else '"-Infinity"'


def _decimal(value: decimal.Decimal) -> str:
    if value.is_finite():
        return format(value, "f") if -400 < value.adjusted() < 400 else format(value, "e")
    return '"NaN"' if value.is_nan() else '"Infinity"' if value > 0 else '"-Infinity"'


def _time(name: str, value: datetime.datetime) -> str:
    if _is_missing(value):  # pandas.NaT is a datetime
        return "null"
    offset = value.utcoffset()
    if offset is None:
        raise InvalidInput(f"feature '{name}': expected a datetime with a time zone, got one without: give it one, such "
                           "as value.replace(tzinfo=datetime.timezone.utc)")
    if offset % datetime.timedelta(minutes=1):  # RFC 3339 has no seconds in an offset
        try:
            value = value.astimezone(datetime.timezone.utc)
        except OverflowError:
            raise InvalidInput(f"feature '{name}': {_YEARS}, got one beyond") from None
    return json.dumps(value.isoformat())


def _numpy_times(name: str, value: Any) -> str:
    """numpy's times, which are UTC: as RFC 3339, so that the library sees to the unit."""
    unit, count = np.datetime_data(value.dtype)
    if unit in ("generic", "Y", "M", "as"):
        if not np.isnat(value).all():
            raise InvalidInput(f"feature '{name}': expected datetime64 of a unit from weeks to nanoseconds, got "
                               f"{value.dtype}: convert it with .astype('datetime64[s]')")
        return _texts(np.full(np.shape(value), "NaT").tolist())
    ticks = np.asarray(value)[~np.isnat(value)].astype(np.int64).tolist()
    if any(abs(tick) * count * _COARSE.get(unit, 0) >= 2**63 for tick in ticks):  # numpy would wrap
        raise InvalidInput(f"feature '{name}': {_YEARS}, got one beyond")
    seconds = value.astype(np.promote_types(value.dtype, "datetime64[s]"))
    return _texts(np.datetime_as_string(seconds, timezone="UTC").tolist())


def _texts(texts: Any) -> str:
    if isinstance(texts, list):
        return "[" + ", ".join(map(_texts, texts)) + "]"
    return "null" if texts.startswith("NaT") else json.dumps(texts)

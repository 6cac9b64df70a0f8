# SPDX-License-Identifier: Apache-2.0
"""Values that are neither numbers, texts nor lists of those: what they are exactly, or why they are refused."""

import datetime
import decimal
import json
import math
from typing import Any

import numpy as np

from ._error import InvalidInput


def reduce(name: str, value: object) -> object:
    """A plain value (None where it is missing), or as bytes the JSON object that the C reader reads it from exactly:
    RFC 3339 for times, all digits for numbers."""
    if isinstance(value, np.generic) and value.dtype.kind in "biuf":
        plain = value.item()
        if type(plain) is not type(value):
            return plain
    if isinstance(value, decimal.Decimal) and value.is_nan():
        return math.nan
    text = json_text(name, value)
    return None if text == "null" else f"{{{json.dumps(name)}: {text}}}".encode()


def json_text(name: str, value: Any) -> str:
    """A value as JSON that the C reader reads exactly."""
    if value is None:
        return "null"
    if isinstance(value, (bool, int, str)):
        return json.dumps(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(json_text(name, element) for element in value) + "]"
    if isinstance(value, decimal.Decimal):
        return _decimal(value)
    if isinstance(value, (np.ndarray, np.datetime64)) and value.dtype.kind == "M":
        return _numpy_times(name, value)
    if isinstance(value, datetime.datetime):
        return _time(name, value)
    if isinstance(value, (np.ndarray, np.generic)):
        plain = value.tolist()
        if type(plain) is not type(value):
            return json_text(name, plain)
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
    return ""


def _is_missing(value: Any) -> bool:
    try:
        return bool(value != value)
    except TypeError:  # pandas.NA says neither
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
        value = value.astimezone(datetime.timezone.utc)
    return json.dumps(value.isoformat())


def _numpy_times(name: str, value: Any) -> str:
    """numpy's times, which are UTC: as RFC 3339, so that the library sees to the unit."""
    if np.datetime_data(value.dtype)[0] in ("generic", "Y", "M"):
        if not np.isnat(value).all():
            raise InvalidInput(f"feature '{name}': expected datetime64 of a unit from days to nanoseconds, got "
                               f"{value.dtype}: convert it with .astype('datetime64[s]')")
        value = value.astype("datetime64[s]")
    seconds = value.astype(np.promote_types(value.dtype, "datetime64[s]"))
    return _texts(np.datetime_as_string(seconds, timezone="UTC").tolist())


def _texts(texts: Any) -> str:
    if isinstance(texts, list):
        return "[" + ", ".join(map(_texts, texts)) + "]"
    return "null" if texts.startswith("NaT") else json.dumps(texts)

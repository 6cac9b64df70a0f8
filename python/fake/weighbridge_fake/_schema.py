# SPDX-License-Identifier: Apache-2.0
"""Features as `weighbridge codegen --json` wrote them, and payments."""

import datetime
import decimal
import difflib
import json
import math
import os
import pathlib
import zlib
from collections.abc import Mapping
from typing import Any

from ._error import InvalidArgument, InvalidBundle, InvalidInput, IoError, NotFound, SchemaMismatch

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
_NUMBERS = (int, float, decimal.Decimal)


class Feature:
    """One feature. What codegen does not tell is None or False."""

    def __init__(self, index: int, told: dict[str, Any]) -> None:
        self.index, self.name, self.type = index, str(told["name"]), str(told["type"])
        self.is_sequence, self.required = told.get("sequence") is True, told.get("required") is True
        self.currency, self.money_exponent = told.get("currency", ""), told.get("exponent", 0)
        self.ticks_per_second, self.privacy = told.get("ticks_per_second", 0), told.get("privacy", "")
        self.type_name = f"sequence of {self.type}" if self.is_sequence else self.type

    @property
    def promise(self) -> tuple[object, ...]:
        """What must be the same where a swap is to go unseen."""
        return self.name, self.type_name, self.currency, self.money_exponent, self.ticks_per_second

    def described(self) -> dict[str, Any]:
        return {"name": self.name, "type": self.type, "is_sequence": self.is_sequence, "required": self.required,
                "is_private": bool(self.privacy), "privacy": self.privacy, "currency": self.currency,
                "money_exponent": self.money_exponent, "ticks_per_second": self.ticks_per_second}

    def stored(self, value: object) -> object:
        """The value as it is kept. InvalidInput where it is none of the feature's type."""
        if value is None:
            return None
        if not self.is_sequence:
            return self._one(value)
        if not isinstance(value, (list, tuple)):
            raise self.refused(type(value).__name__)
        return tuple(self._one(element) for element in value)

    def refused(self, found: str) -> InvalidInput:
        return InvalidInput(f"feature '{self.name}': expected {self.type_name}, got {found}", self.index, 0)

    def _one(self, value: Any) -> object:
        kept: object = None
        number = isinstance(value, _NUMBERS) and not isinstance(value, bool)
        if self.type in ("float32", "float64"):
            kept = float(value) if number else None
        elif self.type == "bool":
            kept = bool(value) if isinstance(value, bool) or number and value in (0, 1) else None
        elif self.type in ("category", "text"):
            kept = value if isinstance(value, (str, bytes)) else None
        elif self.type == "timestamp" and isinstance(value, (str, datetime.datetime)):
            kept = self._ticks(value)
        elif number and math.isfinite(value) and value == int(value) and -(2**63) <= value < 2**63:
            kept = int(value)
        if kept is None:
            raise self.refused(type(value).__name__)
        return kept

    def _ticks(self, value: str | datetime.datetime) -> int | None:
        try:
            at = datetime.datetime.fromisoformat(value) if isinstance(value, str) else value
        except ValueError:
            return None
        if at.tzinfo is None:
            return None
        return (at - _EPOCH) // datetime.timedelta(microseconds=1) * int(self.ticks_per_second) // 1_000_000


class Schema:
    """The features and bands of a file, or of a dict of its name and its text."""

    def __init__(self, bundle: str | os.PathLike[str] | Mapping[str, str | bytes]) -> None:
        path, text = _read(bundle)
        self.file_name = pathlib.PurePath(path).stem  # the version of what is loaded from it
        try:
            document = json.loads(text)
        except ValueError:
            raise InvalidBundle(f"{path}: expected what `weighbridge codegen --json` wrote, got no JSON") from None
        if not isinstance(document, dict) or document.get("weighbridge_codegen") != 1:
            raise InvalidBundle(f"{path}: expected what `weighbridge codegen --json` wrote, got other JSON")
        self.of = [Feature(index, told) for index, told in enumerate(document["features"])]
        self._bands = [(str(band["name"]), float(band.get("below", math.inf))) for band in document["bands"]]
        self._index = {feature.name: feature for feature in self.of}
        self._digest = zlib.crc32(repr([feature.promise for feature in self.of]).encode())

    @classmethod
    def load(cls, bundle: str | os.PathLike[str] | Mapping[str, str | bytes]) -> "Schema":
        return cls(bundle)

    @property
    def features(self) -> list[dict[str, Any]]:
        return [feature.described() for feature in self.of]

    @property
    def names(self) -> list[str]:
        return list(self._index)

    @property
    def outputs(self) -> list[str]:
        return []

    @property
    def digest(self) -> int:
        """The same number means the same rows."""
        return self._digest

    @property
    def bands(self) -> list[str]:
        return [name for name, _ in self._bands]

    def feature(self, name: object) -> Feature:
        found = self._index.get(name) if isinstance(name, str) else None
        if found is None:
            if not isinstance(name, str):
                raise NotFound(f"feature: expected a name (str), got {type(name).__name__}")
            near = difflib.get_close_matches(name, self._index)
            raise NotFound(f"feature '{name}': expected one of the schema" + (f"; near: {', '.join(near)}" if near else ""))
        return found

    def band_of(self, probability: float) -> int:
        return next((index for index, (_, below) in enumerate(self._bands) if probability < below), -1)

    def row(self, values: Mapping[str, object] | None = None, tail_bytes: int = 512) -> "Row":
        made = Row(self, tail_bytes)
        if values is not None:
            made.update(values)
        return made

    def misfit(self, before: "Schema") -> str:
        """Why rows of another schema do not fit this one: it lacks a feature of theirs, or requires more; "" for none."""
        for was in before.of:
            now = self._index.get(was.name)
            if now is None or now.promise != was.promise:
                return f"feature '{was.name}': expected {was.promise}, got {now.promise if now else 'none'}"
        known = {feature.name for feature in before.of if feature.required}
        more = next((feature.name for feature in self.of if feature.required and feature.name not in known), None)
        return f"feature '{more}': expected a default, for it was not required; got none" if more else ""

    def __repr__(self) -> str:
        return f"Schema({', '.join(self.names)})"


class Row:
    """A reusable row."""

    def __init__(self, schema: Schema, tail_bytes: int = 512) -> None:
        self.schema, self._values = schema, {}  # type: Schema, dict[str, object]

    def __setitem__(self, name: str, value: object) -> None:
        feature = self.schema.feature(name)
        self._values[feature.name] = feature.stored(value)

    def __delitem__(self, name: str) -> None:
        self[name] = None

    def update(self, values: Mapping[str, object]) -> None:
        if not isinstance(values, Mapping):
            raise InvalidInput(f"expected a dict of features, got {type(values).__name__}")
        for name, value in values.items():
            self[name] = value

    def set_json(self, text: str | bytes) -> None:
        try:
            found = json.loads(text)
        except ValueError:
            raise InvalidInput("row: not valid JSON") from None
        if not isinstance(found, dict):
            raise InvalidInput("row: expected a JSON object")
        try:
            self.update(found)
        except NotFound as error:
            raise InvalidInput(error.message) from None

    def clear(self) -> None:
        self._values = {}

    def json(self) -> str:
        told = {feature.name: "<redacted>" if feature.privacy else self._values.get(feature.name)
                for feature in self.schema.of}
        return json.dumps(told, default=lambda value: value.decode("utf-8", "replace"))

    def values_for(self, schema: Schema) -> dict[str, object]:
        """The values by name, for a model of this schema or of one that extends it."""
        why = schema.misfit(self.schema) if schema.digest != self.schema.digest else ""
        if why:
            raise SchemaMismatch(f"row: it is of another schema: {why}")
        for feature in schema.of:
            if feature.required and self._values.get(feature.name) is None:
                raise InvalidInput(f"feature '{feature.name}': expected a value, got none", feature.index, 0)
        return {feature.name: self._values.get(feature.name) for feature in schema.of}

    def __repr__(self) -> str:
        return f"Row({self.json()})"


def _read(bundle: Any) -> tuple[str, str | bytes]:
    if isinstance(bundle, Mapping):
        if len(bundle) != 1:
            raise InvalidArgument(f"bundle: expected one file of codegen's, got {len(bundle)}")
        name, text = next(iter(bundle.items()))
        return str(name), text
    if not isinstance(bundle, (str, os.PathLike)):
        raise InvalidArgument(f"bundle: expected a path or a dict of files, got {type(bundle).__name__}")
    path = pathlib.Path(bundle)
    if path.is_dir():
        raise InvalidBundle(f"{path}: expected the file that `weighbridge codegen --json` wrote, got a folder")
    try:
        return str(path), path.read_bytes()
    except OSError as error:
        raise IoError(f"{path}: {error.strerror}") from None

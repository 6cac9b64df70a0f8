# SPDX-License-Identifier: Apache-2.0
"""The library's encodings again, in numpy, from the formulas in lib/feature/README.md and lib/bundle/README.md.

Training uses them before there is a bundle; tests/parity holds them against wb_batch_encode. Values are not checked:
that is the library's work.
"""
import datetime
import json
import pathlib
import zoneinfo

import numpy as np

from ragged import Ragged, gather
from wordpiece import WordPiece

TICKS_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
DTYPES = {"float32": np.float32, "float64": np.float64, "int64": np.int64, "int32": np.int32, "bool": np.bool_}
OFFSET_STEP = 900  # seconds; offsets of today's zones change at whole quarters of an hour


class Encoders:
    """Makes the tensors of a manifest from columns of features."""

    def __init__(self, manifest: dict, directory):
        self.manifest = manifest
        self.directory = pathlib.Path(directory)
        self.features = {feature["name"]: feature for feature in manifest["features"]}
        self.most = manifest["limits"].get("length", 0)
        self._files: dict = {}

    @classmethod
    def of_bundle(cls, directory) -> "Encoders":
        text = (pathlib.Path(directory) / "manifest.json").read_text(encoding="utf-8")
        return cls(json.loads(text), directory)

    def encode(self, columns: dict) -> list[np.ndarray]:
        """One array a tensor, in the order of `forward`, padded to the longest row. `columns` has an array (or a list)
        by feature name, for a sequence a Ragged; a missing number is masked, a missing text None."""
        cells = {name: self.encode_feature(name, columns[name]) for name in self.features}
        return [self._tensor(tensor, cells) for tensor in self.manifest["tensors"]]

    def sizes(self, tensor: str) -> list[int]:
        """How many indices each feature of an integer tensor can give: the rows of its embedding."""
        names = next(t["features"] for t in self.manifest["tensors"] if t["name"] == tensor)
        return [self._size(self.features[name]) for name in names]

    def _size(self, feature: dict) -> int:
        if feature["type"] == "bool":
            return 2
        step = feature["encoding"][-1]
        if step["op"] == "vocabulary":
            return len(self._vocabulary(feature, step)) + (step.get("unknown") == "zero")
        if step["op"] == "wordpiece":
            return len(self._wordpiece(step).ids)
        return {"hash": lambda: step["buckets"], "identity": lambda: step["size"],
                "bucketise": lambda: len(step["edges"]) + 1}[step["op"]]()

    def _tensor(self, tensor: dict, cells: dict) -> np.ndarray:
        source, dtype = tensor.get("source", "features"), DTYPES[tensor["dtype"]]
        sequences = [cells[name] for name, feature in self.features.items() if feature["type"] == "sequence"]
        if source == "lengths":
            return sequences[0].lengths().astype(dtype)
        if source == "mask":
            cell = cells[tensor["of"]] if "of" in tensor else sequences[0]
            return np.arange(self._width(tensor, cell)) < cell.lengths()[:, None]
        parts = [cells[name] for name in tensor["features"]]
        if not isinstance(parts[0], Ragged):
            values = np.concatenate([part.reshape(len(part), -1) for part in parts], 1).astype(dtype)
            return values[:, 0] if len(tensor["shape"]) == 1 else values
        feature = self.features[tensor["features"][0]]
        fill = self._wordpiece(feature["encoding"][0]).pad if feature["type"] == "text" else 0
        padded = [self._pad(part, self._width(tensor, part), fill) for part in parts]
        values = np.concatenate(padded, 2).astype(dtype)
        return values[:, :, 0] if len(tensor["shape"]) == 2 else values

    @staticmethod
    def _width(tensor: dict, cell: Ragged) -> int:
        width = tensor["shape"][1]
        return width if isinstance(width, int) else int(cell.lengths().max(initial=0))

    @staticmethod
    def _pad(cell: Ragged, width: int, fill) -> np.ndarray:
        values = cell.values.reshape(len(cell.values), -1)
        out = np.full((len(cell), width, values.shape[1]), fill, values.dtype)
        lengths = cell.lengths()
        row = np.repeat(np.arange(len(cell)), lengths)
        out[row, np.arange(len(values)) - np.repeat(cell.offsets[:-1], lengths)] = values
        return out

    def encode_feature(self, name: str, column):
        """One feature encoded: an array of scalars (two columns where cyclic), or a Ragged of a sequence or a text."""
        feature = self.features[name]
        if feature["type"] == "sequence":
            steps = feature.get("encoding", [])
            if steps and steps[0]["op"] == "truncate":
                column, steps = self._truncate(column, steps[0]["keep"] == "tail"), steps[1:]
            return Ragged(self._values({**feature, "type": feature["of"]}, steps, column.values), column.offsets)
        if feature["type"] == "text":
            return self._texts(feature, column)
        return self._values(feature, feature.get("encoding", []), column)

    def _truncate(self, column: Ragged, tail: bool) -> Ragged:
        lengths = np.minimum(column.lengths(), self.most)
        return gather(column.values, column.offsets[1:] - lengths if tail else column.offsets[:-1], lengths)

    def _values(self, feature: dict, steps: list, column) -> np.ndarray:
        """Encoded scalars: one value each, two where a step is cyclic."""
        if feature["type"] == "category":
            return self._category(feature, steps[0], column)
        values = self._filled(feature, column)
        if feature["type"] == "timestamp":
            ticks = TICKS_PER_SECOND[feature["unit"]]
            if steps and steps[0]["op"] == "cyclic":
                return self._cyclic(values, ticks, feature.get("zone", "UTC"), steps[0]["period"])
            x = values / ticks
        elif feature["type"] == "bool":
            x = values.astype(np.int64)
        elif "money" in feature:
            x = values / 10.0 ** feature["money"]["exponent"]
        else:
            x = values if not steps else values.astype(np.float64)
        for step in steps:
            x = self._number(step, x)
        return x

    @staticmethod
    def _filled(feature: dict, column) -> np.ndarray:
        """Raw values in the feature's own type, defaults in place of what is missing."""
        kind = {"float32": np.float32, "float64": np.float64, "bool": np.bool_}.get(feature["type"], np.int64)
        missing = np.ma.getmaskarray(column) if isinstance(column, np.ma.MaskedArray) else np.zeros(len(column), bool)
        values = np.asarray(column)
        if feature.get("nan") == "missing":
            missing = missing | np.isnan(values)
        if missing.any():
            values = np.where(missing, feature["missing"]["default"], values)
        return values.astype(kind)

    @staticmethod
    def _number(step: dict, x: np.ndarray) -> np.ndarray:
        if step["op"] == "log1p":
            return np.log1p(x)
        if step["op"] == "standardise":
            return (x - step["mean"]) / step["std"]
        if step["op"] == "clip":
            return np.clip(x, step["min"], step["max"])
        if step["op"] == "bucketise":
            return np.searchsorted(np.asarray(step["edges"], np.float64), x, "right")
        raise ValueError(f"unknown operation {step['op']!r} on a number")

    def _cyclic(self, values: np.ndarray, ticks: int, zone: str, period: str) -> np.ndarray:
        seconds = values // ticks
        local = seconds + self._offsets(seconds, zone)
        part = (values - seconds * ticks) / ticks
        if period == "year":
            days = local // 86400
            first = days.astype("datetime64[D]").astype("datetime64[Y]")
            length = ((first + 1).astype("datetime64[D]") - first.astype("datetime64[D]")).astype(np.int64)
            since = local - first.astype("datetime64[D]").astype(np.int64) * 86400
            turn = (since + part) / (length * 86400.0)
        elif period == "week":  # from Monday; 1970-01-01 was a Thursday
            turn = ((local + 3 * 86400) % (7 * 86400) + part) / (7 * 86400.0)
        else:
            length = {"hour": 3600, "day": 86400}[period]
            turn = (local % length + part) / length
        angle = 2 * np.pi * turn
        return np.stack([np.sin(angle), np.cos(angle)], -1)

    def _offsets(self, seconds: np.ndarray, zone: str) -> np.ndarray:
        """Seconds east of UTC: from the bundle's table where there is one, else from the host's zone database."""
        if zone == "UTC":
            return np.zeros_like(seconds)
        if zone[0] in "+-":
            hours, minutes = zone[1:].split(":")
            return np.full_like(seconds, int(zone[0] + "1") * (int(hours) * 3600 + int(minutes) * 60))
        tables = self.directory / "zones.json"
        if tables.exists():
            table = self._cached("zones.json", lambda path: json.loads(path.read_text()))[zone]
            at = np.array([at for at, _ in table["transitions"]], np.int64)
            offsets = np.array([table["initial"], *(offset for _, offset in table["transitions"])], np.int64)
            return offsets[np.searchsorted(at, seconds, "right")]
        host = zoneinfo.ZoneInfo(zone)
        steps, where = np.unique(seconds // OFFSET_STEP, return_inverse=True)
        found = [datetime.datetime.fromtimestamp(int(step) * OFFSET_STEP, host).utcoffset() for step in steps]
        return np.array([int(offset.total_seconds()) for offset in found], np.int64)[where]

    def _category(self, feature: dict, step: dict, column) -> np.ndarray:
        keys = np.asarray(column, object)
        default = feature.get("missing", {}).get("default") if isinstance(feature.get("missing"), dict) else None
        known = {key: self._index(feature, step, default if key is None else key) for key in set(keys.tolist())}
        return np.array([known[key] for key in keys.tolist()], np.int64)

    def _index(self, feature: dict, step: dict, key) -> int:
        if step["op"] == "identity":
            return int(key)
        if step["op"] == "hash":
            return hash_bucket(key, step["buckets"], step["seed"])
        places = self._vocabulary(feature, step)
        if step.get("unknown", "error") == "zero":
            return places.get(key, -1) + 1
        return places[key]

    def _vocabulary(self, feature: dict, step: dict) -> dict:
        if "values" in step:
            return {key: i for i, key in enumerate(step["values"])}
        lines = self._cached(step["file"], lambda path: path.read_text(encoding="utf-8").splitlines())
        return {int(key) if feature.get("keys") == "int64" else key: i for i, key in enumerate(lines)}

    def _wordpiece(self, step: dict) -> WordPiece:
        return self._cached(step["file"], lambda path: WordPiece(path.read_text(encoding="utf-8").splitlines(), step))

    def _texts(self, feature: dict, column) -> Ragged:
        tokeniser = self._wordpiece(feature["encoding"][0])
        default = feature["missing"]["default"] if isinstance(feature.get("missing"), dict) else None
        texts = [default if text is None else text for text in column]
        ids = {text: tokeniser.encode(text) for text in set(texts)}
        offsets = np.concatenate([[0], np.cumsum([len(ids[text]) for text in texts])]).astype(np.int64)
        return Ragged(np.array([i for text in texts for i in ids[text]], np.int64), offsets)

    def _cached(self, name: str, read):
        if name not in self._files:
            self._files[name] = read(self.directory / name)
        return self._files[name]


def hash_bucket(key, buckets: int, seed: int) -> int:
    """64-bit FNV-1a over the key's UTF-8, or over the eight little-endian bytes of an int64 key; its offset basis xor
    the seed; then MurmurHash3's finaliser."""
    most = (1 << 64) - 1
    value = 0xCBF29CE484222325 ^ seed
    for byte in key.encode() if isinstance(key, str) else int(key).to_bytes(8, "little", signed=True):
        value = (value ^ byte) * 0x100000001B3 & most
    value = (value ^ value >> 33) * 0xFF51AFD7ED558CCD & most
    value = (value ^ value >> 33) * 0xC4CEB9FE1A85EC53 & most
    return (value ^ value >> 33) % buckets

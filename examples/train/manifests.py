# SPDX-License-Identifier: Apache-2.0
"""The manifests of the two example models, before training has filled in means, calibration and base rate."""
import hashlib
import json

import numpy as np

from encoders import Encoders
from merchants import COUNTRY_CODES, MCC_CODES
from payments import HISTORY, MERCHANT_BUCKETS
from ragged import Ragged
from simulation import ENTRY_MODES

MOST_WORDS = 12
STANDARDISE = {"op": "standardise", "mean": 0.0, "std": 1.0}  # filled in by fill_standardise
LOG = [{"op": "log1p"}, STANDARDISE]
MONEY = {"currency": "EUR", "exponent": 2}
COUNTRY = [{"op": "vocabulary", "values": [str(code) for code in COUNTRY_CODES], "unknown": "zero"}]
MCC = [{"op": "vocabulary", "values": [int(code) for code in MCC_CODES], "unknown": "zero"}]
ENTRY_MODE = [{"op": "vocabulary", "values": [str(mode) for mode in ENTRY_MODES]}]
TAIL = {"op": "truncate", "keep": "tail"}
BANDS = [{"name": "approve", "below": 0.05}, {"name": "review", "below": 0.5}, {"name": "decline"}]


def _timestamp(name: str, period: str) -> dict:
    return {"name": name, "type": "timestamp", "unit": "ms", "zone": "Europe/Paris",
            "encoding": [{"op": "cyclic", "period": period}]}


def amount(name: str, **more) -> dict:
    return {"name": name, "type": "int64", "money": MONEY, "range": [0, 10_000_000], "privacy": "payment",
            "encoding": LOG, **more}


def count(name: str, encoding: list = LOG) -> dict:
    return {"name": name, "type": "int64", "range": [0, 1_000_000], "missing": {"default": 0}, "encoding": encoding}


def risk(name: str) -> dict:
    return {"name": name, "type": "float32", "range": [0, 1], "missing": {"default": 0}, "encoding": [STANDARDISE]}


SINCE_LAST = {"name": "since_last_s", "type": "int64", "range": [0, 1_000_000_000], "missing": {"default": 2_592_000},
              "encoding": LOG}
PLACE = [{"name": "country", "type": "category", "encoding": COUNTRY},
         {"name": "mcc", "type": "category", "keys": "int64", "encoding": MCC},
         {"name": "entry_mode", "type": "category", "encoding": ENTRY_MODE}]


def mlp_manifest() -> dict:
    numbers = [
        _timestamp("paid_at", "day"),
        _timestamp("paid_at_week", "week"),
        amount("amount_minor"),
        {"name": "amount_ratio", "type": "float32", "range": [0, 1e6], "missing": {"default": 1}, "nan": "missing",
         "privacy": "payment", "encoding": LOG},
        count("card_count_7d"),
        count("card_count_30d"),
        amount("card_mean_minor_7d", missing={"default": 0}),
        amount("card_mean_minor_30d", missing={"default": 0}),
        SINCE_LAST,
        count("same_terminal_30d", [{"op": "clip", "min": 0, "max": 50}, *LOG]),
        count("terminal_count_7d"),
        risk("terminal_risk_7d"),
        risk("terminal_risk_30d"),
    ]
    codes = [
        count("card_count_1d", [{"op": "bucketise", "edges": [1, 2, 3, 5, 8, 13]}]),
        {"name": "abroad", "type": "bool"},
        *PLACE,
        {"name": "merchant", "type": "category", "privacy": "merchant",
         "encoding": [{"op": "hash", "buckets": MERCHANT_BUCKETS, "seed": 7}]},
    ]
    return {
        "weighbridge": {"format": 1, "requires": "0.1.0"},
        "identity": {"name": "card-mlp", "purpose": "card fraud at authorisation, from aggregates"},
        "features": _own(numbers + codes),
        "tensors": [tensor("numbers", "float32", numbers), tensor("codes", "int64", codes)],
        "outputs": [{"name": "fraud", "shape": ["batch"], "activation": {"kind": "sigmoid", "applied": False},
                     "primary": True, "calibration": {"kind": "platt", "a": 1.0, "b": 0.0}, "bands": BANDS}],
        "limits": {"rows": 4096},
        "fallback": {"score": 0.5},
        "tolerances": {"fp32": {"absolute": 1e-5}, "bf16": {"absolute": 0.02}, "int8": {"absolute": 0.1}},
    }


def transformer_manifest() -> dict:
    numbers = [_timestamp("paid_at", "day"), amount("amount_minor"), SINCE_LAST, risk("terminal_risk_7d"),
               risk("terminal_risk_30d")]
    codes = [{"name": "abroad", "type": "bool"}, *PLACE]
    descriptor = {"name": "descriptor", "type": "text", "privacy": "merchant", "missing": {"default": ""},
                  "encoding": [{"op": "wordpiece", "file": "vocab.txt", "max_tokens": MOST_WORDS}]}
    past = [
        _sequence("past_amount_minor", "int64", LOG, money=MONEY, range=[0, 10_000_000], privacy="payment"),
        _sequence("past_age_s", "int64", LOG, range=[0, 1_000_000_000]),
        _sequence("past_paid_at", "timestamp", [{"op": "cyclic", "period": "day"}], unit="ms", zone="Europe/Paris"),
        _sequence("past_risk", "float32", [STANDARDISE], range=[0, 1]),
    ]
    past_codes = [_sequence("past_mcc", "category", MCC, keys="int64"), _sequence("past_country", "category", COUNTRY)]
    return {
        "weighbridge": {"format": 1, "requires": "0.1.0"},
        "identity": {"name": "card-transformer", "purpose": "card fraud at authorisation, from the card's payments"},
        "features": _own(numbers + codes + [descriptor] + past + past_codes),
        "tensors": [
            tensor("numbers", "float32", numbers),
            tensor("codes", "int64", codes),
            tensor("past_numbers", "float32", past),
            tensor("past_codes", "int64", past_codes),
            {"name": "past_mask", "dtype": "bool", "shape": ["batch", "length"], "source": "mask"},
            {"name": "words", "dtype": "int64", "shape": ["batch", MOST_WORDS], "features": ["descriptor"]},
            {"name": "words_mask", "dtype": "bool", "shape": ["batch", MOST_WORDS], "source": "mask",
             "of": "descriptor"},
        ],
        "outputs": [{"name": "fraud", "source": 0, "shape": ["batch"],
                     "activation": {"kind": "sigmoid", "applied": False}, "primary": True,
                     "calibration": {"kind": "platt", "a": 1.0, "b": 0.0}, "bands": BANDS},
                    {"name": "embedding", "source": 1, "shape": ["batch", 64]}],
        "limits": {"length": HISTORY, "rows": 4096},
        "fallback": {"score": 0.5},
        "tolerances": {"fp32": {"absolute": 1e-5}, "bf16": {"absolute": 0.02}, "int8": {"absolute": 0.05}},
    }


def _sequence(name: str, of: str, encoding: list, **more) -> dict:
    return {"name": name, "type": "sequence", "of": of, "missing": {"default": []}, "encoding": [TAIL, *encoding],
            **more}


def _own(features: list[dict]) -> list[dict]:
    """A copy in which no two features share a step, so that each can be filled in by itself."""
    return json.loads(json.dumps(features))


def width(features: list[dict]) -> int:
    """How many values the features make together."""
    return sum(2 if any(step["op"] == "cyclic" for step in f.get("encoding", [])) else 1 for f in features)


def tensor(name: str, dtype: str, features: list[dict]) -> dict:
    sizes = ["batch", "length"] if features[0]["type"] == "sequence" else ["batch"]
    return {"name": name, "dtype": dtype, "shape": [*sizes, width(features)],
            "features": [feature["name"] for feature in features]}


def fill_standardise(manifest: dict, columns: dict, directory) -> None:
    """Sets each standardise step from the training data, by encoding it with the step as it stands: mean 0, std 1."""
    encoders = Encoders(manifest, directory)
    for feature in manifest["features"]:
        steps = [step for step in feature.get("encoding", []) if step["op"] == "standardise"]
        if steps:
            cell = encoders.encode_feature(feature["name"], columns[feature["name"]])
            values = cell.values if isinstance(cell, Ragged) else cell
            steps[0]["mean"] = float(f"{values.mean():.6g}")
            steps[0]["std"] = float(f"{max(values.std(), 1e-3):.6g}")


def digest(columns: dict, names) -> str:
    """sha256 of the training data, column by column."""
    sha = hashlib.sha256()
    for name in names:
        column = columns[name]
        sha.update(name.encode())
        for part in (column.offsets, column.values) if isinstance(column, Ragged) else (column,):
            part = np.ma.filled(part, -1) if isinstance(part, np.ma.MaskedArray) else np.asarray(part)
            sha.update("\n".join(part.tolist()).encode() if part.dtype == object else part.tobytes())
    return sha.hexdigest()

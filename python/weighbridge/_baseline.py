# SPDX-License-Identifier: Apache-2.0
"""A bundle's baseline: what its features looked like in training, for comparing with what is served."""

from typing import Any

import numpy as np

QUANTILES = 20
_MOST_KEYS = 50


def baseline_of(frame: Any, features: list[dict[str, Any]]) -> dict[str, Any]:
    """By feature: the share that is missing, and 20 quantiles of numbers and times or the shares of the most frequent
    keys. A feature with a privacy class has its share of missing values alone, as quantiles and keys are values."""
    found: dict[str, Any] = {}
    for feature in features:
        series = frame[feature["name"]]
        there = series[series.notna()]
        told: dict[str, Any] = {"missing": float(np.round(1 - len(there) / max(len(series), 1), 6))}
        kind = feature.get("of", feature["type"])
        found[feature["name"]] = told
        if "privacy" in feature:
            continue
        if feature["type"] == "sequence":
            told["length"] = _quantiles(np.array([len(events) for events in there], np.float64))
        elif kind == "timestamp":
            unit = feature["unit"]
            told["quantiles"] = _quantiles(there.to_numpy(f"datetime64[{unit}]").astype(np.int64).astype(np.float64))
        elif kind in ("float32", "float64", "int64"):
            told["quantiles"] = _quantiles(there.to_numpy(np.float64))
        elif kind != "text":
            shares = there.astype(str).value_counts(normalize=True).head(_MOST_KEYS)
            told["shares"] = {key: float(np.round(share, 6)) for key, share in shares.items()}
    return {"format": 1, "rows": len(frame), "features": found}


def _quantiles(values: np.ndarray) -> list[float]:
    """The values below which 1/20, 2/20, ... of all lie, the largest last."""
    if not len(values):
        return []
    return [float(f"{value:.9g}") for value in np.quantile(values, np.arange(1, QUANTILES + 1) / QUANTILES)]

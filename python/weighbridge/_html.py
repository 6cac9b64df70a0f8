# SPDX-License-Identifier: Apache-2.0
"""What notebooks show: plain tables, no JavaScript."""

import html
from collections.abc import Iterable
from typing import Any

_STYLE = "text-align:left;font-family:monospace;padding:0 1em 0 0"


def _table(rows: Iterable[Iterable[object]], head: Iterable[object] = ()) -> str:
    heads = "".join(f'<th style="{_STYLE}">{html.escape(str(cell))}</th>' for cell in head)
    lines = [f"<tr>{heads}</tr>"] if heads else []
    for row in rows:
        cells = "".join(f'<td style="{_STYLE}">{html.escape(str(cell))}</td>' for cell in row)
        lines.append(f"<tr>{cells}</tr>")
    return "<table>" + "".join(lines) + "</table>"


def _latencies(told: dict[str, Any]) -> str:
    quantiles = ("p50", "p90", "p99", "p999", "max")
    return ", ".join(f"{name} {told[f'latency_{name}_ns'] / 1000:.1f} us" for name in quantiles)


def _counts(told: dict[str, Any]) -> str:
    return ", ".join(f"{told[name]} {name}" for name in
                     ("requests", "rows", "fallbacks", "overloaded", "expired", "invalid", "failed"))


def _range(feature: dict[str, Any]) -> str:
    low, high = feature["minimum"], feature["maximum"]
    return "" if low == -float("inf") and high == float("inf") else f"[{low:g}, {high:g}]"


def _type(feature: dict[str, Any]) -> str:
    kind = ("sequence of " if feature["is_sequence"] else "") + str(feature["type"])
    return f"{kind}, {feature['currency']}" if feature["currency"] else kind


def features(described: list[dict[str, Any]]) -> str:
    rows = ([feature["name"], _type(feature), _range(feature),
             "required" if feature["required"] else "" if feature["default"] is None else repr(feature["default"]),
             feature["privacy"]] for feature in described)
    return _table(rows, ("feature", "type", "range", "default", "privacy"))


def model(told: dict[str, Any], described: list[dict[str, Any]], engine_told: dict[str, Any]) -> str:
    rows = [("model", told["name"]), ("version", told["version"]), ("bundle sha256", told["bundle_sha256"]),
            ("plan sha256", told["plan_sha256"] or "-"),
            ("runs on", f"{told['backend']}, {told['precision']}, {told['contexts']} contexts"),
            ("the engine's latencies", _latencies(engine_told)), ("its counts", _counts(engine_told))]
    return _table(rows) + "<details><summary>" + f"{len(described)} features</summary>" + features(described) + "</details>"


def slot(told: dict[str, Any]) -> str:
    return _table([("slot", told["name"]), ("version", told["version"] or "empty"),
                   ("previous version", told["previous_version"] or "-"), ("swaps", told["generation"]),
                   ("bundle", f"{told['bundle']:016x}"), ("latencies", _latencies(told)), ("counts", _counts(told))])


def engine(told: dict[str, Any]) -> str:
    return _table([("contexts", told["contexts"]), ("models", told["models"]), ("waiting", told["waiting"]),
                   ("latencies", _latencies(told)), ("counts", _counts(told))])

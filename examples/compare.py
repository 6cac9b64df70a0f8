# SPDX-License-Identifier: Apache-2.0
"""Prints one table of what `weighbridge score --json` said of several models.
usage: compare.py SUMMARY.json...        the column's head is the file's name"""
import json
import pathlib
import sys

LINES = [  # head, path in the summary, format
    ("payments", "rows", "{:,}"),
    ("scored", "scored", "{:,}"),
    ("rejected", "rejected", "{:,}"),
    ("answered by the fallback", "fallbacks", "{:,}"),
    ("time [s]", "seconds", "{:.2f}"),
    ("payments/s", "payments_per_second", "{:,.0f}"),
    ("latency of a payment, p50 [us]", "latency_us.p50", "{:,.1f}"),
    ("latency of a payment, p99 [us]", "latency_us.p99", "{:,.1f}"),
    ("latency of a payment, p99.9 [us]", "latency_us.p99.9", "{:,.1f}"),
    ("payments with a label", "labelled", "{:,}"),
    ("average precision", "average_precision", "{:.4f}"),
    ("AUC", "auc", "{:.4f}"),
    ("frauds among the highest 0.5 %", "recall_at_0.5_percent", "{:.1%}"),
]


def value(summary, path):
    head, _, rest = path.partition(".")
    found = summary.get(path, summary.get(head))
    if isinstance(found, dict):
        return value(found, rest) if rest else sum(found.values())
    return found


def table(summaries):
    """`summaries` by name. Lines of text: what is told at the left, a column a model at the right."""
    rows = [["", *summaries]]
    for head, path, form in LINES:
        found = [value(summary, path) for summary in summaries.values()]
        rows.append([head, *("-" if one is None else form.format(one) for one in found)])
    for i, decision in enumerate(next(iter(summaries.values())).get("decisions", [])):
        decisions = [summary["decisions"][i] for summary in summaries.values()]
        rows.append([f"{decision['band']}: payments", *(f"{one['payments']:,}" for one in decisions)])
        if "frauds" in decision:
            rows.append([f"{decision['band']}: frauds among them", *(f"{one['frauds']:,}" for one in decisions)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))])
            for row in rows]


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] == "--help":
        sys.exit(__doc__)
    files = [pathlib.Path(name) for name in sys.argv[1:]]
    print("\n".join(table({file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files})))

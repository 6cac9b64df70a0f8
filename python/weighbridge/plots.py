# SPDX-License-Identifier: Apache-2.0
"""Plots of scores, on matplotlib's axes: each function draws on the axes that it is given, or on new ones, and gives them
back. matplotlib is imported when the first is drawn.

    axes = weighbridge.plots.precision_recall(frame["is_fraud"], scores["probability"])
    weighbridge.plots.precision_recall(labels, other["probability"], axes=axes, label="challenger")
"""

import importlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from ._error import BackendUnavailable, InvalidArgument, InvalidInput

__all__ = ["calibration", "latency", "precision_recall", "score_histogram"]
_BINS = 10
_QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}


def precision_recall(labels: Any, scores: Any, axes: Any = None, *, label: str = "") -> Any:
    """Precision by recall, over every threshold, with the average precision in the legend: the sum of precision times the
    step in recall, without interpolation, as scikit-learn's average_precision_score."""
    labels, scores = _labelled(labels, scores)
    recall, precision = pr_curve(labels, scores)
    average = float((np.diff(recall) * precision[1:]).sum())
    axes = _axes(axes)
    axes.step(recall, precision, where="pre", label=f"{label or 'model'}, AP {average:.3f}")
    share = float(labels.mean())
    if not any(line.get_gid() == "chance" for line in axes.lines):
        axes.axhline(share, color="grey", linestyle=":", linewidth=1, gid="chance", label=f"by chance {share:.4f}")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend()
    return axes


def pr_curve(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Recall, ascending from 0, and precision, at each score that occurs, from the highest."""
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))  # of each run of equal scores
    found = np.cumsum(labels[order])[last]
    precision, recall = found / (last + 1), found / labels.sum()
    return np.append(0.0, recall), np.append(precision[0], precision)


def score_histogram(scores: Any, labels: Any = None, axes: Any = None, *, bins: int = 50,
                    bands: Mapping[str, float] | None = None) -> Any:
    """How many payments have which score, on a logarithmic scale; frauds apart where there are labels.

    bands  names of decision bands and the scores below which they are, drawn as lines
    """
    axes, edges = _axes(axes), np.linspace(0, 1, bins + 1)
    if labels is None:
        axes.hist(_numbers("scores", scores), edges)
    else:
        labels, scores = _labelled(labels, scores)
        axes.hist([scores[labels == 0], scores[labels == 1]], edges, histtype="stepfilled", alpha=0.6,
                  label=["honest", "fraud"])
        axes.legend()
    for name, edge in (bands or {}).items():
        if edge < 1:
            axes.axvline(edge, color="grey", linestyle="--", linewidth=1)
        axes.annotate(name, (min(edge, 1), 1), xycoords=("data", "axes fraction"), rotation=90, va="top", ha="right")
    axes.set(xlabel="score", ylabel="payments", yscale="log", xlim=(0, 1))
    return axes


def calibration(labels: Any, scores: Any, axes: Any = None, *, bins: int = _BINS, label: str = "") -> Any:
    """The share of frauds by mean score, with 95 % Wilson intervals, on logarithmic scales. Bins have as many expected frauds
    each (their scores' sum), as frauds are rare: bins of as many payments would mostly have none. A calibrated model lies on
    the diagonal."""
    labels, scores = _labelled(labels, scores)
    mean, share, low, high = calibration_bins(labels, scores, bins)
    axes = _axes(axes)
    axes.errorbar(mean, share, [share - low, high - share], marker="o", markersize=4, capsize=2, linestyle="-",
                  label=label or "model")
    least = max(min(float(mean.min()), float(high.min())), 1e-6) / 2
    if not any(line.get_gid() == "diagonal" for line in axes.lines):
        axes.plot([least, 1], [least, 1], color="grey", linestyle=":", linewidth=1, gid="diagonal", label="calibrated")
    axes.set(xlabel="mean score", ylabel="share of frauds", xscale="log", yscale="log", xlim=(least, 1.1),
             ylim=(least, 1.1))
    axes.legend()
    return axes


def calibration_bins(labels: np.ndarray, scores: np.ndarray, bins: int) -> tuple[np.ndarray, ...]:
    """Mean score, share of frauds, and its Wilson interval (E. B. Wilson, 1927), of each bin."""
    order = np.argsort(scores, kind="stable")
    expected = np.cumsum(scores[order])
    ends = np.searchsorted(expected, expected[-1] * np.arange(1, bins) / bins)
    parts = [part for part in np.split(order, ends) if len(part)]
    n = np.array([len(part) for part in parts], float)
    mean = np.array([scores[part].mean() for part in parts])
    share = np.array([labels[part].mean() for part in parts])
    z = 1.959964
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return mean, share, np.minimum(middle - half, share), np.maximum(middle + half, share)


def latency(measured: Any, axes: Any = None, *, label: str = "") -> Any:
    """Latencies: of measured calls, in seconds, the share that took longer than each time; of an engine or a slot (or what
    their snapshot() and describe() give) the quantiles that it has kept."""
    axes = _axes(axes)
    told = _told(measured)
    if told is None:
        times = np.sort(_numbers("measured", measured)) * 1e6
        if times[0] < 0:
            raise InvalidInput(f"measured: expected seconds from 0 on, got {times[0] / 1e6:g}")
        longer = 1 - np.arange(len(times)) / len(times)
        middle = " / ".join(f"{np.quantile(times, share):.1f}" for share in (0.5, 0.99))
        axes.step(times, longer, where="post", label=f"{label or 'calls'}, p50 / p99 {middle} us")
    else:
        times = np.array([told[f"latency_{name.replace('.', '')}_ns"] for name in _QUANTILES]) / 1000
        axes.plot(times, [1 - share for share in _QUANTILES.values()], marker="o",
                  label=f"{label or 'calls'}, p50 / p99 {times[0]:.1f} / {times[2]:.1f} us")
        for name, time in zip(_QUANTILES, times):
            axes.annotate(name, (time, 1 - _QUANTILES[name]), xytext=(4, 4), textcoords="offset points")
    axes.set(xlabel="latency in microseconds", ylabel="share of calls that take longer", xscale="log", yscale="log")
    axes.legend()
    return axes


def _told(measured: Any) -> Mapping[str, Any] | None:
    for name in ("describe", "snapshot"):
        if hasattr(measured, name) and not isinstance(measured, np.ndarray) and not hasattr(measured, "iloc"):
            measured = getattr(measured, name)()
    if not isinstance(measured, Mapping):
        return None
    if "latency_p50_ns" not in measured:
        raise InvalidArgument("measured: expected seconds, an engine, a slot or what they tell, got a dict of "
                              + ", ".join(map(str, measured)))
    return measured


def _axes(axes: Any) -> Any:
    if axes is not None:
        return axes
    try:
        pyplot: Any = importlib.import_module("matplotlib.pyplot")
    except ImportError:
        raise BackendUnavailable("plots: expected the package matplotlib, which is not installed") from None
    return pyplot.subplots(figsize=(6, 4), layout="constrained")[1]


def _numbers(name: str, values: Any) -> np.ndarray:
    found: np.ndarray = np.asarray(values, dtype=np.float64).reshape(-1)
    if not len(found):
        raise InvalidInput(f"{name}: expected numbers, got none")
    if not np.isfinite(found).all():
        raise InvalidInput(f"{name}: expected finite numbers, got {found[~np.isfinite(found)][0]} in row "
                           f"{int(np.flatnonzero(~np.isfinite(found))[0])} (leave out rows whose status is not 0)")
    return found


def _labelled(labels: Any, scores: Any) -> tuple[np.ndarray, np.ndarray]:
    labels, scores = _numbers("labels", labels), _numbers("scores", scores)
    if len(labels) != len(scores):
        raise InvalidInput(f"labels: expected {len(scores)}, one a score, got {len(labels)}")
    if not set(np.unique(labels).tolist()) == {0, 1}:
        raise InvalidInput(f"labels: expected 0 and 1, both of them, got {np.unique(labels)[:5].tolist()}")
    return labels, scores

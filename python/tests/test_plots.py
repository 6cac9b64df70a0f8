# SPDX-License-Identifier: Apache-2.0
"""weighbridge.plots: what is drawn are the published figures, on the axes that were given."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest

import weighbridge

matplotlib = pytest.importorskip("matplotlib", reason="expected matplotlib, which the plots are drawn with")
matplotlib.use("Agg")
import matplotlib.pyplot as pyplot  # noqa: E402

plots = weighbridge.plots


@pytest.fixture(autouse=True)
def closed():
    yield
    pyplot.close("all")


def scored(rows: int = 5000) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated scores, with ties."""
    rng = np.random.default_rng(3)
    scores = np.round(rng.beta(0.5, 8, rows), 3)
    return (rng.random(rows) < scores).astype(int), scores


def test_precision_recall_is_scikit_learns():
    metrics = pytest.importorskip("sklearn.metrics", reason="expected scikit-learn, to compare the curve with")
    labels, scores = scored()
    recall, precision = plots.pr_curve(labels, scores)
    expected = metrics.precision_recall_curve(labels, scores)
    np.testing.assert_allclose(np.interp(expected[1][:-1], recall, recall), expected[1][:-1])
    assert set(np.round(precision[1:], 12)) == set(np.round(expected[0][:-1], 12))
    axes = plots.precision_recall(labels, scores)
    assert f"AP {metrics.average_precision_score(labels, scores):.3f}" in axes.get_legend().texts[0].get_text()


def test_two_models_go_on_one_pair_of_axes():
    labels, scores = scored()
    axes, other = pyplot.subplots(1, 2)[1]
    for name in ("champion", "challenger"):
        assert plots.precision_recall(labels, scores, axes, label=name) is axes
        assert plots.calibration(labels, scores, other, label=name) is other
    texts = [text.get_text() for one in (axes, other) for text in one.get_legend().texts]
    assert sum("chance" in text for text in texts) == 1 and sum("calibrated" in text for text in texts) == 1
    assert len(pyplot.get_fignums()) == 1


def test_a_histogram_counts_every_score():
    labels, scores = scored()
    axes = plots.score_histogram(scores, bands={"approve": 0.2, "decline": 1})
    assert sum(patch.get_height() for patch in axes.patches) == 5000 and len(axes.patches) == 50
    assert [text.get_text() for text in axes.texts] == ["approve", "decline"]
    legend = plots.score_histogram(scores, labels).get_legend()
    assert {text.get_text() for text in legend.texts} == {"honest", "fraud"}


def test_calibration_bins_have_as_many_expected_frauds_and_cover_the_truth():
    labels, scores = scored(50_000)
    mean, share, low, high = plots.calibration_bins(labels, scores, 10)
    assert len(mean) == 10 and (np.diff(mean) > 0).all()
    assert ((low <= mean) & (mean <= high)).sum() >= 8  # 95 % intervals of calibrated scores
    assert (share > 0).all() and mean[0] < scores.mean() < mean[-1]
    few = plots.calibration_bins(np.array([0.0, 1.0]), np.zeros(2), 10)  # scores without a sum
    assert len(few[0]) == 1 and np.isfinite(few).all()
    p, n, z = 0.1, 100, 1.959964  # Wilson, by hand
    found = plots.calibration_bins(np.r_[np.ones(10), np.zeros(90)], np.full(100, 0.1), 1)
    root = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert found[2][0] == pytest.approx((p + z * z / (2 * n) - root) / (1 + z * z / n), abs=1e-12)


def test_latencies_of_calls_and_of_an_engine(small, engine):
    axes = plots.latency([1e-6] * 99 + [1e-3])
    assert "p50 / p99 1.0" in axes.get_legend().texts[0].get_text()
    assert axes.get_xlabel() == "latency in microseconds"
    small.score({"amount_minor": 1250, "country": "FR", "online": True})
    for told in (engine, engine.snapshot()):
        line = plots.latency(told).lines[0]
        assert line.get_xdata()[0] == pytest.approx(engine.snapshot()["latency_p50_ns"] / 1000)


@pytest.mark.parametrize("call, words", [
    (lambda: plots.precision_recall([0, 1], [0.1]), "labels: expected 1, one a score, got 2"),
    (lambda: plots.calibration([0, 2], [0.1, 0.2]), "labels: expected 0 and 1"),
    (lambda: plots.precision_recall([0, 0], [0.1, 0.2]), "labels: expected 0 and 1, both of them"),
    (lambda: plots.score_histogram([0.5, float("nan")]), "scores: expected finite numbers, got nan in row 1"),
    (lambda: plots.latency([]), "measured: expected numbers, got none"),
    (lambda: plots.latency([-1.0]), "measured: expected seconds from 0 on"),
])
def test_what_cannot_be_drawn_is_named(call, words):
    with pytest.raises(weighbridge.InvalidInput, match=words):
        call()


def test_a_dict_of_something_else_is_named():
    with pytest.raises(weighbridge.InvalidArgument, match="measured: .* got a dict of p50"):
        plots.latency({"p50": 1})


def test_matplotlib_is_imported_when_something_is_drawn():
    program = "import sys, weighbridge; weighbridge.plots.pr_curve; print('matplotlib' in sys.modules)"
    path = str(pathlib.Path(weighbridge.__file__).parents[1])
    done = subprocess.run([sys.executable, "-c", f"import sys; sys.path.insert(0, {path!r}); {program}"],
                          capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"

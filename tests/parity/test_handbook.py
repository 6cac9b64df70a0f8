# SPDX-License-Identifier: Apache-2.0
"""On the simulated payments of the Fraud-Detection-Handbook, scores through the library rank frauds as PyTorch's do,
and about as well as gradient-boosted trees on the same features."""

import json
import time

import numpy as np
import pytest

torch = pytest.importorskip("torch")
parquet = pytest.importorskip("pyarrow.parquet")
ensemble = pytest.importorskip("sklearn.ensemble")
metrics = pytest.importorskip("sklearn.metrics")

import library  # noqa: E402, before the modules of examples/train, which it makes importable

import fitting  # noqa: E402
import manifests  # noqa: E402
from aggregates import Windows  # noqa: E402
from models import PaymentMlp  # noqa: E402
from simulation import DAY  # noqa: E402
from train import pack  # noqa: E402

DATA = library.ROOT.parent / "shared" / "data" / "simulated_payments_60d.parquet"
if not DATA.exists():
    pytest.skip("no shared data", allow_module_level=True)
library.require(library.COMMAND)

DELAY = 7 * DAY  # until a fraud is known
TRAINING_DAYS = 40
HONEST_ROWS = 120_000  # of the training days, drawn once, for both models
BATCH = 4096
SEED = 1


def features(table: dict) -> dict:
    """The handbook's: amount, weekend, night, the customer's habits and the terminal's known frauds."""
    seconds, minor = table["TX_TIME_SECONDS"], np.rint(table["TX_AMOUNT"] * 100).astype(np.int64)
    weekday = (seconds // DAY + 6) % 7  # the first day, 2018-04-01, was a Sunday
    columns = {"amount_minor": minor, "weekend": weekday >= 5, "night": seconds % DAY // 3600 <= 6}
    customer = Windows(table["CUSTOMER_ID"], seconds, 31 * DAY)
    terminal = Windows(table["TERMINAL_ID"], seconds, 31 * DAY + DELAY)
    for days in (1, 7, 30):
        own = customer.bounds(days * DAY, include=True)
        columns[f"customer_count_{days}d"] = customer.count(own)
        columns[f"customer_mean_minor_{days}d"] = customer.sum(own, minor) // customer.count(own)
        known = terminal.bounds(days * DAY, DELAY)
        count = terminal.count(known)
        columns[f"terminal_count_{days}d"] = count
        columns[f"terminal_risk_{days}d"] = terminal.sum(known, table["TX_FRAUD"]) / np.maximum(count, 1)
    return columns


def manifest_of(columns: dict) -> dict:
    """card-mlp's manifest with the handbook's features."""
    manifest = manifests.mlp_manifest()
    kinds = {"minor": manifests.amount, "count": manifests.count, "risk": manifests.risk}
    numbers = [next(make for part, make in kinds.items() if part in name)(name) for name in columns
               if columns[name].dtype != bool]  # fmt: skip
    codes = [{"name": name, "type": "bool"} for name in columns if columns[name].dtype == bool]
    manifest["identity"] = {"name": "handbook-mlp", "version": "1"}
    manifest["features"] = json.loads(json.dumps(numbers + codes))
    manifest["tensors"] = [manifests.tensor("numbers", "float32", numbers), manifests.tensor("codes", "int64", codes)]
    return manifest


def take(columns: dict, rows) -> dict:
    return {name: column[rows] for name, column in columns.items()}


class Handbook:
    """The payments, split, and the MLP trained on the first days and packed."""

    def __init__(self, directory):
        table = {name: column.to_numpy() for name, column in zip(*read(DATA))}
        columns, labels = features(table), table["TX_FRAUD"]
        past = table["TX_TIME_DAYS"] < TRAINING_DAYS
        honest = np.flatnonzero(past & (labels == 0))
        drawn = np.random.default_rng(SEED).choice(honest, HONEST_ROWS, replace=False)
        train = np.sort(np.concatenate([np.flatnonzero(past & (labels == 1)), drawn]))
        self.train, self.train_labels = take(columns, train), labels[train]
        self.test, self.labels = take(columns, ~past), labels[~past]

        draft = directory / "draft"
        draft.mkdir()
        manifest = manifest_of(columns)
        manifests.fill_standardise(manifest, self.train, draft)
        encoders = library.Encoders(manifest, draft)
        fitting.start(SEED)
        tensors = [torch.from_numpy(array) for array in encoders.encode(self.train)]
        model = PaymentMlp(tensors[0].size(1), encoders.sizes("codes"))
        fitting.fit(model, model, tensors, self.train_labels, seed=SEED, epochs=5, negatives=40, rate=3e-3)
        fitting.save(torch.jit.script(model), draft / "model.ts")
        (draft / "manifest.json").write_text(json.dumps(manifest))
        self.bundle = directory / "handbook-mlp"
        pack(draft, self.bundle, str(library.COMMAND), "--torch-plugin", library.torch_plugin())

    def matrix(self, columns: dict) -> np.ndarray:
        return np.stack([column.astype(np.float64) for column in columns.values()], 1)


def read(path):
    table = parquet.read_table(path)
    return table.column_names, table.columns


@pytest.fixture(scope="module")
def handbook(tmp_path_factory):
    return Handbook(tmp_path_factory.mktemp("handbook"))


def library_scores(handbook) -> np.ndarray:
    weighbridge = library.python_module()
    engine = weighbridge.Engine(contexts=1, torch_plugin=library.torch_plugin())
    model = engine.load(handbook.bundle, engines="torchscript")
    found = library.score_columns(model, handbook.test)
    assert np.all(found["status"] == 0)
    return found["score"]


def test_average_precision(handbook, capsys):
    began = time.monotonic()
    expected, _ = library.libtorch_scores(handbook.bundle, handbook.test, batch=BATCH)
    pytorch = metrics.average_precision_score(handbook.labels, expected["score"])
    scores = library_scores(handbook)
    assert np.max(np.abs(scores - expected["score"])) <= 1e-6
    ours = metrics.average_precision_score(handbook.labels, scores)
    trees = ensemble.HistGradientBoostingClassifier(learning_rate=0.05, max_iter=200, random_state=SEED)
    trees.fit(handbook.matrix(handbook.train), handbook.train_labels)
    rival = metrics.average_precision_score(
        handbook.labels, trees.predict_proba(handbook.matrix(handbook.test))[:, 1])
    with capsys.disabled():
        print(f"\naverage precision on {len(handbook.labels)} payments of the last 20 days: library {ours:.4f}, "
              f"PyTorch {pytorch:.4f}, gradient-boosted trees {rival:.4f} ({time.monotonic() - began:.0f} s)")
    assert abs(ours - pytorch) <= 1e-4
    assert ours >= 0.9 * rival

# SPDX-License-Identifier: Apache-2.0
"""Both example bundles score 10,000 payments as LibTorch in Python does, through every way into the library: from their
plans, and from their modules through the torchscript engine."""

import pathlib

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import library  # noqa: E402

from payments import make_payments, write_csv, write_ndjson  # noqa: E402

library.require(library.COMMAND, library.SCORE_C, library.SCORE_CPP)

ROWS = 10_000
LARGEST_DIFFERENCE = 1e-6
NAMES = ("card-mlp", "card-transformer")


class Case:
    """A bundle, payments that it was not trained on, and what LibTorch makes of them."""

    def __init__(self, name: str, directory: pathlib.Path):
        self.name, self.bundle = name, library.BUNDLES / name
        self.payments = make_payments(ROWS, seed=20260601, start="2026-06-01")
        self.columns = self.payments.columns
        torch.set_num_threads(1)
        self.expected, self.tensors = library.libtorch_scores(self.bundle, self.columns)
        self.manifest = library.Encoders.of_bundle(self.bundle).manifest
        self.bands = [band["name"] for band in self.manifest["outputs"][0]["bands"]]
        self.rows = library.rows_of(self.manifest, self.columns)
        self.file = library.write_rows(self.rows, directory / "rows.ndjson")

    def check(self, found: dict, rows: int = ROWS) -> None:
        for column in ("score", "probability"):
            difference = np.abs(found[column] - self.expected[column][:rows])
            assert difference.shape == (rows,)
            assert np.max(difference) <= LARGEST_DIFFERENCE, f"{column}: row {int(np.argmax(difference))}"
        edges = [band["below"] for band in self.manifest["outputs"][0]["bands"][:-1]]
        probability = self.expected["probability"][:rows]
        clear = np.min(np.abs(probability[:, None] - edges), 1) > LARGEST_DIFFERENCE
        assert np.array_equal(np.asarray(found["band"])[clear], self.expected["band"][:rows][clear])


@pytest.fixture(scope="module", params=NAMES)
def case(request, tmp_path_factory):
    return Case(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def engine():
    return library.python_module().Engine(contexts=1, torch_plugin=library.torch_plugin())


@pytest.fixture(scope="module", params=("native", "torchscript"))
def engines(request):
    return request.param


@pytest.fixture(scope="module")
def model(case, engine, engines):
    return engine.load(case.bundle, engines=engines)


def test_the_payments_say_something(case):
    """Every band, cards without a past and missing values are there, or the other tests show little."""
    assert set(case.expected["band"]) == set(range(len(case.bands)))
    assert any(len(row) < len(case.manifest["features"]) for row in case.rows)
    if case.name == "card-transformer":
        lengths = case.columns["past_paid_at"].lengths()
        assert lengths.min() == 0 and lengths.max() == case.manifest["limits"]["length"]


def test_c(case, engines):
    case.check(library.run_driver(library.SCORE_C, case.bundle, case.file, engines))


def test_cpp_in_batches(case, engines):
    case.check(library.run_driver(library.SCORE_CPP, case.bundle, case.file, engines))


@pytest.mark.parametrize("batch", [None, 64])
def test_command_ndjson(case, batch, engines):
    options = ["--batch", str(batch)] if batch else []
    found = library.run_command(case.bundle, case.file, *options, engines=engines)
    found["band"] = [case.bands.index(name) for name in found["band"]]
    case.check(found)


def test_command_on_the_files_of_the_quickstart(case, engines):
    suffix, write = {"card-mlp": (".csv", write_csv), "card-transformer": (".ndjson", write_ndjson)}[case.name]
    file = case.file.with_name("payments" + suffix)
    write(case.payments, str(file))
    found = library.run_command(case.bundle, file, "--id", "payment_id", "--label", "is_fraud", engines=engines)
    found["band"] = [case.bands.index(name) for name in found["band"]]
    case.check(found)


def test_python_columns(case, model):
    found = library.score_columns(model, case.columns, model.outputs)
    assert np.all(found["status"] == 0)
    case.check(found)
    for i, name in enumerate(model.outputs[1:], 1):
        assert found[name].shape == case.expected["outputs"][i].shape
        assert np.max(np.abs(found[name] - case.expected["outputs"][i])) <= 10 * LARGEST_DIFFERENCE


def test_python_rows(case, model):
    rows = 500
    found = [model.score_row(row) for row in case.rows[:rows]]
    case.check({key: np.array([getattr(one, key) for one in found]) for key in ("score", "probability", "band")}, rows)


def test_encode_is_what_training_saw(case, model):
    """wb_batch_encode and encoders.py: integers are equal, float32 differ by at most one place."""
    found = model.encode(case.rows)
    for tensor, ours, theirs in zip(case.manifest["tensors"], found, case.tensors):
        assert ours.dtype == theirs.dtype and ours.shape == theirs.shape, tensor["name"]
        if ours.dtype.kind == "f":
            np.testing.assert_array_max_ulp(ours, theirs, maxulp=1)
        else:
            assert np.array_equal(ours, theirs), tensor["name"]


def test_wordpiece_of_training_is_the_packages():
    tokenizers = pytest.importorskip("tokenizers")
    encoders = library.Encoders.of_bundle(library.BUNDLES / "card-transformer")
    step = encoders.features["descriptor"]["encoding"][0]
    package = tokenizers.BertWordPieceTokenizer(str(encoders.directory / step["file"]), lowercase=True)
    package.enable_truncation(step["max_tokens"])
    texts = make_payments(ROWS, seed=5).columns["descriptor"].tolist()
    ours = encoders.encode_feature("descriptor", texts)
    assert [ours[i].tolist() for i in range(len(texts))] == [found.ids for found in package.encode_batch(texts)]


def test_other_batches_and_padding_change_nothing(case):
    """The rows alone, at their own length, against the rows padded in a batch of 500, in LibTorch itself."""
    module = torch.jit.load(str(case.bundle / "model.ts"))
    rows = np.linspace(0, ROWS - 1, 200).astype(int)
    symbolic = [i for i, t in enumerate(case.manifest["tensors"]) if "length" in t["shape"]]
    for row in rows:
        tensors = [torch.from_numpy(array[row : row + 1]) for array in case.tensors]
        for i in symbolic:
            tensors[i] = tensors[i][:, : case.columns["past_paid_at"].lengths()[row]]
        with torch.no_grad():
            found = module(*tensors)
        found = (found[0] if isinstance(found, tuple) else found).sigmoid().item()
        assert abs(found - case.expected["score"][row]) <= LARGEST_DIFFERENCE


def test_bundles_are_small():
    for name in NAMES:
        size = sum(file.stat().st_size for file in (library.BUNDLES / name).iterdir())
        assert size < 2_000_000, f"{name}: {size} bytes"
        assert b".debug_pkl" not in (library.BUNDLES / name / "model.ts").read_bytes(), "paths of a machine"

# SPDX-License-Identifier: Apache-2.0
"""weighbridge.check: before training, what does not lower, and what serving will be like."""

import json
import pathlib
import tempfile

import numpy as np
import pytest

import weighbridge
from conftest import BUILD

torch = pytest.importorskip("torch", reason="expected torch, which modules need")

from models import Branching, Mlp, payments  # noqa: E402

OPTIONS = {"label": "is_fraud", "ignore": ["payment_id"], "categories": ["mcc"]}
PATIENT = 120.0  # on a busy machine; what it says does not depend on it


@pytest.fixture(autouse=True)
def command(monkeypatch):
    monkeypatch.setenv("WEIGHBRIDGE_COMMAND", str(BUILD / "bin" / "weighbridge"))


class Wide(torch.nn.Module):
    """Large enough for int8."""

    def __init__(self, width: int):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(width, 256), torch.nn.ReLU(), torch.nn.Linear(256, 256),
                                          torch.nn.ReLU(), torch.nn.Linear(256, 1))

    def forward(self, x):
        return self.layers(x).squeeze(1)


class OverEvents(torch.nn.Module):
    """Takes a card's past payments, masked."""

    def __init__(self):
        super().__init__()
        self.last = torch.nn.Linear(3, 1)

    def forward(self, now, past, mask):
        real = mask.unsqueeze(2).to(now.dtype)
        return self.last((past * real).sum(1) + now).squeeze(1), now


class Unscriptable(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.last = torch.nn.Linear(4, 1)

    def forward(self, *tensors):
        return self.last(tensors[0]).squeeze(1)


def test_what_does_not_lower_is_told_with_its_line_and_what_to_write():
    found = weighbridge.check(Branching(5), payments(), timeout=PATIENT, **OPTIONS)
    assert not found and len(found.refused) == 1
    one = found.refused[0]
    assert one.operator == "aten::sum" and one.file == "models.py"
    assert one.source == "if bool(numbers.sum() > 0):"
    assert "mixes rows" in one.reason and one.instead == "let each row depend on itself alone"
    assert "models.py" in repr(found) and "instead: let each row" in repr(found) and found.microseconds == {}


def test_what_lowers_is_measured(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    torch.manual_seed(1)
    found = weighbridge.check(Wide(20), [np.random.default_rng(1).normal(size=(64, 20)).astype(np.float32)], timeout=PATIENT)
    assert found and found.refused == [] and found.operators["linear"] == 3
    assert set(found.microseconds) == set(found.rows_per_second) == set(found.loss) == {"fp32", "int8"}
    assert all(0 < value < 1e5 for value in found.microseconds.values())
    assert found.loss["fp32"]["largest"] < 1e-5 < found.loss["int8"]["largest"] < 0.1
    assert found.loss["int8"]["mean"] <= found.loss["int8"]["largest"]
    assert "us a row" in repr(found) and "fp32" in found._repr_html_()
    assert list(tmp_path.iterdir()) == []  # nothing is left


def test_it_answers_in_ten_seconds_and_says_how_long_it_took():
    """The bound is the default timeout, tripled for a busy machine."""
    draft = weighbridge.bundle.draft(payments(), name="card", version="1", **OPTIONS)
    before = json.dumps(draft.manifest)
    found = weighbridge.check(Mlp(5, draft.sizes("codes")), draft, timeout=30)
    assert found and 0 < found.seconds < 30
    assert json.dumps(draft.manifest) == before  # the caller's draft is as it was
    assert any("int8 changes nothing" in note for note in found.notes)


def test_arrays_of_every_rank_and_a_mask():
    rng = np.random.default_rng(2)
    example = [torch.rand(8, 3), rng.normal(size=(8, 5, 3)).astype(np.float32), np.ones((8, 5), bool)]
    found = weighbridge.check(OverEvents(), example, timeout=PATIENT)
    assert found, repr(found)

    class Keys(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.table = torch.nn.Embedding(10, 1)

        def forward(self, key):
            return self.table(key).squeeze(1)

    traced = torch.jit.trace(Keys(), torch.tensor([1, 9]))
    assert weighbridge.check(traced, [np.array([1, 9, 3])], timeout=PATIENT)


def test_a_module_that_cannot_be_scripted_is_traced_and_said_so():
    module = Unscriptable()
    found = weighbridge.check(module, [np.ones((4, 4), np.float32)], timeout=PATIENT)
    assert found and "torch.jit.trace" in found.notes[0]
    assert module.training


def test_a_file_of_torchscript_is_checked(tmp_path):
    torch.jit.script(Branching(5)).save(str(tmp_path / "model.ts"))
    found = weighbridge.check(tmp_path / "model.ts", payments(), timeout=PATIENT, **OPTIONS)
    assert found.refused[0].operator == "aten::sum" and found.refused[0].source == ""


def test_a_timeout_is_kept():
    with pytest.raises(weighbridge.DeadlineExceeded, match="expected an answer within"):
        weighbridge.check(Wide(4), [np.ones((4, 4), np.float32)], timeout=1e-3)


@pytest.mark.parametrize("example, options, words", [
    ([], {}, "example: expected an array of numbers for each argument"),
    ([np.ones((2, 4), np.float32)], {"label": "x"}, "label: expected only with a DataFrame"),
    ([np.ones((2, 4), np.float32), np.ones((3, 1), np.float32)], {}, "example: expected 2 rows in array 1"),
    ([np.array(["a"])], {}, "example: expected arrays of numbers or bools"),
    ([np.ones((2, 4), bool)], {}, "example: expected an array of bools that masks"),
    ([np.ones((2, 4), np.float32)] * 2, {}, r"expected forward\(x0, x1\)"),
    ([np.ones((2, 5), np.float32)], {}, "forward raised RuntimeError on float32"),
    ({"a": 1}, {}, "example: expected a DataFrame, got dict"),
])
def test_an_example_that_does_not_fit_is_named(example, options, words):
    with pytest.raises(weighbridge.Error, match=words):
        weighbridge.check(Wide(4), example, timeout=PATIENT, **options)


def test_what_is_no_module_is_named():
    with pytest.raises(weighbridge.InvalidInput, match="module: expected a torch.nn.Module or a path, got int"):
        weighbridge.check(3, [np.ones((2, 4), np.float32)])
    with pytest.raises(weighbridge.InvalidInput, match="module: expected a TorchScript file at"):
        weighbridge.check(pathlib.Path("nowhere.ts"), [np.ones((2, 4), np.float32)])

# SPDX-License-Identifier: Apache-2.0
"""weighbridge.bundle: a manifest guessed from a DataFrame, packed with a module, and served with the same scores."""

import datetime
import decimal
import json

import numpy as np
import pandas
import polars
import pytest

import weighbridge
from conftest import BUILD

torch = pytest.importorskip("torch", reason="expected torch, which modules need")

from models import Mlp, payments  # noqa: E402

bundle = weighbridge.bundle


@pytest.fixture(autouse=True)
def command(monkeypatch):
    monkeypatch.setenv("WEIGHBRIDGE_COMMAND", str(BUILD / "bin" / "weighbridge"))


def make(frame=None, **more):
    options = {"name": "card", "version": "1", "label": "is_fraud", "ignore": ["payment_id"], "categories": ["mcc"],
               "money": {"amount_minor": "EUR"}, "private": {"amount_minor": "payment"}} | more
    return bundle.draft(payments() if frame is None else frame, **options)


def module_of(draft):
    torch.manual_seed(3)
    return Mlp(draft.manifest["tensors"][0]["shape"][1], draft.sizes("codes"))


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """A draft, its module and the bundle that they make, with payments as golden vectors."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEIGHBRIDGE_COMMAND", str(BUILD / "bin" / "weighbridge"))
        draft = make(bands={"approve": 0.5, "decline": 1})
        module = module_of(draft)
        path = tmp_path_factory.mktemp("packed") / "bundle"
        report = draft.pack(module, path, golden=payments(12, seed=5))
    return draft, module, path, report


def test_types_ranges_money_keys_and_missing_values_are_guessed():
    draft = make()
    amount = draft.feature("amount_minor")
    assert amount["type"] == "int64" and amount["money"] == {"currency": "EUR", "exponent": 2}
    assert amount["range"] == [0, 1_000_000] and amount["privacy"] == "payment" and "missing" not in amount
    assert [step["op"] for step in amount["encoding"]] == ["log1p", "standardise"]
    ratio = draft.feature("ratio")
    assert ratio["type"] == "float32" and ratio["nan"] == "missing" and ratio["range"][0] == -ratio["range"][1]
    assert draft.feature("gap_s")["missing"]["default"] == int(payments()["gap_s"].median())
    assert draft.feature("paid_at") == {"name": "paid_at", "type": "timestamp", "unit": "ms", "zone": "UTC",
                                        "encoding": [{"op": "cyclic", "period": "day"}]}
    assert draft.feature("online") == {"name": "online", "type": "bool"}
    assert draft.feature("country")["encoding"][0]["values"] == ["FR", "DE", "IT", "missing"]
    assert draft.feature("country")["missing"] == {"default": "missing"}
    assert draft.feature("mcc")["keys"] == "int64" and set(draft.feature("mcc")["encoding"][0]["values"]) == {5411, 5812, 5732}
    assert [tensor["name"] for tensor in draft.manifest["tensors"]] == ["numbers", "codes"]
    assert draft.manifest["fallback"]["score"] == pytest.approx(payments()["is_fraud"].mean(), abs=1e-3)


def test_numbers_are_standardised_by_the_librarys_own_encoding():
    draft = make()
    numbers = draft.encode(payments())[0]
    assert numbers.shape == (400, 5)  # the time of day is two
    for column in (0, 1, 2):
        assert abs(numbers[:, column].mean()) < 1e-3 and numbers[:, column].std() == pytest.approx(1, abs=1e-3)


def test_many_keys_are_hashed_and_sequences_have_a_mask():
    rows = 300
    frame = pandas.DataFrame({"merchant": [f"m{i}" for i in range(rows)],
                              "past_amount": [list(range(i % 5)) for i in range(rows)],
                              "past_country": [["FR"] * (i % 5) for i in range(rows)]})
    draft = bundle.draft(frame, name="seq", version="1", fallback=0.1, money={"past_amount": "JPY"})
    assert draft.feature("merchant")["encoding"] == [{"op": "hash", "buckets": 1024, "seed": 0}]
    assert draft.feature("past_amount")["money"] == {"currency": "JPY", "exponent": 0}
    assert draft.manifest["limits"] == {"length": 4}
    assert [tensor["name"] for tensor in draft.manifest["tensors"]] == ["codes", "past_numbers", "past_codes", "past_mask"]
    encoded = draft.encode(frame)
    assert [tensor.shape for tensor in encoded] == [(rows, 1), (rows, 4, 1), (rows, 4, 1), (rows, 4)]
    assert encoded[3].sum() == sum(i % 5 for i in range(rows))


def test_the_users_corrections_hold():
    draft = make()
    draft.feature("amount_minor")["range"] = [0, 50]
    with pytest.raises(weighbridge.InvalidInput, match="amount_minor"):
        draft.encode(payments())
    draft.feature("amount_minor")["range"] = [9, 5]
    with pytest.raises(weighbridge.InvalidBundle, match="range"):
        draft.schema()


def test_a_vocabulary_can_be_a_file():
    draft = make()
    draft.feature("country")["encoding"] = [{"op": "vocabulary", "file": "countries.txt", "unknown": "zero"}]
    draft.files["countries.txt"] = "FR\nDE\nmissing\n"
    assert draft.sizes("codes")[1] == 4
    codes = draft.encode(payments())[1][:, 1]
    assert set(codes[payments()["country"] == "IT"]) == {0}


def test_a_packed_bundle_scores_as_the_module_does(packed, engine):
    draft, module, path, report = packed
    assert report["precisions"][0]["accepted"]
    model = engine.load(path)
    frame = payments(50, seed=9)
    features = frame.drop(columns=["payment_id", "is_fraud"])
    with torch.no_grad():
        expected = torch.sigmoid(module(*map(torch.from_numpy, draft.encode(frame)))).numpy()
    scores = model.score(features).raise_first()
    np.testing.assert_allclose(scores["probability"], expected, atol=1e-6)
    assert model.schema.bands == ["approve", "decline"]
    assert model.describe()["backend"] == "native"
    assert module.training  # as it was


def test_golden_vectors_are_the_payments_that_were_given(packed):
    vectors = [json.loads(line) for line in (packed[2] / "golden.jsonl").read_text().splitlines()]
    given = payments(12, seed=5)
    assert [vector["row"]["amount_minor"] for vector in vectors] == given["amount_minor"].tolist()
    assert vectors[0]["row"]["gap_s"] is None and vectors[0]["row"]["country"] is None  # missing ones
    assert 0 < vectors[0]["outputs"]["score"][0] < 1


def test_the_baseline_is_in_the_bundle_without_private_values(packed):
    baseline = json.loads((packed[2] / "baseline.json").read_text())
    assert baseline["rows"] == 400
    told = baseline["features"]
    assert told["amount_minor"] == {"missing": 0.0}  # has a privacy class
    assert len(told["gap_s"]["quantiles"]) == 20 and told["gap_s"]["quantiles"][-1] == float(payments()["gap_s"].max())
    assert told["country"]["missing"] == pytest.approx(payments()["country"].isna().mean(), abs=1e-6)
    assert sum(told["country"]["shares"].values()) == pytest.approx(1, abs=1e-5)


def test_golden_vectors_are_made_up_by_default(engine, tmp_path):
    draft = make()
    draft.pack(module_of(draft), tmp_path / "bundle", compile="")
    assert len((tmp_path / "bundle" / "golden.jsonl").read_text().splitlines()) == 64
    assert not (tmp_path / "bundle" / "model.plan").exists()
    assert [item.name for item in tmp_path.iterdir()] == ["bundle"]  # nothing is left of the making


def test_a_file_of_torchscript_is_packed(engine, tmp_path):
    draft = make()
    torch.jit.script(module_of(draft)).save(str(tmp_path / "model.ts"))
    draft.pack(tmp_path / "model.ts", tmp_path / "bundle", golden=payments(3))
    assert (tmp_path / "bundle" / "model.ts").read_bytes() == (tmp_path / "model.ts").read_bytes()
    assert engine.load(tmp_path / "bundle").describe()["name"] == "card"


def test_a_module_of_sequences_is_packed_with_zones_and_texts_of_time(engine, tmp_path):
    """A time with a zone, lists of times, and a module that gives a dict."""
    class Past(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.last = torch.nn.Linear(2, 1)

        def forward(self, numbers, past_numbers, past_mask) -> dict[str, torch.Tensor]:
            real = past_mask.unsqueeze(2).to(numbers.dtype)
            return {"fraud": self.last(numbers + (past_numbers * real).sum(1)).squeeze(1), "day": numbers}

    begin = pandas.Timestamp("2026-03-01", tz="Europe/Paris")
    frame = pandas.DataFrame({"paid_at": [begin + pandas.Timedelta(hours=7 * i) for i in range(40)],
                              "past_at": [[begin - pandas.Timedelta(hours=k) for k in range(i % 4)] for i in range(40)]})
    draft = bundle.draft(frame, name="past", version="1", fallback=0.1)
    assert draft.feature("paid_at")["zone"] == "Europe/Paris" and draft.feature("past_at")["of"] == "timestamp"
    module = Past()
    draft.use(module, outputs=["fraud", "day"])
    assert [output["source"] for output in draft.manifest["outputs"]] == ["fraud", "day"]
    draft.pack(module, tmp_path / "bundle", golden=frame.iloc[:5])
    with torch.no_grad():
        expected = torch.sigmoid(module(*map(torch.from_numpy, draft.encode(frame)))["fraud"]).numpy()
    found = engine.load(tmp_path / "bundle").score(frame).raise_first()
    np.testing.assert_allclose(found["probability"], expected, atol=1e-6)


def test_a_failed_packing_leaves_nothing(tmp_path):
    draft = make()
    module = module_of(draft)
    draft.use(module)
    draft.manifest["tolerances"] = {"fp32": {"absolute": -1}}
    with pytest.raises(weighbridge.InvalidBundle, match="pack: .*tolerance"):
        draft.pack(module, tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == []


def test_polars_makes_the_same_manifest():
    frame = payments()
    assert make(polars.from_pandas(frame)).manifest == make(frame).manifest


@pytest.mark.parametrize("column, values, words", [
    ("Amount", [1, 2], "column 'Amount': expected a name of lower-case .*'amount'"),
    ("empty", [None, None], "column 'empty': expected values to guess a type from"),
    ("wide", [2**60, 1], r"column 'wide': expected integers of at most 2\^53"),
    ("endless", [np.inf, 1.0], "column 'endless': expected finite numbers, got an infinite one in row 0"),
    ("mixed", ["a", 1], "column 'mixed': expected texts, .*int, str"),
    ("flags", [True, None], r"column 'flags': expected bools, .*astype\('boolean'\)"),
    ("price", [decimal.Decimal("1.5"), None], "column 'price': expected numbers, got Decimal: write minor"),
    ("day", [datetime.date(2026, 1, 1)] * 2, "column 'day': expected datetime64, .*to_datetime"),
    ("blank", ["", "x"], "column 'blank': expected texts with characters"),
    ("span", pandas.to_timedelta([1, 2], unit="s"), "column 'span': expected numbers, bools"),
    ("lists", [[1, None], [2]], "column 'lists': expected lists without missing values"),
])
def test_a_column_that_is_no_feature_is_named(column, values, words):
    with pytest.raises(weighbridge.InvalidArgument, match=words):
        bundle.draft(pandas.DataFrame({column: values}), name="x", version="1", fallback=0.5)


@pytest.mark.parametrize("options, words", [
    ({"money": {"amount": "EUR"}}, "money: expected a column of the frame, got 'amount'"),
    ({"money": {"ratio": "EUR"}}, "column 'ratio': expected integers of minor units"),
    ({"label": "amount_minor", "money": {}, "private": {}}, "column 'amount_minor': expected 0 and 1"),
    ({"label": None, "ignore": ["payment_id", "is_fraud"]}, "fallback: expected the probability"),
    ({"tensors": {"numbers": ["ratio"]}}, "tensors: expected every feature in one"),
])
def test_an_argument_that_does_not_fit_is_named(options, words):
    with pytest.raises(weighbridge.InvalidArgument, match=words):
        make(**options)


def test_a_module_that_does_not_fit_says_what_forward_should_be():
    draft = make()
    with pytest.raises(weighbridge.InvalidArgument, match=r"expected forward\(numbers, codes\).*got forward\(input\)"):
        draft.use(torch.nn.Linear(5, 1))
    with pytest.raises(weighbridge.InvalidInput, match="forward raised .* on float32"):
        draft.use(Mlp(3, draft.sizes("codes")))
    with pytest.raises(weighbridge.InvalidArgument, match="outputs: expected 1 names"):
        draft.use(module_of(draft), outputs=["score", "embedding"])


def test_a_missing_command_says_how_to_name_it(monkeypatch, tmp_path):
    monkeypatch.delenv("WEIGHBRIDGE_COMMAND")
    monkeypatch.setenv("PATH", str(tmp_path))
    draft = make()
    with pytest.raises(weighbridge.BackendUnavailable, match="WEIGHBRIDGE_COMMAND"):
        draft.pack(module_of(draft), tmp_path / "bundle")


def test_a_bundle_is_never_overwritten(packed):
    draft, module, path, _ = packed
    with pytest.raises(weighbridge.InvalidArgument, match="out: expected no such directory"):
        draft.pack(module, path)

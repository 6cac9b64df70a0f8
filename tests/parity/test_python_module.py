# SPDX-License-Identifier: Apache-2.0
"""The Python module takes what numpy users hand it, and says what is wrong with the rest."""

import concurrent.futures
import datetime
import decimal
import subprocess

import numpy as np
import pytest

pytest.importorskip("torch")

import library  # noqa: E402
from payments import make_payments  # noqa: E402

weighbridge = library.python_module()
ROWS = 64


@pytest.fixture(scope="module")
def engine():
    return weighbridge.Engine(contexts=2, torch_plugin=library.torch_plugin())


@pytest.fixture(scope="module")
def mlp(engine):
    return weighbridge.Model.load(library.BUNDLES / "card-mlp", engine, "native")


@pytest.fixture(scope="module")
def transformer(engine):
    return weighbridge.Model.load(library.BUNDLES / "card-transformer", engine, "native")


def test_missing_functions_end_the_import():
    """Bound when it is loaded, so that no call ends the process for a function that an older library lacks."""
    said = subprocess.run(["readelf", "-d", weighbridge._native.__file__], capture_output=True, text=True, check=True)
    assert "BIND_NOW" in said.stdout


def test_options_by_name():
    weighbridge.Engine(default_deadline_us=20000, allow_amx=False)
    with pytest.raises(weighbridge.Error, match="near: 'default_deadline_us'"):
        weighbridge.Engine(default_deadline=20000)
    with pytest.raises(weighbridge.Error, match="queue_limit: expected a whole number"):
        weighbridge.Engine(queue_limit=-1)


def columns_of(model) -> dict:
    payments = make_payments(ROWS, seed=3).columns
    return {feature["name"]: payments[feature["name"]] for feature in model.features}


def sequences_of(model) -> dict:
    columns = columns_of(model)
    return {name: [column[i] for i in range(ROWS)] if isinstance(column, library.Ragged) else column
            for name, column in columns.items()}  # fmt: skip


def test_forms_of_a_column(mlp):
    columns = columns_of(mlp)
    expected = mlp.score(columns)["score"]
    wide = np.repeat(columns["card_count_7d"], 3)[::3]
    forms = {
        "card_count_7d": [wide, wide.astype(np.int32), wide.astype(np.uint8), wide.tolist()],
        "terminal_risk_7d": [columns["terminal_risk_7d"].astype(np.float32)],
        "country": [columns["country"].astype(str), columns["country"].tolist(), tuple(columns["country"])],
        "paid_at": [columns["paid_at"].astype("datetime64[ms]").astype(f"datetime64[{unit}]")
                    for unit in ("s", "ms", "ns")],  # fmt: skip
    }
    for name, values in forms.items():
        for value in values:
            assert np.array_equal(mlp.score({**columns, name: value})["score"], expected), (name, type(value))


def test_more_rows_than_run_together(mlp):
    columns = columns_of(mlp)
    many = 10_000
    repeated = {name: column[np.arange(many) % ROWS] for name, column in columns.items()}
    scores = mlp.score(repeated)
    assert mlp.info()["limits"]["rows"] < many
    assert np.array_equal(scores["score"], np.resize(mlp.score(columns)["score"], many))
    assert scores.result["rows"] == scores.result["scored"] == many and scores.result["backend"] == "native"


def test_result_tells_of_refused_rows(mlp):
    amounts = columns_of(mlp)["amount_minor"].copy()
    amounts[[7, 9]] = -1
    result = mlp.score({**columns_of(mlp), "amount_minor": amounts}).result
    assert (result["scored"], result["invalid"], result["first_error"]) == (ROWS - 2, 2, 7)
    assert result["status"] == 2 and result["fallbacks"] == result["failed"] == 0


def test_numbers_are_converted_by_the_library(mlp):
    columns = columns_of(mlp)
    unsigned = columns["card_count_7d"].astype(np.uint64)
    unsigned[3] = 2**64 - 1  # numpy's own conversion wraps to -1
    found = mlp.score({**columns, "card_count_7d": unsigned})
    assert found["status"][3] == -1 and (np.delete(found["status"], 3) == 0).all()


def test_encode_pads_to_the_longest_row(transformer):
    rows = [{name: column[i] for name, column in sequences_of(transformer).items()} for i in range(8)]
    alone = [transformer.encode_row(row) for row in rows]
    for k, tensor in enumerate(transformer.encode(rows)):
        assert tensor.shape[0] == 8
        for i in range(8):
            own = alone[i][k][0]
            inside = tuple(slice(size) for size in own.shape)
            assert np.array_equal(tensor[i][inside], own)
            padded = tensor[i].copy()
            padded[inside] = 0
            assert not padded.any()
    rows[5] = {**rows[5], "country": None}
    with pytest.raises(weighbridge.Error) as refused:
        transformer.encode(rows)
    assert refused.value.row == 5


def test_one_value_serves_all_rows(mlp):
    columns = columns_of(mlp)
    same = mlp.score({**columns, "amount_minor": np.int64(5000)})["score"]
    assert np.array_equal(same, mlp.score({**columns, "amount_minor": np.full(ROWS, 5000)})["score"])


def test_missing_values(mlp):
    columns = columns_of(mlp)
    masked = np.ma.masked_array(columns["card_count_7d"], np.arange(ROWS) % 2 == 0)
    found = mlp.score({**columns, "card_count_7d": masked})
    filled = mlp.score({**columns, "card_count_7d": masked.filled(0)})  # the manifest's default
    assert np.array_equal(found["score"], filled["score"])
    countries = columns["country"].tolist()
    countries[7] = None
    status = mlp.score({**columns, "country": countries})
    assert status["status"][7] == -1 and np.isnan(status["score"][7]) and (np.delete(status["status"], 7) == 0).all()
    assert mlp.features[status["blamed"][7]]["name"] == "country"


def test_sequences(transformer):
    columns = sequences_of(transformer)
    found = transformer.score(columns, outputs=["embedding"])
    assert found["embedding"].shape == (ROWS, 64)
    lists = {name: [list(row) for row in column] if name.startswith("past_") else column
             for name, column in columns.items()}  # fmt: skip
    lists["past_country"] = [np.array(row, str) for row in columns["past_country"]]
    assert np.array_equal(transformer.score(lists)["score"], found["score"])
    lists["past_mcc"][3] = lists["past_mcc"][3][1:]
    assert transformer.score(lists)["status"][3] == -1
    empty = {name: [None] * ROWS if name.startswith("past_") else column for name, column in columns.items()}
    assert np.isfinite(transformer.score(empty)["score"]).all()


@pytest.mark.parametrize("name, value, error", [
    ("amount", np.ones(ROWS, np.int64), KeyError),
    ("amount_minor", np.ones(ROWS), TypeError),
    ("amount_minor", np.ones(ROWS + 1, np.int64), ValueError),
    ("amount_minor", np.ones((ROWS, 2), np.int64), ValueError),
    ("amount_minor", ["1"] * ROWS, TypeError),
    ("abroad", np.ones(ROWS, np.int64), TypeError),
    ("country", "FR", TypeError),
    ("country", [1] * ROWS, TypeError),
])  # fmt: skip
def test_wrong_columns(mlp, name, value, error):
    with pytest.raises(error):
        mlp.score({**columns_of(mlp), name: value})


@pytest.mark.parametrize("name, value", [("past_country", [[1]] * ROWS), ("past_country", [1] * ROWS),
                                         ("past_risk", [["a"]] * ROWS)])  # fmt: skip
def test_wrong_sequences(transformer, name, value):
    with pytest.raises(TypeError):
        transformer.score({**sequences_of(transformer), name: value})


def test_rows(mlp):
    row = library.rows_of({"features": mlp.features}, columns_of(mlp))[0]
    found = mlp.score_row(row)
    assert found["status"] == 0 and found["version"] == mlp.info()["identity"]["version"]
    with pytest.raises(weighbridge.Error) as error:
        mlp.score_row({**row, "amount_minor": -5})
    assert error.value.name == "WB_INVALID_INPUT" and "-5" not in str(error.value)
    assert mlp.features[error.value.feature]["name"] == "amount_minor"
    assert mlp.score_row(row, deadline_ns=0)["status"] == 1  # the fallback


@pytest.fixture
def row(mlp):
    return library.rows_of({"features": mlp.features}, columns_of(mlp))[0]


UTC = datetime.timezone.utc
PAID_AT = datetime.datetime(2026, 11, 1, 12, 30, 0, 250_000, UTC)
PAID_AT_MS = 1793536200250


@pytest.mark.parametrize("value", [
    PAID_AT,
    PAID_AT.astimezone(datetime.timezone(datetime.timedelta(hours=-5, minutes=-30))),
    PAID_AT.astimezone(datetime.timezone(datetime.timedelta(minutes=9, seconds=21))),
    np.datetime64(PAID_AT_MS, "ms"),
    np.datetime64(PAID_AT_MS * 10**6, "ns"),
    np.array(PAID_AT_MS, "datetime64[ms]"),
    np.int64(PAID_AT_MS),
    "2026-11-01T12:30:00.25Z",
])  # fmt: skip
def test_times_of_a_row(mlp, row, value):
    (expected, *more) = mlp.encode_row({**row, "paid_at": PAID_AT_MS})
    (found, *others) = mlp.encode_row({**row, "paid_at": value})
    assert all(np.array_equal(a, b) for a, b in zip([expected, *more], [found, *others]))
    assert mlp.score_row({**row, "paid_at": value})["score"] == mlp.score_row({**row, "paid_at": PAID_AT_MS})["score"]


def test_a_day_is_a_time(mlp, row):
    whole = mlp.score_row({**row, "paid_at": "2026-11-01T00:00:00Z"})["score"]
    assert mlp.score_row({**row, "paid_at": np.datetime64("2026-11-01")})["score"] == whole


def test_a_time_without_a_zone_is_refused(mlp, row):
    with pytest.raises(TypeError, match="'paid_at'.*time zone"):
        mlp.score_row({**row, "paid_at": PAID_AT.replace(tzinfo=None)})
    with pytest.raises(weighbridge.Error, match="paid_at"):  # microseconds, in a feature of milliseconds
        mlp.score_row({**row, "paid_at": PAID_AT.replace(microsecond=1)})


@pytest.mark.parametrize("value", [float("nan"), np.float32("nan"), float("inf"), -np.inf])
def test_numbers_that_are_not_finite_reach_the_library(mlp, row, value):
    with pytest.raises(weighbridge.Error, match="terminal_risk_7d"):
        mlp.score_row({**row, "terminal_risk_7d": value})


def test_numbers_of_numpy_in_a_row(mlp, transformer, row):
    plain = mlp.score_row(row)["score"]
    assert mlp.score_row({name: np.array(value)[()] for name, value in row.items()})["score"] == plain
    long = library.rows_of({"features": transformer.features}, columns_of(transformer))[0]
    arrays = {name: np.array(value) if isinstance(value, list) else value for name, value in long.items()}
    assert transformer.score_row(arrays)["score"] == transformer.score_row(long)["score"]


@pytest.mark.parametrize("value", [decimal.Decimal(1), datetime.date(2026, 11, 1), b"1", {1}, {}, [object()]])
def test_other_types_in_a_row_are_refused_by_name(mlp, row, value):
    kind = type(value[0] if isinstance(value, list) else value).__name__
    with pytest.raises(TypeError, match=f"feature 'paid_at': expected .*, got {kind}"):
        mlp.score_row({**row, "paid_at": value})


def test_unknown_outputs_are_refused_with_the_known_ones(transformer):
    with pytest.raises(ValueError, match="output 'emb': expected one of .*embedding"):
        transformer.score(sequences_of(transformer), outputs=["emb"])
    with pytest.raises(TypeError, match="list of names"):
        transformer.score(sequences_of(transformer), outputs="embedding")


def test_a_bundle_from_memory_scores_as_from_its_directory(engine, mlp, row):
    files = {path.name: path.read_bytes() for path in (library.BUNDLES / "card-mlp").iterdir()}
    model = weighbridge.Model.load(files, engine, "native")
    assert model.info() == mlp.info()
    assert model.score_row(row)["score"] == mlp.score_row(row)["score"]
    files["model.plan"] = files["model.plan"][:-1] + b"x"
    with pytest.raises(weighbridge.Error, match="model.plan: expected sha256"):
        weighbridge.Model.load(files, engine, "native")


def test_a_load_ends_at_its_deadline(engine):
    for bundle in (library.BUNDLES / "card-mlp", {"manifest.json": b"{}"}):
        with pytest.raises(weighbridge.Error) as raised:
            weighbridge.Model.load(bundle, engine, deadline_ns=weighbridge.now_ns())
        assert raised.value.name == "WB_DEADLINE_EXCEEDED"


def test_a_bad_path_is_an_error(engine):
    with pytest.raises(weighbridge.Error):
        weighbridge.Model.load("no-such-bundle", engine)


def test_threads_share_a_model(mlp):
    columns = columns_of(mlp)
    expected = mlp.score(columns)["score"]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: mlp.score(columns)["score"], range(40)):
            assert np.array_equal(found, expected)

# SPDX-License-Identifier: Apache-2.0
"""Every kind of source gives the same bits: dicts, numpy, pandas, polars, Arrow."""

import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import weighbridge
from conftest import columns_of, same

TEXTS = ("country", "entry_mode", "merchant")


@pytest.fixture(scope="module")
def expected(mlp, payments):
    scores = mlp.score(payments)
    assert set(scores.status) == {0}
    return scores


def frame_of(model, rows) -> pd.DataFrame:
    return pd.DataFrame(columns_of(model, rows))


def table_of(model, rows) -> pa.Table:
    return pa.table(columns_of(model, rows))


def test_one_payment_has_one_score_in_every_form(mlp, payments):
    row, names = payments[0], mlp.schema.names
    expected = mlp.score(row)
    record = np.zeros(1, [(name, object) for name in names])
    for name in names:
        record[name][0] = row.get(name)
    for form in (mlp.row(row), dict(row), record[0], frame_of(mlp, [row]).iloc[0].dropna().to_dict(),
                 np.array([row.get(name) for name in names], object)):
        found = mlp.score(form)
        assert isinstance(found, weighbridge.Score) and found.score == expected.score, type(form)
        assert mlp.score_row(form).score == float(found) == expected.score


def test_a_mapping_that_is_no_dict_is_one_payment(mlp, payments):
    import types

    assert mlp.score(types.MappingProxyType(payments[0])).score == mlp.score(payments[0]).score


def test_lists_of_dicts(mlp, payments, expected):
    assert same(mlp.score(tuple(payments)).score, expected.score)
    assert same(mlp.score(np.array(payments, object)).score, expected.score)
    for i in (0, 17):
        assert mlp.score(payments[i]).score == expected.score[i]
    assert mlp.score([]).score.shape == (0,)


def test_pandas_of_objects_and_what_it_infers(mlp, payments, expected):
    frame = frame_of(mlp, payments)
    assert same(mlp.score(frame).score, expected.score)
    assert same(mlp.score(frame.astype(object)).score, expected.score)
    assert same(mlp.score(frame.convert_dtypes()).score, expected.score)
    assert same(mlp.score(frame.convert_dtypes(dtype_backend="pyarrow")).score, expected.score)
    assert same(mlp.score(frame[::-1]).score, expected.score[::-1])
    assert same(mlp.score(frame[frame.columns[::-1]].iloc[3:9]).score, expected.score[3:9])
    assert same(mlp.score(frame[:0]).score, expected.score[:0])


def test_pandas_categories_and_strings(mlp, payments, expected):
    frame = frame_of(mlp, payments)
    for kind in ("category", "str", "string", pd.StringDtype("python"), pd.StringDtype("pyarrow"),
                 pd.ArrowDtype(pa.string()), pd.ArrowDtype(pa.large_string()), object):
        assert same(mlp.score(frame.astype({name: kind for name in TEXTS})).score, expected.score), kind
    assert same(mlp.score(frame.astype({"mcc": "category"})).score, expected.score)
    for kind in ("Int64", "Int32", "float64", "category", pd.ArrowDtype(pa.int64())):
        assert same(mlp.score(frame.astype({"mcc": kind})).score, expected.score), kind
    unusual = frame.astype({"mcc": pd.CategoricalDtype([float(mcc) for mcc in frame["mcc"].unique()])})
    assert same(mlp.score(unusual).score, expected.score)  # 5411.0 is 5411


def test_a_category_of_many_keys(mlp, payments):
    """Codes of 16 bits, and a missing one."""
    keys = [f"shop {i}" for i in range(40_000)]
    rows = [{**row, "merchant": keys[-1 - i]} for i, row in enumerate(payments)]
    frame = frame_of(mlp, rows)
    frame["merchant"] = pd.Categorical(frame["merchant"], keys)
    assert frame["merchant"].cat.codes.dtype == np.int32 or frame["merchant"].cat.codes.dtype == np.int16
    assert same(mlp.score(frame).score, mlp.score(rows).score)
    frame.loc[5, "merchant"] = None
    assert mlp.score(frame).status.tolist() == [0] * 5 + [-1] + [0] * (len(rows) - 6)


def test_polars(mlp, payments, expected):
    frame = pl.DataFrame(columns_of(mlp, payments))
    assert same(mlp.score(frame).score, expected.score)
    assert same(mlp.score(frame.with_columns(pl.col(TEXTS).cast(pl.Categorical))).score, expected.score)
    assert same(mlp.score(frame.with_columns(pl.col("paid_at").cast(pl.Datetime("ms", "UTC")))).score, expected.score)
    chunked = pl.concat([frame[:10], frame[10:11], frame[11:]], rechunk=False)
    assert same(mlp.score(chunked).score, expected.score)
    assert same(mlp.score(frame[:0]).score, expected.score[:0])


def test_arrow(mlp, payments, expected):
    table = table_of(mlp, payments)
    assert same(mlp.score(table).score, expected.score)
    assert same(mlp.score(table.to_reader(max_chunksize=7)).score, expected.score)
    assert same(mlp.score(table.to_batches()[0]).score, expected.score)
    chunked = pa.concat_tables([table[:10], table[10:]])
    assert same(mlp.score(chunked).score, expected.score)
    found = mlp.score(pa.concat_tables([table[:10], table[10:11].set_column(2, "amount_minor", [[-1]]), table[11:]]))
    assert found.result["first_error"] == 10 and found.error.row == 10 and found.status[10] == -1
    reader = table.to_reader()
    mlp.score(reader)
    assert mlp.score(reader).score.shape == (0,)


def test_structured_arrays_and_matrices(small):
    rows = [{"amount_minor": 100 * i, "age_days": i / 2, "country": "FR" if i % 2 else "DE", "online": i % 3 == 0}
            for i in range(50)]
    expected = small.score(rows).score
    records = np.zeros(50, [("online", "?"), ("amount_minor", "i4"), ("country", "U2"), ("age_days", "f4")])
    for i, row in enumerate(rows):
        for name, value in row.items():
            records[name][i] = value
    assert same(small.score(records).score, expected)
    assert small.score(records[3]).score == expected[3]
    matrix = np.array([[row[name] for name in small.schema.names] for row in rows], object)
    assert same(small.score(matrix).score, expected)
    assert small.score(matrix[3]).score == expected[3]
    matrix[3, small.schema.names.index("age_days")] = np.nan
    without_age = small.score({**rows[3], "age_days": None}).score
    assert small.score(matrix[3]).score == small.score(matrix).score[3] == without_age


def test_matrices_of_numbers(numeric):
    rows = [{"amount_minor": 100 * i, "age_days": i / 2, "country": (250, 276, 7)[i % 3], "online": i % 2 == 0}
            for i in range(50)]
    expected = numeric.score(rows).score
    matrix = np.array([[row[name] for name in numeric.schema.names] for row in rows], float)
    for form in (matrix, np.asfortranarray(matrix), matrix.astype("f4"), np.repeat(matrix, 2, 0)[::2]):
        assert same(numeric.score(form).score, expected)
        for i in (0, 7):
            assert numeric.score(form[i]).score == expected[i]
    matrix[3, 1] = matrix[4, 0] = np.nan  # age_days has a default, amount_minor has none
    found = numeric.score(matrix)
    assert found.status.tolist() == [0] * 4 + [-1] + [0] * 45
    assert found.score[3] == numeric.score({**rows[3], "age_days": None}).score == numeric.score(matrix[3]).score
    with pytest.raises(weighbridge.InvalidInput, match="amount_minor"):
        numeric.score(matrix[4])
    for wrong in (matrix[:, :3], matrix[None], np.zeros((0, 3))):
        with pytest.raises(weighbridge.InvalidInput, match="expected .rows, 4."):
            numeric.score(wrong)
    with pytest.raises(weighbridge.InvalidInput, match="4 features, got 3 values"):
        numeric.score(matrix[0, :3])


def test_a_matrix_of_numbers_has_no_texts(small):
    with pytest.raises(weighbridge.InvalidArgument, match="'country': expected"):
        small.score(np.zeros((3, 4)))


def test_sequences(transformer, histories):
    expected = transformer.score(histories)
    assert set(expected.status) == {0}
    columns = columns_of(transformer, histories)
    assert same(transformer.score(pd.DataFrame(columns)).score, expected.score)
    assert same(transformer.score(pl.DataFrame(columns)).score, expected.score)
    assert same(transformer.score(table_of(transformer, histories)).score, expected.score)
    arrays = {name: [np.array(v) if isinstance(v, list) and v else v for v in column]
              for name, column in columns.items()}
    assert same(transformer.score_columns(arrays).score, expected.score)
    for i in (0, 31):
        assert transformer.score(histories[i]).score == expected.score[i]
    shorter = [*columns["past_mcc"]]
    at = next(i for i, past in enumerate(shorter) if past)
    shorter[at] = shorter[at][1:]
    found = transformer.score_columns({**columns, "past_mcc": shorter})
    assert found.status[at] == -1 and (np.delete(found.status, at) == 0).all()


def test_arrays(mlp, payments):
    numbers, rest = ["card_count_7d", "card_count_30d"], ["terminal_risk_7d", "terminal_risk_30d"]
    arrays = mlp.arrays(numbers, rest)
    ints = np.array([[row.get(name) or 0 for name in numbers] for row in payments])
    floats = np.array([[row.get(name) or 0 for name in rest] for row in payments], np.float32)
    assert np.isnan(arrays.score(ints, floats)).all()  # amount, country and others are missing
    with pytest.raises(weighbridge.InvalidInput, match="paid_at"):
        arrays.score_one(ints[0], floats[0])
    for wrong, message in (((ints,), "2 matrices, got 1"), ((ints, floats.astype(float)), "float32 elements, got float64"),
                           ((ints, floats[1:]), "rows"), ((ints, floats[:, :1]), "2 columns, got 1"),
                           ((ints, [1]), "numpy array, got list")):
        with pytest.raises(weighbridge.InvalidArgument, match=message):
            arrays.score(*wrong)
    for group in (["country"], ["card_count_7d", "terminal_risk_7d"]):
        with pytest.raises(weighbridge.InvalidArgument, match="numbers of one type"):
            mlp.arrays(group)
    with pytest.raises(weighbridge.NotFound, match="card_count"):
        mlp.arrays(["card_count"])


@pytest.mark.parametrize("make", [
    lambda columns: columns, pl.DataFrame, pa.table, pd.DataFrame,
], ids=["numpy", "polars", "arrow", "pandas"])  # fmt: skip
def test_numbers_are_not_copied(mlp, payments, make):
    """tracemalloc sees numpy's memory: the results are all that is made."""
    rows = 50_000
    columns = {}
    for feature in mlp.features:
        values = [row.get(feature["name"]) for row in payments]
        if feature["type"] in ("int64", "code", "timestamp"):
            columns[feature["name"]] = np.resize(np.array([v or 0 for v in values], np.int64), rows)
        elif feature["type"] in ("float32", "float64"):
            columns[feature["name"]] = np.resize(np.array([v or 0 for v in values], np.float32), rows)
        elif feature["type"] == "bool":
            columns[feature["name"]] = np.resize(np.array(values, bool), rows)
    texts = {name: "FR" if name == "country" else payments[0][name] for name in mlp.schema.names if name not in columns}
    given = {**columns, **{name: np.resize(np.array([text], object), rows) for name, text in texts.items()}}
    if make is pd.DataFrame:
        given.update({name: pd.Categorical.from_codes(np.zeros(rows, np.int8), [text]) for name, text in texts.items()})
    elif make is not None and given is not columns:
        given.update({name: [text] * rows for name, text in texts.items()})
    data = make(given)
    score = mlp.score_columns if isinstance(data, dict) else mlp.score
    small = {name: values[:10] for name, values in data.items()} if isinstance(data, dict) else data[:10]
    score(small)  # imports and caches
    out = {name: np.empty(rows, kind) for name, kind in (
        ("score", "f8"), ("probability", "f8"), ("band", "i4"), ("status", "i4"), ("reason", "i4"),
        ("defaulted", "u4"), ("clipped", "u4"), ("blamed", "i4"))}
    tracemalloc.start()
    score(data, out=out, progress=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (out["status"] == 0).all()
    one_column = rows * 8
    lists = len(texts) * rows * 8 if isinstance(data, dict) else 0  # tuples of the lists' texts
    assert peak < one_column + lists, f"{peak} bytes: a column of {one_column} was copied"

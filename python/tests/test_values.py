# SPDX-License-Identifier: Apache-2.0
"""What a value means: missing ones in every column type, and numbers and times that a feature holds exactly or not."""

import datetime
import decimal

import numpy as np
import pandas as pd
import pytest
import weighbridge
from conftest import columns_of, same

UTC = datetime.timezone.utc
D = decimal.Decimal
NAT = np.datetime64("NaT")
SCALARS = ("flag", "small", "large", "count", "code", "at", "city", "note")  # of every-type, by feature type


def changed(model, rows, name, values, **others):
    """Scores rows with one column replaced."""
    return model.score_columns({**columns_of(model, rows), name: values, **others}, progress=False)


def without(model, rows, name, at):
    """Scores rows of which some lack a feature."""
    return model.score([{**row, name: None} if i in at else row for i, row in enumerate(rows)])


# --- missing -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("value", [None, pd.NA, pd.NaT, NAT], ids=repr)
@pytest.mark.parametrize("name", [*SCALARS, "past_count", "past_city"])
def test_what_says_missing_is_missing_in_a_dict(every_type, name, value):
    assert bytes(every_type.row({name: value})) == bytes(every_type.row())


@pytest.mark.parametrize("value", [float("nan"), np.float32("nan"), D("nan")], ids=repr)
@pytest.mark.parametrize("name", ["flag", "count", "code", "at", "city", "note", "past_count", "past_city"])
def test_nan_in_a_dict_is_a_number(every_type, name, value):
    """As in every language; columns have nothing else to say "missing" with."""
    with pytest.raises(weighbridge.InvalidInput, match=f"'{name}'"):
        every_type.row({name: value})


@pytest.mark.parametrize("name", ["small", "large"])
@pytest.mark.parametrize("value", [float("nan"), np.float32("nan"), np.float64("nan"), D("nan")], ids=repr)
def test_nan_of_a_float_feature_in_a_dict_is_the_manifests_to_judge(every_type, name, value):
    assert bytes(every_type.row({name: value})) == bytes(every_type.row({name: float("nan")})) != bytes(every_type.row())


@pytest.mark.parametrize("name, values", [
    ("since_last_s", np.array([7.0, np.nan, 9.0])),
    ("since_last_s", np.array([7, np.nan, 9], np.float32)),
    ("since_last_s", np.array([7, np.nan, 9], np.float16)),
    ("since_last_s", np.ma.masked_array([7, 8, 9], [0, 1, 0])),
    ("since_last_s", [7, None, 9]),
    ("since_last_s", [7, float("nan"), 9]),
    ("since_last_s", np.array([7, pd.NA, 9], object)),
    ("terminal_risk_7d", np.array([0.5, np.nan, 0.25])),
    ("terminal_risk_7d", np.array([0.5, np.nan, 0.25], np.float32)),
    ("terminal_risk_7d", np.ma.masked_array([0.5, 8, 0.25], [0, 1, 0])),
    ("terminal_risk_7d", [0.5, None, 0.25]),
    ("amount_ratio", np.array([0.5, np.nan, 0.25])),
], ids=repr)  # fmt: skip
def test_missing_numbers_take_their_default(mlp, payments, name, values):
    rows = payments[:3]
    plain = [{**row, name: value} for row, value in zip(rows, np.ma.filled(np.ma.masked_array(values, mask=False), 1))]
    expected = mlp.score([{key: value for key, value in row.items() if key != name or i != 1}
                          for i, row in enumerate(plain)])
    found = changed(mlp, rows, name, values)
    assert found.status.tolist() == [0, 0, 0] and same(found.score, expected.score)
    assert found["defaulted"][1] == expected["defaulted"][1]


def test_nat_is_missing_not_the_least_integer(mlp, payments):
    times = np.array([row["paid_at"] for row in payments[:3]], "datetime64[ms]")
    times[1] = NAT
    found = changed(mlp, payments[:3], "paid_at", times)
    assert found.status.tolist() == [0, -1, 0] and found["blamed"][1] == mlp.schema.names.index("paid_at")
    assert str(found.error) == str(without(mlp, payments[:3], "paid_at", [1]).error)


@pytest.mark.parametrize("values", [
    ["FR", None, "DE"], ["FR", float("nan"), "DE"], np.array(["FR", np.nan, "DE"], object),
    pd.Series(["FR", pd.NA, "DE"], dtype="string"), pd.Series(["FR", None, "DE"], dtype="category"),
    pd.Series(["FR", None, "DE"]),
], ids=repr)  # fmt: skip
def test_nan_in_a_text_column_is_missing(mlp, payments, values):
    frame = pd.DataFrame(columns_of(mlp, payments[:3]))
    frame["country"] = pd.Series(values) if not isinstance(values, pd.Series) else values
    found = mlp.score(frame)
    assert found.status.tolist() == [0, -1, 0] and "country" in found.error.message
    expected = mlp.score([{**row, "country": country} for row, country in zip(payments, ("FR", None, "DE"))])
    assert same(found.score, expected.score)


def test_a_text_column_of_nan_alone_is_missing(transformer, histories):
    rows = histories[:4]
    found = changed(transformer, rows, "descriptor", np.full(4, np.nan))
    assert same(found.score, without(transformer, rows, "descriptor", range(4)).score)
    assert found["defaulted"].min() >= 1


# --- exactly or refused ------------------------------------------------------------------------------------------------
def test_uint64_above_the_range_is_refused_by_its_row(mlp, payments):
    counts = np.array([row.get("card_count_7d") or 0 for row in payments[:4]], np.uint64)
    counts[2] = 2**64 - 1
    found = changed(mlp, payments[:4], "card_count_7d", counts)
    assert found.status.tolist() == [0, 0, -1, 0] and np.isnan(found.score[2])
    assert "card_count_7d" in found.error.message and found.error.row == 2


@pytest.mark.parametrize("kind", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16",
                                  "float32", "float64", ">i4", ">f8"])  # fmt: skip
def test_numbers_of_every_width_are_the_same_numbers(mlp, payments, kind):
    rows = [{**row, "card_count_7d": i} for i, row in enumerate(payments[:9])]
    found = changed(mlp, rows, "card_count_7d", np.arange(9).astype(kind))
    assert same(found.score, mlp.score(rows).score)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns", "m", "h"])
def test_times_of_every_unit_are_the_same_times(mlp, payments, unit):
    rows = [{**row, "paid_at": 1_793_534_400_000 + 3_600_000 * i} for i, row in enumerate(payments[:5])]
    times = np.array([row["paid_at"] for row in rows], "datetime64[ms]").astype(f"datetime64[{unit}]")
    expected = mlp.score(rows)
    assert expected.status.tolist() == [0] * 5
    for values in (times, times[::-1][::-1], list(times), pd.Series(times), pd.Series(times).dt.tz_localize("UTC"),
                   pd.Series(times).dt.tz_localize("UTC").dt.tz_convert("Asia/Kolkata")):
        if isinstance(values, pd.Series):
            frame = pd.DataFrame(columns_of(mlp, rows))
            frame["paid_at"] = values
            found = mlp.score(frame)
        else:
            found = changed(mlp, rows, "paid_at", values)
        assert same(found.score, expected.score), type(values)


def test_a_time_finer_than_the_unit_is_refused_by_its_row(mlp, payments):
    times = np.array([row["paid_at"] for row in payments[:3]], "datetime64[ms]").astype("datetime64[ns]")
    times[1] += np.timedelta64(1, "ns")
    found = changed(mlp, payments[:3], "paid_at", times)
    assert found.status.tolist() == [0, -1, 0] and "paid_at" in found.error.message


def test_a_time_that_seconds_cannot_hold_is_refused(mlp, payments):
    times = np.array([row["paid_at"] // 86_400_000 for row in payments[:3]], "datetime64[D]")
    times[2] = np.datetime64(2**62, "D")
    with pytest.raises(weighbridge.InvalidInput, match="row 2.*paid_at") as refused:
        changed(mlp, payments[:3], "paid_at", times)
    assert refused.value.row == 2


@pytest.mark.parametrize("dtype", ["datetime64[Y]", "datetime64[ps]", "datetime64[10ms]", "timedelta64[s]", "complex64",
                                   np.longdouble, "V8"], ids=str)  # fmt: skip
def test_types_that_would_round_are_refused_by_name(mlp, payments, dtype):
    with pytest.raises(weighbridge.InvalidArgument, match="column 'paid_at': expected .*, got"):
        changed(mlp, payments[:1], "paid_at", np.zeros(1, dtype))


@pytest.mark.parametrize("name, value, like", [
    ("count", D("1250"), 1250), ("count", D("1.25e3"), 1250), ("count", D(-(2**63)), -(2**63)),
    ("count", 1250.0, 1250), ("count", np.uint64(7), 7), ("count", np.float32(7), 7), ("count", np.int8(-7), -7),
    ("large", D("0.1"), 0.1), ("large", 2**70, float(2**70)), ("large", np.float16(0.5), 0.5), ("large", 3, 3.0),
    ("small", D("0.1"), np.float32(0.1)), ("large", D("inf"), float("inf")),
    ("flag", 1, True), ("flag", np.bool_(True), True), ("flag", 0.0, False), ("flag", D(1), True),
    ("at", datetime.datetime(2026, 11, 1, 12, 30, 0, 250_000, UTC), 1793536200250),
    ("at", datetime.datetime(2026, 11, 1, 12, 30, 0, 250_000, datetime.timezone(datetime.timedelta(hours=5))),
     1793536200250 - 5 * 3600_000),
    ("at", datetime.datetime(2026, 11, 1, 12, 30, 0, 0, datetime.timezone(datetime.timedelta(minutes=9, seconds=21))),
     1793536200000 - 561_000),
    ("at", np.datetime64(1793536200250, "ms"), 1793536200250), ("at", np.datetime64("2026-11-01"), 1793491200000),
    ("at", np.array(1793536200250 * 10**6, "datetime64[ns]"), 1793536200250),
    ("at", pd.Timestamp(1793536200250, unit="ms", tz="UTC"), 1793536200250),
    ("at", "2026-11-01T12:30:00.25Z", 1793536200250),
    ("city", np.str_("Paris"), "Paris"), ("city", b"Paris", "Paris"), ("city", np.bytes_(b"Paris"), "Paris"),
    ("past_count", np.array([1, 2], np.int16), [1, 2]), ("past_count", (1, 2), [1, 2]),
    ("past_count", [D(1), 2.0], [1, 2]), ("past_large", [1, D("0.1"), 2**60 + 1], [1.0, 0.1, float(2**60 + 1)]),
    ("past_large", np.array([1, 2], ">f8"), [1.0, 2.0]),
    ("past_city", np.array(["Paris", ""]), ["Paris", ""]), ("past_city", [b"x", "y"], ["x", "y"]),
    ("past_at", np.array([7, 8], "datetime64[ms]"), [7, 8]), ("past_code", [np.int64(5), 6], [5, 6]),
], ids=repr)  # fmt: skip
def test_odd_values_are_read_exactly(every_type, name, value, like):
    expected = bytes(every_type.row({name: like}))
    assert bytes(every_type.row({name: value})) == expected


@pytest.mark.parametrize("name, value", [
    ("count", D("12.5")), ("count", 2**63), ("count", 1e300), ("count", 0.5), ("count", True), ("count", "7"),
    ("count", b"7"), ("count", b'{"count": 7}'), ("count", np.bytes_(b'{"count": 7}')), ("count", [7]), ("count", datetime.datetime.now(UTC)), ("flag", 2), ("flag", "true"),
    ("at", datetime.datetime(2026, 11, 1)), ("at", datetime.datetime(2026, 11, 1, 0, 0, 0, 1, UTC)),
    ("at", datetime.date(2026, 11, 1)), ("at", pd.Timestamp(1, unit="ns", tz="UTC")), ("at", np.datetime64(1, "ns")),
    ("at", datetime.timedelta(1)), ("at", "yesterday"), ("city", 7), ("city", True), ("city", 1.5), ("city", ["Paris"]),
    ("past_count", 7), ("past_count", [1.5]), ("past_count", [True]), ("past_count", ["a"]),
    ("past_count", np.zeros((2, 2))), ("past_city", [1]), ("past_city", "Paris"), ("large", 1j), ("large", {}),
    ("large", {1}), ("large", object()), ("past_at", ["x"]),
], ids=repr)  # fmt: skip
def test_what_a_feature_cannot_hold_is_refused(every_type, name, value):
    with pytest.raises(weighbridge.Error) as refused:
        every_type.row({name: value})
    assert refused.value.code == -1 and refused.value.name == "WB_INVALID_INPUT" and f"'{name}'" in refused.value.message


def test_a_naive_datetime_says_what_to_do(every_type):
    with pytest.raises(weighbridge.InvalidInput, match="'at': expected a datetime with a time zone.*replace"):
        every_type.row({"at": datetime.datetime(2026, 11, 1)})


def test_object_columns_say_column_row_and_what_to_do(mlp, payments):
    whole = [D(row["amount_minor"]) for row in payments[:3]]
    assert same(changed(mlp, payments[:3], "amount_minor", whole).score, mlp.score(payments[:3]).score)
    with pytest.raises(weighbridge.InvalidInput, match="row 1: feature 'amount_minor'.*") as refused:
        changed(mlp, payments[:3], "amount_minor", [whole[0], D("0.5"), whole[2]])
    assert refused.value.row == 1 and mlp.schema.names[refused.value.feature] == "amount_minor"
    assert "0.5" not in str(refused.value)  # it is private
    times = [datetime.datetime.fromtimestamp(row["paid_at"] / 1000, UTC) for row in payments[:3]]
    exact = [{**row, "paid_at": int(time.timestamp() * 1000)} for row, time in zip(payments, times)]
    assert same(changed(mlp, exact, "paid_at", times).score, mlp.score(exact).score)
    times[2] = times[2].replace(tzinfo=None)
    with pytest.raises(weighbridge.InvalidInput, match="row 2: feature 'paid_at'.*time zone.*replace"):
        changed(mlp, payments[:3], "paid_at", times)
    with pytest.raises(weighbridge.InvalidInput, match="row 0: feature 'paid_at'.*datetime.*got date: make it"):
        changed(mlp, payments[:1], "paid_at", [datetime.date(2026, 11, 1)])


def test_one_value_serves_all_rows(mlp, payments):
    rows = [{**row, "amount_minor": 5000} for row in payments]
    for value in (5000, np.int64(5000), np.array(5000), 5000.0):
        assert same(changed(mlp, payments, "amount_minor", value).score, mlp.score(rows).score)
    at = np.datetime64(payments[0]["paid_at"], "ms").astype("datetime64[ns]")
    rows = [{**row, "paid_at": payments[0]["paid_at"]} for row in payments]
    for value in (at, np.array(at)):
        assert same(changed(mlp, payments, "paid_at", value).score, mlp.score(rows).score)

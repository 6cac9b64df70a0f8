# SPDX-License-Identifier: Apache-2.0
"""What an attacker hands over: a weighbridge.Error each time, and no value that was changed on the way."""

import asyncio
import datetime
import decimal
import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import weighbridge
from conftest import DRAFTS, columns_of, same

ROW = {"amount_minor": 1250, "age_days": 2.5, "country": "FR", "online": True}
UTC = datetime.timezone.utc


class Odd(datetime.tzinfo):
    def utcoffset(self, when):
        return datetime.timedelta(hours=1, seconds=30)


class Raises:
    def __ne__(self, other):
        raise ValueError("hush")


def nested(depth: int) -> list:
    made: list = []
    for _ in range(depth):
        made = [made]
    return made


def holds_itself() -> np.ndarray:
    made = np.empty((), object)
    made[()] = made
    return made


def lists_itself() -> list:
    made: list = []
    made.append(made)
    return made


HOSTILE = {
    "an int of 16,000 bits": 10**5000, "a negative one": -(10**5000), "in a list": [10**5000], "lists in lists": nested(100_000),
    "a list that holds itself": lists_itself(), "an array that holds itself": holds_itself(),
    "before year 1 of UTC": datetime.datetime(1, 1, 1, tzinfo=Odd()),
    "after year 9999": datetime.datetime.max.replace(tzinfo=datetime.timezone(-datetime.timedelta(hours=3, seconds=7))),
    "days that numpy wraps": np.datetime64(2**62, "D"), "weeks": np.datetime64(2**60, "W"), "hours": np.array([2**62], "M8[h]"),
    "attoseconds": np.datetime64(5, "as"), "what does not compare": Raises(), "a Series": pd.Series([1, 2]),
    "a DataFrame": pd.DataFrame({"a": [1, 2]}), "Decimal beyond all": decimal.Decimal("1e9999999"), "complex": 1 + 2j,
}  # fmt: skip


@pytest.fixture(scope="module")
def every(engine):
    """A model of every type of feature, of the engine fake."""
    return engine.load(DRAFTS / "every-type", engines="fake")


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_value_is_refused(every, what):
    value = HOSTILE[what]
    for name in every.schema.names:
        column = np.empty(2, object)
        column[0] = column[1] = value
        for score in (lambda: every.score({name: value}), lambda: every.score([{name: value}]),
                      lambda: every.score_columns({name: column}).raise_first(),
                      lambda: every.score(pd.DataFrame({name: pd.Series(column, dtype=object)})).raise_first(),
                      lambda: asyncio.run(every.score_async({name: value}, inline=False))):
            with pytest.raises(weighbridge.Error) as refused:
                score()
            assert "hush" not in str(refused.value)
    with pytest.raises(weighbridge.InvalidInput, match="'at'"):
        every.row({"at": value})


@pytest.mark.parametrize("unit", ["D", "h", "m", "W"])
def test_far_times_of_numpy_do_not_wrap(every_type, unit):
    """numpy gives 1970 for them."""
    with pytest.raises(weighbridge.InvalidInput, match="'at': expected a time"):
        every_type.row({"at": np.datetime64(2**62, unit)})


def test_a_dict_that_a_value_empties_while_it_is_read(every):
    class Evil:
        def __init__(self, of: dict) -> None:
            self.of = of

        def __ne__(self, other: object) -> bool:
            self.of.clear()
            gc.collect()
            return False

    for name in every.schema.names:
        row: dict = {}
        row[name] = Evil(row)
        with pytest.raises(weighbridge.InvalidInput, match=f"'{name}'"):
            every.score(row)


def test_what_is_masked_is_missing(small, numeric, every_type):
    assert bytes(every_type.row({"count": np.ma.masked})) == bytes(every_type.row())
    assert bytes(every_type.row({"at": np.ma.array(5, mask=True)})) == bytes(every_type.row())
    assert bytes(every_type.row({"past_count": np.ma.array([1, 2])})) == bytes(every_type.row({"past_count": [1, 2]}))
    with pytest.raises(weighbridge.InvalidInput, match="past_count"):
        every_type.row({"past_count": np.ma.array([1, 2], mask=[0, 1])})
    names = numeric.schema.names
    values = [{"amount_minor": 1250.0, "age_days": 7.0, "country": 250.0, "online": 1.0}[name] for name in names]
    hidden = np.ma.array(values, mask=[name == "age_days" for name in names])
    like = {name: value for name, value in zip(names, values) if name != "age_days"}
    assert numeric.score(hidden).score == numeric.score(like).score
    assert same(numeric.score(hidden.reshape(1, -1)).score, numeric.score([like]).score)
    with pytest.raises(weighbridge.InvalidArgument, match="matrix 0: expected a plain array, got a masked one"):
        numeric.arrays(["amount_minor"]).score_one(np.ma.array([1], mask=[1]))


def test_a_row_of_a_frame_is_one_payment(mlp, payments):
    frame = pd.DataFrame(payments)
    scores = mlp.score(frame)
    for i in (0, 3, 7):
        assert mlp.score(frame.iloc[i]).score == scores.score[i]
        assert mlp.score_row(frame.astype(object).iloc[i]).score == scores.score[i]
    with pytest.raises(weighbridge.InvalidArgument, match="'paid_at': expected once, got twice"):
        mlp.score(pd.concat([frame.iloc[0], frame.iloc[0]]))


def test_nan_is_missing_in_every_kind_of_pandas_column(mlp, payments):
    risk = [0.5, float("nan"), 0.25]
    expected = mlp.score_columns({**columns_of(mlp, payments[:3]), "terminal_risk_7d": np.array(risk)})
    frame = pd.DataFrame(columns_of(mlp, payments[:3]))
    for column in (pd.Series(risk), pd.Series(risk, dtype="float32"), pd.Series(risk, dtype="Float64"),
                   pd.Series(risk, dtype=object),
                   pd.Series(pa.array(risk), dtype=pd.ArrowDtype(pa.float64())), pd.Series(pd.arrays.SparseArray(risk))):
        found = mlp.score(frame.assign(terminal_risk_7d=column))
        assert found.status.tolist() == [0, 0, 0] and same(found.score, expected.score), column.dtype


def test_a_column_of_nan_alone_has_the_rows_of_the_others(transformer, histories):
    columns = columns_of(transformer, histories[:4])
    with pytest.raises(weighbridge.InvalidArgument, match="'descriptor': expected 4 rows, got 3"):
        transformer.score_columns({**columns, "descriptor": np.full(3, np.nan)})


def test_sources_that_fail_by_themselves(small):
    class Stream:
        def __arrow_c_stream__(self, requested_schema=None):
            raise pa.ArrowInvalid("of value 'hush'")

    class Array:
        def __arrow_c_array__(self, requested_schema=None):
            return None

    with pytest.raises(weighbridge.InvalidInput, match="Stream: its __arrow_c_stream__ failed with ArrowInvalid") as refused:
        small.score(Stream())
    assert "hush" not in str(refused.value) and isinstance(refused.value.__cause__, pa.ArrowInvalid)
    with pytest.raises(weighbridge.InvalidArgument, match="expected two capsules of __arrow_c_array__, got NoneType"):
        small.score(Array())
    import polars as pl

    with pytest.raises(weighbridge.InvalidInput, match="got LazyFrame: collect"):
        small.score(pl.DataFrame([ROW]).lazy())

    def batches():
        yield pa.RecordBatch.from_pylist([ROW])
        raise KeyError("gone")

    with pytest.raises(weighbridge.InvalidArgument) as broken:
        small.score(pa.RecordBatchReader.from_batches(pa.RecordBatch.from_pylist([ROW]).schema, batches()))
    assert "\n" not in broken.value.message


def test_a_stream_that_waits_for_another_thread_of_python(small):
    """As those of files and of lazy sources do: the GIL is free while the stream is read."""
    batch = pa.RecordBatch.from_pylist([ROW])

    def batches():
        done = threading.Event()
        threading.Thread(target=done.set).start()
        assert done.wait(10)
        yield batch

    assert small.score(pa.RecordBatchReader.from_batches(batch.schema, batches())).status.tolist() == [0]


WRONG = {
    "outputs": (lambda m: m.score(ROW, outputs=5), "outputs: expected a list of names, got int"),
    "an output's name": (lambda m: m.score(ROW, outputs=[5]), "output: expected a str, got int"),
    "a lone surrogate": (lambda m: m.score(ROW, outputs=["\ud800"]), "output"),
    "a path": (lambda m: m.engine.load(5), "bundle: expected a path or a dict of files, got int"),
    "no path": (lambda m: m.engine.load("\ud800"), "bundle: expected a path"),
    "files": (lambda m: m.engine.load({"manifest.json": "hush"}), "bundle: expected bytes by file name, got str by str"),
    "a slot's name": (lambda m: m.engine.slot(5), "slot: expected a str, got int"),
    "a slot with a surrogate": (lambda m: m.engine.slot("\ud800", create=True), "slot name"),
    "an option": (lambda m: weighbridge.Engine(devices="\ud800"), "devices: expected"),
    "no model": (lambda m: m.engine.slot("none", create=True).swap(None), "model: expected a Model, got NoneType"),
    "columns": (lambda m: m.score_columns([1]), "expected a dict of columns, got list"),
    "an update": (lambda m: m.row().update([("amount_minor", "hush")]), "expected a dict of features, got list"),
    "a row's values": (lambda m: m.row(5), "expected a dict of features, got int"),
    "no JSON": (lambda m: m.row().set_json({"amount_minor": "hush"}), "expected JSON as str or bytes, got dict"),
    "JSON with a surrogate": (lambda m: m.row().set_json('{"country": "\ud800"}'), "row: not valid JSON"),
    "a keyword": (lambda m: m.arrays(["age_days"]).score_one(np.zeros(1, "f4"), out="hush"),
                  "expected timeout or deadline_ns, got 'out'"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_wrong_arguments_are_one_error_without_values(small, what):
    act, message = WRONG[what]
    with pytest.raises(weighbridge.Error) as refused:
        act(small)
    assert message in refused.value.message and "hush" not in refused.value.message


def test_results_have_memory_of_their_own(numeric):
    rows = np.tile(np.array([1250.0, 7.0, 250.0, 1.0]), (600, 1))
    expected = numeric.score(rows)
    shared, many = np.empty(700), np.empty((600, 2))
    for out, message in (({"score": shared[:600], "probability": shared[100:]}, "'score' and 'probability' overlap"),
                         (rows[:, 1], "'score', got memory of the payments"), (rows.reshape(-1)[1:601], "memory of the payments")):
        with pytest.raises(weighbridge.InvalidArgument, match=message):
            numeric.score(rows, out=out)
    numeric.score(rows, out={"score": many[:, 0], "probability": many[:, 1]})  # side by side
    assert same(many[:, 0].copy(), expected.score) and same(many[:, 1].copy(), expected.probability)


def test_more_than_memory_holds(small, numeric):
    few = np.zeros((1, 1), "f4")
    arrays = numeric.arrays(["age_days"])
    for rows in (2**44, 2**59):  # beyond any address space; beyond a size in bytes
        with pytest.raises(weighbridge.OutOfMemory):
            arrays.score(np.lib.stride_tricks.as_strided(few, (rows, 1), (0, 4)))
    with pytest.raises(weighbridge.InvalidArgument, match="rows: expected"):
        numeric.score(np.broadcast_to(np.zeros(4), (2**50, 4)))


def test_ctrl_c_is_heard_while_a_window_runs(fixtures):
    engine = weighbridge.Engine(contexts=1)
    model = engine.load(fixtures / "mlp", engines="fake", fake_script=json.dumps({"latency_us": 20_000}))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background of a shell ignores it
    timer = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            model.score([ROW] * 5000)  # 100 s
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - began < 30


def test_a_subinterpreter_is_refused():
    code = ("import sys, {module} as s\n"
            "i = s.create()\n"
            "paths = sys.path\n"
            "try: done = s.{run}(i, f'import sys; sys.path[:0] = {{paths!r}}\\nimport weighbridge')\n"
            "except Exception as error: done = error\n"
            "print(done)\n")
    names = ("_interpreters", "exec") if sys.version_info >= (3, 13) else ("_xxsubinterpreters", "run_string")
    done = subprocess.run([sys.executable, "-c", code.format(module=names[0], run=names[1])], capture_output=True, text=True,
                          timeout=60, env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)})
    assert done.returncode == 0 and "expected the main interpreter, got a subinterpreter" in done.stdout, done.stdout + done.stderr


def test_a_loop_that_goes_with_submits_under_way(fixtures):
    """Its queue goes too, without waiting for what runs."""
    model = weighbridge.Engine(contexts=1).load(fixtures / "mlp", engines="fake", fake_script=json.dumps({"latency_us": 10_000_000}))

    async def left() -> None:
        task = asyncio.ensure_future(model.score_async(ROW, inline=False))
        await asyncio.sleep(0.05)
        assert not task.done()

    began = time.monotonic()
    asyncio.run(left())
    gc.collect()
    assert time.monotonic() - began < 8

# SPDX-License-Identifier: Apache-2.0
"""What scoring gives, and how long calls behave: windows, progress, Ctrl-C, deadlines."""

import _thread
import concurrent.futures
import copy
import pickle
import signal
import sys
import threading
import time

import numpy as np
import pytest
import weighbridge
from conftest import BUNDLES, columns_of, same

BUNDLE = BUNDLES / "card-mlp"


def many(model, rows, count):
    """Columns of `count` payments, the given ones again and again."""
    out = {}
    for name, values in columns_of(model, rows).items():
        column = np.empty(len(values), object)
        column[:] = values
        out[name] = np.resize(column, count)
    return out


def test_a_score_says_how_it_was_made(small):
    score = small.score({"amount_minor": 1250, "country": "FR", "online": True})
    assert score.status == 0 and not score.is_fallback and score.reason == "none"
    assert score.backend == "native" and score.precision == "fp32" and score.numerics == 1 and score.device == 0
    assert score.version == "1.0.0" and small.describe()["bundle_sha256"].startswith(f"{score.bundle:016x}")
    assert small.schema.bands[score.band] == "decline" and score.defaulted == 1 and score.clipped == 0
    assert score.run_ns > 0 and score.queue_ns >= 0 and float(score) == score.score == score.probability
    assert repr(score).startswith("Score(score=0.94") and "version='1.0.0'" in repr(score)
    for other in (pickle.loads(pickle.dumps(score)), copy.copy(score)):
        assert repr(other) == repr(score) and other.run_ns == score.run_ns
    with pytest.raises(TypeError):
        weighbridge.Score()


def test_outputs_of_one_and_of_many(transformer, histories):
    one = transformer.score(histories[0], outputs=["embedding"])
    many = transformer.score(histories, outputs=["embedding"])
    assert one.outputs["embedding"].shape == (64,) and many["embedding"].shape == (len(histories), 64)
    assert same(one.outputs["embedding"], many["embedding"][0]) and transformer.score(histories[0]).outputs == {}
    assert pickle.loads(pickle.dumps(one)).outputs["embedding"].tolist() == one.outputs["embedding"].tolist()
    with pytest.raises(weighbridge.NotFound, match="embedding"):
        transformer.score(histories, outputs=["embeding"])
    with pytest.raises(weighbridge.InvalidArgument, match="list of names"):
        transformer.score(histories, outputs="embedding")


def test_out_is_the_callers_memory(transformer, histories):
    expected = transformer.score(histories, outputs=["embedding"])
    scores = np.empty(len(histories))
    assert transformer.score(histories, out=scores).score is scores and same(scores, expected.score)
    table = np.zeros(len(histories), [("status", "i4"), ("probability", "f8"), ("embedding", "f4", 64)])
    out = {name: table[name] for name in table.dtype.names}
    found = transformer.score(histories, out=out, outputs=["embedding"])
    assert found["embedding"].base is table and same(np.ascontiguousarray(table["embedding"]), expected["embedding"])
    assert same(np.ascontiguousarray(table["probability"]), expected.probability)
    read_only = np.empty(len(histories))
    read_only.flags.writeable = False
    for wrong in (np.empty(3), np.empty(len(histories), "f4"), [0.0], read_only, {"score": np.empty(3)}, {"scores": scores},
                  {"embedding": table["embedding"]}):
        with pytest.raises(weighbridge.InvalidArgument, match="out: expected"):
            transformer.score(histories, out=wrong)
    with pytest.raises(weighbridge.InvalidArgument, match="side by side"):
        transformer.score(histories, outputs=["embedding"], out={"embedding": np.empty((len(histories), 128), "f4")[:, ::2]})
    with pytest.raises(weighbridge.InvalidArgument, match="got one"):
        transformer.score(histories[0], out=scores)


def test_rows_that_are_refused_cost_themselves(mlp, payments):
    rows = [{**row, "amount_minor": -1} if i in (7, 9) else row for i, row in enumerate(payments)]
    found = mlp.score(rows)
    told = found.result
    assert (told["scored"], told["invalid"], told["first_error"], told["failed"]) == (len(rows) - 2, 2, 7, 0)
    assert told["status"] == 2 and told["fallbacks"] == 0 and told["rows"] == len(rows) and told["backend"] == "native"
    assert np.isnan(found.score[[7, 9]]).all() and found.status[7] == -1 and found.band[7] == -1
    assert mlp.schema.names[found["blamed"][9]] == "amount_minor"
    with pytest.raises(weighbridge.InvalidInput, match="amount_minor") as refused:
        found.raise_first()
    assert refused.value.row == 7 and "-1" not in refused.value.message.replace("[0, 10000000]", "")
    assert mlp.score(payments).raise_first().error is None
    assert "2 invalid" in repr(found)


def test_more_rows_than_a_window_on_all_contexts(mlp, payments):
    count = 20_000
    data = many(mlp, payments, count)
    data["amount_minor"] = data["amount_minor"].copy()
    data["amount_minor"][[12_345, 19_999]] = -1
    seen = []
    found = mlp.score_columns(data, progress=seen.append)
    expected = np.resize(mlp.score(payments).score, count)
    expected[[12_345, 19_999]] = np.nan
    assert same(found.score, expected) and sum(seen) == count and len(seen) > 10
    assert found.result["first_error"] == 12_345 and found.result["invalid"] == 2 and found.error.row == 12_345
    alone = weighbridge.Engine(contexts=1, async_threads=0).load(BUNDLE).score_columns(data)
    assert same(alone.score, expected) and alone.result["scored"] == found.result["scored"]


def test_deadlines_and_fallbacks(mlp, payments):
    assert mlp.score(payments[0], timeout=10).status == 0
    for late in ({"timeout": 0}, {"deadline_ns": 0}, {"timeout": -1}, {"deadline_ns": weighbridge.now_ns()}):
        score = mlp.score(payments[0], **late)
        assert score.is_fallback and score.reason == "deadline", late
        found = mlp.score(payments, **late)
        assert set(found.status) == {1} and found.result["fallbacks"] == len(payments)
        assert found.result["reason"] == "deadline" and set(found["reason"]) == {1}
        with pytest.raises(weighbridge.DeadlineExceeded):
            mlp.score(payments[0], fallback=False, **late)
        with pytest.raises(weighbridge.DeadlineExceeded):
            mlp.score(payments, fallback=False, **late)
    assert mlp.score(payments[0], priority="high").score == mlp.score(payments[0]).score
    for wrong in ({"timeout": "1"}, {"timeout": float("nan")}, {"deadline_ns": 1.5}, {"priority": "urgent"},
                  {"timeout": 1, "deadline_ns": 1}):
        for data in (payments[0], payments, mlp.row(payments[0])):
            with pytest.raises(weighbridge.InvalidArgument, match="timeout|deadline_ns|priority"):
                mlp.score(data, **wrong)
    quick = weighbridge.Engine(contexts=1, default_deadline_us=1).load(BUNDLE)
    assert quick.score_columns(many(quick, payments, 5000)).result["fallbacks"] > 0


class Interrupter:
    """Ctrl-C, from a progress function and as a signal."""

    def __init__(self):
        self.rows = 0

    def __call__(self, rows):
        self.rows += rows
        _thread.interrupt_main()


@pytest.mark.parametrize("contexts", [1, 2])
def test_ctrl_c_ends_a_long_call_between_windows(payments, contexts):
    engine = weighbridge.Engine(contexts=contexts)
    model = engine.load(BUNDLE)
    data = many(model, payments, 50_000)
    told = Interrupter()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background of a shell ignores it
    try:
        with pytest.raises(KeyboardInterrupt):
            model.score_columns(data, progress=told)
    finally:
        signal.signal(signal.SIGINT, before)
    assert told.rows < 50_000
    assert engine.snapshot()["waiting"] == 0
    assert model.score(payments[0]).status == 0  # nothing is left over


def test_what_a_progress_function_raises_ends_the_call(mlp, payments):
    def told(rows):
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        mlp.score_columns(many(mlp, payments, 5000), progress=told)
    assert mlp.score(payments[0]).status == 0


def test_progress_bars(mlp, payments, monkeypatch, capsys):
    bars = []

    class Bar:
        def __init__(self, total, **_):
            self.total, self.rows, self.closed = total, 0, False
            bars.append(self)

        def update(self, rows):
            self.rows += rows

        def close(self):
            self.closed = True

    auto = type(sys)("tqdm.auto")
    auto.tqdm = Bar
    monkeypatch.setitem(sys.modules, "tqdm", type(sys)("tqdm"))
    monkeypatch.setitem(sys.modules, "tqdm.auto", auto)
    data = many(mlp, payments, 25_000)
    mlp.score_columns(data)  # nobody watches
    assert not bars
    mlp.score_columns(data, progress=True)
    assert bars[0].rows == bars[0].total == 25_000 and bars[0].closed
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    mlp.score_columns(data)
    mlp.score(payments)
    assert len(bars) == 2
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    mlp.score_columns(data)
    with pytest.raises(weighbridge.InvalidArgument, match="tqdm, which is not installed"):
        mlp.score_columns(data, progress=True)
    with pytest.raises(weighbridge.InvalidArgument, match="progress: expected"):
        mlp.score_columns(data, progress="loud")


def test_threads_share_a_model(mlp, payments):
    expected = mlp.score(payments).score
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: mlp.score(payments).score, range(40)):
            assert same(found, expected)


def test_python_goes_on_while_the_library_works(mlp, payments):
    """The GIL is released: another thread counts meanwhile."""
    data = many(mlp, payments, 30_000)
    turns, stop = [0], threading.Event()

    def count():
        while not stop.is_set():
            turns[0] += 1
            time.sleep(0.0005)

    thread = threading.Thread(target=count)
    thread.start()
    alone = weighbridge.Engine(contexts=1).load(BUNDLE)
    before = turns[0]
    alone.score_columns(data)
    during = turns[0] - before
    stop.set()
    thread.join()
    assert during > 3


def test_encode_is_what_scoring_sees(transformer, histories):
    rows = histories[:8]
    alone = [transformer.encode(row) for row in rows]
    together, masks = transformer.encode(rows, masks=True)
    for k, tensor in enumerate(together):
        assert tensor.shape[0] == 8
        for i in range(8):
            own = alone[i][k][0]
            inside = tuple(slice(size) for size in own.shape)
            assert np.array_equal(tensor[i][inside], own)
            padded = tensor[i].copy()
            padded[inside] = 0
            assert not padded.any()
            if masks[k] is not None:
                assert masks[k][i].sum() == own.shape[0] and masks[k][i][: own.shape[0]].all()
    import pandas as pd
    import polars as pl

    columns = columns_of(transformer, rows)
    chunked = pl.concat([pl.DataFrame(columns)[:3], pl.DataFrame(columns)[3:]], rechunk=False)
    for form in (pd.DataFrame(columns), pl.DataFrame(columns), chunked):
        for a, b in zip(transformer.encode(form), together):
            assert same(a, b)
    wrong = [{**row, "country": None} if i == 5 else row for i, row in enumerate(rows)]
    for form in (wrong, pd.DataFrame(columns_of(transformer, wrong))):
        with pytest.raises(weighbridge.InvalidInput, match="row 5: feature 'country'") as refused:
            transformer.encode(form)
        assert refused.value.row == 5
    assert [tensor.shape[0] for tensor in transformer.encode([])] == [0] * len(together)
    with pytest.raises(weighbridge.InvalidInput, match="got a Row"):
        transformer.encode(transformer.row())

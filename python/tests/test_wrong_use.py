# SPDX-License-Identifier: Apache-2.0
"""Wrong input is a weighbridge.Error with the library's code; nothing crashes the process."""

import math
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import weighbridge
from conftest import columns_of

ROW = {"amount_minor": 1250, "age_days": 2.5, "country": "FR", "online": True}


def test_errors_are_one_type_with_codes():
    kinds = weighbridge.Error.__subclasses__()
    assert len(kinds) == 22 and all(issubclass(kind, Exception) for kind in kinds)
    for kind in kinds:
        assert weighbridge._native.status_name(kind.code) == kind.name and getattr(weighbridge, kind.__name__) is kind
        error = pickle.loads(pickle.dumps(kind("why", 3, 7)))
        assert type(error) is kind and (error.message, error.feature, error.row) == ("why", 3, 7)
        assert str(error) == f"{kind.name}: why"
    from weighbridge._error import make

    unknown = make(-999, "of a later version", -1, -1)
    assert type(unknown) is weighbridge.Error and unknown.code == -999 and str(unknown) == "-999: of a later version"
    assert pickle.loads(pickle.dumps(unknown)).code == -999


@pytest.mark.parametrize("text", ["\ud800", "FR\udfff", b"\xc3\x28", b"\xed\xa0\x80", b"\xc0\xaf"], ids=repr)
def test_what_is_no_utf_8_is_refused_as_in_c(small, text):
    with pytest.raises(weighbridge.InvalidInput, match="'country': expected UTF-8, got a bad byte at") as alone:
        small.score({**ROW, "country": text})
    found = small.score([ROW, {**ROW, "country": text}])
    assert found.status.tolist() == [0, -1] and found.error.message == alone.value.message
    columns = {name: [value, value] for name, value in ROW.items()}
    found = small.score_columns({**columns, "country": ["FR", text]})
    assert found.status.tolist() == [0, -1] and found.error.message == alone.value.message


@pytest.mark.parametrize("data", [None, 7, 1.5, "x", b"x", object(), iter([]), {1, 2}, [1], [None], [ROW, 3], np.float64(1),
                                  np.array(7), np.zeros(3), np.zeros((2, 2, 2)), {"amount_minor"}, ROW.items()],
                         ids=lambda data: type(data).__name__)  # fmt: skip
def test_what_is_no_payment(small, data):
    with pytest.raises(weighbridge.InvalidInput, match="expected"):
        small.score(data)


@pytest.mark.parametrize("data", [7, [ROW], np.zeros((2, 4)), None])
def test_many_where_one_is_wanted(small, data):
    with pytest.raises(weighbridge.InvalidInput, match="expected one payment"):
        small.score_row(data)


def test_columns_that_do_not_fit(small):
    columns = {name: [value] * 5 for name, value in ROW.items()}
    makers = (lambda c: small.score_columns(c), lambda c: small.score(pd.DataFrame(c)), lambda c: small.score(pl.DataFrame(c)),
              lambda c: small.score(pa.table(c)))
    for make in makers:
        assert make(columns).status.tolist() == [0] * 5
        with pytest.raises((weighbridge.NotFound, weighbridge.InvalidArgument), match="'amount'"):
            make({**columns, "amount": [1] * 5})
        with pytest.raises(weighbridge.InvalidArgument, match="missing 'country'"):
            make({name: values for name, values in columns.items() if name != "country"})
    for wrong in ([1] * 4, np.ones(6), np.ones((5, 2))):
        with pytest.raises(weighbridge.InvalidArgument, match="column 'online': expected (5 rows|one dimension), got"):
            small.score_columns({**columns, "online": wrong})
    for wrong, message in (("FR", "list of str, got one str"), (object(), "array or a list, got object")):
        with pytest.raises(weighbridge.InvalidInput, match=message):
            small.score_columns({**columns, "country": wrong})
    with pytest.raises(weighbridge.InvalidArgument, match="missing 'amount_minor', 'country', 'online'"):
        small.score_columns({})
    twice = pd.DataFrame(columns)
    twice.columns = ["amount_minor", "age_days", "country", "country"]
    with pytest.raises(weighbridge.InvalidArgument, match="'country': expected once, got twice"):
        small.score(twice)


@pytest.mark.parametrize("name, values", [
    ("amount_minor", ["1"] * 3), ("online", np.array([2, 0, 1])), ("country", [1] * 3), ("country", np.arange(3)),
    ("country", np.array([True] * 3)), ("amount_minor", np.array([True] * 3)), ("amount_minor", np.array([0.5] * 3)),
    ("age_days", ["x"] * 3), ("age_days", np.array([math.inf] * 3)), ("amount_minor", np.array(["1"] * 3)),
    ("online", ["yes"] * 3), ("amount_minor", np.array([2**63] * 3, np.uint64)),
], ids=repr)  # fmt: skip
def test_columns_of_the_wrong_type(small, name, values):
    """Refused as a whole where no value can fit, else by row."""
    columns = {key: [value] * 3 for key, value in ROW.items()}
    try:
        found = small.score_columns({**columns, name: values})
    except weighbridge.Error as error:
        assert error.code in (-1, -2) and f"'{name}'" in error.message
    else:
        assert -1 in found.status and f"'{name}'" in found.error.message


def test_streams_that_are_broken(small):
    class Broken:
        def __arrow_c_stream__(self, requested_schema=None):
            return object()

    class Failing:
        def __arrow_c_stream__(self, requested_schema=None):
            def batches():
                yield pa.record_batch({name: [value] for name, value in ROW.items()})
                raise OSError("the disk is gone")

            first = pa.record_batch({name: [value] for name, value in ROW.items()})
            return pa.RecordBatchReader.from_batches(first.schema, batches()).__arrow_c_stream__()

    with pytest.raises(weighbridge.InvalidArgument, match="capsule 'arrow_array_stream', got object"):
        small.score(Broken())
    with pytest.raises(weighbridge.InvalidArgument, match="Arrow stream: .*the disk is gone"):
        small.score(Failing())
    with pytest.raises(weighbridge.InvalidArgument, match="expected an Arrow struct"):
        small.score(pa.chunked_array([[1, 2]]))
    with pytest.raises(weighbridge.InvalidArgument, match="amount_minor.*d:"):
        small.score(pa.table({name: pa.array([value], pa.decimal128(9, 2)) if name == "amount_minor" else [value]
                              for name, value in ROW.items()}))


def test_long_values(transformer, histories):
    found = transformer.score({**histories[0], "descriptor": "x" * 1_000_000})
    assert found.status == 0
    past = [name for name in transformer.schema.names if name.startswith("past_")]
    for length in (25, 10_000):
        row = {**histories[0], **{name: ["FR" if name == "past_country" else 0] * length for name in past}}
        assert transformer.score(row).score == transformer.score_columns(columns_of(transformer, [row])).score[0]


def test_closed_engines(fixtures):
    engine = weighbridge.Engine(contexts=1)
    model, slot = engine.load(fixtures / "mlp"), engine.slot("s", create=True)
    row = model.row(ROW)
    engine.close()
    engine.close()
    for act in (lambda: model.score(ROW), lambda: model.score(row), lambda: model.score([ROW]), lambda: model.score([ROW] * 2000),
                lambda: engine.load(fixtures / "mlp"), lambda: slot.load(fixtures / "mlp"), lambda: engine.slot("t", create=True)):
        with pytest.raises(weighbridge.Closed):
            act()
    assert model.encode(ROW) and repr(engine) and repr(model) and engine.metrics()


def test_the_interpreter_ends_while_threads_score(fixtures, tmp_path):
    program = tmp_path / "exits.py"
    program.write_text(
        "import sys, threading, time\n"
        f"sys.path[:0] = {[str(path) for path in sys.path if path]!r}\n"
        "import weighbridge\n"
        f"model = weighbridge.load({str(fixtures / 'mlp')!r})\n"
        f"row = {ROW!r}\n"
        "def run():\n"
        "    while True: model.score([row] * 2000)\n"
        "for _ in range(3): threading.Thread(target=run, daemon=True).start()\n"
        "time.sleep(0.2)\n", encoding="utf-8")
    for _ in range(3):
        done = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and done.stderr == "", done.stderr

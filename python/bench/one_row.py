# SPDX-License-Identifier: Apache-2.0
"""Times the Python package on an MLP of 80 features (tests/bench/README.md): a line of JSON for each case."""

import argparse
import asyncio
import ctypes
import json
import pathlib
import statistics
import sys
import time

import numpy as np
import pandas as pd
import weighbridge

NUMBERS = [f"n{i:02}" for i in range(64)]
CODES = [f"c{i:02}" for i in range(16)]
FRAME = 100_000
CALLS = 20  # in a sample
_RECORD = np.dtype([("numbers", "<f4", 64), ("codes", "<i8", 16), ("logit", "<f8")])


class InC:
    """The C call of a model on filled rows, in this process (tests/bench/calls.c)."""

    def __init__(self, library: str, calls: str, model: weighbridge.Model, rows: list[weighbridge.Row]) -> None:
        score = ctypes.cast(ctypes.CDLL(library).wb_model_score, ctypes.c_void_p)
        self._calls = ctypes.CDLL(calls).bench_calls_score
        self._calls.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
        self._calls.restype = ctypes.c_int64
        self._score, self._token, self._rows = score, model._target.token, rows

    def us(self, index: int, calls: int) -> float:
        """Of a call, over so many on one row."""
        took = self._calls(self._score, self._token, self._rows[index].address, calls)
        if took < 0:
            sys.exit("C: a call failed")
        return took / calls / 1000


def median_us(call, rows: list, seconds: float, in_c: InC | None = None) -> dict[str, float]:
    """The medians of samples of CALLS calls on one row, the next of all in turn, so short that other work on the machine
    falls on few of them; the C call is timed between, as often and on the same row. Half as many before each: the caches are
    as the other has left them. Without the C call a sample is one call."""
    for row in rows:
        call(row)
    calls = CALLS if in_c else 1
    samples, of_c = [], []
    end = time.perf_counter_ns() + int(seconds * 1e9)
    while len(samples) < 5 or time.perf_counter_ns() < end:
        index = len(samples) % len(rows)
        row = rows[index]
        for _ in range(calls // 2):
            call(row)
        begin = time.perf_counter_ns()
        for _ in range(calls):
            call(row)
        samples.append((time.perf_counter_ns() - begin) / calls / 1000)
        if in_c:
            in_c.us(index, calls // 2)
            of_c.append(in_c.us(index, calls))
    return {"us": statistics.median(samples), **({"c_us": statistics.median(of_c)} if in_c else {})}


def say(case: str, times: dict[str, float], **more: object) -> None:
    rounded = {name: round(us, 4) for name, us in times.items()}
    print(json.dumps({"case": case, "language": "python", **rounded, **more}), flush=True)


def check(found, payments: np.ndarray, tolerance: float, what: str) -> None:
    worst = float(np.abs(np.asarray(found) - payments["logit"]).max())
    if not worst <= tolerance:
        sys.exit(f"{what}: expected scores within {tolerance} of LibTorch's, got {worst}")


def frame_of(payments: np.ndarray, objects: int = 0) -> pd.DataFrame:
    """64 columns of float32, 8 of int64, 8 of categories, of which `objects` are columns of Python objects."""
    taken = np.resize(payments, FRAME)
    frame = pd.DataFrame({name: np.ascontiguousarray(taken["numbers"][:, i]) for i, name in enumerate(NUMBERS)})
    codes = {name: np.ascontiguousarray(taken["codes"][:, i]) for i, name in enumerate(CODES)}
    frame = frame.assign(**codes).astype({name: "category" for name in CODES[8:]})
    return frame.astype({name: object for name in (NUMBERS[:objects // 2] + CODES[:objects - objects // 2])})


async def awaited(model, rows: list, seconds: float, inline: bool, in_c: InC) -> dict[str, float]:
    """The medians of single awaits, one after the other on one row, and of the C call between."""
    samples, of_c = [], []
    end = time.perf_counter_ns() + int(seconds * 1e9)
    while time.perf_counter_ns() < end or len(of_c) < len(rows):
        index = len(of_c) % len(rows)
        for i in range(CALLS):
            begin = time.perf_counter_ns()
            await model.score_async(rows[index], inline=inline)
            if i >= CALLS // 2:
                samples.append(time.perf_counter_ns() - begin)
        in_c.us(index, CALLS // 2)
        of_c.append(in_c.us(index, CALLS))
    return {"us": statistics.median(samples) / 1000, "c_us": statistics.median(of_c)}


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, kind in (("library", str), ("calls", str), ("bundle", pathlib.Path), ("payments", pathlib.Path), ("tolerance", float),
                       ("seconds", float)):
        parser.add_argument(f"--{name}", type=kind, required=True)
    options = parser.parse_args()
    data = options.payments.read_bytes()
    payments = np.frombuffer(data, _RECORD, int(np.frombuffer(data, "<i8", 1)[0]), 8)

    model = weighbridge.load(options.bundle, engines="native", precision="fp32")
    dicts = [dict(zip(NUMBERS + CODES, one["numbers"].tolist() + one["codes"].tolist())) for one in payments]
    filled = [model.row(row) for row in dicts]
    vectors = [np.concatenate([one["numbers"].astype("f8"), one["codes"]]) for one in payments]
    groups = [(one["numbers"].copy(), one["codes"].copy()) for one in payments]
    arrays = model.arrays(NUMBERS, CODES)
    for what, found in (("filled", [model.score(row).score for row in filled]),
                        ("numpy", [model.score(row).score for row in vectors]),
                        ("arrays", [arrays.score_one(*group) for group in groups]),
                        ("dict", [model.score(row).score for row in dicts]),
                        ("frame", model.score(frame_of(payments), progress=False).score[:len(payments)]),
                        ("objects", model.score(frame_of(payments, 4)[:len(payments)]).score)):
        check(found, payments, options.tolerance, what)

    in_c = InC(options.library, options.calls, model, filled)
    say("filled", median_us(model.score, filled, options.seconds, in_c))
    say("numpy", median_us(model.score, vectors, options.seconds, in_c))
    say("numpy", median_us(lambda group: arrays.score_one(*group), groups, options.seconds, in_c), variant="arrays")
    say("dict", median_us(model.score, dicts, options.seconds, in_c))
    for inline, case in ((False, "async"), (True, "inline")):
        say(case, asyncio.run(awaited(model, filled, options.seconds, inline, in_c)))
    for objects, more in ((0, {}), (4, {"variant": "4 object columns"})):
        times = median_us(lambda frame: model.score(frame, progress=False), [frame_of(payments, objects)], options.seconds)
        say("frame", {"us": times["us"] / FRAME}, **more)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""Times the Python package on an MLP of 80 features (tests/bench/README.md): a line of JSON for each case."""

import argparse
import asyncio
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
SAMPLE_NS = 2_000_000
_RECORD = np.dtype([("numbers", "<f4", 64), ("codes", "<i8", 16), ("logit", "<f8")])


def median_us(call, rows: list, seconds: float) -> float:
    """The median of samples of a few milliseconds; `call` takes one of `rows` in turn."""
    for row in rows:
        call(row)
    begin = time.perf_counter_ns()
    for row in rows:
        call(row)
    passes = 1 + SAMPLE_NS // max(1, time.perf_counter_ns() - begin)
    samples = []
    end = time.perf_counter_ns() + int(seconds * 1e9)
    while len(samples) < 5 or time.perf_counter_ns() < end:
        begin = time.perf_counter_ns()
        for _ in range(passes):
            for row in rows:
                call(row)
        samples.append((time.perf_counter_ns() - begin) / passes / len(rows) / 1000)
    return statistics.median(samples)


def say(case: str, us: float, **more: object) -> None:
    print(json.dumps({"case": case, "language": "python", "us": round(us, 4), **more}), flush=True)


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


async def awaited(model, rows: list, seconds: float, inline: bool) -> float:
    """The median of single awaits, one after the other."""
    samples = []
    end = time.perf_counter_ns() + int(seconds * 1e9)
    for row in rows:
        await model.score_async(row, inline=inline)
    while time.perf_counter_ns() < end or len(samples) < len(rows):
        for row in rows:
            begin = time.perf_counter_ns()
            await model.score_async(row, inline=inline)
            samples.append(time.perf_counter_ns() - begin)
    return statistics.median(samples) / 1000


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, kind in (("library", str), ("bundle", pathlib.Path), ("payments", pathlib.Path), ("tolerance", float),
                       ("seconds", float)):
        parser.add_argument(f"--{name}", type=kind, required=True)
    parser.add_argument("--calls", help="not used: the C call is timed by its own program")
    options = parser.parse_args()
    data = options.payments.read_bytes()
    payments = np.frombuffer(data, _RECORD, int(np.frombuffer(data, "<i8", 1)[0]), 8)

    model = weighbridge.load(options.bundle, engines="native", precision="fp32")
    dicts = [dict(zip(NUMBERS + CODES, one["numbers"].tolist() + one["codes"].tolist())) for one in payments]
    filled = [model.row(row) for row in dicts]
    vectors = [np.concatenate([one["numbers"].astype("f8"), one["codes"]]) for one in payments]
    groups = [(one["numbers"].copy(), one["codes"].copy()) for one in payments]
    arrays = model.arrays(NUMBERS, CODES)
    frame = frame_of(payments)
    for what, found in (("filled", [model.score(row).score for row in filled]),
                        ("numpy", [model.score(row).score for row in vectors]),
                        ("arrays", [arrays.score_one(*group) for group in groups]),
                        ("dict", [model.score(row).score for row in dicts]),
                        ("frame", model.score(frame, progress=False).score[:len(payments)]),
                        ("objects", model.score(frame_of(payments, 4)[:len(payments)]).score)):
        check(found, payments, options.tolerance, what)

    say("filled", median_us(model.score, filled, options.seconds))
    say("numpy", median_us(model.score, vectors, options.seconds))
    say("numpy", median_us(lambda group: arrays.score_one(*group), groups, options.seconds), variant="arrays")
    say("dict", median_us(model.score, dicts, options.seconds))
    for inline, case in ((False, "async"), (True, "inline")):
        say(case, asyncio.run(awaited(model, filled, options.seconds, inline)))
    score = lambda frame: model.score(frame, progress=False)  # noqa: E731
    say("frame", median_us(score, [frame], options.seconds) / FRAME)
    say("frame", median_us(score, [frame_of(payments, 4)], options.seconds) / FRAME, variant="4 object columns")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""Rounds: in each, every engine is timed once, in an order that rotates, so that what else the machine does falls on
all alike. A sample is as many passes as take 2 ms; the figure is the median over the rounds."""
import contextlib
import statistics
import sys
import time

SAMPLE_NS = 2_000_000
EXACT, LOSSY = 1e-5, 0.05  # largest difference from LibTorch, of the largest |logit|: fp32; bf16 and int8


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def quiet(nowhere):
    """Exporters talk a lot."""
    with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        yield


def pass_ns(calls: list) -> int:
    begin = time.perf_counter_ns()
    for call in calls:
        call()
    return time.perf_counter_ns() - begin


def quick_us(calls: list) -> float:
    """A first look: the median of some passes, in microseconds."""
    pass_ns(calls)
    taken, end = [], time.perf_counter_ns() + 30_000_000
    while len(taken) < 3 or time.perf_counter_ns() < end:
        taken.append(pass_ns(calls))
    return statistics.median(taken) / 1000


class Sampler:
    """Times one engine's calls. `ns` are the samples' times of a pass; `call_ns` single calls, of some samples."""

    def __init__(self, calls: list):
        self.calls, self.ns, self.call_ns = calls, [], []
        once = pass_ns(calls)  # warm already: the answers were checked
        if once < 10 * SAMPLE_NS:
            once = min(pass_ns(calls) for _ in range(3))
        self.passes = max(1, -(-SAMPLE_NS // once))

    def sample(self) -> None:
        calls, passes, clock = self.calls, range(self.passes), time.perf_counter_ns
        if len(self.ns) % 4 == 3:  # with the clock read at each call, for the tail
            stamps, last = self.call_ns, clock()
            for _ in passes:
                for call in calls:
                    call()
                    now = clock()
                    stamps.append(now - last)
                    last = now
        begin = clock()
        for _ in passes:
            for call in calls:
                call()
        self.ns.append((clock() - begin) / self.passes)

    def median_us(self, by_call: bool) -> float:
        return statistics.median(self.ns) / 1000 / (len(self.calls) if by_call else 1)

    def p99_us(self) -> float:
        """Of single calls."""
        ordered = sorted(self.call_ns) or [ns / len(self.calls) for ns in self.ns]
        return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] / 1000


def rounds(samplers: dict, seconds: float, least: int) -> int:
    """Runs rounds for about so many seconds. @return how many there were"""
    names, done = list(samplers), 0
    end = time.monotonic() + seconds
    while done < least or time.monotonic() < end:
        for i in range(len(names)):
            samplers[names[(i + done) % len(names)]].sample()
        done += 1
    return done

# SPDX-License-Identifier: Apache-2.0
"""`weighbridge bench`: closed and open loops, pauses, several counts of threads."""
import json
import os
import pathlib
import pty
import signal
import subprocess

import pytest
from test_cli import BUILD, COMMAND, SCORE, bundle, bundles, csv_of, pytestmark, run, write  # noqa: F401

DRIVER = BUILD / "libcuda_sim.so"
KERNELS = pathlib.Path(__file__).parents[1] / "support" / "cuda_sim" / "image.bin"
QUICK = ("--seconds", "0.3", "--warm-up", "0.01")


def bench(bundle, *arguments):
    return json.loads(run("bench", bundle, *QUICK, "--json", *arguments).stdout)


def rises(quantiles):
    values = [quantiles[name] for name in ("p50", "p90", "p99", "p99.9", "max")]
    return values == sorted(values) and values[0] >= 0


def test_many_threads_on_few_contexts(bundle):
    report = bench(bundle, "--threads", "16", "--contexts", "2")
    assert (report["loop"], report["threads"], report["contexts"]) == ("closed", 16, 2)
    assert report["calls"] > 0 and report["differing"] == 0 and rises(report["latency_us"])
    assert "start_delay_us" not in report and "think_us" not in report


def test_contexts_are_as_many_as_the_most_threads(bundle):
    assert bench(bundle, "--threads", "3")["contexts"] == 3
    assert bench(bundle, "--threads", "1,4,2")["contexts"] == 4


def test_devices_take_the_place_of_contexts(bundle):
    report = bench(bundle, "--devices", "cpu=2", "--threads", "2", "--batch", "4")
    assert report["devices"] == "cpu=2" and "contexts" not in report
    assert report["calls"] > 0 and report["gpu_rows"] == 0
    assert "got both" in run("bench", bundle, "--devices", "cpu=2", "--contexts", "2", code=2).stderr
    refused = run("bench", bundle, "--devices", "cuda:0", "--cuda-driver", "no/libcuda.so.1", code=1).stderr
    assert "cuda:0: no driver here" in refused and "no/libcuda.so.1" in refused


def test_a_pause_lowers_the_rate_and_is_in_no_latency(bundle):
    report = bench(bundle, "--threads", "2", "--think-us", "20000")
    # At most one call a pause; ten times what is expected is more than chance gives.
    assert 1 <= report["calls"] < 2 * 0.3 / 0.02 * 10 and report["think_us"] == 20000
    assert report["latency_us"]["p50"] < 20000


def test_an_open_loop_says_intended_and_reached_rate(bundle):
    report = bench(bundle, "--threads", "4", "--contexts", "2", "--rate", "500")
    assert report["loop"] == "open" and report["intended_calls_per_second"] == 500
    # 150 arrivals are expected, give or take 12.
    assert 100 < report["reached_calls_per_second"] < 1000
    assert 0 <= report["late_calls"] <= report["calls"]
    assert rises(report["latency_us"]) and rises(report["start_delay_us"])
    assert report["start_delay_us"]["p50"] <= report["latency_us"]["p50"]


def test_a_rate_that_cannot_be_reached_shows_the_backlog(bundle):
    report = bench(bundle, "--rate", "10000000", "--batch", "64")
    assert report["reached_calls_per_second"] < 5_000_000
    assert report["late_calls"] > 0.9 * report["calls"] > 0 and report["behind_us"] > 10_000
    # The time in the backlog is part of the latency: far more than a call takes.
    assert report["latency_us"]["p50"] > 10_000
    assert report["latency_us"]["p50"] - report["start_delay_us"]["p50"] < 0.2 * report["latency_us"]["p50"]


def test_rows_of_an_open_loop_come_in_batches(bundle):
    report = bench(bundle, "--rate", "500", "--batch", "8")
    assert report["rows"] == 8 * report["calls"]


def test_counts_of_threads_take_turns(bundle):
    report = bench(bundle, "--threads", "1,4,1", "--contexts", "2")
    lines = report["by_threads"]
    assert [line["threads"] for line in lines] == [1, 4, 1] and "threads" not in report
    assert lines[0]["relative_rate"] == 1
    for line in lines:
        assert line["relative_rate"] == pytest.approx(line["rows_per_second"] / lines[0]["rows_per_second"])
        assert line["calls"] > 0 and line["differing"] == 0 and rises(line["latency_us"])


def test_counts_of_threads_are_a_table(bundle):
    text = run("bench", bundle, *QUICK, "--threads", "1,2").stdout
    head = next(line for line in text.splitlines() if "relative rate" in line)
    assert head.split()[:2] == ["threads", "rows/s"] and "by threads" in text


@pytest.mark.parametrize("arguments, message", [
    (("--rate", "5", "--think-us", "5"), "expected --rate (open loop) or --think-us (closed loop), got both"),
    (("--rate", "0"), "--rate: expected at least 0.01, got 0"),
    (("--rate", "1e8"), "--rate: expected at most 10000000, got 1e8"),
    (("--think-us", "0"), "--think-us: expected at least 1, got 0"),
    (("--think-us", "60000001"), "--think-us: expected at most 60000000, got 60000001"),
    (("--threads", "2,257"), "--threads: expected at most 256, got 257"),
    (("--threads", "2,x"), "--threads: expected 1 to 256, got 'x'"),
    (("--threads", ""), "--threads: "),
    (("--seed", "-1"), "--seed: "),
])
def test_wrong_loads_are_told_by_their_option(bundle, arguments, message):
    assert message in run("bench", bundle, *arguments, code=2).stderr


def test_no_call_within_the_time_is_a_failure(bundle):
    assert "no call" in run("bench", bundle, *QUICK, "--rate", "0.01", code=1).stderr


@pytest.mark.parametrize("load", [(), ("--think-us", "60000000"), ("--rate", "0.01")])
def test_an_interrupt_ends_a_bench_that_sleeps(bundle, load):
    terminal, line = pty.openpty()
    process = subprocess.Popen([COMMAND, "bench", bundle, "--seconds", "600", *load], stdout=subprocess.PIPE, stderr=line)
    os.close(line)
    shown = b""
    while b" of 600.5 s" not in shown:  # the progress: it runs
        shown += os.read(terminal, 1000)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130 and out == b""
    while b"ended by SIGINT before its time" not in shown:
        shown += os.read(terminal, 1000)
    os.close(terminal)


def test_a_gpu_that_is_not_there_is_told_of(bundle, tmp_path):
    source = write(tmp_path / "in.csv", csv_of(20))
    done = run("score", bundle, "--input", source, "--output", tmp_path / "out.csv", "--json", *SCORE,
               "--devices", "cuda:0?", "--cuda-driver", "no/libcuda.so.1")
    assert done.stderr.startswith("warning: the CPU serves alone: cuda:0: no driver here")
    assert json.loads(done.stdout)["gpu_rows"] == 0


def test_calls_with_a_deadline_that_passes_are_counted_as_expired(bundle):
    report = bench(bundle, "--threads", "8", "--contexts", "1", "--batch", "4096", "--deadline-us", "1")
    assert report["deadline_us"] == 1 and report["differing"] == 0
    assert report["rows"] >= report["fallbacks"] == report["expired"] > 0 == report["overloaded"]


def test_calls_beyond_the_queue_limit_are_counted_as_overloaded(bundle):
    report = bench(bundle, "--threads", "8", "--contexts", "1", "--batch", "512", "--queue-limit", "0", "--priority", "high")
    assert report["overloaded"] == report["fallbacks"] > 0 == report["expired"] and report["differing"] == 0


def test_help_says_that_lists_have_commas(bundle):
    assert "a list between commas" in " ".join(run("bench", "--help").stdout.split())
    assert "--priority" in run("bench", bundle, "--priority", "low", code=2).stderr


@pytest.mark.skipif(not DRIVER.exists(), reason="the simulated CUDA driver is not built")
def test_a_gpu_answers_with_the_bits_of_the_cpu(bundle, tmp_path):
    gpu = ("--cuda-driver", DRIVER, "--cuda-kernels", KERNELS)
    report = bench(bundle, "--devices", "cuda:0!=1,cpu=1", *gpu, "--batch", "8")
    assert report["gpu_rows"] == report["rows"] > 0 and report["differing"] == 0
    source = write(tmp_path / "in.csv", csv_of(20))
    done = [run("score", bundle, "--input", source, "--output", "-", "--threads", "1", "--json", *SCORE, *devices)
            for devices in (("--devices", "cpu=1"), ("--devices", "cuda:0!,cpu=1", *gpu))]
    assert done[0].stdout == done[1].stdout
    assert [json.loads(one.stderr.splitlines()[-1])["gpu_rows"] for one in done] == [0, 20]


@pytest.mark.skipif(not DRIVER.exists(), reason="the simulated CUDA driver is not built")
def test_why_a_model_stays_on_the_cpu_is_said(bundle, monkeypatch):
    monkeypatch.setenv("CUDA_SIM_FAULTS", "cuMemAlloc_v2:1=2")
    gpu = ("--devices", "cuda:0!,cpu=1", "--cuda-driver", DRIVER, "--cuda-kernels", KERNELS)
    done = run("bench", bundle, *QUICK, "--json", *gpu)
    assert json.loads(done.stdout)["gpu_rows"] == 0
    assert done.stderr.startswith("warning: model ") and done.stderr.count("\n") == 1
    assert "stays on the CPU, not on cuda:0: " in done.stderr and "bytes are needed" in done.stderr

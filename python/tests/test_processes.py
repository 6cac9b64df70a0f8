# SPDX-License-Identifier: Apache-2.0
"""Forks: multiprocessing, and gunicorn with a preloaded model."""

import asyncio
import concurrent.futures
import json
import multiprocessing
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest
import weighbridge
from conftest import BUNDLES, same

MODEL = None  # a forked child's, from its parent


def score_in_child(rows):
    return MODEL.score(rows).score, [MODEL.score(row).score for row in rows[:5]]


def score_async_in_child(row):
    return asyncio.run(MODEL.score_async(row, inline=False)).score


def load_and_score(rows):
    model = weighbridge.load(BUNDLES / "card-mlp")
    return model.score(rows).score, [model.score(row).score for row in rows[:5]]


@pytest.mark.parametrize("contexts", [1, 2])
def test_multiprocessing_by_fork(payments, contexts):
    """The parent has threads of the library's by then, and a queue; the children use its model."""
    global MODEL
    MODEL = weighbridge.Engine(contexts=contexts).load(BUNDLES / "card-mlp")
    many = payments * 40
    expected = MODEL.score(many).score
    assert asyncio.run(MODEL.score_async(payments[0], inline=False)).score == expected[0]
    with multiprocessing.get_context("fork").Pool(3) as pool:
        for found, alone in pool.map(score_in_child, [many] * 9):
            assert same(found, expected) and alone == expected[:5].tolist()
        assert set(pool.map(score_async_in_child, [payments[0]] * 6)) == {expected[0]}
    assert same(MODEL.score(many).score, expected)


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_multiprocessing_by_other_ways(payments, method):
    expected = weighbridge.load(BUNDLES / "card-mlp").score(payments).score
    with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context(method)) as pool:
        for found, alone in pool.map(load_and_score, [payments] * 2):
            assert same(found, expected) and alone == expected[:5].tolist()


def test_scores_and_errors_cross_processes(payments):
    global MODEL
    MODEL = weighbridge.load(BUNDLES / "card-mlp")
    with multiprocessing.get_context("fork").Pool(1) as pool:
        score = pool.apply(MODEL_score, (payments[0],))
        assert score.score == MODEL.score(payments[0]).score and score.backend == "native"
        with pytest.raises(weighbridge.InvalidInput, match="amount_minor"):
            pool.apply(MODEL_score, ({**payments[0], "amount_minor": -1},))


def MODEL_score(row):
    return MODEL.score(row)


def test_a_row_in_use_at_a_fork_is_free_in_the_child(mlp, payments):
    """Threads score with rows of theirs while the process forks; the child scores with the same rows."""
    rows = [mlp.row(row) for row in payments[:3]]
    expected = [mlp.score(row).score for row in rows]
    stop = []

    def use(row):
        while not stop:
            mlp.score(row)

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        users = [pool.submit(use, row) for row in rows]
        for _ in range(20):
            child = os.fork()
            if child == 0:
                os._exit(0 if [mlp.score(row).score for row in rows] == expected else 1)
            assert os.waitpid(child, 0)[1] == 0
        stop.append(True)
        for user in users:
            user.result()


SERVICE = '''
import json, os, sys
sys.path[:0] = json.loads(os.environ["SERVICE_PATH"])
import weighbridge

model = weighbridge.load(os.environ["SERVICE_BUNDLE"])
warm = model.score([json.loads(os.environ["SERVICE_ROW"])] * 2000)  # the parent has used every context


def app(environ, start_response):
    row = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)) or "{}")
    try:
        score = model.score(row, timeout=10)
        batch = model.score([row] * 1500)
        body = {"score": score.score, "batch": float(batch.score[-1]), "process": os.getpid()}
        status = "200 OK"
    except weighbridge.InvalidInput as error:
        body, status = {"error": error.message}, "422 Unprocessable Entity"
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(body).encode()]
'''


def post(port, row):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", json.dumps(row).encode())
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


@pytest.mark.parametrize("workers", [["--worker-class", "sync"], ["--worker-class", "gthread", "--threads", "3"]],
                         ids=["sync", "threads"])  # fmt: skip
def test_gunicorn_with_a_preloaded_model(payments, tmp_path, workers):
    (tmp_path / "service.py").write_text(SERVICE, encoding="utf-8")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    package = str(pathlib.Path(weighbridge.__file__).parents[1])
    environment = {**os.environ, "SERVICE_BUNDLE": str(BUNDLES / "card-mlp"), "SERVICE_ROW": json.dumps(payments[0]),
                   "SERVICE_PATH": json.dumps([package])}
    command = [sys.executable, "-m", "gunicorn", "--preload", "--workers", "2", "--bind", f"127.0.0.1:{port}",
               "--max-requests", "25", "--graceful-timeout", "30", *workers, "service:app"]
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)
    try:
        expected = weighbridge.load(BUNDLES / "card-mlp").score(payments).score
        wait_for(port, server, tmp_path / "log")
        processes = set()
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            turns = [i % len(payments) for i in range(150)]
            for i, found in zip(turns, pool.map(lambda i: retried(port, payments[i]), turns)):
                assert found["score"] == found["batch"] == expected[i]
                processes.add(found["process"])
        assert len(processes) > 2  # workers were restarted meanwhile
        try:
            post(port, {**payments[0], "amount_minor": -1})
        except urllib.error.HTTPError as refused:
            assert refused.code == 422 and "amount_minor" in json.loads(refused.read())["error"]
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0, (tmp_path / "log").read_text()
    assert "Traceback" not in (tmp_path / "log").read_text(), (tmp_path / "log").read_text()


def retried(port, row):
    """A restarting worker may close a connection that it has not read: the client's to try again."""
    for _ in range(20):
        try:
            return post(port, row)
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
    return post(port, row)


def wait_for(port, server, log):
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert server.poll() is None, log.read_text()
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("gunicorn did not start: " + log.read_text())


def test_the_default_engine_is_made_once(fixtures):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        engines = list(pool.map(lambda _: weighbridge.default_engine(), range(64)))
    assert len({id(engine) for engine in engines}) == 1
    assert np.unique([engine.snapshot()["contexts"] for engine in engines]).size == 1

# SPDX-License-Identifier: Apache-2.0
"""Files that `weighbridge score` and `encode` read and write: bad records, messages, outputs, signals, ids."""
import csv
import json
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time

import pytest

BUILD = pathlib.Path(os.environ.get("WB_BUILD_DIR", "build/release")).resolve()
COMMAND = BUILD / "bin" / "weighbridge"
MAKE_FIXTURE = BUILD / "tests" / "make_fixture"

pytestmark = pytest.mark.skipif(not COMMAND.exists() or not MAKE_FIXTURE.exists(), reason="the build is not there")

HEADER = "id,amount_minor,age_days,country,online"


@pytest.fixture(scope="session")
def bundles(tmp_path_factory):
    directory = tmp_path_factory.mktemp("bundles") / "made"
    subprocess.run([MAKE_FIXTURE, directory], check=True)
    return directory


@pytest.fixture
def bundle(bundles):
    return bundles / "mlp"


def run(*arguments, code=0, **more):
    done = subprocess.run([COMMAND, *map(str, arguments)], capture_output=True, timeout=120, **more)
    assert done.returncode == code, done.stderr
    assert all(byte >= 32 or byte == 10 for byte in done.stderr)
    done.stderr = done.stderr.decode()
    if code in (1, 2):
        assert done.stderr.count("\n") == 1 and done.stderr.startswith("weighbridge")
    return done


def write(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape"))
    return path


def rows_of(path):
    with open(path, newline="", errors="surrogateescape") as file:
        return list(csv.DictReader(file))


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def score(bundle, source, output, *more, code=0, **options):
    return run("score", bundle, "--input", source, "--output", output, *more, code=code, **options)


def good(i):
    return f"p{i},{i},1,FR,1"


def csv_of(count):
    return HEADER + "\n" + "".join(good(i) + "\n" for i in range(count))


def ndjson_of(i):
    return '{"id": %d, "amount_minor": 5, "country": "FR", "online": true}' % i


# A bad row costs itself


BAD_CSV = ['x,5,1,12" PIZZA,1', 'x,5,1,12",1\nx,5,1,"FR,1', 'x,5,1,"FR,1', '"x,5,1,FR,1', 'x,5,1,FR,"', 'x,5,1,"F"R,1',
           "x,5,1,FR", "x,5,1,FR,1,1", "x,5,1,F\0R,1", "x,5,1,FR,1\rx,5,1,FR,1", "x,5,1," + "F" * (1 << 20) + ",1",
           'x,5,1,"' + "F" * (1 << 20) + '",1', 'x,5,1,"two\nlines,1', "x,-5,1,FR,1", "\udcff\udcfe,\udcff,1,FR,1"]
BAD_NDJSON = ['{"id": 1, "amount_minor": 5, "country": "12" PIZZA", "online": true}', "{", "[1]", '"', "\0", "{}" * 2,
              '{"id": 1, "amount_minor": -5, "country": "FR", "online": true}', '{"id":"' + "x" * (1 << 20) + '"}',
              ndjson_of(1) + "\r" + ndjson_of(2), '{"id": "\udcff", "amount_minor": 5, "country": "FR", "online": true}']


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
@pytest.mark.parametrize("more", [(), ("--batch", "100"), ("--threads", "1")])
def test_one_bad_record_among_2000_costs_itself(bundle, tmp_path, kind, more):
    make, bads, head = (good, BAD_CSV, [HEADER]) if kind == "csv" else (ndjson_of, BAD_NDJSON, [])
    for place, bad in zip((9, 0, 1, 255, 256, 257, 1000, 1998, 1999, 2000, 3, 4, 5, 6, 7), bads):
        rows = [make(i) for i in range(2000)]
        rows.insert(place, bad)
        source = write(tmp_path / f"in.{kind}", "\n".join(head + rows))
        output = tmp_path / f"out.{kind}"
        score(bundle, source, output, "--id", "id", *more, code=3)
        out = rows_of(output) if kind == "csv" else lines_of(output)
        ids = [f"p{i}" if kind == "csv" else str(i) for i in range(2000)]
        assert [row["id"] for row in out] == ids, bad[:60]
        taken = bad.count("\n") + 1
        first = place + 1 + len(head)
        lines = [i + 1 + len(head) + (taken if i >= place else 0) for i in range(2000)]
        assert [int(row["line"]) for row in out] == lines, bad[:60]
        rejects = tmp_path / f"out.{kind}.rejects"
        rejects = rows_of(rejects) if kind == "csv" else lines_of(rejects)
        assert [int(row["line"]) for row in rejects] == list(range(first, first + taken)), bad[:60]


def test_a_record_that_would_swallow_lines_says_how_many(bundle, tmp_path):
    rows = [good(i) for i in range(2000)]
    rows.insert(9, 'x,5,1,"FR,1')
    score(bundle, write(tmp_path / "in.csv", HEADER + "\n" + "\n".join(rows)), tmp_path / "out.csv", "--id", "id", code=3)
    (reject,) = rows_of(tmp_path / "out.csv.rejects")
    assert reject["line"] == "11" and "cell 4" in reject["reason"] and "would take 1992 lines" in reject["reason"]


def test_a_record_that_takes_lines_by_chance_is_named_in_the_summary(bundle, tmp_path):
    rows = [good(i) for i in range(300)]
    rows[9], rows[200] = 'p9,5,1,"FR', 'p200",1'
    source = write(tmp_path / "in.csv", HEADER + "\n" + "\n".join(rows))
    summary = json.loads(score(bundle, source, tmp_path / "out.csv", "--id", "id", "--json").stdout)
    assert summary["longest_record"] == {"line": 11, "lines": 192} and summary["rows"] == 109
    assert "longest_record" not in json.loads(
        score(bundle, write(tmp_path / "in.csv", csv_of(9)), tmp_path / "out.csv", "--id", "id", "--json").stdout)


# Output is input, another output, or part of the bundle


@pytest.mark.parametrize("verb", ["score", "encode"])
def test_the_input_is_not_written(bundle, tmp_path, verb):
    source = write(tmp_path / "in.csv", csv_of(50))
    os.symlink(source, tmp_path / "link.csv")
    os.link(source, tmp_path / "hard.csv")
    before = sorted(os.listdir(tmp_path))
    for path in ("in.csv", "link.csv", "hard.csv"):
        for outputs in (("--output", tmp_path / path), ("--output", tmp_path / "out.csv", "--rejects", tmp_path / path)):
            done = run(verb, bundle, "--input", source, "--allow-unknown", *outputs, code=1)
            assert "is the input" in done.stderr and path in done.stderr
    with open(source) as file:
        run(verb, bundle, "--input", "-", "--format", "csv", "--output", source, stdin=file, code=1)
    with open(source) as file:
        run(verb, bundle, "--input", "/dev/stdin", "--format", "csv", "--output", source, stdin=file, code=1)
    with open(source, "a") as file:
        done = subprocess.run([COMMAND, verb, bundle, "--input", source, "--output", "-"], stdout=file,
                              stderr=subprocess.PIPE, timeout=60)
        assert done.returncode == 1 and b"is the input" in done.stderr
    assert source.read_text() == csv_of(50) and sorted(os.listdir(tmp_path)) == before


@pytest.mark.parametrize("verb", ["score", "encode"])
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("mode", ["a", "r+"])
def test_what_is_printed_goes_into_no_file_that_is_read_or_written(bundle, tmp_path, verb, stream, mode):
    source, output = write(tmp_path / "in.csv", csv_of(50)), write(tmp_path / "out.csv", "before\n")
    command = [COMMAND, verb, bundle, "--input", source, "--allow-unknown", "--output", output, "--rejects",
               tmp_path / "r.csv"]
    for path, why in ((source, "it is the input"), (output, f"--output '{output}' is written there")):
        before = source.read_text(), output.read_text()
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with open(path, mode) as file:
            done = subprocess.run(command, text=True, timeout=60, **{**pipes, stream: file})
        assert done.returncode == 1 and not done.stdout
        if stream == "stdout":
            assert f"stdout cannot be written: {why}" in done.stderr
        if stream == "stdout" or path == source:
            assert (source.read_text(), output.read_text()) == before
        assert sorted(os.listdir(tmp_path)) == ["in.csv", "out.csv"]


@pytest.mark.parametrize("name", ["x.xlsx", "x.XLS", "x.parquet", "x.feather", "x.tsv", "x.csv.gz", "x.json"])
def test_formats_that_are_not_written_are_refused(bundle, tmp_path, name):
    source = write(tmp_path / "in.csv", csv_of(5))
    for verb in ("score", "encode"):
        for outputs in (("--output", tmp_path / name), ("--output", tmp_path / "o.jsonl", "--rejects", tmp_path / name)):
            error = run(verb, bundle, "--input", source, "--allow-unknown", *outputs, code=2).stderr
            assert name in error and ".ndjson or .jsonl, as " in error and outputs[-2] in error
    assert os.listdir(tmp_path) == ["in.csv"]


def test_encode_writes_json_lines_only(bundle, tmp_path):
    source = write(tmp_path / "in.csv", csv_of(5))
    error = run("encode", bundle, "--input", source, "--allow-unknown", "--output", tmp_path / "e.csv", code=2).stderr
    assert "--output" in error and "writes JSON lines, expected .ndjson or .jsonl" in error
    run("encode", bundle, "--input", source, "--allow-unknown", "--output", tmp_path / "e.jsonl")
    assert len(lines_of(tmp_path / "e.jsonl")) == 5


def test_outputs_are_two_files_and_none_in_the_bundle(bundle, tmp_path):
    source = write(tmp_path / "in.csv", csv_of(5))
    out = tmp_path / "out.csv"
    assert "is written there" in score(bundle, source, out, "--rejects", out, "--id", "id", code=1).stderr
    before = {path.name: path.read_bytes() for path in bundle.iterdir()}
    os.symlink(bundle, tmp_path / "current")
    for path in (bundle / "model.plan", bundle / "new.csv", tmp_path / "current" / "new.csv"):
        assert "bundle's directory" in score(bundle, source, path, "--format", "csv", "--id", "id", code=1).stderr
        assert "bundle's directory" in score(bundle, source, out, "--rejects", path, "--id", "id", code=1).stderr
    assert {path.name: path.read_bytes() for path in bundle.iterdir()} == before and not out.exists()


def test_a_bundle_that_is_mounted_twice_is_one(bundle, tmp_path):
    source, mount = write(tmp_path / "in.csv", csv_of(5)), tmp_path / "mount"
    mount.mkdir()
    inside = ["unshare", "--mount", "sh", "-c", 'mount --bind "$1" "$2" && shift 2 && exec "$@"', "sh", bundle, mount]
    if not shutil.which("unshare") or subprocess.run([*inside, "true"], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("mounts are not allowed here")
    before = sorted(os.listdir(bundle))
    for verb in ("score", "encode"):
        done = subprocess.run([*inside, COMMAND, verb, bundle, "--input", source, "--allow-unknown", "--output",
                               mount / "out.csv"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and "bundle's directory" in done.stderr
    assert sorted(os.listdir(bundle)) == before


# Messages print no payment


PRIVATE = "p0,31337,1,FR,1"


def test_a_file_without_a_header_says_so_and_shows_no_cell(bundle, tmp_path):
    source = write(tmp_path / "in.csv", "\n".join([PRIVATE, good(1), good(2)]) + "\n")
    for more in ((), ("--allow-unknown",), ("--allow-missing",), ("--allow-unknown", "--allow-missing"), ("--id", "id")):
        done = score(bundle, source, tmp_path / "out.csv", *more, code=1)
        assert "expected a header" in done.stderr and "'amount_minor'" in done.stderr
        assert "31337" not in done.stderr and "p0" not in done.stderr
    source = write(tmp_path / "in.csv", "p0,31337,1,country,1\n")
    done = score(bundle, source, tmp_path / "out.csv", code=1)
    assert "31337" not in done.stderr and "column 2" in done.stderr


@pytest.mark.parametrize("text, cause", [
    (csv_of(3).encode("utf-16"), "UTF-16"),
    (csv_of(3).encode("utf-16-le"), "NUL"),
    (csv_of(3).replace("\n", "\r").encode(), "CR alone"),
    (csv_of(3).replace(",", ";").encode(), "';'"),
    (csv_of(3).replace(",", "\t").encode(), "a tab"),
    (csv_of(3).replace(",", "|").encode(), "'|'"),
    (b"\x1f\x8b\x08\x00" + bytes(20), "gzip"),
    (csv_of(1).replace("id,", "id,,", 1).replace("p0,", "p0,0,", 1).encode(), "column 2 (without a name)"),
])
def test_the_cause_is_named(bundle, tmp_path, text, cause):
    source = write(tmp_path / "in.csv", text)
    done = score(bundle, source, tmp_path / "out.csv", "--id", "id", code=1)
    assert cause in done.stderr and "p0" not in done.stderr
    assert not (tmp_path / "out.csv").exists()


def test_messages_escape_what_a_terminal_would_obey(bundle, tmp_path):
    source = write(tmp_path / "in.csv", b"id,amount_minor,age_days,country,online,\x1b[2J\xff\x00\n".replace(b"\0", b""))
    done = score(bundle, source, tmp_path / "out.csv", "--id", "id", code=1)
    assert "\\x1B[2J\\xFF" in done.stderr
    done = score(bundle, "no\x1b[2J\x7fwhere.csv", tmp_path / "out.csv", code=1)
    assert "\\x1B[2J\\x7F" in done.stderr
    assert "where: cannot open" in run("inspect", "no\x1b[2J\x7fwhere", code=1).stderr
    source = write(tmp_path / "in.ndjson", b'{"amount_minor": 5, "\\u001b[2J": 1}\n{"amount_minor": 5, "co\\u009bx": 1}\n')
    score(bundle, source, tmp_path / "out.ndjson", code=3)
    reasons = [row["reason"] for row in lines_of(tmp_path / "out.ndjson.rejects")]
    assert len(reasons) == 2 and all(ord(c) >= 32 and not 0x7f <= ord(c) < 0xa0 for text in reasons for c in text)


# Runs that share a file, and runs that end early


def start(bundle, output, *more, source="-"):
    command = [COMMAND, "score", bundle, "--input", source, "--format", "csv", "--output", output, "--id", "id", *more]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(path):
    for _ in range(6000):
        if path.exists():
            return
        time.sleep(0.01)
    raise AssertionError(f"{path} does not come")


def test_two_runs_do_not_write_one_file(bundle, tmp_path):
    output, partial = tmp_path / "out.csv", tmp_path / "out.csv.wb-partial"
    first = start(bundle, output)
    first.stdin.write(csv_of(10))
    first.stdin.flush()
    wait_for(partial)
    wait_for(tmp_path / "out.csv.rejects.wb-partial")
    source = write(tmp_path / "in.csv", csv_of(3))
    os.symlink(output, tmp_path / "link.csv")
    assert "another run" in score(bundle, source, output, "--id", "id", code=1).stderr
    assert "another run" in score(bundle, source, tmp_path / "o.csv", "--rejects", output, "--id", "id", code=1).stderr
    first.communicate(timeout=60)
    assert first.returncode == 0 and len(rows_of(output)) == 10 and not partial.exists()
    score(bundle, source, tmp_path / "link.csv", "--id", "id")
    assert len(rows_of(output)) == 3
    assert sorted(path.name for path in tmp_path.iterdir() if "partial" in path.name) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_whole_lines_and_a_message(bundle, tmp_path, number):
    output = write(tmp_path / "out.csv", "before\n")
    process = start(bundle, output)
    # More than the pipeline holds: once it is taken, the command waits for more input.
    process.stdin.write(csv_of(100_000) + "x,-1,1,FR,1\n")
    process.stdin.flush()
    assert output.read_text() == "before\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    ids = [row["id"] for row in rows_of(output)]
    assert ids == [f"p{i}" for i in range(len(ids))] and output.read_text().endswith("\n")
    assert err.count("\n") == 1 and number.name in err and f"'{output}'" in err and f"after {len(ids)} rows" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "out.csv.rejects"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("verb", ["score", "encode"])
def test_a_signal_ends_the_wait_for_a_fifos_reader(bundle, tmp_path, number, verb):
    source = write(tmp_path / "in.csv", csv_of(3))
    rejects = write(tmp_path / ("r.csv" if verb == "score" else "r.jsonl"), "before\n")
    os.mkfifo(tmp_path / "fifo")
    process = subprocess.Popen([COMMAND, verb, bundle, "--input", source, "--allow-unknown", "--output",
                                tmp_path / "fifo", "--rejects", rejects], stderr=subprocess.PIPE, text=True)
    time.sleep(2)
    process.send_signal(number)
    err = process.communicate(timeout=60)[1]
    if process.returncode != -number:  # the signal came before it was watched for
        assert process.returncode == 128 + number
        assert f"ended by {number.name} while '{tmp_path / 'fifo'}' waited for a reader" in err
    assert rejects.read_text() == "before\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait_for_a_reader_that_takes_nothing(bundle, tmp_path, number):
    source = write(tmp_path / "in.csv", csv_of(20_000))
    process = start(bundle, "-", "--rejects", tmp_path / "r.csv", source=source)
    wait_for(tmp_path / "r.csv.wb-partial")
    time.sleep(1)  # the pipe is full
    assert process.poll() is None
    process.send_signal(number)
    err = process.stderr.read()  # ends although stdout is not read
    assert process.wait(timeout=60) == 128 + number
    assert f"ended by {number.name} after" in err and "not all of which a reader took" in err and "scored" in err
    out = process.stdout.read()
    assert out.endswith("\n") and len(set(line.count(",") for line in out.splitlines())) == 1
    assert sorted(os.listdir(tmp_path)) == ["in.csv", "r.csv"]


def test_a_slow_reader_gets_what_was_done_before_the_signal(bundle, tmp_path):
    source = write(tmp_path / "in.csv", csv_of(20_000))
    process = start(bundle, "-", "--rejects", tmp_path / "r.csv", source=source)
    wait_for(tmp_path / "r.csv.wb-partial")
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 143 and f"after {out.count(chr(10)) - 1} rows, which are written" in err


def test_an_ignored_hangup_stays_ignored(bundle, tmp_path):
    process = subprocess.Popen(["nohup", COMMAND, "score", bundle, "--input", "-", "--format", "csv", "--output",
                                tmp_path / "out.csv", "--id", "id"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    process.stdin.write(csv_of(10))
    process.stdin.flush()
    wait_for(tmp_path / "out.csv.wb-partial")
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=60)
    assert process.returncode == 0 and len(rows_of(tmp_path / "out.csv")) == 10


def test_a_killed_run_leaves_the_file_as_it_was_and_the_next_run_cleans_up(bundle, tmp_path):
    output = write(tmp_path / "out.csv", "before\n")
    process = start(bundle, output)
    process.stdin.write(HEADER + "\n")
    process.stdin.flush()
    wait_for(tmp_path / "out.csv.rejects.wb-partial")
    process.kill()
    process.communicate(timeout=60)
    assert output.read_text() == "before\n"
    score(bundle, write(tmp_path / "in.csv", csv_of(3)), output, "--id", "id")
    assert len(rows_of(output)) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv", "out.csv.rejects"]


def test_a_reader_that_goes_away_ends_the_run_with_a_word(bundle, tmp_path):
    source = write(tmp_path / "in.csv", csv_of(100_000))
    process = start(bundle, "-", "--rejects", tmp_path / "r.csv", source=source)
    process.stdout.readline()
    process.stdout.close()
    assert "reader has closed it" in process.stderr.read()
    assert process.wait(timeout=60) == 1
    assert not (tmp_path / "r.csv").exists() and not (tmp_path / "r.csv.wb-partial").exists()


def test_a_failure_leaves_the_outputs_as_they_were(bundle, tmp_path):
    output = write(tmp_path / "out.csv", "before\n")
    if os.path.exists("/dev/full"):
        score(bundle, write(tmp_path / "in.csv", csv_of(3)), "/dev/full", "--rejects", output, "--id", "id", code=1)
    assert output.read_text() == "before\n" and not (tmp_path / "out.csv.wb-partial").exists()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
@pytest.mark.parametrize("kind", ["rejects", "summary", "closed"])
def test_a_failure_of_the_last_output_leaves_the_first_as_it_was(bundle, tmp_path, kind):
    output, source = write(tmp_path / "out.csv", "before\n"), write(tmp_path / "in.csv", csv_of(3))
    command = [COMMAND, "score", bundle, "--input", source, "--output", output, "--id", "id"]
    with open("/dev/full", "w") as full:
        more = {"stdout": full} if kind == "summary" else {"stdout": subprocess.PIPE}
        if kind == "closed":
            command = ["sh", "-c", 'exec "$@" >&-', "sh", *command]
        if kind == "rejects":
            command += ["--rejects", "/dev/full"]
        done = subprocess.run(command, stderr=subprocess.PIPE, timeout=60, **more)
    assert done.returncode == 1 and done.stderr.count(b"\n") == 1 and b"cannot be written" in done.stderr
    assert output.read_text() == "before\n" and sorted(os.listdir(tmp_path)) == ["in.csv", "out.csv"]


@pytest.mark.parametrize("output", ["/dev/fd/4", "/proc/self/fd/4", "/dev/fd/0", "-", "/dev/stdout"])
def test_a_descriptor_that_is_not_open_is_refused(bundle, tmp_path, output):
    source = write(tmp_path / "in.csv", csv_of(3))
    command = [COMMAND, "score", bundle, "--input", source, "--output", output, "--rejects", tmp_path / "r.csv"]
    done = subprocess.run(["sh", "-c", 'exec "$@" 4>&- >&- </dev/null', "sh", *command, "--id", "id"],
                          stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1 and f"'{output}' cannot be written: Bad file descriptor" in done.stderr
    assert os.listdir(tmp_path) == ["in.csv"]


@pytest.mark.parametrize("verb", ["score", "encode"])
def test_a_current_directory_that_is_gone_is_named(bundle, tmp_path, verb):
    source = write(tmp_path / "in.csv", csv_of(3))
    (tmp_path / "gone").mkdir()
    command = [COMMAND, verb, bundle, "--input", source, "--allow-unknown", "--output", "out.csv"]
    inside = ["sh", "-c", 'cd "$1" && rmdir "$1" && shift && exec "$@"', "sh", tmp_path / "gone"]
    done = subprocess.run([*inside, *command], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr == f"weighbridge {verb}: 'out.csv' cannot be written: the current directory does not exist\n"


def test_fifos_devices_and_stdout_are_written(bundle, tmp_path):
    source = write(tmp_path / "in.csv", csv_of(300))
    os.mkfifo(tmp_path / "fifo")
    read = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "fifo").read_text()))
    reader.start()
    score(bundle, source, tmp_path / "fifo", "--id", "id")
    reader.join(timeout=60)
    score(bundle, source, tmp_path / "out.csv", "--id", "id")
    assert read == [(tmp_path / "out.csv").read_text()]
    for path in ("-", "/dev/stdout", "/dev/fd/1"):
        done = score(bundle, source, path, "--id", "id")
        assert done.stdout.decode() == read[0] and "scored" in done.stderr
    score(bundle, source, "/dev/null", "--id", "id")
    assert not os.path.exists("/dev/null.rejects") and os.path.exists("/dev/null")


# What passes through


def test_ids_come_out_as_they_were_written(bundle, tmp_path):
    ids = ["12345678901234567890123", "1e400", "-0.0", "1.10", "true", "null", '"a\\u00e9\\"b"', '"12"', '{"b": [1, 2.50]}']
    texts = [text if not text.startswith('"') else json.loads(text) for text in ids]
    rows = ['{"id": %s, "amount_minor": 5, "country": "FR", "online": true}' % text for text in ids]
    wrong = ['{"id": %s, "amount_minor": -5, "country": "FR", "online": true}' % text for text in ids]
    source = write(tmp_path / "in.ndjson", "\n".join(rows + wrong))
    for kind, read in (("ndjson", lines_of), ("csv", rows_of)):
        score(bundle, source, tmp_path / f"out.{kind}", "--id", "id", code=3)
        assert [row["id"] for row in read(tmp_path / f"out.{kind}")] == texts
        rejects = read(tmp_path / f"out.{kind}.rejects")
        assert [row["id"] for row in rejects] == texts
        assert all(row["feature"] == "amount_minor" for row in rejects)


def test_an_id_that_is_not_there_is_empty_and_costs_no_score(bundle, tmp_path):
    payment = '"amount_minor": 5, "country": "FR", "online": true'
    rows = ['{%s}' % payment, '{"id": "", %s}' % payment, '{"other": "b", %s}' % payment,
            '{"other": "\\ud83d", %s}' % payment, '{%s}' % payment.replace("5", "-5")]
    source = write(tmp_path / "in.ndjson", "\n".join(rows))
    for kind, read in (("ndjson", lines_of), ("csv", rows_of)):
        score(bundle, source, tmp_path / f"out.{kind}", "--id", "id", "--id", "other", code=3)
        out = read(tmp_path / f"out.{kind}")
        assert [(row["id"], row["other"]) for row in out] == [("", ""), ("", ""), ("", "b")]
        assert len({row["score"] for row in out}) == 1
        text, number = read(tmp_path / f"out.{kind}.rejects")
        assert "id 'other'" in text["reason"] and number["feature"] == "amount_minor" and number["id"] == ""


def test_rejects_carry_the_ids_where_they_can_be_read(bundle, tmp_path):
    source = write(tmp_path / "in.csv", HEADER + "\na,-5,1,FR,1\nb,5,1,FR,1\nc,5,1,FR\n")
    score(bundle, source, tmp_path / "out.ndjson", "--id", "id", code=3)
    rejects = lines_of(tmp_path / "out.ndjson.rejects")
    assert list(rejects[0]) == ["line", "id", "status", "feature", "reason"]
    assert [row["id"] for row in rejects] == ["a", None]
    score(bundle, source, tmp_path / "out.csv", "--id", "amount_minor", "--allow-unknown", code=3)
    assert [row["amount_minor"] for row in rows_of(tmp_path / "out.csv")] == ["5"]
    assert [row["amount_minor"] for row in rows_of(tmp_path / "out.csv.rejects")] == ["", ""]  # private
    score(bundle, source, tmp_path / "out.csv", "--id", "country", "--allow-unknown", code=3)
    assert [row["country"] for row in rows_of(tmp_path / "out.csv.rejects")] == ["FR", ""]


@pytest.mark.parametrize("name", ["line", "score", "probability", "band", "answer", "reason", "status", "feature"])
def test_ids_with_the_name_of_another_column_are_refused(bundle, tmp_path, name):
    source = write(tmp_path / "in.csv", csv_of(1).replace("id", name, 1))
    assert f"'{name}'" in score(bundle, source, tmp_path / "out.csv", "--id", name, code=2).stderr
    assert not (tmp_path / "out.csv").exists()


def test_an_id_is_named_once(bundle, tmp_path):
    source = write(tmp_path / "in.csv", csv_of(1))
    assert "twice" in score(bundle, source, tmp_path / "out.csv", "--id", "id", "--id", "id", code=2).stderr
    row = '{"id": 1, "id": 2, "amount_minor": 5, "country": "FR", "online": true}'
    score(bundle, write(tmp_path / "in.ndjson", row), tmp_path / "out.ndjson", "--id", "id", code=3)
    assert "twice" in lines_of(tmp_path / "out.ndjson.rejects")[0]["reason"]


def test_ignored_columns_are_not_read(bundle, tmp_path):
    values = ["1e400", "123456789012345678901234567890", '{"a": [1e999, {}]}', '"\\ud83d"', "null"]
    rows = ['{"x": %s, "amount_minor": 5, "country": "FR", "online": true}' % value for value in values]
    score(bundle, write(tmp_path / "in.ndjson", "\n".join(rows)), tmp_path / "out.ndjson", "--allow-unknown")
    assert len(lines_of(tmp_path / "out.ndjson")) == len(values)
    score(bundle, write(tmp_path / "in.csv", HEADER + ',x\na,5,1,FR,1,1e400\n'), tmp_path / "out.csv", "--id", "id",
          "--allow-unknown")

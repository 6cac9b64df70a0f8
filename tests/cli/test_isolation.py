# SPDX-License-Identifier: Apache-2.0
"""Imports in a process of their own, as a user of the command meets them: plans, caches, refusals, and processes that are
killed at random. With WB_FULL=1 300 of these, else 30."""
import ctypes
import json
import os
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import time

import pytest

BUILD = pathlib.Path(os.environ.get("WB_BUILD_DIR", "build/release")).resolve()
COMMAND = BUILD / "bin" / "weighbridge"
IMPORTER = BUILD / "weighbridge" / "weighbridge-importer"
PLUGINS = sorted((BUILD / "weighbridge").glob("libweighbridge_torch-*.so"))
BUNDLES = pathlib.Path(__file__).resolve().parents[2] / "examples" / "bundles"
KILLS = 300 if os.environ.get("WB_FULL") == "1" else 30
PRECISIONS = "fp32,bf16,int8"  # of the committed plans

pytestmark = pytest.mark.skipif(not COMMAND.exists() or not IMPORTER.exists() or not PLUGINS,
                                reason="command, importer or LibTorch plug-in is not built")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """The command's default cache, of this test alone."""
    home = tmp_path / "xdg"
    home.mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    return home / "weighbridge"


@pytest.fixture(params=("card-mlp", "card-transformer"))
def bundle(request, tmp_path):
    return unplanned(request.param, tmp_path)


@pytest.fixture
def mlp(tmp_path):
    return unplanned("card-mlp", tmp_path)


def unplanned(name, directory):
    """A copy of an example without its plan."""
    copy = pathlib.Path(shutil.copytree(BUNDLES / name, directory / name))
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    del manifest["files"]["model.plan"]
    (copy / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (copy / "model.plan").unlink()
    return copy


def run(*arguments, code=0, **more):
    done = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, **more)
    assert done.returncode == code, done.stderr
    return done.stderr if code else done.stdout


def importers(host=None):
    """Numbers of importers, of one host or of all."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0] == str(IMPORTER).encode() and (host is None or words[1] == str(host).encode()):
            found.append(int(folder.name))
    return found


def test_a_plan_is_the_same_bytes_wherever_its_module_was_imported(bundle, own_cache):
    digests = set()
    for options in (["--importer", "in_process"], [], ["--importer", "process", "--import-cache", "none"], []):
        report = json.loads(run("compile", bundle, "--precision", PRECISIONS, "--json", *options))
        digests.add(report["plan_sha256"])
        manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
        assert manifest["files"]["model.plan"]["sha256"] == report["plan_sha256"]
    assert len(digests) == 1
    committed = json.loads((BUNDLES / bundle.name / "manifest.json").read_text(encoding="utf-8"))
    assert digests == {committed["files"]["model.plan"]["sha256"]}
    assert len(list(own_cache.iterdir())) == 1 and own_cache.stat().st_mode & 0o777 == 0o700
    assert not importers()


def test_a_bundle_without_a_plan_verifies_and_scores_by_native_kernels(bundle):
    assert json.loads(run("verify", bundle, "--json"))["backend"] == "native"
    assert json.loads(run("verify", bundle, "--precision", "int8", "--json"))["backend"] == "native"
    assert sorted(path.name for path in bundle.iterdir()) == sorted(
        path.name for path in (BUNDLES / bundle.name).iterdir() if path.name != "model.plan")


def test_a_cached_import_starts_no_process(mlp, tmp_path):
    cache = tmp_path / "cache"
    run("verify", mlp, "--import-cache", cache)
    begun = time.monotonic()
    run("verify", mlp, "--import-cache", cache, "--libtorch", "/nowhere", code=1)  # another importer
    run("verify", mlp, "--import-cache", cache)
    assert time.monotonic() - begun < 30
    trace = shutil.which("strace")
    if trace is None:
        pytest.skip("no strace")
    log = tmp_path / "trace"
    done = subprocess.run([trace, "-f", "-e", "trace=execve,fork,vfork,clone,clone3", "-o", log, COMMAND, "verify", mlp,
                           "--import-cache", cache], capture_output=True, text=True)
    if "ptrace" in done.stderr.lower():
        pytest.skip("strace may not trace here")
    assert done.returncode == 0, done.stderr
    assert log.read_text().count("execve(") == 1


def test_what_may_not_be_is_said_with_what_to_do(mlp, tmp_path):
    assert "the engine's option importer is none" in run("compile", mlp, "--importer", "none", code=1)
    open_to_all = tmp_path / "open"
    open_to_all.mkdir(mode=0o755)
    said = run("compile", mlp, "--import-cache", open_to_all, code=1)
    assert "import_cache: " in said and "with mode 700" in said
    said = run("compile", mlp, "--torch-plugin", "/nowhere/libweighbridge_torch-2.15.so", "--import-cache", "none", code=1)
    assert str(IMPORTER) in said and "/nowhere/libweighbridge_torch-2.15.so: cannot open" in said


def no_seccomp():
    """Denies seccomp(2) to what is executed next, as some containers do."""
    lines = [(0x20, 0, 0, 0), (0x15, 0, 1, 317), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7fff0000)]
    code = b"".join(struct.pack("HBBI", *line) for line in lines)
    buffer = ctypes.create_string_buffer(code)
    program = struct.pack("HxxxxxxP", len(lines), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None)
    assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program, 0, 0) == 0


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the number of seccomp(2) is x86-64's")
def test_a_system_that_forbids_the_sandbox_is_an_error_with_a_choice(mlp):
    said = run("compile", mlp, code=1, preexec_fn=no_seccomp)
    assert "seccomp: Operation not permitted: this system forbids a part of the sandbox" in said
    assert "importer=process" in said
    run("compile", mlp, "--importer", "process", preexec_fn=no_seccomp)


def test_host_or_importer_killed_at_random_leave_nothing_behind(mlp, tmp_path):
    cache = tmp_path / "cache"
    whole = sorted(path.name for path in mlp.iterdir())
    dice, died = random.Random(15), 0
    begun = time.monotonic()
    run("verify", mlp, "--import-cache", "none")
    usual = time.monotonic() - begun
    for round_ in range(KILLS):
        copy = pathlib.Path(shutil.copytree(mlp, tmp_path / f"copy{round_}"))
        host = subprocess.Popen([COMMAND, "compile", copy, "--import-cache", cache], stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True)
        time.sleep(dice.uniform(0, 1.1 * usual))
        victims = [host.pid] if round_ % 2 == 0 else importers(host.pid)
        for victim in victims:
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                pass
        said = host.communicate(timeout=120)[1]
        died += host.returncode != 0
        if host.returncode > 0:
            assert "the importer was ended by signal 9" in said, said
        deadline = time.monotonic() + 20
        while importers(host.pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not importers(host.pid)
        names = sorted(path.name for path in copy.iterdir())
        assert names in (whole, sorted([*whole, "model.plan"])), names
        shutil.rmtree(copy)
        if round_ % 3 == 0:
            shutil.rmtree(cache, ignore_errors=True)  # so that most rounds import
    assert died > KILLS // 4
    run("compile", mlp, "--import-cache", cache)
    run("verify", mlp, "--import-cache", cache)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_pack_and_leaves_nothing(tmp_path, number):
    manifest, out, plugin, old = (tmp_path / name for name in ("manifest.json", "out", "plugin.so", "out.partial-1-1"))
    shutil.copy(BUNDLES / "card-mlp" / "manifest.json", manifest)
    os.mkfifo(plugin)  # opening it waits for a writer, so that packing does not end
    old.mkdir()
    process = subprocess.Popen([COMMAND, "pack", "--module", BUNDLES / "card-mlp" / "model.ts", "--manifest", manifest,
                                "--out", f"{out}/", "--torch-plugin", plugin], stderr=subprocess.PIPE, text=True)
    while not list(tmp_path.glob(f"out.partial-{process.pid}-*")):
        assert process.poll() is None, process.stderr.read()
    process.send_signal(number)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + number
    assert said == (f"warning: '{old}' is of a pack that still runs, or was killed: then remove that directory\n"
                    f"weighbridge pack: ended by {number.name}\n")
    assert sorted(tmp_path.glob("out*")) == [old]

# SPDX-License-Identifier: Apache-2.0
"""What people do with the command at first: names that are nearly right, outputs that go nowhere, files in the wrong
place."""
import json
import os
import pathlib
import shutil
import subprocess

import pytest

from test_cli import COMMAND, bundle, bundles, pytestmark, run, score, write  # noqa: F401

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples" / "bundles" / "card-transformer"
ROW = "5,1,FR,1"


@pytest.mark.parametrize("header, column", [("amount_minor, age_days,country,online", 2),
                                            ("amount_minor,AGE_DAYS,country,online", 2)])
def test_a_column_that_looks_like_a_feature_is_not_left_out(bundle, tmp_path, header, column):  # noqa: F811
    source = write(tmp_path / "in.csv", f"{header}\n{ROW}\n")
    error = score(bundle, source, tmp_path / "out.csv", "--allow-missing", code=1).stderr
    assert f"'age_days' (column {column} differs in case or blanks only" in error and "--allow-unknown" in error
    score(bundle, source, tmp_path / "out.csv", "--allow-missing", "--allow-unknown")


@pytest.mark.parametrize("words, said", [
    (("--secnods", "1"), "no such option '--secnods'; did you mean '--seconds'?"),
    (("--threds=1",), "no such option '--threds'; did you mean '--threads'?"),
    (("extra",), "expected no 'extra' there"),
    (("--", "x"), "expected no 'x' there"),
])
def test_an_option_that_is_none_is_named_with_the_nearest(bundle, words, said):  # noqa: F811
    assert said in run("bench", bundle, *words, code=2).stderr


@pytest.mark.parametrize("verb, option, names", [("compile", "--precision", "fp32, fp32"),
                                                 ("bench", "--backend", "native,reference,native")])
def test_a_list_has_each_of_its_names_once(bundle, verb, option, names):  # noqa: F811
    expected = f"expected each once, got '{names.split(',')[0]}' twice"
    assert expected in run(verb, bundle, option, names, code=2).stderr


def test_a_label_without_payments_is_a_mistake(bundle):  # noqa: F811
    assert "--eval" in run("compile", bundle, "--label", "fraud", code=2).stderr


def draft_of(bundles, tmp_path, **identity):  # noqa: F811
    manifest = json.loads((bundles / "mlp" / "manifest.json").read_text())
    manifest["files"] = {}
    manifest["identity"].update(identity)
    return write(tmp_path / "manifest.json", json.dumps(manifest))


def pack_arguments(bundles, tmp_path, manifest):  # noqa: F811
    source = bundles / "mlp"
    return ["pack", "--module", source / "model.ts", "--manifest", manifest, "--golden", source / "golden.jsonl",
            "--out", tmp_path / "out"]


def without_stdout(*arguments):
    return subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", COMMAND, *map(str, arguments)], stderr=subprocess.PIPE,
                          timeout=120)


def test_nothing_is_made_that_could_not_be_told(bundles, tmp_path):  # noqa: F811
    draft = draft_of(bundles, tmp_path)
    key = tmp_path / "key"
    run("keygen", "--out", key)
    copy = shutil.copytree(bundles / "mlp", tmp_path / "mlp")
    for arguments, made in ((pack_arguments(bundles, tmp_path, draft), tmp_path / "out"),
                            (("keygen", "--out", tmp_path / "other"), tmp_path / "other.key"),
                            (("sign", copy, "--key", f"{key}.key"), copy / "model.sig")):
        done = without_stdout(*arguments)
        assert done.returncode == 1 and b"'-' cannot be written" in done.stderr and not made.exists()


def test_what_nobody_could_read_is_a_failure(tmp_path):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([COMMAND, "keygen", "--out", tmp_path / "key"], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1 and b"No space left" in done.stderr


def test_a_bundle_gets_no_other_files(bundle, tmp_path):  # noqa: F811
    copy = shutil.copytree(bundle, tmp_path / "mlp")
    before = sorted(os.listdir(copy))
    assert "it is in the bundle's directory" in run("keygen", "--out", copy / "key", code=1).stderr
    error = run("sign", copy, "--detached", copy / "bytes", code=1).stderr
    assert "it is in the bundle's directory" in error and "partial" not in error
    assert sorted(os.listdir(copy)) == before


def test_signing_warns_of_an_end_that_is_past(bundles, tmp_path):  # noqa: F811
    run(*pack_arguments(bundles, tmp_path, draft_of(bundles, tmp_path, not_after="2020-01-01T00:00:00Z")))
    run("keygen", "--out", tmp_path / "key")
    assert "is past" in run("sign", tmp_path / "out", "--key", tmp_path / "key.key").stderr


@pytest.mark.parametrize("make", [lambda path: path.mkdir(mode=0o755), lambda path: path.symlink_to("/nowhere"),
                                  lambda path: path.write_text("")])
def test_a_cache_that_nobody_asked_for_fails_nothing(bundle, tmp_path, monkeypatch, make):  # noqa: F811
    make(tmp_path / "weighbridge")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    run("verify", bundle, "--backend", "reference")


def test_pack_names_a_manifest_that_is_a_directory(bundles, tmp_path):  # noqa: F811
    error = run(*pack_arguments(bundles, tmp_path, tmp_path), code=1).stderr
    assert str(tmp_path) in error and "basic_filebuf" not in error


def test_an_id_holds_no_nul(bundle, tmp_path):  # noqa: F811
    row = {"id": "a\0b", "amount_minor": 5, "age_days": 1, "country": "FR", "online": True}
    source = write(tmp_path / "in.ndjson", json.dumps(row) + "\n")
    run("score", bundle, "--input", source, "--output", tmp_path / "out.csv", "--id", "id", code=3)
    assert b"\0" not in (tmp_path / "out.csv").read_bytes()


def test_a_scan_names_the_file_that_was_given(tmp_path):
    source = write(tmp_path / "fraud v2.ts", "no module")
    assert f"weighbridge scan: WB_INVALID_BUNDLE: {source}: rule archive-start: " in run("scan", source, code=1).stderr
    manifest = write(tmp_path / "manifest.json", (EXAMPLE / "manifest.json").read_text())
    packed = run("pack", "--module", source, "--manifest", manifest, "--out", tmp_path / "out", code=1).stderr
    assert packed.startswith(f"weighbridge pack: WB_INVALID_BUNDLE: {source}: rule archive-start: ")


def test_a_refused_operator_that_is_misspelt_is_named(tmp_path):
    assert "operator:" in run_scan("aten::layer_norm", code=1)
    assert run_scan("aten::matmul_,prim::Print,aten::*_like", code=0)
    assert "scan_refuse: expected operators of the library's lists" in run_scan("aten::layernorm", code=1)
    assert "'aten::layer_norm'" in run_scan("aten::layernorm", code=1)


def run_scan(refused, code):
    done = subprocess.run([COMMAND, "scan", EXAMPLE / "model.ts", "--refuse", refused], capture_output=True, text=True)
    assert done.returncode == code
    return done.stdout + done.stderr


def test_a_scan_prints_the_names_of_operators_as_they_are():
    out = run("scan", EXAMPLE / "model.ts").stdout
    assert "aten::layer_norm" in out

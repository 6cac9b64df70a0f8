# SPDX-License-Identifier: Apache-2.0
"""Engines, loads and slots."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import weighbridge
from conftest import BUNDLES


def test_one_engine_for_the_process_several_on_request(fixtures):
    first, second = weighbridge.load(fixtures / "mlp"), weighbridge.load(str(fixtures / "mlp-v2"))
    assert first.engine is second.engine is weighbridge.default_engine()
    with weighbridge.Engine(contexts=1) as own:
        third = weighbridge.load(fixtures / "mlp", engine=own)
        assert third.engine is own and own.snapshot()["contexts"] == 1 and own.snapshot()["models"] == 1
    with pytest.raises(weighbridge.Closed):
        third.score({"amount_minor": 1, "country": "FR", "online": True})
    assert first.score({"amount_minor": 1, "country": "FR", "online": True}).status == 0


def test_options_by_name():
    weighbridge.Engine(default_deadline_us=20000, allow_amx=False).close(timeout=5)
    with pytest.raises(weighbridge.NotFound, match="near: 'default_deadline_us'"):
        weighbridge.Engine(default_deadline=20000)
    with pytest.raises(weighbridge.InvalidArgument, match="queue_limit: expected a whole number"):
        weighbridge.Engine(queue_limit=-1)
    assert "queue_limit" in [option["name"] for option in weighbridge.engine_options()]
    assert "verify" in [option["name"] for option in weighbridge.load_options()]
    assert weighbridge.system_info()["version"] == weighbridge.__version__


PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEwOYsrjB/kVnp3ZY6dXqivB1iWhy6
25ylyhTT6YgqZgkoTXqfVmJ3krzmHoTEelqwOIgkDt8fyet2PnLhrDPLvQ==
-----END PUBLIC KEY-----
"""


def test_the_load_policy_is_options_by_name(fixtures):
    with pytest.raises(weighbridge.InvalidBundle, match="model.sig: expected a signature by a trusted key, found none"):
        weighbridge.load(fixtures / "mlp", trusted_keys=f"owner={PUBLIC_KEY}")
    told = weighbridge.load(fixtures / "mlp", trusted_keys=PUBLIC_KEY, unsigned="allowed").describe()
    assert told["signers"] == 0 and told["signed_by"] == ""
    with pytest.raises(weighbridge.InvalidBundle, match="minimum_version"):
        weighbridge.load(fixtures / "mlp", minimum_version="9999")


def test_what_an_engine_tells(fixtures):
    engine = weighbridge.Engine(contexts=1)
    model = engine.load(fixtures / "mlp")
    model.score({"amount_minor": 1, "country": "FR", "online": True})
    told = engine.snapshot()
    assert told["rows"] == 1 and told["latency_max_ns"] > 0 and told["handles"][4] >= 1
    assert "weighbridge_requests_total" in engine.metrics() or "weighbridge_" in engine.metrics()
    events, dropped = engine.events()
    assert events[0]["event"] == "loaded" and dropped == 0 and engine.events() == ([], 0)
    engine.maintain()
    assert engine.work(timeout=0) == 0
    assert repr(engine).startswith("Engine(contexts=1, models=1, requests=1, p99=")
    assert "<script" not in engine._repr_html_() and "contexts" in engine._repr_html_()


def test_handles_do_not_leak(fixtures):
    def live():
        import gc

        gc.collect()
        return [kind for kind in weighbridge.default_engine().snapshot()["handles"]]

    def use():
        with weighbridge.Engine(contexts=2) as engine:
            model = engine.load(fixtures / "mlp")
            slot = engine.slot("champion", create=True)
            slot.load(fixtures / "mlp")
            row = {"amount_minor": 1, "country": "FR", "online": True}
            slot.score(row)
            model.score([row] * 2000, outputs=["logit"])
            model.encode([row])
            model.row(row)

    use()
    before = live()
    for _ in range(5):
        use()
    assert live() == before


def test_a_bundle_from_memory_scores_as_from_its_directory(engine, mlp, payments):
    files = {path.name: path.read_bytes() for path in (BUNDLES / "card-mlp").iterdir()}
    model = engine.load(files)
    assert model.info() == mlp.info() and model.score(payments[0]).score == mlp.score(payments[0]).score
    assert weighbridge.Schema.load(files).digest == mlp.schema.digest
    files["model.plan"] = files["model.plan"][:-1] + b"x"
    with pytest.raises(weighbridge.InvalidBundle, match="model.plan: expected sha256"):
        engine.load(files)


def test_loads_that_fail_say_why(engine, fixtures, tmp_path):
    for path in ("no-such-bundle", tmp_path / "é", str(tmp_path) + "/\udcff"):
        with pytest.raises((weighbridge.IoError, weighbridge.InvalidBundle), match="cannot open as a directory"):
            engine.load(path)
    with pytest.raises(weighbridge.InvalidArgument, match="NUL"):
        engine.load("bundle\0")
    with pytest.raises(weighbridge.VerifyFailed):
        engine.load(fixtures / "mlp-wrong-golden")
    assert engine.load(fixtures / "mlp-wrong-golden", verify=False).describe()["version"] == "1.0.0"
    with pytest.raises(weighbridge.InvalidArgument, match="engines|native"):
        engine.load(fixtures / "mlp", engines="quick")
    with pytest.raises(weighbridge.NotFound, match="precision"):
        engine.load(fixtures / "mlp", precison="fp32")
    for late in ({"timeout": 0}, {"deadline_ns": weighbridge.now_ns()}):
        for bundle in (fixtures / "mlp", {"manifest.json": b"{}"}):
            with pytest.raises(weighbridge.DeadlineExceeded):
                engine.load(bundle, **late)


def test_a_missing_plug_in_is_said(fixtures):
    engine = weighbridge.Engine(torch_plugin="/nonexistent/libweighbridge_torch.so")
    with pytest.raises(weighbridge.BackendUnavailable, match="/nonexistent/libweighbridge_torch.so"):
        engine.load(fixtures / "mlp", engines="torchscript")


def test_what_a_model_tells(mlp):
    told = mlp.describe()
    assert told["name"] == "card-mlp" and len(told["bundle_sha256"]) == len(told["plan_sha256"]) == 64
    assert mlp.info()["identity"]["name"] == "card-mlp"
    assert repr(mlp).startswith("Model('card-mlp', version='1', backend='native', precision='fp32', features=19")
    page = mlp._repr_html_()
    for said in ("card-mlp", told["bundle_sha256"], told["plan_sha256"], "amount_minor", "int64, EUR", "p99"):
        assert said in page, said
    assert "<script" not in page and "javascript" not in page.lower()
    assert mlp.outputs == ["fraud"] and len(mlp.schema.bands) == 3
    amount = next(feature for feature in mlp.features if feature["name"] == "amount_minor")
    assert amount["currency"] == "EUR" and amount["required"] and amount["is_private"] and amount["maximum"] == 1e7
    assert "card_count_7d" in repr(mlp.schema) and "card_count_7d" in mlp.schema._repr_html_()


def test_pages_escape_what_bundles_say(engine, fixtures, tmp_path):
    import shutil

    shutil.copytree(fixtures / "mlp", tmp_path / "bundle")
    manifest = json.loads((tmp_path / "bundle" / "manifest.json").read_text(encoding="utf-8"))
    manifest["identity"]["name"] = "<script>alert(1)</script>"
    (tmp_path / "bundle" / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    try:
        model = engine.load(tmp_path / "bundle")
    except weighbridge.InvalidBundle as refused:  # a name is of letters: nothing to escape
        assert "name" in refused.message
    else:
        assert "<script" not in model._repr_html_()


def test_slots(engine, fixtures):
    row = {"amount_minor": 1250, "country": "FR", "online": True}
    with pytest.raises(weighbridge.NotFound, match="champion"):
        weighbridge.Engine().slot("champion")
    slot = engine.slot("champion", create=True)
    for empty in (lambda: slot.score(row), lambda: slot.score([row]), slot.rollback, slot.model):
        with pytest.raises(weighbridge.NotLoaded):
            empty()
    slot.load(fixtures / "mlp")
    first, filled = slot.score(row), slot.row(row)
    slot.swap(engine.load(fixtures / "mlp-v2"))
    assert slot.score(row).version == slot.score(filled).version == "2.0.0" != first.version
    assert slot.score([row]).result["version"] == "2.0.0" and slot.score([row]).score[0] > first.score
    slot.rollback()
    assert slot.score(row).score == slot.score(filled).score == first.score and slot.model().describe()["version"] == "1.0.0"
    with pytest.raises(weighbridge.SchemaChanged, match="age_days"):
        slot.load(fixtures / "mlp-renamed")
    slot.load(fixtures / "mlp-extra")
    assert slot.score(filled).version == "3.0.0" and "extra" not in slot.schema.names
    assert "extra" in slot.bind().names and slot.score({**row, "extra": 1.5}).version == "3.0.0"
    slot.forget_previous()
    with pytest.raises(weighbridge.NotLoaded):
        slot.rollback()
    told = slot.describe()
    assert told["version"] == "3.0.0" and told["generation"] == 4 and told["rows"] > 0
    assert told in engine.slots() and repr(slot).startswith("Slot('champion', version='3.0.0', requests=")
    assert "champion" in slot._repr_html_() and "<script" not in slot._repr_html_()


def test_a_slot_fills_dicts_anew_where_the_schema_is_another(fixtures):
    """A row of the longer schema does not fit once the slot is rolled back and swapped again; the dict's row is."""
    engine = weighbridge.Engine(contexts=1)
    slot, row = engine.slot("champion", create=True), {"amount_minor": 1250, "country": "FR", "online": True}
    other = engine.slot("other", create=True)
    slot.load(fixtures / "mlp")
    expected = slot.score(row).score
    other.load(fixtures / "mlp-renamed")
    stranger = other.row({"amount_minor": 1250, "country": "FR", "online": True})
    with pytest.raises(weighbridge.SchemaMismatch):
        slot.score(stranger)
    slot._schema = other.schema
    assert slot.score(row).score == expected and slot.schema.digest == slot.model().schema.digest


@pytest.mark.parametrize("how", ["load", "slot"])
def test_ctrl_c_ends_a_load(fixtures, how):
    """In a process of its own, to which the signal goes as from a terminal. What was loaded before goes on."""
    script = json.dumps({"load": {"latency_us": 100_000_000}})
    code = f"""
import signal, sys, weighbridge
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background of a shell ignores it
signal.signal(signal.SIGUSR1, lambda *_: print("heard", flush=True))  # raises nothing: the load goes on
engine = weighbridge.Engine(contexts=1)
slot = engine.slot("card", create=True)
slot.load({str(fixtures / "mlp")!r})
begin = slot.load if {how!r} == "slot" else engine.load
try:
    print("loading", flush=True)
    begin({str(fixtures / "mlp-v2")!r}, engines="fake", fake_script={script!r})
except KeyboardInterrupt:
    print("interrupted", slot.describe()["version"], engine.snapshot()["models"], flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}) as process:
        assert process.stdout.readline() == "loading\n"
        time.sleep(0.2)  # so that the load is under way; a signal before it would only be heard earlier
        process.send_signal(signal.SIGUSR1)
        assert process.stdout.readline() == "heard\n"
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        assert process.stdout.readline().startswith("interrupted 1")
        assert process.wait(30) == 0 and time.monotonic() - began < 30

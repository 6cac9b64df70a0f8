# SPDX-License-Identifier: Apache-2.0
"""The pure Python fake (python/fake): the conformance cases that are a fake's, scripts, swaps, and every status code."""

import asyncio
import inspect
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

import pytest
import weighbridge
from conftest import BUILD, BUNDLES, DRAFTS, ROOT
from test_conformance import DOCUMENTS, special

FAKE = ROOT / "python" / "fake"
sys.path.insert(0, str(FAKE))
import weighbridge_fake as fake  # noqa: E402

PAYMENT = {"amount_minor": 1250, "age_days": 2.5, "country": "FR", "online": True}
SCORE = 0.625
# A fake does to the cases whose rows are values of the language; what needs the manifest is the library's.
CASES = [(file, document["bundle"], case) for file, document in DOCUMENTS.items() for case in document["cases"]
         if "options" not in document and not document.get("schema_only") and "row" in case and "call" not in case]


@pytest.fixture(scope="module")
def files(fixtures, tmp_path_factory):
    """What codegen writes of a bundle, by name."""
    folder = tmp_path_factory.mktemp("schemas")

    def file(name: str = "mlp") -> pathlib.Path:
        path = folder / f"{name}.json"
        if not path.exists():
            bundle = next(base / name for base in (fixtures, BUNDLES, DRAFTS) if (base / name / "manifest.json").exists())
            told = subprocess.run([BUILD / "bin" / "weighbridge", "codegen", bundle, "--json"], capture_output=True, check=True)
            path.write_bytes(told.stdout)
        return path

    return file


@pytest.fixture
def model(files):
    def made(name: str = "mlp", engine: "fake.Engine | None" = None, **script: object) -> "fake.Model":
        return (engine or fake.Engine()).load(files(name), fake_script=json.dumps(script))

    return made


@pytest.mark.parametrize("file, bundle, case", CASES, ids=[f"{file}: {case['name']}" for file, _, case in CASES])
def test_case(model, file, bundle, case):
    one = model(bundle, score=SCORE)
    values = {name: special(value) for name, value in case["row"].items()}
    for score in (lambda: one.score(values), lambda: one.score(one.row(values)), lambda: asyncio.run(one.score_async(values))):
        if case.get("check") not in ("name", "type", "required"):
            assert score().score == SCORE
            continue
        with pytest.raises(fake.Error) as refused:
            score()
        assert refused.value.name == case["expect"]["status"], refused.value
        if "feature" in case["expect"]:
            at = refused.value.feature
            assert (one.schema.names[at] if at >= 0 else None) == case["expect"]["feature"], refused.value


def test_there_are_cases_of_each_check():
    counts: dict = {}
    for _, _, case in CASES:
        counts[case.get("check")] = counts.get(case.get("check"), 0) + 1
    for check, least in ((None, 100), ("type", 80), ("required", 20), ("name", 3), ("value", 30)):
        assert counts.get(check, 0) >= least, counts


def test_what_services_call_is_here():
    """Of engines, models, slots and rows every method; what needs arrays or the bundle's files is the library's."""
    theirs = {"arrays", "encode", "score_columns", "address"}
    for name in ("Engine", "Model", "Slot", "Schema", "Row", "Score"):
        members = {member for member, _ in inspect.getmembers(getattr(weighbridge, name)) if not member.startswith("_")}
        own = {member for member, _ in inspect.getmembers(getattr(fake, name)) if not member.startswith("_")}
        own |= set(getattr(getattr(fake, name), "__dataclass_fields__", {})) | ({"engine"} if name in ("Model", "Slot") else set())
        assert members - theirs <= own, name
    errors = {name for name in weighbridge.__all__ if isinstance(getattr(weighbridge, name), type) and
              issubclass(getattr(weighbridge, name), weighbridge.Error)}
    assert errors <= set(fake.__all__)


def test_scores_in_turn_by_row_and_by_hash(model):
    one = model(score=[0.97, 0.02], rows=[{"row": {**PAYMENT, "amount_minor": 1}, "score": 0.5}])
    found = [one.score(row).score for row in (PAYMENT, {**PAYMENT, "amount_minor": 1}, PAYMENT, PAYMENT)]
    assert found == pytest.approx([0.97, 0.5, 0.02, 0.97])
    assert model().score(PAYMENT).score == model().score(dict(reversed(PAYMENT.items()))).score
    assert model().score(PAYMENT).score != model().score({**PAYMENT, "amount_minor": 2}).score


def test_a_score_says_what_it_is(model):
    score = model(score=0.25).score({"amount_minor": 1, "country": "DE", "online": False})
    assert (score.status, float(score), score.defaulted, score.backend, score.version) == (0, 0.25, 1, "fake", "mlp")
    assert not score.is_fallback and model().schema.bands[score.band]


def test_every_status_of_the_library(model):
    kinds = fake.Error.__subclasses__()
    assert sorted(kind.code for kind in kinds) == list(range(-22, 0))
    for kind in kinds:
        one = model(failures=[{"status": kind.name, "message": "so it is"}])
        for score in (lambda: one.score(PAYMENT), lambda: asyncio.run(one.score_async(PAYMENT))):
            with pytest.raises(kind, match="so it is"):
                score()
        with pytest.raises(kind):
            model(load={"status": kind.name})


@pytest.mark.parametrize("status, reason", [("WB_BACKEND_FAILED", "backend"), ("WB_INTERNAL", "backend"),
                                            ("WB_OUT_OF_MEMORY", "backend"), ("WB_OVERLOADED", "overload"),
                                            ("WB_DEADLINE_EXCEEDED", "deadline")])  # fmt: skip
def test_fallbacks(model, status, reason):
    one = model(score=0.5, fallback=0.01, failures=[{"status": status, "every": 2, "times": 1}])
    found = [one.score(PAYMENT) for _ in range(4)]
    assert [score.reason for score in found] == ["none", reason, "none", "none"] and found[1].is_fallback
    assert (found[1].score, found[1].backend) == (0.01, "none")
    with pytest.raises(fake.Error):
        model(fallback=0.01, failures=[{"status": status}]).score(PAYMENT, fallback=False)


def test_latencies_and_deadlines(model):
    slow = model(score=0.5, latency_us=60_000_000, fallback=0.01)
    assert slow.score(PAYMENT, timeout=0.001).reason == "deadline"
    assert slow.score(PAYMENT, deadline_ns=0).reason == "deadline"
    assert asyncio.run(slow.score_async(PAYMENT, timeout=0.001)).reason == "deadline"
    assert model(engine=fake.Engine(default_deadline_us=1000), latency_us=60_000_000, fallback=0.01).score(PAYMENT).is_fallback
    with pytest.raises(fake.DeadlineExceeded):
        model(latency_us=60_000_000).score(PAYMENT, timeout=0.001)
    assert model(latency_us=20_000).score(PAYMENT).run_ns >= 20_000_000
    for wrong in ({"timeout": "soon"}, {"timeout": float("nan")}, {"timeout": 1, "deadline_ns": 1}):
        with pytest.raises(fake.InvalidArgument):
            slow.score(PAYMENT, **wrong)

    async def cancelled() -> None:
        await asyncio.wait_for(slow.score_async(PAYMENT), 0.01)

    began = time.monotonic()
    with pytest.raises(TimeoutError):
        asyncio.run(cancelled())
    assert time.monotonic() - began < 30


def test_many_payments(model):
    one = model(score=0.5, fallback=0.01, failures=[{"status": "WB_BACKEND_FAILED", "every": 3}])
    found = one.score([PAYMENT, {**PAYMENT, "amount_minor": "1"}, PAYMENT, {"amount": 1}, {}, PAYMENT])
    assert found.status == [0, -1, 0, -22, -1, 1] and found.result["fallbacks"] == 1 and found.result["scored"] == 2
    assert found.error.row == 1 and found["blamed"][1] == 0 and "1" not in found.error.message.split("got")[1]
    with pytest.raises(fake.InvalidInput):
        found.raise_first()
    with pytest.raises(fake.Cancelled):
        model(failures=[{"status": "WB_CANCELLED"}]).score([PAYMENT])
    for wrong in (5, None, "x", [5]):
        with pytest.raises(fake.InvalidInput):
            one.score(wrong)


def test_rows(model):
    one = model(score=0.5)
    row = one.row(PAYMENT)
    del row["age_days"]
    assert json.loads(row.json()) == {"amount_minor": "<redacted>", "age_days": None, "country": "FR", "online": True}
    row.set_json('{"country": "DE"}')
    assert one.score(row).defaulted == 1
    for wrong in ('{"amount": 1}', "no JSON", "[]"):
        with pytest.raises(fake.InvalidInput):
            row.set_json(wrong)
    with pytest.raises(fake.NotFound, match="near: amount_minor"):
        row["amount_minr"] = 1
    with pytest.raises(fake.InvalidInput) as refused:
        row["amount_minor"] = "12345"
    assert "12345" not in str(refused.value)
    row.clear()
    with pytest.raises(fake.InvalidInput):
        one.score(row)


def test_slots_are_swapped_and_rolled_back(files):
    engine = fake.Engine()
    slot = engine.slot("card", create=True)
    with pytest.raises(fake.NotLoaded):
        slot.score(PAYMENT)
    slot.load(files())
    row = slot.row(PAYMENT)
    assert slot.score(row).version == "mlp"
    engine.slot("card").load(files("mlp-extra"))
    assert slot.score(row).version == "mlp-extra"
    for other in ("mlp-usd", "mlp-renamed"):  # another currency, another name
        with pytest.raises(fake.SchemaChanged):
            slot.load(files(other))
    with pytest.raises(fake.VerifyFailed):
        slot.load(files(), fake_script='{"load": {"status": "WB_VERIFY_FAILED"}}')
    assert (slot.describe()["version"], slot.describe()["previous_version"]) == ("mlp-extra", "mlp")
    slot.rollback()
    assert slot.model().describe()["version"] == "mlp"
    slot.swap(engine.load(files("mlp-v2")))
    assert slot.score(PAYMENT).version == "mlp-v2"
    slot.forget_previous()
    for act, error in ((slot.rollback, fake.NotLoaded), (lambda: engine.slot("crad"), fake.NotFound),
                       (lambda: slot.swap(fake.Engine().load(files())), fake.InvalidArgument),
                       (lambda: slot.score(fake.Schema.load(files("mlp-renamed")).row()), fake.SchemaMismatch)):
        with pytest.raises(error):
            act()
    engine.close()
    with pytest.raises(fake.Closed):
        slot.score(PAYMENT)


def test_figures_and_events(files):
    with fake.Engine() as engine:
        slot = engine.slot("card", create=True)
        slot.load(files())
        slot.score(PAYMENT)
        slot.score(PAYMENT)
        with pytest.raises(fake.InvalidInput):
            slot.score({"amount_minor": 1})
        for told in (slot.describe(), engine.snapshot()):
            assert (told["requests"], told["rows"], told["invalid"]) == (3, 2, 1)
        assert f'weighbridge_slot_version_requests_total{{slot="card",version="mlp",bundle="{0:016x}"}} 3' in engine.metrics()
        with pytest.raises(fake.IoError):
            slot.load("/nowhere.json")
        assert [event["event"] for event in engine.events()[0]] == ["loaded", "swapped", "refused"] and engine.events() == ([], 0)


def test_swaps_under_threads(files):
    slot = fake.Engine().slot("card", create=True)
    slot.load(files(), fake_script='{"score": 0.25}')
    done, seen = threading.Event(), set()

    def run() -> None:
        while not done.is_set():
            score = slot.score(PAYMENT)
            seen.add((score.version, score.score))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for i in range(50):
        slot.load(files("mlp" if i % 2 else "mlp-v2"), fake_script='{"score": %s}' % (0.25 if i % 2 else 0.5))
    done.set()
    for thread in threads:
        thread.join()
    assert seen <= {("mlp", 0.25), ("mlp-v2", 0.5)}


def test_wrong_files_and_scripts(files):
    engine = fake.Engine()
    for text, found in (("[]", "other JSON"), ("{}", "other JSON"), ("no", "no JSON")):
        with pytest.raises(fake.InvalidBundle, match=f"card.json: .*{found}"):
            engine.load({"card.json": text})
    with pytest.raises(fake.InvalidBundle, match="got a folder"):
        engine.load(ROOT)
    for script in ("[]", '{"scores": 1}', '{"score": "high"}', '{"score": []}', '{"failures": [{"status": "WB_OK"}]}', '{"failures": [{}]}',
                   '{"rows": [{}]}', '{"rows": [{"row": {"amount": 1}, "score": 1}]}', '{"rows": [{"row": {}, "score": 1}]}',
                   '{"fallback": "low"}', "no"):
        with pytest.raises(fake.InvalidArgument, match="^WB_INVALID_ARGUMENT: fake_script: "):
            engine.load(files(), fake_script=script)


def test_a_service_that_imports_weighbridge_has_it(files):
    code = (f"import sys; sys.path.insert(0, {str(FAKE)!r}); import weighbridge_fake; weighbridge_fake.install()\n"
            f"import weighbridge; from weighbridge import Error\n"
            f"print(weighbridge.load({str(files())!r}, fake_script='{{\"score\": 0.5}}').score({PAYMENT!r}).score)\n"
            "assert 'numpy' not in sys.modules\n")
    assert subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True).stdout == "0.5\n"
    with pytest.raises(ImportError, match="before weighbridge is imported"):
        fake.install()  # beside the library


def test_the_fake_is_strictly_typed():
    done = subprocess.run([sys.executable, "-m", "mypy", "--strict", "--cache-dir", os.devnull, "--python-version", "3.11", str(FAKE / "weighbridge_fake")],
                          capture_output=True, text=True, cwd=FAKE)
    assert done.returncode == 0, done.stdout + done.stderr

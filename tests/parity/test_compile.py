# SPDX-License-Identifier: Apache-2.0
"""`weighbridge compile`: the same bytes each time and under every level of LibTorch's own kernels, refusals that name what
is to blame, plans that belong to their bundle."""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import library  # noqa: E402

library.require(library.COMMAND)
NAMES = ("card-mlp", "card-transformer")
PRECISIONS = "fp32,bf16,int8"  # of the committed plans


def compile_bundle(bundle: pathlib.Path, *options: str, code: int = 0, environment: dict | None = None):
    done = subprocess.run([library.COMMAND, "compile", bundle, "--torch-plugin", library.torch_plugin(), "--import-cache",
                           "none", *options],
                          capture_output=True, text=True, env={**os.environ, **(environment or {})})
    assert done.returncode == code, done.stderr
    return done.stderr if code else done.stdout


def run(verb: str, bundle: pathlib.Path, *options: str, code: int = 0):
    done = subprocess.run([library.COMMAND, verb, bundle, *options], capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    return done.stderr if code else done.stdout


@pytest.fixture(params=NAMES)
def bundle(request, tmp_path):
    return pathlib.Path(shutil.copytree(library.BUNDLES / request.param, tmp_path / request.param))


def pack(directory: pathlib.Path, module: torch.nn.Module, trace: bool = False, tolerances: dict | None = None):
    """A bundle of one tensor [batch, 4] and one output around a module."""
    directory.mkdir(parents=True)
    made = torch.jit.trace(module.eval(), torch.zeros(2, 4)) if trace else torch.jit.script(module.eval())
    made.save(str(directory / "model.ts"))
    manifest = {
        "weighbridge": {"format": 1},
        "identity": {"name": "small", "version": "1"},
        "features": [{"name": name, "type": "float32", "range": [-10, 10]} for name in "abcd"],
        "tensors": [{"name": "numbers", "dtype": "float32", "shape": ["batch", 4], "features": list("abcd")}],
        "outputs": [{"name": "fraud", "shape": ["batch"], "primary": True}],
        "fallback": {"score": 0.5},
    }
    if tolerances:
        manifest["tolerances"] = tolerances
    (directory / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    out = directory / "bundle"
    done = subprocess.run([library.COMMAND, "pack", "--module", directory / "model.ts", "--manifest",
                           directory / "manifest.json", "--out", out, "--torch-plugin", library.torch_plugin()],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out


class Plain(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.first, self.inner, self.last = torch.nn.Linear(4, 96), torch.nn.Linear(96, 96), torch.nn.Linear(96, 1)

    def forward(self, x):
        return self.last(torch.relu(self.inner(torch.relu(self.first(x))))).squeeze(1)


class DependsOnData(torch.nn.Module):
    def forward(self, x):
        if bool(x.sum() > 0):
            return x.sum(1)
        return x.mean(1)


def test_the_committed_plan_is_what_compile_makes(bundle):
    committed = hashlib.sha256((bundle / "model.plan").read_bytes()).hexdigest()
    report = json.loads(compile_bundle(bundle, "--precision", PRECISIONS, "--json"))
    assert report["plan_sha256"] == committed
    assert hashlib.sha256((bundle / "model.plan").read_bytes()).hexdigest() == committed


@pytest.mark.parametrize("capability", ["default", "avx2", "avx512"])
def test_the_same_bytes_under_every_capability(bundle, capability):
    plans = []
    # An importer's own process has no environment.
    for environment in ({}, {"ATEN_CPU_CAPABILITY": capability}):
        compile_bundle(bundle, "--importer", "in_process", environment=environment)
        plans.append((bundle / "model.plan").read_bytes())
    assert plans[0] == plans[1]


def test_a_plan_serves_without_the_plugin(bundle):
    report = json.loads(run("verify", bundle, "--json"))
    assert report["backend"] == "native" and report["verified"]


def test_a_bundle_without_a_plan_loads_in_a_process_that_has_a_torch_of_its_own(tmp_path):
    weighbridge = library.python_module()
    model = weighbridge.load(pack(tmp_path / "unplanned", Plain()))
    assert model.info()["serving"]["backend"] == "native"
    assert model.score({name: 1.0 for name in "abcd"}).backend == "native"


def test_passes_are_dumped(tmp_path):
    text = compile_bundle(pack(tmp_path / "plain", Plain()), "--dump-passes")
    for name in ("imported", "fold_constants", "fuse_epilogues", "mark_ranges"):
        assert f"# {name}\n" in text
    assert "linear(" in text


def test_what_depends_on_data_is_refused_with_its_line(tmp_path):
    out = pack(tmp_path / "data", DependsOnData())
    before = sorted(path.name for path in out.iterdir())
    said = compile_bundle(out, code=1)
    assert "test_compile.py:" in said and said.count("\n") == 1, said
    assert sorted(path.name for path in out.iterdir()) == before
    assert "test_compile.py:" in run("verify", out, code=1)
    assert json.loads(run("verify", out, "--json", "--backend", "native,torchscript", "--torch-plugin",
                          library.torch_plugin()))["backend"] == "torchscript"


def test_a_precision_beyond_its_tolerance_is_refused(tmp_path):
    out = pack(tmp_path / "strict", Plain(), tolerances={"fp32": {"absolute": 1e-5}, "int8": {"absolute": 1e-6}})
    said = compile_bundle(out, "--precision", "fp32,int8", code=1)
    assert "int8" in said and "1e-06" in said
    assert not (out / "model.plan").exists()


def test_precisions_come_with_their_differences(tmp_path):
    tolerances = {name: {"absolute": 0.5} for name in ("fp32", "bf16", "int8", "int8bf16")}
    out = pack(tmp_path / "all", Plain(), tolerances=tolerances)
    report = json.loads(compile_bundle(out, "--precision", "fp32,bf16,int8,int8bf16", "--json"))
    found = {entry["precision"]: entry["largest_difference"]["fraud"] for entry in report["precisions"]}
    assert list(found) == ["fp32", "bf16", "int8", "int8bf16"]
    assert found["fp32"] < 1e-5 < found["int8"] and found["bf16"] > 1e-5
    assert json.loads(run("verify", out, "--json", "--precision", "int8"))["verified"]


def test_evaluation_of_labelled_payments(tmp_path):
    out = pack(tmp_path / "eval", Plain(), tolerances={name: {"absolute": 0.5} for name in ("fp32", "int8")})
    rows = ["a,b,c,d,fraud"] + [f"{i % 7 - 3},{i % 5},{i % 3},{i % 11 / 2},{int(i % 7 > 4)}" for i in range(300)]
    rows += ["1,1,1,1,", "wrong,1,1,1,0", "1,1,1,1,7"]  # without a label, and two that are rejected
    (tmp_path / "rows.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    report = json.loads(compile_bundle(out, "--precision", "fp32,int8", "--json", "--eval", str(tmp_path / "rows.csv"),
                                       "--label", "fraud"))
    fp32, int8 = report["precisions"]
    for entry in (fp32, int8):
        assert (entry["rows"], entry["scored"], entry["rejected"]) == (303, 301, 2)
        assert (entry["labelled"], entry["unlabelled"], entry["ranked"]) == (300, 1, 300)
        assert entry["fallbacks"] == {"deadline": 0, "overload": 0, "backend": 0, "short": 0}
    assert 0 <= fp32["auc"] <= 1 and 0 <= fp32["average_precision"] <= 1
    assert abs(int8["auc"] - fp32["auc"] - int8["auc_change"]) < 1e-12


def test_the_plan_of_another_bundle_is_refused(tmp_path):
    one, other = pack(tmp_path / "one", Plain(), tolerances={"fp32": {"absolute": 1.0}}), None
    other = pack(tmp_path / "other", Plain(), trace=True, tolerances={"fp32": {"absolute": 1.0}})
    for out in (one, other):
        compile_bundle(out)
    shutil.copy(one / "model.plan", other / "model.plan")
    manifest = json.loads((other / "manifest.json").read_text(encoding="utf-8"))
    content = (other / "model.plan").read_bytes()
    manifest["files"]["model.plan"] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    (other / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert "compile the bundle again" in run("verify", other, code=1)


def test_matrices_score_as_columns_do(tmp_path):
    """Model.arrays of the Python module: rows and single payments, strides, rows that cannot be scored, wrong shapes."""
    weighbridge = library.python_module()
    out = pack(tmp_path / "arrays", Plain())
    compile_bundle(out)
    model = weighbridge.load(out)
    numbers = np.random.default_rng(3).uniform(-5, 5, (40, 4)).astype(np.float32)
    expected = model.score_columns({name: np.ascontiguousarray(numbers[:, i]) for i, name in enumerate("abcd")})["score"]
    cards = model.arrays(list("abcd"))
    assert np.array_equal(cards.score(numbers), expected)
    assert [cards.score_one(row) for row in numbers] == expected.tolist()
    assert np.array_equal(cards.score(np.asfortranarray(numbers)), expected)
    assert np.array_equal(cards.score(numbers[::2]), expected[::2])
    assert np.array_equal(model.arrays(["d", "c"], ["b", "a"]).score(numbers[:, 3:1:-1], numbers[:, 1::-1]), expected)
    spoilt = numbers.copy()
    spoilt[7, 2] = 11  # beyond its range
    found = cards.score(spoilt)
    assert np.isnan(found[7]) and np.array_equal(np.delete(found, 7), np.delete(expected, 7))
    for wrong in (numbers.astype(np.float64), numbers[:, :3], numbers[0]):
        with pytest.raises(weighbridge.InvalidArgument):
            cards.score(wrong)
    with pytest.raises(weighbridge.NotFound):
        model.arrays(["nobody"])

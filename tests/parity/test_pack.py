# SPDX-License-Identifier: Apache-2.0
"""`weighbridge pack` of models over a history: what it says of the shortest sequence, found by trying or stated."""
import json
import subprocess

import pytest

torch = pytest.importorskip("torch")

import library  # noqa: E402

library.require(library.COMMAND)
LESS = "rows with shorter sequences are not scored by the model, see limits.shorter\n"


class Largest(torch.nn.Module):
    """Takes no empty history: there is no largest element."""

    def forward(self, past):
        return torch.sigmoid(past.max(dim=1).values)


class Sum(torch.nn.Module):
    """Takes any history."""

    def forward(self, past):
        return torch.sigmoid(past.sum(dim=1))


def pack(directory, module, **limits):
    torch.jit.script(module.eval()).save(str(directory / "model.ts"))
    manifest = {
        "weighbridge": {"format": 1},
        "identity": {"name": "history", "version": "1"},
        "features": [{"name": "past", "type": "sequence", "of": "float32", "range": [-10, 10]}],
        "tensors": [{"name": "past", "dtype": "float32", "shape": ["batch", "length"], "features": ["past"]}],
        "outputs": [{"name": "fraud", "shape": ["batch"], "primary": True}],
        "limits": {"length": 16, **limits},
        "fallback": {"score": 0.5},
    }
    (directory / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    done = subprocess.run([library.COMMAND, "pack", "--module", directory / "model.ts", "--manifest",
                           directory / "manifest.json", "--out", directory / "bundle", "--torch-plugin",
                           library.torch_plugin()], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr, json.loads((directory / "bundle" / "manifest.json").read_text())["limits"]


def test_a_least_length_that_pack_found_is_said_to_be_found(tmp_path):
    said, limits = pack(tmp_path, Largest())
    assert limits["least_length"] == 1
    assert said == "limits.least_length is 1, found by trying: " + LESS


def test_a_least_length_that_the_manifest_states_is_said_to_be_stated(tmp_path):
    said, limits = pack(tmp_path, Largest(), least_length=3)
    assert limits["least_length"] == 3
    assert said == "limits.least_length is 3, as the manifest states: " + LESS


def test_nothing_is_said_where_every_sequence_is_scored(tmp_path):
    said, limits = pack(tmp_path, Sum())
    assert "least_length" not in limits and said == ""

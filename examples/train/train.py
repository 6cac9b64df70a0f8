# SPDX-License-Identifier: Apache-2.0
"""Trains both example models on made-up payments and packs them as bundles.

    python examples/train/train.py --out bundles

makes bundles/card-mlp and bundles/card-transformer. Packing needs the `weighbridge` command; --draft stops before it
and leaves model.ts and manifest.json.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import time
import warnings

import numpy as np
import torch

import fitting
import manifests
from encoders import Encoders
from models import PaymentMlp, PaymentTransformer
from payments import Payments, make_payments
from wordpiece import build_vocabulary

MOST_PIECES = 1500
VERSION = "1"
TRAINING, VALIDATION = 0.7, 0.85  # shares of the payments, in order of time, where each part ends


def complete_identity(manifest: dict, train: Payments, version: str = VERSION) -> None:
    """Says what the model was trained on; `created` is the last payment's day: a repeat gives the same bytes."""
    day = np.datetime64(int(train.columns["paid_at"].max()), "ms").astype("datetime64[D]")
    manifest["identity"] |= {
        "version": version, "created": f"{day}T00:00:00Z", "owner": "weighbridge-examples", "risk_tier": "medium",
        "training_data_sha256": manifests.digest(train.columns, [f["name"] for f in manifest["features"]]),
        "framework": "torch " + torch.__version__.split("+")[0]}


def tensors_of(encoders: Encoders, payments: Payments) -> list[torch.Tensor]:
    return [torch.from_numpy(array) for array in encoders.encode(payments.columns)]


def finish(manifest: dict, encoders: Encoders, logit, parts: dict[str, Payments]) -> None:
    """Calibrates on the validation payments and prints how good the model is on payments that it has not seen."""
    validation, test = parts["validation"], parts["test"]
    manifest["outputs"][0]["calibration"] = fitting.platt(
        fitting.logits(logit, tensors_of(encoders, validation)), validation.is_fraud)
    manifest["fallback"]["score"] = float(f"{parts['training'].is_fraud.mean():.4g}")
    z = fitting.logits(logit, tensors_of(encoders, test))
    calibration = manifest["outputs"][0]["calibration"]
    probability = 1 / (1 + np.exp(-(calibration["a"] * z + calibration["b"])))
    print(f"{manifest['identity']['name']}: held-out average precision "
          f"{fitting.average_precision(z, test.is_fraud):.3f} (by chance {test.is_fraud.mean():.4f}); mean probability "
          f"{probability.mean():.4f} of {len(test)} payments")


def train_mlp(parts: dict[str, Payments], seed: int, draft: pathlib.Path) -> dict:
    manifest, train = manifests.mlp_manifest(), parts["training"]
    complete_identity(manifest, train)
    manifests.fill_standardise(manifest, train.columns, draft)
    encoders = Encoders(manifest, draft)
    tensors = tensors_of(encoders, train)
    fitting.start(seed)
    model = PaymentMlp(tensors[0].size(1), encoders.sizes("codes"))
    fitting.fit(model, model, tensors, train.is_fraud, seed=seed, epochs=6, negatives=50, rate=3e-3)
    finish(manifest, encoders, model, parts)
    fitting.save(torch.jit.script(model), draft / "model.ts")
    return manifest


def train_transformer(parts: dict[str, Payments], seed: int, draft: pathlib.Path) -> dict:
    manifest, train = manifests.transformer_manifest(), parts["training"]
    complete_identity(manifest, train)
    pieces = build_vocabulary(train.columns["descriptor"].tolist(), MOST_PIECES)
    (draft / "vocab.txt").write_text("".join(piece + "\n" for piece in pieces), encoding="utf-8")
    train = train.take(_some(train.is_fraud, seed, negatives=30))
    manifests.fill_standardise(manifest, train.columns, draft)
    encoders = Encoders(manifest, draft)
    tensors = tensors_of(encoders, train)
    fitting.start(seed)
    model = PaymentTransformer(tensors[0].size(1), encoders.sizes("codes"), tensors[2].size(2),
                               encoders.sizes("past_codes"), encoders.sizes("words")[0])

    def logit(*inputs: torch.Tensor) -> torch.Tensor:
        return model(*inputs)[0]

    fitting.fit(model, logit, tensors, train.is_fraud, seed=seed, epochs=6, negatives=20, rate=2e-3)
    finish(manifest, encoders, logit, parts)
    with torch.no_grad():
        traced = torch.jit.trace(model, tuple(tensor[:3] for tensor in tensors))
    check_trace(model, traced, tensors)
    fitting.save(traced, draft / "model.ts")
    return manifest


def check_trace(model, traced, tensors: list[torch.Tensor]) -> None:
    """No batch size and no length may be baked into the traced module, nor may padding change a score."""
    with torch.no_grad():
        whole = model(*(tensor[:64] for tensor in tensors))[0]
        for row, length in enumerate(tensors[4][:64].sum(1).tolist()):
            one = [tensor[row : row + 1] for tensor in tensors]
            one[2:5] = [tensor[:, :length] for tensor in one[2:5]]
            score = traced(*one)[0]
            difference = float((score.sigmoid() - whole[row].sigmoid()).abs())
            if not difference < 1e-6:
                raise AssertionError(f"row {row} of length {length}: alone and in a batch differ by {difference}")


def _some(labels: np.ndarray, seed: int, negatives: int) -> np.ndarray:
    """Every fraud, and a draw of the honest payments, in order."""
    honest = np.flatnonzero(labels == 0)
    drawn = np.random.default_rng(seed).choice(honest, min(len(honest), negatives * int(labels.sum())), replace=False)
    return np.sort(np.concatenate([np.flatnonzero(labels == 1), drawn]))


def split(payments: Payments) -> dict[str, Payments]:
    """By time, as in use: the model is asked about days that come after those that it has learned from."""
    ends = [0, int(TRAINING * len(payments)), int(VALIDATION * len(payments)), len(payments)]
    names = ("training", "validation", "test")
    return {name: payments.take(np.arange(*ends[i : i + 2])) for i, name in enumerate(names)}


def find_command() -> str:
    """The built command beside this checkout, else the installed one."""
    build = pathlib.Path(os.environ.get("WB_BUILD_DIR", pathlib.Path(__file__).parents[2] / "build" / "release"))
    command = build / "bin" / "weighbridge"
    return str(command) if command.exists() else "weighbridge"


def pack(draft: pathlib.Path, out: pathlib.Path, command: str, *options: str) -> None:
    shutil.rmtree(out, ignore_errors=True)
    subprocess.run([command, "pack", "--module", draft / "model.ts", "--manifest", draft / "manifest.json",
                    "--out", out, *options], check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, required=True, help="directory that gets the two bundles")
    parser.add_argument("--rows", type=int, default=200_000, help="payments to learn from, test included")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--draft", action="store_true", help="do not pack")
    parser.add_argument("--command", default=find_command(), help="the weighbridge command")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", "`torch.jit", FutureWarning)  # TorchScript is what a bundle holds
    parts = split(make_payments(options.rows, options.seed))
    for name, train in (("card-mlp", train_mlp), ("card-transformer", train_transformer)):
        began = time.monotonic()
        draft = options.out / f"{name}-draft"
        draft.mkdir(parents=True, exist_ok=True)
        manifest = train(parts, options.seed, draft)
        (draft / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        if not options.draft:
            pack(draft, options.out / name, options.command)
            shutil.rmtree(draft)
        print(f"{name}: {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()

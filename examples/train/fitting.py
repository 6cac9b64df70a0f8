# SPDX-License-Identifier: Apache-2.0
"""Fitting, calibrating and saving a model of models.py: the same seed gives the same bytes on the same machine."""
import io
import itertools

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

BATCH = 512
SCORE_BATCH = 2048
WRITTEN_BY_WRITER = ("version", ".data/serialization_id")


def start(seed: int) -> None:
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(seed)


def fit(model: nn.Module, logit, tensors: list[Tensor], labels: np.ndarray, *, seed: int, epochs: int,
        negatives: int, rate: float) -> None:
    """Each epoch sees every fraud, and `negatives` honest payments for each, drawn anew; the calibration makes up for
    the changed base rate. logit(*tensors) gives one value a row."""
    rng = np.random.default_rng(seed)
    fraud, honest = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    drawn = min(len(honest), negatives * len(fraud))
    steps = epochs * -(-(len(fraud) + drawn) // BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    target = torch.from_numpy(labels.astype(np.float32))
    model.train()
    for _ in range(epochs):
        rows = rng.permutation(np.concatenate([fraud, rng.choice(honest, drawn, replace=False)]))
        for first in range(0, len(rows), BATCH):
            batch = torch.from_numpy(rows[first : first + BATCH])
            loss = F.binary_cross_entropy_with_logits(logit(*(tensor[batch] for tensor in tensors)), target[batch])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    model.eval()


def logits(logit, tensors: list[Tensor]) -> np.ndarray:
    with torch.no_grad():
        parts = [logit(*(tensor[i : i + SCORE_BATCH] for tensor in tensors))
                 for i in range(0, len(tensors[0]), SCORE_BATCH)]
    return torch.cat(parts).numpy().astype(np.float64)


def platt(z: np.ndarray, labels: np.ndarray) -> dict:
    """The a and b of sigmoid(a z + b) that fit best, by Newton's method."""
    a, b = 1.0, float(np.log(labels.mean() / (1 - labels.mean())) - z.mean())
    for _ in range(50):
        p = 1 / (1 + np.exp(-(a * z + b)))
        w = p * (1 - p)
        gradient = np.array([((p - labels) * z).mean(), (p - labels).mean()])
        hessian = np.array([[(w * z * z).mean(), (w * z).mean()], [(w * z).mean(), w.mean()]]) + 1e-9 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        step *= min(1.0, 2.0 / np.abs(step).max())
        a, b = a - step[0], b - step[1]
    return {"kind": "platt", "a": float(f"{a:.6g}"), "b": float(f"{b:.6g}")}


def average_precision(scores: np.ndarray, labels: np.ndarray) -> float:
    """Mean over the frauds of the precision at each one's score; rows of equal score count as one threshold."""
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    hits = np.cumsum(labels[order])[ends]
    return float((np.diff(hits, prepend=0) * hits / (ends + 1)).sum() / labels.sum())


def save(module: torch.jit.ScriptModule, path) -> None:
    """A TorchScript archive of what loading needs: without debug records, which would hold this machine's paths, and
    with constants in order, which LibTorch writes as Python's string hashes happen to fall."""
    buffer = io.BytesIO()
    torch.jit.save(module, buffer)
    buffer.seek(0)
    reader = torch._C.PyTorchFileReader(buffer)
    out = io.BytesIO()
    writer = torch._C.PyTorchFileWriter(out)
    for name in sorted(reader.get_all_records()):
        if name.endswith(".debug_pkl") or name.startswith("traced_inputs") or name in WRITTEN_BY_WRITER:
            continue
        data = reader.get_record(name)
        if name.endswith(".py"):
            data = _constants_in_order(data.decode()).encode()
        writer.write_record(name, data, len(data))
    writer.write_end_of_file()
    with open(path, "wb") as file:
        file.write(out.getvalue())


def _constants_in_order(code: str) -> str:
    groups = itertools.groupby(code.splitlines(keepends=True), key=lambda line: " : Final[" in line)
    return "".join(line for constant, lines in groups for line in (sorted(lines) if constant else lines))

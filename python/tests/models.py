# SPDX-License-Identifier: Apache-2.0
"""Payments and small modules that the tests of bundles and checks share."""

import numpy as np
import pandas
import torch
from torch import Tensor, nn


def payments(rows: int = 400, seed: int = 1) -> pandas.DataFrame:
    """Every kind of column that a draft is guessed from."""
    rng = np.random.default_rng(seed)
    times = np.datetime64("2026-01-01", "ms") + rng.integers(0, 10**9, rows)
    gap = pandas.array(rng.integers(0, 10**6, rows), dtype="Int64")
    gap[::7] = pandas.NA
    country = pandas.Series(rng.choice(["FR", "DE", "IT"], rows, p=[0.6, 0.3, 0.1]), dtype=object)
    country[::11] = None
    return pandas.DataFrame({
        "payment_id": np.arange(rows),
        "amount_minor": rng.integers(100, 90_000, rows),
        "ratio": np.where(rng.random(rows) < 0.1, np.nan, rng.normal(0, 1, rows)).astype(np.float32),
        "gap_s": gap,
        "paid_at": times,
        "online": rng.random(rows) < 0.4,
        "country": country,
        "mcc": rng.choice([5411, 5812, 5732], rows),
        "is_fraud": (rng.random(rows) < 0.2).astype(np.int64),
    })


class Mlp(nn.Module):
    def __init__(self, numbers: int, sizes: list[int]):
        super().__init__()
        self.embeddings = nn.ModuleList([nn.Embedding(size, 4) for size in sizes])
        self.first = nn.Linear(numbers + 4 * len(sizes), 32)
        self.last = nn.Linear(32, 1)

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        parts = [numbers]
        for i, embedding in enumerate(self.embeddings):
            parts.append(embedding(codes[:, i]))
        return self.last(torch.relu(self.first(torch.cat(parts, 1)))).squeeze(1)


class Branching(nn.Module):
    """Its forward depends on data, which does not lower."""

    def __init__(self, numbers: int):
        super().__init__()
        self.last = nn.Linear(numbers, 1)

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        if bool(numbers.sum() > 0):
            numbers = numbers * 2
        return self.last(numbers).squeeze(1)

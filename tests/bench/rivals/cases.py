# SPDX-License-Identifier: Apache-2.0
"""What is timed: the inputs of each case, which are the same in every run and for every engine."""
import dataclasses

import numpy as np

from . import models

SEQUENCES, LONGEST, SORTED, STEPS = 256, 128, 16, 24


@dataclasses.dataclass
class Case:
    """`inputs` are tuples of arrays with a batch dimension, which `forward` takes; one pass scores them all. The time
    is of a call where `by_call` is set, else of the pass. `padded` are the same rows as padded, masked batches, sorted
    by length, with `order` telling which row went where."""

    name: str
    model: str
    inputs: list
    by_call: bool
    seconds: float  # to spend on it in a full run
    padded: list = dataclasses.field(default_factory=list)
    order: np.ndarray | None = None

    @property
    def of_rows(self) -> bool:
        return self.model in models.ROWS

    @property
    def tokens(self) -> int:
        return 0 if self.of_rows else sum(numbers.shape[0] * numbers.shape[1] for numbers, _ in self.inputs)

    @property
    def fixed_shape(self):
        """Rows, or rows and length, where all inputs have the same; else None."""
        shapes = {numbers.shape[:-1] for numbers, _ in self.inputs}
        return next(iter(shapes)) if len(shapes) == 1 else None


def payments(rows: int, seed: int) -> tuple:
    random = np.random.default_rng(seed)
    numbers = np.clip(random.standard_normal((rows, models.NUMBERS)), -8, 8).astype(np.float32)
    return numbers, random.integers(0, models.CODE_SIZE, (rows, models.CODES))


def events(rows: int, length: int, random) -> tuple:
    numbers = np.clip(random.standard_normal((rows, length, models.STEP_NUMBERS)), -8, 8).astype(np.float32)
    return numbers, random.integers(0, models.STEP_KINDS, (rows, length))


def traffic_lengths() -> np.ndarray:
    """256 log-normal lengths from 1 to 128: 8,677 tokens, 33.9 on average."""
    drawn = np.random.default_rng(65).lognormal(3.279, 0.6, SEQUENCES)
    return np.clip(np.rint(drawn), 1, LONGEST).astype(int)


def pad(inputs: list) -> tuple[list, np.ndarray]:
    """Batches of 16 of like length, padded behind, with a mask."""
    order = np.argsort([numbers.shape[1] for numbers, _ in inputs], kind="stable")
    batches = []
    for first in range(0, len(order), SORTED):
        rows = [inputs[i] for i in order[first : first + SORTED]]
        length = max(numbers.shape[1] for numbers, _ in rows)
        numbers = np.zeros((len(rows), length, models.STEP_NUMBERS), np.float32)
        kinds = np.zeros((len(rows), length), np.int64)
        mask = np.zeros((len(rows), length), bool)
        for i, (one, of) in enumerate(rows):
            size = one.shape[1]
            numbers[i, :size], kinds[i, :size], mask[i, :size] = one[0], of[0], True
        batches.append((numbers, kinds, mask))
    return batches, order


def make(quick: bool) -> list[Case]:
    """All cases; a quick run takes a quarter of the traffic and of the long sequences."""
    cases = []
    for model, rows in (("mlp-330k", 1), ("mlp-330k", 8), ("mlp-330k", 64), ("mlp-330k", 512), ("mlp-100k", 1),
                        ("mlp-1m", 1)):
        inputs = [payments(rows, seed) for seed in range(16 if rows == 1 else 2)]
        cases.append(Case(f"{model}/rows={rows}", model, inputs, True, 15))
    cases += [Case(f"{model}/rows=1", model, [payments(1, seed) for seed in range(16)], True, 15)
              for model in models.PERIODICS]
    for model in (*models.RECURRENTS, *models.CONVOLUTIONS):
        random = np.random.default_rng(9)
        cases.append(Case(f"{model}/steps={STEPS}", model, [events(1, STEPS, random) for _ in range(16)], True, 15))
    random = np.random.default_rng(11)
    cases.append(Case(f"minilm/tokens={LONGEST}", "minilm", [events(1, LONGEST, random) for _ in range(4)], True, 40))
    for model, share in (("d256", 1.0), ("d128", 0.3)):
        random = np.random.default_rng(7)
        traffic = [events(1, length, random) for length in traffic_lengths()]
        full = [events(8, 128, random)]
        long = [events(1, length, random) for length in np.linspace(512, 1024, 12).astype(int)]
        if quick:
            # Neighbours in length stay together: sorted batches pad as little as those of the whole traffic.
            sixteens = np.argsort(traffic_lengths(), kind="stable").reshape(-1, SORTED)[2::4]
            traffic, long = [traffic[i] for i in np.sort(sixteens, axis=None)], long[::4]
        padded, order = pad(traffic)
        cases.append(Case(f"{model}/traffic", model, traffic, False, 130 * share, padded, order))
        cases.append(Case(f"{model}/full8x128", model, full, False, 40 * share))
        cases.append(Case(f"{model}/long", model, long, False, 110 * share))
    return cases

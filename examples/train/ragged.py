# SPDX-License-Identifier: Apache-2.0
"""A column of sequences: the elements of all rows one after another, and where each row's begin."""
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Ragged:
    values: np.ndarray
    offsets: np.ndarray  # one more than there are rows

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> np.ndarray:
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    def lengths(self) -> np.ndarray:
        return np.diff(self.offsets)

    def take(self, rows: np.ndarray) -> "Ragged":
        return gather(self.values, self.offsets[rows], self.lengths()[rows])


def gather(values: np.ndarray, first: np.ndarray, lengths: np.ndarray) -> Ragged:
    """Row i is values[first[i] : first[i] + lengths[i]]."""
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return Ragged(values[np.repeat(first - offsets[:-1], lengths) + np.arange(offsets[-1])], offsets)


def take(column, rows: np.ndarray):
    """The chosen rows of a column of any kind."""
    return column.take(rows) if isinstance(column, Ragged) else column[rows]

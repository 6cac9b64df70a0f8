# SPDX-License-Identifier: Apache-2.0
"""Counts and sums over sliding windows of time, by card or terminal, without a loop over payments."""
import numpy as np


class Windows:
    """Answers questions about each payment's past within its group.

    group    integers, such as a card's index
    seconds  integers; payments of equal time count as being in the order given
    reach    seconds; no question may look further back
    """

    def __init__(self, group: np.ndarray, seconds: np.ndarray, reach: int):
        self.order = np.lexsort((seconds, group))
        self.group = group[self.order]
        since = seconds.astype(np.int64) - int(seconds.min())
        span = int(since.max()) + reach + 1
        self.key = (group.astype(np.int64) * span + since)[self.order]
        self.back = np.empty_like(self.order)
        self.back[self.order] = np.arange(len(self.order))

    def bounds(self, window: int, delay: int = 0, include: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Positions [first, last) in group and time order of what lies in (t - delay - window, t - delay]; without a
        delay only what came before the payment, and with `include` the payment itself as well."""
        first = np.searchsorted(self.key, self.key - delay - window, "right")
        if delay:
            return first, np.searchsorted(self.key, self.key - delay, "right")
        return first, np.arange(len(self.key)) + int(include)

    def count(self, bounds: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        return (bounds[1] - bounds[0])[self.back]

    def sum(self, bounds: tuple[np.ndarray, np.ndarray], values: np.ndarray) -> np.ndarray:
        """Sums of integers, exact."""
        running = np.concatenate([[0], np.cumsum(values[self.order].astype(np.int64))])
        return (running[bounds[1]] - running[bounds[0]])[self.back]

    def previous_gap(self, missing: int) -> np.ndarray:
        """Seconds since the payment before in the group; `missing` for its first."""
        first = self.starts() == np.arange(len(self.key))
        return np.where(first, missing, np.diff(self.key, prepend=self.key[0]))[self.back]

    def starts(self) -> np.ndarray:
        """Position of the first payment of each payment's group, in group and time order."""
        new = np.concatenate([[True], self.group[1:] != self.group[:-1]])
        return np.maximum.accumulate(np.where(new, np.arange(len(new)), 0))

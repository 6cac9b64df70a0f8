# SPDX-License-Identifier: Apache-2.0
"""Guards on data: what a module raises where a payment is not as it expects. Each has a row spoilt, which is refused with
the module's own words, and alone."""
from typing import Iterator

import torch
from case import LENGTH, Case, ids, numbers, randomise
from torch import Tensor, nn

WIDTH = 6


class Guarded(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(WIDTH, 3)


class NotANumber(Guarded):
    def forward(self, x: Tensor) -> Tensor:
        if torch.isnan(x).any():
            raise ValueError("a feature is not a number")
        return self.linear(x)


class NotFinite(Guarded):
    """Two conditions, and a mask of what is asked."""

    def forward(self, x: Tensor) -> Tensor:
        if torch.isnan(x).any() or torch.isinf(x).any():
            raise RuntimeError("features have to be finite")
        return torch.relu(self.linear(x))


class AllFinite(Guarded):
    def forward(self, x: Tensor) -> Tensor:
        if not torch.isfinite(x).all():
            raise ValueError("features have to be finite")
        y = self.linear(x)
        return torch.softmax(y, dim=1)


class Asserted(Guarded):
    def forward(self, x: Tensor) -> Tensor:
        assert (x[:, 0] < 50).all(), "amount above the limit"
        return self.linear(x)


class InRange(Guarded):
    """Bounds of the least and the largest."""

    def forward(self, x: Tensor) -> Tensor:
        if x.min() < -50 or x.max() > 50:
            raise ValueError("features within fifty of zero")
        return self.linear(x)


class AsNumber(Guarded):
    def forward(self, x: Tensor) -> Tensor:
        if bool(torch.isnan(x.sum(dim=1)).any().item()):
            raise ValueError("the sum is not a number")
        return self.linear(x)


class InDouble(Guarded):
    """A number is compared in double: 40.7 as a float is above it."""

    def forward(self, x: Tensor) -> Tensor:
        if x.max().item() > 40.7:
            raise ValueError("above the largest")
        return self.linear(x)


class Composed(Guarded):
    """Words that are put together of data are left out."""

    def forward(self, x: Tensor) -> Tensor:
        if torch.isnan(x).any():
            raise ValueError(f"not a number in {x.size(0)} rows")
        return self.linear(x)


class Several(Guarded):
    """One guard behind the other; the first that fails speaks."""

    def forward(self, x: Tensor) -> Tensor:
        if torch.isnan(x[:, 1:]).any():
            raise ValueError("the second guard's words are others")
        y = self.linear(x)
        if (y.abs().sum(dim=1) > 1e6).any():
            raise ValueError("a score out of hand")
        return y


class Codes(nn.Module):
    """A guard in front of a look-up that would fail."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(5, 4)
        self.linear = nn.Linear(4, 2)

    def forward(self, codes: Tensor) -> Tensor:
        if (codes >= 5).any():
            raise IndexError("an unknown code")
        return self.linear(self.embedding(codes).mean(dim=1))


class Branches(Guarded):
    """In a layer, where another result goes on."""

    def forward(self, x: Tensor) -> Tensor:
        y = self.linear(x)
        if torch.isnan(y).any():
            raise ValueError("a layer gives no number")
        else:
            y = torch.tanh(y)
        return y * 2


class OfLength(nn.Module):
    """Lengths that the runs do not have: an `if` and an `assert`."""

    def forward(self, x: Tensor) -> Tensor:
        if x.size(1) == 4:
            raise ValueError("four events are too few and too many")
        assert x.size(1) != 2, "two events"
        return x.sum(dim=(1, 2))


def spoilt(value: float):
    def spoil(inputs: list[Tensor]) -> None:
        inputs[0][1, 0] = value
    return spoil


def guards() -> Iterator[Case]:
    nan, large = float("nan"), 1e7
    plain = [(NotANumber, nan, "a feature is not a number"), (NotFinite, -float("inf"), "features have to be finite"),
             (AllFinite, nan, "features have to be finite"), (Asserted, 51.0, "amount above the limit"),
             (InRange, -51.0, "features within fifty of zero"), (AsNumber, nan, "the sum is not a number"),
             (InDouble, 40.7, "above the largest"), (Composed, nan, "a check of its own failed"), (Several, large, "a score out of hand"),
             (Branches, nan, "a layer gives no number")]
    for make, value, words in plain:
        yield Case(f"guards_{make.__name__.lower()}", randomise(make(), 5), [numbers(WIDTH)], {"guards"}, True,
                   many=True, spoil=spoilt(value), says=words)
    yield Case("guards_length", OfLength(), [numbers(LENGTH, 3)], {"guards"}, True, spoil=lambda inputs: None,
               says="four events are too few and too many")
    yield Case("guards_codes", Codes().eval(), [ids(5, 3)], {"guards"}, True, spoil=spoilt(7), says="an unknown code")

# SPDX-License-Identifier: Apache-2.0
"""Arguments that are seldom given: each must change the graph as it changes LibTorch's result."""
import math
from typing import Callable

import torch
import torch.nn.functional as F
from case import LENGTH, Case, ids, numbers
from torch import Tensor, nn

FAMILY = {"arguments"}


class Rounded(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (torch.round(x * 100, decimals=1) + torch.round(x * 1000, decimals=-2)).sum(1)


class OtherBase(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sum(1) * math.log(x.size(1), 2)


class Scaled(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.add(x, x.abs(), alpha=3).sum(1) + torch.sub(x, 1, alpha=0.25).sum(1)


class Copies(nn.Module):
    """A copy of the same dtype is other memory: what is written into it leaves the first alone."""

    def forward(self, x: Tensor) -> Tensor:
        copy = x.to(torch.float32, copy=True)
        copy.mul_(3.0)
        return (x - copy).sum(1)


class OtherDtype(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        whole = (x * 4).long()
        return (torch.log_softmax(whole, 1, dtype=torch.float32).sum(1)
                + torch.softmax(whole, 1, dtype=torch.float32)[:, 0]
                + torch.linalg.vector_norm(x, 2, dim=1, dtype=torch.float32)
                + torch.prod(whole.clamp(1, 2), 1, dtype=torch.float32))


class Bag(nn.Module):
    """The operator itself: padding_idx counts from the table's end."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(7, 3))

    def forward(self, codes: Tensor) -> Tensor:
        rows, width = codes.shape
        offsets = torch.arange(0, rows * width, width)
        bag = torch.embedding_bag(self.weight, codes.reshape(-1), offsets, False, 1, False, None, False, -1)
        return bag[0].sum(1)


class Sorted(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("edges", torch.tensor([-1.0, 0.0, 0.5, 0.5, 2.0]))

    def forward(self, x: Tensor) -> Tensor:
        x = torch.round(x * 2) / 2
        below = torch.searchsorted(self.edges, x, out_int32=True, side="right")
        return (below + torch.bucketize(x, self.edges, out_int32=True, right=True) * 10).float().sum(1)


class Masked(nn.Module):
    """Constant masks pick places that are known."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("columns", torch.tensor([True, False, True, True, False]))
        self.register_buffer("cells", torch.rand(2, 5) > 0.4)

    def forward(self, x: Tensor) -> Tensor:
        both = torch.stack([x, x.square()], dim=1)
        return x[:, self.columns].sum(1) + (both[:, self.cells] * 0.5).sum(1)


class Spread(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.std(x, 1, correction=0) + torch.var(x, 1, unbiased=False) + torch.mean(x, 1, keepdim=True)[:, 0]


class Powers(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sum(1) / x.size(1) ** 0.5 + F.elu(x, alpha=0.5).sum(1) + F.gelu(x, approximate="tanh").sum(1)


class Halves(nn.Module):
    """Integers with a real number give float32, scripted and traced."""

    def forward(self, codes: Tensor) -> Tensor:
        return (codes - 0.5).sum(1) + (1.5 * codes).mean(1)


KINDS: list[tuple[Callable, list]] = [
    (Rounded, [numbers(4)]), (OtherBase, [numbers(LENGTH)]), (Scaled, [numbers(4)]), (Copies, [numbers(4)]),
    (OtherDtype, [numbers(5)]), (Bag, [ids(7, 4)]), (Sorted, [numbers(4)]), (Masked, [numbers(5)]),
    (Spread, [numbers(5)]), (Powers, [numbers(LENGTH)]), (Halves, [ids(9, 4)])]
TRACED = {"Halves", "Masked", "Scaled", "Copies"}


def arguments() -> list[Case]:
    cases = []
    for kind, inputs in KINDS:
        for scripted in (True, False) if kind.__name__ in TRACED else (True,):
            torch.manual_seed(3)
            name = f"arguments_{kind.__name__.lower()}_{'scripted' if scripted else 'traced'}"
            cases.append(Case(name, kind(), inputs, FAMILY, scripted))
    return cases

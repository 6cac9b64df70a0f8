# SPDX-License-Identifier: Apache-2.0
"""Convolutions and pools over a history or a window."""
from typing import Callable

import torch
from case import LENGTH, Case, ids, numbers, randomise
from torch import Tensor, nn
from torch.nn import functional as F

FAMILY = {"convolutions"}


class Stack(nn.Module):
    """Over a history of any length, as long as it was."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv1d(4, 8, 3, padding=1), nn.BatchNorm1d(8), nn.ReLU(),
                                  nn.Conv1d(8, 6, 1), nn.GELU(), nn.Conv1d(6, 5, 5, padding="same", bias=False))
        self.head = nn.Linear(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x.transpose(1, 2)).mean(dim=2))


class Causal(nn.Module):
    """A temporal convolutional network: dilated, padded on the left, with residuals."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv1d(3, 6, 3), nn.Conv1d(6, 6, 3, dilation=2)
        self.short = nn.Conv1d(3, 6, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(1, 2)
        y = torch.relu(self.first(F.pad(x, (2, 0))))
        y = torch.relu(self.second(F.pad(y, (4, 0))))
        return torch.relu(y + self.short(x))[:, :, -1]


class TextCnn(nn.Module):
    """Kernels of several widths over embeddings, the largest of each."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(11, 5)
        self.convs = nn.ModuleList([nn.Conv1d(5, 4, k, padding=k - 1) for k in (2, 3, 4)])
        self.head = nn.Linear(12, 1)

    def forward(self, codes: Tensor) -> Tensor:
        x = self.table(codes).permute(0, 2, 1)
        parts = []
        for conv in self.convs:
            y = torch.relu(conv(x))
            parts.append(F.adaptive_max_pool1d(y, 1).squeeze(2))
        return self.head(torch.cat(parts, dim=1)).squeeze(1)


class Window(nn.Module):
    """Over a fixed window: strides, pools, groups."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv1d(4, 8, 3, stride=2, padding=1), nn.ReLU(), nn.MaxPool1d(2),
                                  nn.Conv1d(8, 8, 3, padding=1, groups=2), nn.AvgPool1d(3, stride=1, padding=1),
                                  nn.Conv1d(8, 8, 2, groups=8), nn.AdaptiveAvgPool1d(1), nn.Flatten())

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x.view(-1, 4, 16))


class Separable(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.depth = nn.Conv1d(4, 4, 3, padding=1, groups=4)
        self.point = nn.Conv1d(4, 6, 1)
        self.wide = nn.Conv1d(4, 8, 3, padding=1, groups=4, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = x.transpose(1, 2)
        return torch.cat([self.point(F.silu(self.depth(y))), torch.tanh(self.wide(y))], dim=1).amax(dim=2)


class Edges(nn.Module):
    """Padding by what stands at the edges."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv1d(1, 3, 3, padding=2, padding_mode=mode)
                                    for mode in ("reflect", "replicate", "circular", "zeros")])

    def forward(self, x: Tensor) -> Tensor:
        parts = []
        for conv in self.convs:
            parts.append(conv(x.unsqueeze(1)).amax(dim=2))
        return torch.cat(parts, dim=1)


class Pools(nn.Module):
    """Of special values too."""

    def forward(self, x: Tensor) -> Tensor:
        y = x.unsqueeze(1)
        parts = [F.max_pool1d(y, 3, stride=2), F.max_pool1d(y, 2, padding=1), F.max_pool1d(y, 3, 1, 0, 2),
                 F.adaptive_max_pool1d(y, 4), F.adaptive_avg_pool1d(y, 2).clamp(-9, 9), x.unfold(1, 3, 2).amax(2, True).mT]
        return torch.cat([part.flatten(1) for part in parts], dim=1)


class Moving(nn.Module):
    """Moving averages of a history, and where its largest is."""

    def forward(self, x: Tensor) -> Tensor:
        y = x.transpose(1, 2)
        mean = F.avg_pool1d(F.pad(y, (2, 0)), 3, stride=1)
        spread = (y - mean).abs().amax(dim=2)
        top, place = F.adaptive_max_pool1d(y, 1, return_indices=True)
        windows = F.pad(y, (3, 0)).unfold(2, 4, 1).std(dim=3).mean(2)
        return torch.cat([spread, top.squeeze(2), place.squeeze(2).float(), windows], dim=1)


KINDS: list[tuple[Callable, list]] = [
    (Stack, [numbers(LENGTH, 4)]), (Causal, [numbers(LENGTH, 3)]), (TextCnn, [ids(11, LENGTH)]),
    (Window, [numbers(64)]), (Separable, [numbers(LENGTH, 4)]), (Edges, [numbers(7)]),
    (Pools, [numbers(8, special=True)]), (Moving, [numbers(LENGTH, 2)])]


def convolutions() -> list[Case]:
    cases = []
    for kind, inputs in KINDS:
        for scripted in (True, False):
            torch.manual_seed(11)
            name = f"convolutions_{kind.__name__.lower()}_{'scripted' if scripted else 'traced'}"
            cases.append(Case(name, randomise(kind(), 11), inputs, FAMILY, scripted, many=True))
    return cases

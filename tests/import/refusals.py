# SPDX-License-Identifier: Apache-2.0
"""Modules that cannot be imported, with the words that the report must hold."""
import torch
from case import LENGTH, Case, ids, numbers
from torch import Tensor, nn


class Branches(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        if bool((x > 0).any()):
            return x.sum(1)
        return x.mean(1)


class Raises(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        if bool((x < 0).any()):
            raise ValueError("negative number")
        return x.sum(1)


class Sorts(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.sort(x, dim=1)[0][:, 0] + torch.linalg.det(x.view(-1, 2, 2))


class Doubles(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (x.double() * 2.0).sum(1).float()


class Mixes(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (x - x.mean(dim=0)).sum(1)


class FirstRow(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (x * x[0]).sum(1)


class Rounds(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        y = torch.zeros_like(x[:, 0])
        for i in range(x.size(1)):
            y = torch.tanh(y + x[:, i])
        return y[:, 0]


class Selects(nn.Module):
    def forward(self, x: Tensor, codes: Tensor) -> Tensor:
        return x[codes > 2].sum(dim=0, keepdim=True).expand(x.size(0), -1)


class Noise(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (x + torch.randn_like(x)).sum(1)


def refusals() -> list[Case]:
    def case(module, arguments, *words, scripted=True):
        return Case(f"refused_{type(module).__name__.lower()}", module, arguments, set(), scripted, refusal=words)

    return [
        case(Branches(), [numbers(4)], "prim::If", "refusals.py:", "depends on data"),
        case(Raises(), [numbers(4)], "prim::If", "refusals.py:", "depends on data"),
        case(Sorts(), [numbers(4)], "aten::sort", "aten::linalg_det", "refusals.py:", "not supported"),
        case(Sorts(), [numbers(4)], "aten::sort", "aten::linalg_det", "refusals.py:", "not supported", scripted=False),
        case(Doubles(), [numbers(4)], "float64 computation", "refusals.py:"),
        case(Mixes(), [numbers(4)], "aten::mean", "refusals.py:", "mixes rows"),
        case(FirstRow(), [numbers(4)], "aten::select", "refusals.py:", "mixes rows"),
        case(Rounds(), [numbers(LENGTH, 3)], "prim::Loop", "refusals.py:", "rounds"),
        case(Selects(), [numbers(4), ids(5)], "aten::index", "refusals.py:", "depends on data"),
        case(Noise(), [numbers(4)], "aten::randn_like", "refusals.py:", "random"),
    ]

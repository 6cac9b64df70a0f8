# SPDX-License-Identifier: Apache-2.0
"""Modules that cut, join and look up; and control flow that importing resolves."""
from typing import List, Optional, Tuple

import torch
from case import LENGTH, Case, draw, ids, lengths, numbers, randomise
from torch import Tensor, nn
from torch.nn import functional as F


class Slices(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(3, 4), nn.Linear(5, 4)

    def forward(self, x: Tensor) -> Tensor:
        left, right = x[:, :3], x[:, 3:]
        mixed = torch.stack([self.a(left), self.b(right)], dim=1)
        return mixed[:, 0] * mixed[:, 1] + x[:, 1:8:2] - x[..., -4:]


class Picks(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("order", torch.tensor([4, 0, 2]))
        self.register_buffer("even", torch.tensor([0, 2, 4]))
        self.last = nn.Linear(9, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.cat([x[:, self.order], x.index_select(1, self.even), x[:, [1, 3, 5]]], dim=-1))


class Gathers(nn.Module):
    def forward(self, x: Tensor, place: Tensor) -> Tensor:
        picked = torch.gather(x, 1, place)
        first = x[torch.arange(x.size(0)), place[:, 0]]
        return torch.cat([picked, first.unsqueeze(1), x.gather(1, place[:, 1:2])], dim=1)


class LastEvent(nn.Module):
    """The last event of a sequence, found by its length."""

    def __init__(self, how: int):
        super().__init__()
        self.how = how
        self.last = nn.Linear(4, 2)

    def forward(self, x: Tensor, count: Tensor) -> Tensor:
        if self.how == 0:
            v = x[torch.arange(x.size(0), device=x.device), count - 1]
        elif self.how == 1:
            v = x.gather(1, (count - 1).view(-1, 1, 1).expand(-1, 1, x.size(2))).squeeze(1)
        elif self.how == 2:
            v = x[:, -1] + x[:, -1:, :].squeeze(1)
        else:
            seen = torch.arange(x.size(1))[None, :] < count[:, None]
            v = (x * seen.unsqueeze(-1)).sum(dim=1) / count.clamp(min=1).unsqueeze(-1)
        return self.last(v)


class Splits(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(8, 12)

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        q, k, v = self.linear(x).split(4, dim=-1)
        a, b = torch.split(x, [3, 5], dim=1)
        c = x.view(-1, 2, 4).permute(0, 2, 1).reshape(x.shape[0], 8)
        one, two = x.view(x.size(0), 2, 4).unbind(1)
        return torch.cat((q + one, k * two, v, a, b, c), 1), torch.maximum(one, two).amax(dim=1, keepdim=True)


class Differences(nn.Module):
    """Steps between neighbouring events."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(3, 1)

    def forward(self, x: Tensor) -> Tensor:
        step = x[:, 1:] - x[:, :-1]
        step = torch.cat([torch.zeros_like(x[:, :1]), step], dim=1)
        return self.last(torch.cumsum(step, dim=1)).squeeze(-1).sum(dim=1)


class Writes(nn.Module):
    """Writes in place, and into slices."""

    def forward(self, x: Tensor) -> Tensor:
        y = x.clone()
        y[:, 0] = x[:, 1] * 2.0
        y[:, 2:4] += 1.0
        y.mul_(0.5)
        out = torch.zeros(x.size(0), 3, dtype=x.dtype)
        out[:, 1] = y.sum(1)
        return torch.cat([F.relu_(y), out], 1)


class Repeats(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.randn(1, 1, 4))
        self.last = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        batch = x.shape[0]
        token = self.token.repeat(batch, 1, 1)
        x = torch.cat((token, x), dim=1)
        return self.last(x).transpose(1, 2).softmax(dim=1).mean(2)


class OneHot(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(10, 2)

    def forward(self, codes: Tensor) -> Tensor:
        return self.last(torch.flatten(F.one_hot(codes, num_classes=5), 1).float())


def layouts(seed: int) -> Case:
    draw(seed)
    kind, scripted = seed % 12, (seed // 12) % 2 == 0
    family = {"concat_slice_gather_stack"}
    made = {
        0: lambda: (Slices(), [numbers(8)]),
        1: lambda: (Picks(), [numbers(6)]),
        2: lambda: (Gathers(), [numbers(6), ids(6, 3)]),
        3: lambda: (LastEvent(0), [numbers(LENGTH, 4), lengths()]),
        4: lambda: (LastEvent(1), [numbers(LENGTH, 4), lengths()]),
        5: lambda: (LastEvent(2), [numbers(LENGTH, 4), lengths()]),
        6: lambda: (LastEvent(3), [numbers(LENGTH, 4), lengths()]),
        7: lambda: (Splits(), [numbers(8)]),
        8: lambda: (Differences(), [numbers(LENGTH, 3)]),
        9: lambda: (Writes(), [numbers(5)]),
        10: lambda: (Repeats(), [numbers(LENGTH, 4)]),
        11: lambda: (OneHot(), [ids(5, 2)]),
    }[kind]()
    if kind in (3, 4, 5):
        family |= {"pool_last"}
    if kind == 6:
        family |= {"mask_lengths", "pool_mean"}
    if kind == 7:
        family |= {"several_outputs"}
    if kind == 10:
        family |= {"softmax_head"}
    return Case(f"layout_{seed}", randomise(made[0], seed), made[1], family, scripted)


class Flags(nn.Module):
    """Branches that freezing or importing decides."""

    def __init__(self, deep: bool, rounds: int, norm: Optional[str]):
        super().__init__()
        self.deep, self.rounds = deep, rounds
        self.norm: Optional[nn.Module] = nn.LayerNorm(6) if norm else None
        self.layers = nn.ModuleList([nn.Linear(6, 6) for _ in range(3)])
        self.scale = 0.5

    def forward(self, x: Tensor, extra: Optional[Tensor] = None) -> Tensor:
        if x.dim() != 2:
            raise ValueError("expected [batch, 6]")
        if x.size(1) != 6:
            raise ValueError(f"expected 6 numbers, got {x.size(1)}")
        if self.deep:
            for layer in self.layers:
                x = torch.tanh(layer(x))
        else:
            x = self.layers[0](x)
        for i in range(self.rounds):
            x = x + self.scale * i
        if self.norm is not None:
            x = self.norm(x)
        if self.training:
            x = x + torch.rand_like(x)
        if extra is not None:
            x = x + extra
        parts: List[Tensor] = []
        for k in range(x.size(1)):
            if k % 2 == 0:
                parts.append(x[:, k])
        return torch.stack(parts, 1) if len(parts) > 0 else x


class Sizes(nn.Module):
    """Arithmetic with sizes, and conditions on them that always come out alike."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        assert width == 4
        flat = self.linear(x.reshape(batch * length, width))
        if flat.size(0) != batch * length:
            raise RuntimeError("never")
        y = flat.view(batch, length, 2, width // 2).transpose(1, 2).contiguous()
        if length >= 0 and batch > 0:
            y = y * (1.0 / width)
        y = y.sum(dim=2) / float(length)
        return y.view(batch, -1)


def folded(seed: int) -> Case:
    rng = draw(seed)
    if seed % 3 == 2:
        return Case(f"sizes_{seed}", Sizes(), [numbers(LENGTH, 4)], {"folded_control_flow"}, scripted=seed % 2 == 0)
    module = Flags(rng.random() < 0.5, rng.choice([0, 2, 5]), rng.choice([None, "layer"]))
    return Case(f"flags_{seed}", randomise(module, seed), [numbers(6)], {"folded_control_flow"}, scripted=seed % 2 == 0)

# SPDX-License-Identifier: Apache-2.0
"""Rotary positions by complex numbers, as LLaMA's code has them."""
import torch
from case import LENGTH, Case, numbers
from torch import Tensor, nn
from torch.nn import functional as F

ROTARY = {"complex_rotary"}


def turns(dim: int, end: int, theta: float = 100.0) -> Tensor:
    rates = 1.0 / (theta ** (torch.arange(0, dim, 2).float() / dim))
    angles = torch.outer(torch.arange(end).float(), rates)
    return torch.polar(torch.ones_like(angles), angles)


class Attention(nn.Module):
    """apply_rotary_emb of LLaMA: [batch, length, heads, d / 2] times [1, length, 1, d / 2]."""

    def __init__(self) -> None:
        super().__init__()
        self.heads, self.dim = 2, 6
        self.wq, self.wk, self.wv = nn.Linear(5, 12), nn.Linear(5, 12), nn.Linear(5, 12)
        self.register_buffer("freqs_cis", turns(6, 32))

    def turned(self, x: Tensor, freqs_cis: Tensor) -> Tensor:
        pairs = torch.view_as_complex(x.float().reshape(x.size(0), x.size(1), self.heads, -1, 2))
        freqs = freqs_cis.view(1, pairs.size(1), 1, pairs.size(3))
        return torch.view_as_real(pairs * freqs).flatten(3).type_as(x)

    def forward(self, x: Tensor) -> Tensor:
        shape = (x.size(0), x.size(1), self.heads, self.dim)
        freqs_cis = self.freqs_cis[:x.size(1)]
        q = self.turned(self.wq(x).view(shape), freqs_cis).transpose(1, 2)
        k = self.turned(self.wk(x).view(shape), freqs_cis).transpose(1, 2)
        v = self.wv(x).view(shape).transpose(1, 2)
        return F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)[:, -1]


class Heads(nn.Module):
    """Heads first, the table unsqueezed; angles are computed in forward."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("rates", 1.0 / (50.0 ** (torch.arange(0, 8, 2).float() / 8)))

    def forward(self, x: Tensor) -> Tensor:
        angles = torch.outer(torch.arange(x.size(1)).float(), self.rates)
        table = torch.polar(torch.ones_like(angles), angles).unsqueeze(0).unsqueeze(-3)
        heads = x.unflatten(2, [2, 8]).transpose(1, 2)
        pairs = torch.view_as_complex(heads.unflatten(-1, [4, 2]).contiguous())
        turned = torch.view_as_real(pairs * table).flatten(-2)
        return turned.transpose(1, 2).flatten(2).sum(1)


class Parts(nn.Module):
    """Halves as real and imaginary parts, and what torch.complex makes."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("turn", turns(6, 4)[3])

    def forward(self, x: Tensor):
        z = torch.complex(x[:, :3], x[:, 3:]) * self.turn + self.turn
        scaled = z * 0.5 - torch.view_as_complex(x.nan_to_num(0.0, 3.0, -3.0).view(-1, 3, 2))
        return z.real, z.imag, torch.view_as_real(scaled)[..., 1] + torch.real(scaled)


class Places(nn.Module):
    """The table at places that a row has."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("table", turns(4, 9))

    def forward(self, x: Tensor) -> Tensor:
        places = (x[:, :, 0].abs() * 2).long().clamp(0, 8)
        pairs = torch.view_as_complex(x.view(x.size(0), x.size(1), 2, 2))
        turned = pairs * self.table[places]
        return torch.view_as_real(turned.permute(0, 2, 1)).mean(2).flatten(1)


def rotary() -> list[Case]:
    cases = []
    for kind, inputs in [(Attention, [numbers(LENGTH, 5)]), (Heads, [numbers(LENGTH, 16)]),
                         (Parts, [numbers(6, special=True)]), (Places, [numbers(LENGTH, 4)])]:
        for scripted in (True, False):
            torch.manual_seed(4)
            name = f"rotary_{kind.__name__.lower()}_{'scripted' if scripted else 'traced'}"
            cases.append(Case(name, kind(), inputs, ROTARY, scripted, many=True))
    return cases

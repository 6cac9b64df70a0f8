# SPDX-License-Identifier: Apache-2.0
"""float16 and bfloat16: weights that are kept in half and used as float, and what is rounded on the way. Special values too:
what overflows float16 and what is denormal in it."""
from typing import Callable

import torch
from case import LENGTH, Case, ids, numbers
from torch import Tensor, nn
from torch.nn import functional as F

HALF = {"half_and_bfloat16"}


class Stored(nn.Module):
    """Saved by model.half(), computed in float."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(6, 8).to(dtype), nn.Linear(8, 2).to(dtype)
        self.norm = nn.LayerNorm(8).to(dtype)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(F.linear(x, self.first.weight.float(), self.first.bias.float()))
        y = F.layer_norm(y, [8], self.norm.weight.float(), self.norm.bias.float())
        return F.linear(y, self.second.weight.to(x.dtype), self.second.bias.to(x.dtype))


class Tables(nn.Module):
    """Embeddings kept in half."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.codes, self.places = nn.Embedding(9, 4).to(dtype), nn.Embedding(32, 4).to(dtype)
        self.out = nn.Linear(4, 2)

    def forward(self, codes: Tensor) -> Tensor:
        at = torch.arange(codes.size(1))
        y = self.codes(codes).float() + self.places(at).to(torch.float32)
        both = self.codes(codes) + self.places(at)
        return torch.cat([self.out(y.mean(1)), both[:, -1].float(), both.amax(1).float()], dim=1)


class Casts(nn.Module):
    """There and back, of special values."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype

    def forward(self, x: Tensor):
        y = x.to(self.dtype)
        z = torch.stack([y, -y], dim=1).transpose(1, 2).reshape(x.size(0), -1)
        return y.float(), z[:, 1:].float(), y.double(), torch.isinf(y), (y.view(-1, 3, 2)[:, :, 0]).float(), y.to(torch.int64) % 2


class Arithmetic(nn.Module):
    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype
        self.register_buffer("scale", torch.tensor([0.1, 3.0, -7.77, 1e-4, 1.0, 500.0]).to(dtype))

    def forward(self, x: Tensor):
        y = x.to(self.dtype)
        z = y * self.scale + 0.1
        more = (1.1 - y) / 3.3
        squares = torch.sqrt(y * y)
        return (z.float(), more.float(), squares.float(), torch.sub(y, self.scale, alpha=2).float(), (y * 1.7).float(),
                torch.square(y).float(), (y / self.scale).clamp(-2.3, 2.3).float(), (2.2 / y).float())


class Mixed(nn.Module):
    """Beside float32, float64, integers and numbers."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype
        self.register_buffer("mean", torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64))
        self.register_buffer("scale", torch.tensor(1.7))

    def forward(self, x: Tensor, codes: Tensor):
        y = x.to(self.dtype)
        return (y + x, (y - self.mean).float(), (y * self.scale).float(), (y + self.scale).float(), (y + codes).float(),
                (self.scale * y).float(), (self.scale / y).float(),
                (y * codes).float(), torch.where(x > 0, y, 0.7).float(), torch.where(x > 0, y, x), y.type_as(x))


class Compared(nn.Module):
    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype

    def forward(self, x: Tensor):
        y = x.to(self.dtype)
        top, place = y.max(dim=1)
        return (y > 0.1, (y == y.round()).float(), y.masked_fill(y < 0.3, 0.3).float(), torch.maximum(y, -y).float(),
                top.float(), place, torch.relu(y).float(), F.hardtanh(y).float(), y.amin(1).float())


class Columns(nn.Module):
    """Results that stay narrow, as columns."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype
        self.out = nn.Linear(3, 2)

    def forward(self, x: Tensor):
        y = torch.cat([self.out(x).to(self.dtype), x.to(self.dtype)], dim=1)
        return y, (y + y)[:, 0], y.unsqueeze(1).expand(-1, 2, -1).float()


class Sequence(nn.Module):
    """Cast between the layers, as autocast does, and a history in half."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype
        self.first, self.second = nn.Linear(4, 6), nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x).relu().to(self.dtype)
        y = y * 0.5
        return self.second(y.float().mean(1)) + y[:, -1].amax(1, keepdim=True).float()


KINDS: list[tuple[Callable, list]] = [
    (Stored, [numbers(6)]), (Tables, [ids(9, LENGTH)]), (Casts, [numbers(6, special=True)]),
    (Arithmetic, [numbers(6, special=True)]), (Mixed, [numbers(3), ids(4000, 3)]), (Compared, [numbers(5, special=True)]),
    (Columns, [numbers(3)]), (Sequence, [numbers(LENGTH, 4)])]


def halves() -> list[Case]:
    cases = []
    for i, (kind, inputs) in enumerate(KINDS):
        for j, dtype in enumerate((torch.float16, torch.bfloat16)):
            torch.manual_seed(3)
            scripted = (i + j) % 2 == 0
            name = f"half_{kind.__name__.lower()}_{str(dtype).removeprefix('torch.')}"
            cases.append(Case(name, kind(dtype), inputs, HALF, scripted, many=True))
    return cases

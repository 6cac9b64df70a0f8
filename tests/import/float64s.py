# SPDX-License-Identifier: Apache-2.0
"""float64 on the way: numpy's means and scales as buffers, sums of a history in double, doubles as arguments. Special values
are NaN, infinities, what no float32 holds, and denormals."""
from typing import Callable

import torch
from case import LENGTH, Argument, Case, ids, numbers
from torch import Tensor, nn

FLOAT64 = {"float64"}


def doubles(*shape, special: bool = False) -> Argument:
    return Argument("float64", numbers(*shape).shape, special=special)


class Standardised(nn.Module):
    """As sklearn's StandardScaler leaves its arrays, read by torch.from_numpy."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor([3.2, -1.5e3, 1e-7, 0.0, 12.75, 1 / 3], dtype=torch.float64))
        self.register_buffer("scale", torch.tensor([1.1, 250.3, 3e-8, 1.0, 1e300, 5e-324], dtype=torch.float64))
        self.head = nn.Linear(6, 3)

    def forward(self, x: Tensor):
        z = ((x - self.mean) / self.scale).float()
        return z, torch.sigmoid(self.head(z.nan_to_num(0.0, 9.0, -9.0).clamp(-9, 9)))


class Clipped(nn.Module):
    """Least and largest of the training data."""

    def __init__(self) -> None:
        super().__init__()
        low = torch.tensor([0.0, -2.5, 0.1, -1e300], dtype=torch.float64)
        self.register_buffer("low", low)
        self.register_buffer("span", torch.tensor([0.3, 7.0, 1e-3, 1e300], dtype=torch.float64))

    def forward(self, x: Tensor):
        part = (x.double() - self.low) / self.span
        inside = torch.logical_and(part >= 0, part <= 1)
        return part.clamp(0.0, 1.0).to(torch.float32), inside, torch.where(inside, part, -0.1).to(x.dtype)


class Means(nn.Module):
    def forward(self, x: Tensor):
        y = x.double()
        return (y.mean(dim=1).float(), y.std(dim=1).float(), y.var(dim=2, unbiased=False), y.sum(dim=(1, 2)).float(),
                x.mean(dim=2, dtype=torch.float64), torch.sum(x, 1, dtype=torch.float64).float())


class History(nn.Module):
    """Of amounts with twelve digits: a variance that float32 would lose."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(4, 1)

    def forward(self, amounts: Tensor, x: Tensor) -> Tensor:
        far = amounts.double() + 1e9
        centred = far - far.mean(1, keepdim=True)
        spread = torch.sqrt((centred * centred).mean(1)).float()
        most, least = (far.amax(1) - 1e9).float(), (far.min(dim=1)[0] - 1e9).float()
        return torch.cat([self.out(torch.stack([spread, most, least, x[:, 0]], dim=1)), spread.unsqueeze(1)], 1)


class Functions(nn.Module):
    def forward(self, x: Tensor):
        y = x.double()
        logs = torch.log1p(y.abs()) + torch.log(y.abs() + 1e-300)
        return (torch.exp(y).float(), logs.float(), torch.tanh(y / 3).float(), torch.sigmoid(-y).float(),
                torch.erf(y).float(), torch.sin(y.clamp(-50, 50)).float(), torch.cos(y.clamp(-50, 50)).float(),
                y.sqrt().float(), y.rsqrt().float(), torch.reciprocal(y).float())


class Rounded(nn.Module):
    """Formulas of several operators."""

    def forward(self, x: Tensor):
        y = x.double() * 1.1
        return (torch.floor(y).float(), torch.round(y, decimals=2).float(), torch.trunc(y), torch.frac(y).float(),
                torch.nan_to_num(y).float(), torch.isfinite(y * 1e300), y.relu().float(), (y ** 3).float(),
                (y.nan_to_num(0.0, 40.0, -40.0).clamp(-50, 50) // 0.3).float(), -y.abs().float(), torch.log2(y.abs()).float(), y.square().neg())


class Beyond(nn.Module):
    """What float32 has no number for."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("size", torch.tensor([1e300, 1e-300, 3e38, 5e-324, float("inf"), float("nan")],
                                                  dtype=torch.float64))

    def forward(self, x: Tensor):
        large = x * self.size
        back = large / self.size
        return large.float(), back.float(), (large > 1e299), (large == 0.0).float(), self.size.float() + x


class Arguments(nn.Module):
    def forward(self, x: Tensor, y: Tensor):
        z = x * 3.0 - 1
        return z, (z + y).float(), torch.maximum(x, y).float(), x.mean(1), x.argmax(1), (x > 0.1).sum(1), x[:, 1:].long()


class Tables(nn.Module):
    """Means of each merchant, kept as numpy has them."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("rates", torch.rand(7, 3, dtype=torch.float64) / 7)
        self.register_buffer("prior", torch.tensor(0.125, dtype=torch.float64))

    def forward(self, x: Tensor, codes: Tensor):
        rate = self.rates[codes]
        lift = (rate.mean(dim=2) - self.prior) / self.prior
        return lift.float(), (x * self.rates[2]).float(), x * self.prior, rate[:, 0].log().float()


class Joined(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("start", torch.linspace(-1, 1, 4, dtype=torch.float64) / 3)

    def forward(self, x: Tensor):
        y = torch.cat([x, self.start.expand(x.size(0), 4)], dim=1)
        z = torch.stack([y, y * 2], dim=1).transpose(1, 2).reshape(x.size(0), -1)
        full = torch.full_like(y, 0.1) + torch.zeros(8, dtype=torch.float64)
        running = torch.cumsum(y, dim=1)
        masked = y.masked_fill(y > 0.5, 0.3)
        return z.float(), full.float() * 3, running[:, ::2].float(), masked, torch.linalg.vector_norm(y, dim=1)


KINDS: list[tuple[Callable, list]] = [
    (Standardised, [numbers(6, special=True)]), (Clipped, [numbers(4, special=True)]), (Means, [numbers(LENGTH, 4)]),
    (History, [numbers(LENGTH), numbers(1)]), (Functions, [numbers(5, special=True)]),
    (Rounded, [numbers(5, special=True)]), (Beyond, [numbers(6, special=True)]),
    (Arguments, [doubles(4, special=True), numbers(4)]), (Tables, [numbers(3), ids(7, 2)]), (Joined, [numbers(4)])]


def float64s() -> list[Case]:
    cases = []
    for kind, inputs in KINDS:
        for scripted in (True, False):
            torch.manual_seed(3)
            name = f"float64_{kind.__name__.lower()}_{'scripted' if scripted else 'traced'}"
            cases.append(Case(name, kind(), inputs, FLOAT64, scripted, least_length=2 if kind in (Means,) else 1, many=True))
    return cases

# SPDX-License-Identifier: Apache-2.0
"""Functions that are formulas of several operators, of special values too."""
import math
from typing import Callable

import torch
from case import LENGTH, Case, ids, numbers
from torch import Tensor, nn
from torch.nn import functional as F

ONE, TWO, BITS, OUTPUTS = {"functions_of_one"}, {"functions_of_two"}, {"integer_bits"}, {"int64_and_bool_outputs"}




class Hyperbolic(nn.Module):
    def forward(self, x: Tensor):
        return (torch.asinh(x), torch.acosh(x.abs() + 1), torch.atanh(torch.tanh(x) * 0.9), torch.atanh(x),
                torch.acosh(x))


class Growth(nn.Module):
    """sinh and cosh to the largest float, whose logarithm makes all of it count."""

    def forward(self, x: Tensor):
        large = torch.cat([torch.log(torch.cosh(x)), torch.log(torch.sinh(x).abs())], dim=1)
        return large, torch.sinh(x.clamp(-2, 2)), torch.cosh(x.clamp(-2, 2)), torch.sinh(x * 1e-3)


class Sinh(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.sinh(x.clamp(-60, 60))


class Arcs(nn.Module):
    def forward(self, x: Tensor):
        return (torch.atan(x), torch.asin(x), torch.acos(x), torch.asin(torch.tanh(x)),
                torch.acos(torch.sin(x.clamp(-9, 9))), x.arctan(), x.arcsin(), x.arccos())


class Haversine(nn.Module):
    """Kilometres between where a card was and is, in two formulas."""

    def forward(self, x: Tensor) -> Tensor:
        x = torch.deg2rad(x * 30.0)
        a_lat, a_lon, b_lat, b_lon = x.unbind(1)
        h = torch.sin((b_lat - a_lat) / 2) ** 2
        h = h + torch.cos(a_lat) * torch.cos(b_lat) * torch.sin((b_lon - a_lon) / 2) ** 2
        first = 2 * 6371.0 * torch.asin(torch.sqrt(h.clamp(0, 1)))
        second = 2 * 6371.0 * torch.atan2(torch.sqrt(h), torch.sqrt((1 - h).clamp(min=0.0)))
        y = torch.sin(b_lon - a_lon) * torch.cos(b_lat)
        z = torch.cos(a_lat) * torch.sin(b_lat) - torch.sin(a_lat) * torch.cos(b_lat) * torch.cos(b_lon - a_lon)
        return torch.stack([first, second, torch.rad2deg(torch.atan2(y, z))], dim=1)


class Normal(nn.Module):
    """Tails of the normal distribution."""

    def forward(self, x: Tensor):
        small = x.clamp(-4, 4)
        return torch.erfc(x), torch.special.ndtr(x), torch.special.erfc(small), torch.special.log_ndtr(small)


class FarTail(nn.Module):
    """Where one less erf has no digits left; the logarithm shows them all."""

    def forward(self, x: Tensor):
        far = 3 + 5 * torch.sigmoid(x)
        return torch.log(torch.erfc(far)), torch.special.log_ndtr(-far)


class Shrinks(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.soft, self.hard, self.tanh = nn.Softshrink(0.3), nn.Hardshrink(0.7), nn.Tanhshrink()

    def forward(self, x: Tensor):
        return self.soft(x), self.hard(x), self.tanh(x), F.softsign(x)


class Signs(nn.Module):
    def forward(self, x: Tensor):
        flags = torch.cat([torch.signbit(x), torch.isposinf(x), torch.isneginf(x), torch.isnan(x), torch.isinf(x)], 1)
        return torch.sgn(x), torch.sign(x), x.absolute(), x.negative(), x.fix(), flags.float()


class Special(nn.Module):
    def forward(self, x: Tensor):
        return (torch.special.expit(x), torch.special.erf(x), torch.sinc(x.clamp(-4, 4)),
                torch.special.entr(x.clamp(max=3.0)), torch.special.log1p(x.abs()),
                torch.special.expm1(x.clamp(max=3.0)), torch.special.logsumexp(x, 1, True))


class Pairs(nn.Module):
    def forward(self, x: Tensor, y: Tensor):
        return (torch.atan2(x, y), torch.copysign(x, y), torch.fmax(x, y), torch.fmin(x, y),
                torch.heaviside(x, y))


class Hypot(nn.Module):
    def forward(self, x: Tensor, y: Tensor):
        return torch.log1p(torch.hypot(x, y)), torch.hypot(x.clamp(-2, 2), y.clamp(-2, 2))


class Logs(nn.Module):
    def forward(self, x: Tensor, y: Tensor):
        a, b = x.clamp(-30, 30), y.clamp(-30, 30)
        return (torch.logaddexp(a, b), torch.logaddexp2(a, b), torch.xlogy(a, b.abs()), torch.xlogy(a, b),
                torch.special.xlog1py(a, b), torch.xlogy(a, 3.0), torch.special.xlogy(2.0, b),
                torch.logaddexp(x, y).clamp(-3, 3))


class Remainders(nn.Module):
    def forward(self, x: Tensor, y: Tensor):
        whole = (y.nan_to_num().clamp(-50, 50) * 4).long()
        far = x.clamp(-3e5, 3e5)
        return (torch.fmod(far, y.clamp(-2, 2)), torch.remainder(far, y.clamp(-2, 2)), torch.fmod(far, 0.7),
                torch.remainder(far, 24.0), far % 0.1, torch.fmod(whole, 7).float(),
                torch.remainder(whole, 7).float())


class RemainderOfAll(nn.Module):
    """Quotients to 2^46."""

    def forward(self, x: Tensor, y: Tensor):
        x, y = torch.where(x == 1e20, 7.0, x), torch.where(y.abs() < 1e-5, 0.3, y)
        return torch.fmod(x, y), torch.remainder(x, y)


class Close(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        near = x + y * 1e-5
        same = [torch.isclose(x, near), torch.isclose(x, near, equal_nan=True), torch.isclose(x, y, rtol=0.5, atol=0.1)]
        return torch.cat(same, dim=1).float()


class Bounds(nn.Module):
    """Clamped by what each row, or each column, has."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("low", torch.tensor([-1.0, -0.5, 0.0, math.nan]))
        self.register_buffer("high", torch.tensor([1.0, 0.5, 2.0, 1.0]))

    def forward(self, x: Tensor, y: Tensor):
        return (x.clamp(self.low, self.high), torch.clamp(x, min=y), x.clamp(max=self.high),
                torch.clamp(x, y, y + 1), x.clip(self.low), torch.ldexp(y.clamp(-3, 3), x.clamp(-5, 5)))


class Masks(nn.Module):
    """Flags that a terminal packs into one number."""

    def forward(self, codes: Tensor) -> Tensor:
        chip, online, kind = codes & 1, (codes >> 3) & 1, (codes & 0b1110110) >> 1
        other = [codes | 5, codes ^ 37, codes << 2, torch.bitwise_and(codes - 300, -8), (codes - 250) & 12]
        return torch.cat([chip, online, kind, torch.stack(other).sum(0)], dim=1).float()


class Bools(nn.Module):
    def forward(self, codes: Tensor) -> Tensor:
        a, b = codes > 20, codes < 200
        whole = torch.bitwise_xor(a, b) | (a & b) ^ a
        return (torch.bitwise_or(a, ~b) & whole).float() + torch.bitwise_left_shift(codes, 1).bitwise_not()


class Window(nn.Module):
    """Buckets of a hash, and a table from its end."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(9, 3))

    def forward(self, codes: Tensor) -> Tensor:
        low = codes % 9
        return torch.cat([self.table[low - 9], self.table[low - 4], self.table[-1 - low]], dim=-1).flatten(1)


class Masked(nn.Module):
    def forward(self, codes: Tensor) -> Tensor:
        hashed = (codes * 2654435761) & 0xFFFF
        return torch.cat([((hashed >> 7) ^ 0x155) & 0xFF, (hashed & 0xFF) | 1], dim=1).float() / 255


class Places(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.argmax(dim=1)


class Decisions(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 3)

    def forward(self, x: Tensor):
        z = self.linear(x)
        return z, z > 0.1, z.argmax(1, keepdim=True), (z > 0).any(dim=1), (z * 10).long()


class Codes(nn.Module):
    def forward(self, codes: Tensor) -> Tensor:
        return codes * 3 - 1


class Flagged(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.isnan(x) | torch.isinf(x)


KINDS: list[tuple[Callable, list, set]] = [
    *[(kind, [numbers(5, special=True)], ONE)
      for kind in (Hyperbolic, Growth, Sinh, Arcs, Normal, FarTail, Shrinks, Signs, Special)],
    (Haversine, [numbers(4)], ONE),
    *[(kind, [numbers(4, special=True), numbers(4, special=True)], TWO)
      for kind in (Pairs, Hypot, Logs, Remainders, RemainderOfAll, Close, Bounds)],
    *[(kind, [ids(500, 4)], BITS) for kind in (Masks, Bools, Window, Masked)],
    (Places, [numbers(5)], OUTPUTS), (Decisions, [numbers(4)], OUTPUTS), (Codes, [ids(99, LENGTH)], OUTPUTS),
    (Flagged, [numbers(LENGTH, 2, special=True)], OUTPUTS)]


def formulas() -> list[Case]:
    cases = []
    for kind, inputs, family in KINDS:
        for scripted in (True, False):
            torch.manual_seed(7)
            name = f"formulas_{kind.__name__.lower()}_{'scripted' if scripted else 'traced'}"
            cases.append(Case(name, kind(), inputs, family, scripted, many=True))
    return cases

# SPDX-License-Identifier: Apache-2.0
"""Idioms of shapes, products and series that are formulas of several operators."""
from typing import Callable

import torch
from case import LENGTH, Case, ids, numbers
from torch import Tensor, nn
from torch.nn import functional as F

SHAPES, SERIES = {"shape_idioms"}, {"series"}


class Prototypes(nn.Module):
    """Soft assignment of a row to what is known."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(5, 4)
        self.known = nn.Parameter(torch.randn(6, 4))

    def forward(self, x: Tensor) -> Tensor:
        z = self.embed(x)
        d, other = torch.cdist(z, self.known), torch.cdist(z, self.known, p=1.0)
        return torch.cat([torch.softmax(-d, dim=1), d, other], dim=1)


class Events(nn.Module):
    """Of each event from each other event, and from the row's first."""

    def forward(self, x: Tensor) -> Tensor:
        d = torch.cdist(x, x)
        first = torch.cdist(x, x[:, :1], p=float("inf"))
        return d.sum(dim=(1, 2)) + first.squeeze(2).amax(1)


class Outer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rate = nn.Parameter(torch.tensor([0.5, 1.0, 2.0]))

    def forward(self, x: Tensor) -> Tensor:
        amount = x[:, 0]
        waves = torch.outer(amount, self.rate)
        more = torch.addr(waves, x[:, 1], self.rate, beta=0.5, alpha=2.0)
        return torch.cat([torch.sin(waves), torch.ger(x[:, 2], self.rate), more], dim=1)


class Inner(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.randn(3, 4))
        self.cube = nn.Parameter(torch.randn(2, 3, 4))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        dot = torch.linalg.vecdot(x, y).unsqueeze(1)
        return torch.cat([torch.inner(x, self.rows), torch.inner(x, self.cube).flatten(1), dot,
                          torch.linalg.vecdot(x, self.rows[0], dim=1).unsqueeze(1)], dim=1)


class Dots(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Parameter(torch.randn(4, 5))
        self.wide = nn.Parameter(torch.randn(3, 4, 2))
        self.last = nn.Parameter(torch.randn(5, 2))

    def forward(self, x: Tensor) -> Tensor:
        cube = x.view(-1, 3, 4)
        one = torch.tensordot(cube, self.mix, dims=([2], [0])).flatten(1)
        two = torch.tensordot(cube, self.wide, dims=([1, 2], [0, 1]))
        return torch.cat([one, two, torch.linalg.multi_dot([x[:, :4], self.mix, self.last])], dim=1)


class Columns(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        wide = torch.column_stack([x[:, 0], x[:, 1] * 2.0, y, x.sum(1)])
        deep = torch.dstack([x, y]).swapaxes(1, 2).flatten(1)
        first, rest = torch.atleast_2d(wide)[:, :2], torch.fliplr(wide)
        return torch.cat([deep, first, rest], dim=1)


class Splits(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        a, b, c = torch.tensor_split(x, [2, 5], dim=1)
        d, e, f = torch.tensor_split(x, 3, dim=1)
        g, h = torch.hsplit(x, 2)
        return torch.cat([c, b, a, f * 2, d, e, h - g], dim=1)


class Squares(nn.Module):
    """Interactions of fields: a row's own matrix, its diagonal and its cross products."""

    def forward(self, x: Tensor) -> Tensor:
        cube = x.view(-1, 4, 3)
        square = cube @ cube.transpose(1, 2)
        own = torch.diagonal(square, dim1=1, dim2=2)
        above = torch.diagonal(square, offset=1, dim1=-2, dim2=-1)
        below = square.diagonal(-2, 1, 2)
        turned = torch.cross(cube[:, 0], cube[:, 1], dim=1) + torch.linalg.cross(cube[:, 2], cube[:, 3])
        spread = (torch.diag_embed(own) - square).flatten(1)
        return torch.cat([own, above, below, turned, spread, square.mH.flatten(1)], dim=1)


class Merged(nn.Module):
    """Rows and fields, or events, seen as one axis and back, as einops writes "b n d -> (b n) d"."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 6), nn.LayerNorm(6), nn.GELU(), nn.Linear(6, 4))

    def forward(self, x: Tensor) -> Tensor:
        b, n, d = x.shape
        flat = x.reshape(b * n, d)
        back = self.body(flat).reshape(b, n, d)
        heads = back.reshape(b, n, 2, d // 2).permute(0, 2, 1, 3).reshape(b * 2, n, d // 2)
        scores = torch.softmax(torch.bmm(heads, heads.transpose(1, 2)), dim=-1) @ heads
        return scores.reshape(b, 2, n, d // 2).permute(0, 2, 1, 3).reshape(b, n, d).mean(dim=1)


class Broadcast(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.places = nn.Parameter(torch.randn(1, 3, 2))

    def forward(self, x: Tensor) -> Tensor:
        a, b = torch.broadcast_tensors(x.unsqueeze(1), self.places)
        c, = torch.atleast_3d([x])
        return torch.cat([(a * b).flatten(1), c.flatten(1)], dim=1)


class Steps(nn.Module):
    """Differences of neighbouring events."""

    def forward(self, x: Tensor) -> Tensor:
        first = torch.diff(x, dim=1, prepend=x[:, :1])
        second = torch.diff(x, n=2, dim=1, prepend=torch.zeros_like(x[:, :1]).repeat(1, 2, 1))
        rose = torch.diff(x > 0, dim=1, append=x[:, -1:] > 0)
        return torch.cat([first, second, rose.float()], dim=2).mean(1)


class Area(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("at", torch.tensor([0.0, 0.5, 2.0, 2.5, 4.0]))

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([torch.trapezoid(x, dim=1), torch.trapz(x, dx=0.5), torch.trapezoid(x, self.at),
                            torch.trapezoid(x, x.cumsum(1))], dim=1)


class Gaps(nn.Module):
    """What is missing is NaN."""

    def forward(self, x: Tensor) -> Tensor:
        x = torch.where(torch.isinf(x), 3.0, x)
        parts = [torch.nansum(x, dim=1), torch.nanmean(x, dim=1), torch.nanmean(x[:, :1], 1), x.nansum(1)]
        return torch.cat([torch.stack(parts, 1), torch.nansum(x, 1, keepdim=True)], dim=1).clamp(-9, 9)


class Members(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("risky", torch.tensor([2, 3, 11, 17]))

    def forward(self, codes: Tensor) -> Tensor:
        risky, other = torch.isin(codes, self.risky), torch.isin(codes, self.risky, invert=True)
        return torch.cat([risky.float(), other.float().mean(1, True), torch.isin(codes, 5).float()], dim=1)


class Running(nn.Module):
    """The largest so far and where, of special values too."""

    def forward(self, x: Tensor) -> Tensor:
        top, place = torch.cummax(x, dim=1)
        low, other = torch.cummin(torch.round(x), dim=1)
        return torch.cat([top, low, place.float(), other.float()], dim=2)[:, -1]


class Products(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        low, high = torch.aminmax(x, dim=1, keepdim=True)
        return torch.cat([torch.cumprod(x, dim=1), torch.logcumsumexp(x, dim=1), torch.prod(x, 1, keepdim=True), low,
                          high], dim=1)


class Sums(nn.Module):
    """Logarithms of sums of nothing but minus infinity, and norms of every order."""

    def forward(self, x: Tensor) -> Tensor:
        none = torch.full_like(x[:, :2], float("-inf"))
        sums = torch.stack([torch.logsumexp(none, 1), torch.logsumexp(torch.cat([none, x], 1), 1)], dim=1)
        orders = [torch.linalg.vector_norm(x, order, dim=1) for order in (0.0, 1.0, 2.0, 3.0, float("inf"), -float("inf"))]
        return torch.cat([sums, torch.logcumsumexp(torch.cat([none, x], 1), 1), torch.stack(orders, 1)], dim=1)


class History(nn.Module):
    """Running extremes and sums over a history of any length."""

    def forward(self, x: Tensor) -> Tensor:
        drawdown = (torch.cummax(x, dim=1).values - x).amax(dim=1)
        return torch.cat([drawdown, torch.logcumsumexp(x, dim=1).mean(1), torch.diff(x, dim=1).abs().sum(1)], dim=1)


KINDS: list[tuple[Callable, list, set]] = [
    (Prototypes, [numbers(5)], SHAPES), (Events, [numbers(LENGTH, 3)], SHAPES), (Outer, [numbers(3)], SHAPES),
    (Inner, [numbers(4), numbers(4)], SHAPES), (Dots, [numbers(12)], SHAPES),
    (Columns, [numbers(3), numbers(3)], SHAPES), (Splits, [numbers(8)], SHAPES), (Squares, [numbers(12)], SHAPES),
    (Merged, [numbers(LENGTH, 4)], SHAPES), (Broadcast, [numbers(2)], SHAPES),
    (Steps, [numbers(LENGTH, 3)], SERIES), (Area, [numbers(5)], SERIES), (Gaps, [numbers(6, special=True)], SERIES),
    (Members, [ids(20, 5)], SERIES), (Running, [numbers(LENGTH, 2, special=True)], SERIES),
    (Products, [numbers(5)], SERIES), (Sums, [numbers(4)], SERIES), (History, [numbers(LENGTH, 2)], SERIES)]


def idioms() -> list[Case]:
    cases = []
    for kind, inputs, family in KINDS:
        for scripted in (True, False):
            torch.manual_seed(9)
            name = f"idioms_{kind.__name__.lower()}_{'scripted' if scripted else 'traced'}"
            cases.append(Case(name, kind(), inputs, family, scripted, many=True))
    return cases

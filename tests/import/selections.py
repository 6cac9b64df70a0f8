# SPDX-License-Identifier: Apache-2.0
"""Order and selection along an axis, and writes at places."""
from typing import Callable

import torch
from case import LENGTH, Case, ids, numbers, randomise
from torch import Tensor, nn

ORDER, WRITES = {"order_and_selection"}, {"writes_at_places"}


class Sorted(nn.Module):
    """Of ties and special values too."""

    def forward(self, x: Tensor):
        x = torch.round(x * 2) / 2
        up, place = torch.sort(x, dim=1, stable=True)
        down, other = torch.sort(x, dim=1, descending=True, stable=True)
        return up, place, down, other, torch.argsort(x, dim=1, stable=True), x.argsort(1, descending=True).argsort(1)


class History(nn.Module):
    """The largest amounts of a history, and how the others stand to them."""

    def forward(self, x: Tensor) -> Tensor:
        ordered = torch.sort(x, dim=1, descending=True).values
        weight = torch.softmax(-torch.arange(x.size(1)).float(), dim=0)
        middle = x.median(dim=1).values
        return (ordered * weight).sum(1) + ordered[:, 0] - middle


class Top(nn.Module):
    def forward(self, x: Tensor):
        most, place = torch.topk(x, 3, dim=1)
        least = torch.topk(x, 2, dim=1, largest=False).values
        return most, place, least, x.gather(1, place).sum(1), torch.kthvalue(x, 2, dim=1, keepdim=True)[0]


class Experts(nn.Module):
    """A mixture of experts, of which the best two speak."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(6, 5)
        self.experts = nn.ModuleList([nn.Linear(6, 3) for _ in range(5)])

    def forward(self, x: Tensor) -> Tensor:
        scores, place = torch.topk(self.gate(x), 2, dim=-1)
        weight = torch.zeros(x.size(0), 5).scatter(1, place, torch.softmax(scores, dim=-1))
        outputs = []
        for expert in self.experts:
            outputs.append(torch.relu(expert(x)))
        return (torch.stack(outputs, dim=1) * weight.unsqueeze(2)).sum(1)


class Sparse(nn.Module):
    """Sparsemax, as its paper writes it."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 7)

    def forward(self, x: Tensor) -> Tensor:
        z = self.linear(x)
        ordered, _ = torch.sort(z, dim=1, descending=True)
        sums = torch.cumsum(ordered, dim=1) - 1.0
        rank = torch.arange(1, 8).to(z.dtype)
        support = (rank * ordered > sums).long()
        count = support.sum(dim=1, keepdim=True)
        return torch.clamp(z - sums.gather(1, count - 1) / count.to(z.dtype), min=0.0)


class Middle(nn.Module):
    def forward(self, x: Tensor):
        value, place = torch.median(x, dim=1)
        real, other = torch.nanmedian(x, dim=1, keepdim=True)
        return value, place, real, torch.round(x * 3).nan_to_num().clamp(-9, 9).long().median(1)[0]


class Shares(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("shares", torch.tensor([0.05, 0.25, 0.5, 1.0]))

    def forward(self, x: Tensor):
        some = torch.quantile(x, self.shares, dim=1)
        return some.transpose(0, 1), torch.quantile(x, 0.3, dim=1), torch.quantile(x, 0.9, 1, keepdim=True)


class Censored(nn.Module):
    """Quantiles of what has no upper end above a limit; 0.1 is a little more as float32."""

    def __init__(self):
        super().__init__()
        self.register_buffer("shares", torch.tensor([0.1, 0.3, 0.5, 0.9]))

    def forward(self, x: Tensor):
        x = x.masked_fill(x > 0.3, float("inf"))
        return (torch.quantile(x, self.shares, dim=1).transpose(0, 1), torch.quantile(x[:, :6], 0.9, dim=1),
                torch.quantile(x[:, :6], 0.1, dim=1, interpolation="nearest"))


class Outliers(nn.Module):
    """Distance from the median in units of its own spread."""

    def forward(self, x: Tensor) -> Tensor:
        middle = x.median(dim=1, keepdim=True).values
        spread = (x - middle).abs().median(dim=1, keepdim=True).values
        return ((x - middle) / (spread * 1.4826 + 1e-6)).abs().amax(dim=1)


class Mask(nn.Module):
    """What is missing is filled in by writes."""

    def forward(self, x: Tensor) -> Tensor:
        y = x.clone()
        y[torch.isnan(y)] = 0.0
        y[y > 10.0] = 10.0
        y[y < -10.0] = -10.0
        y[:, [1, 3]] = 0.5
        return y


class Columns(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("drop", torch.tensor([0, 2]))
        self.register_buffer("usual", torch.randn(3))

    def forward(self, x: Tensor) -> Tensor:
        y = x.clone()
        y[:, self.drop] = 0.25
        z = torch.index_fill(x, 1, self.drop, -1.0).view(-1, 2, 3)
        z[z[:, :, 0] > 0] = self.usual
        return torch.cat([y, z.flatten(1)], dim=1)


class Scatter(nn.Module):
    def forward(self, x: Tensor, codes: Tensor):
        seen = torch.zeros(x.size(0), 9).scatter(1, codes, 1.0)
        values = torch.full([x.size(0), 9], -2.0).scatter_(1, codes, x)
        sums = torch.zeros(x.size(0), 9).scatter_add(1, codes, x)
        return seen, values, sums


class Totals(nn.Module):
    """Sums of a history by code, of any length."""

    def forward(self, x: Tensor, codes: Tensor) -> Tensor:
        sums = torch.zeros(x.size(0), 6)
        sums = sums.scatter_add(1, codes, x)
        counts = torch.zeros(x.size(0), 6).scatter_add_(1, codes, torch.ones_like(x))
        return sums / counts.clamp(min=1.0)


class Parts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("places", torch.tensor([0, 2, 2]))
        self.more = nn.Parameter(torch.randn(3))

    def forward(self, x: Tensor) -> Tensor:
        y = torch.slice_scatter(x, x[:, :2] * 2.0, dim=1, start=1, end=3)
        y = torch.select_scatter(y, x[:, 0] + 1.0, 1, 4)
        return torch.index_add(y, 1, self.places, x[:, :3], alpha=0.5)


class Bags(nn.Module):
    """How often each code was seen, by writes into a table of a row's own."""

    def forward(self, codes: Tensor) -> Tensor:
        hits = torch.zeros(codes.size(0), 7, dtype=torch.long)
        hits = hits.scatter_add(1, codes, torch.ones_like(codes))
        hits[hits > 2] = 2
        return hits.float()


class Clean(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        bad = torch.isnan(x) | torch.isinf(x)
        x = x.clone()
        x[bad] = -1.0
        y = torch.where(bad, torch.zeros_like(y), y)
        y[:, 0] = x[:, 1]
        return torch.cat([x, y], dim=1)


KINDS: list[tuple[Callable, list, set]] = [
    (Sorted, [numbers(7, special=True)], ORDER), (History, [numbers(LENGTH)], ORDER), (Top, [numbers(6)], ORDER),
    (Experts, [numbers(6)], ORDER), (Sparse, [numbers(6)], ORDER), (Middle, [numbers(6, special=True)], ORDER),
    (Shares, [numbers(9)], ORDER), (Censored, [numbers(11)], ORDER), (Outliers, [numbers(LENGTH)], ORDER),
    (Mask, [numbers(5, special=True)], WRITES), (Columns, [numbers(6)], WRITES),
    (Scatter, [numbers(4), ids(9, 4)], WRITES), (Totals, [numbers(LENGTH), ids(6, LENGTH)], WRITES),
    (Parts, [numbers(5)], WRITES), (Bags, [ids(7, 6)], WRITES),
    (Clean, [numbers(4, special=True), numbers(4)], WRITES)]


class FromTable(nn.Module):
    """From a table of one axis, where places below 0 count from no end."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.register_buffer("table", torch.randn(7))

    def forward(self, codes: Tensor) -> Tensor:
        if self.how == "gather":
            return self.table.gather(0, codes[:, 0])
        return self.table.index_select(0, codes[:, 0])


def spoil(inputs: list[Tensor]) -> None:
    inputs[0][1, 0] = -1


def selections() -> list[Case]:
    cases = [Case(f"selections_table_{how}", FromTable(how), [ids(7, 2)], ORDER, True, spoil=spoil,
                  says="expected indices in [0, 7)", fails=True) for how in ("gather", "index_select")]
    for kind, inputs, family in KINDS:
        for scripted in (True, False):
            torch.manual_seed(13)
            name = f"selections_{kind.__name__.lower()}_{'scripted' if scripted else 'traced'}"
            cases.append(Case(name, randomise(kind(), 13), inputs, family, scripted, many=True))
    return cases

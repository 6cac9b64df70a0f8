# SPDX-License-Identifier: Apache-2.0
"""Models in other people's habits: named tuples and dicts out, optional inputs, checks with f-strings, einsum strings, masks
by arange < length, parametrised weights, heads that calibrate."""
import math
from typing import NamedTuple, Optional

import torch
from case import LENGTH, Case, ids, lengths, mask_argument, numbers, randomise
from torch import Tensor, nn
from torch.nn import functional as F

HABITS = {"habits"}


class Found(NamedTuple):
    logit: Tensor
    embedding: Tensor


class Tower(nn.Module):
    """A table for each field by its name, and two results."""

    def __init__(self) -> None:
        super().__init__()
        self.tables = nn.ModuleDict({f"c{i}": nn.Embedding(9, 3) for i in range(4)})
        self.net = nn.Sequential(nn.Linear(18, 8), nn.Mish(), nn.Dropout(0.2))
        self.head = nn.Linear(8, 1)

    def forward(self, x: Tensor, codes: Tensor) -> Found:
        parts = [torch.nan_to_num(x, 0.0, 1e4, -1e4).clamp(-50, 50)]
        for i, table in enumerate(self.tables.values()):
            parts.append(table(codes[:, i]))
        h = self.net(torch.cat(parts, -1))
        return Found(self.head(h).squeeze(-1), F.normalize(h, dim=-1))


class Checked(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 3)
        self.offset: Optional[Tensor] = None
        self.scale = nn.Parameter(torch.rand(3))

    def forward(self, x: Tensor, weight: Optional[Tensor] = None) -> Tensor:
        y = self.linear(x)
        if weight is not None:
            y = y * weight
        if self.offset is not None:
            y = y + self.offset
        assert y.dim() == 2, f"expected 2 axes, got {y.dim()}"
        if self.training:
            y = y + torch.randn_like(y)
        elif y.size(1) > 2:
            y = y * self.scale
        else:
            raise RuntimeError("too few columns")
        return y


class LastReal(nn.Module):
    """A GRU's last real step, the mean and the largest, by arange < length."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(20, 6)
        self.gru = nn.GRU(6, 8, batch_first=True)

    def forward(self, history: Tensor) -> Tensor:
        count = (history != 0).sum(1)
        real = torch.arange(history.size(1), device=history.device)[None, :] < count[:, None]
        y, _ = self.gru(self.table(history))
        last = y.gather(1, (count - 1).clamp(min=0).view(-1, 1, 1).expand(-1, 1, y.size(2))).squeeze(1)
        mean = (y * real.unsqueeze(-1)).sum(1) / count.clamp(min=1).unsqueeze(1)
        return last + mean + y.masked_fill(~real.unsqueeze(2), -1e9).max(dim=1)[0]


class Packed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(5, 4, num_layers=2, bidirectional=True, batch_first=True)

    def forward(self, x: Tensor, count: Tensor) -> Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(x, count.cpu(), batch_first=True, enforce_sorted=False)
        y, (h, _) = self.lstm(packed)
        y, _ = nn.utils.rnn.pad_packed_sequence(y, batch_first=True)
        return torch.cat([h[-2], h[-1], y.mean(1)], -1)


class Decayed(nn.Module):
    """GRU-D: what is missing decays to a mean."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRUCell(10, 6)
        self.decay, self.mean = nn.Parameter(torch.rand(5)), nn.Parameter(torch.randn(5))

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        m = seen.unsqueeze(-1).to(x.dtype)
        filled = m * x + (1 - m) * (torch.exp(-F.relu(self.decay)) * self.mean)
        h = torch.zeros(x.size(0), 6, device=x.device)
        for t in range(x.size(1)):
            h = self.cell(torch.cat([filled[:, t], m[:, t].expand(-1, 5)], 1), h)
        return h


class Sequential(nn.Module):
    """SASRec: attention with places before rows, convolutions of one place, pads zeroed again."""

    def __init__(self) -> None:
        super().__init__()
        self.items, self.places = nn.Embedding(20, 8, padding_idx=0), nn.Embedding(32, 8)
        self.norm, self.last = nn.LayerNorm(8, eps=1e-8), nn.LayerNorm(8)
        self.attention = nn.MultiheadAttention(8, 2)
        self.feed = nn.Sequential(nn.Conv1d(8, 8, 1), nn.ReLU(), nn.Conv1d(8, 8, 1))

    def forward(self, history: Tensor) -> Tensor:
        x = self.items(history) * 8**0.5 + self.places(torch.arange(history.shape[1], device=history.device))
        pad = history == 0
        x = x * ~pad.unsqueeze(-1)
        later = ~torch.tril(torch.ones((x.shape[1], x.shape[1]), dtype=torch.bool, device=x.device))
        x = x.transpose(0, 1)
        asked = self.norm(x)
        found, _ = self.attention(asked, x, x, attn_mask=later)
        x = (asked + found).transpose(0, 1)
        x = (self.feed(x.transpose(-1, -2)).transpose(-1, -2) + x) * ~pad.unsqueeze(-1)
        return self.last(x)[:, -1] @ self.items.weight.t()


class ObliviousTrees(nn.Module):
    """NODE: einsum strings over features, trees, depths and leaves."""

    def __init__(self) -> None:
        super().__init__()
        self.chosen, self.limits = nn.Parameter(torch.randn(6, 4, 3)), nn.Parameter(torch.randn(4, 3))
        self.leaves = nn.Parameter(torch.randn(4, 1, 8))
        bits = (torch.arange(8)[None] // 2 ** torch.arange(3)[:, None]) % 2
        self.register_buffer("bits", torch.stack([bits, 1 - bits], -1).float())

    def forward(self, x: Tensor) -> Tensor:
        picked = torch.einsum("bf,ftd->btd", x, torch.softmax(self.chosen, 0)) - self.limits
        sides = torch.clamp(0.5 * torch.stack([-picked, picked], -1) + 0.5, 0, 1)
        paths = torch.einsum("btds,dcs->btdc", sides, self.bits)
        return torch.einsum("btc,tuc->btu", torch.prod(paths, dim=-2), self.leaves).mean(1)


class Mixture(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.heads = nn.Linear(6, 8), nn.ModuleDict({k: nn.Linear(8, 3) for k in ("share", "mean", "width")})

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.tanh(self.body(x))
        share, mean = F.log_softmax(self.heads["share"](h), 1), self.heads["mean"](h)
        width = F.softplus(self.heads["width"](h)) + 1e-3
        z = (x[:, :1] - mean) / width
        density = torch.logsumexp(share - 0.5 * z**2 - torch.log(width) - 0.5 * math.log(2 * math.pi), 1)
        return density, (share.exp() * mean).sum(1)


class Calibrated(nn.Module):
    """A temperature, then an isotonic table."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 1)
        self.register_buffer("limits", torch.linspace(-3, 3, 7))
        self.register_buffer("scores", torch.sigmoid(torch.linspace(-3, 3, 7)))
        self.temperature = nn.Parameter(torch.tensor(1.5))

    def forward(self, x: Tensor) -> Tensor:
        z = (self.linear(x) / self.temperature).squeeze(-1).clamp(-3.0, 3.0)
        i = torch.searchsorted(self.limits, z.contiguous(), right=True).clamp(1, 6)
        below, above = self.limits[i - 1], self.limits[i]
        return torch.lerp(self.scores[i - 1], self.scores[i], (z - below) / (above - below))


class Ordinal(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 1)
        self.first, self.steps = nn.Parameter(torch.tensor(-1.0)), nn.Parameter(torch.randn(3))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        limits = torch.cat([self.first.view(1), self.first + torch.cumsum(F.softplus(self.steps), 0)])
        below = torch.sigmoid(limits - self.linear(x))
        shares = torch.diff(below, dim=1, prepend=torch.zeros_like(below[:, :1]), append=torch.ones_like(below[:, :1]))
        return {"shares": shares, "grade": shares.argmax(1)}


SIX, HISTORY = numbers(6), ids(20, LENGTH, tail="zeros")
KINDS = [
    (Tower, [numbers(6, special=True), ids(9, 4)], {}), (Checked, [SIX], {}), (LastReal, [HISTORY], {}),
    (Packed, [numbers(LENGTH, 5), lengths()], {}), (Decayed, [numbers(LENGTH, 5), mask_argument()], {}),
    (Sequential, [HISTORY], {}), (ObliviousTrees, [SIX], {}), (Mixture, [SIX], {}), (Calibrated, [SIX], {}),
    (Ordinal, [SIX], {"keys": ("shares", "grade")}),
]
ONLY_SCRIPTED = (Checked, Decayed)  # a default that is None; a loop that a trace would unroll


def habits() -> list[Case]:
    cases = []
    for kind, inputs, options in KINDS:
        for scripted in (True, False):
            if not scripted and kind in ONLY_SCRIPTED:
                continue
            torch.manual_seed(19)
            name = f"habits_{kind.__name__.lower()}_{'scripted' if scripted else 'traced'}"
            cases.append(Case(name, randomise(kind(), 19), inputs, HABITS, scripted, many=True, **options))
    return cases

# SPDX-License-Identifier: Apache-2.0
"""What payment teams do to numbers before and after a net, with special values."""
import math
from typing import List, Tuple

import torch
import torch.nn.functional as F
from case import BATCH, Argument, Case, cases_of, ids, numbers
from torch import Tensor, nn

SCRIPTED, TRACED = (True,), (False,)
BOTH = SCRIPTED + TRACED


class WideDeepHash(nn.Module):
    """Crossed buckets by a hash in integers."""

    def __init__(self) -> None:
        super().__init__()
        self.wide = nn.Embedding(1000, 1)
        self.deep = nn.Sequential(nn.Linear(16 + 32, 32), nn.SELU(), nn.AlphaDropout(0.1), nn.Linear(32, 1))
        self.emb = nn.Embedding(9, 8)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        h = (c[:, 0] * 31 + c[:, 1]) * 2654435761 % 1000
        h2 = (c[:, 2] << 5 ^ c[:, 3] * 17) & 511
        h3 = torch.remainder(c[:, 0] * 7919 ^ 12345, 1000)
        wide = self.wide(torch.stack([h, h2, h3], 1)).sum(1)
        z = torch.cat([x, self.emb(c).flatten(1)], 1)
        return torch.sigmoid(wide + self.deep(z)).squeeze(1)


class PLEBins(nn.Module):
    """Piecewise linear encoding with bins that differ by feature."""

    def __init__(self) -> None:
        super().__init__()
        edges = torch.sort(torch.randn(6, 9), dim=1)[0]
        self.register_buffer("left", edges[:, :-1].contiguous())
        self.register_buffer("width", edges[:, 1:] - edges[:, :-1])
        m = torch.ones(6, 8, dtype=torch.bool)
        m[2, 6:] = False
        self.register_buffer("mask", m)
        self.fc = nn.Linear(int(m.sum()), 1)

    def forward(self, x: Tensor) -> Tensor:
        t = (x.unsqueeze(-1) - self.left) / self.width
        t = torch.cat([t[..., :1].clamp_max(1.0), t[..., 1:-1].clamp(0.0, 1.0), t[..., -1:].clamp_min(0.0)], dim=-1)
        t = t.flatten(-2)[:, self.mask.flatten()]
        return self.fc(t).squeeze(-1)


class Standardise64(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.randn(12, dtype=torch.float64) * 10)
        self.register_buffer("std", torch.rand(12, dtype=torch.float64) * 20 + 1)
        self.net = nn.Sequential(nn.Linear(24, 32), nn.ELU(), nn.Linear(32, 1))

    def forward(self, x: Tensor) -> Tensor:
        miss = torch.isnan(x)
        z = (x - self.mean) / (self.std + 1e-09)
        z = torch.where(miss, torch.zeros((), dtype=torch.float64), z)
        z = z.clamp(-8.0, 8.0).float()
        return self.net(torch.cat([z, miss.float()], 1)).sigmoid().squeeze(1)


class LogAmounts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("med", torch.randn(10))
        self.register_buffer("iqr", torch.rand(10) + 0.5)
        self.skewed: List[int] = [0, 3, 4]
        self.register_buffer("sk", torch.tensor([0, 3, 4]))
        self.net = nn.Linear(10, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = x.clone()
        x[x != x] = 0.0
        x[:, self.sk] = torch.sign(x[:, self.sk]) * torch.log1p(torch.abs(x[:, self.sk]))
        x = (x - self.med).div_(self.iqr)
        x = torch.clamp(x, -10, 10)
        return torch.sigmoid(self.net(x)).squeeze(-1)


class TimeFeatures(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.dow = nn.Embedding(7, 4)
        self.fc = nn.Linear(4 + 2 + 2, 1)

    def forward(self, hour: Tensor, day: Tensor, since: Tensor) -> Tensor:
        ang = hour.float() * (2.0 * math.pi / 24.0)
        s = torch.log1p(since.float() / 86400.0 * 3600)
        decay = torch.exp(-since / 365.25)
        weekend = (day >= 5).float()
        feats = torch.stack([ang.sin(), ang.cos(), s * decay, weekend], dim=-1)
        return torch.sigmoid(self.fc(torch.cat([feats, self.dow(day)], dim=-1))).squeeze(-1)


class Haversine(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3, 1)

    def forward(self, p: Tensor) -> Tensor:
        lat1, lon1, lat2, lon2 = torch.deg2rad(p).unbind(-1)
        dlat, dlon = (lat2 - lat1, lon2 - lon1)
        a = torch.sin(dlat / 2) ** 2 + torch.cos(lat1) * torch.cos(lat2) * torch.sin(dlon / 2).pow(2)
        d = 2 * 6371.0088 * torch.asin(torch.sqrt(a.clamp(0, 1)))
        north = torch.cos(lat1) * torch.sin(lat2) - torch.sin(lat1) * torch.cos(lat2) * torch.cos(dlon)
        bearing = torch.atan2(torch.sin(dlon) * torch.cos(lat2), north)
        feats = torch.stack((torch.log1p(d), torch.sin(bearing), torch.cos(bearing)), -1)
        return torch.sigmoid(self.fc(feats)).squeeze(-1)


class ThresholdPerSegment(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, 1))
        self.register_buffer("thr", torch.rand(12))
        self.register_buffer("prior", torch.rand(12) * 0.1)

    def forward(self, x: Tensor, seg: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        p = self.net(x).squeeze(1).sigmoid()
        pr = torch.index_select(self.prior, 0, seg)
        odds = p / (1 - p) * pr / (1 - pr)
        q = odds / (1 + odds)
        bps = torch.round(q * 10000).to(torch.int64)
        block = q > self.thr[seg]
        band = torch.bucketize(q, torch.tensor([0.01, 0.05, 0.2, 0.5]))
        return (bps, block, band)


class IsotonicInterp(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Linear(6, 1)
        xs = torch.sort(torch.rand(20))[0]
        self.register_buffer("xs", xs)
        self.register_buffer("ys", torch.sort(torch.rand(20))[0])

    def forward(self, x: Tensor) -> Tensor:
        p = torch.sigmoid(self.net(x)).view(-1)
        i = torch.searchsorted(self.xs, p.contiguous(), right=True).clamp(1, 19)
        x0, x1 = (self.xs[i - 1], self.xs[i])
        y0, y1 = (self.ys[i - 1], self.ys[i])
        t = ((p - x0) / (x1 - x0)).clamp(0.0, 1.0)
        return torch.lerp(y0, y1, t)


class QuantileNorm(nn.Module):
    """Quantile transform by feature with searchsorted over rows of a table, then to normal."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("q", torch.sort(torch.randn(7, 33), dim=1)[0])
        self.net = nn.Sequential(nn.Linear(7, 16), nn.LeakyReLU(), nn.Linear(16, 1))

    def forward(self, x: Tensor) -> Tensor:
        idx = torch.searchsorted(self.q, x.t().contiguous()).t()
        lo = (idx - 1).clamp(min=0, max=32)
        hi = idx.clamp(max=32)
        ql = torch.gather(self.q.unsqueeze(0).expand(x.size(0), -1, -1), 2, lo.unsqueeze(2)).squeeze(2)
        qh = torch.gather(self.q.unsqueeze(0).expand(x.size(0), -1, -1), 2, hi.unsqueeze(2)).squeeze(2)
        fr = torch.where(qh > ql, (x - ql) / (qh - ql), torch.zeros_like(x))
        u = ((lo + fr) / 32).clamp(1e-05, 1 - 1e-05)
        g = torch.erfinv(2 * u - 1) * math.sqrt(2)
        return self.net(g).squeeze(-1)


class ScoreBps(nn.Module):
    """Points to double the odds."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 1)
        self.pdo, self.base, self.odds = (20.0, 600.0, 50.0)

    def forward(self, x: Tensor) -> Tensor:
        logit = self.fc(x).squeeze(-1)
        factor = self.pdo / math.log(2)
        offset = self.base - factor * math.log(self.odds)
        s = offset - factor * logit
        return torch.floor(s.clamp(300, 850) + 0.5).int()


class Float64Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.n = nn.Sequential(nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, 1)).double()

    def forward(self, x: Tensor) -> Tensor:
        return self.n(x.double()).float().squeeze(-1)


class VelocityWindows(nn.Module):
    """Rolling sums, ratios and z-scores over the last thirty days."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(9, 1)

    def forward(self, a: Tensor) -> Tensor:
        w7 = a.unfold(1, 7, 1).sum(-1)
        mean, std = (a.mean(1, keepdim=True), a.std(1, keepdim=True, unbiased=False))
        z = (a[:, -1:] - mean) / (std + 1e-06)
        ema = torch.zeros_like(a[:, 0])
        for t in range(a.size(1)):
            ema = 0.9 * ema + 0.1 * a[:, t]
        gap = (a > 0).to(torch.int64).cumsum(1)[:, -1].float()
        qs = torch.quantile(a, torch.tensor([0.5, 0.9]), dim=1).t()
        steps = torch.diff(a, dim=1).abs().max(1, keepdim=True)[0]
        feats = torch.cat([w7.amax(1, keepdim=True), w7[:, -1:], z, ema.unsqueeze(1), gap.unsqueeze(1), qs, steps,
                           a.argmax(1, keepdim=True).float()], dim=1)
        return self.fc(torch.log1p(feats.clamp(min=0))).squeeze(1)


class BitTricks(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.e = nn.Embedding(256, 8)
        self.register_buffer("shift", torch.tensor([0, 2, 4, 6]))
        self.fc = nn.Linear(8 + 3 + 4, 1)

    def forward(self, c: Tensor, x: Tensor) -> Tensor:
        h = (c ^ c >> 3) & 255
        code = torch.bitwise_or(c & 3, (c & 12) << 2) // 3
        bits = (c[:, :1] >> self.shift & 1).float()
        z = torch.cat([self.e(h).mean(1), x, bits], dim=1)
        return self.fc(z).squeeze(1) + 0.001 * code.sum(1)


class MissingIndicator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fill = nn.Parameter(torch.randn(6))
        self.o = nn.Linear(12, 1)

    def forward(self, x: Tensor, miss: Tensor) -> Tensor:
        m = miss | torch.isnan(x) | torch.isinf(x)
        y = torch.where(m, self.fill.unsqueeze(0).expand_as(x), x)
        y = torch.masked_fill(y, y.abs() > 1000000.0, 0.0)
        return self.o(torch.cat((y, m.type_as(y)), dim=1)).sigmoid().squeeze(1)


class YeoJohnson(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("lam", torch.rand(6, dtype=torch.float64) + 0.2)
        self.o = nn.Linear(6, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.nan_to_num(x, nan=0.0, posinf=1000000.0, neginf=-1000000.0).clamp(-1000000.0, 1000000.0)
        pos = (torch.pow(x.clamp(min=0) + 1, self.lam) - 1) / self.lam
        neg = -(torch.pow(1 - x.clamp(max=0), 2 - self.lam) - 1) / (2 - self.lam)
        return self.o(torch.where(x >= 0, pos, neg).to(torch.float32)).squeeze(1)


class Double(nn.Module):
    """A logistic regression that sklearn trained."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("coef", torch.randn(1, 8, dtype=torch.float64))
        self.register_buffer("intercept", torch.randn(1, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(x @ self.coef.t() + self.intercept).squeeze(1)


class WholePowers(nn.Module):
    """Amounts in other units, whose whole part counts."""

    def __init__(self):
        super().__init__()
        self.register_buffer("digits", torch.tensor([0.0, 1.0, 2.0, 3.0], dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        y = x.double()
        return torch.stack([torch.frac(y ** 5).sum(1), torch.floor(y ** 4 / 3).sum(1),
                            torch.frac((y % 10) ** self.digits).sum(1), (1e3 * (y + 1) ** -3).sum(1)], 1).float()


class PCAWhiten(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.randn(12, dtype=torch.float64))
        self.register_buffer("comp", torch.randn(5, 12, dtype=torch.float64))
        self.register_buffer("ev", torch.rand(5, dtype=torch.float64) + 0.1)
        self.n = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 1))

    def forward(self, x: Tensor) -> Tensor:
        z = torch.matmul(x - self.mean, self.comp.T) / torch.sqrt(self.ev)
        return self.n(z.float()).squeeze(1)


class HashBuckets(nn.Module):
    """Murmur-like finaliser in int64."""

    def __init__(self) -> None:
        super().__init__()
        self.e = nn.Embedding(128, 6)
        self.o = nn.Linear(5 + 18, 1)

    def forward(self, x: Tensor, ids: Tensor) -> Tensor:
        h = ids ^ ids >> 16
        h = h * 73244475 & 4294967295
        h = h ^ h >> 16
        b = torch.fmod(h, 128)
        return self.o(torch.cat([x, self.e(b).view(x.size(0), -1)], 1)).squeeze(1)


class AmountBands(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.l = nn.Linear(6, 1)
        self.register_buffer("edges", torch.tensor([10.0, 100.0, 1000.0]))
        self.register_buffer("thr", torch.tensor([0.9, 0.8, 0.6, 0.4]))

    def forward(self, x: Tensor, amount: Tensor) -> Tuple[Tensor, Tensor]:
        p = torch.sigmoid(self.l(x)).squeeze(-1)
        b = torch.bucketize(amount.abs(), self.edges, right=True)
        t = torch.gather(self.thr, 0, b)
        loss = p * torch.nan_to_num(amount).clamp(0, 100000.0)
        d = torch.where(p > t, 2, torch.where(loss > 50, 1, 0))
        return (d, torch.where(torch.isfinite(loss), loss, torch.zeros_like(loss)))


class Conformal(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.l = nn.Linear(10, 4)
        self.register_buffer("cal", torch.sort(torch.rand(50))[0])

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        p = F.softmax(self.l(x), dim=1)
        pv = (self.cal.view(1, 1, -1) >= (1 - p).unsqueeze(-1)).float().mean(-1)
        s = pv > 0.1
        return (s.sum(1), pv.max(1).values)


class BitsOfAll(nn.Module):
    """Bits of two integers, negative ones too, and shifts by what a row has of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("signs", torch.tensor([1, -1, -1]))
        self.register_buffer("wide", torch.tensor(6917529027641081856 + 77))

    def forward(self, x: Tensor, by: Tensor) -> Tensor:
        a, b = (x * self.signs, x.flip(1) * 2654435761)
        both = torch.stack([a & b, a | b, a ^ b, a & self.wide, a << by, a >> by, a >> by - 3], dim=1)
        return torch.remainder(both, 1009).flatten(1)


class FlooredQuotients(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("by", torch.tensor([0.1, -0.1, 3.0, float("inf"), -7.0, 0.0, 0.001, 24.0]))

    def forward(self, x: Tensor) -> Tensor:
        y = torch.round(x * 10) / 10
        floats = [x // self.by, y // 0.1, torch.floor_divide(y, 0.3), torch.div(y, self.by, rounding_mode="floor")]
        return torch.cat(floats + [x.double() // 0.1, y.double() % 0.7, torch.fmod(x.double(), 24.0)], dim=1)


KINDS = [
    (Standardise64, [numbers(12, dtype='float64', rare=True)], "numbers_before", BOTH),
    (LogAmounts, [numbers(10, rare=True)], "numbers_before", BOTH),
    (QuantileNorm, [numbers(7, rare=True)], "numbers_before", BOTH),
    (PLEBins, [numbers(6, rare=True)], "numbers_before", BOTH),
    (VelocityWindows, [numbers(30, rare=True)], "numbers_before", BOTH),
    (MissingIndicator, [numbers(6, rare=True), Argument("bool", (BATCH, 6))], "numbers_before", BOTH),
    (TimeFeatures, [ids(24), ids(7), ids(4000)], "numbers_before", BOTH),
    (Haversine, [numbers(4, rare=True)], "numbers_before", BOTH),
    (FlooredQuotients, [numbers(8, rare=True)], "numbers_before", BOTH),
    (WideDeepHash, [numbers(16, rare=True), ids(9, 4)], "bits", BOTH),
    (BitTricks, [ids(1000, 4), numbers(3, rare=True)], "bits", BOTH),
    (HashBuckets, [numbers(5, rare=True), ids(2 ** 31 - 1, 3)], "bits", BOTH),
    (BitsOfAll, [ids(2 ** 40, 3), ids(70, 3)], "bits", BOTH),
    (Double, [numbers(8, dtype='float64', rare=True)], "float64_products", BOTH),
    (WholePowers, [ids(60, 4)], "float64_products", BOTH),
    (PCAWhiten, [numbers(12, dtype='float64', rare=True)], "float64_products", BOTH),
    (Float64Net, [numbers(16, rare=True)], "float64_products", BOTH),
    (YeoJohnson, [numbers(6, dtype='float64', rare=True)], "float64_products", BOTH),
    (ScoreBps, [numbers(8, rare=True)], "scores", BOTH),
    (AmountBands, [numbers(6, rare=True), numbers(rare=True)], "scores", BOTH),
    (IsotonicInterp, [numbers(6, rare=True)], "scores", BOTH),
    (ThresholdPerSegment, [numbers(5, rare=True), ids(12)], "scores", BOTH),
    (Conformal, [numbers(10, rare=True)], "scores", BOTH),
]


def payments() -> list[Case]:
    return cases_of("payments", KINDS)

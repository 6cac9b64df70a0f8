# SPDX-License-Identifier: Apache-2.0
"""Small nets of papers on tables, as their authors write them; and images and signals that are enlarged."""
import math
from typing import List, Tuple

import torch
import torch.nn.functional as F
from case import LENGTH, Case, cases_of, ids, numbers
from torch import Tensor, nn

SCRIPTED, TRACED = (True,), (False,)
BOTH = SCRIPTED + TRACED


class UNet1d(nn.Module):
    """Autoencoder with interpolation."""

    def __init__(self) -> None:
        super().__init__()
        self.d1 = nn.Conv1d(4, 8, 3, padding=1)
        self.d2 = nn.Conv1d(8, 16, 3, padding=1)
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.u1 = nn.Conv1d(16 + 8, 8, 3, padding=1)
        self.o = nn.Conv1d(8, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        a = F.relu(self.d1(x))
        b = F.relu(self.d2(F.max_pool1d(a, 2)))
        u = F.relu(self.u1(torch.cat([self.up(b), a], dim=1)))
        r = self.o(u)
        return ((r - x) ** 2).mean(dim=(1, 2))


class InterpLinear(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.c = nn.Conv1d(4, 8, 3)
        self.fc = nn.Linear(8 * 10, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = F.interpolate(self.c(x), size=10, mode="linear", align_corners=False)
        return self.fc(y.flatten(1)).squeeze(1)


def sparsemax(z: Tensor, dim: int=-1) -> Tensor:
    z = z - z.max(dim=dim, keepdim=True)[0]
    zs, _ = torch.sort(z, dim=dim, descending=True)
    rng = torch.arange(1, z.size(dim) + 1, device=z.device, dtype=z.dtype)
    bound = 1 + rng * zs
    cs = torch.cumsum(zs, dim)
    gt = torch.gt(bound, cs).to(z.dtype)
    k = torch.max(gt * rng, dim, keepdim=True)[0]
    taus = (torch.sum(gt * zs, dim, keepdim=True) - 1) / k
    return torch.max(torch.zeros_like(z), z - taus)


class GBN(nn.Module):
    def __init__(self, d, v=32):
        super().__init__()
        self.v = v
        self.bn = nn.BatchNorm1d(d, momentum=0.01)

    def forward(self, x):
        if self.training:
            chunks = x.chunk(int(math.ceil(x.shape[0] / self.v)), 0)
            return torch.cat([self.bn(c) for c in chunks], dim=0)
        else:
            return self.bn(x)


class GLULayer(nn.Module):
    def __init__(self, i, o, fc=None):
        super().__init__()
        self.fc = fc if fc is not None else nn.Linear(i, 2 * o, bias=False)
        self.bn = GBN(2 * o)
        self.o = o

    def forward(self, x):
        x = self.bn(self.fc(x))
        return torch.mul(x[:, :self.o], torch.sigmoid(x[:, self.o:]))


class FeatTransformer(nn.Module):
    def __init__(self, i, o, shared):
        super().__init__()
        self.first = GLULayer(i, o, shared)
        self.rest = nn.ModuleList([GLULayer(o, o) for _ in range(2)])
        self.register_buffer("scale", torch.sqrt(torch.FloatTensor([0.5])))

    def forward(self, x):
        x = self.first(x)
        for l in self.rest:
            x = torch.add(x, l(x)) * self.scale
        return x


class TabNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.bn = nn.BatchNorm1d(12)
        sh = nn.Linear(12, 2 * 16, bias=False)
        self.init = FeatTransformer(12, 16, sh)
        self.steps = nn.ModuleList([FeatTransformer(12, 16, sh) for _ in range(3)])
        self.att = nn.ModuleList([nn.Sequential(nn.Linear(8, 12, bias=False), nn.BatchNorm1d(12)) for _ in range(3)])
        self.gamma = 1.3
        self.fc = nn.Linear(8, 1, bias=False)

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        x = self.bn(x)
        prior = torch.ones(x.shape)
        loss = torch.zeros(x.shape[0])
        att = self.init(x)[:, 8:]
        out = torch.zeros(x.size(0), 8)
        for step, a in zip(self.steps, self.att):
            m = sparsemax(a(att) * prior)
            loss = loss + torch.mean(torch.sum(torch.mul(m, torch.log(m + 1e-15)), dim=1), dim=0) * 0
            prior = torch.mul(self.gamma - m, prior)
            o = step(torch.mul(m, x))
            out = out + F.relu(o[:, :8])
            att = o[:, 8:]
        return (self.fc(out).squeeze(-1), prior)


class DCNv2MoE(nn.Module):
    def __init__(self, n=20, r=4, e=3):
        super().__init__()
        self.U = nn.ParameterList([nn.Parameter(torch.randn(e, n, r) * 0.2) for _ in range(2)])
        self.V = nn.ParameterList([nn.Parameter(torch.randn(e, n, r) * 0.2) for _ in range(2)])
        self.C = nn.ParameterList([nn.Parameter(torch.randn(e, r, r) * 0.2) for _ in range(2)])
        self.gates = nn.ModuleList([nn.Linear(n, 1, bias=False) for _ in range(e)])
        self.bias = nn.ParameterList([nn.Parameter(torch.zeros(n, 1)) for _ in range(2)])
        self.fc = nn.Linear(n, 1)

    def forward(self, x0: Tensor) -> Tensor:
        x0 = x0.unsqueeze(2)
        xl = x0
        for U, V, C_, b in zip(self.U, self.V, self.C, self.bias):
            outs: List[Tensor] = []
            gs: List[Tensor] = []
            for k, g in enumerate(self.gates):
                gs.append(g(xl.squeeze(2)))
                v = torch.tanh(torch.matmul(V[k].t(), xl))
                v = torch.tanh(torch.matmul(C_[k], v))
                uv = torch.matmul(U[k], v)
                outs.append((x0 * (uv + b)).squeeze(2))
            o = torch.stack(outs, 2)
            gate = torch.stack(gs, 1)
            xl = torch.matmul(o, gate.softmax(1)) + xl
        return self.fc(xl.squeeze(2))


class XDeepFM(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.emb = nn.Embedding(75, 8)
        self.convs = nn.ModuleList([nn.Conv1d(5 * 5, 12, 1), nn.Conv1d(5 * 6, 12, 1)])
        self.fc = nn.Linear(18, 1)

    def forward(self, x: Tensor) -> Tensor:
        x0 = self.emb(x + torch.arange(0, 75, 15).to(x.device).unsqueeze(0))
        b, m, d = x0.shape
        h = x0
        outs: List[Tensor] = []
        for i, conv in enumerate(self.convs):
            z = torch.einsum("bhd,bmd->bhmd", h, x0).reshape(b, h.shape[1] * m, d)
            z = F.relu(conv(z))
            if i == 0:
                h, direct = torch.split(z, [6, 6], dim=1)
            else:
                direct = z
            outs.append(direct)
        return self.fc(torch.cat(outs, 1).sum(-1)).squeeze(-1)


def entmax15(x: Tensor) -> Tensor:
    x = x - x.max(dim=-1, keepdim=True)[0]
    x = x / 2
    xs = torch.sort(x, dim=-1, descending=True)[0]
    rho = torch.arange(1, x.size(-1) + 1, dtype=x.dtype)
    mean = xs.cumsum(-1) / rho
    mean_sq = (xs ** 2).cumsum(-1) / rho
    ss = rho * (mean_sq - mean ** 2)
    delta = (1 - ss) / rho
    tau = mean - torch.sqrt(torch.clamp(delta, 0))
    support = (tau <= xs).sum(dim=-1).unsqueeze(-1)
    tau_star = tau.gather(-1, support - 1)
    return torch.clamp(x - tau_star, min=0) ** 2


class NODE(nn.Module):
    def __init__(self, n=10, trees=8, depth=3):
        super().__init__()
        self.sel = nn.Parameter(torch.rand(n, trees, depth))
        self.thr = nn.Parameter(torch.randn(trees, depth))
        self.log_t = nn.Parameter(torch.randn(trees, depth) * 0.1)
        idx = torch.arange(2 ** depth)
        codes = idx.view(1, -1) // 2 ** torch.arange(depth).view(-1, 1) % 2
        self.register_buffer("codes", torch.stack([codes, 1 - codes], dim=-1).float())
        self.resp = nn.Parameter(torch.randn(trees, 2, 2 ** depth))

    def forward(self, x: Tensor) -> Tensor:
        w = entmax15(self.sel.permute(1, 2, 0)).permute(2, 0, 1)
        fv = torch.einsum("bi,ind->bnd", x, w)
        t = (fv - self.thr) * torch.exp(-self.log_t)
        t = torch.stack([-t, t], dim=-1)
        bins = torch.clamp(0.5 * t + 0.5, 0, 1)
        m = torch.einsum("btds,dcs->btdc", bins, self.codes)
        r = torch.prod(m, dim=-2)
        return torch.einsum("bnd,ncd->bnc", r, self.resp).mean(1)


class GANDALF(nn.Module):
    """Gated feature learning units, t-softmax masks."""

    def __init__(self, n=12, s=3):
        super().__init__()
        self.s = s
        self.w_in = nn.ModuleList([nn.Linear(2 * n, 2 * n) for _ in range(s)])
        self.w_out = nn.ModuleList([nn.Linear(2 * n, n) for _ in range(s)])
        self.masks = nn.Parameter(torch.rand(s, n))
        self.t = nn.Parameter(torch.rand(s, 1))
        self.fc = nn.Linear(n, 1)

    def tsoftmax(self, x: Tensor, t: Tensor) -> Tensor:
        m = x.max(dim=-1, keepdim=True)[0]
        w = torch.relu(x + t - m)
        e = (w + 1e-08).log() + x
        return torch.softmax(e, -1)

    def forward(self, x: Tensor) -> Tensor:
        h = x
        masks = self.tsoftmax(self.masks, torch.relu(self.t))
        for i, (wi, wo) in enumerate(zip(self.w_in, self.w_out)):
            feat = masks[i] * x
            hin = wi(torch.cat([feat, h], dim=-1))
            z = torch.sigmoid(hin[:, :12])
            r = torch.sigmoid(hin[:, 12:])
            h_out = torch.tanh(wo(torch.cat([r * h, x], dim=-1)))
            h = (1 - z) * h + z * h_out
        return self.fc(h).squeeze(-1)


class SplineFlow(nn.Module):
    """Rational quadratic splines."""

    def __init__(self, d=4, k=6):
        super().__init__()
        self.k = k
        self.net = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 2 * (3 * k + 1)))

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        k = self.k
        a, z = (x[:, :2], torch.clamp(torch.nan_to_num(x[:, 2:]), -2.99, 2.99))
        p = self.net(torch.nan_to_num(a, 0.0, 2.0, -2.0).clamp(-4, 4)).view(-1, 2, 3 * k + 1)
        w, h, d = torch.split(p, [k, k, k + 1], dim=-1)
        w = 0.05 + (1 - 0.05 * k) * torch.softmax(w, -1)
        h = 0.05 + (1 - 0.05 * k) * torch.softmax(h, -1)
        d = 0.001 + F.softplus(d)
        cw = F.pad(torch.cumsum(w, -1), (1, 0), mode="constant", value=0.0) * 6.0 - 3.0
        ch = F.pad(torch.cumsum(h, -1), (1, 0), mode="constant", value=0.0) * 6.0 - 3.0
        i = (torch.sum(z[..., None] >= cw, dim=-1) - 1).clamp(0, k - 1)[..., None]
        x0 = cw.gather(-1, i)[..., 0]
        bw = (cw[..., 1:] - cw[..., :-1]).gather(-1, i)[..., 0]
        y0 = ch.gather(-1, i)[..., 0]
        bh = (ch[..., 1:] - ch[..., :-1]).gather(-1, i)[..., 0]
        d0 = d.gather(-1, i)[..., 0]
        d1 = d[..., 1:].gather(-1, i)[..., 0]
        th = (z - x0) / bw
        s = bh / bw
        tt = th * (1 - th)
        den = s + (d0 + d1 - 2 * s) * tt
        y = y0 + bh * (s * th.pow(2) + d0 * tt) / den
        ld = torch.log(s.pow(2) * (d1 * th.pow(2) + 2 * s * tt + d0 * (1 - th).pow(2))) - 2 * torch.log(den)
        return (y, ld.sum(-1))


class Capsule(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.W = nn.Parameter(torch.randn(1, 6, 3, 4, 8) * 0.3)

    @staticmethod
    def squash(s: Tensor) -> Tensor:
        n2 = (s ** 2).sum(-1, keepdim=True)
        return n2 / (1 + n2) * s / (n2.sqrt() + 1e-08)

    def forward(self, x: Tensor) -> Tensor:
        u = torch.matmul(self.W, x[:, :, None, :, None]).squeeze(-1)
        b = torch.zeros(x.size(0), 6, 3, 1)
        v = torch.zeros(x.size(0), 1, 3, 4)
        for i in range(3):
            c = F.softmax(b, dim=2)
            v = self.squash((c * u).sum(1, keepdim=True))
            if i < 2:
                b = b + (u * v).sum(-1, keepdim=True)
        return v.squeeze(1).norm(p=2, dim=-1)


class UpDecoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        larger = nn.Upsample(scale_factor=2.0, mode="linear", align_corners=True)
        self.u = nn.Sequential(nn.ConvTranspose1d(8, 4, 4, stride=2, padding=1), nn.ReLU(), larger, nn.Conv1d(4, 1, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return self.u(x).squeeze(1)


class UpNearestVar(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.c = nn.Conv1d(5, 6, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = F.interpolate(x.transpose(1, 2), scale_factor=3.0, mode="nearest")
        return self.c(y).amax(-1)


class Up2d(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        a = F.interpolate(x, size=[9, 7], mode="nearest")
        b = F.interpolate(x, scale_factor=2.0, mode="nearest-exact")
        c = F.interpolate(x, size=[4, 8], mode="bilinear", align_corners=False)
        d = F.interpolate(x, size=[3, 2], mode="area")
        return torch.cat([a.flatten(1), b.flatten(1), c.flatten(1), d.flatten(1)], 1)


KINDS = [
    (TabNet, [numbers(12, rare=True)], "tabular_nets", BOTH),
    (NODE, [numbers(10, rare=True)], "tabular_nets", BOTH),
    (GANDALF, [numbers(12, rare=True)], "tabular_nets", BOTH),
    (XDeepFM, [ids(15, 5)], "tabular_nets", BOTH),
    (DCNv2MoE, [numbers(20, rare=True)], "tabular_nets", BOTH),
    (SplineFlow, [numbers(4, rare=True)], "tabular_nets", BOTH),
    (Capsule, [numbers(6, 8, rare=True)], "tabular_nets", BOTH),
    (UNet1d, [numbers(4, 32, rare=True)], "resampling", SCRIPTED),
    (InterpLinear, [numbers(4, 20, rare=True)], "resampling", BOTH),
    (UpDecoder, [numbers(8, 6, rare=True)], "resampling", BOTH),
    (UpNearestVar, [numbers(LENGTH, 5, rare=True)], "resampling", BOTH),
    (Up2d, [numbers(2, 6, 5, rare=True)], "resampling", BOTH),
]


def tabular() -> list[Case]:
    return cases_of("tabular", KINDS)

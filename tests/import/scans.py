# SPDX-License-Identifier: Apache-2.0
"""Recurrences that a loop writes out, and inference over sequences."""
import math
from typing import List, Tuple

import torch
import torch.nn.functional as F
from case import BATCH, LENGTH, Argument, Case, cases_of, ids, numbers
from torch import Tensor, nn

SCRIPTED, TRACED = (True,), (False,)
BOTH = SCRIPTED + TRACED


class LayerNormLSTMCell(nn.Module):
    def __init__(self, i, h):
        super().__init__()
        self.ih = nn.Linear(i, 4 * h, bias=False)
        self.hh = nn.Linear(h, 4 * h, bias=False)
        self.ln_i = nn.LayerNorm(4 * h)
        self.ln_h = nn.LayerNorm(4 * h)
        self.ln_c = nn.LayerNorm(h)

    def forward(self, x: Tensor, state: Tuple[Tensor, Tensor]) -> Tuple[Tensor, Tuple[Tensor, Tensor]]:
        hx, cx = state
        gates = self.ln_i(self.ih(x)) + self.ln_h(self.hh(hx))
        i, f_, g, o = gates.chunk(4, 1)
        cy = self.ln_c(torch.sigmoid(f_) * cx + torch.sigmoid(i) * torch.tanh(g))
        hy = torch.sigmoid(o) * torch.tanh(cy)
        return (hy, (hy, cy))


class LNLSTM(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell = LayerNormLSTMCell(16, 24)
        self.fc = nn.Linear(24, 1)

    def forward(self, x: Tensor) -> Tensor:
        zeros = torch.zeros(x.shape[0], 24, dtype=x.dtype, device=x.device)
        state = (zeros, zeros)
        out = torch.zeros(x.shape[0], 24)
        for step in x.unbind(1):
            out, state = self.cell(step, state)
        return self.fc(out).view(-1)


class SRU(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Linear(24, 3 * 24)
        self.out = nn.Linear(24, 1)

    def forward(self, x: Tensor) -> Tensor:
        u, fg, r = self.w(x).split(24, dim=-1)
        fg, r = (fg.sigmoid(), r.sigmoid())
        c = x.new_zeros(x.size(0), 24)
        hs: List[Tensor] = []
        for t in range(x.size(1)):
            c = fg[:, t] * c + (1 - fg[:, t]) * u[:, t]
            hs.append(r[:, t] * torch.tanh(c) + (1 - r[:, t]) * x[:, t])
        return self.out(torch.stack(hs, dim=1).mean(1)).squeeze(1)


class QRNN(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(16, 3 * 24, kernel_size=2)
        self.fc = nn.Linear(24, 1)

    def forward(self, x: Tensor) -> Tensor:
        g = self.conv(F.pad(x.transpose(1, 2), (1, 0)))
        z, f_, o = torch.chunk(g, 3, dim=1)
        z = torch.tanh(z)
        f_ = torch.sigmoid(f_)
        o = torch.sigmoid(o)
        c = torch.zeros_like(z[..., 0])
        h = torch.zeros_like(c)
        for i in range(z.size(2)):
            c = f_[..., i] * c + (1.0 - f_[..., i]) * z[..., i]
            h = o[..., i] * c
        return torch.sigmoid(self.fc(h)).flatten()


class SelectiveSSM(nn.Module):
    def __init__(self, d, n=8, r=4):
        super().__init__()
        self.d, self.n, self.r = (d, n, r)
        self.in_proj = nn.Linear(d, 2 * d, bias=False)
        self.conv1d = nn.Conv1d(d, d, 4, groups=d, padding=3)
        self.x_proj = nn.Linear(d, r + 2 * n, bias=False)
        self.dt_proj = nn.Linear(r, d)
        A = torch.arange(1, n + 1, dtype=torch.float32).repeat(d, 1)
        self.A_log = nn.Parameter(torch.log(A))
        self.D = nn.Parameter(torch.ones(d))
        self.out_proj = nn.Linear(d, d, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        b, l, d = x.shape
        x_and_res = self.in_proj(x)
        u, res = x_and_res.split(split_size=[self.d, self.d], dim=-1)
        u = self.conv1d(u.transpose(1, 2))[:, :, :l].transpose(1, 2)
        u = F.silu(u)
        A = -torch.exp(self.A_log.float())
        delta, B, C_ = self.x_proj(u).split([self.r, self.n, self.n], dim=-1)
        delta = F.softplus(self.dt_proj(delta))
        deltaA = torch.exp(torch.einsum("bld,dn->bldn", delta, A))
        deltaB_u = torch.einsum("bld,bln,bld->bldn", delta, B, u)
        h = torch.zeros(b, d, self.n, device=x.device)
        ys = []
        for i in range(l):
            h = deltaA[:, i] * h + deltaB_u[:, i]
            y = torch.einsum("bdn,bn->bd", h, C_[:, i, :])
            ys.append(y)
        y = torch.stack(ys, dim=1) + u * self.D
        y = y * F.silu(res)
        return self.out_proj(y)


class MambaScore(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([SelectiveSSM(32) for _ in range(2)])
        self.norms = nn.ModuleList([nn.LayerNorm(32) for _ in range(2)])
        self.head = nn.Linear(32, 1)

    def forward(self, x: Tensor) -> Tensor:
        for layer, norm in zip(self.layers, self.norms):
            x = x + layer(norm(x))
        return torch.sigmoid(self.head(x[:, -1])).squeeze(-1)


class HAN(nn.Module):
    """Hierarchical attention: words then sentences."""

    def __init__(self) -> None:
        super().__init__()
        self.emb = nn.Embedding(50, 16, padding_idx=0)
        self.w = nn.GRU(16, 12, bidirectional=True, batch_first=True)
        self.s = nn.GRU(24, 12, bidirectional=True, batch_first=True)
        self.wa = nn.Linear(24, 24)
        self.wc = nn.Parameter(torch.randn(24))
        self.sa = nn.Linear(24, 24)
        self.sc = nn.Parameter(torch.randn(24))
        self.fc = nn.Linear(24, 4)

    def attend(self, h: Tensor, lin: nn.Linear, c: Tensor) -> Tensor:
        return h

    def forward(self, docs: Tensor) -> Tensor:
        b, s, w = docs.shape
        e = self.emb(docs.view(b * s, w))
        h, _ = self.w(e)
        a = torch.softmax(torch.tanh(self.wa(h)) @ self.wc, dim=1)
        sent = (a.unsqueeze(-1) * h).sum(1).view(b, s, -1)
        h2, _ = self.s(sent)
        a2 = torch.softmax(torch.matmul(torch.tanh(self.sa(h2)), self.sc), dim=1)
        return self.fc(torch.sum(a2[:, :, None] * h2, dim=1))


class XLNetRelShift(nn.Module):
    """Transformer-XL relative shift by pad and view."""

    def __init__(self) -> None:
        super().__init__()
        self.emb = nn.Embedding(40, 16)
        self.qkv = nn.Linear(16, 48, bias=False)
        self.r = nn.Linear(16, 16, bias=False)
        self.u, self.vb = (nn.Parameter(torch.randn(2, 8)), nn.Parameter(torch.randn(2, 8)))
        inv = 1 / 10000 ** (torch.arange(0.0, 16, 2.0) / 16)
        self.register_buffer("inv_freq", inv)
        self.fc = nn.Linear(16, 1)

    def forward(self, ids: Tensor, keep: Tensor) -> Tensor:
        x = self.emb(ids)
        b, n = (ids.size(0), ids.size(1))
        pos = torch.arange(n - 1, -1, -1.0)
        s = torch.ger(pos, self.inv_freq)
        r = self.r(torch.cat([s.sin(), s.cos()], dim=-1)).view(n, 2, 8)
        q, k, v = torch.chunk(self.qkv(x), 3, dim=-1)
        q, k, v = (q.view(b, n, 2, 8), k.view(b, n, 2, 8), v.view(b, n, 2, 8))
        ac = torch.einsum("bihd,bjhd->bhij", q + self.u, k)
        bd = torch.einsum("bihd,jhd->bhij", q + self.vb, r)
        bd = F.pad(bd, (1, 0)).view(b, 2, n + 1, n)[:, :, 1:].view(b, 2, n, n)
        causal = torch.triu(torch.ones(n, n, dtype=torch.bool), 1)
        s2 = ((ac + bd) / math.sqrt(8.0)).masked_fill(causal, float("-inf"))
        y = torch.einsum("bhij,bjhd->bihd", s2.softmax(-1), v).reshape(b, n, 16)
        return self.fc(y[:, -1]).squeeze(-1)


class CRF(nn.Module):
    def __init__(self, t=5):
        super().__init__()
        self.em = nn.Linear(8, t)
        self.start, self.end = nn.Parameter(torch.randn(t)), nn.Parameter(torch.randn(t))
        self.tr = nn.Parameter(torch.randn(t, t))

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        em = self.em(x)
        a = self.start + em[:, 0]
        v = self.start + em[:, 0]
        for i in range(1, em.size(1)):
            a = torch.logsumexp(a.unsqueeze(2) + self.tr + em[:, i].unsqueeze(1), dim=1)
            v = (v.unsqueeze(2) + self.tr).max(dim=1)[0] + em[:, i]
        return (torch.logsumexp(a + self.end, dim=1), torch.max(v + self.end, 1)[0])


class Viterbi(nn.Module):
    def __init__(self, t=4):
        super().__init__()
        self.em = nn.Linear(6, t)
        self.tr = nn.Parameter(torch.randn(t, t))

    def forward(self, x: Tensor) -> Tensor:
        em = self.em(torch.nan_to_num(x, 0.0, 1.0, -1.0).clamp(-20, 20))
        score = em[:, 0]
        hist: List[Tensor] = []
        for i in range(1, 8):
            best, idx = (score.unsqueeze(2) + self.tr).max(dim=1)
            score = best + em[:, i]
            hist.append(idx)
        tag = score.argmax(1, keepdim=True)
        path = [tag]
        for k in range(len(hist) - 1, -1, -1):
            tag = hist[k].gather(1, tag)
            path.append(tag)
        return torch.cat(path, 1).flip(1)


class Kalman(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.q, self.r = (nn.Parameter(torch.tensor(0.1)), nn.Parameter(torch.tensor(0.5)))

    def forward(self, x: Tensor) -> Tensor:
        m = torch.zeros(x.size(0))
        p = torch.ones(x.size(0))
        nll = torch.zeros_like(m)
        for t in range(x.size(1)):
            p = p + F.softplus(self.q)
            s = p + F.softplus(self.r)
            k = p / s
            e = x[:, t] - m
            nll = nll + 0.5 * (torch.log(2 * math.pi * s) + e ** 2 / s)
            m = m + k * e
            p = (1 - k) * p
        return nll


class Pointer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.w1, self.w2, self.v = (nn.Linear(12, 16, bias=False), nn.Linear(12, 16, bias=False), nn.Linear(16, 1, bias=False))

    def forward(self, enc: Tensor, q: Tensor) -> Tuple[Tensor, Tensor]:
        mask = torch.zeros(enc.size(0), 8, dtype=torch.bool)
        picks: List[Tensor] = []
        lp = torch.zeros(enc.size(0))
        for _ in range(3):
            u = self.v(torch.tanh(self.w1(enc) + self.w2(q).unsqueeze(1))).squeeze(-1)
            u = u.masked_fill(mask, -1000000000.0)
            a = torch.log_softmax(u, dim=-1)
            val, idx = a.max(-1)
            lp = lp + val
            picks.append(idx)
            mask = mask.scatter(1, idx.unsqueeze(1), torch.ones_like(idx.unsqueeze(1), dtype=torch.bool))
            q = enc.gather(1, idx.view(-1, 1, 1).expand(-1, 1, 12)).squeeze(1)
        return (lp, torch.stack(picks, 1))


class MatchPyramid(nn.Module):
    """Similarity of two texts by kernels (K-NRM)."""

    def __init__(self) -> None:
        super().__init__()
        self.e = nn.Embedding(40, 12, padding_idx=0)
        self.register_buffer("mu", torch.linspace(-0.9, 1.0, 5))
        self.register_buffer("sg", torch.full((5,), 0.2))
        self.o = nn.Linear(5, 1)

    def forward(self, q: Tensor, d: Tensor) -> Tensor:
        a, b = (F.normalize(self.e(q), dim=-1), F.normalize(self.e(d), dim=-1))
        s = torch.bmm(a, b.transpose(1, 2))
        mask = (q.gt(0).unsqueeze(-1) & d.gt(0).unsqueeze(1)).float()
        k = torch.exp(-(s.unsqueeze(-1) - self.mu) ** 2 / (2 * self.sg ** 2)) * mask.unsqueeze(-1)
        pk = torch.log(torch.clamp(k.sum(2), min=1e-10)) * 0.01
        return torch.tanh(self.o((pk * q.gt(0).unsqueeze(-1)).sum(1))).squeeze(1)


class NTM(nn.Module):
    """Memory with content addressing."""

    def __init__(self) -> None:
        super().__init__()
        self.ctrl = nn.LSTMCell(6 + 8, 16)
        self.k, self.bt, self.er, self.ad = (nn.Linear(16, 8), nn.Linear(16, 1), nn.Linear(16, 8), nn.Linear(16, 8))
        self.mem0 = nn.Parameter(torch.randn(5, 8) * 0.1)
        self.o = nn.Linear(24, 1)

    def forward(self, x: Tensor) -> Tensor:
        b = x.size(0)
        M = self.mem0.unsqueeze(0).repeat(b, 1, 1)
        h = torch.zeros(b, 16)
        c = torch.zeros(b, 16)
        r = torch.zeros(b, 8)
        for t in range(14):
            h, c = self.ctrl(torch.cat([x[:, t], r], 1), (h, c))
            k = torch.tanh(self.k(h))
            s = F.cosine_similarity(M + 1e-16, k.unsqueeze(1) + 1e-16, dim=-1)
            w = F.softmax(F.softplus(self.bt(h)) * s, dim=1).unsqueeze(-1)
            r = (w * M).sum(1)
            M = M * (1 - w * torch.sigmoid(self.er(h)).unsqueeze(1)) + w * self.ad(h).unsqueeze(1)
        return self.o(torch.cat([h, r], 1)).squeeze(1)


KINDS = [
    (SRU, [numbers(16, 24, rare=True)], "scans", BOTH),
    (QRNN, [numbers(12, 16, rare=True)], "scans", BOTH),
    (MambaScore, [numbers(16, 32, rare=True)], "scans", BOTH),
    (LNLSTM, [numbers(10, 16, rare=True)], "scans", BOTH),
    (Kalman, [numbers(12, rare=True)], "scans", BOTH),
    (NTM, [numbers(14, 6, rare=True)], "scans", BOTH),
    (CRF, [numbers(10, 8, rare=True)], "structured", BOTH),
    (Viterbi, [numbers(8, 6, rare=True)], "structured", BOTH),
    (Pointer, [numbers(8, 12, rare=True), numbers(12, rare=True)], "structured", BOTH),
    (HAN, [ids(50, 6, 10, tail='')], "structured", BOTH),
    (MatchPyramid, [ids(40, LENGTH), ids(40, LENGTH)], "structured", BOTH),
    (XLNetRelShift, [ids(40, LENGTH), Argument("bool", (BATCH, LENGTH))], "structured", BOTH),
]


def scans() -> list[Case]:
    return cases_of("scans", KINDS)

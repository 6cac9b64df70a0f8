# SPDX-License-Identifier: Apache-2.0
"""Fourier transforms and complex numbers as their authors write them."""

import torch
from case import Case, cases_of, numbers
from torch import Tensor, nn

SCRIPTED, TRACED = (True,), (False,)
BOTH = SCRIPTED + TRACED


class FNetFFT(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.ln = nn.LayerNorm(16)
        self.fc = nn.Linear(16, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.fft.fft2(x, dim=(-2, -1)).real
        return self.fc(self.ln(x + y).mean(1)).squeeze(-1)


class ComplexParts(nn.Module):
    """A complex linear layer by parts and a phase feature."""

    def __init__(self) -> None:
        super().__init__()
        self.wr, self.wi = (nn.Linear(6, 8), nn.Linear(6, 8))
        self.fc = nn.Linear(16, 1)

    def forward(self, x: Tensor) -> Tensor:
        z = torch.complex(x[:, :6].contiguous(), x[:, 6:].contiguous())
        re = self.wr(z.real) - self.wi(z.imag)
        im = self.wr(z.imag) + self.wi(z.real)
        y = torch.complex(re, im)
        return self.fc(torch.cat([torch.abs(y), torch.tanh(torch.angle(y))], -1)).squeeze(-1)


class FFTFeatures(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.l = nn.Linear(4 * 11, 1)

    def forward(self, x: Tensor) -> Tensor:
        s = torch.fft.rfft(x, dim=1, norm="ortho")
        p = s.real ** 2 + s.imag ** 2
        return self.l(torch.log1p(p).flatten(1)).squeeze(1)


class FNet1(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.n = nn.LayerNorm(6)
        self.l = nn.Linear(6, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.fft.fft(torch.fft.fft(x, dim=-1), dim=-2).real
        return self.l(self.n(x + y)).mean(1).squeeze(-1)


class GlobalFilter(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(9, 6, 2) * 0.2)
        self.l = nn.Linear(6, 1)

    def forward(self, x: Tensor) -> Tensor:
        X = torch.fft.rfft(x, dim=1)
        y = torch.fft.irfft(X * torch.view_as_complex(self.w), n=16, dim=1)
        return self.l(y + x).amax(1).squeeze(-1)


class Spectra(nn.Module):
    """There and back, several axes, other sizes, an odd one, every norm."""

    def forward(self, x: Tensor) -> Tensor:
        a = torch.fft.ifft(torch.fft.fft(x, n=9, norm="ortho") * torch.complex(x[..., :9], x[..., 3:]), norm="forward")
        b = torch.fft.irfft2(torch.fft.rfft2(x), s=[6, 11], norm="ortho")
        c = torch.fft.fft2(x, norm="forward")
        d = torch.fft.irfft(torch.fft.rfft(x[..., :7], n=16, dim=-1), dim=-1)
        e = torch.fft.ifftn(x, dim=[1, 2]).imag
        g = torch.fft.rfftn(x, dim=[2]).sum(-1).real.unsqueeze(-1)
        return torch.cat([a.real, a.imag, b, c.abs(), c.conj().imag, d, e, g], dim=-1).flatten(1)


class ComplexMixture(nn.Module):
    """Products of complex matrices, polar forms, sums."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(6, 5, dtype=torch.complex64))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        z = torch.complex(x, y)
        m = torch.matmul(z, self.w)
        s = torch.einsum("bij,bkj->bik", z, z.conj())
        t = torch.cat([z, -z], dim=1).mean(dim=1)
        parts = [m.abs(), s.real, s.imag, torch.view_as_real(t), torch.angle(m)]
        return torch.cat([part.flatten(1) for part in parts], dim=1)


KINDS = [
    (FFTFeatures, [numbers(20, 4, rare=True)], "fourier", BOTH),
    (FNet1, [numbers(16, 6)], "fourier", BOTH),
    (FNetFFT, [numbers(16, 16)], "fourier", BOTH),
    (GlobalFilter, [numbers(16, 6, rare=True)], "fourier", BOTH),
    (Spectra, [numbers(6, 12)], "fourier", BOTH),
    (ComplexMixture, [numbers(4, 6, rare=True), numbers(4, 6, rare=True)], "fourier", BOTH),
    (ComplexParts, [numbers(12, rare=True)], "fourier", BOTH),
]


def spectra() -> list[Case]:
    return cases_of("spectra", KINDS)

# SPDX-License-Identifier: Apache-2.0
"""Modules that cannot be imported, with the words that the report must hold, in any order: the operator, the layer, the
model's own line, what was found and what to write instead. Words that begin with "no:" must be absent."""
import torch
from case import LENGTH, Case, ids, numbers
from torch import Tensor, nn

HERE = "refusals.py:"


class Branches(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        if bool((x > 0).any()):
            return x.sum(1)
        return x.mean(1)


class Raises(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        if bool((x < 0).all()):
            raise ValueError("negative numbers alone")
        return x.sum(1)


class Exotic(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.igamma(x, x)[:, 0] + torch.linalg.svdvals(x.view(-1, 2, 2))[:, 0]


class SortsRows(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.msort(x)[:, 0]


class LongTransform(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.fft.fft(x, n=40000).real.sum(1)


class OddFactor(nn.Module):
    """2.05: LibTorch doubles by a way of its own, which it takes by layout and size."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.interpolate(x.unsqueeze(1), scale_factor=2.05, mode="nearest").flatten(1).sum(1)


class Doubles(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weights", torch.ones(300, 300, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return torch.matmul(x.double(), self.weights).sum(1).float()


class HalfLinear(nn.Module):
    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype, self.out = dtype, nn.Linear(4, 2).to(dtype)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(x.to(self.dtype)).float().sum(1)


class HalfSum(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.half().sum(1).float()


class ComplexSize(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.view_as_complex(x.view(-1, 2, 2)).exp().abs().sum(1)


class Mixes(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (x - x.mean(dim=0)).sum(1)


class FirstRow(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (x * x[0]).sum(1)


class Slopes(nn.Module):
    """Along one axis twice, which LibTorch refuses while running."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.gradient(x, dim=[1, 1])[0].sum(1)


class Degrees(nn.Module):
    """A polynomial of another degree in each column."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("degrees", torch.tensor([1, 2, 3, 4]))

    def forward(self, x: Tensor) -> Tensor:
        return torch.special.chebyshev_polynomial_t(x, self.degrees).sum(1)


class Integers(nn.Module):
    """Pools and reductions at places, of integers."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how

    def forward(self, x: Tensor) -> Tensor:
        if self.how == "avg_pool1d":
            return nn.functional.avg_pool1d(x.unsqueeze(1), 2).flatten(1)
        if self.how == "max_pool2d":
            return nn.functional.max_pool2d(x.view(-1, 1, 2, 2), 2).flatten(1)
        return torch.zeros_like(x).scatter_reduce(1, x, x, "sum")


class Selects(nn.Module):
    def forward(self, x: Tensor, codes: Tensor) -> Tensor:
        return x[codes > 2].sum(dim=0, keepdim=True).expand(x.size(0), -1)


class Noise(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (x + torch.randn_like(x)).sum(1)


class WritesOut(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        y = torch.zeros_like(x)
        torch.add(x, x, out=y)
        return y.sum(1)


class MatrixNorm(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.linalg.norm(x.view(-1, 2, 2), 2.0, dim=[1, 2])


class DoubleSoftmax(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.softmax(x, 1, dtype=torch.float64)[:, 0].float()


class KeepsPlace(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sum(1) + torch.argmax(torch.arange(x.size(1)), keepdim=True)


class Sparse(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sum(1) + torch.zeros([x.size(1), 2], layout=torch.sparse_coo).sum()


class FixedNoise(nn.Module):
    """Of constants alone, which LibTorch would compute while importing."""

    def forward(self, x: Tensor) -> Tensor:
        return (x + torch.rand(4)).sum(1)


class While(nn.Module):
    """Refused by the scan, before LibTorch sees it."""

    def forward(self, x: Tensor) -> Tensor:
        i = 0
        while i < 3:
            x = x * 2
            i += 1
        return x.sum(1)


class Counts(nn.Module):
    """Keeps what it saw in a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    def forward(self, x: Tensor) -> Tensor:
        self.seen.add_(x.size(1))
        return x.sum(1) * self.seen


class Nearest(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.ops.aten.upsample_nearest1d(x, [7], 0.5).sum(dim=(1, 2))


class Inner(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.igamma(x, x)


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.self_attn = Inner()

    def forward(self, x: Tensor) -> Tensor:
        return self.self_attn(self.first(x))


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(4, 4), Block(), nn.Linear(4, 4)])

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


class Deep(nn.Module):
    """What does not lower stands in a layer of a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()

    def forward(self, x: Tensor) -> Tensor:
        return self.encoder(x).sum(1)


class InTorch(nn.Module):
    """What does not lower stands in torch's own file."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 6), nn.Fold((2, 3), 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x.unsqueeze(1).expand(-1, 3, -1)).sum((1, 2, 3))


def refusals() -> list[Case]:
    def case(module, arguments, *words, scripted=True):
        name = f"refused_{type(module).__name__.lower()}{'' if scripted else '_traced'}"
        return Case(name, module, arguments, {"refused"}, scripted, refusal=words)

    data = "a condition that depends on data; write torch.where"
    return [
        case(Branches(), [numbers(4)], "prim::If", HERE, data),
        case(Raises(), [numbers(4)], "prim::If", HERE, "raises only where every row is so, which mixes rows"),
        case(Exotic(), [numbers(4)], "aten::igamma", "a function without a kernel, which is not supported; look it up",
             "aten::linalg_svdvals", HERE, "eigenvalues and singular values, which is not supported; compute it before export"),
        case(Exotic(), [numbers(4)], "aten::igamma", "aten::linalg_svdvals", HERE, "not supported", scripted=False),
        case(SortsRows(), [numbers(4)], "aten::msort", HERE, "mixes rows: orders them; let each row depend on itself alone"),
        case(LongTransform(), [numbers(8)], "aten::fft_fft", "a Fourier transform of 40000 places", HERE),
        case(OddFactor(), [numbers(10, 10)], "aten::upsample_nearest2d", "not the sizes' ratio; give size", HERE,
             scripted=False),
        case(Doubles(), [numbers(300)], "float64 computation of more than 65,536", "; write .float()", HERE),
        case(Doubles(), [numbers(300)], "aten::matmul", "float64 computation", "; write .float()", scripted=False),
        Case("refused_half_linear", HalfLinear(torch.float16), [numbers(4)], set(), True,
             refusal=("aten::linear", HERE, "float16 computation; write .float() on its operands, or export")),
        Case("refused_bfloat16_linear", HalfLinear(torch.bfloat16), [numbers(4)], set(), False,
             refusal=("aten::linear", "bfloat16 computation; write .float() on its operands, or export")),
        case(HalfSum(), [numbers(4)], "aten::sum", "float16 computation; write .float()", HERE),
        case(ComplexSize(), [numbers(4)], "aten::exp", "complex numbers; keep real and imaginary parts", HERE),
        case(Mixes(), [numbers(4)], "aten::mean", HERE, "mixes rows", "let each row depend on itself alone"),
        case(FirstRow(), [numbers(4)], "aten::select", HERE, "mixes rows"),
        case(Slopes(), [numbers(4)], "aten::gradient", HERE, "an axis that is named twice"),
        case(Degrees(), [numbers(4)], "aten::special_chebyshev_polynomial_t", HERE, "no whole number known; take some"),
        *(Case(f"refused_integers_{how}", Integers(how), [ids(4, 4)], {"refused"}, True,
               refusal=("aten::" + how, HERE, "; write .float()"))
          for how in ("avg_pool1d", "max_pool2d", "scatter_reduce")),
        case(Selects(), [numbers(4), ids(5)], "aten::index", HERE, "depends on data; write torch.where"),
        case(Noise(), [numbers(4)], "aten::randn_like", HERE, "random"),
        case(FixedNoise(), [numbers(4)], "aten::rand", HERE, "random"),
        case(WritesOut(), [numbers(4)], "aten::add", HERE, "writes into 'out'; take what it gives instead"),
        case(MatrixNorm(), [numbers(4)], "aten::linalg_norm", HERE, "a norm of matrices", "torch.linalg.vector_norm"),
        case(DoubleSoftmax(), [numbers(4)], "aten::softmax", HERE, "float64 computation; write .float()"),
        case(KeepsPlace(), [numbers(LENGTH)], "expected keepdim=False, found keepdim=True, which is not supported", HERE),
        case(Sparse(), [numbers(LENGTH)], "aten::zeros", HERE, "expected layout=torch.strided, found another"),
        case(Counts(), [numbers(LENGTH)], "aten::add_", HERE, "writes into a weight or a constant"),
        Case("forbidden_nearest", Nearest(), [numbers(2, 4)], {"refused"}, False,
             refusal=("rule operator", "aten::upsample_nearest1d by a factor that may be a number")),
        case(Deep(), [numbers(4)], "aten::igamma, encoder.layers.1.self_attn, refusals.py:", "not supported"),
        case(Deep(), [numbers(4)], "aten::igamma, encoder.layers.1.self_attn, refusals.py:", scripted=False),
        Case("forbidden_while", While(), [numbers(4)], {"refused"}, True, refusal=("rule code-word", "'while' is a loop")),
        case(InTorch(), [numbers(4)], ", body.1, refusals.py:", "no:normalization.py", "no:functional.py"),
        case(InTorch(), [numbers(4)], ", body.1, refusals.py:", "no:normalization.py", "no:functional.py",
             scripted=False),
    ]

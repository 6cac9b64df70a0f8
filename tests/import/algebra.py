# SPDX-License-Identifier: Apache-2.0
"""Linear algebra of small matrices, special functions, and rearrangements."""
import torch
from case import LENGTH, Case, ids, numbers
from torch import Tensor, nn

ALGEBRA, SPECIAL, PLACES = {"linear_algebra"}, {"special_functions"}, {"rearrangements"}


def well_made(x: Tensor) -> Tensor:
    """Rows of 9 as matrices that have an inverse."""
    return x.view(-1, 3, 3) + 4.0 * torch.eye(3)


def covariance(x: Tensor) -> Tensor:
    """Rows of 9 as matrices that have a Cholesky factor."""
    a = x.view(-1, 3, 3)
    return a @ a.transpose(1, 2) + 2.0 * torch.eye(3)


class Solver(nn.Module):
    """A Kalman gain, and what a ridge regression of a row's own events would be."""

    def __init__(self) -> None:
        super().__init__()
        self.h = nn.Parameter(torch.randn(2, 3))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        p = covariance(x)
        s = self.h @ p @ self.h.t() + torch.eye(2)
        gain = torch.linalg.solve(s, self.h @ p).transpose(1, 2)
        left = torch.linalg.solve(p, y)
        right = torch.linalg.solve(p, y.view(-1, 1, 3), left=False)
        return torch.cat([gain.flatten(1), left, right.flatten(1)], dim=1)


class Ridge(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        gram = x.transpose(1, 2) @ x + torch.eye(3)
        return torch.linalg.solve(gram, (x.transpose(1, 2) @ y).squeeze(2))


class Inverses(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        a = well_made(x)
        return torch.cat([torch.inverse(a).flatten(1), torch.linalg.inv(a).flatten(1)], dim=1)


class Mahalanobis(nn.Module):
    """The Gaussian's density by its Cholesky factor."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        lower = torch.linalg.cholesky(covariance(x))
        z = torch.linalg.solve_triangular(lower, y.unsqueeze(2), upper=False).squeeze(2)
        size = 2.0 * torch.log(torch.diagonal(lower, dim1=1, dim2=2)).sum(1)
        return -0.5 * (z.square().sum(1) + size)


class Determinants(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        a = x.view(-1, 3, 3)
        singular = torch.stack([x[:, :3], x[:, 3:6], torch.zeros_like(x[:, :3])], dim=1)
        none, least = torch.slogdet(singular)
        sign, size = torch.linalg.slogdet(a)
        other, same = torch.slogdet(a)
        return torch.stack([torch.det(singular), none, torch.exp(least), torch.exp(torch.logdet(singular)),
                            torch.det(a), torch.linalg.det(a), sign, size, other, same, torch.logdet(covariance(x))], dim=1)


class Factors(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        p = covariance(x)
        upper = torch.linalg.cholesky(p, upper=True)
        lower = torch.linalg.cholesky(p)
        b = y.unsqueeze(2)
        return torch.cat([upper.flatten(1), torch.cholesky_solve(b, lower).flatten(1),
                          torch.cholesky_inverse(upper, upper=True).flatten(1),
                          torch.linalg.cholesky(p.triu(), upper=True).flatten(1),
                          torch.linalg.solve_triangular(upper, b.transpose(1, 2), upper=True, left=False).flatten(1),
                          torch.linalg.solve_triangular(upper, b, upper=True, unitriangular=True).flatten(1)], dim=1)


class Exponentials(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        a = x.view(-1, 3, 3)
        return torch.cat([torch.matrix_exp(a).flatten(1), torch.linalg.matrix_exp(a * 0.01).flatten(1)], dim=1)


class Norms(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        a = x.view(-1, 3, 3)
        deep = x.view(-1, 3, 1, 3)
        return torch.stack([torch.linalg.matrix_norm(a), torch.linalg.matrix_norm(a, ord=1),
                            torch.linalg.matrix_norm(a, ord=float("inf")), torch.linalg.matrix_norm(a, ord=-1),
                            torch.linalg.matrix_norm(deep, ord=1, dim=(1, 3)).squeeze(1),
                            torch.linalg.matrix_norm(a, ord=1, dim=(-2, -1), keepdim=True).flatten()], dim=1)


class Vandermonde(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.linalg.vander(x, N=4).flatten(1)


class Counts(nn.Module):
    """Likelihoods of counts: Poisson, negative binomial, beta."""

    def forward(self, x: Tensor) -> Tensor:
        k, rate = torch.floor(x.abs() * 3), x.abs() + 0.5
        poisson = k * torch.log(rate) - rate - torch.lgamma(k + 1)
        binomial = torch.lgamma(k + 2.5) - torch.lgamma(k + 1) - torch.special.gammaln(torch.full_like(k, 2.5))
        return torch.cat([poisson, binomial, torch.mvlgamma(rate + 2, 2)], dim=1)


class Gammas(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([torch.lgamma(x), torch.digamma(x.abs() + 0.1), torch.special.psi(x * 2 + 0.25)], dim=1)


class Probit(nn.Module):
    """Normal scores of ranks, and their tails."""

    def forward(self, x: Tensor) -> Tensor:
        p = torch.sigmoid(x * 3)
        return torch.cat([torch.special.ndtri(p), torch.erfinv(p * 2 - 1), torch.special.erfcx(x)], dim=1)


class ProbitOfSpecial(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([torch.erfinv(x), torch.special.ndtri(x), torch.lgamma(x).clamp(max=1e3)], dim=1)


class Modified(nn.Module):
    """Directions: von Mises' normaliser."""

    def forward(self, x: Tensor) -> Tensor:
        y = x.abs() * 3 + 0.05
        scaled = torch.special.scaled_modified_bessel_k0(y) + torch.special.scaled_modified_bessel_k1(y)
        return torch.cat([torch.i0(x), torch.special.i0e(x * 9), torch.special.i1(x), torch.special.i1e(x * 9),
                          torch.special.modified_bessel_k0(y), torch.special.modified_bessel_k1(y), scaled], dim=1)


class Waves(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        y = x * 9
        z = y.abs() + 0.3
        return torch.cat([torch.special.bessel_j0(y), torch.special.bessel_j1(y), torch.special.bessel_y0(z),
                          torch.special.bessel_y1(z), torch.special.spherical_bessel_j0(y)], dim=1)


class Bases(nn.Module):
    """Polynomials as features."""

    def forward(self, x: Tensor) -> Tensor:
        y = torch.tanh(x)
        parts = [torch.special.chebyshev_polynomial_t(y, 5), torch.special.chebyshev_polynomial_u(y, 4),
                 torch.special.hermite_polynomial_h(y, 3), torch.special.hermite_polynomial_he(y, 4),
                 torch.special.shifted_chebyshev_polynomial_t(torch.sigmoid(x), 3),
                 torch.special.chebyshev_polynomial_v(y, 2), torch.special.chebyshev_polynomial_w(y, 2)]
        return torch.cat(parts, dim=1)


class Orders(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        quantiles = [torch.nanquantile(x, 0.3, dim=1), torch.quantile(x, 0.35, dim=1, interpolation="lower"),
                     torch.quantile(x, 0.35, dim=1, interpolation="higher"),
                     torch.quantile(x, 0.35, dim=1, interpolation="midpoint"),
                     torch.quantile(x, 0.5, dim=1, interpolation="nearest"), torch.quantile(x, 0.7, dim=1)]
        return torch.stack(quantiles, dim=1)


class NanQuantiles(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        x = torch.where(torch.isinf(x), 3.0, x).clamp(-50, 50)
        return torch.nanquantile(x, torch.tensor([0.25, 0.5, 0.9]), dim=1).t()


class Written(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("at", torch.tensor([4, 0, 2]))

    def forward(self, x: Tensor, to: Tensor) -> Tensor:
        source = x[:, :3] * 2
        parts = [torch.index_copy(x, 1, self.at, source), torch.scatter_reduce(x, 1, to, source, "amax"),
                 torch.scatter_reduce(x, 1, to, source, "mean", include_self=False),
                 torch.scatter_reduce(x, 1, to, source, "prod"), torch.scatter_reduce(x, 1, to, source, "sum"),
                 torch.index_reduce(x, 1, self.at, source, "amin"),
                 torch.index_reduce(x, 1, self.at, source, "mean", include_self=False)]
        return torch.cat(parts, dim=1)


class Diagonals(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        a = x.view(-1, 3, 3)
        written = torch.diagonal_scatter(a, a[:, 0] * 0.0 + 7.0, 0, 1, 2)
        beside = torch.diagonal_scatter(a, x[:, :2], 1, 1, 2) - torch.diagonal_scatter(a, x[:, :2], -1, 1, 2)
        wide = torch.diag_embed(x[:, :2], offset=1) + torch.diag_embed(x[:, 1:3], offset=-1)
        turned = torch.diag_embed(x[:, :3], dim1=0, dim2=2)
        return torch.cat([written.flatten(1), beside.flatten(1), wide.flatten(1), turned.sum(0)], dim=1)


class Turned(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        a = x.view(-1, 3, 3)
        parts = [torch.rot90(a, k, [1, 2]).flatten(1) for k in (-1, 0, 1, 2)]
        return torch.cat(parts + [torch.kron(x[:, :2], torch.tensor([[1.0, -2.0, 3.0]]))], dim=1)


class Slopes(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        first, = torch.gradient(x, dim=1)
        wide, = torch.gradient(x, spacing=0.5, dim=1, edge_order=2)
        down, across = torch.gradient(torch.stack([x, x * 2.0 + 1.0, x.square()], dim=1), dim=[2, 1])
        first = first + down.sum(1) - 3.0 * across.sum(1)
        return torch.cat([first, wide, torch.cumulative_trapezoid(x, dim=1), torch.cumulative_trapezoid(x, dx=2.0)], dim=1)


class Tables(nn.Module):
    """Weights, grids and looked up places that no row has of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(3, 2))
        self.v = nn.Parameter(torch.randn(4))

    def forward(self, x: Tensor, codes: Tensor) -> Tensor:
        picked = torch.take(self.w, codes)
        matrix = torch.block_diag(self.w, torch.diagflat(self.v[:2])).sum(0)
        a, b = torch.meshgrid(self.v, self.v[:2], indexing="ij")
        grid = (a * b).sum() + torch.cartesian_prod(self.v, self.v).sum() + torch.combinations(self.v).prod(1).sum()
        steps = torch.linspace(0, 1, x.size(1)) + torch.logspace(-1, 0, x.size(1))
        return torch.cat([picked, x * grid, x * steps, torch.renorm(x, 2.0, 0, 1.5), matrix.expand(x.size(0), -1)], dim=1)


class Grids(nn.Module):
    """Of weights and what all rows share, which is no constant."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(3, 2))
        self.v = nn.Parameter(torch.randn(4))

    def forward(self, x: Tensor) -> Tensor:
        v, w = self.v * x.size(1), self.w * x.size(1)
        a, b = torch.meshgrid(v, v[:2], indexing="ij")
        c, d = torch.meshgrid(v, v[:3], indexing="xy")
        parts = [torch.block_diag(w, torch.diagflat(v[:2])), torch.diag(v, 1), a, b, c, d, torch.cartesian_prod(v, v[:3]),
                 torch.combinations(v), torch.combinations(v, 2, True), torch.kron(w, w), torch.diag(w).unsqueeze(0)]
        return x.sum(dim=(1, 2)).unsqueeze(1) * torch.cat([part.flatten() for part in parts])


class Implied(nn.Module):
    """Einsum without an arrow, and along a diagonal; reals as LibTorch's functions of complex numbers see them."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(3, 3))

    def forward(self, x: Tensor) -> Tensor:
        a = x.view(-1, 3, 3)
        products = [torch.einsum("bii->bi", a), torch.einsum("bii", a).unsqueeze(1),
                    torch.einsum("bij,jk", a, self.w).flatten(1)]
        return torch.cat(products + [torch.real(x), torch.angle(x), torch.isreal(x).float()], dim=1)


class Joined(nn.Module):
    """Views in place, as x.unsqueeze_(1)."""

    def forward(self, x: Tensor) -> Tensor:
        y = x * 2.0
        y.unsqueeze_(2)
        z = torch.cat([y, y + 1.0], dim=2)
        z.transpose_(1, 2)
        w = z.clone().squeeze_(0) if z.size(1) == 1 else z
        return w.mul_(0.5).flatten(1)


NINE = numbers(9)
KINDS = [
    (Solver, [NINE, numbers(3)], ALGEBRA), (Ridge, [numbers(LENGTH, 3), numbers(LENGTH, 1)], ALGEBRA),
    (Inverses, [NINE], ALGEBRA), (Mahalanobis, [NINE, numbers(3)], ALGEBRA), (Determinants, [NINE], ALGEBRA),
    (Factors, [NINE, numbers(3)], ALGEBRA), (Exponentials, [NINE], ALGEBRA), (Norms, [NINE], ALGEBRA),
    (Vandermonde, [numbers(3)], ALGEBRA),
    (Counts, [numbers(4)], SPECIAL), (Gammas, [numbers(6)], SPECIAL), 
    (Probit, [numbers(5)], SPECIAL), (ProbitOfSpecial, [numbers(6, special=True)], SPECIAL),
    (Modified, [numbers(4)], SPECIAL), (Waves, [numbers(5)], SPECIAL), (Bases, [numbers(4)], SPECIAL),
    (Orders, [numbers(6)], PLACES), (NanQuantiles, [numbers(7, special=True)], PLACES),
    (Written, [numbers(5), ids(5, 3)], PLACES), (Diagonals, [NINE], PLACES), (Turned, [NINE], PLACES),
    (Slopes, [numbers(5)], PLACES), (Tables, [numbers(4), ids(6, 2)], PLACES), (Implied, [NINE], PLACES), (Grids, [numbers(LENGTH, 2)], PLACES),
    (Joined, [numbers(4)], PLACES),
]


def algebra() -> list[Case]:
    cases = []
    for kind, inputs, family in KINDS:
        for scripted in (True, False):
            torch.manual_seed(13)
            name = f"algebra_{kind.__name__.lower()}_{'scripted' if scripted else 'traced'}"
            cases.append(Case(name, kind(), inputs, family, scripted, many=True))
    return cases

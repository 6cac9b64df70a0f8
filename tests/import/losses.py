# SPDX-License-Identifier: Apache-2.0
"""Anomaly scores that are losses between what a model expected and what came."""
from typing import Callable

import torch
from case import LENGTH, Case, ids, numbers, randomise
from torch import Tensor, nn
from torch.nn import functional as F

FAMILY = {"losses"}


class Autoencoder(nn.Module):
    """The error of each row, by one of torch's losses."""

    def __init__(self, loss: nn.Module, width: int = 6) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(width, 3), nn.ReLU())
        self.decoder = nn.Linear(3, width)
        self.loss = loss

    def forward(self, x: Tensor) -> Tensor:
        return self.loss(self.decoder(self.encoder(x)), x).mean(dim=1)


class Functional(nn.Module):
    """Losses of arguments as they come, special values too, element by element."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.stack([
            F.mse_loss(x, y, reduction="none"), F.l1_loss(x, y, reduction="none"),
            F.smooth_l1_loss(x, y, reduction="none", beta=0.5), F.smooth_l1_loss(x, y, reduction="none", beta=0.0),
            F.huber_loss(x, y, reduction="none", delta=1.5), F.hinge_embedding_loss(x, y, reduction="none", margin=0.5),
            F.soft_margin_loss(x, y, reduction="none"), F.binary_cross_entropy_with_logits(x, y, reduction="none"),
            F.kl_div(x, y, reduction="none"), F.kl_div(x, y, reduction="none", log_target=True),
            F.poisson_nll_loss(x, y, reduction="none")], dim=-1)


class Variational(nn.Module):
    """Reconstruction and divergence of a variational autoencoder, its middle taken."""

    def __init__(self) -> None:
        super().__init__()
        self.mean, self.spread, self.decoder = nn.Linear(6, 2), nn.Linear(6, 2), nn.Linear(2, 6)

    def forward(self, x: Tensor) -> Tensor:
        mu, logvar = self.mean(x), self.spread(x)
        recon = F.mse_loss(self.decoder(mu), x, reduction="none").sum(dim=1)
        return recon - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp(), dim=1)


class Sequence(nn.Module):
    """How well each event was foreseen from those before."""

    def __init__(self) -> None:
        super().__init__()
        self.next = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        expected = self.next(torch.cat([torch.zeros_like(x[:, :1]), x[:, :-1]], dim=1))
        error = F.smooth_l1_loss(expected, x, reduction="none")
        return error.mean(dim=(1, 2)) + F.huber_loss(expected, x, reduction="none", delta=0.3).sum(dim=(1, 2))


class Flags(nn.Module):
    """The likelihood of yes and no."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(5, 3)
        self.plain, self.logits = nn.BCELoss(reduction="none"), nn.BCEWithLogitsLoss(
            reduction="none", pos_weight=torch.tensor([2.0, 0.5, 3.0]))
        self.register_buffer("weight", torch.tensor([0.2, 1.0, 4.0]))

    def forward(self, x: Tensor, codes: Tensor) -> Tensor:
        z, seen = self.linear(x), codes.float()
        weighed = F.binary_cross_entropy(torch.sigmoid(z), seen, weight=self.weight, reduction="none")
        other = F.multilabel_soft_margin_loss(z, seen, reduction="none")
        return torch.stack([self.plain(torch.sigmoid(z), seen).sum(1), self.logits(z, seen).sum(1),
                            weighed.sum(1), other], dim=1)


class NextCode(nn.Module):
    """The surprise at each event's code."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.head = nn.Embedding(9, 6), nn.Linear(6, 9)
        self.loss = nn.CrossEntropyLoss(reduction="none", ignore_index=0)

    def forward(self, codes: Tensor) -> Tensor:
        logits = self.head(self.table(codes))
        surprise = self.loss(logits.transpose(1, 2), codes)
        seen = (codes != 0).float()
        return (surprise * seen).sum(1) / seen.sum(1).clamp(min=1.0)


class OneCode(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(5, 7)
        self.register_buffer("weight", torch.rand(7) + 0.5)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        logits = self.head(x)
        smooth = F.cross_entropy(logits, code, weight=self.weight, label_smoothing=0.1, reduction="none")
        likely = F.nll_loss(F.log_softmax(logits, dim=1), code, weight=self.weight, reduction="none", ignore_index=3)
        margin = F.multi_margin_loss(logits, code, reduction="none", weight=self.weight)
        wide = F.multi_margin_loss(logits, code, p=2, margin=0.5, reduction="none")
        return torch.stack([smooth, likely, margin, wide], dim=1)


class Soft(nn.Module):
    """Against probabilities that another part of the model gives."""

    def __init__(self) -> None:
        super().__init__()
        self.teacher, self.student = nn.Linear(5, 4), nn.Linear(5, 4)

    def forward(self, x: Tensor) -> Tensor:
        teacher, student = torch.softmax(self.teacher(x), dim=1), self.student(x)
        cross = F.cross_entropy(student, teacher, reduction="none", label_smoothing=0.2)
        gap = F.kl_div(F.log_softmax(student, 1), teacher, reduction="none").sum(dim=1)
        logs = F.kl_div(F.log_softmax(student, 1), torch.log(teacher), reduction="none", log_target=True).sum(1)
        return torch.stack([cross, gap, logs], dim=1)


class Distances(nn.Module):
    """Of a row from what is usual."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(5, 4)
        self.register_buffer("usual", torch.randn(4))
        self.distance = nn.PairwiseDistance(p=1.0, keepdim=True)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        a, b = self.embed(x), self.embed(y)
        usual, other = torch.broadcast_tensors(self.usual, a)
        like = torch.sign(x[:, 0])
        parts = [F.pairwise_distance(a, b), F.pairwise_distance(a, usual, p=3.0),
                 F.triplet_margin_loss(a, b, usual, reduction="none"),
                 F.triplet_margin_loss(a, b, usual, reduction="none", swap=True, p=1.0, margin=0.2),
                 F.cosine_embedding_loss(a, b, like, reduction="none", margin=0.1),
                 F.margin_ranking_loss(a[:, 0], b[:, 0], like, reduction="none", margin=0.3),
                 F.cosine_similarity(other, b, dim=1)]
        return torch.cat([torch.stack(parts, dim=1), self.distance(a, b)], dim=1)


class Counts(nn.Module):
    """How likely a count of events is."""

    def __init__(self) -> None:
        super().__init__()
        self.rate = nn.Linear(5, 3)
        self.loss = nn.PoissonNLLLoss(reduction="none", full=True)

    def forward(self, x: Tensor, counts: Tensor) -> Tensor:
        rate, seen = self.rate(x), counts.float()
        plain = F.poisson_nll_loss(F.softplus(rate), seen, log_input=False, reduction="none")
        return torch.cat([self.loss(rate, seen), plain], dim=1)


class OverRows(nn.Module):
    """The mean over all rows is none of a row."""

    def forward(self, x: Tensor) -> Tensor:
        return F.mse_loss(torch.tanh(x), x) + x.sum(1)


KINDS: list[tuple[str, Callable, list]] = [
    ("mse", lambda: Autoencoder(nn.MSELoss(reduction="none")), [numbers(6)]),
    ("l1", lambda: Autoencoder(nn.L1Loss(reduction="none")), [numbers(6)]),
    ("smooth", lambda: Autoencoder(nn.SmoothL1Loss(reduction="none", beta=0.7)), [numbers(6)]),
    ("huber", lambda: Autoencoder(nn.HuberLoss(reduction="none", delta=0.4)), [numbers(6)]),
    ("functional", Functional, [numbers(6, special=True), numbers(6, special=True)]),
    ("variational", Variational, [numbers(6)]), ("sequence", Sequence, [numbers(LENGTH, 4)]),
    ("flags", Flags, [numbers(5), ids(2, 3)]), ("nextcode", NextCode, [ids(9, LENGTH)]),
    ("onecode", OneCode, [numbers(5), ids(7)]), ("soft", Soft, [numbers(5)]),
    ("distances", Distances, [numbers(5), numbers(5)]), ("counts", Counts, [numbers(5), ids(6, 3)])]


def losses() -> list[Case]:
    cases = []
    for name, make, inputs in KINDS:
        for scripted in (True, False):
            torch.manual_seed(5)
            cases.append(Case(f"losses_{name}_{'scripted' if scripted else 'traced'}", randomise(make(), 5), inputs,
                              FAMILY, scripted, many=True))
    words = ("aten::mse_loss", "losses.py:", "reduction='mean' mixes rows; write reduction='none', then .mean()")
    return cases + [Case("losses_refused", OverRows(), [numbers(4)], set(), True, refusal=words)]

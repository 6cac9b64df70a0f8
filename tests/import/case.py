# SPDX-License-Identifier: Apache-2.0
"""A small module with what an import needs to know of it, and the inputs it is tested with."""
from __future__ import annotations

import dataclasses
import math
import random
import warnings
from typing import Callable

import torch
from torch import Tensor, nn

BATCH, LENGTH = -1, -2
DTYPES = {"float32": torch.float32, "float64": torch.float64, "int64": torch.int64, "int32": torch.int32,
          "bool": torch.bool}
SPECIAL = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0, 1e-30, -1e-6, 12.5, -12.5, 90.0, -200.0, 3e5, -7e6, 1e20]


@dataclasses.dataclass
class Argument:
    """dtype and symbolic shape; `content`: data, real_mask or lengths; `high`: ids lie in [0, high)."""
    dtype: str
    shape: tuple
    content: str = "data"
    high: int = 0
    special: bool = False  # some elements are NaN, infinite, zeros of both signs, ones, very small and very large
    rare: bool = False  # as special, but one element of every other row alone
    tail: str = ""  # "zeros": ids that end with zeros, never all; "mask": true at the front, never all false

    def sample(self, rows: int, length: int, generator: torch.Generator) -> Tensor:
        shape = [rows if n == BATCH else length if n == LENGTH else n for n in self.shape]
        if self.content == "real_mask":
            return torch.ones(shape, dtype=DTYPES[self.dtype])
        if self.content == "lengths":
            return torch.full(shape, length, dtype=DTYPES[self.dtype])
        if self.tail:
            size = shape[1]
            kept = torch.randint(1, size + 1, (rows, 1), generator=generator) if size else torch.zeros(rows, 1)
            real = torch.arange(size)[None, :] < kept
            if self.tail == "mask":
                return real.to(DTYPES[self.dtype])
            return torch.randint(1, self.high, shape, generator=generator) * real
        if self.dtype == "bool":
            return torch.rand(shape, generator=generator) < 0.5
        if self.dtype in ("int64", "int32"):
            return torch.randint(0, self.high, shape, generator=generator).to(DTYPES[self.dtype])
        found = torch.randn(shape, generator=generator).to(DTYPES[self.dtype])
        if self.special:
            which = torch.randint(0, 4 * len(SPECIAL), shape, generator=generator)
            listed = torch.tensor(SPECIAL).to(found.dtype)[which % len(SPECIAL)]
            found = torch.where(which < len(SPECIAL), listed, found)
        if self.rare and found.numel():
            flat = found.view(rows, -1)
            for row in range(1, rows, 2):
                place, which = (int(torch.randint(0, n, (1,), generator=generator)) for n in (flat.shape[1], len(SPECIAL) - 1))
                flat[row, place] = SPECIAL[which]  # 1e20 aside, whose square is infinite
        return found


def numbers(*shape, special: bool = False, rare: bool = False, dtype: str = "float32") -> Argument:
    return Argument(dtype, (BATCH, *shape), special=special, rare=rare)


def ids(high: int, *shape, tail: str = "", dtype: str = "int64") -> Argument:
    return Argument(dtype, (BATCH, *shape), high=high, tail=tail)


def real_mask(dtype: str = "bool") -> Argument:
    return Argument(dtype, (BATCH, LENGTH), "real_mask")


def lengths() -> Argument:
    return Argument("int64", (BATCH,), "lengths")


def mask_argument(dtype: str = "bool") -> Argument:
    return Argument(dtype, (BATCH, LENGTH), tail="mask")


@dataclasses.dataclass
class Case:
    name: str
    module: nn.Module
    arguments: list[Argument]
    families: set[str]
    scripted: bool
    least_length: int = 1
    keys: tuple[str, ...] = ()        # of a dict
    refusal: tuple[str, ...] = ()     # words that the report must hold; the module must be refused
    many: bool = False                # a run of 200 rows too
    spoil: Callable | None = None     # changes the inputs so that their second row is refused, and `says` why
    says: str = ""
    fails: bool = False               # that run fails, as LibTorch's does: no row is refused
    around: Callable | None = None    # a context manager's factory, for script or trace and for runs
    program: torch.jit.ScriptModule | None = None

    def samples(self, rows: int, length: int, generator: torch.Generator) -> list[Tensor]:
        return [argument.sample(rows, length, generator) for argument in self.arguments]

    def make_program(self, generator: torch.Generator) -> None:
        self.module.eval()
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if self.scripted:
                self.program = torch.jit.script(self.module)
            else:
                example = tuple(self.samples(3, max(7, self.least_length), generator))
                self.program = torch.jit.trace(self.module, example, check_trace=False, strict=False)
            self.program.eval()

    def outputs(self, inputs: list[Tensor]) -> list[Tensor]:
        with torch.no_grad():
            found = self.program(*inputs)
        if isinstance(found, dict):
            return [found[key] for key in self.keys]
        return list(found) if isinstance(found, (tuple, list)) else [found]


def randomise(module: nn.Module, seed: int) -> nn.Module:
    """Weights, and what a norm has learned, away from what they start with."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, (nn.BatchNorm1d, nn.LayerNorm, nn.GroupNorm)) and part.weight is not None:
                part.weight.copy_(1 + 0.2 * torch.randn(part.weight.shape, generator=generator))
                part.bias.copy_(0.2 * torch.randn(part.bias.shape, generator=generator))
            if isinstance(part, nn.BatchNorm1d):
                part.running_mean.copy_(0.3 * torch.randn(part.running_mean.shape, generator=generator))
                part.running_var.copy_(0.5 + torch.rand(part.running_var.shape, generator=generator))
    return module.eval()


def draw(seed: int) -> random.Random:
    torch.manual_seed(seed)
    return random.Random(seed)


def cases_of(title: str, kinds: list[tuple]) -> list[Case]:
    """The cases of (module's class, inputs, family, whether it is scripted), each class with a seed of its own."""
    cases = []
    for seed, (kind, inputs, family, ways) in enumerate(kinds):
        for scripted in ways:
            torch.manual_seed(seed)
            name = f"{title}_{kind.__name__.lower()}_{'scripted' if scripted else 'traced'}"
            cases.append(Case(name, randomise(kind(), seed), inputs, {family}, scripted, many=True))
    return cases

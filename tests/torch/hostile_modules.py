# SPDX-License-Identifier: Apache-2.0
"""Modules that act while they are loaded, in __setstate__: before anything of them can be looked at.

write(directory) leaves hostile_<name>.ts. The files that they name are the directory's: 'secret' exists, 'hostile' must
never.
"""
import pathlib
from typing import Tuple

import torch
from torch import Tensor, nn

SECRET = bytes(range(33, 97))


class Base(nn.Module):
    """Adds up to what `seen` holds, so that what a load read would be in a plan."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.seen = torch.zeros(6)

    def forward(self, numbers: Tensor) -> Tensor:
        return (numbers + self.seen).sum(dim=1)

    @torch.jit.export
    def __getstate__(self) -> Tuple[str, bool]:
        return self.path, self.training


class Writes(Base):
    @torch.jit.export
    def __setstate__(self, state: Tuple[str, bool]) -> None:
        torch.save(torch.ones(6), state[0])
        self.path, self.training, self.seen = state[0], state[1], torch.ones(6)


class Maps(Base):
    @torch.jit.export
    def __setstate__(self, state: Tuple[str, bool]) -> None:
        torch.from_file(state[0], True, 6).fill_(1.0)
        self.path, self.training, self.seen = state[0], state[1], torch.ones(6)


class Reads(Base):
    @torch.jit.export
    def __setstate__(self, state: Tuple[str, bool]) -> None:
        seen = torch.from_file(state[0], False, 6, dtype=torch.uint8).float()
        self.path, self.training, self.seen = state[0], state[1], seen


class Hangs(Base):
    @torch.jit.export
    def __setstate__(self, state: Tuple[str, bool]) -> None:
        turns = 1
        while turns > 0:
            turns = 2 - turns
        self.path, self.training, self.seen = state[0], state[1], torch.ones(6)


class Fills(Base):
    @torch.jit.export
    def __setstate__(self, state: Tuple[str, bool]) -> None:
        self.path, self.training, self.seen = state[0], state[1], torch.ones(6, 1 << 30)[:, 0]


def write(directory: pathlib.Path) -> None:
    (directory / "secret").write_bytes(SECRET)
    (directory / "hostile").unlink(missing_ok=True)
    for kind in (Writes, Maps, Reads, Hangs, Fills):
        path = directory / ("secret" if kind is Reads else "hostile")
        torch.jit.script(kind(str(path))).save(str(directory / f"hostile_{kind.__name__.lower()}.ts"))

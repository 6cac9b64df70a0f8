# SPDX-License-Identifier: Apache-2.0
"""Writes the modules that tests/torch loads: python export_modules.py DIRECTORY

Each is <name>.ts; <name>.txt beside it has forward's first output for the inputs that sample_inputs() makes, one float a
line, as PyTorch itself computes it in eager mode on one thread.
"""
import math
import pathlib
import sys
import warnings
from typing import Dict, List, Tuple

import torch
from forbidden_modules import write as write_forbidden
from hostile_modules import write as write_hostile
from torch import Tensor, nn

NUMBERS, VOCABULARY, LENGTH, WIDTH = 6, 10, 8, 16


class Mlp(nn.Module):
    """Scripted; two inputs, one output; batch norm and dropout tell eval from train mode."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 4)
        self.body = nn.Sequential(nn.Linear(NUMBERS + 4, WIDTH), nn.BatchNorm1d(WIDTH), nn.ReLU(), nn.Dropout(0.5),
                                  nn.Linear(WIDTH, 1))

    def forward(self, numbers: Tensor, country: Tensor) -> Tensor:
        return self.body(torch.cat([numbers, self.embedding(country)], dim=1)).squeeze(1)


class TupleOut(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(NUMBERS, WIDTH)

    def forward(self, numbers: Tensor) -> Tuple[Tensor, Tensor]:
        hidden = self.linear(numbers)
        return hidden.sum(dim=1), hidden.double()


class DictOut(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(NUMBERS, 2)

    def forward(self, numbers: Tensor) -> Dict[str, Tensor]:
        both = self.linear(numbers)
        turned = torch.complex(both[:, 0], both[:, 1])
        return {"fraud": both[:, 0], "count": both.argmax(dim=1), "turned": turned}


class ListOut(nn.Module):
    def forward(self, numbers: Tensor) -> List[Tensor]:
        return [numbers.sum(dim=1), numbers.t()]


class Sequence(nn.Module):
    """A transformer over a sequence with a mask. Scripted, its code holds `warn`."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(WIDTH, 2, 32, batch_first=True)
        self.inward = nn.Linear(1, WIDTH)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.out = nn.Linear(WIDTH, 1)

    def forward(self, past: Tensor, mask: Tensor) -> Tensor:
        hidden = self.encoder(self.inward(past), src_key_padding_mask=~mask)
        return self.out(hidden.mean(dim=1)).squeeze(1)


class Nested(nn.Module):
    """A transformer whose encoder makes a nested tensor of the mask: scripted, no events end the process (SIGSEGV)."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(WIDTH, 2, 32, batch_first=True)
        self.inward = nn.Linear(1, WIDTH)
        self.encoder = nn.TransformerEncoder(layer, 2, mask_check=False)
        self.out = nn.Linear(WIDTH, 1)

    def forward(self, past: Tensor, mask: Tensor) -> Tensor:
        hidden = self.encoder(self.inward(past), src_key_padding_mask=~mask)
        return self.out(hidden.sum(dim=1)).squeeze(1)


class Kernel(nn.Module):
    """A convolution over five events, which takes no fewer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 3, 5)

    def forward(self, past: Tensor, mask: Tensor) -> Tensor:
        return self.conv(past.transpose(1, 2)).sum(dim=2).sum(dim=1)


class Raises(nn.Module):
    def forward(self, numbers: Tensor) -> Tensor:
        if bool((numbers < 0).any()):
            raise ValueError("negative number")
        return numbers.sum(dim=1)


class Divides(nn.Module):
    """The first number by the second, in the form that the third has."""

    def forward(self, numbers: Tensor) -> Tensor:
        a, b, form = int(numbers[0, 0]), int(numbers[0, 1]), int(numbers[0, 2])
        made = a % 3 + a // 5
        if form == 1:
            made = a % b
        elif form == 2:
            made = a // b
        elif form == 3:
            made = divmod(a, b)[1]
        elif form == 4:
            made = math.gcd(a, b)
        whole = numbers.long()
        if form == 5:
            made = int(whole[0, 0].item() % whole[0, 1].item())
        elif form == 6:
            made = int(whole[0, 0].item() // whole[0, 1].item())
        return torch.tensor([made]).float()


class DividesWhileFrozen(nn.Module):
    """Freezing computes what attributes alone say."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        self.a, self.b = a, b
        self.register_buffer("whole", torch.tensor([a]))

    def forward(self, numbers: Tensor) -> Tensor:
        made = self.a % self.b
        if bool(numbers.sum() > 0):
            made = self.a // self.b
        made += int(torch.div(self.whole, self.b, rounding_mode="trunc"))
        return numbers.sum(dim=1) + made


class Truncates(nn.Module):
    """The first number by the second, as tensors of whole numbers in the form that the third has."""

    def forward(self, numbers: Tensor) -> Tensor:
        whole = numbers.long()
        a, b, form = whole[:, 0], whole[:, 1], int(numbers[0, 2])
        if form == 1:
            a = torch.div(a, b, rounding_mode="trunc")
        elif form == 2:
            a = torch.div(a, int(b[0]), rounding_mode="trunc")
        elif form == 3:
            a.div_(b, rounding_mode="trunc")
        elif form == 4:
            a = torch.div(a.int(), b.int(), rounding_mode="trunc")
        elif form == 5:
            a = torch.div(a, b, rounding_mode="floor")
        return a.float()


class Unpacks(nn.Module):
    """Six rows of batches of sizes that the numbers say."""

    def forward(self, numbers: Tensor) -> Tensor:
        sizes = numbers[0, numbers[0] != 9].long()
        if bool(numbers[0, 0] == 8):
            sizes = torch.tensor([[3, 3]])
        padded, lengths = torch._VF._pad_packed_sequence(torch.ones(6, 1), sizes, False, 0.0, 0)
        return padded.sum().reshape(1) + lengths.sum()


class Heads(nn.Module):
    """Attention of as many heads as the first number says."""

    def __init__(self) -> None:
        super().__init__()
        self.project, self.out = nn.Linear(6, 18), nn.Linear(6, 6)

    def forward(self, numbers: Tensor) -> Tensor:
        x = numbers.unsqueeze(0)
        return torch._native_multi_head_attention(x, x, x, 6, int(numbers[0, 0]) + 1, self.project.weight, self.project.bias,
                                                  self.out.weight, self.out.bias)[0].squeeze(0).sum(dim=1)


class Uninitialised(nn.Module):
    def forward(self, numbers: Tensor) -> Tensor:
        out = torch.ones([0])
        torch.empty([64], out=out)
        return torch.cat([torch.empty([64]), torch.empty_like(numbers).reshape(-1), numbers.new_empty([64]), out])


class BadIndex(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 4)

    def forward(self, country: Tensor) -> Tensor:
        return self.embedding(country).sum(dim=1)


class Loops(nn.Module):
    """Takes as many turns as its input's first value says; a turn is about a microsecond."""

    def forward(self, numbers: Tensor) -> Tensor:
        total = numbers.sum(dim=1)
        for _ in range(int(numbers[0, 0].item())):
            total = total * 0.999
        return total


class WritesInput(nn.Module):
    def forward(self, numbers: Tensor) -> Tensor:
        numbers.add_(1.0)
        return numbers.sum(dim=1)


class KeepsState(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(1))

    def forward(self, numbers: Tensor) -> Tensor:
        self.seen.add_(numbers.sum())
        return numbers.sum(dim=1) + self.seen


class KeepsStateInView(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(4, 3))

    def forward(self, numbers: Tensor) -> Tensor:
        row = self.seen[1]
        row.copy_(numbers.sum(dim=1))
        return row + 1.0


class SetsAttribute(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, numbers: Tensor) -> Tensor:
        self.calls = self.calls + 1
        return numbers.sum(dim=1) * self.calls


class Prints(nn.Module):
    def forward(self, numbers: Tensor) -> Tensor:
        print(numbers)
        return numbers.sum(dim=1)


class PrintsInDebug(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.debug = False

    def forward(self, numbers: Tensor) -> Tensor:
        if self.debug:
            print(numbers)
        return numbers.sum(dim=1)


class Warns(nn.Module):
    def forward(self, numbers: Tensor) -> Tensor:
        warnings.warn("a warning")
        return numbers.sum(dim=1)


class Positions(nn.Module):
    """Over a text, with a table of as many positions as its longest has tokens."""

    def __init__(self, positions: int) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, 4)
        self.register_buffer("positions", torch.rand(1, positions, 4))

    def forward(self, ids: Tensor) -> Tensor:
        return (self.words(ids) + self.positions[:, :ids.size(1)]).sum(dim=(1, 2))


class Wide(nn.Module):
    """Large enough that LibTorch would use more threads."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(1024, 1024)

    def forward(self, numbers: Tensor) -> Tensor:
        return torch.tanh(self.linear(numbers)).sum(dim=1)


def numbers(rows: int = 3, width: int = NUMBERS) -> Tensor:
    return (torch.arange(rows * width, dtype=torch.float32).reshape(rows, width) % 7) * 0.25


def sample_inputs(name: str) -> Tuple[Tensor, ...]:
    if name in ("mlp", "mlp_traced"):
        return numbers(), torch.tensor([1, 0, 9])
    if name in ("sequence", "nested", "kernel"):
        return numbers(3, LENGTH).unsqueeze(2), torch.ones(3, LENGTH, dtype=torch.bool)
    if name.startswith("positions"):
        return (torch.tensor([[1, 0, 9]]),)
    if name == "bad_index":
        return (torch.tensor([1, 0, 9]),)
    return (numbers(width=1024),) if name == "wide" else (numbers(),)


def main(directory: pathlib.Path) -> None:
    torch.set_num_threads(1)
    directory.mkdir(parents=True, exist_ok=True)
    modules = {"mlp": Mlp, "tuple": TupleOut, "dict": DictOut, "list": ListOut, "sequence": Sequence,
               "nested": Nested, "kernel": Kernel, "raises": Raises, "divides": Divides,
               "remainder_of_0": lambda: DividesWhileFrozen(7, 0), "least_by_minus_1": lambda: DividesWhileFrozen(-2**63, -1),
               "by_3": lambda: DividesWhileFrozen(-7, 3), "truncates": Truncates, "unpacks": Unpacks, "heads": Heads, "uninitialised": Uninitialised,
               "bad_index": BadIndex, "loops": Loops, "writes_input": WritesInput, "keeps_state": KeepsState, "keeps_state_in_view": KeepsStateInView,
               "sets_attribute": SetsAttribute, "prints": Prints, "prints_in_debug": PrintsInDebug,
               "warns": Warns, "positions_64": lambda: Positions(64), "positions_600": lambda: Positions(600),
               "wide": Wide, "mlp_traced": Mlp}
    for name, kind in modules.items():
        torch.manual_seed(7)
        module = kind()
        inputs = sample_inputs(name)
        if name.endswith("_traced"):
            module.eval()
            with torch.no_grad():
                compiled = torch.jit.trace(module, inputs)
        else:
            compiled = torch.jit.script(module)  # in train mode on purpose: the plug-in calls eval()
        compiled.save(str(directory / f"{name}.ts"))
        if name in ("prints", "uninitialised", "remainder_of_0", "least_by_minus_1", "unpacks"):
            continue
        module.eval()
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = module(*[one.clone() for one in inputs])
        first = next(iter(result.values())) if isinstance(result, dict) else result
        first = first[0] if isinstance(first, (tuple, list)) else first
        lines = [repr(value) for value in first.float().reshape(-1).tolist()]
        (directory / f"{name}.txt").write_text("\n".join(lines) + "\n")
    write_forbidden(directory)
    write_hostile(directory)


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated upstream
        main(pathlib.Path(sys.argv[1]))

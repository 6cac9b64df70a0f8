# SPDX-License-Identifier: Apache-2.0
"""The models: MLPs over numbers and categories; transformers, recurrent nets and a convolution over a card's events. Weights are random
and the same each run: speed does not depend on them, and every engine gets the same."""
import dataclasses
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

NUMBERS, CODES, CODE_SIZE, CODE_WIDTH = 64, 16, 10_000, 16
STEP_NUMBERS, STEP_KINDS, KIND_WIDTH = 12, 1_000, 20
RECURRENT_LAYERS = 2
CONV_TAPS = 3


class Mlp(nn.Module):
    """64 numbers and 16 embeddings of 10,000 x 16, then linear layers with ReLU, then a logit."""

    def __init__(self, hidden: tuple[int, ...]):
        super().__init__()
        self.embeddings = nn.ModuleList([nn.Embedding(CODE_SIZE, CODE_WIDTH) for _ in range(CODES)])
        sizes = (NUMBERS + CODES * CODE_WIDTH, *hidden)
        self.layers = nn.ModuleList([nn.Linear(a, b) for a, b in zip(sizes, sizes[1:])])
        self.last = nn.Linear(sizes[-1], 1)
        for layer in self.layers:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")  # signals keep their size, as in trained nets

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        parts = [numbers]
        for i, embedding in enumerate(self.embeddings):
            parts.append(embedding(codes[:, i]))
        x = torch.cat(parts, 1)
        for layer in self.layers:
            x = F.relu(layer(x))
        return self.last(x).squeeze(1)


class Periodic(nn.Module):
    """An MLP whose numbers are embedded first (PLR, Y. Gorishniy et al., "On Embeddings for Numerical Features in Tabular
    Deep Learning", 2022, as the package rtdl_num_embeddings has it): cosines and sines of 2 pi c x, a linear layer of each
    number's own, ReLU."""

    def __init__(self, frequencies: int, width: int, hidden: tuple[int, ...]):
        super().__init__()
        self.frequencies = nn.Parameter(0.1 * torch.randn(NUMBERS, frequencies))
        self.weight = nn.Parameter(torch.randn(NUMBERS, 2 * frequencies, width) / (2 * frequencies) ** 0.5)
        self.bias = nn.Parameter(torch.zeros(NUMBERS, width))
        sizes = (NUMBERS * width, *hidden)
        self.layers = nn.ModuleList([nn.Linear(a, b) for a, b in zip(sizes, sizes[1:])])
        self.last = nn.Linear(sizes[-1], 1)
        for layer in self.layers:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        angles = 2 * math.pi * self.frequencies * numbers.unsqueeze(2)
        waves = torch.cat([torch.cos(angles), torch.sin(angles)], 2)
        embedded = torch.matmul(waves.transpose(0, 1), self.weight).transpose(0, 1) + self.bias
        x = F.relu(embedded).flatten(1)
        for layer in self.layers:
            x = F.relu(layer(x))
        return self.last(x).squeeze(1) + 0 * codes[:, 0]


class Convolutional(nn.Module):
    """12 numbers and a category of each event, a convolution over each three of them, and a logit of the mean."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.kinds = nn.Embedding(STEP_KINDS, inputs - STEP_NUMBERS)
        self.conv = nn.Conv1d(inputs, outputs, CONV_TAPS, padding=CONV_TAPS // 2)
        self.last = nn.Linear(outputs, 1)

    def forward(self, numbers: Tensor, kinds: Tensor) -> Tensor:
        x = torch.cat([numbers, self.kinds(kinds)], 2).transpose(1, 2)
        return self.last(F.relu(self.conv(x)).mean(2)).squeeze(1)


class Layer(nn.Module):
    """Self-attention and a feed-forward net with GELU, each behind a layer norm and added to its input."""

    def __init__(self, width: int, heads: int, inner: int):
        super().__init__()
        self.heads, self.size = heads, width // heads
        self.norm = nn.LayerNorm(width)
        self.attend = nn.Linear(width, 3 * width)
        self.join = nn.Linear(width, width)
        self.inner_norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, inner)
        self.down = nn.Linear(inner, width)

    def forward(self, x: Tensor, seen: Tensor | None = None) -> Tensor:
        batch, length = x.size(0), x.size(1)
        parts = self.attend(self.norm(x)).view(batch, length, 3, self.heads, self.size).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(parts[0], parts[1], parts[2], seen)
        x = x + self.join(mixed.transpose(1, 2).reshape(batch, length, self.heads * self.size))
        return x + self.down(F.gelu(self.up(self.inner_norm(x))))


class Transformer(nn.Module):
    """12 numbers and a category of each event; the mean over the events gives the logit. Every sequence is taken at its
    whole length: no padding."""

    def __init__(self, width: int, heads: int, inner: int, layers: int):
        super().__init__()
        self.numbers = nn.Linear(STEP_NUMBERS, width)
        self.kinds = nn.Embedding(STEP_KINDS, width)
        self.layers = nn.ModuleList([Layer(width, heads, inner) for _ in range(layers)])
        self.norm = nn.LayerNorm(width)
        self.last = nn.Linear(width, 1)
        nn.init.normal_(self.kinds.weight, std=0.1)
        for part in self.modules():
            if isinstance(part, nn.Linear):
                nn.init.xavier_normal_(part.weight)  # bell-shaped, as trained weights are: int8 scales depend on it

    def forward(self, numbers: Tensor, kinds: Tensor) -> Tensor:
        x = self.numbers(numbers) + self.kinds(kinds)
        for layer in self.layers:
            x = layer(x)
        return self.last(self.norm(x).mean(1)).squeeze(1)


class PaddedTransformer(nn.Module):
    """The same weights for padded batches: `mask` is true for real events, and padding changes nothing."""

    def __init__(self, inside: Transformer):
        super().__init__()
        self.inside = inside

    def forward(self, numbers: Tensor, kinds: Tensor, mask: Tensor) -> Tensor:
        x = self.inside.numbers(numbers) + self.inside.kinds(kinds)
        seen = mask.unsqueeze(1).unsqueeze(1)
        for layer in self.inside.layers:
            x = layer(x, seen)
        real = mask.unsqueeze(2).to(x.dtype)
        return self.inside.last((self.inside.norm(x) * real).sum(1) / real.sum(1)).squeeze(1)


class Recurrent(nn.Module):
    """12 numbers and a category of each event, two layers of LSTM or GRU, and a logit of the last state."""

    def __init__(self, kind: type[nn.LSTM] | type[nn.GRU], width: int):
        super().__init__()
        self.kinds = nn.Embedding(STEP_KINDS, KIND_WIDTH)
        self.layers = kind(STEP_NUMBERS + KIND_WIDTH, width, RECURRENT_LAYERS, batch_first=True)
        self.last = nn.Linear(width, 1)
        for name, weights in self.layers.named_parameters():
            if name.startswith("weight"):
                nn.init.xavier_normal_(weights)

    def forward(self, numbers: Tensor, kinds: Tensor) -> Tensor:
        states, _ = self.layers(torch.cat([numbers, self.kinds(kinds)], 2))
        return self.last(states[:, -1]).squeeze(1)


@dataclasses.dataclass(frozen=True)
class Shape:
    """What the limits are computed from: each linear layer as (inputs, outputs), and each product of states, which is
    done once a step."""

    linears: tuple[tuple[int, int], ...]
    recurrents: tuple[tuple[int, int], ...] = ()
    width: int = 0  # of a transformer
    layers: int = 0


MLPS = {"mlp-100k": (256, 64), "mlp-330k": (512, 256, 128), "mlp-1m": (1024, 512, 256)}
# Width, heads, inner, layers; minilm has the sizes of MiniLM-L6.
TRANSFORMERS = {"d256": (256, 4, 1024, 4), "d128": (128, 2, 512, 2), "minilm": (384, 12, 1536, 6)}
PERIODICS = {"plr": (48, 24, (256, 128))}  # frequencies, width of a number, hidden
CONVOLUTIONS = {"conv3": (64, 128)}  # channels
ROWS = (*MLPS, *PERIODICS)  # those that take a row of numbers and codes; the others take events

RECURRENTS = {"lstm64": (nn.LSTM, 4, 64), "gru128": (nn.GRU, 3, 128)}  # layer, gates, width


def make(name: str) -> nn.Module:
    torch.manual_seed(len(name))
    if name in RECURRENTS:
        kind, _, width = RECURRENTS[name]
        return Recurrent(kind, width).eval()
    if name in PERIODICS:
        return Periodic(*PERIODICS[name]).eval()
    if name in CONVOLUTIONS:
        return Convolutional(*CONVOLUTIONS[name]).eval()
    model = Mlp(MLPS[name]) if name in MLPS else Transformer(*TRANSFORMERS[name])
    return model.eval()


def shape_of(name: str) -> Shape:
    if name in MLPS:
        sizes = (NUMBERS + CODES * CODE_WIDTH, *MLPS[name], 1)
        return Shape(tuple(zip(sizes, sizes[1:])))
    if name in RECURRENTS:
        _, gates, width = RECURRENTS[name]
        inputs = (STEP_NUMBERS + KIND_WIDTH, *(RECURRENT_LAYERS - 1) * (width,))
        return Shape(tuple((size, gates * width) for size in inputs), ((width, gates * width),) * RECURRENT_LAYERS)
    if name in PERIODICS:
        frequencies, width, hidden = PERIODICS[name]
        sizes = (NUMBERS * width, *hidden, 1)
        return Shape((*NUMBERS * ((2 * frequencies, width),), *zip(sizes, sizes[1:])))
    if name in CONVOLUTIONS:
        channels, outputs = CONVOLUTIONS[name]
        return Shape(((CONV_TAPS * channels, outputs),))
    width, _, inner, layers = TRANSFORMERS[name]
    one = ((width, 3 * width), (width, width), (width, inner), (inner, width))
    return Shape(((STEP_NUMBERS, width), *(one * layers)), width=width, layers=layers)

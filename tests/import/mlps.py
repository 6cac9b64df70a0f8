# SPDX-License-Identifier: Apache-2.0
"""Multi-layer perceptrons over numbers and codes."""
import math
from typing import Dict, List, Optional, Tuple

import torch
from case import Case, draw, ids, numbers, randomise
from torch import Tensor, nn
from torch.nn import functional as F

ACTIVATIONS = {
    "relu": nn.ReLU, "gelu": nn.GELU, "gelu_tanh": lambda: nn.GELU(approximate="tanh"), "silu": nn.SiLU,
    "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "softplus": nn.Softplus, "leaky_relu": lambda: nn.LeakyReLU(0.1),
}
OTHERS = {"elu": nn.ELU, "selu": nn.SELU, "mish": nn.Mish, "relu6": nn.ReLU6, "hardtanh": nn.Hardtanh,
          "softsign": nn.Softsign, "hardswish": nn.Hardswish, "logsigmoid": nn.LogSigmoid, "prelu": nn.PReLU,
          "celu": nn.CELU, "softplus_2": lambda: nn.Softplus(beta=2.0, threshold=5.0)}


class Block(nn.Module):
    """Linear, norm, activation, dropout; added to its input where the widths agree."""

    def __init__(self, inward: int, outward: int, norm: str, activation: nn.Module, residual: bool, dropout: float,
                 bias: bool):
        super().__init__()
        self.linear = nn.Linear(inward, outward, bias=bias)
        self.norm = nn.BatchNorm1d(outward) if norm == "batch" else nn.LayerNorm(outward) if norm == "layer" else nn.Identity()
        self.activation = activation
        self.dropout = nn.Dropout(dropout)
        self.residual = residual and inward == outward

    def forward(self, x: Tensor) -> Tensor:
        y = self.dropout(self.activation(self.norm(self.linear(x))))
        return x + y if self.residual else y


class GatedBlock(nn.Module):
    """A gate as people write them: two linears, one split in two, or glu."""

    def __init__(self, inward: int, outward: int, kind: str, activation: nn.Module):
        super().__init__()
        self.kind = kind
        self.both = nn.Linear(inward, 2 * outward)
        self.value = nn.Linear(inward, outward)
        self.gate = nn.Linear(inward, outward)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        if self.kind == "glu":
            return F.glu(self.both(x), dim=-1)
        if self.kind == "split":
            value, gate = self.both(x).chunk(2, dim=-1)
            return value * self.activation(gate)
        if self.kind == "highway":
            share = torch.sigmoid(self.gate(x))
            return share * torch.tanh(self.value(x)) + (1.0 - share) * self.value(x)
        return self.value(x) * torch.sigmoid(self.gate(x))


class Mlp(nn.Module):
    def __init__(self, blocks: List[nn.Module], width: int, head: str, classes: int):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.head = head
        self.last = nn.Linear(width, classes)
        self.other = nn.Linear(width, 2)

    def body(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return x

    def forward(self, x: Tensor) -> Tensor:
        x = self.last(self.body(x))
        if self.head == "softmax":
            return torch.softmax(x, dim=1)
        if self.head == "log_softmax":
            return F.log_softmax(x, dim=-1)
        if self.head == "sigmoid":
            return torch.sigmoid(x[:, 0])
        return x.squeeze(-1) if self.head == "squeeze" else x


class MlpTuple(Mlp):
    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        x = self.body(x)
        return self.last(x), torch.softmax(self.other(x), -1), x


class MlpDict(Mlp):
    def forward(self, x: Tensor) -> Dict[str, Tensor]:
        x = self.body(x)
        return {"logit": self.last(x), "classes": self.other(x).softmax(1), "embedding": F.normalize(x, dim=1)}


def mlp(seed: int) -> Case:
    rng = draw(seed)
    families = set()
    norm = ["none", "batch", "layer"][seed % 3]
    names = list(ACTIVATIONS)
    activation = names[(seed // 2) % len(names)]
    inputs, depth = rng.choice([3, 5, 8, 17]), rng.choice([1, 2, 3])
    residual, gated = seed % 4 == 1, seed % 7 == 3
    width = rng.choice([4, 8, 12])
    blocks, inward = [], inputs
    for i in range(depth + (1 if residual else 0)):
        outward = width if residual or i == depth - 1 else rng.choice([6, 8, 16])
        if gated and i == 0:
            blocks.append(GatedBlock(inward, outward, rng.choice(["glu", "split", "highway", "plain"]), ACTIVATIONS[activation]()))
            families.add("gates")
        made = OTHERS[rng.choice(list(OTHERS))]() if seed % 11 == 5 and i == 0 else ACTIVATIONS[activation]()
        blocks.append(Block(outward if gated and i == 0 else inward, outward, norm, made, residual, rng.choice([0.0, 0.3]), rng.random() < 0.8))
        inward = outward
    families.add({"none": "mlp_plain", "batch": "mlp_batch_norm", "layer": "mlp_layer_norm"}[norm])
    families.add(activation)
    if residual:
        families.add("residual")
    style = seed % 5
    head = rng.choice(["none", "sigmoid"]) if style else rng.choice(["softmax", "log_softmax"])
    classes = 1 if head == "none" and rng.random() < 0.5 else 3
    keys = ()
    kind = Mlp
    if seed % 9 == 4:
        kind, families = MlpTuple, families | {"several_outputs", "softmax_head", "embedding_output"}
    elif seed % 9 == 7:
        kind, keys = MlpDict, ("logit", "classes", "embedding")
        families |= {"several_outputs", "softmax_head", "embedding_output"}
    elif not style:
        families.add("softmax_head")
    module = kind(blocks, inward, "squeeze" if classes == 1 else head, classes)
    return Case(f"mlp_{seed}", randomise(module, seed), [numbers(inputs)], families, scripted=(seed // 3) % 5 < 3, keys=keys)


class Codes(nn.Module):
    """Numbers beside one embedding a column."""

    def __init__(self, inputs: int, sizes: List[int], width: int, how: str):
        super().__init__()
        self.how = how
        self.embeddings = nn.ModuleList([nn.Embedding(size, width) for size in sizes])
        self.joint = nn.Embedding(sum(sizes), width)
        starts = torch.tensor([sum(sizes[:i]) for i in range(len(sizes))])
        self.register_buffer("starts", starts)
        self.norm = nn.BatchNorm1d(inputs)
        self.first = nn.Linear(inputs + width * len(sizes), 8)
        self.last = nn.Linear(8, 1)

    def forward(self, x: Tensor, codes: Tensor) -> Tensor:
        x = self.norm(x)
        if self.how == "joint":
            e = self.joint(codes + self.starts).flatten(1)
            x = torch.cat([x, e], dim=1)
        elif self.how == "stack":
            parts = torch.jit.annotate(List[Tensor], [])
            for i, embedding in enumerate(self.embeddings):
                parts.append(embedding(codes[:, i]))
            x = torch.cat([x, torch.stack(parts, dim=1).view(x.size(0), -1)], dim=1)
        else:
            parts = [x]
            for i, embedding in enumerate(self.embeddings):
                parts.append(embedding(codes[:, i]))
            x = torch.cat(parts, 1)
        return self.last(F.relu(self.first(x))).squeeze(1)


def codes(seed: int) -> Case:
    rng = draw(seed)
    sizes = [rng.choice([3, 7, 20]) for _ in range(rng.choice([1, 2, 4]))]
    module = Codes(5, sizes, rng.choice([2, 4]), ["joint", "stack", "each"][seed % 3])
    return Case(f"codes_{seed}", randomise(module, seed), [numbers(5), ids(min(sizes), len(sizes), dtype=rng.choice(["int64", "int32"]))],
                {"embedding", "mlp_batch_norm", "relu", "concat_slice_gather_stack"}, scripted=seed % 2 == 0)


class Bag(nn.Module):
    def __init__(self, mode: str, padding: Optional[int], functional: bool):
        super().__init__()
        self.functional = functional
        self.mode = mode
        self.bag = nn.EmbeddingBag(12, 4, mode=mode, padding_idx=padding)
        self.table = nn.Embedding(12, 4)
        self.last = nn.Linear(4, 1)

    def forward(self, words: Tensor) -> Tensor:
        if self.functional:
            e = self.table(words)
            found = e.sum(1) if self.mode == "sum" else e.mean(dim=1) if self.mode == "mean" else e.max(dim=1)[0]
        else:
            found = self.bag(words)
        return self.last(F.silu(found)).squeeze(-1)


class WeightedBag(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.bag = nn.EmbeddingBag(12, 4, mode="sum")

    def forward(self, words: Tensor, weights: Tensor) -> Tensor:
        return self.bag(words, per_sample_weights=weights).sum(dim=1)


def bag(seed: int) -> Case:
    rng = draw(seed)
    mode = ["sum", "mean", "max"][seed % 3]
    if seed % 5 == 4:
        return Case(f"bag_{seed}", WeightedBag(), [ids(12, 5), numbers(5)], {"embedding_bag"}, scripted=seed % 2 == 0)
    padding = 0 if mode != "max" and rng.random() < 0.5 else None
    return Case(f"bag_{seed}", Bag(mode, padding, seed % 7 == 6), [ids(12, rng.choice([1, 6]))], {"embedding_bag", "silu"},
                scripted=seed % 2 == 0)


class Tokeniser(nn.Module):
    """Each number becomes a token: x w + b, a class token in front."""

    def __init__(self, inputs: int, width: int, how: str):
        super().__init__()
        self.how = how
        self.weight = nn.Parameter(torch.randn(inputs, width))
        self.bias = nn.Parameter(torch.randn(inputs, width))
        self.cls = nn.Parameter(torch.randn(1, 1, width))
        self.wide = nn.Parameter(torch.randn(inputs, width, width) * 0.3)
        self.norm = nn.LayerNorm(width)
        self.last = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        if self.how == "einsum":
            tokens = torch.einsum("bf,fd->bfd", x, self.weight) + self.bias
        elif self.how == "addcmul":
            tokens = torch.addcmul(self.bias, x.unsqueeze(-1), self.weight)
        else:
            tokens = x[:, :, None] * self.weight[None] + self.bias[None]
        if self.how == "per_feature":
            tokens = torch.einsum("bfi,fio->bfo", F.relu(tokens), self.wide)
        tokens = torch.cat([self.cls.expand(x.shape[0], -1, -1), tokens], dim=1)
        scores = torch.matmul(tokens, tokens.transpose(1, 2)) / math.sqrt(tokens.size(-1))
        tokens = tokens + torch.matmul(scores.softmax(-1), tokens)
        return self.last(self.norm(tokens)[:, 0])


class Periodic(nn.Module):
    def __init__(self, inputs: int, count: int, first: bool):
        super().__init__()
        self.first = first
        self.coefficients = nn.Parameter(torch.randn(inputs, count) * 0.5)
        self.linear = nn.Linear(2 * count, 4)
        self.last = nn.Linear(4 * inputs, 2)

    def forward(self, x: Tensor) -> Tensor:
        v = 2 * math.pi * self.coefficients * x[..., None]
        v = torch.cat([torch.cos(v), torch.sin(v)] if self.first else [v.sin(), v.cos()], dim=-1)
        return self.last(F.relu(self.linear(v)).flatten(1))


class Piecewise(nn.Module):
    """Piecewise linear encoding by bins, or an embedding of the bin."""

    def __init__(self, inputs: int, bins: int, how: str):
        super().__init__()
        self.how = how
        edges = torch.sort(torch.randn(inputs, bins + 1), dim=1)[0] + 0.01 * torch.arange(bins + 1)
        self.register_buffer("edges", edges)
        self.register_buffer("line", edges[0].contiguous())
        self.table = nn.Embedding(bins + 2, 3)
        self.last = nn.Linear(inputs * (bins if how == "linear" else 3), 1)

    def forward(self, x: Tensor) -> Tensor:
        if self.how == "linear":
            left, right = self.edges[:, :-1], self.edges[:, 1:]
            v = (x.unsqueeze(-1) - left) / (right - left)
            v = torch.clamp(v, 0.0, 1.0)
        elif self.how == "bucketize":
            v = self.table(torch.bucketize(x, self.line))
        elif self.how == "right":
            v = self.table(torch.bucketize(x, self.line, right=True))
        else:
            v = self.table(torch.searchsorted(self.line, x.contiguous()))
        return self.last(v.flatten(1)).squeeze(-1)


def encodings(seed: int) -> Case:
    rng = draw(seed)
    inputs = rng.choice([2, 5])
    kind = ["tokeniser", "periodic", "piecewise"][seed % 3]
    if kind == "tokeniser":
        module = Tokeniser(inputs, 4, ["einsum", "addcmul", "plain", "per_feature"][(seed // 3) % 4])
    elif kind == "periodic":
        module = Periodic(inputs, rng.choice([2, 6]), rng.random() < 0.5)
    else:
        module = Piecewise(inputs, rng.choice([2, 5]), ["linear", "bucketize", "right", "search"][(seed // 3) % 4])
    return Case(f"{kind}_{seed}", randomise(module, seed), [numbers(inputs)], {kind}, scripted=(seed // 3) % 2 == 0)

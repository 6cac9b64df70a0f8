# SPDX-License-Identifier: Apache-2.0
"""Encoders over sequences, written by hand and with torch.nn."""
import contextlib
import math
from typing import Optional, Tuple

import torch
from case import LENGTH, Case, draw, ids, lengths, mask_argument, numbers, randomise, real_mask
from mlps import ACTIVATIONS
from torch import Tensor, nn
from torch.nn import functional as F

MOST = 16  # positions of a table


class RmsNorm(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.weight = nn.Parameter(1 + 0.1 * torch.randn(width))

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight


class Sinusoidal(nn.Module):
    """A table, or computed for each length."""

    def __init__(self, width: int, table: bool):
        super().__init__()
        self.table, self.width = table, width
        place = torch.arange(MOST).unsqueeze(1)
        step = torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
        all_places = torch.zeros(1, MOST, width)
        all_places[0, :, 0::2] = torch.sin(place * step)
        all_places[0, :, 1::2] = torch.cos(place * step)
        self.register_buffer("pe", all_places)
        self.register_buffer("step", step)

    def forward(self, x: Tensor) -> Tensor:
        if self.table:
            return x + self.pe[:, : x.size(1)]
        place = torch.arange(x.size(1), device=x.device).unsqueeze(1).float()
        angle = place * self.step
        return x + torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(-2)


class Learned(nn.Module):
    def __init__(self, width: int, embedding: bool):
        super().__init__()
        self.embedding = embedding
        self.table = nn.Embedding(MOST, width)
        self.weight = nn.Parameter(torch.randn(1, MOST, width))

    def forward(self, x: Tensor) -> Tensor:
        if self.embedding:
            places = torch.arange(x.size(1), device=x.device).unsqueeze(0).expand(x.size(0), -1)
            return x + self.table(places)
        return x + self.weight[:, : x.size(1), :]


def rotate_half(x: Tensor) -> Tensor:
    half = x.size(-1) // 2
    return torch.cat([-x[..., half:], x[..., :half]], dim=-1)


class Attention(nn.Module):
    def __init__(self, width: int, heads: int, how: str, causal: bool, rotary: bool, dropout: float):
        super().__init__()
        self.heads, self.size, self.how, self.causal, self.rotary = heads, width // heads, how, causal, rotary
        self.q, self.k, self.v = nn.Linear(width, width), nn.Linear(width, width), nn.Linear(width, width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("frequency", 1.0 / (10000 ** (torch.arange(0, self.size, 2).float() / self.size)))

    def turn(self, x: Tensor) -> Tensor:
        place = torch.arange(x.size(2), device=x.device).to(x.dtype)
        angle = place[:, None] * self.frequency[None, :]
        both = torch.cat([angle, angle], dim=-1)
        return x * both.cos() + rotate_half(x) * both.sin()

    def forward(self, x: Tensor, seen: Optional[Tensor]) -> Tensor:
        batch, length, width = x.size(0), x.size(1), x.size(2)
        if self.how in ("sdpa", "matmul"):
            q = self.q(x).view(batch, length, self.heads, self.size).transpose(1, 2)
            k = self.k(x).view(batch, length, self.heads, self.size).transpose(1, 2)
            v = self.v(x).view(batch, length, self.heads, self.size).transpose(1, 2)
        elif self.how == "packed":
            q, k, v = self.qkv(x).reshape(batch, length, 3, self.heads, self.size).permute(2, 0, 3, 1, 4).unbind(0)
        else:
            q, k, v = self.qkv(x).chunk(3, dim=-1)
            q = q.reshape(batch, length, self.heads, self.size).permute(0, 2, 1, 3)
            k = k.reshape(batch, length, self.heads, self.size).permute(0, 2, 1, 3)
            v = v.reshape(batch, length, self.heads, self.size).permute(0, 2, 1, 3)
        if self.rotary:
            q, k = self.turn(q), self.turn(k)
        if self.how == "sdpa":
            mask: Optional[Tensor] = None
            if seen is not None:
                mask = seen[:, None, None, :]
                if self.causal:
                    mask = mask & torch.ones(length, length, dtype=torch.bool, device=x.device).tril()
            mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=self.causal and mask is None)
        else:
            if self.how == "einsum":
                scores = torch.einsum("bhqd,bhkd->bhqk", q, k) / self.size ** 0.5
            elif self.how == "bmm":
                flat_q, flat_k = q.reshape(-1, length, self.size), k.reshape(-1, length, self.size)
                scores = torch.bmm(flat_q, flat_k.transpose(1, 2)).view(batch, self.heads, length, length)
                scores = scores * self.size ** -0.5
            else:
                scores = torch.matmul(q, k.transpose(-2, -1)) / math.sqrt(self.size)
            if self.causal:
                ahead = torch.triu(torch.full((length, length), float("-inf"), device=x.device), diagonal=1)
                scores = scores + ahead
            if seen is not None:
                scores = scores.masked_fill(~seen.unsqueeze(1).unsqueeze(2), -3.4028234663852886e38)
            weights = self.dropout(torch.softmax(scores, dim=-1))
            mixed = torch.einsum("bhqk,bhkd->bhqd", weights, v) if self.how == "einsum" else torch.matmul(weights, v)
        return self.out(mixed.transpose(1, 2).contiguous().view(batch, length, width))


class Layer(nn.Module):
    def __init__(self, width: int, heads: int, inner: int, how: str, causal: bool, rotary: bool, pre: bool, rms: bool,
                 activation: nn.Module, gated: bool):
        super().__init__()
        self.pre, self.gated = pre, gated
        self.attention = Attention(width, heads, how, causal, rotary, 0.1)
        self.first = RmsNorm(width) if rms else nn.LayerNorm(width)
        self.second = RmsNorm(width) if rms else nn.LayerNorm(width)
        self.up, self.gate, self.down = nn.Linear(width, inner), nn.Linear(width, inner), nn.Linear(inner, width)
        self.activation = activation
        self.dropout = nn.Dropout(0.1)

    def feed(self, x: Tensor) -> Tensor:
        y = self.activation(self.up(x))
        if self.gated:
            y = y * self.gate(x)
        return self.down(self.dropout(y))

    def forward(self, x: Tensor, seen: Optional[Tensor]) -> Tensor:
        if self.pre:
            x = x + self.dropout(self.attention(self.first(x), seen))
            return x + self.feed(self.second(x))
        x = self.first(x + self.dropout(self.attention(x, seen)))
        return self.second(x + self.feed(x))


class Pool(nn.Module):
    def __init__(self, width: int, how: str):
        super().__init__()
        self.how = how
        self.score = nn.Linear(width, 1)

    def forward(self, x: Tensor, seen: Optional[Tensor]) -> Tensor:
        if self.how == "first":
            return x[:, 0]
        if self.how == "last":
            if seen is not None:
                last = seen.long().sum(dim=1) - 1
                return x[torch.arange(x.size(0), device=x.device), last]
            return x[:, -1, :]
        if self.how == "max":
            if seen is not None:
                x = x.masked_fill(~seen.unsqueeze(-1), -1e9)
            return x.max(dim=1)[0]
        if self.how == "attention":
            scores = self.score(x).squeeze(-1)
            if seen is not None:
                scores = scores.masked_fill(seen.logical_not(), float("-inf"))
            return torch.bmm(torch.softmax(scores, dim=1).unsqueeze(1), x).squeeze(1)
        if seen is not None:
            real = seen.unsqueeze(-1).to(x.dtype)
            return (x * real).sum(1) / real.sum(1).clamp(min=1.0)
        return x.mean(dim=1)


class Encoder(nn.Module):
    """Events or words to a few outputs."""

    def __init__(self, width: int, layers: list, positions: nn.Module, mask: str, pool: str, words: int, head: str):
        super().__init__()
        self.mask, self.head, self.words = mask, head, words > 0
        self.inward = nn.Linear(3, width)
        self.table = nn.Embedding(max(words, 1), width, padding_idx=0)
        self.positions = positions
        self.layers = nn.ModuleList(layers)
        self.norm = nn.LayerNorm(width)
        self.pool = Pool(width, pool)
        self.last = nn.Linear(width, 3 if head == "softmax" else 1)

    def run(self, x: Tensor, seen: Optional[Tensor]):
        for layer in self.layers:
            x = layer(x, seen)
        pooled = self.pool(self.norm(x), seen)
        logits = self.last(pooled)
        if self.head == "softmax":
            return torch.softmax(logits, dim=-1), pooled
        return logits.squeeze(-1), pooled


class EventEncoder(Encoder):
    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        return self.run(self.positions(self.inward(x)), None)


class MaskedEncoder(Encoder):
    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return self.run(self.positions(self.inward(x)), mask.to(torch.bool))[0]


class LengthEncoder(Encoder):
    def forward(self, x: Tensor, count: Tensor) -> Tensor:
        seen = torch.arange(x.size(1), device=x.device).unsqueeze(0) < count.unsqueeze(1)
        return self.run(self.positions(self.inward(x)), seen)[0]


class WordEncoder(Encoder):
    def forward(self, words: Tensor) -> Tuple[Tensor, Tensor]:
        return self.run(self.positions(self.table(words)), words != 0)


def by_hand(seed: int) -> Case:
    rng = draw(seed)
    scripted = seed % 2 == 0
    seed //= 2
    width, heads = rng.choice([(8, 2), (12, 3), (16, 4)])
    how = ["sdpa", "matmul", "packed", "einsum", "bmm"][seed % 5]
    positions = ["learned", "sinusoidal", "rotary", "none"][(seed // 2) % 4]
    mask = ["none", "argument", "real", "lengths", "ids"][(seed // 3) % 5]
    pool = ["first", "mean", "max", "last", "attention"][seed % 5 if seed % 2 else (seed + 2) % 5]
    causal, pre, rms, gated = seed % 3 == 1, (seed // 2) % 2 == 0, seed % 7 == 5, seed % 6 == 2
    activation = rng.choice(list(ACTIVATIONS))
    head = "softmax" if seed % 4 == 3 else "logit"
    layers = [Layer(width, heads, 2 * width, how, causal, positions == "rotary", pre, rms, ACTIVATIONS[activation](), gated)
              for _ in range(rng.choice([1, 2]))]
    place = (Learned(width, rng.random() < 0.5) if positions == "learned" else
             Sinusoidal(width, rng.random() < 0.5) if positions == "sinusoidal" else nn.Identity())
    families = {"encoder_by_hand", "pre_norm" if pre else "post_norm", f"pool_{pool}", activation}
    if causal:
        families.add("causal")
    if positions != "none":
        families.add(f"positions_{positions}")
    if gated:
        families.add("gates")
    if head == "softmax":
        families.add("softmax_head")
    kind, arguments = {
        "none": (EventEncoder, [numbers(LENGTH, 3)]),
        "argument": (MaskedEncoder, [numbers(LENGTH, 3), mask_argument(rng.choice(["bool", "int64"]))]),
        "real": (MaskedEncoder, [numbers(LENGTH, 3), real_mask(rng.choice(["bool", "int64", "float32"]))]),
        "lengths": (LengthEncoder, [numbers(LENGTH, 3), lengths()]),
        "ids": (WordEncoder, [ids(11, LENGTH, tail="zeros")]),
    }[mask]
    if mask != "none":
        families.add({"real": "mask_argument"}.get(mask, f"mask_{mask}"))
    if mask in ("none", "ids"):
        families |= {"several_outputs", "embedding_output"}
    module = kind(width, layers, place, mask, pool, 11 if mask == "ids" else 0, head)
    return Case(f"by_hand_{seed}_{scripted}", randomise(module, seed), arguments, families, scripted)


class TorchEncoder(nn.Module):
    """nn.TransformerEncoder as people call it."""

    def __init__(self, width: int, heads: int, layers: int, pre: bool, activation: str, batch_first: bool, mask: str,
                 causal: bool, nested: bool):
        super().__init__()
        self.batch_first, self.mask, self.causal = batch_first, mask, causal
        self.inward = nn.Linear(3, width)
        layer = nn.TransformerEncoderLayer(width, heads, 2 * width, 0.1, activation, batch_first=batch_first, norm_first=pre)
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=nested)
        self.last = nn.Linear(width, 1)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = self.inward(x)
        padding: Optional[Tensor] = None
        if self.mask != "none":
            padding = ~mask
        ahead: Optional[Tensor] = None
        if self.causal:
            ahead = torch.triu(torch.ones(x.size(1), x.size(1), dtype=torch.bool, device=x.device), diagonal=1)
        if not self.batch_first:
            x = x.transpose(0, 1)
        x = self.encoder(x, mask=ahead, src_key_padding_mask=padding)
        x = x[:, 0] if self.batch_first else x[0]
        return self.last(x).squeeze(-1)


@contextlib.contextmanager
def fast_path(enabled: bool):
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(enabled)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def torch_encoder(seed: int) -> Case:
    rng = draw(seed)
    scripted = seed % 2 == 0
    seed //= 2
    width, heads = rng.choice([(8, 2), (16, 4)])
    fast = seed % 3 != 0
    pre, batch_first, nested = seed % 4 == 1, seed % 3 != 2, seed % 2 == 0
    mask = ["none", "argument", "real"][(seed // 2) % 3]
    causal = mask == "none" and seed % 2 == 0
    module = TorchEncoder(width, heads, rng.choice([1, 2]), pre, rng.choice(["relu", "gelu"]), batch_first, mask, causal, nested)
    argument = mask_argument() if mask == "argument" else real_mask()
    families = {"nn_transformer_encoder", "pre_norm" if pre else "post_norm", "pool_first",
                "nn_encoder_fast" if fast and batch_first else "nn_encoder_slow"}
    if causal:
        families.add("causal")
    if mask != "none":
        families.add("mask_argument")
    return Case(f"torch_encoder_{seed}_{scripted}", randomise(module, seed), [numbers(LENGTH, 3), argument], families,
                scripted, around=lambda: fast_path(fast))


class TorchAttention(nn.Module):
    def __init__(self, width: int, heads: int, batch_first: bool, weights: bool, padding: bool):
        super().__init__()
        self.batch_first, self.weights, self.padding = batch_first, weights, padding
        self.inward = nn.Linear(3, width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=batch_first, dropout=0.1)
        self.norm = nn.LayerNorm(width)
        self.query = nn.Parameter(torch.randn(1, 1, width))

    def forward(self, x: Tensor, mask: Tensor) -> Tuple[Tensor, Tensor]:
        x = self.inward(x)
        padding: Optional[Tensor] = None
        if self.padding:
            padding = mask.logical_not()
        if not self.batch_first:
            x = x.transpose(0, 1)
        y, _ = self.attention(x, x, x, key_padding_mask=padding, need_weights=self.weights)
        x = self.norm(x + y)
        if not self.batch_first:
            x = x.transpose(0, 1)
        pooled, _ = (self.attention(self.query.expand(x.size(0), -1, -1), x, x, need_weights=False) if self.batch_first
                     else self.attention(x[:, :1].transpose(0, 1), x.transpose(0, 1), x.transpose(0, 1)))
        return x.mean(1), pooled.squeeze(1 if self.batch_first else 0)


def torch_attention(seed: int) -> Case:
    draw(seed)
    scripted = seed % 2 == 0
    seed //= 2
    module = TorchAttention(8, 2, seed % 2 == 0, (seed // 2) % 2 == 0, seed % 3 == 1)
    return Case(f"torch_attention_{seed}_{scripted}", randomise(module, seed), [numbers(LENGTH, 3), mask_argument()],
                {"nn_multihead_attention", "pool_mean", "several_outputs", "embedding_output"}, scripted)

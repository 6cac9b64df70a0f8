# SPDX-License-Identifier: Apache-2.0
"""The two example models: an MLP over numbers and categories, and a transformer over a card's past payments."""
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class PaymentMlp(nn.Module):
    """Gives the logit of fraud. For torch.jit.script.

    sizes  how many indices each column of `codes` can hold; each gets an embedding of its own
    """

    def __init__(self, numbers: int, sizes: list[int], width: int = 8, hidden: tuple[int, int] = (256, 128)):
        super().__init__()
        self.embeddings = nn.ModuleList([nn.Embedding(size, width) for size in sizes])
        self.first = nn.Linear(numbers + width * len(sizes), hidden[0])
        self.second = nn.Linear(hidden[0], hidden[1])
        self.last = nn.Linear(hidden[1], 1)

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        parts = [numbers]
        for i, embedding in enumerate(self.embeddings):
            parts.append(embedding(codes[:, i]))
        x = F.relu(self.first(torch.cat(parts, 1)))
        x = F.relu(self.second(x))
        return self.last(x).squeeze(1)


class EncoderLayer(nn.Module):
    """Self-attention and a feed-forward net, each behind a layer norm and added to its input."""

    def __init__(self, width: int, heads: int, inner: int):
        super().__init__()
        self.heads, self.size = heads, width // heads
        self.norm = nn.LayerNorm(width)
        self.attend = nn.Linear(width, 3 * width)
        self.join = nn.Linear(width, width)
        self.inner_norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, inner)
        self.down = nn.Linear(inner, width)

    def forward(self, x: Tensor, blocked: Tensor) -> Tensor:
        batch, length = x.size(0), x.size(1)
        parts = self.attend(self.norm(x)).view(batch, length, 3, self.heads, self.size)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
        weights = torch.matmul(query, key.transpose(2, 3)) / math.sqrt(self.size)
        weights = weights.masked_fill(blocked, -math.inf).softmax(3)
        mixed = torch.matmul(weights, value).transpose(1, 2).reshape(batch, length, self.heads * self.size)
        x = x + self.join(mixed)
        return x + self.down(F.gelu(self.up(self.inner_norm(x))))


class PaymentTransformer(nn.Module):
    """Gives the logit of fraud and an embedding of the payment. For torch.jit.trace.

    The payment itself, with the words of its merchant, is always a token, so that a card without a past has a score.
    Padding behind `past_mask` changes nothing.
    """

    def __init__(self, numbers: int, sizes: list[int], past_numbers: int, past_sizes: list[int], words: int,
                 width: int = 64, heads: int = 4, inner: int = 128, layers: int = 2):
        super().__init__()
        self.now = nn.Linear(numbers, width)
        self.codes = nn.ModuleList([nn.Embedding(size, width) for size in sizes])
        self.words = nn.Embedding(words, width)
        self.past = nn.Linear(past_numbers, width)
        self.past_codes = nn.ModuleList([nn.Embedding(size, width) for size in past_sizes])
        self.layers = nn.ModuleList([EncoderLayer(width, heads, inner) for _ in range(layers)])
        self.norm = nn.LayerNorm(width)
        self.last = nn.Linear(width, 1)
        for embedding in (*self.codes, *self.past_codes, self.words):
            nn.init.normal_(embedding.weight, std=0.1)

    def forward(self, numbers: Tensor, codes: Tensor, past_numbers: Tensor, past_codes: Tensor, past_mask: Tensor,
                words: Tensor, words_mask: Tensor) -> tuple[Tensor, Tensor]:
        real = words_mask.unsqueeze(2).to(numbers.dtype)
        now = self.now(numbers) + (self.words(words) * real).sum(1) / real.sum(1).clamp(min=1.0)
        for i, embedding in enumerate(self.codes):
            now = now + embedding(codes[:, i])
        past = self.past(past_numbers)
        for i, embedding in enumerate(self.past_codes):
            past = past + embedding(past_codes[:, :, i])
        x = torch.cat([now.unsqueeze(1), past], 1)
        seen = torch.cat([past_mask.new_ones(past_mask.size(0), 1), past_mask], 1)
        blocked = seen.logical_not().unsqueeze(1).unsqueeze(1)
        for layer in self.layers:
            x = layer(x, blocked)
        x = self.norm(x[:, 0])
        return self.last(x).squeeze(1), x

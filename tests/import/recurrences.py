# SPDX-License-Identifier: Apache-2.0
"""Recurrent layers and cells over a history or a window, as fraud models have them."""
from typing import Callable

import torch
from case import LENGTH, Case, ids, lengths, numbers, randomise, real_mask
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

FAMILY = {"recurrences"}


class Last(nn.Module):
    """The output at the last event."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, 9, num_layers=2, batch_first=True, dropout=0.3)
        self.head = nn.Linear(9, 1)

    def forward(self, x: Tensor) -> Tensor:
        out, _ = self.lstm(x)
        return torch.sigmoid(self.head(out[:, -1])).squeeze(1)


class Hidden(nn.Module):
    """Codes and amounts; the last layer's state."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(11, 5, padding_idx=0)
        self.gru = nn.GRU(7, 8, num_layers=2, batch_first=True)
        self.head = nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 2))

    def forward(self, codes: Tensor, amounts: Tensor) -> Tensor:
        _, h = self.gru(torch.cat([self.table(codes), amounts], dim=2))
        return self.head(h[-1])


class Both(nn.Module):
    """Both directions: last states side by side, and the largest of all outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(3, 6, num_layers=2, bidirectional=True, batch_first=True)
        self.head = nn.Linear(24, 3)

    def forward(self, x: Tensor) -> Tensor:
        out, (h, c) = self.lstm(x)
        pooled = out.max(dim=1)[0]
        return self.head(torch.cat([h[-2], h[-1], pooled], dim=1)) + c.sum(0)[:, :3]


class Packed(nn.Module):
    """Packed by length, in any order, and padded again."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(4, 7, batch_first=True, bidirectional=True)
        self.head = nn.Linear(14, 1)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        out, h = self.gru(packed)
        padded, _ = pad_packed_sequence(out, batch_first=True)
        return self.head(padded.mean(dim=1) + torch.cat([h[0], h[1]], dim=1))


class Sorted(nn.Module):
    """Packed as it is sorted, length first, counted from a mask."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, 5, num_layers=2)
        self.head = nn.Linear(5, 1)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        packed = pack_padded_sequence(x.transpose(0, 1), mask.sum(dim=1))
        _, (h, _) = self.lstm(packed)
        return self.head(h[-1])


class Clamped(nn.Module):
    """Packed by lengths that are one at least, padded to the history's length again."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, 5, batch_first=True)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        lengths = mask.long().sum(1).clamp(min=1).cpu()
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        out, (h, _) = self.lstm(packed)
        padded, counts = pad_packed_sequence(out, batch_first=True, total_length=x.size(1))
        return h[-1] + padded.sum(1) / counts.unsqueeze(1).float()


class Plain(nn.Module):
    """Elman's, of both kinds, length first, without biases."""

    def __init__(self) -> None:
        super().__init__()
        self.tanh = nn.RNN(4, 6, num_layers=2, bias=False)
        self.relu = nn.RNN(6, 5, nonlinearity="relu", bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        first, _ = self.tanh(x.permute(1, 0, 2))
        second, h = self.relu(first)
        return torch.cat([second[-1], h.sum(dim=0)], dim=1)


class Projected(nn.Module):
    """States that are projected, with states to start with."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, 9, num_layers=2, proj_size=3, bidirectional=True, batch_first=True)
        self.start = nn.Linear(2, 4 * 12)

    def forward(self, x: Tensor, card: Tensor) -> Tensor:
        start = torch.tanh(self.start(card)).view(-1, 4, 12).transpose(0, 1)
        out, (h, c) = self.lstm(x, (start[:, :, :3].contiguous(), start[:, :, 3:].contiguous()))
        return torch.cat([out[:, 0], h[3], c[0], out.mean(1)], dim=1)


class Started(nn.Module):
    """A learned state to start with, and one from the card's features."""

    def __init__(self) -> None:
        super().__init__()
        self.learned = nn.Parameter(torch.randn(2, 1, 6))
        self.gru = nn.GRU(4, 6, num_layers=2, batch_first=True)
        self.lstm = nn.LSTM(6, 5, batch_first=True)
        self.card = nn.Linear(3, 10)

    def forward(self, x: Tensor, card: Tensor) -> Tensor:
        out, _ = self.gru(x, self.learned.expand(-1, x.size(0), -1).contiguous())
        h, c = self.card(card).chunk(2, dim=1)
        _, (h, c) = self.lstm(out, (h.unsqueeze(0), c.unsqueeze(0)))
        return torch.cat([h.squeeze(0), c.squeeze(0)], dim=1)


class Attended(nn.Module):
    """Attention pooling over the states."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, 8, batch_first=True, bidirectional=True)
        self.score, self.head = nn.Linear(16, 1), nn.Linear(16, 1)

    def forward(self, x: Tensor) -> Tensor:
        out, _ = self.lstm(x)
        weights = torch.softmax(self.score(torch.tanh(out)).squeeze(-1), dim=1)
        return self.head(torch.bmm(weights.unsqueeze(1), out).squeeze(1))


class Rebuilt(nn.Module):
    """An autoencoder of a window: how far each payment is from what was rebuilt."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.LSTM(3, 6, batch_first=True), nn.LSTM(6, 6, batch_first=True)
        self.out = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        window = x.view(-1, 8, 3)
        _, (h, _) = self.encoder(window)
        repeated = h[-1].unsqueeze(1).repeat(1, 8, 1)
        decoded, _ = self.decoder(repeated)
        return ((self.out(decoded) - window) ** 2).mean(dim=(1, 2))


class Cells(nn.Module):
    """Cells, stepped by hand over a window."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.gru = nn.LSTMCell(3, 6), nn.GRUCell(6, 5)
        self.plain, self.relu = nn.RNNCell(5, 4), nn.RNNCell(4, 4, nonlinearity="relu", bias=False)

    def forward(self, x: Tensor) -> Tensor:
        window = x.view(-1, 5, 3)
        h = torch.zeros(x.size(0), 6)
        c = torch.zeros(x.size(0), 6)
        g = torch.zeros(x.size(0), 5)
        for t in range(5):
            h, c = self.lstm(window[:, t], (h, c))
            g = self.gru(h, g)
        return torch.cat([g, self.relu(self.plain(g)), c], dim=1)


class Rows(nn.Module):
    """Two sequences of each payment, through one layer; extremes too."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(2, 5, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        pairs = x.view(-1, 2, 6, 2).flatten(0, 1)
        _, h = self.gru(torch.nan_to_num(pairs, 0.0, 100.0, -100.0).clamp(-100, 100))
        return h[0].view(-1, 10)


class Stepped(nn.Module):
    """Cells in a loop over the history, as scripts have it: one above the other, states in a list."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.LSTMCell(4, 6), nn.GRUCell(6, 5)
        self.inner, self.head = nn.Linear(3, 4), nn.Linear(5, 1)

    def forward(self, x: Tensor) -> Tensor:
        h, c = torch.zeros(x.size(0), 6), torch.zeros(x.size(0), 6)
        g = torch.full((x.size(0), 5), 0.25)
        outs: list[Tensor] = []
        for t in range(x.size(1)):
            h, c = self.first(torch.relu(self.inner(x[:, t])), (h, c))
            g = self.second(h, g)
            outs.append(self.head(g))
        return torch.cat([torch.stack(outs, dim=1).mean(dim=1), h, c, g], dim=1)


class LengthFirst(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.RNNCell(3, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(0, 1)
        h = torch.zeros(x.size(1), 4)
        for t in range(0, x.shape[0]):
            h = self.cell(x[t], h)
        return h


class Joined(nn.Module):
    """What each step gives, joined along an axis of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(3, 5)

    def forward(self, x: Tensor) -> Tensor:
        h, c = torch.zeros(x.size(0), 5), torch.zeros(x.size(0), 5)
        outs: list[Tensor] = []
        for t in range(x.size(1)):
            h, c = self.cell(x[:, t, :], (h, c))
            outs.append(h.unsqueeze(1))
        return torch.cat(outs, 1).amax(1)


class Apart(nn.Module):
    """Over the history taken apart; how many steps there were, the first and the last."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRUCell(3, 5)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(x.size(0), 5)
        outs: list[Tensor] = []
        for event in x.unbind(1):
            h = self.cell(event, h)
            outs.append(h)
        return outs[0] * 0.5 + outs[-1] / float(len(outs)) + torch.stack(outs).mean(0)


class Fills(nn.Module):
    """Writes into a tensor in a loop."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRUCell(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        h, out = torch.zeros(x.size(0), 4), torch.zeros_like(x)
        for t in range(x.size(1)):
            h = self.cell(x[:, t], h)
            out[:, t] = h
        return out.sum(1)


class Counts(nn.Module):
    """Asks within a loop what it gave so far."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRUCell(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(x.size(0), 4)
        outs: list[Tensor] = []
        for t in range(x.size(1)):
            h = self.cell(x[:, t], h)
            outs.append(h)
            outs.append(outs[-1] * float(len(outs)))
        return h + outs[1]


class Mixed(nn.Module):
    """A state that goes through more than a cell."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRUCell(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(x.size(0), 4)
        for t in range(x.size(1)):
            h = self.cell(x[:, t], h) * 0.5
        return h


class OverRows(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.lstm(x)[0][:, 0]


class OtherLengths(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(4, 3, batch_first=True)

    def forward(self, x: Tensor, counts: Tensor) -> Tensor:
        packed = pack_padded_sequence(x, counts.clamp(min=1), batch_first=True, enforce_sorted=False)
        return self.gru(packed)[1][0]


class OtherState(nn.Module):
    """A state of other sizes, which LibTorch's own operator refuses too."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRUCell(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        cell = self.cell
        return torch.gru_cell(x, x, cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh)


KINDS: list[tuple[Callable, list]] = [
    (Last, [numbers(LENGTH, 4)]), (Hidden, [ids(11, LENGTH), numbers(LENGTH, 2)]), (Both, [numbers(LENGTH, 3)]),
    (Packed, [numbers(LENGTH, 4), lengths()]), (Sorted, [numbers(LENGTH, 4), real_mask()]),
    (Clamped, [numbers(LENGTH, 4), real_mask()]),
    (Plain, [numbers(LENGTH, 4)]), (Projected, [numbers(LENGTH, 4), numbers(2)]),
    (Started, [numbers(LENGTH, 4), numbers(3)]), (Attended, [numbers(LENGTH, 4)]), (Rebuilt, [numbers(24)]),
    (Cells, [numbers(15)]), (Rows, [numbers(24, special=True)])]
SCRIPTS: list[tuple[Callable, list]] = [(Stepped, [numbers(LENGTH, 3)]), (LengthFirst, [numbers(LENGTH, 3)]),
                                        (Joined, [numbers(LENGTH, 3)]), (Apart, [numbers(LENGTH, 3)]),
                                        (Fills, [numbers(LENGTH, 4)]), (Counts, [numbers(LENGTH, 4)]),
                                        (Mixed, [numbers(LENGTH, 4)])]
REFUSED: list[tuple[Callable, list, tuple[str, ...]]] = [
    (OverRows, [numbers(4)], ("aten::lstm", "mixes rows")),
    (OtherLengths, [numbers(LENGTH, 4), ids(7)], ("sort", "mixes rows")),
    (OtherState, [numbers(4)], ("aten::gru_cell", "an initial state of [batch, 4], expected [batch, 3]"))]


def recurrences() -> list[Case]:
    cases = []
    for kind, inputs in KINDS + SCRIPTS:
        for scripted in (True, False) if (kind, inputs) in KINDS else (True,):
            torch.manual_seed(13)
            name = f"recurrences_{kind.__name__.lower()}_{'scripted' if scripted else 'traced'}"
            cases.append(Case(name, randomise(kind(), 13), inputs, FAMILY, scripted, many=True))
    for kind, inputs, words in REFUSED:
        torch.manual_seed(13)
        cases.append(Case(f"recurrences_refused_{kind.__name__.lower()}", kind().eval(), inputs, FAMILY, True,
                          refusal=words))
    return cases

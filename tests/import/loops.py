# SPDX-License-Identifier: Apache-2.0
"""Loops over a history with a state of their own, which are no recurrent layer's: unrolled to the largest length."""
from typing import Callable, Optional

import torch
from case import LENGTH, Case, ids, numbers, randomise
from torch import Tensor, nn

LOOPS = {"loops"}


class Decay(nn.Module):
    """An average that fades with the time between payments; what never comes is NaN or infinite."""

    def __init__(self) -> None:
        super().__init__()
        self.rate = nn.Parameter(torch.rand(3))

    def forward(self, x: Tensor, gaps: Tensor) -> Tensor:
        total, weight = torch.zeros(x.size(0), 3), torch.zeros(x.size(0), 3)
        for t in range(x.size(1)):
            fade = torch.exp(-torch.abs(gaps[:, t]).unsqueeze(1) * self.rate)
            total = total * fade + x[:, t]
            weight = weight * fade + 1.0
        return total / weight


class Extremes(nn.Module):
    """The largest and the least so far, where each was, and how far the last is from them."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        top, low = x[:, 0], x[:, 0]
        place = torch.zeros_like(x[:, 0])
        for t in range(1, x.size(1)):
            place = torch.where(x[:, t] > top, torch.full_like(place, float(t)), place)
            top = torch.maximum(top, x[:, t])
            low = torch.minimum(low, x[:, t])
        return top, low, place + (x[:, -1] - top)


class Velocity(nn.Module):
    """How many payments of the card's last merchant came so far, by a table of counts; ints count the rounds."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(17, 3)

    def forward(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        seen = torch.zeros(codes.size(0), dtype=torch.long)
        n, far = 0, codes.size(1)
        for t in range(codes.size(1)):
            seen = torch.where(codes[:, t] == codes[:, 0], seen + 1, seen)
            n += 2
            far -= 1
        return self.table(seen) * float(n), seen + n + far


class Rates(nn.Module):
    """Look-ups and quotients of integers in each round, which zeros behind the last place would fail."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(6, 4)

    def forward(self, codes: Tensor, amounts: Tensor) -> Tensor:
        h = torch.zeros(codes.size(0), 4)
        cents = torch.zeros(codes.size(0), dtype=torch.long)
        codes = codes + 1
        for code, amount in zip(codes.unbind(1), amounts.unbind(1)):
            h = 0.5 * h + self.table(code - 1)
            cents = cents + torch.div(torch.full_like(code, 100), code, rounding_mode="floor")
            h = h + torch.gather(amount, 1, (code - 1).unsqueeze(1) % 3)
        return h + cents.unsqueeze(1)


class OwnGru(nn.Module):
    """A gated cell of one's own."""

    def __init__(self) -> None:
        super().__init__()
        self.update, self.reset, self.new = nn.Linear(9, 5), nn.Linear(9, 5), nn.Linear(9, 5)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(x.size(0), 5)
        for t in range(x.size(1)):
            both = torch.cat([x[:, t, :], h], dim=1)
            z, r = torch.sigmoid(self.update(both)), torch.sigmoid(self.reset(both))
            h = (1 - z) * h + z * torch.tanh(self.new(torch.cat([x[:, t, :], r * h], dim=1)))
        return h


class Leaky(nn.Module):
    """A leaky integrator with a learnt gate; `if t == 0`, and a state that is None before it."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.value = nn.Linear(4, 3), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        state: Optional[Tensor] = None
        last = x[:, 0]
        for t, event in enumerate(x.unbind(1)):
            keep = torch.sigmoid(self.gate(event))
            if state is None:
                state = self.value(event)
            else:
                state = keep * state + (1 - keep) * self.value(event)
            if t > 0:
                state = state + 0.1 * (event - last)[:, :3]
            last = event
        assert state is not None
        return state


class Attention(nn.Module):
    """Attention pooling by a softmax that runs along."""

    def __init__(self) -> None:
        super().__init__()
        self.score, self.value = nn.Linear(4, 1), nn.Linear(4, 6)

    def forward(self, x: Tensor) -> Tensor:
        top = torch.full((x.size(0), 1), -float("inf"))
        mass, sums = torch.zeros(x.size(0), 1), torch.zeros(x.size(0), 6)
        for t in range(x.size(1)):
            score = self.score(x[:, t])
            new = torch.maximum(top, score)
            fade, share = torch.exp(top - new), torch.exp(score - new)
            mass, sums, top = mass * fade + share, sums * fade + share * self.value(x[:, t]), new
        return sums / mass


class Cusum(nn.Module):
    """Changes of level, upwards and downwards; the largest alarm, and each place's in a list."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        up, down = torch.zeros(x.size(0)), torch.zeros(x.size(0))
        alarms: list[Tensor] = []
        for t in range(x.size(1)):
            up = torch.relu(up + x[:, t] - 0.25)
            down = torch.relu(down - x[:, t] - 0.25)
            alarms.append(torch.maximum(up, down))
        return torch.stack(alarms, 1).amax(1), torch.stack(alarms, 1)


class Kalman(nn.Module):
    """A filter of one dimension; the surprise of each payment, in a tensor that the loop writes into."""

    def __init__(self) -> None:
        super().__init__()
        self.noise, self.drift = nn.Parameter(torch.tensor(0.7)), nn.Parameter(torch.tensor(0.2))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, spread = torch.zeros(x.size(0)), torch.ones(x.size(0))
        surprise = torch.zeros_like(x)
        for t in range(x.size(1)):
            spread = spread + self.drift**2
            gain = spread / (spread + self.noise**2)
            surprise[:, t] = (x[:, t] - mean) / torch.sqrt(spread)
            mean, spread = mean + gain * (x[:, t] - mean), (1 - gain) * spread
        return mean + spread, surprise


class Markov(nn.Module):
    """The forward pass of a hidden Markov chain, in logarithms."""

    def __init__(self) -> None:
        super().__init__()
        self.start, self.steps = nn.Parameter(torch.randn(4)), nn.Parameter(torch.randn(4, 4))
        self.seen = nn.Parameter(torch.randn(4, 7))

    def forward(self, codes: Tensor) -> Tensor:
        steps, seen = torch.log_softmax(self.steps, 1), torch.log_softmax(self.seen, 1)
        alpha = torch.log_softmax(self.start, 0) + seen.t()[codes[:, 0]]
        for t in range(1, codes.size(1)):
            alpha = torch.logsumexp(alpha.unsqueeze(2) + steps, dim=1) + seen.t()[codes[:, t]]
        return torch.logsumexp(alpha, dim=1)


class Differences(nn.Module):
    """Of first order, in a list that begins before the loop."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        steps = [torch.zeros(x.size(0), 1)]
        moved = torch.zeros(x.size(0))
        for t in range(1, x.size(1)):
            step = x[:, t] - x[:, t - 1]
            moved = moved + step.abs()
            steps.append(step.unsqueeze(1))
        return moved, torch.cat(steps, 1)


class Reversed(nn.Module):
    """From the last to the first, in both ways of writing it."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        n = x.size(1)
        h, g = torch.zeros(x.size(0), 3), torch.ones(x.size(0), 3)
        for t in range(n):
            h = torch.tanh(self.mix(h) + x[:, n - 1 - t])
        for t in range(n - 1, -1, -1):
            g = torch.tanh(self.mix(g) - x[:, t])
        return torch.cat([h, g], 1)


class Window(nn.Module):
    """A window of the last three states, in a list that is as long in each round, and what was seen so far."""

    def forward(self, x: Tensor) -> Tensor:
        last = [torch.zeros(x.size(0), 2), torch.zeros(x.size(0), 2), torch.zeros(x.size(0), 2)]
        best = torch.zeros(x.size(0), 2)
        for t in range(x.size(1)):
            last[t % 3] = 0.5 * last[(t + 2) % 3] + x[:, t]
            best = torch.maximum(best, torch.stack(last).sum(0) + x[:, : t + 1].mean(1))
        return best + last[0] - last[2]


class InPlace(nn.Module):
    """States that are written in place."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h, count = torch.zeros(x.size(0), 3), torch.zeros(1)
        for event in x.unbind(1):
            h *= 0.75
            h += event
            count += 1
        return h, h / count


class Pairs(nn.Module):
    """Each place beside all places, in two loops, one in the other; a recurrent cell's beside one's own state."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRUCell(2, 3)

    def forward(self, x: Tensor) -> Tensor:
        near, h = torch.zeros(x.size(0)), torch.zeros(x.size(0), 3)
        for t in range(x.size(1)):
            least = torch.full((x.size(0),), 9.0)
            for s in range(x.size(1)):
                if s != t:
                    least = torch.minimum(least, (x[:, t] - x[:, s]).abs().sum(1))
            near = 0.5 * near + least
            h = self.cell(x[:, t], h) * 0.5
        return near + h.sum(1)


class Checks(nn.Module):
    """A guard in each round, which speaks of places that there are alone."""

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(x.size(0))
        for t in range(x.size(1)):
            if (x[:, t] == 0.0).any():
                raise ValueError("an amount of nothing")
            h = 0.5 * h + torch.log(torch.abs(x[:, t]))
        return h


class Unknown(nn.Module):
    """A guard in front of a look-up that would fail, at a place from the end."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(5, 2)

    def forward(self, codes: Tensor) -> Tensor:
        h = torch.zeros(codes.size(0), 2)
        for t in range(codes.size(1)):
            code = codes[:, codes.size(1) - 1 - t]
            if (code >= 5).any():
                raise IndexError("an unknown code")
            h = 0.5 * h + self.table(code)
        return h


class Shares(nn.Module):
    """A factor that is a Python float, and a flag of the first round."""

    def forward(self, x: Tensor) -> Tensor:
        h, factor, first = torch.zeros(x.size(0), 2), 1.0, True
        for t in range(x.size(1)):
            if first:
                h = x[:, t]
            else:
                h = h + factor * x[:, t]
            first = False
            factor = factor * 0.8
        return h * factor


class Stops(nn.Module):
    """Goes on where the data says so."""

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(x.size(0))
        for t in range(x.size(1)):
            if bool((h < 3.0).any()):
                h = h * 0.5 + x[:, t]
        return h


class Grows(nn.Module):
    """A memory that is longer in each round."""

    def forward(self, x: Tensor) -> Tensor:
        memory = x[:, :1]
        for t in range(1, x.size(1)):
            memory = torch.cat([memory, 0.5 * memory[:, -1:] + x[:, t].unsqueeze(1)], 1)
        return memory.mean(1)


class Wide(nn.Module):
    """Far more operators a round than are unrolled."""

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(x.size(0))
        for t in range(x.size(1)):
            for _ in range(600):
                h = torch.sin(h * 0.5 + x[:, t])
        return h


class Ahead(nn.Module):
    """Takes more than a round has."""

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(x.size(0))
        for t in range(x.size(1)):
            h = 0.5 * h + x[:, t : t + 2].sum(1)
        return h


KINDS: list[tuple[Callable, list]] = [
    (Decay, [numbers(LENGTH, 3), numbers(LENGTH)]), (Extremes, [numbers(LENGTH, rare=True)]), (Velocity, [ids(4, LENGTH)]),
    (Rates, [ids(6, LENGTH), numbers(LENGTH, 3)]),
    (OwnGru, [numbers(LENGTH, 4)]), (Leaky, [numbers(LENGTH, 4)]), (Attention, [numbers(LENGTH, 4)]),
    (Cusum, [numbers(LENGTH, rare=True)]), (Kalman, [numbers(LENGTH)]), (Markov, [ids(7, LENGTH)]),
    (Differences, [numbers(LENGTH)]), (Reversed, [numbers(LENGTH, 3)]), (Window, [numbers(LENGTH, 2)]),
    (InPlace, [numbers(LENGTH, 3)]), (Pairs, [numbers(LENGTH, 2)]), (Shares, [numbers(LENGTH, 2)])]
REFUSED: list[tuple[Callable, list, tuple[str, ...]]] = [
    (Stops, [numbers(LENGTH)], ("prim::If", "a condition that depends on data; write torch.where")),
    (Grows, [numbers(LENGTH, 2)], ("prim::Loop", "loops.py", "whose state of float32 [batch, 1, 2] becomes", "one shape")),
    (Wide, [numbers(LENGTH)], ("prim::Loop", "16 rounds", "16384 operators", "limits.length", "nn.GRU")),
    (Ahead, [numbers(LENGTH)], ("aten::slice", "needs a slice's place"))]


def spoilt(value: float) -> Callable:
    def spoil(inputs: list[Tensor]) -> None:
        inputs[0][1, 2] = value
    return spoil


def loops() -> list[Case]:
    cases = []
    for kind, inputs in KINDS:
        torch.manual_seed(29)
        cases.append(Case(f"loops_{kind.__name__.lower()}", randomise(kind(), 29), inputs, LOOPS, True, many=True))
    cases.append(Case("loops_checks", Checks(), [numbers(LENGTH)], LOOPS, True, spoil=spoilt(0.0), says="an amount of nothing"))
    cases.append(Case("loops_unknown", Unknown().eval(), [ids(5, LENGTH)], LOOPS, True, spoil=spoilt(7), says="an unknown code"))
    for kind, inputs, words in REFUSED:
        cases.append(Case(f"loops_refused_{kind.__name__.lower()}", kind().eval(), inputs, LOOPS, True, refusal=words))
    return cases

# SPDX-License-Identifier: Apache-2.0
"""Simulates card payments: cards with habits, terminals, and three fraud stories.

 1. anomaly: a card number is used for one payment far above the card's habits, at merchants that resell well;
 2. terminal: a terminal is compromised for some weeks, and many payments through it are fraud;
 3. stolen: a card is used by a thief within hours, fast, for larger amounts and away from its usual places.
Honest payments have look-alikes: rare large purchases, trips abroad and shopping sprees.
"""
from dataclasses import dataclass

import numpy as np

from merchants import COUNTRY_CODES, COUNTRY_SHARES, MCC_CODES, RISKY_MCC, Terminals, make_terminals

DAY = 86400
HONEST, ANOMALY, TERMINAL, STOLEN = range(4)
ENTRY_MODES = np.array(["chip", "contactless", "ecommerce", "magstripe", "manual"])
CHIP, CONTACTLESS, ECOMMERCE, MAGSTRIPE, MANUAL = range(5)
GOLDEN = 0.6180339887498949  # multiples of it, modulo 1, lie evenly, so that no month has all the bad terminals
FRAUD_SHARE = {ANOMALY: 0.0016, TERMINAL: 0.0024, STOLEN: 0.003}


@dataclass
class Ledger:
    """Payments in order of time; arrays by payment."""

    seconds: np.ndarray  # since 1970-01-01 UTC
    card: np.ndarray  # index
    terminal: np.ndarray  # index into terminals
    amount: np.ndarray  # EUR, not yet rounded
    entry: np.ndarray  # index into ENTRY_MODES
    story: np.ndarray  # HONEST, or which fraud
    home: np.ndarray  # by card: index into COUNTRY_CODES
    terminals: Terminals

    @property
    def minor(self) -> np.ndarray:
        """Amounts in cents."""
        return np.clip(np.rint(self.amount * 100), 50, 1_000_000).astype(np.int64)

    def take(self, rows) -> None:
        for name in ("seconds", "card", "terminal", "amount", "entry", "story"):
            setattr(self, name, getattr(self, name)[rows])


def simulate(rng: np.random.Generator, rows: int, days: int, start: int) -> Ledger:
    """About `rows` payments over `days` days from `start` (seconds since 1970)."""
    cards = max(20, rows // days)
    home = rng.choice(len(COUNTRY_CODES), cards, p=COUNTRY_SHARES / COUNTRY_SHARES.sum())
    terminals = make_terminals(rng, max(400, cards // 3))
    by_country = [np.flatnonzero((terminals.country == c) & ~terminals.online) for c in range(len(COUNTRY_CODES))]
    abroad = np.flatnonzero(~terminals.online)
    by_country = [places if len(places) else abroad for places in by_country]
    online = np.flatnonzero(terminals.online)

    # Habits: how often, how much, where, at what hour.
    rate = rng.lognormal(0, 0.7, cards)
    wealth = rng.lognormal(0, 0.45, cards)
    hour = rng.normal(14, 2.5, cards)
    online_share = rng.beta(1.5, 6, cards)
    issued = np.where(rng.random(cards) < 0.25, rng.integers(0, days, cards), 0)  # day; a new card has no past
    usual = np.stack([rng.choice(by_country[c], 12) for c in home])

    card = rng.choice(cards, rows, p=rate / rate.sum())
    local = np.clip(rng.normal(hour[card], 3.6), 0, 23.99) * 3600
    late = rng.random(rows) < 0.04
    local[late] = rng.random(int(late.sum())) * DAY
    day = rng.integers(issued[card], days)
    seconds = start + day * DAY + local.astype(np.int64)
    terminal = usual[card, np.minimum(rng.geometric(0.25, rows) - 1, 11)]
    elsewhere = rng.random(rows) < 0.12
    terminal[elsewhere] = _anywhere(rng, by_country, home[card[elsewhere]])
    shops_online = rng.random(rows) < online_share[card]
    terminal[shops_online] = rng.choice(online, int(shops_online.sum()))

    travels = np.isin(card * days + day, _trips(rng, cards, days))
    terminal[travels] = rng.choice(abroad, int(travels.sum()))
    amount = terminals.typical[terminal] * wealth[card] * rng.lognormal(-0.15, 0.55, rows)
    spree = rng.random(rows) < 0.004
    amount[spree] *= rng.uniform(3, 9, int(spree.sum()))
    entry = np.where(rng.random(rows) < 0.62, CONTACTLESS, CHIP)
    entry[rng.random(rows) < 0.01] = MAGSTRIPE
    ledger = Ledger(seconds, card, terminal, amount, entry, np.zeros(rows, np.int8), home, terminals)
    _settle_entry(rng, ledger, np.arange(rows))

    _anomalies(rng, ledger)
    _compromised_terminals(rng, ledger, days, start)
    _stolen_cards(rng, ledger, wealth, days, start)
    ledger.take(np.lexsort((ledger.card, ledger.seconds)))
    return ledger


def _anywhere(rng, by_country, country):
    """A terminal in each country asked for."""
    out = np.empty(len(country), np.int64)
    for c, places in enumerate(by_country):
        here = country == c
        out[here] = rng.choice(places, int(here.sum()))
    return out


def _trips(rng, cards, days):
    """card * days + day of every day that a card spends abroad."""
    first = rng.integers(0, days, cards)
    goes = np.flatnonzero(rng.random(cards) < 0.2 * days / 60)
    trip = first[goes][:, None] + np.arange(6)
    return (goes[:, None] * days + trip)[trip < days]


def _settle_entry(rng, ledger, rows):
    """Online payments are ecommerce; some of them are keyed in by hand."""
    at_web = ledger.terminals.online[ledger.terminal[rows]]
    manual = rng.random(len(rows)) < 0.04
    ledger.entry[rows] = np.where(at_web, np.where(manual, MANUAL, ECOMMERCE), ledger.entry[rows])


def _risky_terminals(ledger):
    risky = np.flatnonzero(np.isin(MCC_CODES[ledger.terminals.mcc], RISKY_MCC))
    return risky if len(risky) else np.arange(len(ledger.terminals.mcc))


def _anomalies(rng, ledger):
    rows = rng.choice(len(ledger.card), int(len(ledger.card) * FRAUD_SHARE[ANOMALY]), replace=False)
    ledger.terminal[rows] = rng.choice(_risky_terminals(ledger), len(rows))
    ledger.amount[rows] = ledger.terminals.typical[ledger.terminal[rows]] * rng.lognormal(1.8, 0.5, len(rows))
    ledger.entry[rows] = np.where(rng.random(len(rows)) < 0.5, MANUAL, MAGSTRIPE)
    _settle_entry(rng, ledger, rows)
    ledger.story[rows] = ANOMALY


def _compromised_terminals(rng, ledger, days, start):
    """Windows of 14 to 28 days at terminals drawn by chance, until their payments make up the share."""
    wanted = int(len(ledger.card) * FRAUD_SHARE[TERMINAL])
    marked = np.zeros(len(ledger.card), bool)
    order = np.argsort(ledger.terminal, kind="stable")
    edges = np.searchsorted(ledger.terminal[order], np.arange(len(ledger.terminals.mcc) + 1))
    turn = rng.random()
    for terminal in rng.permutation(len(ledger.terminals.mcc)):
        if marked.sum() >= wanted:
            break
        rows = order[edges[terminal] : edges[terminal + 1]]
        turn = (turn + GOLDEN) % 1
        begin = start + (turn * (days + 7) - 14) * DAY
        length = rng.uniform(14, 28) * DAY
        hit = (ledger.seconds[rows] >= begin) & (ledger.seconds[rows] < begin + length)
        hit &= (rng.random(len(rows)) < 0.8) & (ledger.story[rows] == HONEST)
        marked[rows[hit][: max(0, wanted - int(marked.sum()))]] = True
    rows = np.flatnonzero(marked)
    ledger.amount[rows] *= rng.lognormal(0.25, 0.3, len(rows))
    swiped = rng.random(len(rows)) < 0.35
    ledger.entry[rows] = np.where(swiped & (ledger.entry[rows] < ECOMMERCE), MAGSTRIPE, ledger.entry[rows])
    ledger.story[rows] = TERMINAL


def _stolen_cards(rng, ledger, wealth, days, start):
    """Adds the thief's payments: 3 to 10 within a day and a half."""
    wanted = int(len(ledger.card) * FRAUD_SHARE[STOLEN])
    burst = rng.integers(3, 11, max(1, wanted // 3 + 1))
    burst = burst[: int(np.searchsorted(np.cumsum(burst), wanted, "left")) + 1] if wanted else burst[:0]
    event = np.repeat(np.arange(len(burst)), burst)
    thief_card = rng.integers(0, len(ledger.home), len(burst))
    begin = start + (rng.random(len(burst)) * (days - 1.5) * DAY).astype(np.int64)
    rows = len(event)
    gaps = rng.exponential(1.6 * 3600, rows) + 40
    since = np.cumsum(gaps)
    first = np.concatenate([[0], np.cumsum(burst)])[:-1]
    since -= since[first][event] if rows else 0
    risky = _risky_terminals(ledger)
    near = rng.random(rows) < 0.4
    terminal = np.where(near, rng.integers(0, len(ledger.terminals.mcc), rows), rng.choice(risky, rows))
    amount = ledger.terminals.typical[terminal] * wealth[thief_card[event]] * rng.lognormal(0.6, 0.6, rows)
    entry = np.where(rng.random(rows) < 0.7, CONTACTLESS, MAGSTRIPE)
    more = {"seconds": begin[event] + since.astype(np.int64), "card": thief_card[event], "terminal": terminal,
            "amount": amount, "entry": entry, "story": np.full(rows, STOLEN, np.int8)}
    for name, values in more.items():
        setattr(ledger, name, np.concatenate([getattr(ledger, name), values]))
    _settle_entry(rng, ledger, np.arange(len(ledger.card) - rows, len(ledger.card)))

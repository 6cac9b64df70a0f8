# SPDX-License-Identifier: Apache-2.0
"""Makes example card payments with their features, as CSV for the MLP and as NDJSON for the transformer.

    python payments.py --rows 200000 --seed 7 --csv payments.csv --ndjson payments.ndjson

Needs only numpy. The same arguments give the same payments.
"""
import argparse
import datetime
import json
from dataclasses import dataclass

import numpy as np

from aggregates import Windows
from merchants import COUNTRY_CODES, MCC_CODES
from ragged import Ragged, gather, take
from simulation import DAY, ENTRY_MODES, HONEST, Ledger, simulate

HISTORY = 24  # a card's last payments that the transformer sees
WARM_UP_DAYS = 30  # simulated before the first payment that is given out, so that aggregates are full
LABEL_DELAY_DAYS = 7  # until a fraud is known, as in the Fraud-Detection-Handbook
MERCHANT_BUCKETS = 256

POINT = ("paid_at", "paid_at_week", "amount_minor", "amount_ratio", "card_count_1d", "card_count_7d", "card_count_30d",
         "card_mean_minor_7d", "card_mean_minor_30d", "since_last_s", "same_terminal_30d", "terminal_count_7d",
         "terminal_risk_7d", "terminal_risk_30d", "abroad", "country", "mcc", "entry_mode", "merchant")
SEQUENCE = ("paid_at", "amount_minor", "since_last_s", "terminal_risk_7d", "terminal_risk_30d", "abroad", "country",
            "mcc", "entry_mode", "descriptor", "past_amount_minor", "past_age_s", "past_paid_at",
            "past_mcc", "past_country", "past_risk")


@dataclass(frozen=True)
class Payments:
    """Payments in order of time. A missing number is masked or NaN."""

    payment_id: np.ndarray
    is_fraud: np.ndarray
    story: np.ndarray
    columns: dict  # name -> array, or Ragged for a sequence

    def __len__(self) -> int:
        return len(self.payment_id)

    def take(self, rows: np.ndarray) -> "Payments":
        return Payments(self.payment_id[rows], self.is_fraud[rows], self.story[rows],
                        {name: take(column, rows) for name, column in self.columns.items()})


def make_payments(rows: int, seed: int, start: str = "2026-01-01", days: int = 60) -> Payments:
    """`rows` payments over about `days` days from `start`, with the features of both example models."""
    rng = np.random.default_rng(seed)
    total_days = days + WARM_UP_DAYS
    first = datetime.datetime.fromisoformat(start).replace(tzinfo=datetime.timezone.utc)
    begin = int(first.timestamp()) - WARM_UP_DAYS * DAY
    ledger = simulate(rng, -(-rows * total_days // days), total_days, begin)
    given = np.arange(len(ledger.card) - rows, len(ledger.card))
    point = _point_columns(ledger)
    columns = {name: column[given] for name, column in point.items()} | _sequence_columns(ledger, point, given)
    story = ledger.story[given]
    return Payments(np.arange(1, rows + 1), (story != HONEST).astype(np.int64), story, columns)


def _terminal_risk(ledger: Ledger, windows: Windows, days: int) -> np.ndarray:
    """Share of fraud among the terminal's payments in `days` days, known only after the label's delay."""
    past = windows.bounds(days * DAY, LABEL_DELAY_DAYS * DAY)
    return np.round(windows.sum(past, ledger.story != HONEST) / np.maximum(windows.count(past), 1), 4)


def _point_columns(ledger: Ledger) -> dict:
    terminals = ledger.terminals
    by_card = Windows(ledger.card, ledger.seconds, 40 * DAY)
    by_terminal = Windows(ledger.terminal, ledger.seconds, 40 * DAY)
    by_place = Windows(ledger.card.astype(np.int64) * len(terminals.mcc) + ledger.terminal, ledger.seconds, 40 * DAY)
    columns = {"paid_at": ledger.seconds * 1000, "paid_at_week": ledger.seconds * 1000, "amount_minor": ledger.minor}
    for days in (1, 7, 30):
        past = by_card.bounds(days * DAY)
        count = by_card.count(past)
        columns[f"card_count_{days}d"] = count
        if days > 1:
            columns[f"card_mean_minor_{days}d"] = by_card.sum(past, ledger.minor) // np.maximum(count, 1)
    mean = columns["card_mean_minor_30d"]
    ratio = np.where(mean > 0, np.round(ledger.minor / np.maximum(mean, 1), 4), np.nan)
    gap = by_card.previous_gap(-1)
    country = COUNTRY_CODES[terminals.country]
    return columns | {
        "amount_ratio": ratio,
        "since_last_s": np.ma.masked_less(gap, 0),
        "same_terminal_30d": by_place.count(by_place.bounds(30 * DAY)),
        "terminal_count_7d": by_terminal.count(by_terminal.bounds(7 * DAY)),
        "terminal_risk_7d": _terminal_risk(ledger, by_terminal, 7),
        "terminal_risk_30d": _terminal_risk(ledger, by_terminal, 30),
        "abroad": terminals.country[ledger.terminal] != ledger.home[ledger.card],
        "country": country[ledger.terminal].astype(object),
        "mcc": MCC_CODES[terminals.mcc][ledger.terminal],
        "entry_mode": ENTRY_MODES[ledger.entry].astype(object),
        "merchant": terminals.merchant[ledger.terminal],
        "descriptor": terminals.descriptor[ledger.terminal],
    }


def _sequence_columns(ledger: Ledger, point: dict, given: np.ndarray) -> dict:
    """The card's payments before each given one, oldest first."""
    by_card = Windows(ledger.card, ledger.seconds, 0)
    place = by_card.back[given]
    lengths = np.minimum(place - by_card.starts()[place], HISTORY)
    past = gather(by_card.order, place - lengths, lengths)
    of = {"past_amount_minor": "amount_minor", "past_paid_at": "paid_at", "past_mcc": "mcc", "past_country": "country",
          "past_risk": "terminal_risk_30d"}
    columns = {name: Ragged(point[source][past.values], past.offsets) for name, source in of.items()}
    age = np.repeat(ledger.seconds[given], lengths) - ledger.seconds[past.values]
    columns["past_age_s"] = Ragged(age, past.offsets)
    return columns


def _texts(column: np.ndarray) -> list:
    """Each value as CSV and JSON write it; "" where it is missing."""
    if column.dtype == bool:
        return np.where(column, "true", "false").tolist()
    if column.dtype == object:
        return column.tolist()
    if isinstance(column, np.ma.MaskedArray):
        return ["" if gone else str(value) for value, gone in zip(column.data.tolist(), np.ma.getmaskarray(column))]
    return ["" if value != value else str(value) for value in column.tolist()]


def write_csv(payments: Payments, path: str) -> None:
    columns = [_texts(payments.columns[name]) for name in POINT]
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(",".join(("payment_id", *POINT, "is_fraud")) + "\n")
        for line in zip(_texts(payments.payment_id), *columns, _texts(payments.is_fraud)):
            file.write(",".join(line) + "\n")


def _json_texts(column) -> list:
    if isinstance(column, Ragged):
        flat = _json_texts(column.values)
        ends = column.offsets.tolist()
        return ["[" + ",".join(flat[a:b]) + "]" for a, b in zip(ends, ends[1:])]
    if column.dtype == object:
        quoted = {text: json.dumps(text) for text in set(column.tolist())}
        return [quoted[text] for text in column.tolist()]
    return [text or "null" for text in _texts(column)]


def write_ndjson(payments: Payments, path: str) -> None:
    parts = [(name, _json_texts(payments.columns[name])) for name in SEQUENCE]
    form = ('{"payment_id":%s,' + "".join(f'"{name}":%s,' for name, _ in parts) + '"is_fraud":%s}\n')
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for line in zip(_texts(payments.payment_id), *(texts for _, texts in parts), _texts(payments.is_fraud)):
            file.write(form % line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--start", default="2026-01-01", help="first day, in UTC")
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--csv", help="where the MLP's payments go")
    parser.add_argument("--ndjson", help="where the transformer's payments go")
    options = parser.parse_args()
    payments = make_payments(options.rows, options.seed, options.start, options.days)
    if options.csv:
        write_csv(payments, options.csv)
    if options.ndjson:
        write_ndjson(payments, options.ndjson)
    print(f"{len(payments)} payments, {int(payments.is_fraud.sum())} fraud ({100 * payments.is_fraud.mean():.2f} %)")


if __name__ == "__main__":
    main()

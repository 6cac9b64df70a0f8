# SPDX-License-Identifier: Apache-2.0
"""Reusable rows."""

import threading

import pytest
import weighbridge

ROW = {"amount_minor": 1250, "age_days": 2.5, "country": "FR", "online": True}


def test_a_row_is_filled_again_and_again(small):
    row = small.row()
    assert repr(row) == 'Row({"amount_minor":null,"age_days":null,"country":null,"online":null})'
    row.update(ROW)
    first = small.score(row).score
    assert first == small.score(ROW).score == small.score(small.row(ROW)).score
    row["age_days"] = 14.5
    row["country"] = "IT"
    row["online"] = False
    assert small.score(row).score == small.score({"amount_minor": 1250, "age_days": 14.5, "country": "IT", "online": 0}).score
    del row["country"]
    with pytest.raises(weighbridge.InvalidInput, match="country"):
        small.score(row)
    row.clear()
    assert bytes(row) == bytes(small.row())
    row.set_json('{"amount_minor": 1250, "age_days": 2.5, "country": "FR", "online": true}')
    assert small.score(row).score == first


def test_a_row_shows_no_private_value(small):
    assert repr(small.row(ROW)) == 'Row({"amount_minor":"<redacted>","age_days":2.5,"country":"FR","online":true})'
    assert "1250" not in small.row(ROW).json()


def test_a_long_text_grows_the_row(transformer, histories):
    row = transformer.row(histories[0])
    row["descriptor"] = "SHOP " * 10_000
    assert transformer.score(row).status == 0


def test_names_are_known(small):
    row = small.row()
    for act in (lambda: row.__setitem__("amount", 1), lambda: row.update({"amount": 1}), lambda: row.__delitem__("amount"),
                lambda: small.row({"amount": 1}), lambda: small.score({"amount": 1}), lambda: small.score([{"amount": 1}])):
        with pytest.raises(weighbridge.NotFound, match="'amount'.*amount_minor"):
            act()
    for name in (1, None, b"amount_minor", ["x"], "am\udcffount"):
        with pytest.raises(weighbridge.NotFound):
            row[name] = 1


def test_two_threads_on_one_row(mlp, payments):
    """Each call is answered or told that the row is in use; none is wrong."""
    row = mlp.row(payments[0])
    expected, busy, wrong = mlp.score(row).score, [0], []
    barrier = threading.Barrier(4)

    def use(setter):
        barrier.wait()
        for _ in range(3000):
            try:
                if setter:
                    row["card_count_7d"] = payments[0]["card_count_7d"]
                elif mlp.score(row).score != expected:
                    wrong.append(1)
            except weighbridge.Busy:
                busy[0] += 1

    threads = [threading.Thread(target=use, args=(i == 3,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and mlp.score(row).score == expected


def test_a_busy_row_says_so(mlp, payments):
    arrays = mlp.arrays(["card_count_7d"])
    assert arrays is not None
    row, seen = mlp.row(payments[0]), []

    class Reenter(dict):
        pass

    class Name:
        """Touches the row while the row is being filled."""

        def __ne__(self, other):
            try:
                row.clear()
            except weighbridge.Busy as busy:
                seen.append(busy)
            return False

        __hash__ = None

    with pytest.raises(weighbridge.InvalidInput):
        row.update(Reenter(card_count_7d=Name()))
    assert seen and "row: in use by another thread" in seen[0].message

# SPDX-License-Identifier: Apache-2.0
"""weighbridge.skew: what differs between two logs of the same payments, and what does not."""

import numpy as np
import pandas
import polars
import pytest

import weighbridge
from conftest import BUNDLES, golden_rows
from weighbridge._skew import ks_of, psi_of


def logs(rows: int = 1000, seed: int = 1) -> tuple[pandas.DataFrame, pandas.DataFrame]:
    rng = np.random.default_rng(seed)
    frame = pandas.DataFrame({"id": np.arange(rows), "amount": rng.integers(1, 1000, rows), "risk": rng.random(rows),
                              "country": rng.choice(["FR", "DE"], rows), "online": rng.random(rows) < 0.5,
                              "paid_at": pandas.Timestamp("2026-01-01") + pandas.to_timedelta(rng.integers(0, 10**6, rows), "s")})
    return frame, frame.copy()


def test_the_same_logs_do_not_differ_whatever_their_order():
    served, offline = logs()
    found = weighbridge.skew(served, offline.sample(frac=1, random_state=2), by="id")
    assert not found and found.joined == 1000 and found.different == []
    assert all(one.differing == 0 and one.psi == pytest.approx(0) for one in found.features)
    assert "0 of 5 features differ" in repr(found)


def test_what_differs_is_found_with_its_share_and_ids():
    served, offline = logs()
    served.loc[100:149, "amount"] *= 100  # euros for cents
    found = weighbridge.skew(served, offline, by="id")
    assert found and [one.name for one in found.different] == ["amount"]
    assert found["amount"].differing == 0.05 and found["amount"].examples == [100, 101, 102]
    assert found["amount"].ks == pytest.approx(0.05, abs=0.02)


def test_missing_values_differ_from_values_and_not_from_each_other():
    served, offline = logs()
    for frame in (served, offline):
        frame.loc[:9, ["risk", "country"]] = None
    served.loc[10:29, ["risk", "country"]] = None
    found = weighbridge.skew(served, offline, by="id")
    for name in ("risk", "country"):
        assert found[name].differing == 0.02 and found[name].examples == [10, 11, 12]
        assert (found[name].missing_served, found[name].missing_offline) == (0.03, 0.01)


def test_float32_in_one_log_is_no_difference():
    served, offline = logs()
    served["risk"] = served["risk"].astype(np.float32)
    assert not weighbridge.skew(served, offline, by="id")
    assert weighbridge.skew(served, offline, by="id", tolerance=0)["risk"].differing > 0.9


def test_types_that_differ_are_told():
    served, offline = logs()
    offline["online"] = offline["online"].map({True: "true", False: "false"})
    found = weighbridge.skew(served, offline, by="id")
    assert found["online"].differing == 1 and "bool served, str offline" in found["online"].note


def test_rows_and_columns_of_one_log_are_counted():
    served, offline = logs()
    found = weighbridge.skew(served.drop(columns="risk").iloc[100:], offline.iloc[:950], by="id")
    assert (found.joined, found.only_served, found.only_offline) == (850, 50, 100)
    assert found.columns_only_offline == ["risk"] and found and "only offline: risk" in repr(found)


def test_logs_of_different_payments_are_compared_as_distributions():
    served, offline = logs()
    served["id"] += 10_000
    served["risk"] = served["risk"] ** 3
    found = weighbridge.skew(served, offline, by="id")
    assert found.joined == 0 and np.isnan(found["risk"].differing)
    assert [one.name for one in found.different] == ["risk"] and found["risk"].psi > 0.25


def test_a_bundle_compares_what_its_model_sees():
    """Of two countries that it does not know, none is another; a clipped count neither. A shifted time is."""
    offline = pandas.DataFrame(golden_rows("card-mlp"))
    offline.insert(0, "id", range(len(offline)))
    offline["country"] = offline["country"].where(offline.index != 0, "XX")
    served = offline.copy()
    served.loc[0, "country"] = "YY"
    served["paid_at"] = served["paid_at"] + 3_600_000  # an hour
    plain = weighbridge.skew(served, offline, by="id")
    assert {one.name for one in plain.different} >= {"country", "paid_at"}
    found = weighbridge.skew(served, offline, by="id", bundle=BUNDLES / "card-mlp")
    assert [one.name for one in found.different] == ["paid_at"] and found["country"].encoded


def test_what_the_bundle_refuses_is_compared_as_it_stands():
    offline = pandas.DataFrame(golden_rows("card-mlp"))
    offline.insert(0, "id", range(len(offline)))
    served = offline.copy()
    served.loc[3, "card_count_7d"] = -1
    found = weighbridge.skew(served, offline, by="id", bundle=BUNDLES / "card-mlp")
    one = found["card_count_7d"]
    assert one.examples == [3] and not one.encoded and "card_count_7d" in one.note and "refuses" in one.note


def test_sequences_and_texts_are_compared_too():
    offline = pandas.DataFrame(golden_rows("card-transformer"))
    offline.insert(0, "id", range(len(offline)))
    served = offline.copy()
    longest = offline["past_risk"].str.len().idxmax()
    served.at[longest, "past_risk"] = [0.5, *offline.at[longest, "past_risk"][1:]]
    for bundle in (None, BUNDLES / "card-transformer"):
        found = weighbridge.skew(served, offline, by="id", bundle=bundle)
        assert [one.name for one in found.different] == ["past_risk"] and found["past_risk"].examples == [longest]


def test_polars_and_a_table_of_the_result():
    served, offline = logs()
    served.loc[0, "amount"] = 5000
    found = weighbridge.skew(polars.from_pandas(served), polars.from_pandas(offline), by="id")
    table = found.frame()
    assert table["name"].iloc[0] == "amount" and table["differing"].iloc[0] == 0.001
    assert "amount" in found._repr_html_()


def test_the_formulas_are_the_published_ones():
    scipy = pytest.importorskip("scipy.stats", reason="expected scipy, to compare the KS statistic with")
    rng = np.random.default_rng(4)
    a, b = rng.normal(0, 1, 500), rng.normal(0.3, 1.2, 700).round(1)  # with ties
    assert ks_of(a, b) == pytest.approx(scipy.ks_2samp(a, b).statistic, abs=1e-12)
    expected = (0.5 - 0.4) * np.log(0.5 / 0.4) + (0.5 - 0.6) * np.log(0.5 / 0.6)
    assert psi_of(np.array([0.5, 0.5, 0]), np.array([0.4, 0.6, 0])) == pytest.approx(expected, abs=1e-15)


def test_wrong_use_is_named():
    served, offline = logs(10)
    with pytest.raises(weighbridge.InvalidArgument, match="by: expected a column of the served log, got 'payment'"):
        weighbridge.skew(served, offline, by="payment")
    with pytest.raises(weighbridge.InvalidInput, match="offline: expected each 'id' once, got 0 more than once"):
        weighbridge.skew(served, pandas.concat([offline, offline]), by="id")
    with pytest.raises(weighbridge.InvalidInput, match="served: expected a DataFrame, got dict"):
        weighbridge.skew({}, offline, by="id")
    with pytest.raises(weighbridge.InvalidArgument, match="features: expected columns of the logs, got 'x'"):
        weighbridge.skew(served, offline, by="id", features=["x"])
    with pytest.raises(weighbridge.InvalidArgument, match="bundle: expected a bundle's directory"):
        weighbridge.skew(served, offline, by="id", bundle="nowhere")

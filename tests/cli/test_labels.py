# SPDX-License-Identifier: Apache-2.0
"""Rows without a label, labels as others write them, fallbacks and labels of one kind, in `weighbridge score`."""
import json

import pytest
from test_cli import HEADER, bundle, bundles, csv_of, expected, payments, pytestmark, rows_of, run, score, write  # noqa: F401

LABEL = ("--id", "id", "--label", "fraud", "--json")


def scored(bundle, directory, text, *more, suffix="csv", code=0):
    source = write(directory / f"in.{suffix}", text)
    done = score(bundle, source, directory / f"out.{suffix}", *LABEL, *more, code=code)
    return json.loads(done.stdout)


@pytest.mark.parametrize("batch", [(), ("--batch", "3")])
def test_rows_without_a_label_are_scored_and_counted(bundle, tmp_path, batch):
    labels = ["1", "0", "", "1.0", "0.0", "", "True", "False", "true", "false"]
    text = HEADER + "".join(f"p{i},{100 * i},1,FR,1,{label}\n" for i, label in enumerate(labels))
    summary = scored(bundle, tmp_path, text, *batch)
    assert (summary["rows"], summary["scored"], summary["rejected"]) == (10, 10, 0)
    assert (summary["labelled"], summary["unlabelled"], summary["ranked"]) == (8, 2, 8)
    assert sum(band["frauds"] for band in summary["decisions"]) == 4
    assert len(rows_of(tmp_path / "out.csv")) == 10


def test_ndjson_labels_may_be_null_absent_bool_and_float(bundle, tmp_path):
    payment = '"id": 1, "amount_minor": 5, "country": "FR", "online": true'
    labels = ["null", None, "1", "0", "1.0", "0.0", "true", "false", '"1"', '"0"', '""']
    lines = ["{%s}" % (payment if label is None else f'{payment}, "fraud": {label}') for label in labels]
    summary = scored(bundle, tmp_path, "\n".join(lines), suffix="ndjson")
    assert (summary["scored"], summary["labelled"], summary["unlabelled"]) == (11, 8, 3)


def test_another_label_rejects_its_row_and_says_what_is_expected(bundle, tmp_path):
    summary = scored(bundle, tmp_path, HEADER + "a,5,1,FR,1,2\nb,5,1,FR,1,1\nc,5,1,FR,1,0\n", code=3)
    assert (summary["scored"], summary["rejected"], summary["labelled"]) == (2, 1, 2)
    (reject,) = rows_of(tmp_path / "out.csv.rejects")
    assert "label 'fraud'" in reject["reason"] and "true or false" in reject["reason"]


def test_a_fallback_is_counted_and_not_ranked(bundle, tmp_path):
    metrics = pytest.importorskip("sklearn.metrics")
    summary = scored(bundle, tmp_path, csv_of(20000), "--deadline-us", "3", "--threads", "1")
    rows = rows_of(tmp_path / "out.csv")
    by_model = [i for i, row in enumerate(rows) if row["answer"] == "model"]
    assert summary["labelled"] == 20000 and summary["ranked"] == len(by_model)
    assert sum(summary["fallbacks"].values()) == 20000 - len(by_model)
    labels = [i % 10 == 0 for i in by_model]
    if len(set(labels)) == 2:
        scores = [float(rows[i]["score"]) for i in by_model]
        assert summary["auc"] == pytest.approx(metrics.roc_auc_score(labels, scores), abs=1e-12)
        assert summary["average_precision"] == pytest.approx(metrics.average_precision_score(labels, scores), abs=1e-12)


@pytest.mark.parametrize("label", [0, 1])
def test_labels_of_one_kind_have_scikit_learns_average_precision_and_no_auc(bundle, tmp_path, label):
    metrics = pytest.importorskip("sklearn.metrics")
    text = HEADER + "".join(f"p{i},{amount},{age},{country},{int(online)},{label}\n"
                            for i, amount, age, country, online in payments(50))
    summary = scored(bundle, tmp_path, text)
    scores = [float(row["score"]) for row in rows_of(tmp_path / "out.csv")]
    expected_precision = metrics.average_precision_score([label] * 50, scores)
    assert summary["average_precision"] == expected_precision == label
    assert summary["auc"] is None and f"every label is {label}" in summary["not_ranked"]
    assert "no AUC" in score(bundle, tmp_path / "in.csv", tmp_path / "out.csv", *LABEL[:-1]).stdout


def test_no_label_at_all_is_no_error(bundle, tmp_path):
    summary = scored(bundle, tmp_path, HEADER + "a,5,1,FR,1,\nb,5,1,FR,1,\n")
    assert (summary["scored"], summary["labelled"], summary["unlabelled"], summary["ranked"]) == (2, 0, 2, 0)
    assert summary["average_precision"] is None and "no row with a label" in summary["not_ranked"]

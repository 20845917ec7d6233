"""The predictions for the records that were scored, in a file: the same numbers as in the report, record by record."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, average_precision_score, roc_auc_score

import seqmix
from seqmix.errors import ConfigError
from seqmix.evaluation.predictions_file import write_predictions_file
from seqmix.objectives import KINDS


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, dialect="excel-tab"))


@pytest.fixture(scope="module")
def evaluated(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluation")
    return seqmix.evaluate(trained, output=folder, baselines=False, resamples=20), folder


def test_predictions_give_the_scores_of_the_report(evaluated, dataset):
    result, folder = evaluated
    rows, test, ids = rows_of(folder / "predictions-test.tsv"), dataset.indices("test"), dataset.ids()
    assert list(rows[0])[:5] == ["id", "label", "prediction", "prob_atrich", "prob_gcrich"]
    assert [row["id"] for row in rows] == [ids[i] for i in test]
    assert [row["label"] for row in rows] == [dataset.classes[c] for c in dataset.labels[test]]
    true, probability = [row["label"] for row in rows], [float(row["prob_gcrich"]) for row in rows]
    assert accuracy_score(true, [row["prediction"] for row in rows]) == result.scores["accuracy"].value
    assert roc_auc_score(true, probability) == pytest.approx(result.scores["ROC AUC"].value)
    curve = result.precision_recall["gcrich"]
    assert curve["area"] == pytest.approx(average_precision_score(np.array(true) == "gcrich", probability))
    assert curve["share"] == np.mean(np.array(true) == "gcrich") and curve["recall"][-1] == 1
    assert result.roc["gcrich"]["area"] == pytest.approx(roc_auc_score(true, probability))


def test_groups_and_nearness_are_columns_where_they_are_known(evaluated, dataset, tmp_path):
    indices, objective = dataset.indices("test"), dataset.label_objective
    predictions = np.full((len(indices), 2), 0.5)
    path = tmp_path / "predictions-test.tsv"
    nearness = np.linspace(0, 1, len(indices))
    nearness[1] = np.nan
    write_predictions_file(path, objective, dataset, indices, predictions, nearness=nearness, groups=np.arange(len(indices)))
    rows = rows_of(path)
    assert list(rows[0])[-2:] == ["nearness", "group"]
    assert [row["nearness"] for row in rows[:2]] == ["0", ""] and [row["group"] for row in rows[:3]] == ["0", "1", "2"]
    write_predictions_file(path, objective, dataset, indices, predictions)
    assert list(rows_of(path)[0])[-1] == "prob_gcrich"
    assert ("group" in rows_of(evaluated[1] / "predictions-test.tsv")[0]) == (dataset.groups is not None)


def test_the_name_follows_the_split(trained, tmp_path):
    seqmix.evaluate(trained, split="val", output=tmp_path, baselines=False, resamples=2)
    assert [path.name for path in tmp_path.glob("*.tsv")] == ["predictions-val.tsv"]


@pytest.mark.parametrize("content", ["", "id\tlength\tlabel\n", "id\tlabel\tprediction\tremarks\n", "id\tlabel\tprediction"])
def test_a_file_that_no_evaluation_wrote_is_kept(trained, tmp_path, content):
    path = tmp_path / "predictions-test.tsv"
    path.write_text(content)
    with pytest.raises(ConfigError, match="none has written; move it away, or choose another"):
        seqmix.evaluate(trained, output=tmp_path, baselines=False, resamples=2)
    assert path.read_text() == content and sorted(p.name for p in tmp_path.iterdir()) == [path.name]


def test_predictions_of_an_earlier_evaluation_are_replaced(trained, evaluated, tmp_path):
    for split in ("val", "test", "test"):
        seqmix.evaluate(trained, split=split, output=tmp_path, baselines=False, resamples=2)
    assert (tmp_path / "predictions-test.tsv").read_bytes() == (evaluated[1] / "predictions-test.tsv").read_bytes()


def test_worst_errors_are_the_most_certain_ones():
    classes = KINDS["classification"](("a", "b"))
    found = classes.worst(np.array([[0.6, 0.4], [0.9, 0.1], [0.2, 0.8], [0.9, 0.1]]), np.array([1, 0, 0, 1]), 2)
    assert [(one["index"], one["predicted"], one["probability"]) for one in found] == [(3, "a", 0.9), (2, "b", 0.8)]
    labels = KINDS["multilabel"](("a", "b"))
    found = labels.worst(np.array([[0.9, 0.4], [0.1, 0.9], [0.7, 0.2]]), np.array([[1, 0], [1, 1], [0, 0]], dtype=np.uint8), 9)
    assert [(one["index"], one["true"], one["predicted"], one["label"]) for one in found] == [
        (1, "a,b", "b", "a"),
        (2, "", "a", "a"),
    ]
    number = KINDS["regression"](())
    found = number.worst(np.array([[1.0], [5.0], [2.0]]), np.array([1.5, 2.0, 2.0]), 2)
    assert [(one["index"], one["error"]) for one in found] == [(1, 3.0), (0, -0.5)]


def test_a_report_lists_the_confusions_of_many_classes(trained, evaluated):
    from seqmix.evaluation.report import report_html
    from tests.support.pages import check_accessible

    size = 25
    confusion = [[4 * (i == j) for j in range(size)] for i in range(size)]
    confusion[2][7], confusion[3][1] = 1, 3
    many = replace(evaluated[0], classes=[f"class {n}" for n in range(size)], confusion=confusion)
    page = report_html(many, trained)
    check_accessible(page)
    assert page.index("class 3</th>") < page.index("43 %") < page.index("class 2</th>") < page.index("20 %")
    assert "Confusions" not in report_html(evaluated[0], trained)


def test_a_report_names_the_worst_errors_and_scores_by_length(trained, evaluated):
    from seqmix.evaluation.report import report_html
    from tests.support.pages import check_accessible

    worst = [
        {"id": "odd", "true": "a", "predicted": "b", "probability": 0.987, "nearness": near, "beginning": "ACGT<"}
        for near in (0.25, None)
    ]
    score = {"value": 0.5, "low": 0.25, "high": 0.75}
    bins = [{"shortest": 10 * n, "longest": 10 * n + 9, "records": 20, "scores": {"accuracy": score}} for n in (1, 2)]
    page = report_html(replace(evaluated[0], worst=worst, by_length=bins), trained)
    check_accessible(page)
    for words in ("Worst errors", "0.987", "0.250", "ACGT&lt;", "Scores by length", "20 to 29", "0.500 (0.250 to 0.750)"):
        assert words in page
    assert trained.config.data.path not in page  # where this computer has the data set

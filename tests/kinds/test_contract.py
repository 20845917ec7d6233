"""The contract that every kind of data is held to, from `prepare` to `compare`."""

import csv
import io
import json

import numpy as np
import pytest
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from seqmix.data.options import TASKS
from seqmix.objectives import KINDS as OBJECTIVES
from tests.support import compare_tiny, oracles, strict_json, train_tiny, values
from tests.support.kinds import COMBINATIONS, KINDS
from tests.support.pages import check_accessible
from tests.support.preparing import standard_input, write_jsonl

every_kind = pytest.mark.parametrize("name", KINDS)
every_other_kind = pytest.mark.parametrize("name", [name for name in KINDS if name != "classification"])  # has such tests
every_combination = pytest.mark.parametrize("name", KINDS | COMBINATIONS)

SHOWN = {
    "classification": ("largest class", "Confusion", "ROC", "Reliability"),
    "multilabel": ("frequencies of the labels", "exact match", "micro-F1", "ROC", "calibration error"),
    "regression": ("mean target", "predicted target", "Predicted over true targets"),
}
HIDDEN = {
    "classification": ("Predicted over", "ridge"),
    "multilabel": ("Confusion", "Reliability", "Predicted over", "ridge"),
    "regression": ("Confusion", "ROC", "calibration error", "Classes", " of 0 classes", "logistic"),
}


def answers(predictions):
    """Predictions as an array `(n, C)` or `(n, 1)`, in their order."""
    return np.array([[p.value] if p.value is not None else list(p.probabilities.values()) for p in predictions])


def test_every_kind_of_objective_is_tested():
    assert {kind.task for kind in KINDS.values()} == set(OBJECTIVES)
    assert tuple(OBJECTIVES) == TASKS


def title(kind):
    """The name of the best simple method in full."""
    return f"{kind.baseline[0]} {'ridge' if kind.task == 'regression' else 'logistic'} regression"


@every_combination
def test_small_set_is_learned(name, made, tmp_path):
    one = made(name)
    result = seqmix.evaluate(one.run, split=one.kind.learned_of, output=tmp_path, baselines=False, resamples=2)
    assert [score for score, least in one.kind.learned.items() if not values(result)[score] >= least] == []
    assert one.run.objective.kind == one.data.info["task"] == one.kind.task and one.data.labelled
    assert all(f"val_{score}" in one.run.history()[0] for score in one.run.objective.columns)


@every_combination
def test_scores_match_predictions_and_scikit_learn(name, made):
    one = made(name)
    ids, test, task = one.data.ids(), one.data.indices("test"), one.kind.task
    found = {p.id: answers([p])[0] for p in seqmix.predict(one.file, one.run)}
    predictions, truth = np.array([found[ids[i]] for i in test]), one.data.labels[test]
    expected = getattr(oracles, task)(predictions[:, 0] if task == "regression" else predictions, truth)
    if tolerance := one.kind.options.get("tolerance"):
        expected["within tolerance"] = (np.abs(predictions[:, 0] - truth) <= tolerance).mean()
    assert values(one.evaluation) == pytest.approx(expected, abs=1e-5)
    content = strict_json(one.folder / "test" / "evaluation.json")
    assert (content["task"], content["records"], content["classes"]) == (task, len(test), one.data.classes)
    assert all(score["low"] <= score["value"] <= score["high"] for score in content["scores"].values())


@every_combination
def test_report_shows_baselines_and_what_the_kind_has(name, made):
    one = made(name)
    result, (method, least) = one.evaluation, one.kind.baseline
    first = result.columns[0]
    assert list(result.baselines)[:2] == [one.run.objective.constant, "length only"]
    assert result.baselines[method][first] >= least
    page = (one.folder / "test" / "report.html").read_text()
    assert [words for words in HIDDEN[one.kind.task] if words in page] == []
    shown = (*SHOWN[one.kind.task], title(one.kind), *one.data.classes, f"{values(result)[first]:.3f}")
    assert [words for words in shown if words not in page] == []
    check_accessible(page)
    with (one.folder / "test" / "predictions-test.tsv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, dialect="excel-tab"))
    found = {p.id: p for p in seqmix.predict(one.file, one.run)}
    assert len(rows) == result.records and [row["id"] for row in rows] == [row["id"] for row in one.test_rows]
    for row in rows:
        expected = found[row["id"]]
        assert row["prediction"] == expected.label or float(row["prediction"]) == pytest.approx(expected.value, abs=1e-4)


@every_kind
def test_new_files_have_scores_of_the_split_they_hold(name, made, tmp_path):
    one = made(name)
    file = write_jsonl(tmp_path / "new.jsonl", one.test_rows)
    result = seqmix.evaluate(one.run, data=[file], output=tmp_path / "new", resamples=2)
    assert values(result) == pytest.approx(values(one.evaluation), abs=1e-5)
    assert result.baselines.keys() == one.evaluation.baselines.keys() and result.source == str(file)
    for method, scores in one.evaluation.baselines.items():
        assert result.baselines[method] == pytest.approx(scores, nan_ok=True)


@every_combination
def test_prediction_does_not_depend_on_neighbours(name, made, tmp_path, monkeypatch):
    one = made(name)
    rows = one.kind.rows(20)
    for n in (1, 10, 40):  # of other lengths by far
        long = one.kind.rows(1, seed=n)[0]
        rows.append(long | {"id": f"long-{n}"} | {key: _longer(long[key], n) for key in one.kind.inputs})
    file = write_jsonl(tmp_path / "x.jsonl", rows)
    predictions = list(seqmix.predict(file, one.run))
    assert [p.id for p in predictions] == [row["id"] for row in rows]
    standard_input(monkeypatch, write_jsonl(tmp_path / "y.jsonl", rows[::-1]).read_bytes())
    for found in (
        seqmix.predict(file, one.run, batch_size=1),
        seqmix.predict(file, one.run, batch_size=7),
        seqmix.predict(file, one.run, tokens_per_batch=60),
        list(seqmix.predict("-", one.run))[::-1],
    ):
        np.testing.assert_allclose(answers(found), answers(predictions), rtol=0, atol=1e-5)


def _longer(text, n):
    return " ".join([text] * n) if isinstance(text, str) and " " in text else text * n


@every_combination
def test_predictions_in_memory_equal_those_of_a_file(name, made):
    one = made(name)
    expected = list(seqmix.predict(one.file, one.run))
    assert one.run.predict([(row["id"], *(row[key] for key in one.kind.inputs)) for row in one.rows]) == expected


@every_kind
def test_predictions_have_the_same_columns_in_every_format(name, made):
    one = made(name)
    expected = list(seqmix.predict(one.file, one.run))

    def predicted(format):
        result = CliRunner().invoke(app, ["predict", str(one.file), "--run", str(one.run.path), "--format", format])
        assert result.exit_code == 0, result.output
        return result.stdout

    pair, answer = ["pair_length"] * ("pair_column" in one.kind.options), one.run.objective.answer_column
    header = ["id", "length", *pair, answer, *(f"prob_{label}" for label in one.data.classes), "novelty"]
    for format, dialect in (("tsv", "excel-tab"), ("csv", "excel")):
        columns, *lines = csv.reader(io.StringIO(predicted(format)), dialect)
        assert columns == header
        assert [line[:2] for line in lines] == [[p.id, str(p.length)] for p in expected]
        numbers = [[float(cell) for cell in line[-answers(expected).shape[1] - 1 : -1]] for line in lines]
        np.testing.assert_allclose(numbers, answers(expected), rtol=1e-5)
    for line, p in zip(map(json.loads, predicted("jsonl").splitlines()), expected, strict=True):
        assert list(line) == ["id", "length", *pair, answer, *(["prob"] if one.data.classes else []), "novelty"]
        assert line.get("prob", {}) == pytest.approx(p.probabilities, rel=1e-5)
        assert line[answer] == (p.label if one.data.classes else pytest.approx(p.value, rel=1e-5))


class StoppedError(Exception):
    pass


@every_other_kind
def test_resume_is_bit_identical(name, made, tmp_path):
    one, options, steps = made(name), {"epochs": 3, "save_every": 2, "tokens_per_batch": 512}, []

    def count(event):
        steps.append(getattr(event, "step", 0))

    whole = train_tiny(one.data, tmp_path / "whole", *one.kind.settings, on_event=count, **options)
    assert max(steps) >= 5

    def stop(event):
        if getattr(event, "step", 0) == max(steps) - 1:
            raise StoppedError

    with pytest.raises(StoppedError):
        train_tiny(one.data, tmp_path / "stopped", *one.kind.settings, on_event=stop, **options)
    seqmix.train(output=tmp_path / "stopped", resume=True)
    for file in ("model.safetensors", "last/state.safetensors"):
        assert (tmp_path / "stopped" / file).read_bytes() == (whole.path / file).read_bytes()


@every_other_kind
def test_mixers_are_compared_by_the_first_score(name, made, tmp_path, monkeypatch):
    one = made(name)
    found = compare_tiny(one.data, tmp_path / "c", monkeypatch)
    assert found.scores == list(one.run.objective.columns[:3])
    assert [trial.error for trial in found.trials] == ["", ""]
    first = [row.figures[found.scores[0]].mean for row in found.rows]
    assert first == sorted(first, reverse=True)
    assert one.kind.baseline[0] in found.baselines
    assert title(one.kind) in {row.method for row in found.rows if row.baseline}
    content, page = strict_json(tmp_path / "c" / "compare.json"), (tmp_path / "c" / "compare.html").read_text()
    assert content["data"]["task"] == one.kind.task
    assert all(words in page for words in (title(one.kind), one.run.objective.constant, *found.scores))
    assert ("classes" in page) == bool(one.data.classes)

"""Several labels a record, from `prepare` to `predict`."""

import csv
import io
import re
from functools import partial

import numpy as np
import pytest
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from seqmix.errors import ConfigError, InputError
from seqmix.evaluation.baselines import baseline_scores
from seqmix.objectives.multilabel import MultiLabel
from tests.support import strict_json, train_tiny, values, write_fasta
from tests.support.kinds import multilabel_rows as rows
from tests.support.preparing import message_of, prepare, write_jsonl, write_table

# Preparing.

KIND = "multilabel"


def named(data):
    """Every record: id -> set of its labels."""
    rows = [{data.classes[c] for c in np.flatnonzero(row)} for row in data.labels]
    return dict(zip(data.ids(), rows, strict=True))


def test_labels_are_a_matrix(data):
    assert (data.info["task"], data.classes) == ("multilabel", ["adenine", "cytosine"])
    assert data.labels.shape == (80, 2) and set(data.labels.ravel()) == {0, 1}
    assert named(data) == {row["id"]: set(row["label"].split(", ")) - {""} for row in rows(80)}
    assert data.info["counts"]["train"]["adenine"] == data.labels[data.indices("train"), 0].sum()


def test_every_label_source_gives_the_same_labels(data, tmp_path):
    made = [row | {"label": row["label"].split(", ") if row["label"] else []} for row in rows(80)]
    as_lists = prepare(write_jsonl(tmp_path / "x.jsonl", made), tmp_path / "lists", label_separator=",")
    headers = [(f"{row['id']} label={row['label'].replace(', ', '+')}", row["text"]) for row in rows(80) if row["label"]]
    in_headers = prepare(write_fasta(tmp_path / "x.fa", headers), tmp_path / "headers", label_separator="+")
    bars = prepare(write_table(tmp_path / "b.csv", rows(80, separator="||")), tmp_path / "bars", label_separator="||")
    made = [{"id": row["id"], "text": row["text"]} for row in rows(80)]
    labels = write_table(tmp_path / "labels.csv", [{"id": row["id"], "label": row["label"]} for row in rows(80)])
    table = write_table(tmp_path / "t.csv", made)
    beside = prepare(table, tmp_path / "beside", label_separator=",", label_from=f"table:{labels}")
    expected = named(data)
    assert named(as_lists) == named(bars) == named(beside) == expected
    more = write_table(tmp_path / "more.csv", [*made, {"id": "new", "text": "ACGT"}])
    message = message_of(prepare, more, tmp_path / "none", label_separator=",", label_from=f"table:{labels}")
    assert "record 'new'" in message and "no label: 1 of 81 records" in message
    assert named(in_headers) == {name: labels for name, labels in expected.items() if labels}


def test_rarest_label_is_in_every_split(tmp_path):
    made = rows(100)
    for i in (3, 17, 30, 55, 78):
        made[i]["label"] += ",rare"
    data = prepare(write_table(tmp_path / "x.csv", made), tmp_path / "data", label_separator=",")
    rare = data.labels[:, data.classes.index("rare")] > 0
    assert np.bincount(data.split[rare]).tolist() == [3, 1, 1]
    for c in range(2):
        shares = [data.labels[data.split == split, c].mean() for split in range(3)]
        assert np.ptp(shares) < 0.2


def test_rare_label_is_noted_and_unlearnable_label_is_an_error(tmp_path):
    made = rows(40)
    made[0]["label"] = "single"
    notes = prepare(write_table(tmp_path / "x.csv", made), tmp_path / "data", label_separator=",").info["notes"]
    assert {f"class 'single' has no record in the {split} split" for split in ("val", "test")} <= set(notes)
    made = [row | {"part": "test" if row["label"] == "single" else ["train", "val"][i // 4 % 2]} for i, row in enumerate(made)]
    path = write_table(tmp_path / "y.csv", made)
    message = message_of(prepare, path, tmp_path / "none", label_separator=",", split_from="column:part")
    assert "'single' has no record in the training split" in message


def test_order_of_labels_does_not_matter(tmp_path):
    made = [{"text": row["text"], "label": ["a,b", " b,a,,b"][again]} for again in (0, 1) for row in rows(30)]
    data = prepare(write_table(tmp_path / "x.csv", made), tmp_path / "data", label_separator=",")
    assert (data.labels == 1).all() and data.info["duplicates"]["with_different_labels"] == 0


@pytest.mark.parametrize(
    ("labels", "options", "error", "words"),
    [
        (["a"], {"label_separator": ",", "task": "classification"}, ConfigError, "go together"),
        (["a"], {"task": "multilabel"}, ConfigError, "label_separator=','"),
        (["", " "], {"label_separator": ","}, InputError, "no record has a label"),
        ([",", " , ,"], {"label_separator": ","}, InputError, "no record has a label"),
        (["a"], {"label_separator": ",", "label_from": "column:other"}, InputError, "no column 'other'"),
        (["a"], {"label_separator": ",", "classes": ("b",)}, InputError, "none of the classes"),
    ],
)
def test_missing_labels_are_explained(labels, options, error, words, tmp_path):
    path = write_table(tmp_path / "x.csv", [row | {"label": labels[i % len(labels)]} for i, row in enumerate(rows(20))])
    with pytest.raises(error, match=words):
        prepare(path, tmp_path / "data", **options)
    assert not (tmp_path / "data").exists()


def test_files_without_labels_are_an_error(tmp_path):
    path = write_fasta(tmp_path / "x.fa", [("a", "ACGT"), ("b", "ACGTA")])
    assert "no labels were found" in message_of(prepare, path, tmp_path / "data", label_separator=",")


def test_only_requested_classes_are_kept(file, tmp_path):
    data = prepare(file, tmp_path / "data", label_separator=",", classes=("adenine",))
    assert (data.classes, len(data), data.info["dropped"]["of other classes"]) == (["adenine"], 40, 40)
    assert (data.labels == 1).all()


def test_table_counts_records_not_labels(file, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    arguments = ["prepare", file, "-o", tmp_path / "data", "--label-separator", ","]
    shown = CliRunner().invoke(app, [*map(str, arguments)]).stderr
    assert re.search(r"adenine\D+24\D+8\D+8\D+40", shown)
    assert re.search(r"records\D+48\D+16\D+16\D+80", shown)


# Training.


@pytest.mark.parametrize(
    ("select", "score"), [("micro-f1", "micro-F1"), ("accuracy", "exact match"), ("loss", "log loss"), ("roc-auc", "ROC AUC")]
)
def test_best_weights_are_selected_by_requested_score(select, score, data, tmp_path):
    run = train_tiny(data, tmp_path / "run", epochs=3, select=select)
    best = (min if select == "loss" else max)(line[f"val_{score}"] for line in run.history())
    result = seqmix.evaluate(run, split="val", output=tmp_path, baselines=False, resamples=2)
    assert values(result)[score] == pytest.approx(best, abs=1e-5)


def test_selecting_score_of_another_kind_is_an_error(data, tmp_path):
    message = message_of(train_tiny, data, tmp_path / "run", select="r2")
    assert "'r2' is not a score of multilabel data" in message and "micro-f1" in message


def test_label_of_all_records_is_learned_with_balanced_weights(tmp_path):
    made = [row | {"label": row["label"] + ",always"} for row in rows(40)]
    data = prepare(write_table(tmp_path / "x.csv", made), tmp_path / "data", label_separator=",")
    run = train_tiny(data, tmp_path / "run", epochs=8, class_weights="balanced")
    result = seqmix.evaluate(run, output=tmp_path / "out", resamples=20)
    assert next(row for row in result.per_class if row["class"] == "always")["recall"] == 1
    strict_json(tmp_path / "out" / "evaluation.json")


def test_dna_recipe_learns_labels(data, tmp_path):
    settings = ["model.d_model=8", "model.words=2", "model.d_words=8"]
    run = seqmix.train(data, tmp_path / "run", mixer="conv", epochs=12, lr=0.02, tokens_per_batch=256, settings=settings)
    assert run.config.training.label_smoothing == 0.1
    assert values(seqmix.evaluate(run, baselines=False, resamples=2))["ROC AUC"] > 0.9


# Evaluating.


def test_report_has_figures_of_each_label(one):
    result, test = one.evaluation, one.data.indices("test")
    assert (result.confusion, result.points, list(result.roc)) == ([], {}, ["adenine", "cytosine"])
    assert [row["records"] for row in result.per_class] == one.data.labels[test].sum(0).tolist()


def test_baselines_are_scored(data):
    found = baseline_scores(data)
    assert list(found) == ["frequencies of the labels", "length only", "composition", "4-mers", "6-mers", "best k-mers"]
    train, test = data.labels[data.indices("train")], data.labels[data.indices("test")]
    frequencies = np.tile(train.mean(0), (len(test), 1))
    assert found["frequencies of the labels"] == pytest.approx(
        MultiLabel(("a", "b")).point_scores(frequencies, test), nan_ok=True
    )
    assert found["4-mers"]["ROC AUC"] > 0.9
    assert found["4-mers"]["exact match"] > found["length only"]["exact match"]


def test_new_files_may_lack_labels_but_not_have_others(run, one, tmp_path):
    chosen = one.test_rows
    single = [row for row in chosen if row["label"] == "adenine"]
    result = seqmix.evaluate(run, data=[write_table(tmp_path / "a.csv", single)], output=tmp_path / "a", resamples=5)
    assert any("no record of cytosine" in note for note in result.notes)
    assert strict_json(tmp_path / "a" / "evaluation.json")["scores"]["ROC AUC"]["value"] is None
    wrong = write_table(tmp_path / "wrong.csv", [chosen[0] | {"label": "adenine,uracil"}])
    message = message_of(seqmix.evaluate, run, data=[wrong], output=tmp_path / "none")
    assert "'uracil'; its classes are: adenine, cytosine" in message
    nothing = write_table(tmp_path / "nothing.csv", [row | {"label": ""} for row in single])
    result = seqmix.evaluate(run, data=[nothing], output=tmp_path / "nothing", baselines=False, resamples=5)
    assert values(result)["exact match"] <= 1 and strict_json(tmp_path / "nothing" / "evaluation.json")


# Predicting.


def predicted(*arguments):
    result = CliRunner().invoke(app, ["predict", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_labels_are_joined_by_separator_of_data(run, file):
    expected = [(p.id, p.label, p.probabilities) for p in seqmix.predict(file, run)]
    assert {label for _, label, _ in expected} == {"", "adenine", "cytosine", "adenine,cytosine"}
    for _, label, probabilities in expected:
        assert label == ",".join(name for name, value in probabilities.items() if value >= 0.5)
    lines = csv.DictReader(io.StringIO(predicted(file, "--run", run.path)), dialect="excel-tab")
    assert [(line["id"], line["label"]) for line in lines] == [(name, label) for name, label, _ in expected]


def test_threshold_decides_which_labels_are_predicted(run, file):
    def labels(threshold):
        return [p.label for p in seqmix.predict(file, run, threshold=threshold)]

    assert set(labels(0.0)) == {"adenine,cytosine"}
    assert set(labels(1.0)) == {""}
    assert labels(0.5) == labels(None)
    refused = partial(message_of, lambda threshold: list(seqmix.predict(file, run, threshold=threshold)))
    assert "0 to 1" in refused(1.5) and "0 to 1" in refused(float("nan"))
    header, first, *_ = predicted(file, "--run", run.path, "--top", "1", "--threshold", "0.9").splitlines()
    assert header.split("\t") == ["id", "length", "label", "label_1", "prob_1", "novelty"]
    assert first.split("\t")[3] == "adenine"

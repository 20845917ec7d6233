"""Regression, from `prepare` to `predict`."""

import csv
import io
import json
import random
import re
import shutil
from functools import partial

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as oracle
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from seqmix.errors import ConfigError, InputError
from seqmix.evaluation.baselines import baseline_scores
from tests.support import compare_tiny, oracles, random_dna, strict_json, train_tiny, values, write_fasta
from tests.support.preparing import message_of, prepare, standard_input, write_jsonl, write_table

# Preparing.


def composition(sequence):
    """A target that is in the sequence."""
    return 10 + 3 * (sequence.count("A") - sequence.count("C")) / len(sequence)


def rows(n, seed=0, separator=""):
    rng = random.Random(seed)
    made = []
    for i in range(n):
        sequence = random_dna(rng.randint(15, 40), rng, (rng.choice([0.3, 1, 4]), 1, 1, 1))
        made.append({"id": f"r{i}", "text": separator.join(sequence), "y": round(composition(sequence), 4)})
    return made


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return write_table(tmp_path_factory.mktemp("file") / "x.csv", rows(60))


@pytest.fixture(scope="module")
def data(file, tmp_path_factory):
    return prepare(file, tmp_path_factory.mktemp("data") / "data", task="regression", label_from="column:y", tolerance=0.3)


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    return train_tiny(data, tmp_path_factory.mktemp("runs") / "run", epochs=40)


def test_labels_are_numbers_of_column(data):
    truth = {row["id"]: row["y"] for row in rows(60)}
    assert dict(zip(data.ids(), data.labels.tolist(), strict=True)) == truth
    assert (data.info["task"], data.classes, data.labelled) == ("regression", [], True)
    train = data.labels[data.indices("train")]
    target = data.info["target"]
    assert (target["mean"], target["scale"], target["tolerance"]) == pytest.approx((train.mean(), train.std(), 0.3))
    assert target["quantiles"]["50%"] == pytest.approx(np.median(data.labels))


@pytest.mark.parametrize("n", [5, 9, 10, 19, 20, 30, 45, 60, 101, 333])
def test_splits_are_stratified_over_target_range(n, tmp_path):
    data = prepare(write_table(tmp_path / "x.csv", rows(n)), tmp_path / "data", task="regression")
    for name, share in zip(("train", "val", "test"), (0.6, 0.2, 0.2), strict=True):
        assert abs(data.sizes[name] - share * n) <= max(1, 0.07 * n)
    ranks = stats.rankdata(data.labels) / n
    if n >= 100:
        for split in range(3):
            assert abs(ranks[data.split == split].mean() - 0.5) < 0.04


def test_tables_show_targets_not_classes(file, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    arguments = [
        "prepare",
        file,
        "-o",
        tmp_path / "data",
        "--task",
        "regression",
        "--tolerance",
        "0.1",
        "--label-from",
        "column:y",
    ]
    shown = CliRunner().invoke(app, [*map(str, arguments)]).stderr
    assert "60 records" in shown and "targets: quantiles" in shown and "lowest" in shown
    assert "class" not in shown
    assert re.search(r"records\D+36\D+12\D+12\D+60", shown)


@pytest.mark.parametrize(
    ("label", "options", "error", "words"),
    [
        ("many", {"task": "regression"}, InputError, "'many' is not a "),
        ("nan", {"task": "regression"}, InputError, "'nan' is not a "),
        ("inf", {"task": "regression"}, InputError, "'inf' is not a "),
        ("", {"task": "regression"}, InputError, "no label"),
        (1.5, {"tolerance": 0.1}, ConfigError, "tolerance needs task='regression'"),
        (1.5, {"task": "regression", "tolerance": 0.0}, ConfigError, "above 0"),
        (1.5, {"task": "regression", "tolerance": float("nan")}, ConfigError, "above 0"),
        (1.5, {"task": "regression", "label_separator": ","}, ConfigError, "go together"),
        (1.5, {"task": "ranking"}, ConfigError, "classification, multilabel, regression"),
        (1.5, {"task": "regression", "label_from": None}, InputError, "no labels were found"),
    ],
)
def test_invalid_targets_are_explained(label, options, error, words, tmp_path):
    made = rows(20)
    made[7]["y"] = label
    path = write_table(tmp_path / "x.csv", [{"id": r["id"], "text": r["text"], "amount": r["y"]} for r in made])
    with pytest.raises(error, match=words):
        prepare(path, tmp_path / "data", **{"label_from": "column:amount"} | options)
    assert not (tmp_path / "data").exists()


def test_constant_targets_are_an_error(tmp_path):
    path = write_table(tmp_path / "x.csv", [row | {"y": 0.1} for row in rows(20)])
    assert "all targets of the training split are 0.1" in message_of(prepare, path, tmp_path / "data", task="regression")


def test_numeric_classes_are_noted(tmp_path):
    made = rows(66)
    path = write_table(tmp_path / "x.csv", [row | {"y": i // 3} for i, row in enumerate(made)])
    assert any("--task regression" in note for note in prepare(path, tmp_path / "data").info["notes"])


def test_given_splits_may_lack_training_records(tmp_path):
    path = write_table(tmp_path / "x.csv", [row | {"part": "test"} for row in rows(10)])
    data = prepare(path, tmp_path / "data", task="regression", split_from="column:part")
    assert data.sizes == {"train": 0, "val": 0, "test": 10}
    assert "training split is empty" in message_of(seqmix.train, data, tmp_path / "run")


def test_duplicates_with_different_targets_stay_together_and_are_noted(tmp_path):
    made = rows(30)
    path = write_table(tmp_path / "x.csv", [*made, *(row | {"id": f"again-{row['id']}", "y": row["y"] + 1} for row in made)])
    data = prepare(path, tmp_path / "data", task="regression")
    split = dict(zip(data.ids(), data.split.tolist(), strict=True))
    assert all(split[row["id"]] == split[f"again-{row['id']}"] for row in made)
    assert any("30 sequences occur under more than one label" in note for note in data.info["notes"])


def test_equal_numbers_in_different_notation_are_equal(tmp_path):
    made = [{"text": row["text"], "y": f"{i % 5}.0" if again else i % 5} for again in (0, 1) for i, row in enumerate(rows(30))]
    data = prepare(write_table(tmp_path / "x.csv", made), tmp_path / "data", task="regression")
    assert data.info["duplicates"]["with_different_labels"] == 0 and data.info["notes"] == []


# Training.


def test_overfits_a_small_set(run, tmp_path):
    scores = values(seqmix.evaluate(run, split="train", output=tmp_path, baselines=False, resamples=2))
    assert scores["R2"] > 0.9 and scores["within tolerance"] > 0.9
    assert list(run.history()[0]) >= ["epoch"] and run.history()[-1]["val_R2"] > 0.5


def test_loss_is_squared_error_in_standard_deviations(data, tmp_path):
    run = train_tiny(data, tmp_path / "run", lr=1e-12, epochs=1)
    result = seqmix.evaluate(run, split="train", output=tmp_path, baselines=False, resamples=2)
    expected = (values(result)["RMSE"] / data.info["target"]["scale"]) ** 2
    assert run.history()[0]["train_loss"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("select", "score"), [("loss", "RMSE"), ("r2", "R2"), ("within", "within tolerance")])
def test_best_weights_are_selected_by_requested_score(select, score, data, tmp_path):
    run = train_tiny(data, tmp_path / "run", epochs=4, select=select)
    best = (min if select == "loss" else max)(line[f"val_{score}"] for line in run.history())
    result = seqmix.evaluate(run, split="val", output=tmp_path, baselines=False, resamples=2)
    assert values(result)[score] == pytest.approx(best, abs=1e-5)


def test_options_for_classes_are_errors(file, data, tmp_path):
    tell = partial(message_of, train_tiny, data, tmp_path / "run")
    assert "loss, r2, within" in tell(select="macro-f1")
    assert "a regression has no classes" in tell(class_weights="balanced")
    assert "a regression has no classes" in tell("training.label_smoothing=0.1")
    plain = prepare(file, tmp_path / "data", task="regression")
    assert "tolerance" in message_of(train_tiny, plain, tmp_path / "run", select="within")
    assert not (tmp_path / "run").exists()


def test_dna_recipe_works(data, tmp_path):
    small = {"epochs": 1, "tokens_per_batch": 512, "settings": ["model.d_model=4", "model.words=2", "model.d_words=4"]}
    run = seqmix.train(data, tmp_path / "a", **small)
    assert (run.config.training.label_smoothing, run.config.model.dropout_branch) == (0.0, 0.5)
    named = seqmix.train(data, tmp_path / "b", recipe="dna", **small)
    assert (named.path / "model.safetensors").read_bytes() == (run.path / "model.safetensors").read_bytes()
    seqmix.train(data, tmp_path / "b", recipe="dna", resume=True, **small)


class StoppedError(Exception):
    pass


def test_resume_is_bit_identical(data, tmp_path):
    whole = train_tiny(data, tmp_path / "whole", "model.dropout=0.2", epochs=3, save_every=2)

    def stop(event):
        if getattr(event, "step", 0) == 5:
            raise StoppedError

    with pytest.raises(StoppedError):
        train_tiny(data, tmp_path / "stopped", "model.dropout=0.2", epochs=3, save_every=2, on_event=stop)
    seqmix.train(output=tmp_path / "stopped", resume=True)
    for name in ("model.safetensors", "last/state.safetensors"):
        assert (tmp_path / "stopped" / name).read_bytes() == (whole.path / name).read_bytes()


def test_constant_validation_split_works(tmp_path):
    made = [row | {"part": "val" if i < 5 else "test" if i < 10 else "train"} for i, row in enumerate(rows(40))]
    made = [row | {"y": 0.1} if row["part"] == "val" else row for row in made]
    data = prepare(write_table(tmp_path / "x.csv", made), tmp_path / "data", task="regression", split_from="column:part")
    run = train_tiny(data, tmp_path / "run", select="r2")
    assert run.history()[0]["val_R2"] is None
    seqmix.evaluate(run, split="val", resamples=20)
    assert strict_json(run.path / "evaluation.json")["scores"]["R2"] == {"value": None, "low": None, "high": None}
    assert values(seqmix.evaluate(run, resamples=2))["RMSE"] > 0


# Evaluating.


def test_scores_match_predictions(run, data, file, tmp_path):
    result = seqmix.evaluate(run, output=tmp_path, resamples=50)
    found = {p.id: p.value for p in seqmix.predict(file, run)}
    ids, test = data.ids(), data.indices("test")
    numbers, truth = np.array([found[ids[i]] for i in test]), data.labels[test]
    within = (np.abs(numbers - truth) <= 0.3).mean()
    assert values(result) == pytest.approx(oracles.regression(numbers, truth) | {"within tolerance": within}, abs=1e-5)
    content = strict_json(tmp_path / "evaluation.json")
    assert (content["task"], content["records"], content["classes"]) == ("regression", 12, [])
    assert (content["calibration_error"], content["confusion"], content["roc"]) == (None, [], {})
    assert sorted(content["points"]["true"]) == pytest.approx(sorted(truth))
    assert np.corrcoef(content["points"]["true"], content["points"]["predicted"])[0, 1] == pytest.approx(
        values(result)["Pearson"]
    )
    for score in content["scores"].values():
        assert score["low"] <= score["value"] <= score["high"]
    page = (tmp_path / "report.html").read_text()
    for words in (
        "within tolerance",
        "Predicted over true targets",
        "predicted target",
        "4-mers ridge regression",
        "mean target",
    ):
        assert words in page
    for words in ("Confusion", "ROC", "calibration", "Classes", " of 0 classes", "logistic"):
        assert words not in page
    assert f"{values(result)['R2']:.3f}" in page


def test_baselines_are_scored(data):
    found = baseline_scores(data)
    assert list(found) == ["mean target", "length only", "4-mers", "6-mers"]
    test, mean = data.labels[data.indices("test")], data.labels[data.indices("train")].mean()
    expected = {"R2": oracle.r2_score(test, np.full(12, mean)), "RMSE": np.sqrt(((test - mean) ** 2).mean())}
    assert {name: found["mean target"][name] for name in expected} == pytest.approx(expected)
    assert np.isnan(found["mean target"]["Pearson"])
    assert found["4-mers"]["R2"] > 0.5 > found["length only"]["R2"]


@pytest.mark.parametrize(("unit", "offset"), [(1e-9, 0), (1e9, 0), (1, 1e7)])
def test_baselines_do_not_depend_on_unit(unit, offset, data, tmp_path):
    path = write_table(tmp_path / "x.csv", [row | {"y": row["y"] * unit + offset} for row in rows(60)])
    other = prepare(path, tmp_path / "data", task="regression")
    expected, found = (baseline_scores(one) for one in (data, other))
    assert found["4-mers"]["R2"] == pytest.approx(expected["4-mers"]["R2"], abs=1e-3)


def test_new_labelled_files_are_evaluated(run, data, tmp_path):
    test = set(data.indices("test").tolist())
    made = {row["id"]: row for row in rows(60)}
    chosen = [made[name] for i, name in enumerate(data.ids()) if i in test]
    path = write_jsonl(tmp_path / "new.jsonl", chosen)
    result = seqmix.evaluate(run, data=[path], output=tmp_path / "new", resamples=2)
    assert values(result) == pytest.approx(values(seqmix.evaluate(run, output=tmp_path / "split", resamples=2)), abs=1e-5)
    assert result.baselines["4-mers"]["R2"] > 0.5
    one = seqmix.evaluate(run, data=[write_jsonl(tmp_path / "one.jsonl", chosen[:1])], output=tmp_path / "one", resamples=5)
    assert np.isnan(values(one)["R2"]) and values(one)["MAE"] > 0
    strict_json(tmp_path / "one" / "evaluation.json")
    wrong = write_jsonl(tmp_path / "wrong.jsonl", [chosen[0] | {"y": "much"}])
    assert "'much' is not a (finite) number" in message_of(seqmix.evaluate, run, data=[wrong], output=tmp_path / "none")
    bare = write_fasta(tmp_path / "bare.fa", [("a", "ACGT" * 5)])
    assert "column" in message_of(seqmix.evaluate, run, data=[bare], output=tmp_path / "none")


# Predicting.


def predicted(*arguments):
    result = CliRunner().invoke(app, ["predict", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_values_have_a_column_in_every_format(run, file):
    expected = [p.value for p in seqmix.predict(file, run)]
    for format, dialect in (("tsv", "excel-tab"), ("csv", "excel")):
        header, *lines = csv.reader(io.StringIO(predicted(file, "--run", run.path, "--format", format)), dialect)
        assert header == ["id", "length", "value"]
        assert [float(line[2]) for line in lines] == pytest.approx(expected, rel=1e-5)
    lines = [json.loads(line) for line in predicted(file, "--run", run.path, "--format", "jsonl").splitlines()]
    assert [list(line) for line in lines] == [["id", "length", "value"]] * 60
    assert [line["value"] for line in lines] == pytest.approx(expected, rel=1e-5)


def test_predict_options_for_classes_are_errors(run, file):
    result = CliRunner().invoke(app, ["predict", str(file), "--run", str(run.path), "--top", "1"])
    assert result.exit_code == 1 and "--top is for classes" in result.stderr and result.stdout == ""
    assert "several labels" in message_of(lambda: list(seqmix.predict(file, run, threshold=0.5)))


def test_prediction_does_not_depend_on_neighbours(run, file, monkeypatch):
    expected = {p.id: p.value for p in seqmix.predict(file, run)}
    for options in ({"batch_size": 1}, {"batch_size": 7}, {"tokens_per_batch": 50}):
        assert {p.id: p.value for p in seqmix.predict(file, run, **options)} == pytest.approx(expected, abs=1e-5)
    standard_input(monkeypatch, "".join(f">{row['id']}\n{row['text']}\n" for row in rows(60)[::-1]).encode())
    assert {p.id: p.value for p in seqmix.predict("-", run)} == pytest.approx(expected, abs=1e-5)


# Comparing.


def test_compare_uses_r2(data, tmp_path, monkeypatch):
    found = compare_tiny(data, tmp_path / "c", monkeypatch)
    assert found.scores == ["R2", "MAE", "within tolerance"]
    assert all(not t.error and t.scores["R2"] < 1 for t in found.trials)
    order = [row.figures["R2"].mean for row in found.rows]
    assert order == sorted(order, reverse=True)
    content, page = strict_json(tmp_path / "c" / "compare.json"), (tmp_path / "c" / "compare.html").read_text()
    assert content["data"]["task"] == "regression"
    assert "4-mers ridge regression" in page and "within tolerance" in page and "classes" not in page


# Data sets of earlier versions said less; those were all of classes.


def test_description_without_newer_keys_means_classification(dataset, tmp_path):
    old = shutil.copytree(dataset.path, tmp_path / "old")
    info = json.loads((old / "dataset.json").read_text())
    for key in ("task", "paired", "sizes"):
        del info[key]
    (old / "dataset.json").write_text(json.dumps(info))
    opened = seqmix.Dataset.open(old)
    assert (opened.n_sequences, opened.sizes, opened.fingerprint) == (1, dataset.sizes, dataset.fingerprint)
    new, before = train_tiny(dataset, tmp_path / "new-run"), train_tiny(opened, tmp_path / "old-run")
    assert before.load_model().state_dict().keys() == new.load_model().state_dict().keys()
    assert values(seqmix.evaluate(before, resamples=2)) == values(seqmix.evaluate(new, resamples=2))
    assert f"trained on {dataset.sizes['train']} records" in (before.path / "report.html").read_text()
    assert next(seqmix.predict(write_fasta(tmp_path / "x.fa", [("a", "ACGT")]), before)).label in dataset.classes


# Units.


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_errors_are_shown_in_unit_of_target(unit, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "150")
    path = write_table(tmp_path / "x.csv", [row | {"y": row["y"] * unit} for row in rows(40)])
    data = prepare(path, tmp_path / "data", task="regression")
    folder = tmp_path / "run"
    arguments = ["train", data.path, "-o", folder, "--mixer", "conv", "--epochs", 1, "--set", "model.words=0"]
    trained = CliRunner().invoke(app, [*map(str, arguments)]).stderr
    line = strict_json(folder / "metrics.jsonl")
    shown = CliRunner().invoke(app, ["eval", str(folder)]).stderr
    result = strict_json(folder / "evaluation.json")
    page = (folder / "report.html").read_text()
    for name in ("RMSE", "MAE"):
        assert f"{line[f'val_{name}']:.4g}" in trained
        for value in (*result["scores"][name].values(), result["baselines"]["4-mers"][name]):
            assert f"{value:.4g}" in shown and f"{value:.4g}" in page
    found = compare_tiny(data, tmp_path / "c", monkeypatch)
    assert f"{found.trials[0].scores['MAE']:.4g}" in (tmp_path / "c" / "compare.html").read_text()


def test_predictions_in_memory_have_values_and_no_probabilities(run, file):
    expected = list(seqmix.predict(file, run))
    with file.open() as lines:
        records = [(row["id"], row["text"]) for row in csv.DictReader(lines)]
    assert run.predict(records) == expected
    assert "predict() returns its values" in message_of(run.predict_proba, records)

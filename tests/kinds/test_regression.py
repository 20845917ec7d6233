"""Regression, from `prepare` to `predict`."""

import json
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
from tests.support import compare_tiny, strict_json, train_tiny, values, write_fasta
from tests.support.kinds import regression_rows as rows
from tests.support.preparing import message_of, prepare, write_jsonl, write_table

# Preparing.

KIND = "regression"


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


@pytest.mark.usefixtures("shipped_recipes")
def test_dna_recipe_works(data, tmp_path):
    small = {"epochs": 1, "tokens_per_batch": 512, "settings": ["model.d_model=4"]}
    run = seqmix.train(data, tmp_path / "a", **small)
    assert (run.config.training.label_smoothing, run.config.model.lexical) == (0.0, "kmers")
    named = seqmix.train(data, tmp_path / "b", recipe="dna", **small)
    assert (named.path / "model.safetensors").read_bytes() == (run.path / "model.safetensors").read_bytes()
    seqmix.train(data, tmp_path / "b", recipe="dna", resume=True, **small)


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


def test_report_has_points_of_true_and_predicted_targets(one):
    result = one.evaluation
    content = strict_json(one.folder / "test" / "evaluation.json")
    assert (content["calibration_error"], content["confusion"], content["roc"]) == (None, [], {})
    assert sorted(content["points"]["true"]) == pytest.approx(sorted(one.data.labels[one.data.indices("test")]))
    correlation = np.corrcoef(content["points"]["true"], content["points"]["predicted"])[0, 1]
    assert correlation == pytest.approx(values(result)["Pearson"])


def test_baselines_are_scored(data):
    found = baseline_scores(data)
    assert list(found) == ["mean target", "length only", "composition", "4-mers", "6-mers", "best k-mers"]
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


def test_single_new_record_is_evaluated_and_invalid_ones_are_explained(run, one, tmp_path):
    chosen = one.test_rows
    one = seqmix.evaluate(run, data=[write_jsonl(tmp_path / "one.jsonl", chosen[:1])], output=tmp_path / "one", resamples=5)
    assert np.isnan(values(one)["R2"]) and values(one)["MAE"] > 0
    strict_json(tmp_path / "one" / "evaluation.json")
    wrong = write_jsonl(tmp_path / "wrong.jsonl", [chosen[0] | {"y": "much"}])
    assert "'much' is not a (finite) number" in message_of(seqmix.evaluate, run, data=[wrong], output=tmp_path / "none")
    bare = write_fasta(tmp_path / "bare.fa", [("a", "ACGT" * 5)])
    assert "column" in message_of(seqmix.evaluate, run, data=[bare], output=tmp_path / "none")


# Predicting.


def test_predict_options_for_classes_are_errors(run, file):
    assert "predict() returns its values" in message_of(run.predict_proba, ["ACGT"])
    result = CliRunner().invoke(app, ["predict", str(file), "--run", str(run.path), "--top", "1"])
    assert result.exit_code == 1 and "--top is for classes" in result.stderr and result.stdout == ""
    assert "multilabel" in message_of(lambda: list(seqmix.predict(file, run, threshold=0.5)))


# Data sets of earlier versions said less; those were all of classes.


def test_description_without_newer_keys_means_classification(dataset, tmp_path):
    old = shutil.copytree(dataset.path, tmp_path / "old")
    info = json.loads((old / "dataset.json").read_text())
    for key in ("task", "paired", "sizes", "checksum"):
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
    arguments = ["train", data.path, "-o", folder, "--mixer", "conv", "--epochs", 1, "--set", "model.lexical=none"]
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

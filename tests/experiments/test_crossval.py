"""Cross-validation: every record once, by a model that has seen neither it nor its relatives; resumed to the same result."""

import csv
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from seqmix.data.record_groups import record_groups
from seqmix.data.resplit import OUT
from seqmix.errors import ConfigError, DatasetError, RunError
from seqmix.experiments import scheduler
from seqmix.experiments.crossval.folds import make_folds, split_of_fold
from seqmix.experiments.crossval.report import crossval_html
from tests.support import random_dna
from tests.support.kinds import KINDS
from tests.support.pages import check_accessible
from tests.support.preparing import prepare, write_jsonl

TINY = {"mixer": "conv", "epochs": 1, "tokens_per_batch": 512, "settings": ["model.d_model=4", "model.lexical=none"]}


@pytest.fixture(scope="module")
def grouped(tmp_path_factory):
    """Records in groups of one to four, some of them equal, of two classes."""
    rng = random.Random(0)
    rows = []
    for group in range(40):
        text = random_dna(rng.randint(30, 60), rng, (3, 1, 1, 3) if group % 2 else (1, 3, 3, 1))
        for _ in range(rng.randint(1, 4)):
            rows.append({"text": text if rng.random() < 0.5 else text[1:], "label": "ab"[group % 2], "group": f"g{group}"})
    return seqmix.prepare(records=rows, output=tmp_path_factory.mktemp("grouped") / "data", alphabet="dna")


def crossval(data, output, **options):
    return seqmix.crossval(data, output, **{**TINY, "folds": 3, "baselines": False} | options)


def test_every_record_is_predicted_once_by_a_model_without_its_relatives(launched, grouped, tmp_path):
    found = crossval(grouped, tmp_path / "cv")
    assert launched == ["fold1-seed0", "fold2-seed0", "fold3-seed0"]
    groups, predicted = grouped.groups, np.zeros(len(grouped))
    rows = list(csv.DictReader((tmp_path / "cv" / "crossval.tsv").read_text().splitlines(), dialect="excel-tab"))
    assert [row["id"] for row in rows] == grouped.ids()
    assert [int(row["group"]) for row in rows] == groups.tolist()
    for number in (1, 2, 3):
        run = seqmix.Run.open(tmp_path / "cv" / "runs" / f"fold{number}-seed0")
        split = np.load(run.path / "split.npy")
        predicted += split == 2
        assert not {*groups[split == 2]} & {*groups[split != 2]} and not {*groups[split == 0]} & {*groups[split == 1]}
        inside = np.flatnonzero(split == 2)
        assert [int(rows[i]["fold"]) for i in inside] == [number] * len(inside)
        expected = run.predict_proba([grouped[int(i)].text for i in inside])
        assert np.allclose([[float(rows[i][f"prob_{c}"]) for c in "ab"] for i in inside], expected, atol=1e-5)
    assert (predicted == 1).all()
    probabilities = np.array([[float(row[f"prob_{c}"]) for c in "ab"] for row in rows])
    right = (probabilities.argmax(1) == grouped.labels).mean()
    pooled = found.pooled.evaluation
    assert pooled.records == len(grouped) and pooled.scores["accuracy"].value == right
    assert found.pooled.groups == 40
    assert pooled.scores["accuracy"].low < right < pooled.scores["accuracy"].high
    assert found.mean["accuracy"].mean == pytest.approx(np.mean([fold.scores["accuracy"] for fold in found.folds]))
    assert found.notes[0].startswith(f"all {len(grouped)} records are divided into folds: {grouped.sizes['train']} of training")


def test_folds_answer_together_and_are_evaluated_on_their_own(launched, grouped, tmp_path):
    crossval(grouped, tmp_path / "cv")
    made = seqmix.Ensemble.open(tmp_path / "cv" / "ensemble")
    texts = [grouped[i].text for i in range(5)]
    assert np.allclose(made.predict_proba(texts), np.mean([run.predict_proba(texts) for run in made.members], axis=0))
    (tmp_path / "cv").rename(tmp_path / "moved")
    assert len(list(seqmix.predict(sequences=texts, run=tmp_path / "moved" / "ensemble"))) == 5
    with pytest.raises(DatasetError, match="seen in training by runs of this ensemble"):
        seqmix.evaluate(tmp_path / "moved" / "ensemble")
    run = seqmix.Run.open(tmp_path / "moved" / "runs" / "fold2-seed0")
    found = seqmix.evaluate(run, baselines=False, resamples=2)
    stored = json.loads((tmp_path / "moved" / "crossval.json").read_text())
    assert found.scores["accuracy"].value == stored["folds"][1]["scores"]["accuracy"]
    assert found.source == "test split (fold 2 of 3, seed 0)"
    assert seqmix.train(output=run.path, resume=True).path == run.path


def test_test_split_can_stay_out(launched, grouped, tmp_path):
    found = crossval(grouped, tmp_path / "cv", keep_test=True)
    assert found.pooled.evaluation.records == len(grouped) - grouped.sizes["test"]
    kept = seqmix.evaluate(tmp_path / "cv" / "ensemble", baselines=False, resamples=2)
    assert kept.records == grouped.sizes["test"]
    assert "stay out, for a final evaluation (--keep-test)" in found.notes[0]


def test_given_test_split_is_pointed_out(tmp_path):
    rows = KINDS["classification"].rows(40)
    for i, row in enumerate(rows):
        row["split"] = ("train", "val", "test")[i % 3]
    data = prepare(write_jsonl(tmp_path / "rows.jsonl", rows), tmp_path / "data", **KINDS["classification"].options)
    from seqmix.experiments.crossval.crossval import _remarks

    assert "if it is to stay unseen until the end, use --keep-test" in _remarks(data, False)[1]


@pytest.mark.parametrize("name", ["regression", "multilabel"])
def test_other_kinds(launched, name, tmp_path):
    kind = KINDS[name]
    data = prepare(write_jsonl(tmp_path / "rows.jsonl", kind.rows(kind.n)), tmp_path / "data", **kind.options)
    found = crossval(data, tmp_path / "cv", folds=2)
    assert found.pooled.evaluation.records == len(data) == sum(fold.records for fold in found.folds)
    page = crossval_html(found)
    assert page.count("<svg") >= 1
    check_accessible(page)


def test_seeds_are_averaged_and_can_be_added(launched, grouped, tmp_path):
    crossval(grouped, tmp_path / "cv", folds=2)
    found = crossval(grouped, tmp_path / "cv", folds=2, seeds=2)
    assert launched == ["fold1-seed0", "fold2-seed0", "fold1-seed1", "fold2-seed1"]
    assert len(seqmix.Ensemble.open(tmp_path / "cv" / "ensemble").members) == 4
    runs = [seqmix.Run.open(tmp_path / "cv" / "runs" / f"fold1-seed{seed}") for seed in (0, 1)]
    inside = np.flatnonzero(np.load(runs[0].path / "split.npy") == 2)
    answers = np.mean([run.predictor("cpu").of_dataset(grouped, inside) for run in runs], axis=0)
    expected = grouped.label_objective.point_scores(answers, grouped.labels[inside])
    assert found.folds[0].scores["log loss"] == pytest.approx(expected["log loss"])


def test_interrupted_cross_validation_is_resumed_to_the_same_result(launched, grouped, monkeypatch, tmp_path):
    genuine = scheduler.TrialProcess.launch

    def interrupted(launcher, spec):
        if "fold1" not in spec.folder:
            raise KeyboardInterrupt
        return genuine(launcher, spec)

    monkeypatch.setattr(scheduler.TrialProcess, "launch", interrupted)
    part = crossval(grouped, tmp_path / "cv")
    assert part.interrupted and part.pooled is None and len(part.folds) == 1
    assert "2 of 3 folds are missing" in part.notes[1]
    assert not (tmp_path / "cv" / "ensemble").exists() and "interrupted" in crossval_html(part)
    monkeypatch.setattr(scheduler.TrialProcess, "launch", genuine)
    found = crossval(grouped, tmp_path / "cv")
    assert launched == ["fold1-seed0", "fold2-seed0", "fold3-seed0"]
    assert found.pooled.evaluation.scores == crossval(grouped, tmp_path / "whole").pooled.evaluation.scores
    for options, message in (({"folds": 2}, "folds: 3 there, 2 now"), ({"epochs": 2}, "options: ")):
        with pytest.raises(RunError, match=message):
            crossval(grouped, tmp_path / "cv", **options)
    crossval(grouped, tmp_path / "cv", folds=2, overwrite=True)
    assert len(list((tmp_path / "cv" / "runs").iterdir())) == 2


@pytest.mark.slow
def test_command_runs_two_jobs_and_compares_with_the_best_simple_method(grouped, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "150")
    words = ["--mixer", "conv", "--epochs", "1", "--folds", "2", "--jobs", "2", "--threads", "1"]
    words += ["--set", "model.d_model=4"]
    result = CliRunner().invoke(app, ["crossval", str(grouped.path), *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    shown = " ".join(result.stderr.split())
    for part in ("2 trainings to run", "mean ± sd", "all records", "95 % interval", "crossval/crossval.tsv"):
        assert part in shown
    assert "than the best simple method" in shown or "not distinguishable from the best simple method" in shown
    page = (tmp_path / "crossval" / "crossval.html").read_text()
    assert page.count("<svg") == 3


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for the process in /proc")
def test_killed_command_leaves_no_process_and_is_resumed_to_the_same_result(shipped_recipes, launched, grouped, tmp_path):
    sizes = ["--mixer", "conv", "--epochs", "3", "--tokens-per-batch", "512", "--save-every", "1", "--threads", "1"]
    sizes += ["--set", "model.d_model=4", "--set", "model.lexical=none", "--set", "training.patience=0"]
    command = [
        sys.executable,
        "-m",
        "seqmix",
        "crossval",
        grouped.path,
        "-o",
        tmp_path / "cv",
        "--folds",
        "2",
        "--no-baselines",
    ]
    paths = str(Path(seqmix.__file__).parent.parent)
    parent = subprocess.Popen([*map(str, command), *sizes], env={**os.environ, "PYTHONPATH": paths}, stderr=subprocess.DEVNULL)
    state, deadline = tmp_path / "cv" / "runs" / "fold1-seed0" / "last" / "state.safetensors", time.monotonic() + 120
    while not state.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    tasks = Path(f"/proc/{parent.pid}/task").iterdir()
    children = [pid for task in tasks for pid in (task / "children").read_text().split()]
    parent.kill()
    parent.wait(timeout=60)
    while any(Path(f"/proc/{pid}").exists() for pid in children) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert children and not any(Path(f"/proc/{pid}").exists() for pid in children)
    assert not (tmp_path / "cv" / "runs" / "fold1-seed0" / "trial.json").exists() or "trial" not in json.loads(
        (tmp_path / "cv" / "runs" / "fold1-seed0" / "trial.json").read_text()
    )
    options = {"folds": 2, "epochs": 3, "save_every": 1, "threads": 1}
    options["settings"] = ["model.d_model=4", "model.lexical=none", "training.patience=0"]
    found = crossval(grouped, tmp_path / "cv", **options)
    assert found.pooled.evaluation.scores == crossval(grouped, tmp_path / "whole", **options).pooled.evaluation.scores


def test_class_with_fewer_groups_than_folds_is_an_error(tmp_path):
    rows = [{"text": random_dna(30, random.Random(i)), "label": "common"} for i in range(30)]
    rows += [{"text": random_dna(30, random.Random(i // 2)), "label": "rare", "group": f"g{i // 2}"} for i in range(100, 106)]
    for i, row in enumerate(rows):
        row.setdefault("group", f"single{i}")
    data = seqmix.prepare(records=rows, output=tmp_path / "data", alphabet="dna")
    message = "the class 'rare' has 6 records in 3 groups of related ones, too few for 5 folds: use folds=3, or prepare"
    with pytest.raises(DatasetError, match=message):
        seqmix.crossval(data, tmp_path / "cv")
    assert not (tmp_path / "cv").exists()
    with pytest.raises(ConfigError, match=r"folds=50: .* has 33 groups of related records; use at most 33"):
        seqmix.crossval(data, tmp_path / "cv", folds=50)


def test_run_that_knows_the_labels_is_no_start(launched, dataset, trained, tmp_path):
    with pytest.raises(ConfigError, match="was trained on the labels of this data set"):
        seqmix.crossval(dataset, tmp_path / "cv", init=trained)


class Stub:
    """As much of a data set as folds depend on."""

    path = "stub"

    def __init__(self, groups, labels, split, objective):
        self.groups, self.labels, self.split = np.array(groups), np.array(labels), np.array(split)
        self.label_objective, self.classes = objective, ["a", "b"]

    def __len__(self):
        return len(self.labels)


@pytest.mark.parametrize("case", range(60))
def test_groups_never_cross_folds_and_every_record_is_in_one(dataset, case):
    rng = random.Random(case)
    folds, seed, keep = rng.randint(2, 5), rng.randint(0, 99), rng.random() < 0.5
    size = rng.randint(folds * 4, 80)
    groups = [rng.randrange(max(4, int(size * rng.random()))) for _ in range(size)]
    labels = [g % 2 for g in groups]  # records of a group are of one class
    split = [2 * (g % 5 == 0) for g in groups]
    stub = Stub(groups, labels, split, dataset.label_objective)
    try:
        fold = make_folds(stub, folds, seed, keep_test=keep)
        splits = [split_of_fold(stub, fold, number, seed) for number in range(folds)]
    except (ConfigError, DatasetError):
        of_class = [len({g for g, s in zip(groups, split, strict=True) if g % 2 == c and not (keep and s)}) for c in (0, 1)]
        assert min(of_class) < folds + 2
        return
    out = (stub.split == 2) & keep
    assert (fold[out] == OUT).all() and (fold[~out] != OUT).all() and set(fold[~out]) == set(range(folds))
    for group in set(groups):
        assert len({*fold[stub.groups == group]}) == 1
    assert (sum((s == 2).astype(int) for s in splits)[~out] == 1).all()
    for number, part in enumerate(splits):
        assert (part[out] == OUT).all() and ((part == 2) == (fold == number)).all()
        for group in set(groups):
            assert len({*part[stub.groups == group]}) == 1


def test_groups_of_an_older_data_set_are_its_equal_records(tmp_path):
    text = random_dna(30, random.Random(1))
    other = text[::-1].translate(str.maketrans("ACGT", "TGCA"))
    texts = [text, other, text, *(random_dna(30, random.Random(9 + i)) for i in range(9))]
    rows = [{"text": one, "label": "ab"[i > 5]} for i, one in enumerate(texts)]
    data = seqmix.prepare(records=rows, output=tmp_path / "data", alphabet="dna")
    stored, data.groups = data.groups, None
    found = record_groups(data)
    assert [a == b for a in found for b in found] == [a == b for a in stored for b in stored]
    assert len({*found}) == 10

"""A training that learns nothing says so, once; one that learns does not."""

import io

import numpy as np
import pytest
from rich.console import Console

import seqmix
from seqmix.cli.training_display import TrainingDisplay
from seqmix.objectives.base import LEAST_GAIN
from seqmix.objectives.classification import Classification
from seqmix.objectives.multilabel import MultiLabel
from seqmix.objectives.regression import Regression
from seqmix.training.events import EpochEnd, Finished, LearnedNothing
from tests.support import prepare_noise
from tests.support.interrupting import assert_same_run, resumed_at

OPTIONS = {"mixer": "conv", "epochs": 6, "lr": 0.003, "batch_size": 16}
SMALL = ("model.d_model=4", "model.lexical=none", "training.patience=0")


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    """Records of two classes, one of them larger, that nothing distinguishes."""
    return prepare_noise(tmp_path_factory.mktemp("noise"), common=90, rare=60)


def train(data, output, *settings, **options):
    events = []
    run = seqmix.train(data, output, settings=[*SMALL, *settings], on_event=events.append, **OPTIONS | options)
    return run, events


def of_kind(events, kind):
    return [event for event in events if isinstance(event, kind)]


def test_training_on_noise_says_once_that_it_learned_nothing(noise, tmp_path):
    run, events = train(noise, tmp_path / "run")
    [warning] = of_kind(events, LearnedNothing)
    before = events[events.index(warning) - 1]
    assert isinstance(before, EpochEnd) and warning.epoch == before.epoch >= 2
    assert warning.validation == before.validation
    assert warning.constant["accuracy"] == pytest.approx(0.6) and warning.constant["ROC AUC"] == 0.5
    assert (warning.records, warning.lr) == (len(noise.indices("train")), 0.003)
    assert warning.records_per_step == pytest.approx(warning.records / -(-warning.records // 16))
    assert not warning.memorises
    assert of_kind(events, Finished)[0].learned_nothing
    assert run.learned_nothing
    best = next(line for line in reversed(run.history()) if line["best"])
    assert best["gain"] <= LEAST_GAIN


def test_training_that_learns_does_not(dataset, tmp_path):
    run, events = train(dataset, tmp_path / "run", lr=0.02)
    assert not of_kind(events, LearnedNothing)
    assert not of_kind(events, Finished)[0].learned_nothing and not run.learned_nothing


def test_training_that_memorises_noise_is_told_apart(noise, tmp_path):
    settings = ("model.d_model=32", "training.schedule=constant", "model.pooling=flat")
    _, events = train(noise, tmp_path / "run", *settings, epochs=24, lr=0.01)
    [warning] = of_kind(events, LearnedNothing)
    assert warning.memorises and warning.epoch >= 8


def test_without_validation_split_nothing_is_said(two_class_files, tmp_path):
    data = seqmix.prepare(two_class_files, tmp_path / "data", split="1,0,0")
    run, events = train(data, tmp_path / "run", epochs=2)
    assert not of_kind(events, LearnedNothing) and not of_kind(events, Finished)[0].learned_nothing
    assert not run.learned_nothing


def test_run_without_gains_in_its_log_is_not_accused(noise, tmp_path):
    run, _ = train(noise, tmp_path / "run")
    log = run.path / "metrics.jsonl"
    log.write_text(log.read_text().replace('"gain"', '"other"'))
    assert not run.learned_nothing


@pytest.mark.parametrize("step", [6, 13, 20])
def test_warning_is_given_once_whatever_the_interruption(step, noise, tmp_path):
    whole = seqmix.train(noise, tmp_path / "whole", settings=SMALL, save_every=1, **OPTIONS)
    parts = resumed_at(step, noise, tmp_path / "parts", SMALL, **OPTIONS)
    assert_same_run(parts, whole)
    events = []
    seqmix.train(output=parts.path, resume=True, on_event=events.append)
    assert [type(event) for event in events] == [Finished] and events[0].learned_nothing


def test_evaluation_has_a_note(noise, dataset, tmp_path):
    run, _ = train(noise, tmp_path / "run")
    result = seqmix.evaluate(run, baselines=False, resamples=2)
    assert "the model has learned nothing: on validation it does not beat the largest class by more than chance" in result.notes
    assert "learned nothing" in (run.path / "report.html").read_text()
    run, _ = train(dataset, tmp_path / "good", lr=0.02)
    assert not seqmix.evaluate(run, baselines=False, resamples=2).notes


@pytest.mark.parametrize(
    ("options", "settings", "advice"),
    [
        ({}, (), "learning rate 0.003; try --lr auto"),
        ({"batch_size": 2, "lr": 1e-3, "seed": 1}, (), "steps of 2 records are uneven; try --set training.least_records=16"),
        ({"epochs": 24, "lr": 0.01}, ("model.d_model=32", "training.schedule=constant", "model.pooling=flat"), "it memorises"),
    ],
    ids=["flat", "few records", "memorised"],
)
def test_terminal_says_why_and_what_to_try(options, settings, advice, noise, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    file = io.StringIO()
    display = TrainingDisplay(Console(file=file, width=100), quiet=False, verbose=False)
    seqmix.train(noise, tmp_path / "run", settings=[*SMALL, *settings], on_event=display, **OPTIONS | options)
    assert max(map(len, file.getvalue().splitlines())) <= 100
    told = " ".join(file.getvalue().split())
    nothing = "on validation it does not beat the largest class by more than chance"
    _, after = told.split(f"has learned nothing so far: {nothing}: accuracy ")
    assert ", log loss " in after and advice in after
    assert told.endswith(f"note: the model has learned nothing: {nothing}")


def test_training_that_ends_where_it_is_told_of_says_so_once(noise, tmp_path):
    file = io.StringIO()
    display = TrainingDisplay(Console(file=file, width=100), quiet=False, verbose=False)
    seqmix.train(noise, tmp_path / "run", settings=SMALL, on_event=display, **OPTIONS | {"epochs": 1})
    told = " ".join(file.getvalue().split())
    assert told.count("has learned nothing") == 1 and "so far" not in told.split("has learned nothing")[1]
    assert "; try " in told


# How gains are measured.


def labels_of(n=200, seed=0):
    return np.random.default_rng(seed).integers(0, 2, n)


def test_noise_is_no_gain_and_signal_is_one():
    objective, generator = Classification(("a", "b")), np.random.default_rng(1)
    labels = labels_of()
    constant = objective.constant_prediction(labels)

    def gain(logits):
        first = 1 / (1 + np.exp(logits))
        return objective.gain(np.stack([first, 1 - first], 1), constant, labels)

    gains = [gain(generator.normal(0, 0.3, 200)) for _ in range(200)]
    assert np.mean(np.array(gains) > LEAST_GAIN) < 0.1
    assert gain(generator.normal(0, 0.3, 200) + (labels - 0.5)) > LEAST_GAIN
    assert gain(5 + generator.normal(0, 0.3, 200) + (labels - 0.5)) > LEAST_GAIN, "the order counts, too"
    assert gain(np.zeros(200)) < LEAST_GAIN


def test_gain_of_several_labels_and_of_numbers():
    generator = np.random.default_rng(0)
    labels = (generator.random((300, 3)) < 0.3).astype(np.uint8)
    objective = MultiLabel(("a", "b", "c"))
    constant = objective.constant_prediction(labels)
    chance = np.clip(constant + generator.normal(0, 0.05, (300, 3)), 0.01, 0.99)
    assert objective.gain(chance, constant, labels) < LEAST_GAIN
    assert objective.gain(np.clip(chance + 0.1 * labels, 0.01, 0.99), constant, labels) > LEAST_GAIN
    numbers = generator.normal(3, 2, 300)
    regression = Regression((), 3.0, 2.0)
    mean = regression.constant_prediction(numbers)
    assert regression.gain(3 + generator.normal(0, 0.5, (300, 1)), mean, numbers) < LEAST_GAIN
    assert regression.gain(3 + 0.5 * (numbers[:, None] - 3), mean, numbers) > LEAST_GAIN


def test_gain_of_one_class_in_validation_is_defined():
    objective, labels = Classification(("a", "b")), np.zeros(5, dtype=np.int64)
    assert objective.gain(np.tile([0.7, 0.3], (5, 1)), np.array([0.7, 0.3]), labels) == 0.0


def test_a_budget_that_ends_before_the_first_step_is_given_as_the_reason(noise, tmp_path):
    shown = io.StringIO()
    display = TrainingDisplay(Console(file=shown, width=400), quiet=False, verbose=False)
    options = {**OPTIONS, "epochs": None, "budget": "0.001s", "lexical": "kmers"}
    run = seqmix.train(noise, tmp_path / "run", settings=["model.d_model=4"], on_event=display, **options)
    [line] = run.history()
    assert (line["step"], line["train_loss"]) == (0, None)
    assert "the time was used up before the first step" in shown.getvalue()
    assert "memorises" not in shown.getvalue() and "nan" not in shown.getvalue()

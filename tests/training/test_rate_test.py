"""The learning rate that is found by trying."""

import math

import numpy as np
import pytest
import torch

import seqmix
from seqmix.errors import ConfigError
from seqmix.training import rate_test
from seqmix.training.events import LearningRateChosen, Started, StepEnd
from seqmix.training.new_run import new_run
from seqmix.training.rate_test import choose_learning_rate, pick_rate
from seqmix.training.resolve import resolve
from seqmix.training.trainer import Trainer
from tests.support.interrupting import assert_same_run, resumed_at

RATES = np.geomspace(1e-5, 1.0, 30)
OPTIONS = {"mixer": "conv", "tokens_per_batch": 1024, "epochs": 2}
SMALL = ("model.d_model=8", "model.lexical=none", "training.patience=0", "model.dropout=0.2")


def noisy(changes, scale=0.02):
    return changes + np.random.default_rng(0).normal(0, scale, len(changes))


def test_rate_is_a_tenth_of_where_the_loss_is_lowest():
    log = np.log10(RATES)
    changes = np.where(log < -1.5, -0.6 / (1 + np.exp(-4 * (log + 2.5))), 0.8 * (log + 1.5) - 0.6)
    assert 2e-3 < pick_rate(RATES, noisy(changes)) < 1e-2


def test_rate_is_a_tenth_of_where_a_flat_loss_rises():
    changes = np.where(RATES < 0.02, 0.0, 3 * np.log10(RATES / 0.02))
    failed = np.flatnonzero(changes > 0.3)[0] + 1
    for seed in range(5):
        noise = np.random.default_rng(seed).normal(0, 0.03, 30)
        assert 3e-4 < pick_rate(RATES[:failed], (changes + noise)[:failed]) < 4e-3


def test_step_in_which_training_fails_does_not_count():
    changes = noisy(np.where(RATES < 0.02, -0.1 * RATES / 0.02, 0.0))[:24]
    assert pick_rate(RATES[:24], changes) == pytest.approx(pick_rate(RATES[:25], np.append(changes, 1.0)), rel=0.5)
    assert pick_rate(RATES[:1], np.array([0.5])) == rate_test.LOWEST


def test_rate_is_within_bounds():
    assert pick_rate(RATES, np.zeros(30)) == rate_test.HIGHEST
    assert pick_rate(RATES[:3], np.array([0.0, 1.0, 5.0])) == rate_test.LOWEST
    assert pick_rate(RATES[:0], np.zeros(0)) == rate_test.LOWEST


@pytest.fixture
def trainer(dataset, tmp_path):
    settings = {"training": {"lr": 0.0, "tokens_per_batch": 1024}, "model": {"mixer": "conv", "d_model": 8, "dropout": 0.2}}
    config = resolve(dataset, settings)
    torch.manual_seed(0)
    return Trainer(new_run(dataset, config, tmp_path / "run", False).build_model(), dataset, config, torch.device("cpu"))


def test_trial_changes_neither_model_nor_state_nor_random_numbers(trainer):
    before, facts = trainer.pack()
    before = {name: tensor.clone() for name, tensor in before.items()}
    rate, steps = choose_learning_rate(trainer)
    assert 1e-4 <= rate <= 2e-2 and 10 < steps <= 30
    after, facts_after = trainer.pack()
    assert before.keys() == after.keys() and facts == facts_after
    assert all(torch.equal(before[name], tensor) for name, tensor in after.items())
    assert choose_learning_rate(trainer) == (rate, steps)


def test_trial_ends_where_training_fails(trainer, monkeypatch):
    seen = []
    monkeypatch.setattr(rate_test, "_LAST", 1e12)
    monkeypatch.setattr(rate_test, "pick_rate", lambda rates, _: seen.extend(rates) or 1.0)
    _, steps = choose_learning_rate(trainer)
    assert steps == len(seen) < 30


def test_found_rate_is_used_and_announced(dataset, tmp_path):
    events = []
    seqmix.train(dataset, tmp_path / "run", lr="auto", settings=SMALL, on_event=events.append, **OPTIONS)
    assert [type(event) for event in events[:2]] == [Started, LearningRateChosen]
    chosen = events[1].lr
    rates = [event.lr for event in events if isinstance(event, StepEnd)]
    assert 0.5 * chosen < max(rates) <= chosen
    run = seqmix.Run.open(tmp_path / "run")
    assert run.config.training.lr == 0.0
    assert run.load_state()[1]["state"]["peak_lr"] == chosen


def test_trial_takes_a_small_share_of_the_budget(clock, dataset, tmp_path):
    events = []
    options = OPTIONS | {"epochs": None, "budget": 20}
    seqmix.train(dataset, tmp_path / "run", lr="auto", settings=SMALL, on_event=events.append, **options)
    assert events[1].steps <= 30 and events[-1].cause == "time"


@pytest.mark.parametrize("step", [1, 5])
def test_resume_uses_the_found_rate_and_is_bit_identical(step, dataset, tmp_path, monkeypatch):
    options = OPTIONS | {"lr": "auto"}
    whole = seqmix.train(dataset, tmp_path / "whole", settings=SMALL, save_every=1, **options)
    genuine, tried = rate_test.choose_learning_rate, []
    monkeypatch.setattr("seqmix.training.train_to_end.choose_learning_rate", lambda *args: tried.append(1) or genuine(*args))
    assert_same_run(resumed_at(step, dataset, tmp_path / "parts", SMALL, **options), whole)
    assert len(tried) == 1


@pytest.mark.parametrize("lr", ["0", "fast", "auto1"])
def test_wrong_rate_is_explained(lr, dataset, tmp_path):
    with pytest.raises(ConfigError, match=r"training\.lr must be a number above 0, or auto: got"):
        seqmix.train(dataset, tmp_path / "run", lr=lr)
    with pytest.raises(ConfigError, match="lr must be above 0"):
        seqmix.train(dataset, tmp_path / "run", lr=-1.0)


def test_first_step_of_a_budget_has_a_rate(clock, dataset, tmp_path):
    events = []
    options = OPTIONS | {"epochs": None, "budget": 20}
    seqmix.train(dataset, tmp_path / "run", lr=0.01, settings=SMALL, on_event=events.append, **options)
    rates = [event.lr for event in events if isinstance(event, StepEnd)]
    assert all(rate > 0 for rate in rates) and rates[0] < rates[1]
    assert rates[1:] == sorted(rates[1:], reverse=True) and math.isfinite(rates[-1])

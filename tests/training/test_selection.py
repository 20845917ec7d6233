"""Which weights are kept, and when training stops, if the scores of validations are smoothed."""

import numpy as np
import pytest

import seqmix
from seqmix.training import fit as fitting
from seqmix.training.events import EpochEnd
from tests.support.interrupting import assert_same_run, resumed_at

OPTIONS = {"mixer": "conv", "batch_size": 16, "lr": 0.01}
SMALL = ("model.d_model=8", "model.lexical=none")


def train_with(scores, monkeypatch, dataset, output, *settings, losses=None, **options):
    """Return the validations of a training whose validation scores are these."""
    rest = iter(zip(scores, losses or [1.0] * len(scores), strict=True))

    def validate(*_):
        score, loss = next(rest)
        return fitting.Validation(scores={"macro-F1": score, "log loss": loss})

    monkeypatch.setattr(fitting, "_validate", validate)
    events = []
    options = OPTIONS | {"epochs": len(scores)} | options
    run = seqmix.train(dataset, output, settings=[*SMALL, *settings], on_event=events.append, **options)
    return run, [event for event in events if isinstance(event, EpochEnd)], events[-1]


def exponential_means(values, weight):
    weights = [weight ** np.arange(n)[::-1] for n in range(1, len(values) + 1)]
    return [float(np.average(values[: len(w)], weights=w)) for w in weights]


def test_lucky_validation_is_not_chosen(dataset, tmp_path, monkeypatch):
    scores = [0.6, 0.9, 0.8, 0.82, 0.84, 0.85, 0.85]
    smoothed = exponential_means(scores, 0.5)
    wanted = [value > max([0, *smoothed[:i]]) for i, value in enumerate(smoothed)]
    settings = ("training.smooth=0.5", "training.patience=0")
    run, epochs, end = train_with(scores, monkeypatch, dataset, tmp_path / "run", *settings)
    assert [event.best for event in epochs] == wanted
    assert end.best_epoch == 7
    assert run.load_state()[1]["state"]["best"] == pytest.approx(max(smoothed))
    _, _, end = train_with(scores, monkeypatch, dataset, tmp_path / "plain", "training.patience=0")
    assert end.best_epoch == 2


def test_patience_counts_smoothed_validations(dataset, tmp_path, monkeypatch):
    """Single scores are not above 0.7 for three validations; their mean goes on rising, then falls."""
    scores = [0.3, 0.7, 0.6, 0.65, 0.68, 0.5, 0.4, 0.3, 0.9]
    _, epochs, end = train_with(scores, monkeypatch, dataset, tmp_path / "smooth", "training.smooth=0.6", "training.patience=3")
    assert [event.best for event in epochs] == [True, True, True, True, True, False, False, False]
    assert end.cause == "patience" and end.reason == "no better smoothed macro-f1 for 3 epochs"
    _, epochs, _ = train_with(scores, monkeypatch, dataset, tmp_path / "plain", "training.patience=3")
    assert len(epochs) == 5


def test_no_weights_are_kept_whose_own_score_is_below_the_best_smoothed_one(dataset, tmp_path, monkeypatch):
    scores = np.random.default_rng(0).uniform(0.4, 0.9, 20).tolist()
    settings = ("training.smooth=0.7", "training.patience=0")
    _, epochs, _ = train_with(scores, monkeypatch, dataset, tmp_path / "run", *settings, max_steps=20, epochs=None)
    best = 0.0
    for event, smoothed in zip(epochs, exponential_means(scores[: len(epochs)], 0.7), strict=True):
        assert event.best == (smoothed > best)
        assert not event.best or event.validation["macro-F1"] > best
        best = max(best, smoothed)


def test_equal_smoothed_scores_are_decided_by_the_smoothed_loss(dataset, tmp_path, monkeypatch):
    losses = [1.0, 0.4, 0.9, 0.6]
    settings = ("training.smooth=0.5", "training.patience=0")
    _, epochs, _ = train_with([0.75] * 4, monkeypatch, dataset, tmp_path / "run", *settings, losses=losses)
    smoothed = exponential_means(losses, 0.5)
    assert [event.best for event in epochs] == [value < min([9, *smoothed[:i]]) for i, value in enumerate(smoothed)]


def test_goal_is_about_the_score_itself(dataset, tmp_path, monkeypatch):
    settings = ("training.smooth=0.9", "training.goal=0.8", "training.patience=0")
    _, epochs, end = train_with([0.5, 0.6, 0.85, 0.9], monkeypatch, dataset, tmp_path / "run", *settings)
    assert len(epochs) == 3 and end.cause == "goal"


@pytest.mark.parametrize("step", [3, 8])
def test_resume_with_smoothing_is_bit_identical(step, dataset, tmp_path):
    settings = (*SMALL, "training.smooth=0.6", "training.patience=2", "training.select=loss")
    options = OPTIONS | {"epochs": 5}
    whole = seqmix.train(dataset, tmp_path / "whole", settings=settings, save_every=1, **options)
    assert_same_run(resumed_at(step, dataset, tmp_path / "parts", settings, **options), whole)

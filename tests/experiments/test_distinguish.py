"""Who is distinguishable in a comparison: references chosen on validation, corrected p-values, sentences."""

import io

import numpy as np
import pytest

from seqmix.evaluation.baselines import SimpleMethod
from seqmix.experiments.comparison.distinguish import best_mixer, distinguish, in_words
from seqmix.experiments.comparison.report import comparison_html, distinction_table
from seqmix.experiments.comparison.result import Comparison
from seqmix.experiments.run_trial import Trial
from seqmix.objectives import KINDS


class Data:
    """As much of a data set as is compared on: 200 test records."""

    label_objective = objective = KINDS["classification"](("a", "b"))
    labels, groups = np.arange(200) % 2, None

    def indices(self, split):
        return np.arange(200)


def answers(right):
    """Predictions that are right for the first records."""
    return np.eye(2)[np.where(np.arange(200) < right, Data.labels, 1 - Data.labels)] * 0.8 + 0.1


@pytest.fixture
def trials(tmp_path):
    """Three mixers with two seeds each; the best on validation is not the best on the test split."""
    made = []
    for mixer, right, validation in (("good", 190, 0.8), ("fair", 150, 0.9), ("poor", 90, 0.5)):
        for seed in range(2):
            folder = tmp_path / "runs" / f"{mixer}-seed{seed}"
            folder.mkdir(parents=True)
            stored = io.BytesIO()
            np.save(stored, answers(right + seed))
            (folder / "test-predictions.npy").write_bytes(stored.getvalue())
            line = {"epoch": 1, "step": 1, "val_accuracy": validation, "val_log loss": 0.5, "best": True, "seconds": 1.0}
            scores = {"accuracy": right / 200, "macro-F1": 0.5, "ROC AUC": 0.5}
            made.append(Trial(mixer=mixer, seed=seed, folder=f"runs/{mixer}-seed{seed}", history=[line], scores=scores))
    return made


SIMPLE = SimpleMethod("best k-mers", "4-mers, standardised, C 10", answers(151))


def test_each_mixer_is_compared_with_both_references(trials, tmp_path):
    found = distinguish(Data(), trials, tmp_path, SIMPLE)
    assert [(one.mixer, one.reference, one.other) for one in found] == [
        ("good", "simple method", "4-mers, standardised, C 10"),
        ("good", "mixer", "fair"),
        ("fair", "simple method", "4-mers, standardised, C 10"),
        ("poor", "simple method", "4-mers, standardised, C 10"),
        ("poor", "mixer", "fair"),
    ]
    assert [one.verdict for one in found] == ["better", "better", "not distinguishable", "worse", "worse"]
    assert all(one.corrected >= one.difference["p_value"] for one in found)
    assert in_words(found) == [
        "good is better than the best simple method (4-mers, standardised, C 10); poor is worse than it; fair is not "
        "distinguishable from it.",
        "good is better than the best mixer (fair); poor is worse than it.",
    ]


def test_best_mixer_is_chosen_on_validation(trials):
    mixers = ["good", "fair", "poor"]
    assert best_mixer(trials, mixers, "accuracy", "log loss") == "fair"
    trials[0].history[0]["val_log loss"] = trials[1].history[0]["val_log loss"] = 0.1
    assert best_mixer(trials[:2] + trials[4:], ["good", "poor"], "accuracy", "log loss") == "good"
    assert best_mixer(trials, mixers, "R2", "RMSE") is None


def test_trainings_without_predictions_are_left_out(trials, tmp_path):
    for trial in trials[:2]:
        (tmp_path / trial.folder / "test-predictions.npy").unlink()
    (tmp_path / trials[2].folder / "test-predictions.npy").write_bytes(b"damaged")
    found = distinguish(Data(), trials, tmp_path, None)
    assert [(one.mixer, one.other) for one in found] == [("poor", "fair")]
    assert distinguish(Data(), [], tmp_path, SIMPLE) == [] == in_words([])


def test_groups_are_drawn_as_a_whole(trials, tmp_path, monkeypatch):
    plain = distinguish(Data(), trials, tmp_path, SIMPLE)
    monkeypatch.setattr(Data, "groups", np.repeat(np.arange(10), 20))
    grouped = distinguish(Data(), trials, tmp_path, SIMPLE)
    width = [one.difference["high"] - one.difference["low"] for one in (plain[-1], grouped[-1])]
    assert width[1] > 2 * width[0]


def test_table_and_page_say_who_is_distinguishable(trials, tmp_path):
    data = {"path": "d", "counts": {"train": 5, "val": 5, "test": 200}, "classes": ["a", "b"], "task": "classification"}
    comparison = Comparison(settings={"budget": 0}, environment={}, data=data | {"scores": ["accuracy", "macro-F1", "ROC AUC"]})
    comparison.trials = trials
    comparison.distinctions = distinguish(Data(), trials, tmp_path, SIMPLE)
    cells = [row.cells for row in distinction_table(comparison).rows]
    assert [cell[0] for cell in cells] == ["good", "good", "fair", "poor", "poor"]
    assert cells[0][2].startswith("+19.") and cells[0][-1] == "better" and cells[3][2].startswith("\N{MINUS SIGN}30.")
    page = comparison_html(comparison)
    assert "good is better than the best simple method" in page and "p (Holm)" in page
    assert page.index("good is better than") < page.index("Every mixer was trained")
    content = comparison.content()
    assert content["verdict"] == comparison.verdict and content["distinctions"][0]["mixer"] == "good"


def test_spread_of_the_seeds_is_that_of_all_mixers(trials, tmp_path):
    stored = io.BytesIO()
    np.save(stored, answers(150))  # "fair" has seeds that differ by 100 of 200 records, the others by one record
    (tmp_path / trials[2].folder / "test-predictions.npy").write_bytes(stored.getvalue())
    stored = io.BytesIO()
    np.save(stored, answers(50))
    (tmp_path / trials[3].folder / "test-predictions.npy").write_bytes(stored.getvalue())
    found = distinguish(Data(), trials, tmp_path, SIMPLE)
    width = {(one.mixer, one.reference): one.difference["high"] - one.difference["low"] for one in found}
    assert width["good", "simple method"] == pytest.approx(width["poor", "simple method"], rel=0.3)
    assert width["good", "simple method"] > 0.3
    once = distinguish(Data(), trials[::2], tmp_path, SIMPLE)
    assert all(one.difference["test"] == "McNemar" for one in once)

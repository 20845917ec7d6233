"""Intervals against simulation: how often those of 400 samples contain the truth, with and without groups."""

import math

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn import metrics as oracle

from seqmix.objectives import KINDS
from seqmix.objectives.metrics import bootstrap, effective_number, resampled_counts

SAMPLES = 400


def classified(rng, n_groups, size, skill, related):
    """Labels and probabilities of groups that have a label, and a share of the noise, in common."""
    groups = np.repeat(np.arange(n_groups), rng.geometric(1 / size, n_groups) if size > 1 else 1)
    labels = (np.arange(n_groups) % 5 < 2).astype(np.int64)[groups]
    noise = math.sqrt(related) * rng.normal(size=n_groups)[groups] + math.sqrt(1 - related) * rng.normal(size=len(groups))
    second = 1 / (1 + np.exp(-2 * skill * (skill * (2 * labels - 1) + noise)))
    return np.stack((1 - second, second), 1), labels, groups


def coverage(make, names, *, grouped, seed=0, resamples=200, samples=SAMPLES):
    """Return how many of the samples have an interval that contains the scores of a very large sample."""
    rng = np.random.default_rng(seed)
    objective = KINDS["classification"](("a", "b"))
    truth = objective.point_scores(*make(rng, 100_000)[:2])
    held = dict.fromkeys(names, 0)
    for sample in range(samples):
        predictions, labels, groups = make(rng, None)
        scores = objective.scores(predictions, labels, resamples, sample, groups if grouped else None)
        for name in names:
            held[name] += scores[name].low <= truth[name] <= scores[name].high
    return {name: count / samples for name, count in held.items()}


@pytest.mark.parametrize(
    ("size", "n_groups", "skill", "related"),
    [(1, 100, 1.0, 0.0), (3, 40, 1.3, 0.6)],
    ids=["records", "groups"],
)
def test_95_percent_intervals_cover_the_truth_in_93_to_97_percent(size, n_groups, skill, related):
    found = coverage(
        lambda rng, many: classified(rng, many or n_groups, size, skill, related), ("accuracy", "macro-F1"), grouped=size > 1
    )
    assert all(0.93 <= share <= 0.97 for share in found.values()), found


def test_records_of_groups_drawn_one_by_one_would_give_intervals_that_are_far_too_narrow():
    found = coverage(lambda rng, many: classified(rng, many or 40, 4, 1.0, 0.6), ("accuracy",), grouped=False, samples=100)
    assert found["accuracy"] < 0.85


def test_whole_groups_are_drawn():
    groups = np.array([7, 7, 3, 3, 3, 9])
    counts = np.concatenate(list(resampled_counts(6, groups, 50, seed=2)))
    assert counts.shape == (50, 6)
    for group in (7, 3, 9):
        assert (counts[:, groups == group] == counts[:, groups == group][:, :1]).all()
    drawn = np.random.default_rng(2).multinomial(3, np.full(3, 1 / 3), size=50)  # groups in the order of their numbers
    np.testing.assert_array_equal(counts[:, [2, 0, 5]], drawn)


def test_groups_of_one_record_are_as_no_groups():
    rng = np.random.default_rng(0)
    objective = KINDS["classification"](("a", "b"))
    predictions, labels, groups = classified(rng, 40, 1, 1.0, 0.0)
    found, plain = (objective.scores(predictions, labels, 50, groups=one) for one in (groups, None))
    for name, score in plain.items():
        assert (found[name].low, found[name].high) == pytest.approx((score.low, score.high))


def test_unequal_groups_count_as_fewer():
    assert effective_number(6, None) == 6
    assert effective_number(6, np.array([0, 0, 1, 1, 2, 2])) == pytest.approx(3)
    assert effective_number(6, np.array([0, 0, 0, 0, 1, 2])) == pytest.approx(2)


def test_standard_error_of_a_mean_over_groups_is_that_of_the_formula():
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(30), 5)
    values = rng.normal(size=30)[groups] + rng.normal(size=150)

    def mean(counts):
        return {"R": counts @ values / counts.sum(1)}

    draws = np.concatenate([mean(counts)["R"] for counts in resampled_counts(150, groups, 4000, 0)])
    of_groups = values.reshape(30, 5).mean(1)
    assert draws.std() == pytest.approx(of_groups.std() / math.sqrt(30), rel=0.04)


def test_interval_of_perfect_groups_depends_on_their_number():
    labels, groups = np.arange(40) % 2, np.repeat(np.arange(10), 4)
    objective = KINDS["classification"](("a", "b"))
    perfect = objective.scores(np.eye(2)[labels], labels, 50, groups=groups)["accuracy"]
    assert perfect.low == pytest.approx(binomtest(10, 10).proportion_ci(method="exact").low)
    only = objective.scores(np.eye(2)[labels], labels, 50, groups=np.zeros(40, dtype=int))["accuracy"]
    assert only.low == pytest.approx(0.025)


def test_scores_of_resamples_are_those_of_scikit_learn():
    predictions, labels, groups = classified(np.random.default_rng(3), 20, 3, 1.0, 0.5)
    objective = KINDS["classification"](("a", "b"))
    counts = next(resampled_counts(len(labels), groups, 10, 5))
    found = objective.weighted_scores(predictions, labels, counts)
    for row, auc, accuracy in zip(counts.astype(int), found["ROC AUC"], found["accuracy"], strict=True):
        drawn = np.repeat(np.arange(len(labels)), row)
        assert auc == pytest.approx(oracle.roc_auc_score(labels[drawn], predictions[drawn, 1]))
        assert accuracy == pytest.approx(oracle.accuracy_score(labels[drawn], predictions[drawn].argmax(1)))


@pytest.mark.parametrize("name", ["accuracy", "MCC", "R2", "log loss", "RMSE"])
def test_interval_stays_on_the_scale_of_its_score(name):
    wild = np.random.default_rng(0).uniform(0, 1, 8)
    found = bootstrap(lambda counts: {name: counts @ wild / counts.sum(1)}, 8, resamples=50)[name]
    assert -1 < found.low < found.value < found.high
    assert found.high < 1 or name in ("log loss", "RMSE")

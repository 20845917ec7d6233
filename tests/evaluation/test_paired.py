"""The difference of two models on the same records: its interval and p-value, against formulas and simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from seqmix.evaluation.paired import holm, mcnemar, mean_difference, paired_difference
from seqmix.objectives import KINDS
from seqmix.objectives.metrics import resampled_counts

OBJECTIVE = KINDS["classification"](("a", "b"))
SAMPLES = 400


def predicting(right, labels):
    return np.eye(2)[np.where(right, labels, 1 - labels)] * 0.8 + 0.1


def answers(rng, groups, size, shift):
    """Two models that find the same records, and the same groups, hard; the second is better by `shift`."""
    owner = np.repeat(np.arange(groups), size)
    hard = rng.normal(size=groups)[owner] * (size > 1) + rng.normal(size=len(owner))
    first, second = (hard + 0.7 * rng.normal(size=len(owner)) for _ in range(2))
    return first < 1.0, second < 1.0 + shift, owner


@pytest.mark.parametrize(("groups", "size"), [(150, 1), (40, 4)], ids=["records", "groups"])
def test_95_percent_intervals_of_differences_cover_the_truth_in_93_to_97_percent(groups, size):
    rng = np.random.default_rng(5)
    first, second, _ = answers(rng, 100_000, size, 0.3)
    truth = first.mean() - second.mean()
    held = 0
    for seed in range(SAMPLES):
        first, second, owner = answers(rng, groups, size, 0.3)
        labels = np.arange(len(owner)) % 2
        found = paired_difference(
            OBJECTIVE,
            predicting(first, labels),
            predicting(second, labels),
            labels,
            groups=owner if size > 1 else None,
            resamples=200,
            seed=seed,
        )
        held += found.low <= truth <= found.high
    assert 0.93 <= held / SAMPLES <= 0.97, held / SAMPLES


def test_equal_models_are_distinguishable_in_about_5_percent_of_samples():
    rng = np.random.default_rng(6)
    apart = 0
    for seed in range(SAMPLES):
        first, second, owner = answers(rng, 40, 4, 0.0)
        labels = np.arange(len(owner)) % 2
        one, other = predicting(first, labels), predicting(second, labels)
        found = paired_difference(OBJECTIVE, one, other, labels, groups=owner, resamples=200, seed=seed)
        apart += found.verdict() != "not distinguishable"
    assert 0.02 <= apart / SAMPLES <= 0.08, apart / SAMPLES


def test_both_models_are_scored_on_the_same_resamples():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 80)
    first, second = (predicting(rng.random(80) < share, labels) for share in (0.9, 0.8))
    found = paired_difference(OBJECTIVE, first, second, labels, resamples=300, seed=4)
    counts = np.concatenate(list(resampled_counts(80, None, 300, 4)))
    values = [((first.argmax(1) == labels).astype(float) - (second.argmax(1) == labels)) @ row / 80 for row in counts]
    half = stats.t.ppf(0.975, 79) * np.std(values) * math.sqrt(80 / 79)
    assert (found.low, found.high) == pytest.approx((found.difference - half, found.difference + half))


@pytest.mark.parametrize(("first", "second"), [(0, 0), (5, 1), (6, 0), (12, 12), (20, 4), (3, 21)])
def test_mcnemar_is_exact_for_few_discordant_records(first, second):
    expected = stats.binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar(first, second) == pytest.approx(expected) == mcnemar(second, first)


@pytest.mark.parametrize(("first", "second"), [(40, 20), (30, 30), (100, 160)])
def test_mcnemar_of_many_discordant_records_is_near_the_exact_test(first, second):
    assert mcnemar(first, second) == pytest.approx(stats.binomtest(first, first + second).pvalue, abs=0.03)


def test_mcnemar_of_many_discordant_records_is_corrected_for_continuity():
    assert mcnemar(150, 86) == pytest.approx(stats.chi2.sf((64 - 1) ** 2 / 236, 1))


def test_interval_of_models_without_a_difference_depends_on_the_number_of_records():
    for n in (20, 200):
        labels = np.arange(n) % 2
        same = predicting(np.arange(n) > 3, labels)
        found = paired_difference(OBJECTIVE, same, same, labels, resamples=50)
        assert (found.difference, found.p_value) == (0.0, 1.0)
        assert found.high == -found.low == pytest.approx(1 - 0.025 ** (1 / n))


def test_p_values_are_corrected_step_by_step():

    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, math.nan, 0.6]) == pytest.approx([1.0, math.nan, 1.0], nan_ok=True)
    assert holm([]) == []


def test_what_trainings_differ_by_widens_the_interval():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 300)
    other = predicting(rng.random(300) < 0.8, labels)
    alike = [predicting(np.arange(300) < 270, labels)] * 3
    unlike = [predicting(np.arange(300) < count, labels) for count in (240, 270, 300)]
    narrow, wide = (mean_difference(OBJECTIVE, one, other, labels, resamples=200) for one in (alike, unlike))
    assert narrow.difference == pytest.approx(wide.difference)
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)
    assert wide.p_value > narrow.p_value

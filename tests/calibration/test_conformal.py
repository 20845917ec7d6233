"""The promises of thresholds and sets hold in simulations: as often as they say, over draws of the validation records."""

import math

import numpy as np
import pytest

from seqmix.calibration.conformal import bounds, error_threshold, most_coverage, set_threshold


def drawn(n, rng, slope=3.0):
    """Return confidences, and whether the answers are right: more often the more confident, but less than they say."""
    confidences = 0.5 + 0.5 * rng.random(n) ** 0.7
    return confidences, rng.random(n) < true_accuracy(confidences, slope)


def true_accuracy(confidences, slope=3.0):
    return 1.0 - 0.45 * np.exp(-slope * (confidences - 0.5) * 2)


def error_rate_above(threshold):
    """Return the true share of wrong answers above a threshold."""
    confidences = 0.5 + 0.5 * np.linspace(0, 1, 20_001) ** 0.7
    kept = confidences > threshold
    return float((1.0 - true_accuracy(confidences[kept])).mean())


@pytest.mark.parametrize("n", [200, 600])
def test_error_rate_is_at_most_the_one_asked_for_in_nine_of_ten_draws(n):
    rng = np.random.default_rng(n)
    broken = answered = 0
    for _ in range(400):
        found = error_threshold(*drawn(n, rng), 0.1)
        if found is not None:
            answered += 1
            broken += error_rate_above(found.threshold) > 0.1
    assert answered > 100
    assert broken / 400 <= 0.1


def test_all_bounds_hold_together_in_nine_of_ten_draws():
    rng = np.random.default_rng(0)
    broken = sum(any(error_rate_above(bound.threshold) > bound.error for bound in bounds(*drawn(150, rng))) for _ in range(400))
    assert broken / 400 <= 0.1


def test_more_records_allow_more_answers():
    rng = np.random.default_rng(0)
    few, many = (np.mean([bounds(*drawn(n, rng))[-1].error for _ in range(20)]) for n in (100, 2000))
    assert many < few
    found = error_threshold(*drawn(20_000, rng), 0.1)
    assert found is not None and found.answered > 0.4


def test_equal_confidences_are_answered_together():
    right = np.arange(200) % 10 > 0
    found = bounds(np.full(200, 0.9), right)
    assert [(bound.threshold, bound.answered) for bound in found] == [(-math.inf, 1.0)]
    assert 0.1 < found[0].error < 0.2


def test_impossible_error_rate_has_no_threshold():
    rng = np.random.default_rng(0)
    assert error_threshold(rng.random(50), np.ones(50, dtype=bool), 0.01) is None
    assert error_threshold(rng.random(500), rng.random(500) < 0.5, 0.1) is None


@pytest.mark.parametrize(("n", "coverage"), [(19, 0.95), (50, 0.9), (333, 0.95), (99, 0.5)])
def test_sets_hold_the_true_class_as_often_as_promised(n, coverage):
    rng = np.random.default_rng(n)
    held, classes = [], 4
    for _ in range(600):
        p = rng.dirichlet(np.full(classes, 0.6), n + 20)
        labels = (p.cumsum(1) < rng.random((n + 20, 1))).sum(1)
        scores = p[np.arange(n + 20), labels]
        held.append((scores[n:] >= set_threshold(scores[:n], coverage)).mean())
    error = np.std(held) / np.sqrt(600)
    assert coverage - 3 * error <= np.mean(held) <= coverage + 1 / (n + 1) + 3 * error


def test_intervals_hold_the_true_number_as_often_as_promised():
    rng = np.random.default_rng(0)
    held = []
    for _ in range(500):
        errors = np.abs(rng.standard_t(3, 120))
        held.append((errors[100:] <= -set_threshold(-errors[:100], 0.9)).mean())
    assert np.mean(held) == pytest.approx(0.9, abs=0.02)


def test_coverage_needs_records():
    scores = np.linspace(0, 1, 18)
    assert set_threshold(scores, 0.95) == -math.inf
    assert set_threshold(np.linspace(0, 1, 19), 0.95) == 0.0
    assert most_coverage(18) == pytest.approx(18 / 19)

"""Scores of predicted numbers against scikit-learn and scipy."""

import numpy as np
import pytest
from sklearn import metrics as oracle

from seqmix.objectives.regression import Regression
from tests.support import oracles


def point_scores(found, targets, tolerance=None):
    return Regression((), tolerance=tolerance).point_scores(found[:, None], targets)


def example(n, seed, *, scale=1.0, offset=0.0, ties=False):
    """Predictions that know something of the targets."""
    rng = np.random.default_rng(seed)
    targets = rng.normal(size=n)
    found = targets + 0.5 * rng.normal(size=n)
    if ties:
        targets, found = np.round(targets), np.round(found * 2)
    return found * scale + offset, targets * scale + offset


CASES = {
    "plain": example(101, 0),
    "ties": example(80, 1, ties=True),
    "two records": example(2, 2),
    "tiny unit": example(50, 3, scale=1e-9),
    "great unit": example(50, 4, scale=1e9),
    "far from zero": example(50, 5, offset=1e6),
}
every_case = pytest.mark.parametrize(("found", "targets"), CASES.values(), ids=CASES)


@every_case
def test_scores_match_scikit_learn_and_scipy(found, targets):
    assert point_scores(found, targets) == pytest.approx(oracles.regression(found, targets), rel=1e-6, abs=0)


@every_case
def test_resample_is_scored_like_its_records(found, targets):
    n = len(targets)
    counts = np.random.default_rng(1).multinomial(n, np.full(n, 1 / n), size=5).astype(float)
    scores = Regression((), tolerance=0.5).weighted_scores(found[:, None], targets, counts)
    for i, row in enumerate(counts):
        drawn = np.repeat(np.arange(len(found)), row.astype(int))
        if len(set(targets[drawn])) > 1 and len(set(found[drawn])) > 1:
            for name, value in oracles.regression(found[drawn], targets[drawn]).items():
                assert scores[name][i] == pytest.approx(value, rel=1e-6, abs=1e-9), name
        within = (np.abs(found[drawn] - targets[drawn]) <= 0.5).mean()
        assert scores["within tolerance"][i] == pytest.approx(within)


def test_error_equal_to_tolerance_is_within_it():
    assert point_scores(np.array([1.0, 2.0, 3.5, 0.0]), np.array([1.5, 2.0, 3.0, 1.0]), 0.5)["within tolerance"] == 0.75


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e9 / 7, -1e-9 / 7])
def test_constant_predictions_have_no_correlation_and_explain_nothing(constant):
    varied = np.linspace(0, 1, 7)
    scores = point_scores(varied, np.full(7, constant))
    assert np.isnan([scores[name] for name in ("R2", "Pearson", "Spearman")]).all()
    assert scores["RMSE"] == pytest.approx(np.sqrt(((varied - constant) ** 2).mean()))
    scores = point_scores(np.full(7, constant), varied)
    assert np.isnan([scores[name] for name in ("Pearson", "Spearman")]).all()
    assert scores["R2"] == pytest.approx(oracle.r2_score(varied, np.full(7, constant)))


def test_resamples_of_a_single_record_are_ignored():
    scores = Regression(()).scores(np.array([[0.1], [0.7]]), np.array([0.1, 0.8]), resamples=200)
    assert scores["R2"].low == scores["R2"].high == scores["R2"].value
    assert np.isfinite([scores["RMSE"].low, scores["RMSE"].high]).all()


def test_interval_of_a_share_of_all_records_depends_on_their_number():
    targets = np.linspace(0, 1, 40)
    scores = Regression((), tolerance=0.04).scores(targets[:, None] + 0.02, targets)
    assert (scores["within tolerance"].value, scores["within tolerance"].high) == (1.0, 1.0)
    assert scores["within tolerance"].low == pytest.approx(0.025 ** (1 / 40))
    assert scores["RMSE"].low == pytest.approx(scores["RMSE"].high)

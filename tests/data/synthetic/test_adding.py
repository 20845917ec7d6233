"""The adding problem, compared with its definition."""

from collections import Counter

import numpy as np
from scipy import stats

from seqmix.data.synthetic.tasks import find_task

TASK = find_task("adding")


def draw(count, length, seed=0):
    return list(TASK.samples(count, np.random.default_rng(seed), TASK.options({"length": length})))


def solve(text):
    """Return the target from the array alone, number by number."""
    marked = [float(value) for value, mark in text if mark == 1]
    return 0.5 + sum(marked) / 4


def test_solver_agrees_with_every_target():
    for length in (2, 3, 17, 300):
        for sample in draw(100, length):
            assert float(sample.label) == solve(sample.text)


def test_sample_is_numbers_with_two_marks():
    for sample in draw(50, 64):
        assert sample.text.dtype == np.float32
        assert sample.text.shape == (64, 2)
        assert np.abs(sample.text[:, 0]).max() <= 1
        assert sorted(sample.text[:, 1].tolist()) == [0.0] * 62 + [1.0] * 2
        assert 0 <= float(sample.label) <= 1


def test_numbers_are_uniform():
    values = np.concatenate([sample.text[:, 0] for sample in draw(20, 500)])
    assert stats.kstest(values, stats.uniform(-1, 2).cdf).pvalue > 0.001


def test_every_pair_of_positions_is_equally_likely():
    pairs = Counter(tuple(np.flatnonzero(sample.text[:, 1]).tolist()) for sample in draw(3000, 5))
    assert len(pairs) == 10
    assert stats.chisquare(list(pairs.values())).pvalue > 0.001


def test_targets_have_the_mean_and_spread_of_two_uniform_numbers():
    targets = np.array([float(sample.label) for sample in draw(4000, 10)])
    assert abs(targets.mean() - 0.5) < 0.01
    assert abs(targets.var() - 2 / 3 / 16) < 0.003


def test_show_prints_marked_numbers_and_target():
    sample = draw(1, 2000)[0]
    place = np.flatnonzero(sample.text[:, 1])[0]
    shown = TASK.show(sample)
    assert shown.startswith("2,000 numbers; marked: ")
    assert f"x[{place}] = {sample.text[place, 0]:.4f}" in shown

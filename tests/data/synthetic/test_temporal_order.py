"""Temporal order, compared with its definition."""

from collections import Counter

import numpy as np
from scipy import stats

from seqmix.data.synthetic.tasks import find_task

TASK = find_task("temporal-order")


def draw(count, length, seed=0):
    return list(TASK.samples(count, np.random.default_rng(seed), TASK.options({"length": length})))


def solve(text):
    """Return the class by reading from left to right."""
    found = ""
    for symbol in text:
        if symbol == "X" or symbol == "Y":
            found += symbol
    return found


def test_solver_agrees_with_every_class():
    for length in (2, 3, 17, 300):
        for sample in draw(100, length):
            assert solve(sample.text) == sample.label
            assert len(sample.text) == length
            assert set(sample.text) <= set("abcdXY")


def test_classes_are_equally_likely():
    counts = Counter(sample.label for sample in draw(4000, 10))
    assert set(counts) == {"XX", "XY", "YX", "YY"}
    assert stats.chisquare(list(counts.values())).pvalue > 0.001


def test_every_pair_of_positions_is_equally_likely():
    pairs = Counter(tuple(i for i, symbol in enumerate(sample.text) if symbol in "XY") for sample in draw(3000, 5))
    assert len(pairs) == 10
    assert stats.chisquare(list(pairs.values())).pvalue > 0.001


def test_distractors_are_uniform():
    counts = Counter("".join(sample.text for sample in draw(10, 1000)))
    assert stats.chisquare([counts[symbol] for symbol in "abcd"]).pvalue > 0.001


def test_show_prints_both_symbols():
    for sample in draw(100, 400):
        shown, _, label = TASK.show(sample).partition(": ")
        assert solve(shown) == label == sample.label
        assert all(part in sample.text for part in shown.split("…"))
    assert TASK.show(draw(1, 8)[0]).startswith(draw(1, 8)[0].text + ":")

"""Who goes where: proportions, seeds, groups and duplicates."""

import random
from itertools import combinations

import numpy as np
import pytest

from seqmix.data.splits.assign import components, parse_fractions, split_leaks, split_number, stratified_split
from tests.support.preparing import message_of

FRACTIONS = (0.6, 0.2, 0.2)


def alone(n):
    return np.arange(n)


@pytest.mark.parametrize("fractions", [FRACTIONS, (0.7, 0.2, 0.1), (0.8, 0.2, 0.0), (1.0, 0.0, 0.0), (0.5, 0.0, 0.5)])
def test_each_class_is_divided_in_proportion(fractions):
    labels = np.repeat([0, 1, 2], [700, 250, 50])
    split = stratified_split(labels, alone(1000), fractions, seed=0)
    for value in range(3):
        counts = np.bincount(split[labels == value], minlength=3)
        assert np.abs(counts - np.array(fractions) * (labels == value).sum()).max() <= 1


def test_records_without_labels_are_divided_in_proportion():
    split = stratified_split(np.full(100, -1), alone(100), FRACTIONS, seed=0)
    assert np.bincount(split).tolist() == [60, 20, 20]


def test_equal_seeds_give_equal_splits():
    labels = np.repeat([0, 1], 50)
    first = stratified_split(labels, alone(100), FRACTIONS, seed=1)
    assert (first == stratified_split(labels, alone(100), FRACTIONS, seed=1)).all()
    assert (first != stratified_split(labels, alone(100), FRACTIONS, seed=2)).any()


def test_order_of_records_does_not_matter():
    # Sorted input must not stay sorted over the splits.
    split = stratified_split(np.zeros(300, dtype=int), alone(300), FRACTIONS, seed=0)
    means = [alone(300)[split == s].mean() for s in range(3)]
    assert max(means) - min(means) < 60


@pytest.mark.parametrize("seed", range(5))
def test_components_stay_together_with_near_proportions(seed):
    rng = np.random.default_rng(seed)
    n = 400
    members = np.sort(rng.integers(0, 120, n))
    labels = members % 3
    split = stratified_split(labels, members, FRACTIONS, seed)
    for component in np.unique(members):
        assert len(set(split[members == component].tolist())) == 1
    for value in range(3):
        sizes = np.bincount(members[labels == value])
        counts = np.bincount(split[labels == value], minlength=3)
        assert np.abs(counts - np.array(FRACTIONS) * (labels == value).sum()).max() <= sizes.max()


def test_single_large_component_goes_to_training():
    members = np.concatenate([np.zeros(90, dtype=int), 1 + np.arange(10)])
    split = stratified_split(np.zeros(100, dtype=int), members, FRACTIONS, seed=0)
    assert set(split[:90].tolist()) == {0}
    assert set(split[90:].tolist()) == {1, 2}


@pytest.mark.parametrize("fractions", [FRACTIONS, (0.98, 0.01, 0.01), (0.1, 0.45, 0.45), (0.8, 0.2, 0.0), (0.9, 0.0, 0.1)])
def test_class_of_three_components_is_in_every_split(fractions):
    rng = random.Random(0)
    wanted = {s for s in range(3) if fractions[s] > 0}
    for case in range(200):
        sizes = [rng.choice([1, 1, 2, 5, 30]) for _ in range(rng.randint(3, 8))]
        members = np.repeat(np.arange(len(sizes)), sizes)
        split = stratified_split(np.zeros(len(members), dtype=int), members, fractions, seed=case)
        assert set(split.tolist()) == wanted, sizes


def test_training_comes_first_if_records_are_scarce():
    for n in (1, 2):
        split = stratified_split(np.zeros(n, dtype=int), alone(n), FRACTIONS, seed=0)
        assert 0 in split


def test_fixed_records_keep_their_split():
    fixed = np.where(np.arange(100) < 30, 2, -1)
    split = stratified_split(np.zeros(100, dtype=int), alone(100), (0.75, 0.25, 0.0), seed=0, fixed=fixed)
    assert (split[:30] == 2).all()
    assert np.bincount(split[30:], minlength=3).tolist() == [53, 17, 0] or np.bincount(split[30:]).tolist() == [52, 18]


def naive_components(keys):
    """Find components by repeatedly merging all pairs."""
    n = len(keys[0])
    found = list(range(n))
    changed = True
    while changed:
        changed = False
        for i, j in combinations(range(n), 2):
            if found[i] != found[j] and any(key[i] == key[j] >= 0 for key in keys):
                found[i] = found[j] = min(found[i], found[j])
                changed = True
    return found


@pytest.mark.parametrize("seed", range(20))
def test_components_agree_with_naive_merging(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 25))
    keys = [rng.integers(-1, 15, n), rng.integers(-1, 15, n)]
    found, expected = components(keys), naive_components(keys)
    for i, j in combinations(range(n), 2):
        assert (found[i] == found[j]) == (expected[i] == expected[j])


def test_records_without_key_are_separate():
    assert len(set(components([np.array([-1, -1, -1])]).tolist())) == 3


@pytest.mark.parametrize("seed", range(10))
def test_relatives_of_later_split_are_dropped_from_earlier_ones(seed):
    rng = np.random.default_rng(seed)
    members, split = rng.integers(0, 20, 60), rng.integers(0, 3, 60).astype(np.int8)
    leaks = split_leaks(members, split)
    assert leaks.any()
    for component in np.unique(members):
        inside = members == component
        assert set(split[inside & ~leaks].tolist()) == {split[inside].max()}
        assert (split[inside & leaks] < split[inside].max()).all()


def test_fractions_are_parsed():
    assert parse_fractions("0.7,0.2,0.1") == (0.7, 0.2, 0.1)
    assert parse_fractions(" 0.8, 0.2, 0") == (0.8, 0.2, 0.0)


@pytest.mark.parametrize("text", ["", "a,b,c", "0.5,0.5", "0.5,0.2,0.2", "1.2,-0.1,-0.1", "0,0.5,0.5", "nan,0,1", "1,nan,0"])
def test_invalid_fractions_are_explained(text):
    message = message_of(parse_fractions, text)
    assert "split must be" in message
    assert f"'{text}'" in message
    assert "0.6,0.2,0.2" in message


def test_common_names_of_splits_are_recognised():
    for number, names in enumerate((("train", "Training"), ("val", "valid", "validation", "dev"), ("test", " TEST "))):
        for name in names:
            assert split_number(name, "x") == number
    message = message_of(split_number, "holdout", "x.fa: record 's1' (line 3)")
    for part in ("'holdout'", "record 's1'", "train", "val", "test"):
        assert part in message

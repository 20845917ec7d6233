"""Batches: which records stand together, and the padded tensors made of them."""

from collections import Counter

import numpy as np
import pytest
import torch

from seqmix.data.batching import collate, plan_batches
from seqmix.data.transforms import augment
from seqmix.data.vocabulary import CLS, PAD, make_vocabulary


def random_lengths(seed, n=200):
    return np.random.default_rng(seed).integers(1, 500, n)


def same(first, second):
    return len(first) == len(second) and all(map(np.array_equal, first, second))


@pytest.mark.parametrize("order", [None, (0, 0), (3, 7)])
@pytest.mark.parametrize("n", [0, 1, 2, 37, 200])
@pytest.mark.parametrize("limit", [{"tokens_per_batch": 1000}, {"tokens_per_batch": 1, "batch_size": 8}])
def test_every_record_is_in_exactly_one_batch(limit, n, order):
    batches = plan_batches(random_lengths(n, n), order=order, **limit)
    assert sorted(i for batch in batches for i in batch.tolist()) == list(range(n))
    assert all(len(batch) for batch in batches)


@pytest.mark.parametrize("order", [None, (0, 1), (1, 0)])
@pytest.mark.parametrize("budget", [1, 300, 1000, 5000])
def test_padded_batches_stay_below_token_limit(budget, order):
    lengths = random_lengths(budget)
    batches = plan_batches(lengths, tokens_per_batch=budget, order=order)
    for batch in batches:
        assert len(batch) == 1 or lengths[batch].max() * len(batch) <= budget
    assert budget > 1 or len(batches) == len(lengths)


def test_batches_use_most_of_the_token_limit():
    lengths = random_lengths(0, 2000)
    batches = plan_batches(lengths, tokens_per_batch=8000, order=(0, 0))
    padded = sum(lengths[batch].max() * len(batch) for batch in batches)
    assert padded / lengths.sum() < 1.15  # similar lengths are batched together: little padding
    assert len(batches) < 1.25 * lengths.sum() / 8000


def test_batch_size_bounds_number_of_records():
    batches = plan_batches(random_lengths(0, 50), tokens_per_batch=1, batch_size=8, order=(0, 0))
    assert sorted(len(batch) for batch in batches) == [2, *[8] * 6]


def test_batches_depend_on_lengths_seed_and_epoch_only():
    lengths = random_lengths(0)
    before = lengths.copy()
    first = plan_batches(lengths, tokens_per_batch=2000, order=(1, 2))
    np.random.default_rng().random(3)
    np.random.seed(5)
    torch.manual_seed(9)
    assert same(first, plan_batches(lengths, tokens_per_batch=2000, order=(1, 2)))
    assert (lengths == before).all()


def test_each_seed_and_epoch_has_different_batches():
    lengths = random_lengths(0)
    plans = [plan_batches(lengths, tokens_per_batch=2000, order=order) for order in ((0, 0), (0, 1), (1, 0))]
    assert not any(same(a, b) for i, a in enumerate(plans) for b in plans[:i])
    together = [{frozenset(batch.tolist()) for batch in plan} for plan in plans]
    assert together[0] != together[1]  # not just the same batches in another order


def test_training_batches_are_not_ordered_by_length():
    lengths = random_lengths(0, 1000)
    means = [lengths[batch].mean() for batch in plan_batches(lengths, tokens_per_batch=4000, order=(0, 0))]
    assert means != sorted(means)
    assert means != sorted(means, reverse=True)


def test_evaluation_batches_go_from_longest_to_shortest():
    lengths = random_lengths(0)
    order = np.concatenate(plan_batches(lengths, tokens_per_batch=2000))
    assert (np.diff(lengths[order]) <= 0).all()


def arrays(*rows, dtype=np.uint8):
    return [np.array(row, dtype=dtype) for row in rows]


def test_collate_pads_to_longest_sequence():
    batch = collate(arrays([2, 3, 4], [5], [6, 2]))
    assert batch.ids.tolist() == [[2, 3, 4], [5, PAD, PAD], [6, 2, PAD]]
    assert batch.mask.tolist() == [[True, True, True], [True, False, False], [True, True, False]]
    assert batch.mask.dtype == torch.bool
    assert batch.ids.dtype == torch.uint8


def test_cls_comes_first_and_displaces_no_token():
    batch = collate(arrays([2, 3, 4], [5]), cls=True)
    assert batch.ids.tolist() == [[CLS, 2, 3, 4], [CLS, 5, PAD, PAD]]
    assert batch.mask.tolist() == [[True] * 4, [True, True, False, False]]


def test_collate_preserves_large_ids():
    assert collate(arrays([65535, 300], dtype=np.uint16)).ids.tolist() == [[65535, 300]]


def test_augmentation_depends_on_record_seed_and_epoch_only():
    tokens = np.arange(2, 102, dtype=np.uint8)
    complement = bytes(range(256))
    options = {"crop": 0.5, "reverse_complement": 0.5, "complement": complement}
    first = [augment(tokens, (0, 0, i), **options) for i in range(200)]
    assert all(map(np.array_equal, first, [augment(tokens, (0, 0, i), **options) for i in range(200)]))
    assert not all(map(np.array_equal, first, [augment(tokens, (0, 1, i), **options) for i in range(200)]))
    assert all(50 <= len(part) <= 100 for part in first)
    assert min(map(len, first)) < 60 < 90 < max(map(len, first))
    assert tokens.tolist() == list(range(2, 102))


def test_crop_is_a_substring_and_other_strand_is_reverse_complement():
    vocabulary = make_vocabulary("dna")
    text = "ACGTNNACCA" * 5
    tokens = vocabulary.encode(text, Counter(), "test")
    for i in range(50):
        part = augment(tokens, (0, 0, i), crop=0.8, complement=vocabulary.complement)
        assert vocabulary.decode(part) in text
        other = augment(tokens, (0, 0, i), reverse_complement=1.0, complement=vocabulary.complement)
        assert vocabulary.decode(other) == text[::-1].translate(str.maketrans("ACGT", "TGCA"))
    assert augment(tokens, (0, 0, 0), complement=vocabulary.complement) is tokens
    assert len(augment(tokens[:1], (0, 0, 0), crop=0.9, complement=None)) == 1


def test_collate_reads_memory_maps(dataset):
    batch = collate([dataset.tokens(i) for i in range(3)])
    assert batch.mask.sum(1).tolist() == dataset.lengths[:3].tolist()
    for i in range(3):
        assert batch.ids[i][batch.mask[i]].tolist() == dataset.tokens(i).tolist()

"""Counts in sparse rows, and hashed n-grams, against plain Python."""

import random
import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch

from seqmix.functional.counts import SparseRows, count_codes, paired
from seqmix.functional.ngrams import BASE, Characters, SpanHashes, character_ngrams, word_ngrams, word_tokens


def dense(rows, width):
    """The matrix of sparse rows."""
    matrix = torch.zeros(len(rows.offsets) - 1, width)
    matrix[rows.rows, rows.columns] = rows.values
    return matrix


def sparse(matrix):
    """The sparse rows of a matrix."""
    rows, columns = matrix.nonzero(as_tuple=True)
    ends = torch.searchsorted(rows, torch.arange(len(matrix) + 1))
    return SparseRows(ends, columns, matrix[rows, columns])


@pytest.mark.parametrize("width", [7, 1 << 24])
def test_codes_are_counted_row_by_row(width):
    generator = np.random.default_rng(0)
    rows, codes = np.sort(generator.integers(0, 4, 60)), generator.integers(0, 7, 60)
    found = count_codes(torch.from_numpy(rows), torch.from_numpy(codes), 5, width)
    counts = Counter(zip(rows.tolist(), codes.tolist(), strict=True))
    assert (
        dict(zip(zip(found.rows.tolist(), found.columns.tolist(), strict=True), found.values.tolist(), strict=True)) == counts
    )
    assert found.offsets.tolist()[-2:] == [len(counts)] * 2  # the last row is empty


def test_sparse_rows_multiply_and_have_norm_1():
    torch.manual_seed(0)
    matrix = torch.rand(4, 9).round(decimals=1) * (torch.rand(4, 9) < 0.4)
    matrix[2] = 0
    weight = torch.rand(9, 3)
    torch.testing.assert_close(sparse(matrix).product(weight), matrix @ weight)
    torch.testing.assert_close(dense(sparse(matrix).normalised(), 9), torch.nn.functional.normalize(matrix))
    halves = sparse(matrix)
    parts = [torch.nn.functional.normalize(part) for part in (matrix[:, :4], matrix[:, 4:])]
    torch.testing.assert_close(dense(halves.normalised((halves.columns >= 4).long(), 2), 9), torch.cat(parts, 1))


def test_paired_rows_are_products_and_differences():
    torch.manual_seed(0)
    matrix = torch.rand(6, 5) * (torch.rand(6, 5) < 0.5)
    first, second = matrix.chunk(2)
    expected = torch.cat((first * second, (first - second).abs()), 1)
    torch.testing.assert_close(dense(paired(sparse(matrix), 5), 10), expected)


def characters(texts):
    """The characters of texts, in lower case."""
    whole = "".join(texts).lower()
    return Characters(
        torch.tensor([ord(character) for character in whole], dtype=torch.int64),
        torch.tensor([character.isalnum() for character in whole], dtype=torch.bool),
        torch.tensor([character.isspace() for character in whole], dtype=torch.bool),
        torch.arange(len(texts)).repeat_interleave(torch.tensor([len(text) for text in texts])),
    )


def texts():
    rng = random.Random(0)
    return ["".join(rng.choices("abAB1 .", k=rng.randint(0, 40))) for _ in range(6)] + ["", "a", "ab", "word", " two  words "]


def grouped(rows, buckets, n):
    """How often each bucket is in each row."""
    return [Counter(b for r, b in zip(rows.tolist(), buckets.tolist(), strict=True) if r == row) for row in range(n)]


def same_but_for_names(found, expected):
    """Whether two lists of counters are equal with some one-to-one renaming."""
    names = {}
    for row, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
        assert sorted(ours.values()) == sorted(theirs.values()), row
        for thing in theirs:
            names.setdefault(thing, [Counter() for _ in expected])[row] = theirs[thing]
    by_bucket = {bucket: tuple(row[bucket] for row in found) for row in found for bucket in row}
    by_thing = {thing: tuple(row[thing] for row in expected) for row in expected for thing in row}
    return Counter(by_bucket.values()) == Counter(by_thing.values())


def test_span_hash_is_the_polynomial_wherever_it_stands():
    codes = [5, 7, 5, 7, 0]
    hashes = SpanHashes(torch.tensor(codes))
    found = hashes(torch.tensor([0, 2, 0]), torch.tensor([2, 4, 5]), 1)
    assert found[0] == found[1] != found[2]
    spans = hashes._sums[torch.tensor([2, 5])]
    expected = [sum((code + 1) * BASE**j for j, code in enumerate(codes[:n])) % (1 << 64) for n in (2, 5)]
    assert [value % (1 << 64) for value in spans.tolist()] == expected


def test_character_ngrams_are_those_of_plain_python():
    found = grouped(*character_ngrams(characters(texts()), (2, 3), 1 << 30), len(texts()))
    expected = [Counter(t[i : i + n] for n in (2, 3) for i in range(len(t) - n + 1)) for t in (x.lower() for x in texts())]
    assert same_but_for_names(found, expected)


def test_word_ngrams_are_those_of_plain_python():
    found = grouped(*word_ngrams(characters(texts()), 1 << 30), len(texts()))
    words = [re.findall("[a-z0-9]+", text.lower()) for text in texts()]
    expected = [Counter([*some, *pairwise(some)]) for some in words]
    assert same_but_for_names(found, expected)


@pytest.mark.parametrize("cls", [False, True])
def test_word_tokens_are_those_of_plain_python(cls):
    some = [*texts(), "!?", "don't, no"]
    ids, mask = word_tokens(characters(some), len(some), 1 << 19, cls=cls)
    assert ids.dtype == torch.int32 and not ids[~mask].any()
    names = {}
    for text, row, kept in zip(some, ids, mask, strict=True):
        found = row[kept].tolist()
        assert mask.sum(1).max() == ids.shape[1] and kept[: len(found)].all()
        if cls:
            assert found.pop(0) == 1
        expected = re.findall(r"[^\W_]+|[^\w\s]|_", text.lower())
        if not expected:
            assert found == [2]
            continue
        assert len(found) == len(expected) and min(found) >= 3
        assert [names.setdefault(word, token) for word, token in zip(expected, found, strict=True)] == found
    assert len(set(names.values())) == len(names)


def test_buckets_are_used_evenly():
    rng = random.Random(1)
    text = "".join(rng.choices("abcdefghijklmnopqrstuvwxyz ", k=20000))
    _, buckets = character_ngrams(characters([text]), (5,), 1 << 10)
    counts = np.bincount(buckets.numpy(), minlength=1 << 10)
    assert 0.9 < counts.var() / counts.mean() < 1.15  # 1 for independent draws

"""Novelty: uniform for records like those of validation, near 1 for others; and a warning where many are unusual."""

import json
import random
from collections import Counter

import numpy as np
import pytest

from seqmix.calibration.features import Features
from seqmix.calibration.novelty import Novelty
from seqmix.calibration.unusual import Unusual
from seqmix.data.vocabulary.make import make_vocabulary
from tests.support import random_dna

ENGLISH = "the of and to in is was for that with as on by he at from his it an were are which this be had its"
ITALIAN = "il di che la un per non con una sono della più gli ha anche alla questo nel come dei loro essere quando"


def dna(n, rng, letters=(6, 1, 1, 4)):
    """Return sequences with a composition and a preference for CG after AT, as tokens."""
    found = []
    for _ in range(n):
        text = random_dna(rng.randint(300, 3000), rng, letters).replace("ATA", "ATCG")
        found.append([encoded(DNA, text)])
    return found


def encoded(vocabulary, text):
    return vocabulary.encode(text, Counter(), "text")


DNA = make_vocabulary("dna", unknown="map")
BYTES = make_vocabulary("bytes", unknown="map")


def texts(n, rng, words=ENGLISH):
    return [[encoded(BYTES, " ".join(rng.choices(words.split(), k=rng.randint(100, 400))))] for _ in range(n)]


@pytest.fixture(scope="module")
def of_dna():
    rng = random.Random(0)
    return Novelty.of(DNA, dna(300, rng), dna(200, rng))


@pytest.fixture(scope="module")
def of_texts():
    rng = random.Random(0)
    return Novelty.of(BYTES, texts(200, rng), texts(100, rng))


def values(novelty, records):
    return novelty(records)[0]


def one(novelty, *sequences):
    """Return the novelty of a record, and by what it is unusual."""
    (value,), (by,) = novelty([sequences])
    return value, by


def test_novelty_of_like_records_is_uniform(of_dna, of_texts):
    rng = random.Random(1)
    for novelty, records in ((of_dna, dna(400, rng)), (of_texts, texts(300, rng))):
        found = np.sort(values(novelty, records))
        assert np.abs(found - np.linspace(0, 1, len(found))).max() < 0.15  # Kolmogorov-Smirnov, 1 in 1,000


@pytest.mark.parametrize(
    ("text", "by"),
    [
        ("ACGTACGTAC", "shorter"),
        (random_dna(9000, random.Random(0), (6, 1, 1, 4)), "longer"),
        (random_dna(1000, random.Random(0), (1, 1, 1, 1)), "composition"),
        (random_dna(1000, random.Random(0), (1, 6, 6, 1)), "composition"),
        ("A" * 1000, "composition"),
        ("N" * 1000, "unknown"),
    ],
)
def test_novelty_of_other_dna_is_near_1(of_dna, text, by):
    found, why = one(of_dna, encoded(DNA, text))
    assert found > 0.99
    assert why == by


def test_same_letters_in_another_order_are_novel(of_dna):
    rng = np.random.default_rng(0)
    found = values(of_dna, [[rng.permutation(record[0])] for record in dna(30, random.Random(3))])
    assert np.median(found) > 0.95


def test_novelty_of_another_language_is_near_1(of_texts):
    assert values(of_texts, texts(20, random.Random(2), ITALIAN)).min() > 0.99
    assert one(of_texts, encoded(BYTES, "ten bytes!")) == (1.0, "shorter")


def test_novelty_does_not_depend_on_how_long_records_are_read(of_dna):
    rng = random.Random(5)
    long = Novelty.of(DNA, [[encoded(DNA, random_dna(200_000, rng))] for _ in range(4)], [dna(1, rng)[0]])
    assert long.features([encoded(DNA, random_dna(300_000, rng))])[0, 0] == pytest.approx(np.log(300_000))


def test_pairs_and_numbers_have_a_novelty():
    rng = np.random.default_rng(0)
    pairs = [[a[0], b[0]] for a, b in zip(dna(80, random.Random(0)), dna(80, random.Random(1)), strict=True)]
    novelty = Novelty.of(DNA, pairs[:50], pairs[50:])
    odd = [pairs[0][0], encoded(DNA, "C" * 500)]
    assert one(novelty, *odd)[0] == 1.0
    numbers = make_vocabulary("real", unknown="map", channels=2)
    series = [[rng.normal(0, 1, (100, 2)).astype(np.float32)] for _ in range(80)]
    found = Novelty.of(numbers, series[:50], series[50:])
    assert one(found, series[0][0] + 5) == (1.0, "values")
    assert one(found, np.full((100, 2), np.float32(3e38)))[0] == 1.0


def test_stored_novelty_is_the_same(of_dna, of_texts):
    for novelty, record in ((of_dna, dna(1, random.Random(7))[0]), (of_texts, texts(1, random.Random(7))[0])):
        stored = json.loads(json.dumps(novelty.to_dict()))
        assert one(Novelty.from_dict(stored, 1), *record) == one(novelty, *record)
        assert len(json.dumps(stored)) < 100_000


def test_common_kmers_count_by_their_share():
    found = Features.of(DNA, [encoded(DNA, "ACGTTG" * 500)])
    known, strange, short = found([encoded(DNA, text) for text in ("ACGTTG" * 20, "CCATAG" * 20, "AC")])
    assert known[1] > strange[1]
    assert known[2] > strange[2]
    assert short[1:3] == pytest.approx([-0.1 * table.max() for table in found.tables])


def test_features_do_not_depend_on_the_records_beside(of_dna):
    rng = random.Random(8)
    some = [record[0] for record in dna(20, rng)] + [encoded(DNA, text) for text in ("A", "ACN", "ACGTA", "ACGTACG")]
    together = of_dna.features(some)
    alone = np.concatenate([of_dna.features([sequence]) for sequence in some])
    np.testing.assert_allclose(together, alone, rtol=1e-12)
    text = [of_dna.features.symbols]  # as the formula says
    numbers = np.minimum(some[0].astype(int) - 2, 4)
    codes = sum(numbers[j : len(numbers) - 5 + j] * text[0] ** (5 - j) for j in range(6))
    if len(numbers) <= 1024:
        assert together[0, 2] == pytest.approx(-0.1 * of_dna.features.tables[1][codes].astype(float).mean())


def counted(novelties, validated=200, by="shorter"):
    unusual = Unusual(validated)
    for novelty in novelties:
        unusual.count(novelty, by)
    return unusual


def test_warning_comes_once_and_names_what_is_unusual():
    rng = np.random.default_rng(0)
    unusual = counted([*rng.random(300), *np.full(40, 1.0)])
    (line,) = unusual.lines("character")
    assert f"{unusual.above} of 340 records are more unusual than 95 % of the validation records" in line
    assert f"{unusual.above} shorter than every training record" in line


def test_chance_alone_warns_at_most_once_in_a_hundred():
    rng = np.random.default_rng(0)
    warned = 0
    for _ in range(1000):
        validation, new = np.sort(rng.random(100)), rng.random(200)
        warned += bool(counted(np.searchsorted(validation, new) / 100, 100).lines("character"))
    assert warned <= 20


def test_single_strange_record_is_named_if_validation_is_large_enough():
    assert counted([1.0], 1000).lines("character")
    assert not counted([1.0], 50).lines("character")
    assert not counted([], 1000).lines("character")

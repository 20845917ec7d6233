"""The lexical branch: that its answer for a record depends on that record alone, and what its features are."""

import random
from collections import Counter
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch

from seqmix.data.batching import collate
from seqmix.data.vocabulary import make_vocabulary
from seqmix.models.lexical import FeatureCounter, LexicalClassifier, weighted
from seqmix.models.lexical_spec import WEIGHTINGS, LexicalSpec
from tests.support import random_dna

DNA = make_vocabulary("dna")
TEXT = make_vocabulary("chars", symbols="abcdeABC .,é")
SPECS = {
    "kmers": (LexicalSpec(features="kmers", k=2, letters=4), DNA),
    "ngrams": (LexicalSpec(features="ngrams", parts=("words", "characters"), buckets=1 << 10), TEXT),
}


def model_of(name, weighting="frequencies", **options):
    spec, vocabulary = SPECS[name]
    model = LexicalClassifier(replace(spec, weighting=weighting, **options), vocabulary, 3)
    generator = torch.Generator().manual_seed(0)
    state = {key: torch.rand(tensor.shape, generator=generator) for key, tensor in model.state_dict().items()}
    model.load_state_dict(state)
    return model.eval()


def sequences(name, count=6):
    generator = np.random.default_rng(0)
    most = len(SPECS[name][1])
    return [generator.integers(2, most, size).astype(np.uint8) for size in [1, *generator.integers(2, 60, count - 1)]]


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("name", SPECS)
def test_answer_depends_on_the_record_alone(name, weighting):
    model, rows = model_of(name, weighting), sequences(name)
    together = collate(rows)
    found = model(together.ids.masked_fill(~together.mask, 3), together.mask)
    for row, answer in zip(rows, found, strict=True):
        alone = collate([row])
        assert torch.equal(model(alone.ids, alone.mask)[0], answer)


@pytest.mark.parametrize("name", SPECS)
def test_pairs_are_products_and_differences(name):
    spec, vocabulary = SPECS[name]
    rows = sequences(name)
    batch = collate(rows)
    count = FeatureCounter(spec, vocabulary)
    dense = torch.zeros(len(rows), spec.counted)
    single = weighted(count(batch.ids, batch.mask), spec)
    dense[single.rows, single.columns] = single.values
    model = model_of(name, paired=True)
    first, second = dense.chunk(2)
    features = torch.cat((first * second, (first - second).abs()), 1)
    torch.testing.assert_close(model(batch.ids, batch.mask), features @ model.weight - model.shift + model.bias)


def test_kmers_with_other_letters_do_not_count():
    spec, vocabulary = SPECS["kmers"]
    ids = torch.tensor([[2, 3, 6, 2, 3, 5]])  # ACNACT
    found = FeatureCounter(spec, vocabulary)(ids, torch.ones_like(ids, dtype=torch.bool))
    assert dict(zip(found.columns.tolist(), found.values.tolist(), strict=True)) == {1: 2.0, 7: 1.0}  # AC twice, CT


@pytest.mark.parametrize("k", [1, 2, 4])
def test_kmer_frequencies_are_counts_with_unit_norm(k):
    rng = random.Random(0)
    texts = [random_dna(rng.randint(k, 60), rng) for _ in range(5)] + ["ACGTNNACGTNA", "N" * 9, "ACG"[: k - 1] or "N"]
    batch = collate([DNA.encode(text.encode(), Counter(), "") for text in texts])
    spec = LexicalSpec(features="kmers", k=k, letters=4)
    found = weighted(FeatureCounter(spec, DNA)(batch.ids, batch.mask), spec)
    rows = torch.zeros(len(texts), spec.width)
    rows[found.rows, found.columns] = found.values
    words = ["".join(letters) for letters in product("ACGT", repeat=k)]
    for text, row in zip(texts, rows.numpy(), strict=True):
        counts = np.array([sum(text[i : i + k] == word for i in range(len(text) - k + 1)) for word in words], dtype=float)
        np.testing.assert_allclose(row, counts / (np.linalg.norm(counts) or 1.0), atol=1e-6)


def test_record_without_features_has_the_bias():
    for name, weighting in (("kmers", "standardised"), ("ngrams", "tf-idf")):
        model = model_of(name, weighting)
        ids = torch.full((1, 5), SPECS[name][1].unknown_id if name == "kmers" else 2)
        ids = ids[:, :1] if name == "ngrams" else ids
        torch.testing.assert_close(model(ids, torch.ones_like(ids, dtype=torch.bool))[0], model.bias)


def test_words_alphabet_has_the_ngrams_of_its_text():
    words = make_vocabulary("words", symbols=["ab", "Cd", "e."])
    spec = SPECS["ngrams"][0]
    ids = torch.tensor([[4, 3, 5]])
    text = " ".join(words.symbols[i - 2] for i in ids[0].tolist()) + " "
    characters = make_vocabulary("chars", symbols=sorted(set(text)))
    same = torch.tensor([[characters.symbols.index(character) + 2 for character in text]])
    found, expected = (
        FeatureCounter(spec, vocabulary)(some, torch.ones_like(some, dtype=torch.bool))
        for vocabulary, some in ((words, ids), (characters, same))
    )
    assert torch.equal(found.columns, expected.columns)
    assert torch.equal(found.values, expected.values)

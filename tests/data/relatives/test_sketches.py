"""Sketches, and who shares how much with whom, against sets of Python."""

import random

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from seqmix.data.relatives import shared, sketches
from seqmix.data.relatives.shared import nearest, similar_pairs
from seqmix.data.relatives.sketches import sketch
from seqmix.data.vocabulary import Gathering, SubwordLearning, make_vocabulary

COMPLEMENT = str.maketrans("ACGT", "TGCA")


def sketched(texts, vocabulary, n_sequences=1):
    """Return the sketches of some texts."""
    parts = [vocabulary.encode(text, {}, "") for text in texts]
    offsets = np.concatenate(([0], np.cumsum([len(part) for part in parts])))
    return sketch(np.concatenate(parts), offsets, n_sequences, vocabulary)


def dna_sets(texts, k=21):
    """Return the canonical k-mers of each text."""

    def canonical(kmer):
        return min(kmer, kmer.translate(COMPLEMENT)[::-1])

    return [{canonical(text[i : i + k]) for i in range(len(text) - k + 1) if "N" not in text[i : i + k]} for text in texts]


def word_sets(texts, size=5):
    """Return the runs of words of each text; a shorter text is one run."""
    words = [("".join(c.lower() if c.isalnum() else " " for c in text)).split() for text in texts]
    return [{tuple(w[i : i + size]) for i in range(max(1, len(w) - size + 1))} - {()} for w in words]


def contained(sets, one, others):
    """Return the largest share of a set in another, and the first that has it."""
    shares = [(len(sets[one] & sets[other]) / len(sets[one]), -other) for other in others]
    share, other = max(shares)
    return share, (-other if share else -1)


def relatives_of_dna(generator, families=12, size=4):
    """Return sequences in families, with mutations, reverse complements, unknown letters, and one shorter than a k-mer."""
    texts = []
    for family in range(families):
        root = [generator.choice("ACGT") for _ in range(generator.randint(60, 400))]
        for _ in range(size):
            copy = [generator.choice("ACGT") if generator.random() < 0.01 * (family % 5) else letter for letter in root]
            copy[generator.randrange(len(copy))] = "N"
            text = "".join(copy)
            texts.append(text.translate(COMPLEMENT)[::-1] if generator.random() < 0.5 else text)
    return [*texts, "ACGTACGT", "A" * 50]


def components(pairs, n):
    """Return the number of components that pairs make of n records."""
    graph = coo_matrix((np.ones(len(pairs)), (pairs.first, pairs.second)), shape=(n, n))
    return connected_components(graph, directed=False)[0]


def check_against(sets, found, asked):
    among = [i for i in range(len(sets)) if not asked[i]]
    answer = nearest(found, asked, ~asked)
    assert (found.sizes == [len(one) for one in sets]).all()
    for i in range(len(sets)):
        if not asked[i] or not sets[i]:
            assert np.isnan(answer.containment[i])
            assert answer.record[i] == -1
        else:
            share, other = contained(sets, i, among)
            assert answer.containment[i] == pytest.approx(share)
            assert answer.record[i] == other


@pytest.mark.parametrize("chunk", [1 << 17, 64])
def test_nearest_of_dna_matches_sets(chunk, monkeypatch):
    monkeypatch.setattr(sketches, "_CHUNK", chunk)
    monkeypatch.setattr(sketches, "_LONGEST", chunk + 7)
    generator = random.Random(3)
    texts = relatives_of_dna(generator)
    found = sketched(texts, make_vocabulary("dna"))
    assert (found.unit, found.rate) == ("21-mers", 1.0)
    check_against(dna_sets(texts), found, np.array([generator.random() < 0.4 for _ in texts]))


def test_similar_pairs_match_sets():
    texts = relatives_of_dna(random.Random(4))
    sets = dna_sets(texts)
    found = similar_pairs(sketched(texts, make_vocabulary("dna")), 0.5)
    wanted = {
        (i, j): len(sets[i] & sets[j]) / min(len(sets[i]), len(sets[j]))
        for j in range(len(sets))
        for i in range(j)
        if sets[i] and sets[j]
    }
    got = dict(zip(zip(found.first.tolist(), found.second.tolist(), strict=True), found.containment, strict=True))
    assert got == pytest.approx({pair: share for pair, share in wanted.items() if share >= 0.5})
    assert len(got) > 20


def test_work_is_bounded_and_nearness_stays_close(monkeypatch):
    generator = random.Random(5)
    repeat = "".join(generator.choice("ACGT") for _ in range(100))  # in all records
    texts = [text + repeat for text in relatives_of_dna(generator, families=30)]
    asked = np.array([generator.random() < 0.4 for _ in texts])
    found = sketched(texts, make_vocabulary("dna"))
    exact = nearest(found, asked, ~asked)
    pairs = similar_pairs(found, 0.5)
    monkeypatch.setattr(shared, "_WORK", 1)
    assert (nearest(found, asked, ~asked).containment[asked] == exact.containment[asked]).mean() > 0.95
    assert (nearest(found, asked, ~asked).containment[asked] <= exact.containment[asked]).all()
    fewer = similar_pairs(found, 0.5)
    assert set(zip(fewer.first, fewer.second, strict=True)) <= set(zip(pairs.first, pairs.second, strict=True))
    assert len(fewer) < len(pairs)
    assert components(fewer, len(texts)) == components(pairs, len(texts))


def test_records_that_are_all_alike_are_found_in_bounded_work():
    generator = random.Random(6)
    root = "".join(generator.choice("ACGT") for _ in range(60))
    n = 8_000
    found = sketched([root] * n, make_vocabulary("dna"))
    asked = np.arange(n) % 3 == 0
    assert (nearest(found, asked, ~asked).containment[asked] == 1).all()
    pairs = similar_pairs(found, 0.5)
    assert len(pairs) < 100 * n
    assert components(pairs, n) == 1


def test_a_low_rate_estimates_the_containment(monkeypatch):
    monkeypatch.setattr(sketches, "_SAMPLED", 30_000)
    monkeypatch.setattr(sketches, "_EACH", 1)
    generator = random.Random(7)
    texts = []
    for share in (0.2, 0.5, 0.8):
        for _ in range(10):
            root = "".join(generator.choice("ACGT") for _ in range(10_000))
            other = "".join(generator.choice("ACGT") for _ in range(round(10_000 * (1 - share))))
            texts += [root, root[: 10_000 - len(other)] + other]
    found = sketched(texts, make_vocabulary("dna"))
    assert found.rate == pytest.approx(0.05, rel=0.02)
    asked = np.arange(len(texts)) % 2 == 1
    exact = np.repeat((0.2, 0.5, 0.8), 10)
    assert np.abs(nearest(found, asked, ~asked).containment[asked] - exact).max() < 0.12


def test_proteins_have_short_kmers():
    generator = random.Random(8)
    texts = ["".join(generator.choice("ACDEFGHIKLMNPQRSTVWY") for _ in range(80)) for _ in range(20)]
    texts += [text[:40] + "X" + text[41:70] for text in texts]
    found = sketched(texts, make_vocabulary("protein"))
    sets = [{t[i : i + 6] for i in range(len(t) - 5) if "X" not in t[i : i + 6]} for t in texts]
    assert found.unit == "6-mers"
    check_against(sets, found, np.arange(40) >= 20)


WORDS = [f"{a}{b}" for a in ("ka", "lo", "mi", "nu", "pé", "qi", "ro", "se") for b in ("ba", "do", "fi", "gu", "h8", "ja")]


def documents(generator):
    """Return documents, and copies with other capitals, marks and some other words; some are shorter than a shingle."""
    texts = [" ".join(generator.choice(WORDS) for _ in range(generator.randint(3, 60))) for _ in range(40)]
    changed = []
    for text in texts:
        words = [generator.choice(WORDS) if generator.random() < 0.05 else word for word in text.split()]
        changed.append(", ".join(words).capitalize() + ".")
    return texts + changed


def test_documents_are_compared_by_runs_of_words():
    texts = documents(random.Random(9))
    gathering = Gathering("chars")
    vocabulary = make_vocabulary("chars", symbols=set("".join(texts)))
    spans = {}
    for name, encoder in {"chars": vocabulary, "gathering": gathering, "bytes": make_vocabulary("bytes")}.items():
        found = sketched(texts, encoder)
        spans[name] = int(found.unit.split()[2])
        check_against(word_sets(texts, spans[name]), found, np.arange(80) >= 40)
    assert len(set(spans.values())) == 1


def test_subwords_are_compared_by_the_words_of_their_texts():
    pytest.importorskip("tokenizers")
    texts = documents(random.Random(10))
    learning = SubwordLearning(size=300)
    before = sketched(texts, learning)
    after = sketched(texts, learning.vocabulary(iter(texts)))
    assert before.unit == after.unit
    assert (before.kmers == after.kmers).all()
    assert (before.records == after.records).all()
    check_against(word_sets(texts, int(after.unit.split()[2])), after, np.arange(80) >= 40)


def test_words_as_tokens_are_compared_by_runs():
    texts = [" ".join(text.split()) for text in documents(random.Random(11))[:40]]
    texts += [text + " " + texts[0] for text in texts]
    found = sketched(texts, make_vocabulary("words", symbols=WORDS))
    size = int(found.unit.split()[2])
    sets = [{tuple(w[i : i + size]) for i in range(len(w) - size + 1)} for w in map(str.split, texts)]
    check_against(sets, found, np.arange(80) >= 40)


def test_texts_without_blanks_are_compared_by_characters():
    generator = random.Random(12)
    letters = [chr(0x4E00 + i) for i in range(500)]
    texts = ["".join(generator.choice(letters) for _ in range(50)) for _ in range(20)]
    texts += [text[:25] + text[26:] for text in texts]
    found = sketched(texts, make_vocabulary("chars", symbols=letters))
    size = int(found.unit.split()[2])
    assert size == 5
    sets = [{t[i : i + size] for i in range(len(t) - size + 1)} for t in texts]
    check_against(sets, found, np.arange(40) >= 20)


def test_pairs_of_texts_are_taken_together():
    texts = relatives_of_dna(random.Random(13))
    found = sketched(texts, make_vocabulary("dna"), n_sequences=2)
    singles = dna_sets(texts)
    sets = [singles[i] | singles[i + 1] for i in range(0, len(texts), 2)]
    check_against(sets, found, np.arange(len(sets)) % 2 == 1)


def test_numbers_and_images_have_no_sketches():
    real = make_vocabulary("real", channels=2)
    assert sketch(np.zeros((10, 2), np.float32), np.array([0, 10]), 1, real) is None
    pixels = np.random.default_rng(0).integers(2, 258, 1000).astype(np.uint16)
    assert sketch(pixels, np.array([0, 500, 1000]), 1, make_vocabulary("bytes")) is None

"""Motifs: counts of words tell nothing about the class, while one who knows the motifs answers every record."""

import re
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from seqmix.data.synthetic.generate import generate
from seqmix.data.synthetic.motifs import draw_motifs, twins
from seqmix.data.synthetic.options import LINKER, VARIANTS
from seqmix.data.synthetic.tasks import find_task
from seqmix.evaluation.baselines import baseline_scores
from tests.support.preparing import message_of

TASK = find_task("motifs")
IUPAC = {"R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC"}
SHORT = {"order": {"length": 1024}, "spacing": {"length": 1024}, "frame": {"length": 1024, "distance": 60, "spread": 12}}
every_variant = pytest.mark.parametrize("variant", VARIANTS)


def options(variant="order", **given):
    return TASK.options({"variant": variant, **SHORT[variant], **given})


def draw(count, chosen, seed=0):
    return list(TASK.samples(count, np.random.default_rng(seed), chosen))


def occurrences(text, code):
    """Return where a motif starts, overlapping occurrences included."""
    pattern = "".join(f"[{IUPAC.get(letter, letter)}]" for letter in code)
    return [found.start() for found in re.finditer(f"(?={pattern})", text)]


def solve(text, variant, motifs):
    """Return the class from the definition."""
    a, b = (occurrences(text, motifs[name]) for name in "AB")
    if variant == "order":
        return "A-first" if a[0] < b[0] else "B-first"
    if variant == "spacing":
        return "equal" if a[1] - a[0] == a[2] - a[1] else "unequal"
    return "out-of-frame" if (b[0] - a[0]) % 3 else "in-frame"


def words(text, k):
    return Counter(text[i : i + k] for i in range(len(text) - k + 1))


@every_variant
def test_solver_that_knows_the_motifs_agrees(variant):
    for given in ({}, {"degenerate": 0, "motif_length": 24, "length": 1500}, {"length": 5000, "decoys": 20, "motif_seed": 3}):
        chosen = options(variant, **given)
        samples = draw(150, chosen)
        assert {len(sample.text) for sample in samples} == {chosen.length}
        assert {letter for sample in samples for letter in sample.text} == set("ACGT")
        right = [solve(sample.text, variant, TASK.facts(chosen)["motifs"]) == sample.label for sample in samples]
        assert np.mean(right) > 0.98


@every_variant
@pytest.mark.parametrize("copies", [1, 4])
def test_counts_of_words_are_equal_in_both_classes(variant, copies):
    rng, chosen = np.random.default_rng(1), options(variant, decoys=5, length=2050, copies=copies)
    motifs = draw_motifs(chosen)
    for _ in range(30):
        pair = twins(rng, chosen, motifs)
        assert tuple(sample.label for sample in pair) == VARIANTS[variant]
        texts = [sample.text for sample in pair]
        assert all(words(texts[0], k) == words(texts[1], k) for k in range(1, LINKER + 2))
        assert words(texts[0], 16) != words(texts[1], 16)


@every_variant
def test_kmer_models_are_at_chance(variant, tmp_path):
    data = generate("motifs", tmp_path / "data", train=300, val=80, test=200, variant=variant, **SHORT[variant])
    for name, scores in baseline_scores(data).items():
        assert abs(scores["accuracy"] - 0.5) < 0.14, name  # four standard errors
        assert abs(scores["ROC AUC"] - 0.5) < 0.16, name
    motifs = data.info["generated"]["motifs"]
    shown = {i: solve(data.vocabulary.decode(data.tokens(i)), variant, motifs) for i in data.indices("test")}
    assert np.mean([answer == data.classes[data.labels[i]] for i, answer in shown.items()]) > 0.98


@every_variant
def test_places_are_those_of_the_motifs(variant):
    chosen = options(variant)
    codes = TASK.facts(chosen)["motifs"]
    for sample in draw(50, chosen):
        assert "".join(sorted(place.name for place in sample.places)) == ("AAA" if variant == "spacing" else "AB")
        starts = [place.start for place in sample.places]
        assert starts == sorted(starts)
        for place in sample.places:
            assert place.start in occurrences(sample.text, codes[place.name])
            assert (place.end - place.start, place.strand) == (chosen.motif_length, "+")


@every_variant
def test_classes_are_equally_likely(variant):
    counts = Counter(sample.label for sample in draw(1500, options(variant)))
    assert tuple(sorted(counts)) == VARIANTS[variant]
    assert stats.chisquare(list(counts.values())).pvalue > 0.001


@every_variant
def test_places_and_distances_are_as_the_options_say(variant):
    chosen = options(variant)
    firsts, distances = {}, {}
    for sample in draw(1500, chosen):
        starts = [place.start for place in sample.places]
        firsts.setdefault(sample.label, []).append(starts[0])
        distance = (starts[2] - starts[0]) / 2 if variant == "spacing" else starts[1] - starts[0]
        distances.setdefault(sample.label, []).append(distance)
    low, high = chosen.between
    for values in distances.values():
        assert low <= min(values) <= low + 3 and high - 3 <= max(values) <= high
    assert stats.ks_2samp(*firsts.values()).pvalue > 0.001
    # The distance tells nothing but whether it is a multiple of three.
    assert stats.mannwhitneyu(*distances.values()).pvalue > 0.001


def test_unequal_gaps_differ_by_half_the_distance_or_more_to_either_side():
    sides = Counter()
    for sample in draw(400, options("spacing")):
        a, b, c = (place.start for place in sample.places)
        off, distance = (b - a) - (c - b), (c - a) / 2
        assert (off == 0) == (sample.label == "equal")
        assert off == 0 or distance / 2 <= abs(off) <= distance + 1
        sides[int(np.sign(off))] += 1
    assert min(sides.values()) > 60


@pytest.mark.parametrize("degenerate", [0, 4, 14])
def test_motifs_have_as_many_degenerate_positions_as_asked_for(degenerate):
    first = TASK.facts(options(degenerate=degenerate))["motifs"]
    assert [sum(letter in IUPAC for letter in code) for code in first.values()] == [degenerate] * 2
    assert TASK.facts(options(degenerate=degenerate, length=2000))["motifs"] == first
    other = TASK.facts(options(degenerate=degenerate, motif_seed=1))["motifs"]
    assert set(other.values()).isdisjoint(first.values())


@every_variant
def test_each_copy_is_of_the_same_class(variant):
    chosen = TASK.options({"variant": variant, "copies": 4, "length": 4099, "distance": 400 if variant == "spacing" else 100})
    for sample in draw(50, chosen):
        in_copies = [[place for place in sample.places if place.start // 1024 == copy] for copy in range(4)]
        assert sum(map(len, in_copies)) == len(sample.places) == (12 if variant == "spacing" else 8)
        motifs = TASK.facts(chosen)["motifs"]
        for copy in range(4):
            assert (
                solve(sample.text[1024 * copy : 1024 * copy + (1027 if copy == 3 else 1024)], variant, motifs) == sample.label
            )
    assert len(sample.text) == 4099


def test_occurrences_of_a_motif_differ():
    found = {sample.text[place.start : place.end] for sample in draw(300, options("spacing")) for place in sample.places}
    assert len(found) == 2**4


def test_matches_by_chance_are_as_rare_as_the_facts_say():
    chosen = options(motif_length=8, degenerate=6, length=4000, decoys=0)
    codes, samples = TASK.facts(chosen)["motifs"], draw(40, chosen)
    by_chance = sum(len(occurrences(sample.text, code)) - 1 for sample in samples for code in codes.values())
    expected = TASK.facts(chosen)["chance_matches"] * 2 * len(samples)
    assert expected > 100 and abs(by_chance - expected) < 5 * np.sqrt(expected)
    assert TASK.facts(TASK.options({}))["chance_matches"] < 0.001


def test_decoys_have_halves_of_both_motifs():
    chosen = options(decoys=3, degenerate=0)
    a, b = TASK.facts(chosen)["motifs"].values()
    found = [sum(len(occurrences(s.text, one)) for one in (a[:7] + b[7:], b[:7] + a[7:])) for s in draw(100, chosen)]
    assert np.mean(found) > 2.8 and max(found) <= 3  # a decoy may be written over another


@every_variant
def test_positions_are_stored_beside_the_data(variant, tmp_path):
    sizes = {"train": 20, "val": 5, "test": 5}
    data = generate("motifs", tmp_path / "data", **sizes, variant=variant, **SHORT[variant])
    header, *rows = (line.split("\t") for line in (data.path / "positions.tsv").read_text().splitlines())
    assert header == ["id", "name", "start", "end", "strand"]
    assert {row[0] for row in rows} == set(data.ids())
    place = {name: i for i, name in enumerate(data.ids())}
    for name, motif, start, end, strand in rows:
        text = data.vocabulary.decode(data.tokens(place[name]))
        assert int(start) in occurrences(text, data.info["generated"]["motifs"][motif])
        assert (int(end) - int(start), strand) == (14, "+")
    assert not (generate("temporal-order", tmp_path / "other", **sizes).path / "positions.tsv").exists()


def test_shortest_samples_have_room_for_everything():
    for variant, least in (("order", 60), ("spacing", 102), ("frame", 68)):
        given = {"variant": variant, "spread": 6 if variant == "frame" else 0, "length": least}
        chosen = TASK.options({**given, "distance": {"order": 30, "spacing": 44, "frame": 28}[variant]})
        assert {len(sample.text) for sample in draw(20, chosen)} == {least}


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"variant": "sorting"}, "variant must be one of order, spacing, frame"),
        ({"motif_length": 7}, "motif_length must be from 8 to 24: got 7"),
        ({"degenerate": 15}, "degenerate must be at most motif_length (14): got 15"),
        ({"variant": "frame", "spread": 5}, "spread must be at least 6 for frame: got 5"),
        ({"distance": 30, "spread": 1}, "distance less spread must be at least 30 for order: got 29"),
        ({"length": 50}, "choose a larger distance or length"),
        ({"copies": 10, "distance": 800}, "length must be at least 9100 for motifs 880 letters apart in 10 copies: got 8192"),
        ({"distance": 8000}, "length must be at least 8830 for motifs 8800 letters apart: got 8192"),
        ({"decoys": -1}, "decoys must be from 0 to 1,000,000: got -1"),
    ],
)
def test_invalid_options_are_explained(given, part):
    assert part in message_of(TASK.options, given)

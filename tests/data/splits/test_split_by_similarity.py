"""Splits by similarity: near relatives are never on both sides of a split."""

import random

import numpy as np
import pytest

import seqmix
from seqmix.data.relatives.clusters import similar_clusters
from seqmix.data.relatives.shared import similar_pairs
from seqmix.data.relatives.sketches import sketch
from seqmix.data.splits.assign import stratified_split
from seqmix.data.splits.balance import balanced_split
from tests.support.preparing import dna, message_of, noted, reverse_complement


def mutated(sequence, share, seed, letters="ACGT"):
    rng = random.Random(seed)
    return "".join(rng.choice(letters) if rng.random() < share else letter for letter in sequence)


def families(n, copies, share=0.01, length=200, classes="ab"):
    """Return records of n families; each copy is mutated, and every other one is on the other strand."""
    rows = []
    for family in range(n):
        first = dna(length, f"family {family}")
        for copy in range(copies(family) if callable(copies) else copies):
            text = mutated(first, share if copy else 0, f"{family} {copy}")
            text = reverse_complement(text) if copy % 2 else text
            rows.append(
                {"id": f"f{family}c{copy}", "text": text, "label": classes[family % len(classes)], "group": f"f{family}"}
            )
    random.Random(0).shuffle(rows)
    return rows


def without_groups(rows):
    return [{key: value for key, value in row.items() if key != "group"} for row in rows]


def crosses(data):
    """Return whether a group is in several splits."""
    return any(len(set(data.split[data.groups == group].tolist())) > 1 for group in np.unique(data.groups))


def largest_nearness(data):
    return float(np.nanmax(data.nearness, initial=0.0))


def test_families_are_kept_whole(tmp_path):
    rows = without_groups(families(60, 4, share=0.002))
    at_random = seqmix.prepare(records=rows, output=tmp_path / "random")
    data = seqmix.prepare(records=rows, output=tmp_path / "data", split_by="similarity")
    assert largest_nearness(at_random) > 0.5 > largest_nearness(data)
    families_of = {}
    for identifier, group in zip(data.ids(), data.groups.tolist(), strict=True):
        families_of.setdefault(identifier.split("c")[0], set()).add(group)
    assert len(families_of) == 60 and all(len(groups) == 1 for groups in families_of.values())
    assert data.info["groups"] == {"by": "similarity 0.5", "count": 60, "largest": 4}
    assert data.sizes == {"train": 144, "val": 48, "test": 48}
    assert noted(data, "split by similarity 0.5 (21-mers): 60 clusters, the largest of 4 records", "differ by up to 0.0 points")
    assert not crosses(data)


WORDS = [f"w{i:03}" for i in range(400)]
KINDS = {
    "dna": lambda i, rng: {"text": mutated(dna(150, i // 3), 0.01, i), "label": "ab"[i // 3 % 2]},
    "regression": lambda i, rng: {"text": mutated(dna(150, i // 3), 0.01, i), "label": rng.random()},
    "multilabel": lambda i, rng: {"text": mutated(dna(150, i // 3), 0.01, i), "label": ["xyz"[i // 3 % 3], "xyz"[i % 3]]},
    "unlabelled": lambda i, rng: {"text": mutated(dna(150, i // 3), 0.01, i)},
    "pairs": lambda i, rng: {
        "text": dna(150, i // 3),
        "pair": mutated(dna(90, i // 3 + 99), 0.01, i),
        "label": "ab"[i // 3 % 2],
    },
    "texts": lambda i, rng: {"text": " ".join(random.Random(i // 3).choices(WORDS, k=60)) + f" end{i}.", "label": "ab"[i % 2]},
    "proteins": lambda i, rng: {
        "text": mutated("".join(random.Random(i // 3).choices("ACDEFGHIKLMNPQRSTVWY", k=120)), 0.01, i, "ACDEFGHIKL"),
        "label": "ab"[i // 3 % 2],
    },
}
OPTIONS = {
    "pairs": {"alphabet": "dna"},
    "proteins": {"alphabet": "protein"},
    "regression": {"task": "regression"},
    "multilabel": {"task": "multilabel"},
}


@pytest.mark.parametrize("kind", [*KINDS, "words", "subwords"])
@pytest.mark.parametrize("extra", [{}, {"hold_out": "r0,r1,r45"}, {"hold_out": "r9", "validate": "/r2[0-9]$/"}])
def test_no_held_back_record_has_a_near_relative_in_training(kind, extra, tmp_path):
    make = KINDS["texts" if kind in ("words", "subwords") else kind]
    rng = random.Random(1)
    rows = [{"id": f"r{i}", **make(i, rng)} for i in range(90)]
    options = {"words": {"alphabet": "words"}, "subwords": {"alphabet": "subwords"}}.get(kind, OPTIONS.get(kind, {}))
    data = seqmix.prepare(records=rows, output=tmp_path / "data", split_by="similarity=0.4", **options, **extra)
    assert largest_nearness(data) < 0.4
    assert min(data.sizes.values()) > 0
    assert not crosses(data)
    if not extra:
        assert len(data) == 90
        assert data.info["groups"]["largest"] >= 3


@pytest.mark.parametrize("seed", range(4))
def test_groups_never_cross_splits_whatever_the_options(seed, tmp_path):
    rng = random.Random(seed)
    rows = families(40, lambda family: 1 + family * 7 % 5, share=0.02, length=120, classes="abc")
    for row in rows:
        row["group"] = f"{row['group']}" if rng.random() < 0.5 else f"g{rng.randrange(30)}"
        row["site"] = f"s{rng.randrange(10)}"
    rows.append({**rows[0], "id": "twin", "group": "alone"})
    options = {
        "split_by": rng.choice(["similarity", "similarity=0.8"]) if seed else None,
        "hold_out": rng.choice([None, "site=s3", "site=/s[45]/"]) if seed else None,
        "group_from": rng.choice([None, "column:group"]) if seed else "column:group",
        "split": rng.choice(["0.6,0.2,0.2", "0.8,0.1,0.1"]),
        "seed": seed,
    }
    if not options["group_from"]:
        rows = without_groups(rows)
    data = seqmix.prepare(records=rows, output=tmp_path / "data", **options)
    assert not crosses(data)
    stated = {row["id"]: row.get("group", row["id"]) for row in rows}
    where = {}
    for identifier, split in zip(data.ids(), data.split.tolist(), strict=True):
        where.setdefault(stated[identifier], set()).add(split)
    assert all(len(splits) == 1 for splits in where.values())


def test_relatives_of_given_test_records_are_left_out(tmp_path):
    rows = without_groups(families(40, 3))
    for row in rows:
        row["split"] = "test" if row["id"] in ("f0c0", "f1c0", "f2c1") else "train"
    data = seqmix.prepare(records=rows, output=tmp_path / "data", split_by="similarity")
    assert data.sizes["test"] == 3
    assert not {"f0c1", "f0c2", "f1c1", "f1c2", "f2c0", "f2c2"} & set(data.ids())
    assert noted(data, "6 training or validation records were left out: equal to, similar to, or of one group with")
    assert largest_nearness(data) < 0.5


def test_a_chain_of_relatives_that_holds_everything_is_refused_with_advice(tmp_path):
    whole, rows = dna(3000, 7), []
    for i in range(100):  # windows that overlap by two thirds
        rows.append({"id": f"w{i}", "text": whole[i * 29 : i * 29 + 87], "label": "ab"[i % 2]})
    message = message_of(seqmix.prepare, records=rows, output=tmp_path / "data", split_by="similarity=0.5")
    assert "cannot be divided by similarity 0.5: 100 of 100 are connected by near relatives" in message
    assert "the val split has 0 % instead of 20 %" in message
    assert "use split_by='similarity=0.6', which makes 100 clusters, the largest of 1" in message
    data = seqmix.prepare(records=rows, output=tmp_path / "data", split_by="similarity=0.6")
    assert data.info["groups"]["count"] == 100


def test_records_that_are_all_alike_have_no_way_out_but_groups(tmp_path):
    first = dna(300, 0)
    rows = [{"text": first + "ACGT"[i % 4] * (i % 7), "label": "ab"[i % 2]} for i in range(60)]
    message = message_of(seqmix.prepare, records=rows, output=tmp_path / "data", split_by="similarity")
    assert "connected by near relatives" in message
    assert "state what belongs together with group_from='column:NAME', or divide them at random" in message


def test_a_class_in_one_cluster_is_noted(tmp_path):
    rows = without_groups(families(30, 2)) + [
        {"id": f"x{i}", "text": mutated(dna(200, "x"), 0.01, i), "label": "x"} for i in range(10)
    ]
    data = seqmix.prepare(records=rows, output=tmp_path / "data", split_by="similarity")
    assert data.info["counts"]["train"]["x"] == 10
    assert noted(data, "1 of 3 classes are in fewer clusters of similar records than splits ('x' 1)", "similarity=0.6")


def test_large_mixed_clusters_leave_the_classes_in_proportion():
    rng = np.random.default_rng(0)
    members = np.repeat(np.arange(120), rng.integers(1, 40, 120))
    strata = (rng.random(len(members)) < rng.random(120)[members]).astype(np.int64) + 2 * (rng.random(len(members)) < 0.1)
    fractions = (0.6, 0.2, 0.2)

    def deviation(split):
        shares = [[(strata[split == s] == c).mean() for c in range(4)] for s in range(3)]
        return np.abs(np.array(shares) - [(strata == c).mean() for c in range(4)]).max()

    balanced = balanced_split(strata, members, fractions, 0)
    assert all(len(set(balanced[members == c])) == 1 for c in range(120))
    assert np.allclose(np.bincount(balanced) / len(members), fractions, atol=0.02)
    assert deviation(balanced) < 0.02 < deviation(stratified_split(strata, members, fractions, 0))


def test_single_records_are_dealt_as_in_other_splits():
    strata = np.repeat([0, 1, 2], [50, 30, 3])
    split = balanced_split(strata, np.arange(83), (0.6, 0.2, 0.2), 0)
    assert [np.bincount(split[strata == c]).tolist() for c in range(3)] == [[30, 10, 10], [18, 6, 6], [1, 1, 1]]
    fixed = np.where(np.arange(83) < 10, 2, -1)
    assert (balanced_split(strata, np.arange(83), (0.75, 0.25, 0.0), 0, fixed)[10:] < 2).all()
    assert not np.array_equal(split, balanced_split(strata, np.arange(83), (0.6, 0.2, 0.2), 1))


def test_clusters_are_the_components_of_all_pairs(tmp_path):
    rows = families(50, 3, share=0.03)
    data = seqmix.prepare(records=without_groups(rows), output=tmp_path / "data")
    sketches = sketch(np.load(data.path / "tokens.npy"), data.offsets, 1, data.vocabulary)
    for least in (0.1, 0.5, 0.8):
        pairs, found = similar_pairs(sketches, least), similar_clusters(sketches, least)
        assert found.exact
        together = found.of[pairs.first] == found.of[pairs.second]
        assert together.all()
        assert len(np.unique(found.of)) >= len(data) - len(pairs)


def test_bounded_work_leaves_no_near_relatives_either(tmp_path, monkeypatch):
    monkeypatch.setattr("seqmix.data.relatives.clusters._WORK", 0)
    monkeypatch.setattr("seqmix.data.relatives.shared._WORK", 1 << 12)
    shared = dna(60, "repeat")
    rows = [{**row, "text": row["text"] + shared} for row in without_groups(families(60, 5, share=0.005))]
    data = seqmix.prepare(records=rows, output=tmp_path / "data", split_by="similarity=0.5")
    assert largest_nearness(data) < 0.5
    assert not crosses(data)


@pytest.mark.parametrize(
    "wrong", ["", "random", "similarity=0", "similarity=1.1", "similarity=x", "similarity:0.5", "nearness=0.5"]
)
def test_other_ways_are_refused(wrong, tmp_path):
    assert "split_by must be similarity" in message_of(seqmix.prepare, records=["ACGT"] * 9, output=tmp_path, split_by=wrong)


def test_numbers_and_images_are_refused_with_the_reason(tmp_path):
    numbers = [{"text": [0.5, float(i)], "label": "ab"[i % 2]} for i in range(30)]
    message = message_of(seqmix.prepare, records=numbers, output=tmp_path / "data", split_by="similarity")
    assert "split_by='similarity' compares k-mers or words, and these records are numbers" in message
    images = [{"text": bytes(random.Random(i).choices(range(256), k=64)), "label": "ab"[i % 2]} for i in range(30)]
    message = message_of(seqmix.prepare, records=images, output=tmp_path / "data", split_by="similarity", alphabet="bytes")
    assert "these records are images or other bytes" in message

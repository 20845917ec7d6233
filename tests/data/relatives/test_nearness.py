"""The nearness that `prepare` stores, and the line that it prints."""

import random

import numpy as np
import pytest

from seqmix.data.dataset import Dataset
from seqmix.data.relatives.nearness import notes_on_nearness
from tests.support.preparing import noted, prepare


def copies_of_genes(copies=4, genes=60, changed=0.01, seed=1, **more):
    """Return records of random letters with random labels, of which several are near-copies of one."""
    generator = random.Random(seed)
    records = []
    for gene in range(genes):
        label = generator.choice(("red", "blue"))
        letters = [generator.choice("ACGT") for _ in range(200)]
        for copy in range(copies):
            text = "".join(generator.choice("ACGT") if generator.random() < changed else letter for letter in letters)
            records.append({"id": f"g{gene}.{copy}", "text": text, "label": label, **dict.fromkeys(more, f"g{gene}")})
    return records


def test_near_copies_in_training_are_noted_and_stored(tmp_path):
    dataset = prepare(records=copies_of_genes(), output=tmp_path / "data", alphabet="dna")
    assert noted(dataset, "% of the test records have a near relative (≥ 0.5) in training", "--split-by similarity, or --group")
    again = Dataset.open(tmp_path / "data")
    assert again.nearness.dtype == np.float32
    assert np.isnan(again.nearness[again.split == 0]).all()
    assert (again.nearness[again.split > 0] >= 0.5).mean() > 0.7
    assert again.info["nearness"] == {"unit": "21-mers", "sampled": 1.0, "splits stated": False}


def test_groups_that_hold_the_copies_together_leave_nothing_to_say(tmp_path):
    dataset = prepare(records=copies_of_genes(group=True), output=tmp_path / "data", alphabet="dna")
    assert not noted(dataset, "near relative")
    assert np.nanmax(dataset.nearness) < 0.1


def test_given_splits_get_advice_of_their_own(tmp_path):
    records = [record | {"split": ("train", "test")[i % 4 == 0]} for i, record in enumerate(copies_of_genes())]
    dataset = prepare(records=records, output=tmp_path / "data", alphabet="dna")
    assert noted(dataset, "near relative", "as the splits are given")


def test_nothing_is_stored_for_numbers_or_without_a_second_split(tmp_path):
    numbers = [(str(i), np.random.default_rng(i).normal(size=(20, 2)), f"c{i % 2}") for i in range(40)]
    assert prepare(records=numbers, output=tmp_path / "numbers").nearness is None
    texts = [record | {"split": "train"} for record in copies_of_genes(genes=5)]
    assert prepare(records=texts, output=tmp_path / "texts", alphabet="dna").nearness is None
    assert not (tmp_path / "texts" / "nearness.npy").exists()


@pytest.mark.parametrize(
    ("near", "parts"),
    [
        (0, []),
        (2, []),
        (5, ["5 % of the test", "seqmix check"]),
        (70, ["70 % of the test", "use --split-by similarity, or --group"]),
    ],
)
def test_what_is_said_depends_on_the_share(near, parts):
    split = np.array([0] * 100 + [1] * 100 + [2] * 100, dtype=np.int8)
    nearness = np.array([np.nan] * 100 + [1.0] * 100 + [0.5] * near + [0.49] * (100 - near), dtype=np.float32)
    notes = notes_on_nearness(nearness, split)
    assert len(notes) == bool(parts)
    assert all(part in notes[0] for part in parts)


def test_validation_is_looked_at_where_nothing_is_for_testing():
    split = np.array([0] * 10 + [1] * 10, dtype=np.int8)
    nearness = np.where(split, 1, np.nan).astype(np.float32)
    assert notes_on_nearness(nearness, split)[0].startswith("100 % of the validation records")
    assert "these groups do not keep" in notes_on_nearness(nearness, split, grouped=True)[0]
    assert "a lower share (--split-by similarity=0.3)" in notes_on_nearness(nearness, split, similar=True)[0]

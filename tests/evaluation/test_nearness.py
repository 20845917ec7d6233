"""Nearness to training of new files and older data sets; and the verdict on noise of which there are copies."""

import random

import numpy as np
import pytest

import seqmix
from seqmix.evaluation.nearness import nearness_to_training
from tests.support import random_dna, write_fasta


def varied(text, rng, share=0.004):
    return "".join(rng.choice("ACGT") if rng.random() < share else letter for letter in text)


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    """Random letters with random labels, four near-copies of each gene; and a run of a lexical model alone."""
    folder, rng = tmp_path_factory.mktemp("copies"), random.Random(3)
    records = []
    for gene in range(60):
        text, label = random_dna(300, rng), rng.choice("ab")
        records += [(f"g{gene}c{copy} label={label}", varied(text, rng)) for copy in range(4)]
    data = seqmix.prepare(write_fasta(folder / "noise.fa", records), folder / "data", label_from="header:label")
    return records, seqmix.train(data, folder / "run", mixer="none"), data


def test_noise_with_copies_gets_an_honest_verdict(copies, tmp_path):
    records, run, data = copies
    result = seqmix.evaluate(run, output=tmp_path / "own", resamples=50)
    assert result.scores["accuracy"].value > 0.8 and result.far["records"] < 10
    assert "of 48 records have a near relative in training, which says little about records that have none" in result.verdict
    rng = random.Random(4)
    test = [records[i] for i in data.indices("test")]
    new = [(f"new{i} label={rng.choice('ab')}", random_dna(300, rng)) for i in range(60)]
    file = write_fasta(tmp_path / "new.fa", [*test, *new])
    result = seqmix.evaluate(run, data=file, label_from="header:label", output=tmp_path / "new", resamples=50)
    assert 60 <= result.far["records"] < 75
    assert "records without a near relative in training it is not better than chance (accuracy 0." in result.verdict
    assert result.far["scores"]["accuracy"].value < 0.7 < result.scores["accuracy"].value + 0.1


def test_nearness_of_new_files_is_that_to_the_training_split(copies, tmp_path):
    records, _, data = copies
    rng = random.Random(5)
    train, test = (data.indices(split) for split in ("train", "test"))
    new = [("same label=a", records[train[0]][1]), ("none label=b", random_dna(300, rng))]
    new += [("test label=a", records[test[0]][1]), ("more label=b", random_dna(300, rng))]
    file, options = write_fasta(tmp_path / "new.fa", new), seqmix.PrepareOptions(split="1,0,0")
    other = seqmix.prepare(file, tmp_path / "data", label_from="header:label", options=options)
    found = nearness_to_training(data, other, np.arange(3), tmp_path)
    assert found[0] == 1.0 and found[1] == 0.0
    assert found[2] == nearness_to_training(data, data, test[:1], tmp_path)[0]


def test_measured_nearness_is_that_which_is_stored(copies, tmp_path):
    _, _, data = copies
    test = data.indices("test")
    found = nearness_to_training(data, data, test, tmp_path)
    assert (found > 0.5).mean() > 0.8
    if data.nearness is not None:
        np.testing.assert_allclose(found, data.nearness[test])


def test_training_records_have_no_nearness(copies, tmp_path):
    _, run, _ = copies
    result = seqmix.evaluate(run, split="train", output=tmp_path, resamples=5)
    assert result.far == {} and "near relative" not in result.verdict

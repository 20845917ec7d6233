"""Splits of the same records are those that earlier versions made, byte for byte, unless new options are used."""

import hashlib
import random

import pytest

import seqmix
from tests.support.preparing import dna, reverse_complement


def rows(n=203):
    """Return records with twins, reverse complements, groups of many sizes, and some that name a split."""
    rng, made = random.Random(5), []
    for i in range(n):
        text = dna(40, i - 3 * (i % 11 == 0))
        text = reverse_complement(text) if i % 22 == 0 else text
        made.append(
            {"id": f"r{i}", "text": text, "label": "aaabbc"[rng.randrange(6)], "gene": f"g{int(rng.random() ** 3 * 90)}"}
        )
    return made


def stated(which):
    return [{**row, "split": which[i % len(which)]} for i, row in enumerate(rows())]


def targets():
    return [{**row, "label": random.Random(i).gauss(0, 1)} for i, row in enumerate(rows())]


def several():
    return [{**row, "label": ["x"] * (i % 2) + ["y"] * (i % 5 == 0) + ["z"]} for i, row in enumerate(rows())]


CASES = {
    "random": (rows, {}, "1082736b93e3a761"),
    "other fractions": (rows, {"split": "0.8,0.15,0.05", "seed": 3}, "a97f32b0de04bf00"),
    "groups": (rows, {"group_from": "column:gene", "seed": 1}, "e6d54735f809b895"),
    "given": (lambda: stated(["train", "train", "val", "test"]), {}, "8339c15a18312d3f"),
    "no validation": (lambda: stated(["train", "train", "train", "test"]), {"group_from": "column:gene"}, "582d05f7f77b09ec"),
    "regression": (targets, {"task": "regression", "group_from": "column:gene"}, "513b3b0324808883"),
    "multilabel": (several, {"task": "multilabel"}, "fddf4ca6f2f0b8f6"),
    "unlabelled": (lambda: [row["text"] for row in rows()], {}, "3504c6cf00357a48"),
}


@pytest.mark.parametrize("case", CASES)
def test_splits_are_as_before(case, tmp_path):
    made, options, wanted = CASES[case]
    data = seqmix.prepare(records=made(), output=tmp_path / "data", alphabet="dna", **options)
    assert hashlib.sha256((data.path / "split.npy").read_bytes()).hexdigest()[:16] == wanted

"""What stands in the place of a text or a class without being one: labels, paths, and a 0 or 1 for each class."""

import json
from pathlib import Path

import pandas
import pytest

import seqmix
from seqmix.errors import InputError
from tests.support.preparing import dna

SEQUENCES = [dna(40, i) for i in range(24)]
SENTENCES = [f"the cat number {i} sat on a mat" for i in range(24)]
LABELS = ["ab"[i % 2] for i in range(24)]


def swapped(texts, labels):
    return [
        [*zip(texts, labels, strict=True)],
        [[text, label] for text, label in zip(texts, labels, strict=True)],
        dict(zip(texts, labels, strict=True)),
        pandas.Series(labels, index=texts),
        iter([*zip(texts * 10, labels * 10, strict=True)]),
    ]


@pytest.mark.parametrize("form", range(5))
@pytest.mark.parametrize("texts", [SEQUENCES, SENTENCES], ids=["sequences", "sentences"])
@pytest.mark.parametrize("labels", [LABELS, ["Homo sapiens", "Mus musculus"] * 12], ids=["letters", "species"])
def test_texts_with_their_labels_are_not_read_as_ids_with_texts(form, texts, labels, tmp_path):
    with pytest.raises(InputError, match=r"seem to be the texts.*give \(id, sequence, label\)"):
        seqmix.prepare(records=swapped(texts, labels)[form], output=tmp_path / "data")


@pytest.mark.parametrize(
    "records",
    [
        [*zip([f"r{i}" for i in range(24)], SEQUENCES, strict=True)],
        [*zip(SENTENCES, SEQUENCES, strict=True)],
        [*zip(SENTENCES, SEQUENCES[:6] * 4, strict=True)],
        [*zip([f"/a/long/path/of/reads/sample-{i}.fa" for i in range(24)], SEQUENCES[:6] * 4, strict=True)],
        [*zip(SENTENCES[:3], LABELS[:3], strict=True)],
        SEQUENCES,
    ],
    ids=["ids", "headers", "headers of repeats", "paths as ids", "too few to tell", "texts"],
)
def test_ids_that_are_long_remain_ids(records, tmp_path):
    assert len(seqmix.prepare(records=records, output=tmp_path / "data")) == len(records)


@pytest.mark.parametrize(
    "records",
    [
        [Path("x/a.fa"), Path("x/b.fa")],
        [("r1", Path("x/a.fa"), "a")],
        [{"text": Path("x/a.txt"), "label": "a"}],
        {"r1": Path("x/a.txt")},
        pandas.DataFrame({"text": [Path("x/a.txt")], "label": ["a"]}),
    ],
    ids=["list", "tuples", "dicts", "mapping", "frame"],
)
def test_a_path_is_not_read_as_a_text(records, tmp_path):
    with pytest.raises(InputError, match=r"the path of a file, 'x/a\..*what the file holds"):
        seqmix.prepare(records=records, output=tmp_path / "data")


@pytest.mark.parametrize(
    ("form", "told"),
    [
        (lambda i: [i % 2, 1 - i % 2], "a 0 or 1 for each class"),
        (lambda i: [float(i % 2), 1.0 - i % 2], "a 0 or 1 for each class"),
        (lambda i: ["sea", "lake"][:: 1 - 2 * (i % 2)], "each record has all 2 labels"),
    ],
    ids=["integers", "floats", "names"],
)
def test_labels_that_all_records_have_are_noted(form, told, tmp_path):
    rows = [{"text": text, "label": form(i)} for i, text in enumerate(SEQUENCES)]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for given in ({"inputs": tmp_path / "x.jsonl"}, {"records": rows}):
        notes = seqmix.prepare(**given, output=tmp_path / "data", label_separator=",", overwrite=True).info["notes"]
        assert any(told in note for note in notes), notes

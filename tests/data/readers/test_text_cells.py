"""Cells that stand for missing texts are not read as sequences, and columns without texts are not read as texts."""

import random

import pytest

from seqmix.inference.predict import predict
from tests.support.preparing import message_of, prepare, read

MISSING = ["nan", "NA", "NaN", "None", "null", "#NAME?", "#N/A", "N/A", "<NA>"]


def sequences(n, letters="ACGT"):
    random.seed(3)
    return ["".join(random.choices(letters, k=40)) for _ in range(n)]


def texts(n):
    return [f"The {number} teams of the season" for number in range(n)]


def table(path, names, *columns):
    rows = [",".join(names), *(",".join(map(str, row)) for row in zip(*columns, strict=True))]
    path.write_text("\n".join(rows) + "\n")
    return path


def labels(n):
    return ["ab"[number % 2] for number in range(n)]


@pytest.mark.parametrize("cell", MISSING)
@pytest.mark.parametrize("kind", ["dna", "protein", "peptides", "kmers"])
def test_missing_sequences_are_not_read_as_letters(cell, kind, tmp_path):
    given = sequences(30, "ACDEFGHIKLMNPQRSTVWY" if kind in ("protein", "peptides") else "ACGT")
    if kind == "peptides":
        given = [text[:9] for text in given]
    if kind == "kmers":
        given = [" ".join(text[i : i + 6] for i in range(30)) for text in given]
    given[5] = given[9] = cell
    file = table(tmp_path / "x.csv", ["sequence", "label"], given, labels(30))
    message = message_of(prepare, file, tmp_path / "data")
    assert f"x.csv: record 'row-6' (line 7): it has no text, but '{cell}'; remove it, or leave such records out" in message
    data = prepare(file, tmp_path / "data", min_length=1)
    assert len(data) == 28
    assert any(f"2 cells hold '{cell}' instead of a sequence: read as missing" in note for note in data.info["notes"])


@pytest.mark.parametrize("cell", MISSING)
def test_missing_texts_are_noted(cell, tmp_path):
    given = texts(30)
    given[5] = given[9] = cell
    data = prepare(table(tmp_path / "x.csv", ["text", "label"], given, labels(30)), tmp_path / "data")
    assert any(f"2 texts are '{cell}': read as texts" in note for note in data.info["notes"])


@pytest.mark.parametrize("cell", ["nan", "NA", "#N/A"])
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_missing_sequences_are_not_predicted(cell, form, trained, tmp_path):
    given = sequences(5)
    given[2] = cell
    if form == "csv":
        file = table(tmp_path / "x.csv", ["sequence"], given)
    else:
        file = tmp_path / "x.jsonl"
        file.write_text("".join(f'{{"text": "{text}"}}\n' for text in given))
    assert f"there is no sequence in it, but '{cell}'" in message_of(lambda: list(predict(file, trained)))
    assert [bool(p.label) for p in predict(file, trained, on_error="mark")] == [True, True, False, True, True]
    assert len(list(predict(file, trained, on_error="skip"))) == 4


def test_short_words_that_are_not_missing_texts_are_read(tmp_path):
    names = [*(f"domain{'abcdefgh'[i]}" for i in range(8)), "nan", "null"]
    assert [r.text for r in read(table(tmp_path / "x.csv", ["text", "label"], names, labels(10)))] == names


OTHERS = {
    "running numbers": (["seq", "comment"], [range(1, 31), texts(30)], "numbers"),
    "numbers beside short texts": (
        ["seq", "comment"],
        [range(1, 31), [f"goal {'ab'[i % 2]}{'xyzuv' * i}" for i in range(30)]],
        "numbers",
    ),
    "turns": (["sequence", "message"], [[i % 3 + 1 for i in range(30)], texts(30)], "numbers"),
    "GC content": (["content", "dna"], [[f"0.{i}" for i in range(10, 40)], sequences(30)], "numbers"),
    "files": (["document", "body"], [[f"doc{i}.txt" for i in range(30)], texts(30)], "names of files"),
    "paths": (["text", "body"], [[f"data/a/{i}.wav" for i in range(30)], texts(30)], "names of files"),
    "ids": (["text", "body"], [[f"T-{i:03}" for i in range(30)], texts(30)], "identifiers"),
}


@pytest.mark.parametrize("form", OTHERS)
def test_a_column_without_texts_is_refused_where_another_has_texts(form, tmp_path):
    names, columns, what = OTHERS[form]
    file = table(tmp_path / "x.csv", [*names, "label"], *columns, labels(30))
    message = message_of(read, file)
    assert f"x.csv: column '{names[0]}' would be the text, but holds only {what}, such as" in message
    assert f"column '{names[1]}' seems to hold the texts" in message
    assert f"text_column='{names[1]}' or" in message.replace('"', "'")
    for name in names:
        assert len(read(file, text_column=name)) == 30


@pytest.mark.parametrize("quote", ["", '"'])
def test_numbers_of_json_are_refused_where_another_column_has_texts(quote, tmp_path):
    rows = [f'{{"seq": {quote}{number}{quote}, "message": "{text}"}}' for number, text in enumerate(texts(5))]
    (tmp_path / "x.jsonl").write_text("\n".join(rows) + "\n")
    assert "column 'message' seems to hold the texts" in message_of(read, tmp_path / "x.jsonl")
    assert len(read(tmp_path / "x.jsonl", text_column="message")) == 5


def test_predictions_refuse_a_column_without_texts(trained, tmp_path):
    file = table(tmp_path / "x.csv", ["seq", "comment"], [1, 2], ["goal team", "market"])
    assert "column 'comment' seems to hold the texts" in message_of(lambda: list(predict(file, trained)))


FINE = {
    "bits": (["sequence", "note"], [[f"{i:08b}" for i in range(30)], texts(30)]),
    "nothing else": (["text", "label"], [range(30), labels(30)]),
    "dates": (["text", "date"], [range(30), [f"2017-01-{i:02}" for i in range(1, 31)]]),
    "peptides": (["sequence", "organism"], [[text[:9] for text in sequences(30)], texts(30)]),
    "names": (["values", "name"], [range(30), texts(30)]),
}


@pytest.mark.parametrize("form", FINE)
def test_texts_that_are_meant_are_read(form, tmp_path):
    assert len(read(table(tmp_path / "x.csv", *[FINE[form][0]], *FINE[form][1]))) == 30

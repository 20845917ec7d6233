"""Tables in files whose name does not say so: .txt, .data, .dat and the like; and texts that only resemble them."""

import csv
import gzip
from pathlib import Path

import pytest

from tests.support.preparing import dna, message_of, noted, prepare, read, standard_input

SEQUENCES = [dna(60, i) for i in range(18)]
TEXTS = [f"go until jurong point, crazy, number {i}" for i in range(18)]
CLASSES = ["abc"[i % 3] for i in range(18)]


def write(path, header, *columns, delimiter="\t", end="\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [header] if header else []
    path.write_bytes("".join(delimiter.join(row) + end for row in [*rows, *zip(*columns, strict=True)]).encode())
    return path


@pytest.mark.parametrize("name", ["human.txt", "human.data", "human.dat", "human", "human.md"])
@pytest.mark.parametrize(
    ("header", "delimiter", "end"),
    [
        (("sequence", "class"), "\t", "\n"),
        (("Sequence", "Class"), ",", "\r\n"),
        (("seq", "Target"), ";", "\n"),
        (("text", "family"), "\t", "\n"),
    ],
)
def test_header_with_usual_names_makes_a_table(name, header, delimiter, end, tmp_path):
    options = {"label_from": "column:family"} if "family" in header else {}
    path = write(tmp_path / name, header, SEQUENCES, CLASSES, delimiter=delimiter, end=end)
    data = prepare(path, tmp_path / "data", **options)
    assert (len(data), data.classes, data.vocabulary.alphabet) == (18, ["a", "b", "c"], "dna")
    assert noted(data, name, "read as a table", "--input-format text")
    assert len(read(path, format="text")) == 1


def test_columns_that_the_user_names_make_a_table(tmp_path):
    path = write(tmp_path / "x.txt", ("v1", "v2"), CLASSES, TEXTS)
    records = read(path, text_column="v2", label_from="column:v1")
    assert [(record.text, record.label) for record in records] == list(zip(TEXTS, CLASSES, strict=True))
    path = write(tmp_path / "y.txt", ("family", "sequence"), CLASSES, SEQUENCES)
    assert [record.label for record in read(path, label_from="column:family")] == CLASSES


def test_tables_of_a_folder_without_class_folders(tmp_path):
    others = [dna(60, i) for i in range(100, 118)]
    for name, texts in (("human.txt", SEQUENCES), ("dog.txt", others)):
        write(tmp_path / "in" / name, ("sequence", "class"), texts, CLASSES)
    data = prepare(tmp_path / "in", tmp_path / "data")
    assert (len(data), data.classes) == (36, ["a", "b", "c"])
    for name, texts in (("train.txt", SEQUENCES), ("test.txt", others)):
        write(tmp_path / "splits" / name, ("sequence", "class"), texts, CLASSES)
    data = prepare(tmp_path / "splits", tmp_path / "divided")
    assert (data.sizes["test"], data.classes) == (18, ["a", "b", "c"])


def test_long_rows_are_recognised_by_the_header(tmp_path):
    path = write(tmp_path / "x.txt", ("sequence", "class"), [dna(80_000, i) for i in range(2)], "ab")
    assert [record.label for record in read(path)] == ["a", "b"]
    path = write(tmp_path / "y.txt", None, "ab", [dna(80_000, i) for i in range(2)])
    assert "looks like a table" in message_of(read, path)


@pytest.mark.parametrize("name", ["x.txt", "x.data", "x.dat", "x"])
@pytest.mark.parametrize(
    ("columns", "delimiter", "advised"),
    [
        (("+-" * 9, [f"S{i}" for i in range(18)], [f"\t\t{text.lower()}" for text in SEQUENCES]), ",", "label,id,sequence"),
        ((CLASSES, TEXTS), "\t", "label<tab>text"),
        ((SEQUENCES, CLASSES), " ", "sequence label"),
        ((CLASSES, [f'"{text}"' for text in TEXTS]), ",", "label,text"),
        ((CLASSES, [text.replace(", ", " ") for text in TEXTS]), ";", "label;text"),
        ((["KLMNPQRSTV" + "ACDE"[i % 4] for i in range(18)], CLASSES), "\t", "sequence<tab>label"),
    ],
)
def test_tables_without_a_header_are_refused(name, columns, delimiter, advised, tmp_path):
    message = message_of(read, write(tmp_path / name, None, *columns, delimiter=delimiter))
    for part in (name, "looks like a table", f"such as {advised};", "format='text'"):
        assert part in message
    assert len(read(tmp_path / name, format="text")) == 1


@pytest.mark.parametrize("delimiter", ["\t", ",", ";", " "])
def test_headers_of_other_names_are_named(delimiter, tmp_path):
    path = write(tmp_path / "x.txt", ("dna", "family"), SEQUENCES, CLASSES, delimiter=delimiter)
    message = message_of(read, path)
    assert "if dna, family are its columns" in message
    stated = {";": {"delimiter": ";"}, " ": {"delimiter": "space"}}.get(delimiter, {})
    assert (
        " ".join(["text_column='dna'", *(f"delimiter='{one}'" for one in stated.values()), "label_from='column:family'"])
        in message
    )
    kind = "tsv" if delimiter == "\t" else "csv"
    assert f"format='{kind}'" in message
    records = read(path, format=kind, text_column="dna", label_from="column:family", **stated)
    assert [record.label for record in records] == CLASSES


def test_standard_input_without_a_header_is_refused(monkeypatch, tmp_path):
    standard_input(monkeypatch, write(tmp_path / "x", None, SEQUENCES, CLASSES).read_bytes())
    assert "standard input: this looks like a table" in message_of(read, "-")


def test_documents_of_a_folder_are_read_and_noted(tmp_path):
    write(tmp_path / "in" / "x.txt", None, CLASSES, TEXTS)
    (tmp_path / "in" / "y.txt").write_text("Some prose, and more of it.\n")
    data = prepare(tmp_path / "in", tmp_path / "data")
    assert len(data) == 2
    assert noted(data, "x.txt", "read as one document, though it looks like a table")
    assert not noted(data, "y.txt", "table")


def test_documents_of_class_folders_are_texts_whatever_is_in_them(tmp_path):
    for number, name in enumerate("ab" * 4):
        write(tmp_path / "in" / name / f"{number}.txt", ("sequence", "class"), SEQUENCES, CLASSES)
    data = prepare(tmp_path / "in", tmp_path / "data")
    assert (len(data), data.classes) == (8, ["a", "b"])
    assert not noted(data, "table")


PROSE = {
    "verses": "Roses are red,\nViolets are blue,\nSugar is sweet,\nAnd so are you.\n" * 5,
    "refrain": "Yeah, yeah\nHello, again\nYeah, yeah\nYeah, no\n" * 5,
    "usual words": "Text, label and class\n\nA text, such as this, has words.\nMore; of; them.\n",
    "a column": "text\none, two\nthree, four\n",
    "numbers": "".join(f"{i}\t{i * i % 7}\n" for i in range(30)),
    "list": "\n".join(f"word{i}" for i in range(40)),
    "markdown": "| text | label |\n|---|---|\n| a | b |\n| c | d |\n",
    "names": "Adam, Eve\nCain, Abel\n",
    "title": "# Title\n\nSome, text\nmore, text\n",
    "lines alike": "Text, with commas\n" * 6,
    "two words": "To be\nor not\nto be\nthat is\n",
}


@pytest.mark.parametrize("text", PROSE.values(), ids=PROSE)
@pytest.mark.parametrize("name", ["x.txt", "x.md", "x"])
def test_texts_stay_texts(text, name, tmp_path):
    (tmp_path / name).write_text(text)
    data = prepare(tmp_path / name, tmp_path / "data")
    assert len(data) == 1
    assert not noted(data, "table")


def test_chapters_stay_texts(tmp_path):
    table = Path(__file__).parents[3] / "sample_data" / "bible_genres.csv.gz"
    with gzip.open(table, "rt") as lines:
        texts = [row["text"] for row in csv.DictReader(lines)][::5]
    (tmp_path / "in").mkdir()
    for number, text in enumerate(texts):
        (tmp_path / "in" / f"{number}.txt").write_text(text.replace(". ", ".\n"))
    data = prepare(tmp_path / "in", tmp_path / "data")
    assert len(data) == len(texts) > 30
    assert not noted(data, "table")
    for number in range(0, len(texts), 9):
        assert len(read(tmp_path / "in" / f"{number}.txt")) == 1


@pytest.mark.parametrize("labels", ["{}", "{} __label__more", "{},__label__x"])
@pytest.mark.parametrize("name", ["x.txt", "x.train", "x.ft"])
def test_lines_of_fasttext_are_named(labels, name, tmp_path):
    text = "".join(f"__label__{labels.format(name)} {text}\n" for name, text in zip(CLASSES, TEXTS, strict=True))
    (tmp_path / name).write_text(text)
    message = message_of(read, tmp_path / name)
    assert "fastText" in message and "new.tsv" in message


@pytest.mark.parametrize("encoding", ["idna", "punycode", "Punycode"])
def test_encodings_of_names_of_hosts_are_refused(encoding, tmp_path):
    path = write(tmp_path / "x.txt", ("sequence", "class"), SEQUENCES, CLASSES)
    assert encoding in message_of(read, path, encoding=encoding)

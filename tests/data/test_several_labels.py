"""Cells that hold several labels: lists written as text, labels in quotes, empty cells, separators."""

import csv
import json

import pytest

from seqmix.data.labels.several import quoted_labels, written_list
from tests.support.preparing import label_of, labelled_fasta, message_of, noted, prepare, read


def write(path, labels, n=24):
    with path.open("w", newline="") as file:
        table = csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",")
        table.writerow(["id", "text", "label"])
        table.writerows([f"r{i}", f"some words, number {i}", labels[i % len(labels)]] for i in range(n))
    return path


LISTS = {
    "Python": "['joy', 'anger']",
    "Python with an apostrophe": "[\"joy\", 'anger']",
    "JSON": '["joy","anger"]',
    "JSON with spaces": '[ "joy" , "anger" ]',
    "NumPy": "['joy' 'anger']",
    "NumPy over two lines": "['joy'\n 'anger']",
    "NumPy with its type": "array(['joy', 'anger'], dtype=object)",
    "set": "{'joy', 'anger'}",
    "tuple": "('joy', 'anger')",
    "R": 'c("joy", "anger")',
    "frozenset": "frozenset({'joy', 'anger'})",
}
BARE = {"brackets": "[joy, anger]", "PostgreSQL": '{joy,"anger"}'}


@pytest.mark.parametrize("cell", [*LISTS.values(), *BARE.values()], ids=[*LISTS, *BARE])
@pytest.mark.parametrize("separator", [",", ";", " | "])
def test_lists_written_as_text_are_read_as_lists(cell, separator, tmp_path):
    path = write(tmp_path / "x.csv", [cell, cell.replace("joy", "calm")])
    data = prepare(path, tmp_path / "data", label_separator=separator)
    assert data.classes == ["anger", "calm", "joy"]
    assert noted(data, "24 labels written as lists, such as", "read as 'joy' and 'anger'")


@pytest.mark.parametrize("cell", LISTS.values(), ids=LISTS)
@pytest.mark.parametrize("name", ["x.csv", "x.tsv", "x.jsonl"])
def test_lists_written_as_text_are_no_classes(cell, name, tmp_path):
    path = write(tmp_path / name, [cell, "joy"])
    if name == "x.jsonl":
        path.write_text(json.dumps({"id": "r0", "text": "a", "label": cell}) + "\n")
    message = message_of(read, path)
    for part in (name, "record 'r0'", "the label is a list", "label_separator=','"):
        assert part in message


def test_lists_in_label_tables_are_read(tmp_path):
    fasta = labelled_fasta(tmp_path / "x.fa")
    table = tmp_path / "t.tsv"
    table.write_text("id\tlabels\n" + "".join(f"{kind}{i}\t['{kind}', 'both']\n" for kind in "ab" for i in range(10)))
    data = prepare(fasta, tmp_path / "data", label_from=f"table:{table}:labels", label_separator=",")
    assert data.classes == ["a", "b", "both"]
    assert noted(data, "20 labels written as lists")
    assert "the label is a list" in message_of(read, fasta, label_from=f"table:{table}:labels")


@pytest.mark.parametrize(
    ("cell", "labels"),
    [
        ("[]", []),
        ("set()", []),
        ("{}", []),
        ("[27]", ["27"]),
        ("[2, 27]", ["2", "27"]),
        ("[2. 27.]", ["2", "27"]),
        ('["it\'s", "a \\"b\\""]', ["it's", 'a "b"']),
        ("['a, b', 'c']", ["a, b", "c"]),
        ("[None, 'a']", ["a"]),
        ("[Candida] auris", None),
        ("auris [Candida]", None),
        ("[a] [b]", None),
        ("[unclassified]", None),
        ("(a)", None),
        ("(a, b)", None),
        ("(1)", None),
        ("f('a', 'b')", None),
        ("{'a': 1}", None),
        ("['a', ['b']]", None),
        ("don't", None),
    ],
)
def test_what_a_written_list_is(cell, labels):
    assert written_list(cell, bare=False) == labels


@pytest.mark.parametrize(
    ("cell", "separator", "labels"),
    [
        ('"a, x", b', ",", ["a, x", "b"]),
        ('a;"b"', ";", ["a", "b"]),
        ('"a" | "b ""c"""', " | ", ["a", 'b "c"']),
        ('5" disk, b', ",", None),
        ('a "b" c, d', ",", None),
        ("a, b", ",", None),
    ],
)
def test_what_labels_in_quotes_are(cell, separator, labels):
    assert quoted_labels(cell, separator) == labels


@pytest.mark.parametrize("cell", ['"heart", "lung"', 'heart,"lung"', '"heart" , lung'])
def test_labels_in_quotes_are_read_without_them(cell, tmp_path):
    data = prepare(write(tmp_path / "x.csv", [cell, "lung"]), tmp_path / "data", label_separator=",")
    assert data.classes == ["heart", "lung"]
    assert noted(data, "12 labels written as texts in quotes", "read as 'heart' and 'lung'")


@pytest.mark.parametrize(
    ("cell", "separator"), [('"heart, left", lung', ","), ("['heart, left', 'lung']", ","), ('a;"b; c"', ";"), ('["a|b"]', "|")]
)
def test_labels_that_hold_the_separator_are_an_error(cell, separator, tmp_path):
    message = message_of(read, write(tmp_path / "x.csv", [cell]), label_separator=separator)
    assert f"without the separator {separator!r}" in message and "label_separator" in message


@pytest.mark.parametrize("rows", [[[0, 1, 1], [1, 0, 0]], [[0, 0], [1, 1]], [[1.0, 1.0, 0.0]]])
@pytest.mark.parametrize("name", ["x.csv", "x.jsonl"])
def test_a_number_for_each_class_is_an_error(rows, name, tmp_path):
    path = write(tmp_path / name, [str(row) for row in rows])
    if name == "x.jsonl":
        path.write_text("".join(json.dumps({"text": "a", "label": row}) + "\n" for row in rows))
    assert "a 0 or 1 for each class" in message_of(read, path, label_separator=",")


@pytest.mark.parametrize("empty", ["", " ", "[]", "set()", " , "])
def test_records_without_any_label_are_counted(empty, tmp_path):
    data = prepare(write(tmp_path / "x.csv", ["a,b", empty, "b", "a"]), tmp_path / "data", label_separator=",")
    assert len(data) == 24 and data.classes == ["a", "b"]
    assert noted(data, "6 of 24 records carry none of the labels")
    assert not noted(
        prepare(write(tmp_path / "y.csv", ["a,b", "b"]), tmp_path / "full", label_separator=","), "none of the labels"
    )


@pytest.mark.parametrize(
    ("labels", "given", "advised"),
    [
        (["a|b", "a", "b"], ";", "--label-separator '|'"),
        (["a; b", "a; c"], ",", "--label-separator ';'"),
        (["a\tb", "a\tc"], ",", "--label-separator tab"),
        (["a/b", "a", "b"], "tab", "--label-separator /"),
        (["x", "y"], ",", "correct --label-separator?"),
    ],
)
def test_separator_that_occurs_is_named(labels, given, advised, tmp_path):
    data = prepare(write(tmp_path / "x.csv", labels), tmp_path / "data", label_separator=given)
    assert noted(data, "is in no label", advised)


@pytest.mark.parametrize(("given", "sign"), [("\\t", "\t"), ("tab", "\t"), ("\\n", "\n"), ("\t", "\t")])
def test_separators_may_be_written_out(given, sign, tmp_path):
    data = prepare(write(tmp_path / "x.csv", [f"a{sign}b", "a", "b"]), tmp_path / "data", label_separator=given)
    assert data.classes == ["a", "b"]
    assert not noted(data, "separator")


@pytest.mark.parametrize(("sign", "spelled"), [("/", "'/'"), ("\t", "tab"), ("\n", "'\\n'"), ("+", "'+'"), (" & ", "'&'")])
def test_classes_that_are_lists_of_others_are_noted(sign, spelled, tmp_path):
    data = prepare(write(tmp_path / "x.csv", ["a", "b", f"a{sign}b"]), tmp_path / "data")
    assert noted(data, "lists of others", f"--label-separator {spelled}")


@pytest.mark.parametrize(("sign"), [";", "|", ","])
def test_rare_lists_of_classes_come_with_advice(sign, tmp_path):
    path = write(tmp_path / "x.csv", [f"a{sign}b", "a", "b", f"b{sign}a"], n=4)
    assert f"label_separator='{sign}'" in message_of(prepare, path, tmp_path / "data")


def test_plain_labels_are_not_touched(tmp_path):
    labels = ["[Candida] auris", "[/b]", "it's", "(x)", 'a "b" c', "{z"]
    data = prepare(write(tmp_path / "x.csv", labels, n=36), tmp_path / "data")
    assert data.classes == sorted(labels)
    assert label_of(data)["r2"] == "it's"
    assert not data.info["notes"]

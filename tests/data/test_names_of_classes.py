"""Tests of the notes on names of classes that look alike or stand for no label."""

from pathlib import Path

import pytest

from seqmix.data.labels.several import check_separator
from seqmix.errors import InputError
from seqmix.objectives.class_names import check_names
from seqmix.objectives.labelled import number_classes
from tests.support.preparing import dna, message_of, prepare, write_jsonl


@pytest.mark.parametrize(
    ("first", "second"),
    [("red", "red\u200b"), ("blue", "\ufeffblue"), ("green", "gre\u00aden"), ("Homo sapiens", "Homo \u200esapiens")],
)
def test_classes_that_differ_in_invisible_characters_are_noted_with_the_character_escaped(first: str, second: str) -> None:
    (note,) = check_names([first, second, "other"])
    assert "are different classes" in note
    assert repr(first) in note and repr(second) in note
    assert note.isascii()


def test_a_hyphen_is_noted_as_a_missing_label() -> None:
    (note,) = check_names(["-", "kinase", "protease"])
    assert note.startswith("'-' is a class; if it stands for a missing label")


@pytest.mark.parametrize("classes", [["+", "-"], ["-", "+", "."], ["a", "b-c"]])
def test_strands_and_names_with_a_hyphen_are_not_missing_labels(classes: list[str]) -> None:
    assert check_names(classes) == []


@pytest.mark.parametrize(("texts", "separator"), [(["a|b", "c"], ";"), (["a\tb", "c"], "\\t"), (["a b", "c"], " | ")])
def test_a_separator_that_is_in_no_label_is_noted(texts: list[str], separator: str) -> None:
    (note,) = check_separator(texts, separator)
    assert f"the separator {separator!r} is in no label" in note


@pytest.mark.parametrize("separator", [None, ","])
@pytest.mark.parametrize("text", ["['joy', 'anger']", '["joy","anger"]', "[joy, anger]"])
def test_labels_that_are_lists_as_text_are_noted(text: str, separator: str | None) -> None:
    (note,) = check_separator(["joy", text], separator)
    assert repr(text) in note and "written as a list" in note


@pytest.mark.parametrize(("texts", "separator"), [(["a|b", "c"], "|"), (["a; b", "c"], " ; "), (["a,b"], None), ([], ",")])
def test_labels_as_they_should_be_are_not_noted(texts: list[str], separator: str | None) -> None:
    assert check_separator(texts, separator) == []


@pytest.mark.parametrize("name", ["a\nb", "a\tb", "\x1b[31mred", "a\x00b", "a\u202eb", "a\u2028b", "a\u200bb"])
def test_classes_with_characters_that_are_not_shown_are_noted_and_escaped(name: str, tmp_path: Path) -> None:
    rows = [{"id": f"s{i}", "text": dna(50, i), "label": [name, "other"][i % 2]} for i in range(20)]
    notes = prepare(write_jsonl(tmp_path / "x.jsonl", rows), tmp_path / "data").info["notes"]
    (note,) = [note for note in notes if "not shown" in note]
    assert repr(name)[1:-1] in note and note.isascii()


@pytest.mark.parametrize("name", ["a\nb", "\x1b[31mred", "a\u200bb"])
def test_errors_show_names_of_classes_escaped(name: str, tmp_path: Path) -> None:
    def rows(*names: str) -> list[dict[str, str]]:
        return [{"id": f"{names}{i}", "text": dna(50, f"{names}{i}"), "label": names[i % len(names)]} for i in range(20)]

    train = write_jsonl(tmp_path / "train.jsonl", rows("x", "y"))
    test = write_jsonl(tmp_path / "test.jsonl", rows("x", name))
    rare = write_jsonl(tmp_path / "rare.jsonl", rows("x", "y")[:18] + rows(name)[:1])
    alone = write_jsonl(tmp_path / "alone.jsonl", rows(name))
    for inputs in ([train, test], rare, alone):
        message = message_of(prepare, inputs, tmp_path / "data")
        assert repr(name)[1:-1] in message and message.isascii()


@pytest.mark.parametrize(
    ("names", "what"),
    [
        (["non-coding", "non\u2013coding"], "signs that look alike"),
        (["5'-UTR", "5\u2019-UTR"], "signs that look alike"),
        (["alpha", "\u0430lpha"], "signs that look alike"),
        (["A & B", "A &amp; B"], "signs that look alike"),
        (["\u2764", "\u2764\ufe0f"], "signs that look alike"),
        (["'a'", "a"], "quotes or punctuation"),
        (["kinase", "kinase."], "quotes or punctuation"),
        (["non-coding", "non coding", "non_coding"], "spaces, underscores or dashes"),
        (["0.001", "1e-3"], "the form of a number"),
        (["+1", "1"], "the form of a number"),
        (["01", "1"], "the form of a number"),
        (["Non-coding", "non coding"], "case and spaces"),
    ],
)
def test_what_alike_classes_differ_in_is_named(names: list[str], what: str) -> None:
    (note,) = check_names([*names, "other", "b"])
    assert "are different classes, which differ only in" in note and what in note


@pytest.mark.parametrize("names", [["+1", "-1"], ["a-1", "a-2"], ["5'", "3'"], ["1_0", "10"], ["A+", "A"], ["1-2", "12"]])
def test_classes_that_are_not_alike_are_not_noted(names: list[str]) -> None:
    assert check_names([*names, "other"]) == []


@pytest.mark.parametrize("quote", ["'{}'", '"{}"', "b'{}'", "`{}`"])
def test_quotes_around_all_classes_are_noted(quote: str) -> None:
    (note,) = check_names([quote.format("pos"), quote.format("neg")])
    assert "all classes are in quotes" in note and quote.format("pos") in note


@pytest.mark.parametrize("label", ["s{}", "2024-01-{:02}", "a protein of {} letters"])
def test_labels_that_nearly_every_record_has_for_itself_are_explained(label: str, tmp_path: Path) -> None:
    rows = [{"id": f"s{i}", "text": dna(50, i), "label": label.format(i)} for i in range(30)]
    message = message_of(prepare, write_jsonl(tmp_path / "x.jsonl", rows), tmp_path / "data")
    for part in ("30 of 30 classes", "30 records have 30 labels", "label_from"):
        assert part in message


@pytest.mark.parametrize("length", [61, 500, 3000])
def test_long_names_of_classes_are_cut_in_errors(length: int, tmp_path: Path) -> None:
    rows = [{"text": dna(50, i), "label": "a" * length} for i in range(20)]
    message = message_of(prepare, write_jsonl(tmp_path / "x.jsonl", rows), tmp_path / "data")
    assert "aaa…'" in message and len(message) < 250


@pytest.mark.parametrize("key", ["label", "Class", "target"])
def test_labels_that_the_first_line_of_jsonl_lacks_are_noted(key: str, tmp_path: Path) -> None:
    rows = [{"text": dna(50, i), **({key: "ab"[i % 2]} if i else {})} for i in range(20)]
    (note,) = prepare(write_jsonl(tmp_path / "x.jsonl", rows), tmp_path / "data").info["notes"]
    assert "19 of 20" in note and f'"{key}": null' in note
    rows[0][key] = None
    path = write_jsonl(tmp_path / "x.jsonl", rows)
    assert len(prepare(path, tmp_path / "other", skip_unlabelled=True)) == 19
    del rows[5][key]
    message = message_of(prepare, write_jsonl(tmp_path / "x.jsonl", rows), tmp_path / "third", skip_unlabelled=False)
    assert "2 of 20 records have no label" in message


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_contradicting_labels_of_one_sequence_are_shown(seed: int, tmp_path: Path) -> None:
    rows = [{"id": f"s{i}", "text": dna(50, f"{seed}{i // 2}"), "label": "abb"[i % 3]} for i in range(24)]
    notes = prepare(write_jsonl(tmp_path / "x.jsonl", rows), tmp_path / "data").info["notes"]
    (note,) = [note for note in notes if "more than one label" in note]
    assert note.endswith("such as record 's0' ('a') and record 's1' ('b')")


@pytest.mark.parametrize(
    "name", ["?", "unknown", "Unknown", "undefined", "missing", "n.a.", "--", "not available", "unassigned", "nan", "NULL"]
)
def test_names_that_stand_for_a_missing_label_are_noted(name: str) -> None:
    (note,) = check_names([name, "kinase", "protease"])
    assert note.startswith(f"{name!r} is a class; if it stands for a missing label")


@pytest.mark.parametrize("names", [["-", "NA"], ["None", "null", "nan"], ["-", "?", "NA", "None"]])
def test_several_such_names_are_one_note(names: list[str]) -> None:
    (note,) = check_names([*names, "kinase", "protease"])
    assert "are classes; if they stand for missing labels" in note and repr(names[0]) in note


@pytest.mark.parametrize(
    ("trained", "tested", "what"),
    [
        (["Pos", "Neg"], ["pos", "neg"], "'Neg' and 'neg' differ only in case"),
        (["Homo_sapiens", "mouse"], ["Homo sapiens", "mouse"], "differ only in spaces, underscores or dashes"),
        (["0", "1"], ["0.0", "1.0"], "'0' and '0.0' differ only in the form of a number"),
        (["a b", "c"], ["a\u200b b", "c"], "differ only in invisible characters"),
        (["0", "1"], ["neg", "pos"], "'0', '1', those without training records 'neg', 'pos'"),
    ],
)
@pytest.mark.parametrize("layout", ["tables", "folders"])
def test_classes_of_one_split_alone_are_compared_with_those_of_training(
    trained: list[str], tested: list[str], what: str, layout: str, tmp_path: Path
) -> None:
    if layout == "tables":
        for split, names in (("train", trained), ("test", tested)):
            rows = [{"text": dna(50, f"{split}{i}"), "label": names[i % 2]} for i in range(20)]
            write_jsonl(tmp_path / f"{split}.jsonl", rows)
        inputs = [tmp_path / "train.jsonl", tmp_path / "test.jsonl"]
    else:
        inputs = [tmp_path / "in"]
        for split, names in (("TRAIN", trained), ("Test", tested)):
            for i in range(12):
                path = inputs[0] / split / names[i % 2] / f"{i}.txt"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(dna(50, f"{split}{i}"))
    message = message_of(prepare, inputs, tmp_path / "data")
    assert "has no record in the training split" in message and what in message


@pytest.mark.parametrize(("asked", "there"), [("pos", "Pos"), ("homo sapiens", "Homo_sapiens"), ("1", "1.0")])
def test_class_that_is_asked_for_in_another_form_is_pointed_out(asked: str, there: str, tmp_path: Path) -> None:
    rows = [{"text": dna(50, i), "label": [there, "other"][i % 2]} for i in range(20)]
    path = write_jsonl(tmp_path / "x.jsonl", rows)
    message = message_of(prepare, path, tmp_path / "data", classes=(asked, "other"))
    assert f"{there!r} and {asked!r} differ only in" in message
    with pytest.raises(InputError, match="differ only in"):
        number_classes([asked], [there, "other"])

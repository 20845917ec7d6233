"""Tests of the notes on names of classes that look alike or stand for no label."""

import pytest

from seqmix.data.several_labels import check_separator
from seqmix.data.validation import check_names


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

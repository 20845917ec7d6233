"""Tests of the notes on names of classes that look alike or stand for no label."""

import pytest

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

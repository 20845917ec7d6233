"""Layouts of folders that are refused or read in one of several ways: the message names the others, and they work."""

import pytest

from tests.support.preparing import dna, message_of, prepare


def write(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("some words of " + dna(9, name))


def numbered(folders, ending=".txt", n=5):
    return [f"{folder}/{i}{ending}" for folder in folders for i in range(n)]


@pytest.mark.parametrize("name", ["unlabeled", "unlabelled", "Unlabeled", "no_label", "unsup", "not-annotated"])
def test_unlabelled_folder_beside_one_that_holds_the_classes_is_refused(name, tmp_path):
    write(tmp_path / "set", *numbered(["labeled/a", "labeled/b", name]))
    message = message_of(prepare, tmp_path / "set", tmp_path / "data")
    assert f"'labeled' holds folders of classes (a, b), and '{name}' beside it holds none" in message
    assert prepare(tmp_path / "set", tmp_path / "data", exclude=[name]).classes == ["a", "b"]


@pytest.mark.parametrize(
    ("folders", "classes"),
    [
        (["biz/2019", "biz/2020", "sport/2019", "sport/2020"], ["2019", "2020"]),
        (["biz/2019", "sport/2020"], ["2019", "2020"]),
        (["all/biz/x", "all/biz/y", "all/sport/x"], ["x", "y"]),
    ],
)
def test_folders_above_those_that_are_the_classes_are_noted_with_a_way_to_take_them(folders, classes, tmp_path):
    write(tmp_path / "set", *numbered(folders))
    dataset = prepare(tmp_path / "set", tmp_path / "data")
    assert dataset.classes == classes
    (note,) = (note for note in dataset.info["notes"] if "not those above, biz, sport" in note)
    ways = [way.split("=") for way in note.split("--class ")[1:]]
    assert prepare(class_files={name: path.strip() for name, path in ways}, output=tmp_path / "again").classes == [
        "biz",
        "sport",
    ]


@pytest.mark.parametrize(
    "folders", [["sport", "biz"], ["set/sport", "set/biz"], ["train/sport", "train/biz", "test/sport", "test/biz"]]
)
def test_folders_above_classes_are_not_noted_if_they_tell_nothing_else(folders, tmp_path):
    write(tmp_path / "set", *numbered(folders))
    assert not any("not those above" in note for note in prepare(tmp_path / "set", tmp_path / "data").info["notes"])


@pytest.mark.parametrize("public", ["PublicTest", "public_test", "Public"])
def test_usage_as_kaggle_divides_its_tests_is_noted(public, tmp_path):
    path = tmp_path / "x.csv"
    marks = ["Training", public, public.replace("ublic", "rivate")]
    path.write_text("text,label,Usage\n" + "".join(f"words {dna(9, i)},{i % 2},{marks[i % 3]}\n" for i in range(18)))
    assert any(
        "column 'Usage' (Training, P" in note.replace("(Training, p", "(Training, P") and "not used" in note
        for note in prepare(path, tmp_path / "data").info["notes"]
    )

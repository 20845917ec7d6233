"""Folds of a cross-validation are neither classes nor splits; what is made of them is told, with a way that works."""

import pytest

from tests.data.splits.test_names import fasta, table, text
from tests.support.preparing import message_of, prepare


def told(dataset):
    return [note for note in dataset.info["notes"] if "are folds" in note]


@pytest.mark.parametrize("layout", ["fold{i}/{name}.fa", "cv_{i}/{name}.fa", "kfold-{i}/{name}/x.fa", "{name}/Fold{i}.fa"])
def test_folds_are_not_classes(layout, tmp_path):
    for i in range(3):
        for name in ("pos", "neg"):
            fasta(tmp_path / "set" / layout.format(i=i, name=name), f"{name}{i}")
    dataset = prepare(tmp_path / "set", tmp_path / "data")
    assert dataset.classes == ["neg", "pos"] and len(dataset) == 60
    (note,) = told(dataset)
    assert "not classes" in note
    if "--test" in note:
        again = prepare(tmp_path / "set", tmp_path / "again", test=note.partition("--test ")[2])
        assert again.classes == ["neg", "pos"] and again.sizes["test"] == 20


@pytest.mark.parametrize("name", ["fold{i}.csv", "cv{i}.csv", "fold_{i}/x.csv"])
def test_one_fold_can_be_the_test_split_as_the_note_says(name, tmp_path):
    for i in range(3):
        table(tmp_path / "set" / name.format(i=i), f"r{i}")
    dataset = prepare(tmp_path / "set", tmp_path / "data")
    (note,) = told(dataset)
    assert prepare(tmp_path / "set", tmp_path / "again", test=note.partition("--test ")[2]).sizes["test"] == 10


@pytest.mark.parametrize(
    ("layout", "inner", "way"),
    [
        ("fold{i}/{s}.csv", "fold0", "such as"),
        ("fold{i}/{s}/x.csv", "fold0", "such as"),
        ("{s}/fold{i}/x.csv", "", "--include '*/fold0/*'"),
        ("{s}_fold{i}.csv", "", "--include '*fold0*'"),
    ],
)
def test_folds_with_splits_are_told_and_one_can_be_prepared(layout, inner, way, tmp_path):
    for i in range(3):
        for split in ("train", "test"):
            table(tmp_path / "set" / layout.format(i=i, s=split), f"{split}{i}")
    (note,) = told(prepare(tmp_path / "set", tmp_path / "data"))
    assert way in note
    options = {} if inner else {"include": note.partition("--include '")[2].split("'")[0]}
    dataset = prepare(tmp_path / "set" / inner, tmp_path / "one", **options)
    assert len(dataset) == 20 and dataset.sizes["test"] == 10 and not told(dataset)


def test_records_that_are_in_the_test_split_of_another_fold_are_explained(tmp_path):
    for i in range(2):
        for split, prefix in (("train", f"r{i}"), ("test", f"r{1 - i}")):
            table(tmp_path / "set" / f"fold{i}" / f"{split}.csv", prefix)
    assert "prepare one fold by itself" in message_of(prepare, tmp_path / "set", tmp_path / "data")
    assert prepare(tmp_path / "set" / "fold1", tmp_path / "data").sizes["test"] == 10


def test_documents_in_folds_and_classes_have_the_classes(tmp_path):
    for i in range(4):
        for name in ("a", "b"):
            for fold in ("fold1", "fold2"):
                text(tmp_path / "set" / name / fold / f"{i}.txt", f"{fold}{name}{i}")
    dataset = prepare(tmp_path / "set", tmp_path / "data")
    assert dataset.classes == ["a", "b"] and len(told(dataset)) == 1


@pytest.mark.parametrize("how", ["file", "folder"])
def test_folds_are_classes_if_the_user_says_so(how, tmp_path):
    for i in range(3):
        fasta(tmp_path / "set" / (f"fold{i}.fa" if how == "file" else f"fold{i}/x.fa"), f"r{i}")
    dataset = prepare(tmp_path / "set", tmp_path / "data", label_from=how)
    assert dataset.classes == ["fold0", "fold1", "fold2"] and not told(dataset)


def test_folders_above_files_that_are_the_labels_are_named(tmp_path):
    for name in ("pos", "neg"):
        for folder in ("H3", "H4"):
            fasta(tmp_path / "set" / folder / f"{name}.fa", f"{folder}{name}")
    dataset = prepare(tmp_path / "set", tmp_path / "data", label_from="file")
    assert dataset.info["origins"]["labels"] == "names of files; the folders H3, H4 are not used"

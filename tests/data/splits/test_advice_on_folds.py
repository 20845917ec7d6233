"""The advice to test on one of several folders of folds can be followed."""

import pytest

import seqmix
from tests.support.preparing import dna


def write_folds(folder, names, classes):
    for k, fold in enumerate(names):
        for m, name in enumerate(classes):
            path = folder / fold / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f">r{k}-{m}-{i}\n{dna(30, 100 * k + 10 * m + i)}\n" for i in range(6)))
    return folder


@pytest.mark.parametrize("names", [("fold1", "fold2"), ("fold_0", "fold_1", "fold_2"), ("Fold-1", "Fold-2")])
def test_folds_of_files_of_classes_are_tested_on_one(names, tmp_path):
    folder = write_folds(tmp_path / "x", names, ["a.fa", "b.fa"])
    notes = seqmix.prepare(folder, tmp_path / "all").info["notes"]
    assert any("with --label-from file, if the classes are names of files" in note for note in notes)
    info = seqmix.prepare(folder, tmp_path / "one", test=folder / names[0], label_from="file").info
    assert info["counts"]["test"] == {"a": 6, "b": 6}
    assert info["classes"] == ["a", "b"]


def test_folds_of_folders_of_classes_have_no_such_advice(tmp_path):
    folder = write_folds(tmp_path / "x", ("fold1", "fold2"), ["a/r.fa", "b/r.fa"])
    notes = seqmix.prepare(folder, tmp_path / "all").info["notes"]
    assert any("to test on one" in note and "--label-from" not in note for note in notes)

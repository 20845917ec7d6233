"""Names of files made of a split and a class: Train_Pos and Independent_Pos are of one class, given together or with --test."""

import pytest

from tests.support.preparing import dna, message_of, prepare


def write(folder, *names):
    for name in names:
        (folder / name).write_text("".join(f">{name}{i}\n{dna(40, f'{name}{i}')}\n" for i in range(6)))
    return [folder / name for name in names]


@pytest.mark.parametrize(
    "names",
    [
        "Train_Pos.fa Train_Neg.fa Independent_Pos.fa Independent_Neg.fa",
        "Pos-train.fa Neg-train.fa Pos-independent.fa Neg-independent.fa",
        "train_Pos.fa train_Neg.fa val_Pos.fa val_Neg.fa holdout_Pos.fa holdout_Neg.fa",
    ],
)
@pytest.mark.parametrize("given", ["files", "folder"])
def test_held_out_files_of_the_same_classes_are_the_test_split(names, given, tmp_path):
    files = write(tmp_path, *names.split())
    dataset = prepare(files if given == "files" else tmp_path, tmp_path / "data")
    assert dataset.classes == ["Neg", "Pos"]
    assert (dataset.split == 2).sum() == 12
    assert not any("names are not used" in note for note in dataset.info["notes"])
    assert "Pos" in dataset.info["origins"]["splits"]


@pytest.mark.parametrize("held_out", ["Independent_{}.fa", "Test_{}.fa", "{}_test.fa", "Holdout-{}.fa"])
def test_classes_of_files_given_with_test_are_those_of_training(held_out, tmp_path):
    train = write(tmp_path, "Train_Pos.fa", "Train_Neg.fa")
    test = write(tmp_path, *(held_out.format(name) for name in ("Pos", "Neg")))
    dataset = prepare(train, tmp_path / "data", test=test)
    assert dataset.classes == ["Neg", "Pos"] and (dataset.split == 2).sum() == 12


def test_names_that_are_alike_stay_whole(tmp_path):
    train = write(tmp_path, "Train_Pos.fa", "Train_Neg.fa")
    (tmp_path / "new").mkdir()
    test = write(tmp_path / "new", "Train_Pos.fa", "Train_Neg.fa")
    for file in test:
        file.write_text("".join(f">n{i}\n{dna(40, f'{file}{i}')}\n" for i in range(6)))
    assert prepare(train, tmp_path / "data", test=test).classes == ["Train_Neg", "Train_Pos"]


def test_other_classes_with_test_are_refused(tmp_path):
    train = write(tmp_path, "Train_Pos.fa", "Train_Neg.fa")
    assert "no record in the training split" in message_of(
        prepare, train, tmp_path / "data", test=write(tmp_path, "Test_Other.fa", "Test_Pos.fa")
    )

"""Names of splits beside names that are none: not used, and told; files given for a split are not searched for in folders."""

import pytest

from tests.data.splits.test_names import fasta, sizes, table, text
from tests.support.preparing import message_of, prepare


@pytest.mark.parametrize("layout", ["files", "folder"])
@pytest.mark.parametrize(
    ("names", "advice"),
    [
        ("reviews.csv test.csv", "--test {}/test.csv"),
        ("all.fa test.fa", "--test {}/test.fa"),
        ("benchmark.fa benchmark_test.fa", "--test {}/benchmark_test.fa"),
        ("all.csv dev.csv", "--val {}/dev.csv"),
        ("train.fa independent.fa", "--test {}/independent.fa"),
        ("train.csv set_hold-out.csv", "--test {}/set_hold-out.csv"),
        ("training.fa held_out.fa", "--test {}/held_out.fa"),
        ("train.csv more.csv", "with --test"),
    ],
)
def test_lone_name_of_a_split_is_told_and_the_advice_works(names, advice, layout, tmp_path):
    folder = tmp_path / "set"
    files = [(fasta(folder / n, n[:-3], 20, "c") if n.endswith("fa") else table(folder / n, n, 20)) for n in names.split()]
    dataset = prepare(files if layout == "files" else folder, tmp_path / "data")
    assert any(advice.format(folder) in note for note in dataset.info["notes"])
    option, _, path = advice.format(folder).removeprefix("with ").partition(" ")
    rest = [file for file in files if str(file) != path] if layout == "files" else folder
    if path:
        again = prepare(rest, tmp_path / "again", **{option[2:]: [path]})
        assert sizes(again)[1 if option == "--val" else 2] == 20


@pytest.mark.parametrize("name", ["test", "holdout_test", "dev"])
@pytest.mark.parametrize("ending", ["csv", "fa"])
def test_folder_of_a_split_beside_other_files_is_told(name, ending, tmp_path):
    for i, place in enumerate(("", name)):
        for stem in ("x", "y"):
            path = tmp_path / "set" / place / f"{stem}.{ending}"
            (table if ending == "csv" else fasta)(path, f"{stem}{i}", 20)
    notes = prepare(tmp_path / "set", tmp_path / "data").info["notes"]
    (note,) = [
        note for note in notes if f"the folder {name} has the name of a split, other files are in no such folder" in note
    ]
    option, path = note.partition("to use it: --")[2].split(" ")
    dataset = prepare(tmp_path / "set", tmp_path / "again", **{option: path})
    assert dataset.sizes["val" if name == "dev" else "test"] == 40


@pytest.mark.parametrize("names", ["a.csv b.csv", "train_1.csv train_2.csv", "train.csv test.csv", "contest.csv latest.csv"])
def test_other_names_have_no_note(names, tmp_path):
    for i, name in enumerate(names.split()):
        table(tmp_path / "set" / name, f"x{i}", 20)
    dataset = prepare(tmp_path / "set", tmp_path / "data")
    assert not any("not used for splits" in note for note in dataset.info["notes"])


def test_class_with_the_name_of_a_split_is_told(tmp_path):
    for name in ("bus", "plane", "train"):
        for i in range(5):
            text(tmp_path / "set" / name / f"{i}.txt", f"{name}{i}")
    dataset = prepare(tmp_path / "set", tmp_path / "data")
    assert dataset.classes == ["bus", "plane", "train"]
    assert any("the folder train has the name of a split" in note for note in dataset.info["notes"])
    dataset = prepare(tmp_path / "set", tmp_path / "asked", label_from="folder")
    assert not any("split" in note and "train" in note for note in dataset.info["notes"])


@pytest.mark.parametrize("test", [["holdout.fasta"], ["TEST.FA", "holdout.fasta"], ["TEST.FA"]])
def test_advice_for_a_name_beside_those_of_splits_works(test, tmp_path):
    folder = tmp_path / "set"
    for name in ("Train.fa", "TEST.FA", "holdout.fasta"):
        fasta(folder / name, name[:2], 20, "c")
    message = message_of(prepare, folder, tmp_path / "data")
    assert "holdout" in message
    assert "test" in message
    dataset = prepare(folder, tmp_path / "data", test=[folder / name for name in test])
    assert sizes(dataset)[2] == 20 * len(test)
    assert sum(sizes(dataset)) == 60


@pytest.mark.parametrize("place", ["holdout", "data/holdout"])
def test_folder_for_testing_may_be_within_the_input(place, tmp_path):
    for name in ("a", "b"):
        fasta(tmp_path / "set" / name / "x.fa", f"{name}x", 20)
        fasta(tmp_path / "set" / place / name / "x.fa", f"{name}h", 5)
    dataset = prepare(tmp_path / "set", tmp_path / "data", test=[tmp_path / "set" / place])
    assert dataset.classes == ["a", "b"]
    assert sizes(dataset)[2] == 10

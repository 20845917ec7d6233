"""A class whose folder holds nothing that is read is an error with the true reason, whatever patterns are given."""

import zipfile

import pytest

from tests.support.preparing import dna, message_of, prepare


def fasta(path, seed=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f">{seed}{i}\n{dna(30, f'{path.parent.name}{seed}{i}')}\n" for i in range(6)))


def texts(folder):
    for number in range(3):
        (folder / f"{number}.txt").write_text(f"some words of {number}")


def archive(folder):
    with zipfile.ZipFile(folder / "b.zip", "w") as packed:
        packed.writestr("x.fa", ">a\nACGT\n")


def dead_link(folder):
    (folder / "x.fa").symlink_to(folder / "nowhere.fa")


def second_name(folder):
    (folder / "x.fa").symlink_to(folder.parent / "a" / "x.fa")


KINDS = [
    (texts, "its files (.txt 3) are not sequences"),
    (archive, "its files (b/b.zip) are of unknown kinds"),
    (dead_link, "it holds links that lead nowhere"),
    (second_name, "it holds links only, to folders or to files that are read under another name"),
    (lambda folder: (folder / "x.csv").write_text("id,label\na,b\n"), "its files (b/x.csv) are not sequences"),
    (lambda folder: (folder / "README.txt").write_text("words"), "its files (b/README.txt) are about the data"),
    (lambda folder: None, "it is empty"),
]


@pytest.mark.parametrize(("fill", "reason"), KINDS)
@pytest.mark.parametrize("options", [{}, {"include": "*"}, {"label_from": "folder"}])
def test_reason_is_true_and_advice_works(fill, reason, options, tmp_path):
    root = tmp_path / "set"
    fasta(root / "a" / "x.fa")
    fasta(root / "c" / "x.fa")
    (root / "b").mkdir()
    fill(root / "b")
    found = message_of(prepare, root, tmp_path / "data", **options)
    assert "nothing in 'b' is read" in found and reason in found and "exclude='b'" in found
    assert prepare(root, tmp_path / "data", **options, exclude="b").classes == ["a", "c"]


@pytest.mark.parametrize("options", [{}, {"include": "*"}, {"label_from": "folder"}])
def test_class_missing_in_each_split_is_one_and_the_advice_works(options, tmp_path):
    root = tmp_path / "set"
    for split in ("train", "test"):
        for name in "ac":
            fasta(root / split / name / "x.fa", split)
        (root / split / "b").mkdir()
        texts(root / split / "b")
    found = message_of(prepare, root, tmp_path / "data", **options)
    assert "nothing in 'b' is read: 'test/b'" in found and "exclude='b'" in found
    assert prepare(root, tmp_path / "data", **options, exclude="b").sizes["test"] == 12


def test_table_without_texts_in_a_class_folder_is_not_called_another_kind(tmp_path):
    for name, columns in (("a", "id,text"), ("b", "id,name"), ("c", "id,text")):
        (tmp_path / "set" / name).mkdir(parents=True)
        (tmp_path / "set" / name / "x.csv").write_text(f"{columns}\n" + "".join(f"{name}{i},{i}\n" for i in range(6)))
    assert "have no column of texts" in message_of(prepare, tmp_path / "set", tmp_path / "data")
    (tmp_path / "set" / "b" / "x.csv").write_text(f"id,name\nb0,{dna(50, 1)}\n")
    assert "no column is named text" in message_of(prepare, tmp_path / "set", tmp_path / "data")


@pytest.mark.parametrize(
    ("include", "told"), [("*.fa", "3 files as asked (all of b)"), ("[ac]/*", "3 files as asked (all of b)")]
)
def test_class_that_patterns_leave_out_is_named(include, told, tmp_path):
    root = tmp_path / "set"
    fasta(root / "a" / "x.fa")
    fasta(root / "c" / "x.fa")
    (root / "b").mkdir()
    texts(root / "b")
    dataset = prepare(root, tmp_path / "data", include=include)
    assert f"left out: {told}" in dataset.info["notes"]

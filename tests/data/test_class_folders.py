"""Which folders are classes: never one that vanishes, never a level that is not named."""

import shutil

import pytest

from tests.data.test_left_out import fasta, notes, text
from tests.support.preparing import dna, label_of, message_of, prepare


def labels(dataset):
    return dataset.info["origins"]["labels"]


@pytest.mark.parametrize("content", ["x.txt", "x.csv", "x.zip", "x.fa.xlsx", "a link", "an empty file"])
@pytest.mark.parametrize("include", [(), ("*",)])
def test_class_that_would_vanish_is_an_error_whatever_is_included(content, include, tmp_path):
    for name in ("a", "c"):
        fasta(tmp_path / "set" / name / "x.fa")
    other = tmp_path / "set" / "b"
    if content == "a link":
        other.symlink_to(tmp_path / "set" / "a")
    elif content == "x.zip":
        for i in range(5):
            text(tmp_path / "pack" / f"{i}.txt")
        other.mkdir()
        shutil.make_archive(str(other / "x"), "zip", tmp_path / "pack")
    elif content == "an empty file":
        other.mkdir()
        (other / "x.txt").touch()
    else:
        text(other / content, "id,text,label\n1,ACGT,x\n" if "csv" in content else "some words")
    message = message_of(prepare, tmp_path / "set", tmp_path / "data", include=include)
    assert "nothing in 'b' is read" in message
    assert ("link" if content == "a link" else "x." in message or "file") and "exclude" in message
    assert "include" not in message
    assert prepare(tmp_path / "set", tmp_path / "data", exclude=["b"], include=include).classes == ["a", "c"]


@pytest.mark.parametrize("name", ["x.dna", "x", "x.data.gz"])
def test_advice_to_include_all_files_works(name, tmp_path):
    for folder in ("a", "c"):
        fasta(tmp_path / "set" / folder / "x.fa")
    fasta(tmp_path / "set" / "b" / name, pack=name.endswith(".gz"))
    assert "include" in message_of(prepare, tmp_path / "set", tmp_path / "data")
    assert prepare(tmp_path / "set", tmp_path / "data", include=["*"]).classes == ["a", "b", "c"]


@pytest.mark.parametrize("patterns", [["a/*", "c/*"], ["a", "c"], ["*.fa"]])
def test_classes_may_be_chosen_by_patterns(patterns, tmp_path):
    for name in ("a", "c"):
        fasta(tmp_path / "set" / name / "x.fa")
    text(tmp_path / "set" / "b" / "x.txt")
    assert prepare(tmp_path / "set", tmp_path / "data", include=patterns).classes == ["a", "c"]


@pytest.mark.parametrize(
    "names", [["README.txt"], ["LICENSE.txt", "md5.txt"], ["readme_first.txt", "md5sums.txt", "sha256sum.txt"]]
)
def test_files_about_the_data_are_not_documents_in_folders_of_classes(names, tmp_path):
    for folder in ("a", "b"):
        for name in [*names, *(f"{i}.txt" for i in range(10))]:
            text(tmp_path / "set" / folder / name, f"{folder} {name}")
    dataset = prepare(tmp_path / "set", tmp_path / "data")
    assert len(dataset) == 20
    assert f"{2 * len(names)} files" in notes(dataset)[0]


def test_documents_of_such_names_alone_are_read(tmp_path):
    for folder in ("mit", "apache", "gpl"):
        for i in range(4):
            text(tmp_path / "set" / folder / str(i) / "LICENSE.txt", f"{folder} {i}")
    assert len(prepare(tmp_path / "set", tmp_path / "data")) == 12


@pytest.mark.parametrize(
    ("layout", "classes", "others"),
    [
        ("ds{i}/{s}/{c}/x.fa", ["a", "b"], "ds1, ds2"),
        ("s{i}/{c}/{s}.fa", ["a", "b"], "s1, s2"),
        ("s{i}/{c}/{s}{i}.fa", ["a", "b"], "s1, s2"),
        ("{s}/s{i}/{c}/x.fa", ["a", "b"], "s1, s2"),
        ("all/s{i}/{c}/seqs/{s}.fa", ["a", "b"], "s1, s2"),
    ],
)
def test_nearest_level_of_folders_is_the_class_and_others_are_told(layout, classes, others, tmp_path):
    for s in ("train", "test"):
        for i in (1, 2):
            for c in "ab":
                path = tmp_path / "set" / layout.format(s=s, i=i, c=c)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("".join(f">{s}{i}{c}{n}\n{dna(40, f'{s}{i}{c}{n}')}\n" for n in range(6)))
    dataset = prepare(tmp_path / "set", tmp_path / "data")
    assert dataset.classes == classes
    assert all(label in name for name, label in label_of(dataset).items() if label)
    assert labels(dataset) == f"names of folders (a, b); the folders {others} above them are not used"


def test_files_of_the_same_names_in_all_classes_are_told(tmp_path):
    for folder in ("H3", "H4"):
        for name in ("pos", "neg"):
            fasta(tmp_path / "set" / folder / f"{name}.fa")
            fasta(tmp_path / "other" / folder / f"x{len(name) + (name == 'pos')}.fa")
    dataset = prepare(tmp_path / "set", tmp_path / "data")
    assert dataset.classes == ["H3", "H4"]
    assert any("neg, pos" in note and "--label-from file" in note for note in dataset.info["notes"])
    assert prepare(tmp_path / "set", tmp_path / "by-file", label_from="file").classes == ["neg", "pos"]


@pytest.mark.parametrize("layout", ["H{i}/{s}.csv", "fold{i}/{s}.csv", "x/cv{i}/{s}/data.csv", "{s}/part{i}/data.csv"])
def test_folders_beside_a_column_of_labels_are_told(layout, tmp_path):
    for i in (3, 4):
        for s in ("train", "dev", "test"):
            path = tmp_path / "set" / layout.format(i=i, s=s)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("sequence,label\n" + "".join(f"{dna(40, f'{s}{i}{n}')},{n % 2}\n" for n in range(6)))
    dataset = prepare(tmp_path / "set", tmp_path / "data")
    assert len(dataset) == 36
    assert any("3" in note and "4" in note and "not used" in note for note in dataset.info["notes"])


@pytest.mark.parametrize("name", ["x.txt", "empty.fa", "white.fa"])
def test_empty_file_beside_others_of_its_class_is_counted(name, tmp_path):
    ending = name.rpartition(".")[2]
    for folder in ("a", "b"):
        for i in range(4):
            (fasta if ending == "fa" else text)(tmp_path / "set" / folder / f"{i}.{ending}")
    (tmp_path / "set" / "b" / name).write_text(" \n" * name.startswith("white"))
    dataset = prepare(tmp_path / "set", tmp_path / "data")
    assert dataset.classes == ["a", "b"]
    assert f"1 empty file (b/{name})" in notes(dataset)[0]


@pytest.mark.parametrize("layout", ["{}.fa", "{}/x.fa"])
def test_empty_file_that_is_all_of_a_class_is_an_error(layout, tmp_path):
    for name in ("a", "b"):
        fasta(tmp_path / "set" / layout.format(name))
    path = tmp_path / "set" / layout.format("c")
    path.parent.mkdir(exist_ok=True)
    path.touch()
    assert str(path) in message_of(prepare, tmp_path / "set", tmp_path / "data")


@pytest.mark.parametrize("name", ["dataset_infos.json", "dataset_info.json", "README.md"])
def test_files_about_shards_are_counted(name, tmp_path):
    (tmp_path / "set").mkdir()
    for split in ("train", "test"):
        rows = "".join(f"{dna(30, f'{split}{i}')},{i % 2}\n" for i in range(12))
        (tmp_path / "set" / f"{split}-00000-of-00001.csv").write_text(f"text,label\n{rows}")
    (tmp_path / "set" / name).write_text('{"default": {"description": "", "features": {"text": {}}}}')
    dataset = prepare(tmp_path / "set", tmp_path / "data")
    assert len(dataset) == 24
    assert name in notes(dataset)[0]

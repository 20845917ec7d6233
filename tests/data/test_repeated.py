"""The same content twice: packed and not, under another ending or another name."""

import bz2
import gzip
import lzma
import shutil

import pytest

from tests.support.preparing import dna, message_of, prepare

PACKED = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


def fasta(path, seed, n=8):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f">{seed}{i}\n{dna(40, f'{seed}{i}')}\n" for i in range(n)))
    return path


@pytest.fixture
def folder(tmp_path):
    fasta(tmp_path / "set" / "a" / "x.fa", "a")
    fasta(tmp_path / "set" / "b" / "y.fa", "b")
    return tmp_path / "set"


@pytest.mark.parametrize("ending", PACKED)
def test_packed_copy_beside_a_file_is_refused_and_the_advice_works(ending, folder, tmp_path):
    before = prepare(folder, tmp_path / "before")
    file = folder / "a" / "x.fa"
    file.with_name(f"x.fa.{ending}").write_bytes(PACKED[ending](file.read_bytes()))
    found = message_of(prepare, folder, tmp_path / "data")
    assert f"x.fa.{ending}: the same content as {file}" in found and f"exclude='*.{ending}'" in found
    again = prepare(folder, tmp_path / "data", exclude=f"*.{ending}")
    assert again.info["counts"] == before.info["counts"]


@pytest.mark.parametrize(("first", "second"), [("x.fa", "x.fasta"), ("x.fna.gz", "x.fna"), ("x.seq", "x.fas.gz")])
def test_copy_under_another_ending_is_refused_among_files(first, second, folder, tmp_path):
    content = (folder / "a" / "x.fa").read_bytes()
    files = [tmp_path / first, tmp_path / second]
    for file in files:
        file.write_bytes(gzip.compress(content) if file.suffix == ".gz" else content)
    found = message_of(prepare, [*files, folder / "b" / "y.fa"], tmp_path / "data")
    assert "the same content as" in found and first in found and second in found and "name one of them" in found


def test_many_packed_documents_are_refused_at_once(tmp_path):
    for number in range(4):
        for name in "ab":
            path = tmp_path / "set" / name / f"{number}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{name} wrote {number} words")
    for path in [*(tmp_path / "set" / "b").iterdir()]:
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    found = message_of(prepare, tmp_path / "set", tmp_path / "data")
    assert "(and 3 more such pairs)" in found and "exclude='*.gz'" in found


def test_another_packed_file_is_not_left_out_by_the_advice(folder, tmp_path):
    for name, of in (("a/x.fa.gz", "a/x.fa"), ("b/z.fa.gz", "b/y.fa")):
        (folder / name).write_bytes(gzip.compress((folder / of).read_bytes().replace(b">b", b">c")))
    assert "exclude='a/x.fa.gz'" in message_of(prepare, folder, tmp_path / "data")


def test_files_that_differ_beside_each_other_are_read(folder, tmp_path):
    fasta(folder / "a" / "x.fasta", "c")
    assert sum(prepare(folder, tmp_path / "data").sizes.values()) == 24


@pytest.mark.parametrize("name", ["copy of x.fa", "z.fa.gz", "1/x.fa"])
def test_copy_under_another_name_is_told(name, folder, tmp_path):
    copy = folder / "a" / name
    copy.parent.mkdir(exist_ok=True)
    if name.endswith("gz"):
        copy.write_bytes(gzip.compress((folder / "a" / "x.fa").read_bytes()))
    else:
        shutil.copy(folder / "a" / "x.fa", copy)
    notes = prepare([*(folder / "a").rglob("*.fa*"), folder / "b" / "y.fa"], tmp_path / "data", label_from="header-regex:^(.)")
    (note,) = [note for note in notes.info["notes"] if "has the same records as" in note]
    assert str(copy) in note and str(folder / "a" / "x.fa") in note


def test_tables_with_the_same_texts_are_told_though_the_labels_differ(tmp_path):
    for name, labels in (("one", "ab"), ("two", "ba")):
        rows = "".join(f"r{i},{dna(30, i)},{labels[i % 2]}\n" for i in range(12))
        (tmp_path / f"{name}.csv").write_text(f"id,text,label\n{rows}")
    dataset = prepare([tmp_path / "one.csv", tmp_path / "two.csv"], tmp_path / "data")
    assert any("has the same records as" in note for note in dataset.info["notes"])

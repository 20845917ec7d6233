"""What a message or note recommends gives the expected data when it is followed to the letter."""

import bz2
import gzip
import lzma
import random
import re
import shlex
import subprocess

import pytest

import seqmix
from tests.support import random_dna, write_fasta
from tests.support.preparing import message_of, prepare

RNG = random.Random(0)
PACKERS = {"gz": gzip, "bz2": bz2, "xz": lzma}


def headers(form, n=20):
    return [(form.format(i=i, label="ab"[i % 2]), random_dna(40, RNG)) for i in range(n)]


@pytest.mark.parametrize(
    "form", ['s{i} {{"label":"{label}"}}', 's{i} {{"label": "{label}", "x": 1}}', 's{i} {{"x": 1, "class": "{label}"}}']
)
def test_labels_in_json_of_headers_are_found(form, tmp_path):
    path = write_fasta(tmp_path / "x.fa", headers(form))
    [note] = [note for note in prepare(path, tmp_path / "a").info["notes"] if "--label-from" in note]
    way = shlex.split(note.partition("--label-from ")[2])[0]
    assert prepare(path, tmp_path / "b", label_from=way).classes == ["a", "b"]


@pytest.mark.parametrize("names", [("pos.csv", "neg.csv"), ("pos.tsv", "neg.tsv"), ("a.csv", "b.csv", "c.csv")])
def test_tables_of_one_class_each_are_told_to_be_classes(names, tmp_path):
    for name in names:
        tab = "," if name.endswith("csv") else "\t"
        rows = [f"{name}{i}{tab}{random_dna(40, RNG)}\n" for i in range(12)]
        (tmp_path / name).write_text(f"id{tab}sequence\n" + "".join(rows))
    files = [tmp_path / name for name in names]
    [note] = [note for note in prepare(files, tmp_path / "data").info["notes"] if "no labels" in note]
    assert note.endswith("if the names of the files are the labels: --label-from file")
    assert len(prepare(files, tmp_path / "again", label_from="file").classes) == len(names)
    assert not [note for note in prepare(files[:1], tmp_path / "one").info["notes"] if "names of the files" in note]


@pytest.mark.parametrize("ending", PACKERS)
@pytest.mark.parametrize("name", ["x.gff3", "two words.gff3"])
def test_commands_for_packed_files_unpack_them(name, ending, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = "##gff-version 3\nc\tx\tgene\t1\t5\t.\t+\t.\tID=a\n##FASTA\n>s label=a\nACGT\n"
    (tmp_path / f"{name}.{ending}").write_bytes(PACKERS[ending].compress(content.encode()))
    message = message_of(prepare, f"{name}.{ending}", "data")
    found = re.search(r"take them: (.*) \(unpack it before: (.*)\)$", message)
    for one in (found[2], found[1]):
        subprocess.run(one, shell=True, check=True)
    assert (tmp_path / "new.fa").read_text() == ">s label=a\nACGT\n"


@pytest.mark.parametrize("name", ["doc{}", "doc.{}", "{}"])
def test_class_folders_of_files_without_endings_name_include(name, tmp_path):
    for label in "ab":
        (tmp_path / "d" / label).mkdir(parents=True)
        for i in range(12):
            (tmp_path / "d" / label / name.format(100 + i)).write_text(f"a walking {label} {i}")
    assert "read files of any ending with include='*'" in message_of(prepare, tmp_path / "d", tmp_path / "data")
    assert prepare(tmp_path / "d", tmp_path / "data", include="*").classes == ["a", "b"]


@pytest.mark.parametrize("content", [b"\0\1\2", b""])
def test_files_that_are_no_texts_do_not_name_include(content, tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "x").write_bytes(content)
    assert "include" not in message_of(prepare, tmp_path / "d", tmp_path / "data")


@pytest.mark.parametrize(
    "labels", [("plasma membrane; cell wall", "nucleus"), ("cell wall", "cell wall; nucleus"), ("a b; c d", "a b")]
)
def test_no_regular_expression_is_offered_where_a_separator_ends_labels(labels, tmp_path):
    path = write_fasta(tmp_path / "x.fa", [(f"s{i} label={labels[i % 2]}", random_dna(40, RNG)) for i in range(40)])
    assert not [n for n in prepare(path, tmp_path / "a", label_separator=";").info["notes"] if "header-regex" in n]
    assert [n for n in prepare(path, tmp_path / "b").info["notes"] if "header-regex" in n]


@pytest.mark.parametrize(
    ("names", "alike"),
    [
        (("12345678901234567890", "12345678901234567891"), False),
        (("0.12345678901234567", "0.12345678901234568"), False),
        (("1234567890123456789", "1234567890123456789.0"), True),
        (("1", "1.0"), True),
        (("1", "true"), True),
        (("100", "1e2"), True),
    ],
)
def test_long_numbers_are_compared_in_all_digits(names, alike, tmp_path):
    rows = [(f"r{i}", random_dna(40, RNG), names[i % 2]) for i in range(40)]
    notes = seqmix.prepare(records=rows, output=tmp_path / "data").info["notes"]
    assert any("different classes" in note for note in notes) is alike

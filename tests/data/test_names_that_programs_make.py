"""Names that programs make: hidden endings, copies, lanes and parts; as classes they are named in a note."""

import gzip

import pytest

from tests.support.preparing import dna, prepare


def write(folder, *names):
    for name in names:
        content = "".join(f">s{i}\n{dna(40, f'{name}{i}')}\n" for i in range(6)).encode()
        if "fastq" in name or "fq" in name:
            content = b"".join(b"@s%d\n%s\n+\n%s\n" % (i, dna(40, f"{name}{i}").encode(), b"I" * 40) for i in range(6))
        (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return [folder / name for name in names]


@pytest.mark.parametrize(
    "names",
    ["mouse.fasta.txt rat.fasta.txt", "mouse.fa.txt.gz rat.fa", "mouse.FASTA.TXT rat.fna.txt", "mouse.fq.txt rat.fastq.txt"],
)
def test_endings_that_a_system_hides_are_no_part_of_the_class(names, tmp_path):
    (tmp_path / "set").mkdir()
    files = write(tmp_path / "set", *names.split())
    assert prepare(files, tmp_path / "data").classes == ["mouse", "rat"]
    assert prepare(tmp_path / "set", tmp_path / "again").classes == ["mouse", "rat"]


def test_other_dots_stay_in_names(tmp_path):
    assert prepare(write(tmp_path, "a.v1.txt", "b.rna.txt"), tmp_path / "data").classes == ["a.v1", "b.rna"]


@pytest.mark.parametrize("copy", ["rat (1).fa", "rat - Copy.fa", "rat copy 2.fa", "rat(2).fa", "rat - Copy (3).fa"])
def test_copies_by_name_are_noted(copy, tmp_path):
    dataset = prepare(write(tmp_path, "mouse.fa", "rat.fa", copy), tmp_path / "data")
    assert len(dataset.classes) == 3
    assert any(f"'{copy[:-3]}' is a class of its own beside 'rat'" in note for note in dataset.info["notes"])


@pytest.mark.parametrize(
    ("names", "sample"),
    [
        ("s_L001_R1.fastq s_L002_R1.fastq", "s"),
        ("case_S2_L001_R1_001.fastq case_S2_L001_R2_001.fastq ctrl_S1_L001_R1_001.fastq", "case_S2"),
        ("a.part_001.fasta a.part_002.fasta b.part_001.fasta b.part_002.fasta", "a"),
        ("x_R1_001.fastq.gz x_R2_001.fastq.gz y_R1_001.fastq.gz", "x"),
    ],
)
def test_lanes_reads_and_parts_of_a_sample_are_noted(names, sample, tmp_path):
    dataset = prepare(write(tmp_path, *names.split()), tmp_path / "data")
    assert len(dataset.classes) == len(names.split())
    assert any("of one sample" in note and f"--class '{sample}=" in note for note in dataset.info["notes"])


@pytest.mark.parametrize("names", ["rat (1).fa mouse (1).fa", "copy.fa rat.fa", "L1.fa R2.fa", "clade_L1.fa clade_L2.fa"])
def test_other_names_are_not_noted(names, tmp_path):
    files = [tmp_path / f"{name}.fa" for name in names.removesuffix(".fa").split(".fa ")]
    notes = prepare(write(tmp_path, *(file.name for file in files)), tmp_path / "data").info["notes"]
    assert not any("of its own" in note or "of their own" in note for note in notes)

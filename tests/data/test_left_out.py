"""What lies under a folder and is not read: counted in a note, never a class that vanishes, never the end of a run."""

import gzip
import os

import pytest

from seqmix.data.labels.source import file_stem
from tests.support.preparing import dna, label_of, message_of, prepare, standard_input


def fasta(path, n=6, pack=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    content = "".join(f">{path.parent.name}-{path.name}-{i}\n{dna(40, f'{path}{i}')}\n" for i in range(n)).encode()
    path.write_bytes(gzip.compress(content) if pack else content)
    return path


def text(path, content="some words"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{content} {path.name}")
    return path


def notes(dataset):
    return [note for note in dataset.info["notes"] if note.startswith("left out")]


@pytest.mark.parametrize("ending", [".fas", ".fsa", ".FAS", ".mfa", ".frn", ".pep", ".seq", ".fst.gz", ".FA.GZ"])
def test_usual_endings_of_fasta_are_read(ending, tmp_path):
    fasta(tmp_path / "set" / "human.fa")
    fasta(tmp_path / "set" / f"rat{ending}", pack=ending.lower().endswith(".gz"))
    dataset = prepare(tmp_path / "set", tmp_path / "data")
    assert dataset.classes == ["human", "rat"]
    assert notes(dataset) == []


@pytest.mark.parametrize("layout", ["{}.fa", "{}/x.fa", "{}.txt"])
def test_stray_files_beside_sequences_are_counted(layout, tmp_path):
    for name in ("mouse", "human"):
        fasta(tmp_path / "set" / layout.format(name))
    for name in ("README.txt", "stats.json", "table.tsv", "a.xlsx", "b.xlsx", ".DS_Store"):
        text(tmp_path / "set" / name)
    (tmp_path / "set" / "broken").symlink_to(tmp_path / "nowhere")
    (tmp_path / "set" / "again.fa").symlink_to(tmp_path / "set" / layout.format("mouse"))
    dataset = prepare(tmp_path / "set", tmp_path / "data")
    assert dataset.classes == ["human", "mouse"]
    assert len(dataset) == 12
    (note,) = notes(dataset)
    for part in ("5 files (", ".xlsx 2", "README.txt", "stats.json", "table.tsv", "2 links", "1 hidden file"):
        assert part in note


@pytest.mark.parametrize("names", [("README.md", "README.txt"), ("LICENSE.txt",), ("readme.txt", "notes.docx")])
def test_stray_files_beside_tables_are_counted(names, tmp_path):
    for name in names:
        text(tmp_path / "set" / name)
    rows = "".join(f"{i},{dna(30, i)},{i % 2}\n" for i in range(12))
    (tmp_path / "set" / "x.csv").write_text(f"id,text,label\n{rows}")
    dataset = prepare(tmp_path / "set", tmp_path / "data")
    assert len(dataset) == 12
    assert f"{len(names)} file" in notes(dataset)[0]


@pytest.mark.parametrize("content", ["nothing", "a hidden file", "no endings", "sheets", "a link"])
def test_class_that_would_vanish_is_an_error(content, tmp_path):
    for name in ("a", "b"):
        for i in range(4):
            text(tmp_path / "set" / name / f"{i}.txt", f"{name} {i}")
    other = tmp_path / "set" / "other"
    if content == "a link":
        other.symlink_to(tmp_path / "set" / "a")
    else:
        other.mkdir()
    if content not in ("nothing", "a link"):
        text(other / {"a hidden file": ".gitkeep", "no endings": "10001", "sheets": "x.xlsx"}[content])
    message = message_of(prepare, tmp_path / "set", tmp_path / "data")
    assert "'other'" in message
    assert "exclude" in message
    for pattern in ("other", "other/*"):
        dataset = prepare(tmp_path / "set", tmp_path / f"data-{len(pattern)}", exclude=[pattern])
        assert dataset.classes == ["a", "b"]


def test_folder_of_a_split_without_files_is_an_error(tmp_path):
    for name in ("train", "test"):
        fasta(tmp_path / "set" / name / "x.fa")
    text(tmp_path / "set" / "val" / "x.xlsx")
    assert "val" in message_of(prepare, tmp_path / "set", tmp_path / "data")


@pytest.mark.parametrize(
    ("options", "classes"),
    [
        ({"include": ["*"]}, ["a", "b", "c"]),
        ({"include": ["a/*", "b"]}, ["a", "b"]),
        ({"include": ["*.txt", "**/1000?"]}, ["a", "b", "c"]),
        ({"exclude": ["c"]}, ["a", "b"]),
        ({"exclude": ["b/", "./c/*"]}, ["a"]),
    ],
)
def test_patterns_choose_files(options, classes, tmp_path):
    for name in ("a", "b", "c"):
        for i in range(4):
            text(tmp_path / "set" / name / (f"{i}.txt" if name != "c" else f"1000{i}"), f"{name} {i}")
    if len(classes) == 1:
        assert "one class" in message_of(prepare, tmp_path / "set", tmp_path / "data", **options)
        return
    assert prepare(tmp_path / "set", tmp_path / "data", **options).classes == classes


def test_patterns_without_effect_are_told(tmp_path):
    files = [fasta(tmp_path / "set" / f"{name}.fa") for name in "ab"]
    assert any("--exclude 'c*'" in note for note in prepare(tmp_path / "set", tmp_path / "x", exclude=["c*"]).info["notes"])
    assert any("--include had no effect" in note for note in prepare(files, tmp_path / "y", include=["*.fa"]).info["notes"])


@pytest.mark.parametrize("spelling", ["same", "dots", "link", "folder", "test"])
def test_file_given_twice_is_refused(spelling, tmp_path):
    path, other = fasta(tmp_path / "set" / "a.fa"), fasta(tmp_path / "b.fa")
    (tmp_path / "link.fa").symlink_to(path)
    twice = {
        "same": path,
        "dots": tmp_path / "set" / ".." / "set" / "a.fa",
        "link": tmp_path / "link.fa",
        "folder": path.parent,
    }
    options = {"test": [path]} if spelling == "test" else {}
    message = message_of(prepare, [path, other, *([] if options else [twice[spelling]])], tmp_path / "data", **options)
    assert "a.fa" in message or "link.fa" in message
    assert "twice" in message


@pytest.mark.parametrize("inputs", [[""], [" "], ["a.fa", ""]])
def test_empty_argument_is_refused(inputs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fasta(tmp_path / "a.fa")
    assert "empty" in message_of(prepare, inputs, tmp_path / "data")


@pytest.mark.parametrize("names", [("s1/x.fa", "s2/x.fa"), ("s1/x.fa", "s2/x.fna"), ("x.fa", "x.fa.gz")])
def test_files_of_one_stem_are_told(names, tmp_path):
    files = [fasta(tmp_path / name, pack=name.endswith(".gz")) for name in (*names, "other.fa")]
    dataset = prepare(files, tmp_path / "data")
    assert dataset.classes == ["other", "x"]
    assert any("one class by name: 'x'" in note for note in dataset.info["notes"])


def test_equal_content_of_files_is_told(tmp_path):
    first = fasta(tmp_path / "a.fa")
    (tmp_path / "b.fa").write_bytes(first.read_bytes())
    files = [first, tmp_path / "b.fa", fasta(tmp_path / "c.fa")]
    assert any("same records" in note for note in prepare(files, tmp_path / "data", split="1,0,0").info["notes"])


def test_names_of_pipes_are_no_classes(tmp_path, monkeypatch):
    read, write = os.pipe()
    os.write(write, fasta(tmp_path / "a.fa").read_bytes())
    os.close(write)
    message = message_of(prepare, [f"/dev/fd/{read}", fasta(tmp_path / "b.fa")], tmp_path / "data")
    os.close(read)
    assert "class_files" in message
    standard_input(monkeypatch, b">a\nACGT\n")
    files = ["-", fasta(tmp_path / "b.fa"), fasta(tmp_path / "c.fa")]
    assert "class_files" in message_of(prepare, files, tmp_path / "data")


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("Homo_sapiens.GRCh38.cdna.all.fa.gz", "Homo_sapiens"),
        ("Mus_musculus_129s1svimj.129S1_SvImJ_v1.pep.all.fa", "Mus_musculus_129s1svimj"),
        ("Caenorhabditis_elegans.WBcel235.dna_sm.toplevel.fa.gz", "Caenorhabditis_elegans"),
        ("Homo_sapiens.GRCh37.75.dna.chromosome.1.fa", "Homo_sapiens"),
        ("GCF_000001405.40_GRCh38.p14_rna.fna.gz", "GCF_000001405.40_GRCh38.p14"),
        ("GCA_000005845.2_ASM584v2_cds_from_genomic.fna", "GCA_000005845.2_ASM584v2"),
        ("E.coli.fa", "E.coli"),
        ("my_genes.v2.fa", "my_genes.v2"),
        ("MOUSE.FA.GZ", "MOUSE"),
    ],
)
def test_species_are_found_in_names(name, stem, tmp_path):
    assert file_stem(tmp_path / name) == stem


@pytest.mark.parametrize(
    "names",
    [
        ("Homo_sapiens.GRCh38.cdna.all.fa", "Homo_sapiens.GRCh38.ncrna.fa"),
        ("GCF_1.1_A_rna.fna", "GCF_1.1_A_genomic.fna"),
        ("Mus_musculus.GRCm39.cds.all.fa", "Mus_musculus.GRCm39.pep.all.fa"),
    ],
)
def test_files_of_one_species_keep_their_names_with_a_note(names, tmp_path):
    dataset = prepare([fasta(tmp_path / name) for name in names], tmp_path / "data")
    assert dataset.classes == sorted(name.rsplit(".", 1)[0] for name in names)
    assert any("whole names" in note for note in dataset.info["notes"])
    assert set(label_of(dataset).values()) == set(dataset.classes)

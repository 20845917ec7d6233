"""Layouts of folders that people have: what is read, what the classes are, and what is told."""

import gzip

import pytest

from tests.support.preparing import dna, message_of, prepare


def write(root, *names):
    """Write a small file of the kind that each name says."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lower = name.lower().removesuffix(".gz")
        content = "some words of " + dna(9, name)
        if lower.endswith((".fa", ".fasta", ".fna")):
            content = "".join(f">{path.stem}{i}\n{dna(40, f'{name}{i}')}\n" for i in range(6))
        elif lower.endswith(".csv"):
            content = "sequence,label\n" + "".join(f"{dna(40, f'{name}{i}')},{i % 2}\n" for i in range(6))
        path.write_bytes(gzip.compress(content.encode()) if name.lower().endswith(".gz") else content.encode())


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        (["RAT.FA", "MOUSE.FASTA.GZ"], ["MOUSE", "RAT"]),
        (["A/X.FA", "B/X.FNA"], ["A", "B"]),
        (["my class (1)/x y.fa", "other class/x y.fa"], ["my class (1)", "other class"]),
        (
            [
                *(f"ncbi_dataset/data/{a}/cds_from_genomic.fna" for a in ("GCF_000001405.40", "GCF_000001635.27")),
                "ncbi_dataset/data/assembly_data_report.jsonl",
                "ncbi_dataset/data/GCF_000001405.40/genomic.gff",
                "README.md",
                "md5sum.txt",
            ],
            ["GCF_000001405.40", "GCF_000001635.27"],
        ),
        (
            [
                "release-110/fasta/homo_sapiens/cdna/Homo_sapiens.GRCh38.cdna.all.fa.gz",
                "release-110/fasta/mus_musculus/cdna/Mus_musculus.GRCm39.cdna.all.fa.gz",
                "release-110/fasta/mus_musculus/cdna/CHECKSUMS",
            ],
            ["homo_sapiens", "mus_musculus"],
        ),
        (
            ["a/x.fa", "b/x.fa", "a/Thumbs.db", "b/desktop.ini", "a/.ipynb_checkpoints/x.fa", "__MACOSX/a/._x.fa", ".DS_Store"],
            ["a", "b"],
        ),
    ],
)
def test_classes_of_usual_layouts(names, classes, tmp_path):
    write(tmp_path / "set", *names)
    dataset = prepare(tmp_path / "set", tmp_path / "data")
    assert dataset.classes == classes and len(dataset) == 12


@pytest.mark.parametrize("inputs", ["set set", "set set/a/x.fa", "set/a/x.fa set", "set/a set/../set/a"])
def test_folder_given_twice_is_refused(inputs, tmp_path):
    write(tmp_path / "set", "a/x.fa", "b/x.fa")
    assert "is given twice" in message_of(prepare, [tmp_path / name for name in inputs.split()], tmp_path / "data")


@pytest.mark.parametrize("names", [["x.csv"], ["0.txt", "1.txt", "2.txt", "3.txt"], ["x.fa", "y.fa"]])
def test_folders_that_are_given_and_may_be_the_classes_are_named(names, tmp_path):
    write(tmp_path / "set", *(f"{folder}/{name}" for folder in ("mouse", "rat") for name in names))
    dataset = prepare([tmp_path / "set" / "mouse", tmp_path / "set" / "rat"], tmp_path / "data")
    told = [*dataset.info["notes"], dataset.info["origins"]["labels"]]
    assert any("mouse, rat" in line and "not used" in line for line in told)
    if names[0].endswith(".txt"):
        assert dataset.classes == [] and not any("of one class by name" in note for note in dataset.info["notes"])
        assert prepare(tmp_path / "set", tmp_path / "again").classes == ["mouse", "rat"]


def test_given_folders_above_the_classes_are_named(tmp_path):
    write(tmp_path, *(f"{top}/{name}/x.fa" for top in ("one", "two") for name in ("p", "q")))
    dataset = prepare([tmp_path / "one", tmp_path / "two"], tmp_path / "data")
    assert dataset.info["origins"]["labels"] == "names of folders (p, q); the folders one, two above them are not used"


@pytest.mark.parametrize(
    "names", ["train_pos.fa train_neg.fa test.fa", "pos_train.fa neg_train.fa pos_test.fa neg_test.fa dev.fa"]
)
@pytest.mark.parametrize("options", [{}, {"label_from": "file"}])
def test_file_whose_name_tells_a_split_and_no_class_is_refused(names, options, tmp_path):
    write(tmp_path / "set", *names.split())
    found = message_of(prepare, tmp_path / "set", tmp_path / "data", **options)
    assert f"{names.split()[-1]}: its name tells a split and no class" in found


def test_files_of_one_species_in_each_folder_get_no_advice_that_does_not_help(tmp_path):
    for species in ("Homo_sapiens", "Mus_musculus"):
        write(tmp_path / "set", *(f"{species.lower()}/{kind}/{species}.GRC.{kind}.all.fa.gz" for kind in ("cds", "cdna")))
    dataset = prepare(tmp_path / "set", tmp_path / "data")
    assert dataset.info["origins"]["labels"].endswith("the folders homo_sapiens, mus_musculus above them are not used")
    assert not any("--label-from file" in note for note in dataset.info["notes"])

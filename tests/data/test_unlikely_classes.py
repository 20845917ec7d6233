"""Classes and splits that names of files tell by accident, and what is told of them."""

import pytest

from seqmix.data.splits.names import are_parts
from tests.support.preparing import dna, message_of, prepare


def write(root, name, header=""):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [(f"{path.stem}{i}", dna(40, f"{name}{i}"), "ab"[i % 2]) for i in range(8)]
    if name.endswith(".csv"):
        path.write_text("id,sequence,label\n" + "".join(f"{','.join(row)}\n" for row in rows))
    else:
        path.write_text("".join(f">{i}{header.format(label=label)}\n{text}\n" for i, text, label in rows))


def notes_of(root, output):
    return "\n".join(prepare(root, output).info["notes"])


@pytest.mark.parametrize(
    "names", ["part-00 part-01", "shard-00000-of-00002 shard-00001-of-00002", "x_1 x_2", "train-1 train-2"]
)
def test_names_of_parts_are_noted(names, tmp_path):
    for name in names.split():
        write(tmp_path / "d", f"{name}.fa")
    assert "parts of one set" in notes_of(tmp_path / "d", tmp_path / "o")
    assert are_parts(names.split())


@pytest.mark.parametrize("names", ["chr1 chr2", "mouse turtle", "GCF_000001405 GCF_000001635", "class_0 class_1", "1 2"])
def test_other_names_are_not_those_of_parts(names):
    assert not are_parts(names.split())


@pytest.mark.parametrize(
    ("header", "key"), [(" [organism={label}]", "organism"), (" OS={label} OX=1", "OS"), (" species:{label}", "species")]
)
def test_keys_in_the_headers_of_parts_are_noted(header, key, tmp_path):
    for name in ("part-00.fa", "part-01.fa"):
        write(tmp_path / "d", name, header)
    assert f"--label-from header:{key}" in notes_of(tmp_path / "d", tmp_path / "o")


@pytest.mark.parametrize("names", ["trn.csv tst.csv", "tr.fa te.fa", "trn/x.csv tst/x.csv"])
def test_short_names_of_splits_are_noted(names, tmp_path):
    for name in names.split():
        write(tmp_path / "d", name)
    assert "may be short for them" in notes_of(tmp_path / "d", tmp_path / "o")


def test_labels_from_names_and_from_columns_together_are_noted(tmp_path):
    write(tmp_path, "genes.fa")
    write(tmp_path, "t.csv")
    assert "labels come from different places" in notes_of([tmp_path / "genes.fa", tmp_path / "t.csv"], tmp_path / "o")


def test_links_to_folders_come_with_a_way_that_works(tmp_path):
    write(tmp_path, "else/a/x.fa")
    write(tmp_path, "d/b/x.fa")
    (tmp_path / "d/a").symlink_to(tmp_path / "else/a")
    assert "class_files" in message_of(prepare, tmp_path / "d", tmp_path / "o")
    data = prepare(output=tmp_path / "o", class_files={"a": tmp_path / "d/a", "b": tmp_path / "d/b"})
    assert data.classes == ["a", "b"]

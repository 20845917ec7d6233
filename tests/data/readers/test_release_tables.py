"""Tables of Long Range Arena, and classes of several files each: small copies, and what is refused."""

import gzip

import pytest
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from seqmix.data.inputs import parse_class_files
from tests.support.preparing import dna, label_of, message_of, prepare, read
from tests.support.releases import listops, pairs_of_documents

NUMBERS = {"train": 0, "eval": 1, "val": 1, "test": 2}


def test_pairs_of_documents_are_read_with_their_splits(tmp_path):
    records = read(pairs_of_documents(tmp_path / "tsv_data"))
    assert [(r.id, r.label, r.split) for r in records if r.split == "test"] == [
        (f"A{i},B{i}", str(i % 2), "test") for i in range(6)
    ]
    assert {r.split for r in records} == {"train", "val", "test"}
    chosen = next(r for r in records if r.split == "train" and r.id == "A3,B3")
    assert (chosen.text, chosen.pair, chosen.line) == ('A "first in train 3', 'Its 3th, "other', 4)


def test_pairs_of_documents_are_prepared(tmp_path):
    dataset = prepare(pairs_of_documents(tmp_path / "tsv_data"), tmp_path / "data")
    assert dataset.classes == ["0", "1"]
    assert dataset.info["vocabulary"]["alphabet"] == "chars"
    assert dataset.info["counts"] == {split: {"0": 3, "1": 3} for split in ("train", "val", "test")}
    assert "read as: pairs of documents (AAN)" in dataset.info["notes"]


def test_pairs_are_recognised_by_columns_also_in_separate_files(tmp_path):
    folder = pairs_of_documents(tmp_path / "x", splits=("train", "test"))
    renamed = [path.rename(folder / f"citations_{path.name.split('.')[1]}.tsv") for path in sorted(folder.iterdir())]
    assert {r.split for r in read(*renamed)} == {"train", "test"}
    assert {r.split for r in read(renamed[0])} == {None}  # a single file is divided
    assert {r.pair for r in read(renamed[0])} == {f'Its {i}th, "other' for i in range(6)}


def test_explicit_format_takes_precedence(tmp_path):
    path = tmp_path / "x.tsv"
    path.write_text("0\ttext\tid\tlabel\tmore\nx\tone\t1\ta\t\ny\ttwo\t2\tb\t\n")
    assert message_of(read, path)
    assert [(r.id, r.label, r.text, r.pair) for r in read(path, format="tsv")] == [
        ("1", "a", "one", None),
        ("2", "b", "two", None),
    ]


@pytest.mark.parametrize(
    ("row", "parts"),
    [
        ("1.0\ta\tb\ttext", ["line 7", "4 cells", "5", "text2"]),
        ("1.0\ta\tb\ttext\tother\tmore", ["line 7", "6 cells"]),
        ("2.0\ta\tb\ttext\tother", ["line 7", "'2.0'", "0 or 1"]),
        ("", ["line 7", "1 cells"]),
    ],
)
def test_bad_row_of_pairs_is_named(row, parts, tmp_path):
    path = pairs_of_documents(tmp_path / "tsv_data") / "new_aan_pairs.eval.tsv"
    path.write_text(path.read_text() + row + "\n")
    message = message_of(read, tmp_path / "tsv_data")
    for part in ["new_aan_pairs.eval.tsv", *parts]:
        assert part in message


def test_listops_is_read_without_round_brackets(tmp_path):
    folder = listops(tmp_path / "listops-1000")
    records = read(folder)
    assert len(records) == 60
    assert {r.split for r in records} == {"train", "val", "test"}
    assert [r.label for r in records[:20]] == [str(i % 10) for i in range(20)]
    for record in records:
        words = record.text.split(" ")
        assert "" not in words and "(" not in record.text and ")" not in record.text
        assert words[0] == "[MED" and words[-1] == "]" and len(words) == 11
    assert {r.split for r in read(folder / "basic_train.tsv")} == {None}
    packed = tmp_path / "basic_val.tsv.gz"
    packed.write_bytes(gzip.compress((folder / "basic_val.tsv").read_bytes()))
    assert [r.text for r in read(packed)] == [r.text for r in records if r.split == "val"]


def test_bad_row_of_listops_is_named(tmp_path):
    path = listops(tmp_path / "listops-1000") / "basic_val.tsv"
    path.write_text(path.read_text() + "( [MED 1 2 ) ] )\n")
    message = message_of(read, path)
    for part in ("basic_val.tsv", "line 22", "1 cells"):
        assert part in message


def test_listops_is_prepared_as_words(tmp_path):
    dataset = prepare(listops(tmp_path / "listops-1000"), tmp_path / "data")
    assert dataset.info["vocabulary"]["alphabet"] == "words"
    assert dataset.classes == [str(i) for i in range(10)]
    assert {len(dataset.tokens(i)) for i in range(60)} == {11}
    assert sorted(dataset.split.tolist()) == [0] * 20 + [1] * 20 + [2] * 20


def fasta(path, names):
    content = "".join(f">{name}\n{dna(40, name)}\n" for name in names).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.fixture
def species(tmp_path):
    """Two files for each of two classes."""
    return {
        "turtle": [fasta(tmp_path / f"t{i}.fa.gz", [f"t{i}{k}" for k in range(5)]) for i in range(2)],
        "mouse": [fasta(tmp_path / f"m{i}.fa", [f"m{i}{k}" for k in range(5)]) for i in range(2)],
    }


def test_several_files_form_one_class(species, tmp_path):
    dataset = seqmix.prepare(output=tmp_path / "data", class_files=species)
    assert dataset.classes == ["mouse", "turtle"]
    assert label_of(dataset) == {name: {"t": "turtle", "m": "mouse"}[name[0]] for name in dataset.ids()}
    assert len(dataset.info["inputs"]) == 4


def test_several_files_form_one_class_on_command_line(species, tmp_path):
    t, m = species["turtle"], species["mouse"]
    chosen = [f"--class=turtle={t[0]},{t[1]}", f"--class=mouse={m[0]}", f"--class=mouse={m[1]}"]
    result = CliRunner().invoke(app, ["prepare", *chosen, "-o", str(tmp_path / "data")], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert seqmix.Dataset.open(tmp_path / "data").info["counts"]["train"] == {"mouse": 6, "turtle": 6}
    nothing = CliRunner().invoke(app, ["prepare", "-o", str(tmp_path / "none")], catch_exceptions=False)
    assert nothing.exit_code == 1
    assert "nothing to prepare" in nothing.stderr


def test_folders_can_form_a_class(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for i in range(5):
            (tmp_path / name / f"{i}.txt").write_text(f"document {i} of {name}")
    dataset = seqmix.prepare(output=tmp_path / "data", class_files={"x": [tmp_path / "one"], "y": [tmp_path / "two"]})
    assert dataset.info["counts"]["train"] == {"x": 3, "y": 3}


def test_class_files_are_parsed():
    assert parse_class_files(["a=x.fa, y.fa", "b=z.fa", "a=w.fa"]) == {"a": ["x.fa", "y.fa", "w.fa"], "b": ["z.fa"]}
    for text in ("x.fa", "=x.fa", "a=", "a=x.fa,,y.fa", ""):
        assert "class_files must be" in message_of(parse_class_files, [text])


def test_class_files_contradicting_other_inputs_are_refused(species, tmp_path):
    path = species["mouse"][0]
    for inputs, options in (([path], {}), ((), {"test": [path]}), ((), {"val": [path]})):
        assert "class_files names" in message_of(seqmix.prepare, inputs, tmp_path / "data", class_files=species, **options)
    labels = {"read": seqmix.ReadOptions(label_from="file")}
    assert "label_from" in message_of(seqmix.prepare, (), tmp_path / "data", class_files=species, **labels)
    missing = {**species, "turtle": [tmp_path / "none.fa"]}
    assert "none.fa: no such file" in message_of(seqmix.prepare, (), tmp_path / "data", class_files=missing)
    twice = {**species, "turtle": [path]}
    assert "named twice" in message_of(seqmix.prepare, (), tmp_path / "data", class_files=twice)

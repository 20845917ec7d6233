"""Evaluation on new files: how they are labelled, which of them were trained on, and what is not the data set of the run."""

import shutil

import pytest
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from seqmix.errors import ConfigError, DatasetError, InputError
from tests.support import random_dna, strict_json, write_fasta

TRANS = str.maketrans("ACGT", "TGCA")


@pytest.fixture
def score(trained, tmp_path):
    return lambda **given: seqmix.evaluate(trained, output=tmp_path / "out", resamples=2, baselines=False, **given)


@pytest.fixture
def files(tmp_path):
    import random

    rng = random.Random(9)
    return {
        name: write_fasta(tmp_path / f"new-{name}.fa", [(f"{name}{i}", random_dna(60, rng)) for i in range(4)])
        for name in ("atrich", "gcrich")
    }


def test_classes_are_named_with_their_files(score, files, trained, tmp_path):
    result = score(class_files=files)
    assert [row["records"] for row in result.per_class] == [4, 4]
    arguments = [f"--class={name}={file}" for name, file in files.items()]
    done = CliRunner().invoke(
        app, ["eval", str(trained.path), *arguments, "--no-baselines", "-o", str(tmp_path / "cli")], env={"COLUMNS": "200"}
    )
    assert done.exit_code == 0, done.output
    assert strict_json(tmp_path / "cli" / "evaluation.json")["per_class"] == result.per_class
    with pytest.raises(InputError, match="virus"):
        score(class_files={"virus": files["atrich"]})
    with pytest.raises(ConfigError, match="class_files names the classes"):
        score(class_files=files, data=[files["atrich"]])


def test_unlabelled_records_can_be_left_out(score, trained, tmp_path):
    file = write_fasta(tmp_path / "x.fa", [("a label=atrich", "ACGT" * 9), ("b", "ACGG" * 9), ("c label=gcrich", "GCGT" * 9)])
    with pytest.raises(InputError, match=r"record 'b'.*leave such records out with skip_unlabelled=True"):
        score(data=[file], label_from="header:label")
    result = score(data=[file], label_from="header:label", skip_unlabelled=True)
    assert result.records == 2
    assert "1 record without a label is left out" in result.notes
    arguments = ["eval", str(trained.path), "--data", str(file), "--label-from", "header:label", "--no-baselines"]
    done = CliRunner().invoke(app, [*arguments, "-o", str(tmp_path / "cli")])
    assert done.exit_code == 1
    assert "no label: the header 'b' has none of label=…" in done.output
    assert done.output.strip().endswith("1 of 3 records has no label; leave such records out with --skip-unlabelled")


@pytest.mark.parametrize(
    ("column", "values", "noted"),
    [
        ("split", "train test", "train, test"),
        ("set", "training dev", "train, val"),
        ("partition", "train train", "train"),
        ("split", "test test", ""),
        ("fold", "1 2", ""),
    ],
)
def test_column_of_splits_in_new_files_is_noted(column, values, noted, score, tmp_path):
    texts = ["ACGTACGTAC", "GCGTGCGGCA"]
    rows = [f"{text},{name},{value}\n" for text, name, value in zip(texts, ["atrich", "gcrich"], values.split(), strict=True)]
    (tmp_path / "new.csv").write_text(f"text,label,{column}\n" + "".join(rows))
    result = score(data=[tmp_path / "new.csv"])
    notes = [note for note in result.notes if note.startswith("all records are evaluated")]
    assert result.records == 2 and len(notes) == bool(noted)
    assert not noted or f"though column '{column}' names splits ({noted})" in notes[0]


def test_other_strand_of_a_training_record_was_trained_on(score, dataset, tmp_path):
    records = [dataset[int(i)] for i in dataset.indices("train")[:3]]
    texts = [dataset.vocabulary.decode(dataset.tokens(int(i))) for i in dataset.indices("train")[:3]]
    turned = [text[::-1].translate(TRANS) for text in texts]
    named = [(f"{i} label={record.label}", text) for i, (record, text) in enumerate(zip(records, turned, strict=True))]
    file = write_fasta(tmp_path / "x.fa", [*named, ("n label=atrich", "ACGT" * 9)])
    result = score(data=[file], label_from="header:label")
    assert "3 of 4 records were trained on: these scores say little about new data" in result.notes


def test_another_data_set_is_called_another_data_set(score, files, dataset, trained, tmp_path):
    other = seqmix.prepare(list(files.values()), tmp_path / "other")
    with pytest.raises(DatasetError, match=r"other: this is another data set than .*, which .* was trained on; .*files.*data"):
        score(data=[other.path])
    shutil.copytree(dataset.path, tmp_path / "moved")
    assert score(data=[tmp_path / "moved"]).source == "test split"


def test_options_of_reading_need_new_files(score):
    for given in ({"skip_unlabelled": True}, {"label_from": "file"}, {"read": seqmix.ReadOptions()}):
        with pytest.raises(ConfigError, match="are for new files: name them with data"):
            score(**given)


@pytest.mark.parametrize("name", ["missing.fa", "other.fa", "protein.fa"])
def test_evaluation_that_fails_leaves_no_folder_in_the_run(trained, tmp_path, name):
    write_fasta(tmp_path / "other.fa", [("a label=virus", "ACGT" * 9)])
    write_fasta(tmp_path / "protein.fa", [("a label=atrich", "MKLVEEFWPQ")])
    run = shutil.copytree(trained.path, tmp_path / "run")
    with pytest.raises(InputError):
        seqmix.evaluate(run, data=[tmp_path / name], label_from="header:label", baselines=False)
    assert {p.name for p in run.iterdir()} == {p.name for p in trained.path.iterdir()}

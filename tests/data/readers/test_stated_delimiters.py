"""A delimiter that the user states holds, or what the file has instead is told."""

import pytest
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from tests.support.preparing import message_of, read

ROWS = [(f"s{i}", ("ATTATAATCATTAATA", "GCGGCCGCAGCGGCGC")[i % 2] * 3, ("atrich", "gcrich")[i % 2]) for i in range(10)]


def table(path, delimiter, header=("id", "text", "label")):
    path.write_text("".join(delimiter.join(row) + "\n" for row in (header, *ROWS)))
    return path


@pytest.mark.parametrize(
    ("name", "has", "stated", "told"),
    [
        ("x.csv", ",", ";", "separated by ',', not by ';'"),
        ("x.csv", ",", "tab", "separated by ',', not by tabs"),
        ("x.csv", ",", "~", "separated by ',', not by '~'"),
        ("x.csv", ";", ",", "separated by ';', not by ','"),
        ("x.csv", "\t", "|", "separated by tabs, not by '|'"),
        ("x.tsv", ",", "tab", "separated by ',', not by tabs"),
        ("x.tsv", "\t", ",", "separated by tabs, not by ','"),
        ("x.tsv", "\t", "space", "separated by tabs, not by spaces"),
    ],
)
def test_another_delimiter_than_the_stated_one_is_an_error(name, has, stated, told, tmp_path):
    message = message_of(read, table(tmp_path / name, has), delimiter=stated)
    assert f"{name}: the cells are {told} as delimiter says; leave it out, or use delimiter=" in message
    assert len(read(table(tmp_path / name, has), delimiter=has)) == 10


@pytest.mark.parametrize("stated", [";", "tab", "~"])
def test_a_table_of_one_column_has_no_delimiter(stated, tmp_path):
    (tmp_path / "x.csv").write_text("text\nA river, wide.\nA walking stone\n")
    assert [record.text for record in read(tmp_path / "x.csv", delimiter=stated)] == ["A river, wide.", "A walking stone"]


def test_a_table_of_labels_with_another_delimiter_is_noted(tmp_path):
    labels = tmp_path / "labels.csv"
    labels.write_text("id,label\n" + "".join(f"{name},{label}\n" for name, _, label in ROWS))
    data = table(tmp_path / "x.tsv", ";", ("id", "text", "kind"))
    made = seqmix.prepare(data, tmp_path / "data", delimiter=";", label_from=f"table:{labels}")
    assert f"{labels}: the cells are separated by ',', not by ';' (--delimiter)" in made.info["notes"]


def test_new_files_may_have_another_delimiter_than_the_training_data(tmp_path):
    data = seqmix.prepare(table(tmp_path / "x.csv", ";"), tmp_path / "data", delimiter=";", seed=1)
    run = seqmix.train(data, tmp_path / "run", mixer="none", lexical="kmers")
    new = table(tmp_path / "new.csv", ",")
    shown = CliRunner().invoke(app, ["predict", str(new), "--run", str(run.path)])
    assert (shown.exit_code, shown.stdout.count("\n")) == (0, 11)
    assert "not by ';' (--delimiter)" in " ".join(shown.stderr.split())
    assert CliRunner().invoke(app, ["eval", str(run.path), "--data", str(new), "--no-baselines"]).exit_code == 0
    for command in (["predict", str(new), "--run", str(run.path)], ["eval", str(run.path), "--data", str(new)]):
        shown = CliRunner().invoke(app, [*command, "--delimiter", "tab"])
        assert shown.exit_code == 1
        assert "not by tabs as --delimiter says; leave it out, or use --delimiter ," in " ".join(shown.output.split())

"""An output that is an input as well is refused before work starts: nothing is lost, with --overwrite or without."""

import os
import shutil

import pytest
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from tests.support import write_fasta
from tests.support.preparing import message_of

ROWS = [(f"n{i}", ("ATTATAATCATTAATA", "GCGGCCGCAGCGGCGC")[i % 2] * 3, ("atrich", "gcrich")[i % 2]) for i in range(6)]
TABLE = "id,sequence,label\n" + "".join(f"{name},{text},{label}\n" for name, text, label in ROWS)


@pytest.fixture
def table(tmp_path):
    (tmp_path / "new.csv").write_text(TABLE)
    return tmp_path / "new.csv"


def run(*arguments):
    found = CliRunner().invoke(app, [*map(str, arguments)])
    return found.exit_code, " ".join((found.output + found.stderr).split())


def itself(table):
    return table, table


def by_another_path(table):
    return table, table.parent / "." / ".." / table.parent.name / table.name


def by_a_link(table):
    (table.parent / "out.csv").symlink_to(table)
    return table, table.parent / "out.csv"


def of_a_link(table):
    (table.parent / "in.csv").symlink_to(table)
    return table.parent / "in.csv", table


def by_a_hard_link(table):
    os.link(table, table.parent / "out.csv")
    return table, table.parent / "out.csv"


def in_the_folder(table):
    return table.parent, table


@pytest.mark.parametrize("case", [itself, by_another_path, by_a_link, of_a_link, by_a_hard_link, in_the_folder])
@pytest.mark.parametrize("flags", [["--overwrite"], []])
def test_predictions_do_not_replace_what_is_predicted(case, flags, table, trained):
    given, output = case(table)
    code, shown = run("predict", given, "--run", trained.path, "-o", output, *flags)
    assert code == 1
    assert "this is an input, which the output would replace; choose another --output" in shown
    assert table.read_text() == TABLE


def test_earlier_predictions_among_the_inputs_are_replaced_if_they_are_not_read(tmp_path, trained):
    write_fasta(tmp_path / "new.fa", [(name, text) for name, text, _ in ROWS])
    (tmp_path / "out.tsv").write_text("id\tlength\tlabel\n")
    code, _ = run("predict", tmp_path, "--run", trained.path, "-o", tmp_path / "out.tsv", "--overwrite")
    assert code == 0
    assert len((tmp_path / "out.tsv").read_text().splitlines()) == 7


@pytest.mark.parametrize("how", ["input", "folder", "test", "class", "table"])
def test_a_data_set_does_not_replace_the_folder_of_what_is_prepared(how, table, tmp_path):
    folder = tmp_path / "data"
    seqmix.prepare(table, folder, split="1,0,0")
    kept = folder / "raw" / "new.csv"
    kept.parent.mkdir()
    shutil.copy(table, kept)
    given = {
        "input": [kept],
        "folder": [kept.parent],
        "test": [table, "--test", kept],
        "class": ["--class", f"a={kept}"],
        "table": [table, "--label-from", f"table:{kept}:label"],
    }
    code, shown = run("prepare", *given[how], "-o", folder, "--overwrite", "--split", "1,0,0")
    assert (code, "is in this folder, which the output would replace" in shown) == (1, True)
    assert kept.read_text() == TABLE


def test_scores_do_not_replace_what_is_scored(tmp_path, trained):
    rows = ",\n".join(f'{{"id": "{name}", "sequence": "{text}", "label": "{label}"}}' for name, text, label in ROWS)
    file = tmp_path / "evaluation.json"
    file.write_text(f"[{rows}]")
    code, shown = run("eval", trained.path, "--data", file, "-o", tmp_path)
    assert (code, "this is an input" in shown) == (1, True)
    assert file.read_text() == f"[{rows}]"
    assert not (tmp_path / "report.html").exists()


def test_a_run_does_not_replace_its_data_or_the_run_it_starts_from(dataset, trained, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(trained.path, copy)
    shutil.copytree(dataset.path, copy / "data")
    for command in (seqmix.train, seqmix.pretrain):
        assert "is in this folder" in message_of(command, copy / "data", copy, overwrite=True, max_steps=1)
    assert "this is an input" in message_of(seqmix.train, dataset, copy, init=copy, overwrite=True, max_steps=1)
    assert (copy / "data" / "dataset.json").is_file()
    assert (copy / "model.safetensors").is_file()


def test_a_comparison_does_not_delete_its_data(dataset, tmp_path):
    (tmp_path / "compare.json").write_text("{}")
    shutil.copytree(dataset.path, tmp_path / "runs" / "data")
    assert "is in this folder" in message_of(seqmix.compare, tmp_path / "runs" / "data", tmp_path, overwrite=True)
    assert (tmp_path / "runs" / "data" / "dataset.json").is_file()

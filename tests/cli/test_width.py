"""What the commands print is whole in a terminal of 80 columns, with long class names, several classes, and one record."""

import random
import re

import pytest
from typer.testing import CliRunner

from seqmix.cli import app
from tests.support import random_dna, write_fasta

NAMES = [f"Methanocaldococcus_jannaschii_[DSM_2661]_ribosomal_protein_L{i + 10}" for i in range(11)]
SMALL = ["--mixer", "conv", "--epochs", "2", "--set", "model.d_model=4", "--set", "model.lexical=none"]


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs a command line in an empty folder, 80 columns wide; returns the lines of its tables."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def call(*arguments):
        result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        assert result.stdout == ""
        lines = result.stderr.splitlines()
        assert max(map(len, lines)) <= 80, [line for line in lines if len(line) > 80]
        assert not re.search(r"\b1 (records|epochs|steps|threads|samples)\b", result.stderr)
        assert not re.search(r"\d…|…\d", "\n".join(line for line in lines if "Meth" not in line))  # no number is cut
        return lines

    return call


def fields(lines, name):
    """The cells after the long name `name`, of which the ends are kept."""
    start, end = name[:6], name[-3:]
    return [line.split(end)[-1].split() for line in lines if line.startswith(start) and end in line]


def test_prepare_train_and_eval_are_whole_with_long_class_names(run, tmp_path):
    rng = random.Random(0)
    files = [
        write_fasta(tmp_path / f"{name}.fa", [(f"{i}{n}", random_dna(30, rng)) for n in range(5)])
        for i, name in enumerate(NAMES)
    ]
    prepared = run("prepare", *files)
    assert prepared[0] == "55 records, 1,650 characters, alphabet dna"
    assert [fields(prepared, name) for name in NAMES] == [[["3", "1", "1", "5"]]] * len(NAMES)
    trained = run("train", *SMALL)
    assert any("best" in line and line.split()[0] == "1" for line in trained)
    scored = run("eval", "--no-baselines")
    assert all(len(cells) == 4 for name in NAMES for cells in fields(scored, name))  # precision, recall, F1, records


def test_compare_is_whole(run, dataset, launched):
    lines = run(
        "compare",
        dataset.path,
        "--mixers",
        "conv,linear",
        "--seeds",
        "1",
        "--budget",
        "0",
        *SMALL[4:6],
        "--set",
        "training.epochs=1",
    )
    heads = [line.split() for line in lines if line.startswith("method")]
    shown = [name for head in heads for name in head[1:]]
    assert shown == ["accuracy", "macro-F1", "ROC", "AUC", "params", "time", "tokens/s", "memory", "epochs", "runs"]
    cells = [line.split()[1:] for line in lines if re.match(r"conv +\d", line)][: len(heads)]
    assert len(cells) == len(heads) and "1" in cells[-1]

"""Predictions that are opened in a spreadsheet: nothing that it would take for a formula."""

import csv
import io

import pytest
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from seqmix.errors import ConfigError
from seqmix.inference.writing import no_formula, write_predictions
from seqmix.models.prediction import Prediction
from tests.support import write_fasta

FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "=HYPERLINK(1)", "\t=1", "\r=1", " =1", "\uff1d1", "'=1", "''-x"]
PLAIN = ["", "r1", "-1", "+1", "-1.5e-7", "1e5", "a=b", "NC_000913.3", "it's", "'quoted'", "3-mer", "x@y"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_gets_an_apostrophe_that_can_be_taken_off(text):
    assert no_formula(text) == f"'{text}"


@pytest.mark.parametrize("text", PLAIN)
def test_other_texts_and_numbers_stay_as_they_are(text):
    assert no_formula(text) == text


def rows(**options):
    out = io.StringIO()
    found = [
        Prediction("=A1", 5, "-x", {"-x": 0.75, "+y": 0.25}, file="@f.fa"),
        Prediction("plain", 5, "+y", {"-x": 0.25, "+y": 0.75}),
    ]
    write_predictions(found, out, classes=["-x", "+y"], with_file=True, **options)
    return list(
        csv.reader(io.StringIO(out.getvalue(), newline=""), dialect="excel-tab" if options["format"] == "tsv" else "excel")
    )


@pytest.mark.parametrize("format", ["csv", "tsv"])
def test_ids_files_and_classes_are_written_as_texts(format):
    assert rows(format=format, spreadsheet=True)[1] == ["'=A1", "'@f.fa", "5", "'-x", "0.75", "0.25"]
    assert rows(format=format, top=1, spreadsheet=True)[1] == ["'=A1", "'@f.fa", "5", "'-x", "'-x", "0.75"]


@pytest.mark.parametrize("format", ["csv", "tsv"])
def test_without_the_option_everything_is_written_unchanged(format):
    assert rows(format=format)[1] == ["=A1", "@f.fa", "5", "-x", "0.75", "0.25"]


def test_negative_numbers_of_a_regression_stay_numbers():
    out = io.StringIO()
    write_predictions([Prediction("=r", 3, "", {}, -1.25)], out, classes=[], kind="regression", format="csv", spreadsheet=True)
    assert out.getvalue().splitlines()[1] == "'=r,3,-1.25"


def test_the_option_is_for_tables():
    with pytest.raises(ConfigError, match="spreadsheet"):
        write_predictions([], io.StringIO(), classes=["a"], format="jsonl", spreadsheet=True)


def test_the_command_line_has_the_option_and_leaves_ids_alone_without_it(trained, tmp_path):
    file = write_fasta(tmp_path / "x.fa", [("=r1", "ACGTACGT"), ("r2", "GGCC")])
    for given, first in (([], "=r1"), (["--spreadsheet"], "'=r1")):
        result = CliRunner().invoke(app, ["predict", str(file), "--run", str(trained.path), "--format", "csv", *given])
        assert result.exit_code == 0, result.stderr
        assert [line.partition(",")[0] for line in result.stdout.splitlines()] == ["id", first, "r2"]
    assert [p.id for p in seqmix.predict(file, trained)] == ["=r1", "r2"]


def test_predictions_can_be_the_labels_of_their_records(trained, tmp_path):
    """As they are written without the option: `eval` finds the ids again."""
    file = write_fasta(tmp_path / "x.fa", [("=r1", "ATATATTTAATA"), ("@r2", "GGCCGCGGCGCC")])
    with (tmp_path / "p.csv").open("w", newline="") as out:
        write_predictions(seqmix.predict(file, trained), out, classes=trained.classes, format="csv")
    result = seqmix.evaluate(
        trained, data=file, label_from=f"table:{tmp_path / 'p.csv'}:label", output=tmp_path / "e", resamples=2, baselines=False
    )
    assert result.scores["accuracy"].value == 1

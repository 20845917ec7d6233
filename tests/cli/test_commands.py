"""The commands as a user runs them, with their output and exit codes."""

import json
import re

import pytest
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app

SMALL = ["--epochs", "2", "--set", "model.d_model=8", "--set", "mixer.d_hidden=8"]


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run a command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments, code=0):
        result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result

    return call


def one_line(result):
    """Return the only line of an error, without colour."""
    lines = [line for line in re.sub(r"\x1b\[[0-9;]*m", "", result.stderr).splitlines() if line]
    assert len(lines) == 1 and lines[0].startswith("seqmix: "), result.stderr
    assert result.stdout == ""
    return lines[0]


def test_four_commands_work_with_defaults_in_empty_folder(run, tmp_path, two_class_files):
    labelled = tmp_path / "x.fasta"
    records = []
    for path in two_class_files:
        lines = path.read_text().splitlines()
        records += [f"{h} label={path.stem}\n{s}\n" for h, s in zip(lines[::2], lines[1::2], strict=True)]
    labelled.write_text("".join(records))
    prepared = run("prepare", "x.fasta")
    assert "atrich" in prepared.stderr and "80" in prepared.stderr and prepared.stdout == ""
    trained = run("train", "--mixer", "paramixer", "--protocol", "chord", *SMALL)
    assert "runs/001-paramixer-chord" in trained.stderr and trained.stdout == ""
    scored = run("eval")
    for word in ("accuracy", "macro-F1", "ROC AUC", "6-mers", "length only", "largest class", "report.html"):
        assert word in scored.stderr
    predicted = run("predict", "x.fasta")
    rows = [line.split("\t") for line in predicted.stdout.splitlines()]
    assert rows[0] == ["id", "length", "label", "prob_atrich", "prob_gcrich", "novelty"]
    assert [row[0] for row in rows[1:]] == [record.split()[0][1:] for record in records]
    assert all(abs(float(row[3]) + float(row[4]) - 1) < 1e-4 for row in rows[1:])


def test_version(run):
    assert run("--version").stdout == f"seqmix {seqmix.__version__}\n"


def test_unknown_option_is_a_usage_error(run):
    assert run("train", "--learning-rat", "1", code=2).stdout == ""


def test_quiet_prints_nothing(run, two_class_files):
    assert run("prepare", *two_class_files, "--quiet").stderr == ""
    assert run("train", *SMALL, "--quiet").stderr == ""
    assert run("eval", "--quiet", "--no-baselines").stderr == ""
    done = run("predict", two_class_files[0], "--quiet", "-o", "out.tsv")
    assert done.stderr == "" and done.stdout == ""


def test_verbose_prints_settings(run, dataset):
    result = run("train", dataset.path, *SMALL, "--verbose")
    assert "tokens_per_batch = " in result.stderr and 'protocol = "chord"' in result.stderr


def test_output_without_terminal_has_no_control_characters(run, dataset):
    result = run("train", dataset.path, *SMALL)
    assert "\r" not in result.stderr and "\x1b" not in result.stderr
    assert len([line for line in result.stderr.splitlines() if re.match(r"\s+[12]\s", line)]) == 2  # one line per epoch


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "nothing"], ["nothing", "no data set", "seqmix prepare"]),
        (["eval"], ["no run under runs/", "seqmix train"]),
        (["eval", "nowhere"], ["nowhere", "no such run folder"]),
        (["prepare", "missing.fa"], ["missing.fa", "no such file"]),
        (["predict", "x.fa", "--run", "nowhere"], ["nowhere", "no such run folder"]),
    ],
)
def test_missing_file_is_explained_in_one_line(run, arguments, words):
    line = one_line(run(*arguments, code=1))
    assert all(word in line for word in words), line


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--mixer", "transformer"], ["no mixer 'transformer'", "paramixer", "skyformer"]),
        (
            ["--mixer", "softmax", "--protocol", "chord"],
            ["'softmax' has no option 'protocol', an option of paramixer", "n_heads"],
        ),
        (["--mixer", "parmixer"], ["no mixer 'parmixer'", "did you mean 'paramixer'?"]),
        (["--recipe", "paramixer/genom"], ["no recipe 'paramixer/genom'", "did you mean 'paramixer/genome'?"]),
        (["--set", "modle.blocks=2"], ["no configuration table 'modle'", "did you mean 'model'?"]),
        (["--set", "model.bloks=2"], ["no option 'model.bloks'", "did you mean 'blocks'?"]),
        (["--set", "mixer.n_link=3"], ["no option 'n_link'", "did you mean 'n_links'?"]),
        (["--set", "training.lr"], ["table.option=value"]),
        (["--set", "training.speed=3"], ["no option 'training.speed'", "lr"]),
        (["--set", "training.lr=fast"], ["training.lr must be a number", "fast"]),
        (["--device", "cuda:7"], ["cuda:7", "cpu"]),
        (["--device", "abacus"], ["abacus", "cpu"]),
        (["--lr", "-1"], ["training.lr", "above 0"]),
        (["--recipe", "soup"], ["no recipe 'soup'", "paramixer/genome"]),
        (["--config", "none.toml"], ["none.toml", "cannot be read"]),
        (["--precision", "fp16", "--device", "cpu"], ["fp16", "GPU"]),
    ],
)
def test_invalid_setting_is_explained_in_one_line_and_leaves_no_run(run, dataset, tmp_path, options, words):
    line = one_line(run("train", dataset.path, *options, code=1))
    assert all(word in line for word in words), line
    assert not (tmp_path / "runs").exists()


def test_existing_folders_are_kept_without_overwrite(run, dataset, two_class_files, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    for command in (["prepare", *two_class_files], ["train", dataset.path, *SMALL]):
        assert "exists" in one_line(run(*command, "-o", "mine", code=1))
        assert "not overwritten" in one_line(run(*command, "-o", "mine", "--overwrite", code=1))
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


def test_evaluation_is_written_to_output(run, trained, tmp_path):
    run("eval", trained.path, "-o", "scores", "--split", "val")
    content = json.loads((tmp_path / "scores" / "evaluation.json").read_text())
    assert content["source"] == "val split" and content["records"] == 16
    assert (tmp_path / "scores" / "report.html").read_text().startswith("<!doctype html>")

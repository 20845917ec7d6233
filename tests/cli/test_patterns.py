"""--include and --exclude choose the files of folders in every command that reads new files, as messages advise."""

import gzip
import random

import pytest
from typer.testing import CliRunner

from seqmix.cli import app
from tests.support import random_dna, write_fasta


@pytest.fixture
def folder(tmp_path):
    """Return a folder with the classes of the trained model."""
    rng = random.Random(9)
    for name in ("atrich", "gcrich"):
        (tmp_path / "new" / name).mkdir(parents=True)
        write_fasta(tmp_path / "new" / name / "x.fa", [(f"{name}{i}", random_dna(60, rng)) for i in range(4)])
    return tmp_path / "new"


def run(*arguments, code=0):
    done = CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "400"})
    assert done.exit_code == code, done.output
    return done.output


@pytest.mark.parametrize(
    ("options", "count"),
    [((), 8), (("--exclude", "gcrich"), 4), (("--include", "atrich/*", "--include", "none"), 4), (("--exclude", "*/x.fb"), 8)],
)
def test_predict_reads_the_files_that_are_wanted(options, count, folder, trained, tmp_path):
    run("predict", folder, "--run", trained.path, *options, "-o", tmp_path / "p.tsv")
    assert len((tmp_path / "p.tsv").read_text().splitlines()) == 1 + count


def test_patterns_in_predict_without_a_folder_are_told(folder, trained):
    output = run("predict", folder / "atrich" / "x.fa", "--run", trained.path, "--exclude", "x", "-v")
    assert "--exclude had no effect" in output


@pytest.mark.parametrize(("name", "advice"), [("other/x.txt", "--exclude other"), ("atrich/x.fa.gz", "--exclude '*.gz'")])
def test_advice_in_eval_works(name, advice, folder, trained, tmp_path):
    (folder / "other").mkdir() if "other" in name else None
    content = (folder / "atrich" / "x.fa").read_bytes()
    (folder / name).write_bytes(gzip.compress(content) if name.endswith("gz") else b"some words")
    arguments = ["eval", trained.path, "--data", folder, "--label-from", "folder", "--no-baselines", "-o", tmp_path / "out"]
    assert advice.replace("'", "") in run(*arguments, code=1).replace("'", "")
    output = run(*arguments, *advice.replace("'", "").split())
    assert "8" in output

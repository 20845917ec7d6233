"""Work that is finished is kept, whoever has taken its name meanwhile; and two processes that do the same find out at once."""

import os

import pytest
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from seqmix.data import prepare as preparing
from seqmix.inference import writing
from seqmix.system import owner
from seqmix.system.leftovers import temporary_name

GENERATE = ["generate", "adding", "--length", "8", "--train", "9", "--val", "2", "--test", "2"]


@pytest.fixture
def commands(trained, two_class_files):
    files = list(map(str, two_class_files))
    return {
        "prepare": ["prepare", *files, "-o", "out"],
        "generate": [*GENERATE, "-o", "out"],
        "predict": ["predict", *files, "--run", str(trained.path), "-o", "out.tsv"],
    }


def printed(arguments):
    found = CliRunner().invoke(app, arguments)
    return found.exit_code, [line.strip() for line in found.output.splitlines() if line.strip()], " ".join(found.output.split())


@pytest.mark.parametrize("command", ["prepare", "generate", "predict"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_finished_output_is_kept_under_a_free_name(commands, tmp_path, monkeypatch, command, overwrite):
    monkeypatch.chdir(tmp_path)
    arguments = [*commands[command], "-q"]
    output = tmp_path / arguments[arguments.index("-o") + 1]
    kept = output.with_name(f"{output.stem}-2{output.suffix}")
    assert printed(arguments)[0] == 0  # what is made if nobody is in the way
    alone = output.rename(tmp_path / f"alone{output.suffix}")
    if overwrite:
        assert printed(arguments)[0] == 0
        arguments.append("--overwrite")

    def occupy(*given, **options):
        if output.exists():
            output.rename(tmp_path / "moved")
        output.mkdir()
        (output / "thesis.txt").write_text("precious")
        return make(*given, **options)

    where, name = (writing, "check_output") if command == "predict" else (preparing, "_complete")
    make = getattr(where, name)
    calls = []

    def last(*given, **options):  # `check_output` is called before the output is opened, and again when it is written
        calls.append(name)
        return occupy(*given, **options) if command != "predict" or len(calls) == 2 else make(*given, **options)

    monkeypatch.setattr(where, name, last)
    code, _, said = printed(arguments)
    assert code == 1
    assert f"it is left as it is, and what was written here is kept as {kept.name}" in said
    assert (output / "thesis.txt").read_text() == "precious"
    if command == "predict":
        assert kept.read_bytes() == alone.read_bytes()
    else:
        assert seqmix.Dataset.open(kept).fingerprint == seqmix.Dataset.open(alone).fingerprint
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("command", ["prepare", "generate", "predict"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_output_that_another_process_is_writing_is_refused_at_once(commands, tmp_path, monkeypatch, command, overwrite):
    monkeypatch.chdir(tmp_path)
    arguments = [*commands[command], "-q", *["--overwrite"] * overwrite]
    output = tmp_path / arguments[arguments.index("-o") + 1]
    if overwrite:
        assert printed(arguments)[0] == 0
    there = set(tmp_path.iterdir())
    parent = os.getppid()
    other = temporary_name(output)
    other = other.with_name(other.name.replace(owner.owner(), f"{parent}-{owner._start(parent)}-{owner._host()}"))
    other.mkdir()
    code, lines, said = printed(arguments)
    assert code == 1
    assert lines
    assert f"process {parent} is writing it; wait for it or stop it" in said
    assert set(tmp_path.iterdir()) == {*there, other}
    other.rmdir()
    assert printed(arguments)[0] == 0

"""Odd surroundings have no effect or end in one line: closed or full streams, readers that go, other programs' settings."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest
import typer
from typer.testing import CliRunner

from seqmix.cli.console import reported
from seqmix.cli.streams import prepare_environment
from seqmix.evaluation.figures import curves_figure
from seqmix.objectives.classification import Classification
from seqmix.reporting.figures import svg

FULL = Path("/dev/full")
posix = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")


def shell(line, **environment):
    """Run a line of shell in which "seqmix" stands for the command; return its exit code, standard output and error."""
    command = f'seqmix() {{ {sys.executable} -m seqmix "$@"; }}; {line}'
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, env=os.environ | environment, timeout=60)
    return done.returncode, done.stdout, done.stderr


@posix
@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("seqmix recipes >&-", "seqmix: standard output: it is closed\n"),
        ("seqmix --version >&-", "seqmix: standard output: it is closed\n"),
        ("seqmix prepare - -o nothing <&-", "seqmix: standard input: cannot be read: it is closed\n"),
        pytest.param(
            "seqmix --help >/dev/full",
            "seqmix: standard output: No space left on device\n",
            marks=pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full"),
        ),
    ],
)
def test_unusable_stream_is_an_error_in_one_line(line, told, tmp_path):
    assert shell(f"cd {tmp_path}; {line}") == (1, "", told)


@posix
@pytest.mark.parametrize("line", ["seqmix train --help", "seqmix recipes"])
def test_reader_that_goes_ends_a_command_quietly(line):
    code, _, told = shell(f"{{ {line}; echo exit $? >&2; }} | true")
    assert (code, told) == (0, "exit 0\n")


@posix
@pytest.mark.parametrize("where", ["2>&-", "2>/dev/full"])
def test_unreadable_messages_have_no_effect(where, tmp_path):
    if "full" in where and not FULL.exists():
        pytest.skip("there is no /dev/full")
    (tmp_path / "x.fa").write_text("".join(f">r{i} label={'ab'[i % 2]}\nACGTACGT{'ACGT'[i // 2 % 4] * i}\n" for i in range(20)))
    assert shell(f"cd {tmp_path}; seqmix prepare x.fa -o data {where}")[0] == 0
    assert (tmp_path / "data" / "dataset.json").exists()


@pytest.mark.parametrize(("columns", "kept"), [("0", None), ("1", None), ("-5", None), ("wide", None), ("80", "80")])
def test_too_few_terminal_columns_are_ignored(columns, kept, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("MPLBACKEND", "nonsense")
    prepare_environment()
    assert os.environ.get("COLUMNS") == kept and os.environ["MPLBACKEND"] == "agg"


ODD_SETTINGS = [
    {"text.usetex": True},
    {"figure.figsize": (100, 100), "savefig.bbox": "tight", "font.size": 40},
    {"axes.grid": True, "axes.edgecolor": "red", "lines.linewidth": 9, "axes.spines.left": False, "xtick.labelsize": 3},
]


@pytest.mark.parametrize("settings", ODD_SETTINGS, ids=["usetex", "sizes", "look"])
def test_figures_use_matplotlibs_settings_not_those_of_the_user(settings):
    def drawn():
        history = [{"epoch": i, "step": i, "train_loss": 1 / i, "val_accuracy": i / 9, "val_loss": 1 / i} for i in range(1, 9)]
        return svg(curves_figure(history, Classification(("a", "b")), branches=False), "curves")

    plain = drawn()
    with matplotlib.rc_context(settings):
        assert drawn() == plain
        assert all(matplotlib.rcParams[name] == value for name, value in settings.items() if name != "figure.figsize")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "memory ran out"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes"), "memory ran out"),
        (ImportError("libtorch_cpu.so: failed to map segment from shared object"), "a library cannot be loaded: libtorch"),
        (OSError(errno.ENOSPC, "No space left on device", "data/tokens.npy"), "data/tokens.npy: No space left on device"),
        (OSError(errno.EMFILE, "Too many open files"), "too many files are open; allow more (ulimit -n)"),
        (OSError(errno.EMFILE, "Too many open files", "x.fa"), "x.fa: too many files are open; allow more (ulimit -n)"),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), "no more processes or threads can be started"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "memory ran out"),
        (FileNotFoundError(errno.ENOENT, "No usable folder"), "No usable folder"),
    ],
    ids=["memory", "torch", "library", "disk", "files", "one file", "processes", "fork", "nothing"],
)
def test_missing_memory_or_library_is_reported_in_one_line(error, words):
    import torch  # noqa: F401 - its errors are known once it is there

    app = typer.Typer()

    @app.command()
    @reported
    def fail() -> None:
        raise error

    result = CliRunner().invoke(app, [], env={"COLUMNS": "300"})
    assert result.exit_code == 1 and result.stderr.startswith(f"seqmix: {words}") and result.stderr.count("\n") == 1


def test_other_errors_are_not_hidden():
    app = typer.Typer()

    @app.command()
    @reported
    def fail() -> None:
        raise RuntimeError("a bug")

    assert isinstance(CliRunner().invoke(app, []).exception, RuntimeError)

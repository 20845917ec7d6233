"""What the commands share: their common options, and how they report what goes wrong."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec

import typer

from seqmix.errors import Interrupted, SeqmixError

if TYPE_CHECKING:
    from seqmix.data.dataset import Dataset

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print more on what is done.")]
Format = Annotated[
    str, typer.Option("--input-format", help="auto (by content), fasta, fastq, genbank, embl, csv, tsv, jsonl or text.")
]
TextColumn = Annotated[
    str | None, typer.Option("--text-column", help="Column of a table that holds the text. (default: text, sequence …)")
]
IdColumn = Annotated[str | None, typer.Option("--id-column", help="Column of a table that holds the id. (default: id, name …)")]
PairColumn = Annotated[
    str | None,
    typer.Option("--pair-column", help="Where records are pairs of texts: the column of the second. (default: no pairs)"),
]
Encoding = Annotated[str | None, typer.Option("--encoding", help="How documents and tables are encoded. (default: utf-8)")]
Device = Annotated[str, typer.Option("--device", help="auto (a GPU if there is one), cpu, cuda, cuda:1 or mps.")]
Threads = Annotated[
    int | None, typer.Option("--threads", help="Threads on the CPU. (default: OMP_NUM_THREADS, or one for each core)")
]
Precision = Annotated[str, typer.Option("--precision", help="fp32, bf16 or fp16 (GPU only).")]
LabelFrom = Annotated[
    str | None,
    typer.Option(
        "--label-from",
        help="Where labels are: header:KEY, header-regex:RE, table:FILE, column:NAME, file (its stem) or folder. (default: found by looking)",
    ),
]


TrialThreads = Annotated[
    int | None,
    typer.Option("--threads", help="Threads of each training. (default: those there are, shared out among --jobs)"),
]
Jobs = Annotated[int, typer.Option("--jobs", help="Trainings side by side.")]
MixerSettings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="TABLE.OPTION=VALUE",
        help="Any setting, for all mixers, or as MIXER:TABLE.OPTION=VALUE for one; repeat for more.",
    ),
]


def names(text: str | None) -> list[str] | None:
    """ "paramixer, softmax" as ["paramixer", "softmax"]; None: not given."""
    return [name.strip() for name in text.split(",")] if text is not None else None


def interruption(page: Path, begun: object) -> Interrupted:
    """What is said where trainings are missing: `page` has those that are finished, if any (`begun`) is."""
    done = f"what is finished is in {page}" if begun else "no training is finished yet"
    return Interrupted(f"interrupted; {done}; the same command goes on from here")


def print_notes(out: Any, notes: Iterable[str]) -> None:
    """What a reader should know, a line each."""
    for note in notes:
        out.print(f"note: {note}", style="yellow", highlight=False, markup=False)


def print_dataset(out: Any, dataset: Dataset) -> None:
    """What a data set is, in tables, and what to know of it."""
    from seqmix.report import dataset_tables

    for table in dataset_tables(dataset):
        out.print(table)
    print_notes(out, dataset.info["notes"])


def console(quiet: bool = False) -> Any:
    """Standard error, as wide as it is; 110 columns where it is no terminal."""
    from rich.console import Console

    width = None if sys.stderr.isatty() or os.environ.get("COLUMNS") else 110
    return Console(stderr=True, quiet=quiet, width=width)


def next_command(data: Path) -> str:
    """What to type after a data set was made."""
    return "seqmix train" if data == Path("seqmix-data") else f"seqmix train {shlex.quote(str(data))}"


P = ParamSpec("P")


def reported(command: Callable[P, None]) -> Callable[P, None]:
    """Turns what goes wrong in a command into one line and an exit code."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except BrokenPipeError:
            # Nobody reads on: say nothing, not even when standard output is closed at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except Interrupted as error:
            _fail(str(error), 130)
        except KeyboardInterrupt:
            _fail("interrupted", 130)
        except SeqmixError as error:
            _fail(str(error), 1)
        except OSError as error:
            _fail(f"{error.filename or 'standard output'}: {error.strerror or error}", 1)

    return run


def _fail(message: str, code: int) -> None:
    from rich.console import Console

    Console(stderr=True).print(f"seqmix: {message}", style="red", highlight=False, markup=False, soft_wrap=True)
    raise SystemExit(code)

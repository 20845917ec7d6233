"""What all commands print with: the console, progress bars, errors and exit codes."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

from rich.console import Console, RenderableType

from seqmix.errors import Interrupted, SeqmixError, spell

if TYPE_CHECKING:
    from tqdm.auto import tqdm

    from seqmix.data.dataset import Dataset


def progress_bar(description: str, unit: str, quiet: bool, total: float | None = None, **options: Any) -> tqdm[Any]:
    """Open a progress bar on standard error, drawn only if that is a terminal and `quiet` is not set."""
    from seqmix.reporting import progress

    return progress.progress_bar(description, unit, total, shown=False if quiet else None, **options)


def wants_bar(quiet: bool) -> bool:
    """Return whether a command draws a bar: on a terminal, unless `quiet` is set."""
    return not quiet and sys.stderr.isatty()


def slow_bar(description: str, unit: str, quiet: bool) -> Any:
    """Open a bar for slow steps on standard error, drawn only if that is a terminal and `quiet` is not set."""
    from seqmix.reporting import progress

    return progress.slow_bar(description, unit, shown=False if quiet else None)


def print_notes(out: Console, notes: Iterable[str]) -> None:
    """Print notes, one a line."""
    for note in notes:
        out.print(f"note: {note}", style="yellow", highlight=False, markup=False)


def print_tables(out: Console, tables: Iterable[RenderableType]) -> None:
    """Print tables, with an empty line after each."""
    for table in tables:
        out.print(table)
        out.print()


def print_dataset(out: Console, dataset: Dataset) -> None:
    """Print the tables and the notes of a data set."""
    from seqmix.data.tables import dataset_tables, origins_line

    print_tables(out, dataset_tables(dataset))
    if line := origins_line(dataset.info):
        out.print(line, highlight=False, markup=False)
    print_notes(out, dataset.info["notes"])


def console(quiet: bool = False) -> Console:
    """Return a console on standard error, as wide as the terminal; 110 columns if it is not a terminal."""
    width = None if sys.stderr.isatty() or os.environ.get("COLUMNS") else 110
    return Console(stderr=True, quiet=quiet, width=width)


def next_command(data: Path) -> str:
    """Return the command to type after a data set was written."""
    return "seqmix train" if data == Path("seqmix-data") else f"seqmix train {shlex.quote(str(data))}"


P = ParamSpec("P")


def reported(command: Callable[P, None]) -> Callable[P, None]:
    """Decorate a command so that errors become one line and an exit code."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except BrokenPipeError:
            # The reader has gone: print nothing, not even when standard output is closed at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except Interrupted as error:
            _fail(in_flags(error.text), 130)
        except KeyboardInterrupt:
            _fail("interrupted", 130)
        except SeqmixError as error:
            _fail(in_flags(error.text), 1)
        except OSError as error:
            _fail(f"{error.filename or 'standard output'}: {error.strerror or error}", 1)

    return run


# Parameters whose flags have other names.
_FLAGS = {"settings": "set", "class_files": "class", "group_from": "group", "format": "input-format", "inputs": "INPUT"}


def _settings_with_flags() -> set[str]:
    """Return the settings that have a flag of their own, such as "training.epochs"."""
    from seqmix.training.keywords import keywords

    return {f"{table}.{name}" for name, (table, one) in keywords().items() if one.flag}


def in_flags(text: str) -> str:
    """Write out the marks of a message (see `seqmix.errors`) as the command line spells them: ``--max-length 100``."""

    def flag(name: str, value: str | None) -> str:
        if "." in name:
            return f"--{name.partition('.')[2].replace('_', '-')} ({name})" if name in _settings_with_flags() else name
        spelled = _FLAGS.get(name, name.replace("_", "-"))
        spelled = spelled if spelled.isupper() else f"--{spelled}"
        return spelled if value in (None, "True") else f"{spelled} {shlex.quote(value.strip(chr(39)))}"

    def call(name: str, argument: str | None) -> str:
        return f"seqmix {name} {shlex.quote(argument.strip(chr(39)))}" if argument else f"seqmix {name}"

    return spell(text, flag, call)


def _fail(message: str, code: int) -> None:
    Console(stderr=True).print(f"seqmix: {message}", style="red", highlight=False, markup=False, soft_wrap=True)
    raise SystemExit(code)

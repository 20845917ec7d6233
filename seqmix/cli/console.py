"""What all commands print with: the console, progress bars, errors and exit codes.

Nothing else prints to the terminal, so that a name, a path or a label is shown as it is, whatever it consists of.
"""

from __future__ import annotations

import errno
import json
import os
import shlex
import sys
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from functools import cache, wraps
from inspect import unwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

from rich.console import Console, RenderableType
from rich.text import Text

from seqmix.cli.streams import drop_output, in_words, is_of_output
from seqmix.errors import Interrupted, SeqmixError, named_in, spell
from seqmix.system.files import without_nan
from seqmix.system.memory import is_out_of_memory
from seqmix.system.notes import notes_to
from seqmix.system.printable import printable

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


def say(out: Console, text: str, style: str = "", *, lines: bool = False, wrapped: bool = False) -> None:
    """Print a line of plain text, in which nothing is markup, an emoji code or an escape sequence.

    Args:
        out: the console.
        text: the text.
        style: a style of rich, such as "red".
        lines: whether the text may have several lines.
        wrapped: whether to break the line between words.
    """
    shown = Text(printable(text, lines=lines), style=style)
    if wrapped:
        print_stripped(out, shown)
    else:
        out.print(shown, soft_wrap=True)


def print_stripped(out: Console, shown: RenderableType) -> None:
    """Print without blanks at the ends of lines, which on a terminal nobody sees."""
    if out.is_terminal or out.quiet:
        out.print(shown)
        return
    with out.capture() as captured:
        out.print(shown)
    text = "\n".join(line.rstrip() for line in captured.get().split("\n"))
    out.print(Text(text), end="", soft_wrap=True)


def print_json(out: Console, data: Any) -> None:
    """Print data as JSON, with null for numbers that are not finite."""
    say(out, json.dumps(without_nan(data), indent=2, ensure_ascii=False, allow_nan=False), lines=True)


def for_a_person(out: Console) -> bool:
    """Return whether lines are to be broken between words: a person reads them, or the number of columns is given."""
    return out.is_terminal or "COLUMNS" in os.environ


def print_notes(out: Console, notes: Iterable[str]) -> None:
    """Print notes, one a line; where that is a person's terminal, broken between words."""
    wrapped = for_a_person(out)
    for note in notes:
        say(out, f"note: {in_flags(note)}", "yellow", wrapped=wrapped)


def print_verdict(out: Console, text: str) -> None:
    """Print what an evaluation comes to; where that is a person's terminal, broken between words."""
    say(out, text, "bold", wrapped=for_a_person(out))


def print_tables(out: Console, tables: Iterable[RenderableType]) -> None:
    """Print tables, with an empty line after each."""
    for table in tables:
        print_stripped(out, table)
        out.print()


def print_dataset(out: Console, dataset: Dataset) -> None:
    """Print the tables and the notes of a data set."""
    from seqmix.data.tables import dataset_tables, groups_line, origins_line, ranges_line

    print_tables(out, dataset_tables(dataset))
    for line in filter(None, (origins_line(dataset.info), groups_line(dataset), ranges_line(dataset.info))):
        say(out, line, wrapped=for_a_person(out))
    print_notes(out, dataset.info["notes"])


def console(quiet: bool = False) -> Console:
    """Return a console on standard error, as wide as the terminal; 110 columns if it is not a terminal."""
    width = None if sys.stderr.isatty() or os.environ.get("COLUMNS") else 110
    return Console(stderr=True, quiet=quiet, width=width)


def output_console() -> Console:
    """Return a console on standard output, as wide as the terminal; 110 columns if it is not a terminal."""
    width = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else 110
    return Console(width=width)


def next_command(data: Path) -> str:
    """Return the command to type after a data set was written."""
    return "seqmix train" if data == Path("seqmix-data") else f"seqmix train {shlex.quote(str(data))}"


_NO_MEMORY = "memory ran out; use a machine with more memory, allow more (ulimit -v), or cut the longest records"
P = ParamSpec("P")
_running: ContextVar[Callable[..., None] | None] = ContextVar("running", default=None)  # the function of the command


def reported(command: Callable[P, None]) -> Callable[P, None]:
    """Decorate a command so that errors become one line and an exit code."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        _running.set(command)
        quiet = bool(kwargs.get("quiet"))
        try:
            with notes_to(lambda text: print_notes(console(quiet), [text])):
                command(*args, **kwargs)
        except BrokenPipeError:
            drop_output()  # print nothing, not even when standard output is closed at exit
        except Interrupted as error:
            _fail(in_flags(error.text), 130)
        except KeyboardInterrupt:
            _fail("interrupted", 130)
        except SeqmixError as error:
            _fail(in_flags(error.text), 1)
        except OSError as error:
            if is_of_output(error):
                drop_output()
            _fail(_explained(error), 1)
        except MemoryError:
            _fail(_NO_MEMORY, 1)
        except ImportError as error:  # such as a library that does not fit in the memory that is allowed
            _fail(f"a library cannot be loaded: {error}; allow more memory, or install seqmix again", 1)
        except RuntimeError as error:
            if "torch" not in sys.modules or not is_out_of_memory(error):
                raise
            _fail(_NO_MEMORY, 1)

    return run


_LIMITS = {
    errno.EMFILE: "too many files are open; allow more (ulimit -n)",
    errno.ENFILE: "too many files are open on this computer; close other programs",
    errno.EAGAIN: "no more processes or threads can be started; allow more (ulimit -u)",
    errno.ENOMEM: _NO_MEMORY,
}


def _explained(error: OSError) -> str:
    """Return what went wrong with which file, or with standard output, or which limit of the system was reached."""
    where = error.filename or ("standard output" if is_of_output(error) else "")
    text = _LIMITS.get(error.errno or 0) or in_words(error)
    return f"{where}: {text}" if where else text


# Parameters whose flags have other names.
_FLAGS = {
    "settings": "set",
    "class_files": "class",
    "group_from": "group",
    "format": "input-format",
    "output_format": "format",
    "generated": "generate",
    "inputs": "INPUT",
}


def _settings_with_flags() -> set[str]:
    """Return the settings that have a flag of their own, such as "training.epochs"."""
    from seqmix.training.keywords import keywords

    return {f"{table}.{name}" for name, (table, one) in keywords().items() if one.flag}


def in_flags(text: str) -> str:
    """Write out the marks of a message (see `seqmix.errors`) as the command line spells them: ``--max-length 100``.

    While a command runs, advice that it does not offer is left out.
    """

    def flag(name: str, value: str | None) -> str:
        if "." in name:
            return f"--{name.partition('.')[2].replace('_', '-')} ({name})" if name in _settings_with_flags() else name
        if value == "False":
            return _flag(name).replace("--", "--no-", 1)
        return _flag(name) if value in (None, "True") else f"{_flag(name)} {shlex.quote(value.strip(chr(39)))}"

    def call(name: str, argument: str | None) -> str:
        return f"seqmix {name} {shlex.quote(argument.strip(chr(39)))}" if argument else f"seqmix {name}"

    return spell(text, flag, call, _offered)


def _flag(name: str) -> str:
    """Return the flag of a parameter, or the name of an argument: "--max-length", "INPUT"."""
    spelled = _FLAGS.get(name, name.replace("_", "-"))
    return spelled if spelled.isupper() else f"--{spelled}"


def _offered(alternative: str) -> bool:
    """Return whether the command that an alternative of an advice names, or else the one that runs, has its flags."""
    parameters, commands = named_in(alternative)
    flags = _flags_of(commands[0] if commands else _running.get())
    return not flags or all("." in name or _flag(name).isupper() or _flag(name) in flags for name in parameters)


@cache
def _flags_of(command: str | Callable[..., None] | None) -> frozenset[str]:
    """Return the flags of a command, given by name or function; none if there is no such command."""
    from typer.main import get_command

    from seqmix.cli import app

    for name, one in vars(get_command(app))["commands"].items():
        if command in (name, one.callback and unwrap(one.callback)):
            return frozenset(flag for parameter in one.params for flag in parameter.opts)
    return frozenset()


def _fail(message: str, code: int) -> None:
    say(Console(stderr=True), f"seqmix: {message}", "red")
    raise SystemExit(code)

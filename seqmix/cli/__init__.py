"""The command line: parse, call the library, print. No logic.

Data goes to standard output or a file, everything else to standard error. Exit codes: 0 success; 1 a user's mistake,
explained in one line; 2 a command line that cannot be parsed; 130 interrupted, after saving.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from seqmix.cli import (
    bench,
    check,
    compare,
    crossval,
    ensemble,
    evaluate,
    generate,
    learning_curve,
    predict,
    prepare,
    pretrain,
    recipes,
    reproduce,
    train,
)
from seqmix.cli.console import reported
from seqmix.cli.streams import prepare_environment, prepare_streams
from seqmix.errors import SeqmixError
from seqmix.system.command_line import remember_command
from seqmix.system.printable import printable
from seqmix.system.signals import handle_ending
from seqmix.version import __version__


class _Commands(TyperGroup):
    """The commands; what of a command line cannot be parsed is shown as it is, whatever it consists of."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Parse the command line up to the command."""
        with _printable_errors():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """Parse the rest, and run the command."""
        with _printable_errors():
            return super().invoke(ctx)


@contextmanager
def _printable_errors() -> Iterator[None]:
    """Write out what a terminal would obey in the messages of the parser's errors."""
    try:
        yield
    except Exception as error:
        message = getattr(error, "message", None)
        if hasattr(error, "format_message") and isinstance(message, str):
            vars(error)["message"] = printable(message.removeprefix("Value error, "), lines=True)
        raise


app = typer.Typer(
    name="seqmix",
    cls=_Commands,
    help="Classify very long sequences (FASTA, text): prepare, train, eval, predict.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for command in (
    prepare,
    check,
    train,
    evaluate,
    predict,
    pretrain,
    compare,
    crossval,
    learning_curve,
    ensemble,
    generate,
    recipes,
    bench,
    reproduce,
):
    app.add_typer(command.app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"seqmix {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    pass


def main() -> None:
    """Run the `seqmix` command."""
    prepare_streams()
    prepare_environment()
    remember_command(sys.argv[1:])
    handle_ending(_interrupt)  # cleans up as Ctrl-C does
    reported(_run)()


def _run() -> None:
    """Run the command, and flush its output while errors can still be reported."""
    try:
        Path.cwd()
    except OSError as error:
        raise SeqmixError("the current folder no longer exists; change to another") from error
    try:
        app()
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # the reader of a help text has gone
            raise end.__context__ from None
        raise
    finally:
        sys.stdout.flush()


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt

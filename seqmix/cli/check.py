"""`seqmix check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seqmix.cli.console import for_a_person, in_flags, output_console, print_notes, print_tables, reported, say

app = typer.Typer()


@app.command()
@reported
def check(
    data: Annotated[Path | None, typer.Argument(help="Data set. (default: seqmix-data)")] = None,
    pairs: Annotated[int, typer.Option(help="How many of the nearest pairs, and of equal records, are named.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
) -> None:
    """Look a data set over: near relatives of test records in training, equal records, classes, and what length or composition give away.

    Nothing is written; the result is printed to standard output.
    """
    from seqmix.data.checking.check import check as run_check

    found = run_check(data or "seqmix-data", pairs=pairs)
    if as_json:
        typer.echo(found.to_json(), nl=False)
        return
    from seqmix.data.checking.tables import check_tables

    out = output_console()
    print_tables(out, check_tables(found))
    print_notes(out, found.findings)
    for suggestion in found.suggestions:
        say(out, f"{in_flags(suggestion['why'])}{':' * bool(suggestion['command'])}", wrapped=for_a_person(out))
        if suggestion["command"]:
            say(out, f"    {suggestion['command']}")

"""`seqmix ensemble`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seqmix.cli.console import console, reported, say
from seqmix.cli.options import Quiet

app = typer.Typer()


@app.command()
@reported
def ensemble(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders, such as those of several seeds.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Folder to write, which names the runs by their paths from there."),
    ] = Path("ensemble"),
    copy: Annotated[
        bool, typer.Option("--copy", help="Copy the runs into the folder, so that it can be moved without them.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUTPUT if it is an ensemble.")] = False,
    quiet: Quiet = False,
) -> None:
    """Make runs answer together, by the mean of their probabilities; predict and eval take the folder as a run."""
    from seqmix.ensembles.ensemble import ensemble as make_ensemble

    found = make_ensemble(runs, output, copy=copy, overwrite=overwrite)
    say(console(quiet), f"-> {output}  ({found.title})")

"""`seqmix train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from seqmix.cli.console import reported
from seqmix.cli.options import (
    TRAIN_FLAGS,
    ConfigFile,
    Overwrite,
    Quiet,
    Recipe,
    Resume,
    Settings,
    Threads,
    Verbose,
    with_flags,
)

app = typer.Typer()


@app.command()
@with_flags(TRAIN_FLAGS)
@reported
def train(
    data: Annotated[Path | None, typer.Argument(help="Data set. (default: seqmix-data)")] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Run folder. (default: runs/NNN-<mixer>; with --resume, the newest run)"),
    ] = None,
    recipe: Recipe = None,
    config: ConfigFile = None,
    settings: Settings = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    threads: Threads = None,
    **options: Any,
) -> None:
    """Train a classifier on a prepared data set; the best weights are chosen on its validation split.

    If no recipe is named, the one for the kind of data is taken: dna, protein, text, characters or subwords.

    seqmix recipes NAME prints its settings.
    """
    from seqmix.cli.training_display import run_shown
    from seqmix.training.train import train as run_train

    run_shown(
        run_train,
        data,
        output,
        recipe=recipe,
        config=config,
        settings=settings or (),
        resume=resume,
        overwrite=overwrite,
        quiet=quiet,
        verbose=verbose,
        threads=threads,
        **options,
    )

"""`seqmix train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from seqmix.cli.console import console, reported
from seqmix.cli.options import TRAIN_FLAGS, Quiet, Threads, Verbose, complete_recipes, with_flags

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
    recipe: Annotated[
        str | None,
        typer.Option(help="Settings that come with seqmix, such as paramixer/genome.", autocompletion=complete_recipes),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file with settings, such as another run's config.toml.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="TABLE.OPTION=VALUE",
            help="Any setting, such as model.blocks=2, mixer.n_links=9, training.patience=3; repeat for more.",
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted run from its last saved step.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUTPUT if it is a run folder.")] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    threads: Threads = None,
    **options: Any,
) -> None:
    """Train a classifier on a prepared data set; the best weights are chosen on its validation split."""
    from seqmix.cli.training_display import TrainingDisplay
    from seqmix.training.train import train as run_train

    display = TrainingDisplay(console(), quiet=quiet, verbose=verbose)
    try:
        run_train(
            data,
            output,
            recipe=recipe,
            config=config,
            settings=settings or (),
            resume=resume,
            overwrite=overwrite,
            threads=threads,
            on_event=display,
            **options,
        )
    finally:
        display.close()

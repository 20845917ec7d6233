"""`seqmix pretrain`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from seqmix.cli.console import reported
from seqmix.cli.options import (
    PRETRAIN_FLAGS,
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
@with_flags(PRETRAIN_FLAGS)
@reported
def pretrain(
    data: Annotated[Path | None, typer.Argument(help="Data set. (default: seqmix-data)")] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Run folder. (default: runs/NNN-pretraining-<mixer>; with --resume, the newest run)"
        ),
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
    """Train a model to predict hidden parts of sequences, which need no labels, as a start for `seqmix train --init RUN`.

    If no recipe is named, the one for the kind of data is taken: dna, protein, text, characters or subwords.

    seqmix recipes NAME prints its settings.
    """
    from seqmix.cli.console import console, say
    from seqmix.cli.training_display import run_shown
    from seqmix.evaluation.pretraining_report import write_pretraining_report
    from seqmix.training.pretrain import pretrain as run_pretrain

    run = run_shown(
        run_pretrain,
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
    say(console(quiet), f"-> {write_pretraining_report(run)}")

"""`seqmix train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seqmix.cli.console import console, reported
from seqmix.cli.options import (
    Quiet,
    Threads,
    Verbose,
)

app = typer.Typer()


@app.command()
@reported
def train(
    data: Annotated[Path | None, typer.Argument(help="Data set. (default: seqmix-data)")] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Run folder. (default: runs/NNN-<mixer>; with --resume the newest)"),
    ] = None,
    mixer: Annotated[
        str | None, typer.Option(help="paramixer, skyformer, s4d, conv …, see the README. (default: paramixer)")
    ] = None,
    protocol: Annotated[str | None, typer.Option(help="Links of Paramixer: chord or cdil. (default: chord)")] = None,
    pooling: Annotated[str | None, typer.Option(help="mean, cls or flat. (default: mean)")] = None,
    kmer: Annotated[
        int | None, typer.Option(help="Tokens are words of this many letters (DNA, proteins); 0: letters. (default: 0)")
    ] = None,
    max_length: Annotated[
        int | None, typer.Option(help="Cut sequences to this many characters. (default: as prepared)")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training split, at most. (default: 8)")] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            help="Time that training may take, such as 90s, 5m, 2h30m; without --epochs, it alone is the limit. What it reaches depends on the computer. (default: any)"
        ),
    ] = None,
    max_steps: Annotated[
        int | None,
        typer.Option(
            help="Optimiser steps after which training ends; without --epochs, they alone are the limit. (default: any)"
        ),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Sequences in a batch. (default: as many as --tokens-per-batch allows)")
    ] = None,
    tokens_per_batch: Annotated[
        str | None, typer.Option(help="Tokens in a batch, at most; auto: found by trying. (default: 8192)")
    ] = None,
    lr: Annotated[float | None, typer.Option(help="Peak learning rate. (default: 0.002)")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of weights, order and dropout. (default: 0)")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:1 or mps. (default: auto)")] = None,
    precision: Annotated[str | None, typer.Option(help="fp32, bf16 or fp16 (GPU only). (default: fp32)")] = None,
    threads: Threads = None,
    class_weights: Annotated[
        str | None, typer.Option(help="none, or balanced: rare classes weigh more in the loss. (default: none)")
    ] = None,
    select: Annotated[
        str | None,
        typer.Option(
            help="Validation score that the best weights have: macro-f1, micro-f1, accuracy, roc-auc or loss; of a regression loss, r2 or within. (default: macro-f1; loss)"
        ),
    ] = None,
    compile: Annotated[bool | None, typer.Option("--compile", help="Use torch.compile. (default: no)")] = None,
    save_every: Annotated[int | None, typer.Option(help="Steps between saved states for --resume. (default: 100)")] = None,
    recipe: Annotated[str | None, typer.Option(help="Settings that come with seqmix, such as paramixer/genome.")] = None,
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
) -> None:
    """Train a classifier on a prepared data set; the best weights are chosen on its validation split."""
    from seqmix.cli.training_display import TrainingDisplay
    from seqmix.training.train import train as run_train

    display = TrainingDisplay(console(), quiet=quiet, verbose=verbose)
    try:
        run_train(
            data,
            output,
            mixer=mixer,
            protocol=protocol,
            pooling=pooling,
            kmer=kmer,
            max_length=max_length,
            epochs=epochs,
            budget=budget,
            max_steps=max_steps,
            batch_size=batch_size,
            tokens_per_batch=tokens_per_batch,
            lr=lr,
            seed=seed,
            device=device,
            precision=precision,
            threads=threads,
            class_weights=class_weights,
            select=select,
            compile=compile,
            save_every=save_every,
            recipe=recipe,
            config=config,
            settings=settings or (),
            resume=resume,
            overwrite=overwrite,
            on_event=display,
        )
    finally:
        display.close()

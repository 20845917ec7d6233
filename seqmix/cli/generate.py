"""`seqmix generate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seqmix.cli.console import console, next_command, print_dataset, reported
from seqmix.cli.options import Quiet

app = typer.Typer()
_SHOWN = 3  # first samples that `generate` prints


@app.command()
@reported
def generate(
    task: Annotated[str, typer.Argument(help="adding, temporal-order, listops, pathfinder or motifs.")],
    length: Annotated[
        str | None,
        typer.Option(
            help="Positions of each sample; for listops, the most words; for pathfinder, pixels. "
            "(default: 1024; listops: 2000; motifs: 8192)"
        ),
    ] = None,
    train: Annotated[int, typer.Option(help="Training samples.")] = 100_000,
    val: Annotated[int, typer.Option(help="Validation samples.")] = 1000,
    test: Annotated[int, typer.Option(help="Test samples.")] = 1000,
    min_length: Annotated[int | None, typer.Option(help="listops: samples have more words than this. (default: 500)")] = None,
    max_depth: Annotated[int | None, typer.Option(help="listops: greatest depth of a tree. (default: 10)")] = None,
    max_args: Annotated[int | None, typer.Option(help="listops: most arguments of an operator. (default: 10)")] = None,
    difficulty: Annotated[str | None, typer.Option(help="pathfinder: easy, medium or hard. (default: hard)")] = None,
    variant: Annotated[
        str | None, typer.Option(help="motifs: what differs between the classes: order, spacing or frame. (default: order)")
    ] = None,
    distance: Annotated[
        int | None,
        typer.Option(
            help="motifs: letters from motif to motif. (default: 5/8 of the length of a copy; spacing: 2/5; frame: 1/16)"
        ),
    ] = None,
    spread: Annotated[
        int | None,
        typer.Option(help="motifs: largest deviation from the distance. (default: a tenth of the distance; frame: 12)"),
    ] = None,
    copies: Annotated[
        int | None, typer.Option(help="motifs: stretches of equal length, each with the motifs of one class. (default: 1)")
    ] = None,
    motif_length: Annotated[int | None, typer.Option(help="motifs: letters of a motif, 8 to 24. (default: 14)")] = None,
    degenerate: Annotated[
        int | None, typer.Option(help="motifs: positions of a motif that allow two letters. (default: 4)")
    ] = None,
    motif_seed: Annotated[int | None, typer.Option(help="motifs: seed of the motifs. (default: 0)")] = None,
    decoys: Annotated[
        int | None, typer.Option(help="motifs: places in the background of each copy with halves of both motifs. (default: 2)")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of all random draws.")] = 0,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")] = Path("seqmix-data"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUTPUT if it is a data set.")] = False,
    quiet: Quiet = False,
) -> None:
    """Generate a synthetic task as a data set, ready for train, and show its first samples."""
    from seqmix.cli.console import progress_bar
    from seqmix.data.synthetic import find_task
    from seqmix.data.synthetic.generate import first_samples
    from seqmix.data.synthetic.generate import generate as run_generate
    from seqmix.reporting.text import parse_length

    options = {
        "length": parse_length(length) if length is not None else None,
        "min_length": min_length,
        "max_depth": max_depth,
        "max_args": max_args,
        "difficulty": difficulty,
        "variant": variant,
        "distance": distance,
        "spread": spread,
        "copies": copies,
        "motif_length": motif_length,
        "degenerate": degenerate,
        "motif_seed": motif_seed,
        "decoys": decoys,
    }
    with progress_bar("generating", "samples", quiet, train + val + test) as bar:
        dataset = run_generate(
            task,
            output,
            train=train,
            val=val,
            test=test,
            seed=seed,
            overwrite=overwrite,
            progress=lambda records, _: bar.update(records - bar.n),
            **options,
        )
    out = console(quiet)
    for sample in first_samples(task, min(_SHOWN, train), seed=seed, **options):
        out.print(find_task(task).show(sample), highlight=False, markup=False, soft_wrap=True)
    print_dataset(out, dataset)
    out.print(f"-> {dataset.path}  (next: {next_command(dataset.path)})", highlight=False, soft_wrap=True)

"""`seqmix generate`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from seqmix.cli.console import console, next_command, print_dataset, reported, say
from seqmix.cli.options import Quiet, with_flags
from seqmix.config.options import options_of
from seqmix.data.synthetic.options import ListOpsOptions, MotifsOptions, PathfinderOptions

app = typer.Typer()
_TASKS = {"listops": ListOpsOptions, "pathfinder": PathfinderOptions, "motifs": MotifsOptions}  # that have more than a length
_FLAGS = {
    name: replace(one, help=f"{task}: {one.help[0].lower()}{one.help[1:]}")
    for task, kind in _TASKS.items()
    for name, one in options_of(kind).items()
    if one.flag
}
_SHOWN = 3  # first samples that `generate` prints


@app.command()
@with_flags(_FLAGS)
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
    seed: Annotated[int, typer.Option(help="Seed of all random draws.")] = 0,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")] = Path("seqmix-data"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUTPUT if it is a data set.")] = False,
    quiet: Quiet = False,
    **task_options: Any,
) -> None:
    """Generate a synthetic task as a data set, ready for train, and show its first samples."""
    from seqmix.cli.console import progress_bar
    from seqmix.data.synthetic.generate import first_samples
    from seqmix.data.synthetic.generate import generate as run_generate
    from seqmix.data.synthetic.tasks import find_task
    from seqmix.reporting.text import parse_length

    options = task_options | {"length": None if length is None else parse_length(length)}
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
        say(out, find_task(task).show(sample), lines=True)
    print_dataset(out, dataset)
    say(out, f"-> {dataset.path}  (next: {next_command(dataset.path)})")

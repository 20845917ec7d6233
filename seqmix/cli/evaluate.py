"""`seqmix eval`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from seqmix.cli.console import console, print_notes, print_tables, reported
from seqmix.cli.options import (
    Device,
    LabelFrom,
    Precision,
    Quiet,
    Threads,
    Verbose,
)

app = typer.Typer()


@app.command("eval")
@reported
def evaluate(
    run: Annotated[Path | None, typer.Argument(help="Run folder. (default: the newest under runs/)")] = None,
    split: Annotated[Literal["test", "val", "train"], typer.Option(help="Split of the run's data set.")] = "test",
    data: Annotated[
        list[str] | None,
        typer.Option(help="New labelled file, instead of a split; repeat for more. Or the data set's folder, if it has moved."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder for evaluation.json and report.html. (default: the run folder, or eval-NAME in it for new files)",
        ),
    ] = None,
    label_from: LabelFrom = None,
    baselines: Annotated[bool, typer.Option(help="Also fit and score simple methods.")] = True,
    device: Device = "auto",
    precision: Precision = "fp32",
    threads: Threads = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Score a run on each record of a split, and compare it with simple methods on the same records."""
    from seqmix.cli.console import progress_bar
    from seqmix.evaluation.evaluate import evaluate as run_evaluate
    from seqmix.evaluation.evaluate import evaluation_folder
    from seqmix.evaluation.report import evaluation_tables
    from seqmix.run import find_run

    opened, out = find_run(run), console(quiet)
    score = partial(run_evaluate, opened, split=split, data=data or (), label_from=label_from, output=output)
    with progress_bar("evaluating", "records", quiet) as bar:
        result = score(
            baselines=baselines, device=device, precision=precision, threads=threads, on_start=bar.reset, on_batch=bar.update
        )
    print_tables(out, evaluation_tables(result))
    print_notes(out, result.notes)
    if verbose:
        out.print_json(data=opened.config.to_tables())
    folder = evaluation_folder(opened, data or (), output)
    out.print(f"-> {folder / 'report.html'}  ({folder / 'evaluation.json'})", highlight=False, soft_wrap=True)

"""`seqmix predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seqmix.cli.console import console, print_notes, reported
from seqmix.cli.options import (
    Device,
    Encoding,
    Format,
    IdColumn,
    PairColumn,
    Precision,
    Quiet,
    TextColumn,
    Threads,
    Verbose,
)

app = typer.Typer()


@app.command()
@reported
def predict(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT...", help="Any input that prepare reads, labels or not; - for standard input."),
    ],
    run: Annotated[Path | None, typer.Option("--run", help="Run folder. (default: the newest under runs/)")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write. (default: standard output)")] = None,
    format: Annotated[str, typer.Option(help="tsv, csv or jsonl.")] = "tsv",
    batch_size: Annotated[int, typer.Option(help="Sequences in a batch; 0: as many as fit 65,536 tokens.")] = 0,
    probabilities: Annotated[bool, typer.Option(help="A column with the probability of each class.")] = True,
    top: Annotated[int, typer.Option(help="Instead, the K most probable classes; 0: not.")] = 0,
    threshold: Annotated[
        float | None, typer.Option(help="With several labels a record: probability from which one is given. (default: 0.5)")
    ] = None,
    input_format: Format = "auto",
    text_column: TextColumn = None,
    id_column: IdColumn = None,
    pair_column: PairColumn = None,
    encoding: Encoding = None,
    device: Device = "auto",
    precision: Precision = "fp32",
    threads: Threads = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUTPUT if it exists.")] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Classify new sequences: one row each, in input order."""
    from seqmix.cli.console import progress_bar
    from seqmix.inference.predict import predict as run_predict
    from seqmix.inference.predict import reading_options
    from seqmix.inference.writing import write_predictions
    from seqmix.models.predictor import Tally
    from seqmix.run import Run
    from seqmix.system.files import text_output

    opened = Run.open(run) if run else Run.newest()
    tally = Tally()
    read = reading_options(
        opened,
        format=input_format,
        text_column=text_column,
        id_column=id_column,
        pair_column=pair_column,
        encoding=encoding,
    )
    with progress_bar("predicting", "records", quiet) as bar, text_output(output, overwrite) as file:
        found = run_predict(
            inputs,
            opened,
            batch_size=batch_size,
            device=device,
            precision=precision,
            threads=threads,
            threshold=threshold,
            read=read,
            tally=tally,
            on_batch=bar.update,
        )
        write_predictions(
            found,
            file,
            format=format,
            classes=opened.classes,
            kind=opened.objective.kind,
            paired=opened.paired,
            with_probabilities=probabilities,
            top=top,
        )
    out = console(quiet)
    print_notes(out, tally.lines(opened.config.data, opened.vocabulary.noun))
    if verbose or output:
        out.print(
            f"{tally.records:,} predictions of {opened.path} -> {output or 'standard output'}",
            highlight=False,
            soft_wrap=True,
        )

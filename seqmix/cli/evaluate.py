"""`seqmix eval`."""

from __future__ import annotations

from functools import partial
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from seqmix.cli.console import console, print_json, print_notes, print_tables, print_verdict, reported, say
from seqmix.cli.options import (
    READING,
    Device,
    Exclude,
    Include,
    LabelFrom,
    Precision,
    Quiet,
    Threads,
    Verbose,
    patterns,
    with_flags,
)

app = typer.Typer()


# How new files are read; `label_from` is a parameter of `evaluate` itself.
_READ = {name: one for name, one in READING.items() if name != "label_from"}


@app.command("eval")
@with_flags(_READ)
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
            help="Folder for report.html, evaluation.json and predictions-SPLIT.tsv. (default: the run folder, or eval-NAME in "
            "it for new files)",
        ),
    ] = None,
    class_files: Annotated[
        list[str] | None,
        typer.Option("--class", metavar="NAME=FILE,...", help="The new files of a class, instead of --data; repeat for more."),
    ] = None,
    label_from: LabelFrom = None,
    skip_unlabelled: Annotated[
        bool, typer.Option("--skip-unlabelled", help="Leave out records of new files without a label instead of stopping.")
    ] = False,
    baselines: Annotated[bool, typer.Option(help="Also fit and score simple methods.")] = True,
    against: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Another run to compare with on the same records.")
    ] = None,
    no_calibration: Annotated[
        bool, typer.Option("--no-calibration", help="Take probabilities as they are before calibration.")
    ] = False,
    device: Device = "auto",
    precision: Precision = "fp32",
    threads: Threads = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    include: Include = None,
    exclude: Exclude = None,
    **options: Any,
) -> None:
    """Score a run on each record of a split, and compare it with simple methods on the same records."""
    from seqmix.cli.console import progress_bar
    from seqmix.data.inputs import parse_class_files
    from seqmix.ensembles.find import find_run
    from seqmix.evaluation.evaluate import evaluate as run_evaluate
    from seqmix.evaluation.evaluate import evaluation_files
    from seqmix.inference.predict import reading_options

    opened, out = find_run(run), console(quiet)
    by_class = parse_class_files(class_files or ())
    reading = options | patterns(include, exclude)
    score = partial(
        run_evaluate,
        opened,
        split=split,
        data=data or (),
        class_files=by_class,
        label_from=label_from,
        skip_unlabelled=skip_unlabelled,
        read=reading_options(opened, **reading) if reading else None,
        output=output,
    )
    with progress_bar("evaluating", "records", quiet) as bar:
        result = score(
            baselines=baselines,
            against=against,
            calibration=not no_calibration,
            device=device,
            precision=precision,
            threads=threads,
            on_start=bar.reset,
            on_batch=bar.update,
        )
    from seqmix.evaluation.tables import evaluation_tables

    print_tables(out, evaluation_tables(result))
    print_notes(out, result.notes)
    if verbose:
        print_json(out, opened.config.to_tables())
    report, scores, predictions = evaluation_files(opened, data or list(chain(*by_class.values())), output, split)
    say(out, f"-> {report}  ({scores.name}, {predictions.name})")
    for sentence in filter(None, (result.verdict, result.against.get("sentence"))):
        print_verdict(out, sentence)

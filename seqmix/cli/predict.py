"""`seqmix predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from seqmix.cli.console import console, print_notes, reported, wants_bar
from seqmix.cli.options import Quiet, Verbose, with_flags
from seqmix.config.options import options_of
from seqmix.data.options import ReadOptions
from seqmix.models.predict_options import PredictOptions

app = typer.Typer()
_READ = {
    name: one
    for name, one in options_of(ReadOptions).items()
    if name in ("format", "text_column", "id_column", "pair_column", "encoding", "delimiter")
}
_PREDICT = {name: one for name, one in options_of(PredictOptions).items() if one.flag}


@app.command()
@with_flags({**_PREDICT, **_READ})
@reported
def predict(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT...", help="Any input that prepare reads, with or without labels; - for standard input."),
    ],
    run: Annotated[Path | None, typer.Option("--run", help="Run folder. (default: the newest under runs/)")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write. (default: standard output)")] = None,
    output_format: Annotated[
        Literal["tsv", "csv", "jsonl"],
        typer.Option("--format", metavar="FORMAT", help="Format of the output: tsv, csv or jsonl."),
    ] = "tsv",
    probabilities: Annotated[bool, typer.Option(help="Write a column with the probability of each class.")] = True,
    top: Annotated[int, typer.Option(help="Instead, write the K most probable classes; 0 for all.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUTPUT if it exists.")] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    **options: Any,
) -> None:
    """Classify new sequences: one row each, in input order."""
    from seqmix.inference.predict import predict as run_predict
    from seqmix.inference.predict import reading_options
    from seqmix.inference.writing import write_predictions
    from seqmix.models.predictor import Tally
    from seqmix.run import find_run
    from seqmix.system.files import text_output

    model, tally = find_run(run), Tally()
    read = reading_options(model, **{name: options.pop(name) for name in _READ if name in options})
    with text_output(output, overwrite) as file:
        found = run_predict(inputs, model, read=read, tally=tally, progress=wants_bar(quiet), **options)
        write_predictions(
            found,
            file,
            format=output_format,
            classes=model.classes,
            kind=model.objective.kind,
            paired=model.paired,
            with_probabilities=probabilities,
            top=top,
        )
    out = console(quiet)
    print_notes(out, tally.lines(model.config.data, model.vocabulary.noun))
    if verbose or output:
        done = f"{tally.records:,} predictions of {model.path} -> {output or 'standard output'}"
        out.print(done, highlight=False, soft_wrap=True)

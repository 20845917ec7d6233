"""`seqmix predict`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from seqmix.cli.console import console, in_flags, print_notes, reported, say, wants_bar
from seqmix.cli.options import READING, Exclude, Include, Quiet, Verbose, patterns, with_flags
from seqmix.config.options import options_of
from seqmix.errors import command, param
from seqmix.models.predict_options import PredictOptions

if TYPE_CHECKING:
    from seqmix.run import Run

app = typer.Typer()
_PREDICT = {name: one for name, one in options_of(PredictOptions).items() if one.flag}


@app.command()
@with_flags({**_PREDICT, **READING})
@reported
def predict(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT...", help="Any input that prepare reads, with or without labels; - for standard input."),
    ],
    run: Annotated[Path | None, typer.Option("--run", help="Run folder. (default: the newest under runs/)")] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="File to write: .tsv, .csv or .jsonl, also packed as .gz, .bz2 or .xz; - for standard output, the default.",
            show_default=False,
        ),
    ] = None,
    output_format: Annotated[
        Literal["tsv", "csv", "jsonl"] | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="Format of the output: tsv, csv or jsonl. (default: by the ending of OUTPUT; on standard output tsv)",
        ),
    ] = None,
    probabilities: Annotated[bool, typer.Option(help="Write a column with the probability of each class.")] = True,
    top: Annotated[int, typer.Option(help="Instead, write the K most probable classes; 0 for all.")] = 0,
    spreadsheet: Annotated[
        bool,
        typer.Option(
            "--spreadsheet",
            help="In TSV and CSV, put an apostrophe in front of ids, files and classes that a spreadsheet would read as formulas, because they begin with =, +, - or @ and are not numbers.",
        ),
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUTPUT if it exists.")] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    include: Include = None,
    exclude: Exclude = None,
    **options: Any,
) -> None:
    """Classify new sequences: one row each, in input order."""
    from seqmix.data.inputs import find_sources
    from seqmix.ensembles.find import find_run
    from seqmix.inference.predict import predict as run_predict
    from seqmix.inference.predict import reading_options
    from seqmix.inference.writing import check_output, write_predictions
    from seqmix.inference.writing import output_format as format_of
    from seqmix.models.predict_options import predict_options
    from seqmix.models.prediction import Tally
    from seqmix.system.files import text_output
    from seqmix.system.overwriting import refuse_input

    predict_options({name: value for name, value in options.items() if name not in READING})
    output = None if output == Path("-") else output
    form = format_of(output, output_format)
    model, tally = find_run(run), Tally()
    model.check_answers()
    unknown = _without_novelty(model)
    check_output(form, top, classes=model.classes, kind=model.objective.kind, spreadsheet=spreadsheet)
    read = reading_options(
        model, **{name: options.pop(name) for name in READING if name in options}, **patterns(include, exclude)
    )
    if output is not None and output.is_file():
        refuse_input(output, (source.path for source in find_sources(inputs, read=read, labels=False)))
    with text_output(output, overwrite) as file:
        found = run_predict(inputs, model, read=read, tally=tally, progress=wants_bar(quiet), **options)
        write_predictions(
            found,
            file,
            format=form,
            classes=model.classes,
            kind=model.objective.kind,
            paired=model.paired,
            with_probabilities=probabilities,
            top=top,
            with_file=tally.files > 1,
            with_novelty=not unknown,
            with_sets=options.get("sets") is not None,
            set_between=model.info["read"].get("label_separator") or "",
            spreadsheet=spreadsheet,
        )
        tally.check_any()
    out = console(quiet)
    if quiet:  # which does not hide that records are missing
        print_notes(console(), tally.failures(in_flags))
    print_notes(out, [unknown] if unknown else [])
    print_notes(out, tally.lines(model.config.data, model.vocabulary.noun, in_flags))
    if verbose or output:
        done = f"{tally.records:,} predictions of {model.path} -> {output or 'standard output'}"
        say(out, done)
    tally.check_whole()


def _without_novelty(run: Run) -> str:
    """Return why there is no column `novelty`; "" if there is one."""
    seen = run.seen
    if seen is None:
        return in_flags(
            f"no novelty: {run.path} does not store what it has seen; {command('train')} {param('resume', True)} "
            f"{param('output', str(run.path))} adds it"
        )
    return "" if seen.novelty else "no novelty: the training had no validation split to compare new records with"

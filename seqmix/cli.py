"""The command line: parse, call the library, print. No logic.

Data goes to standard output or a file, everything else to standard error. Exit codes: 0 done; 1 a user's mistake,
told in one line; 2 a command line that cannot be parsed; 130 interrupted, after saving.
"""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer

from seqmix.cli_bench import app as bench_app
from seqmix.cli_compare import app as compare_app
from seqmix.cli_options import (
    Device,
    Encoding,
    Format,
    IdColumn,
    LabelFrom,
    PairColumn,
    Precision,
    Quiet,
    TextColumn,
    Threads,
    Verbose,
    console,
    next_command,
    print_dataset,
    print_notes,
    reported,
)
from seqmix.cli_papers import app as papers_app
from seqmix.cli_reproduce import app as reproduce_app
from seqmix.version import __version__

app = typer.Typer(
    name="seqmix",
    help="Classify very long sequences (FASTA, text): prepare, train, eval, predict.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(compare_app)
app.add_typer(papers_app)
app.add_typer(bench_app)
app.add_typer(reproduce_app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"seqmix {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    pass


@app.command()
@reported
def prepare(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT...",
            help="FASTA, FASTQ, GenBank, EMBL, CSV, TSV, JSONL, text (plain or .gz), folders, data sets of the papers; - for standard input.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")] = Path("seqmix-data"),
    alphabet: Annotated[
        str, typer.Option(help="auto, dna, dna-iupac, protein, chars, bytes, words (between white space) or real (numbers).")
    ] = "auto",
    unknown: Annotated[
        str | None,
        typer.Option(
            help="Characters outside the alphabet: map (to N, X or UNK), drop or error. (default: map for chars, else error)"
        ),
    ] = None,
    min_length: Annotated[int, typer.Option(help="Leave out records of fewer characters.")] = 0,
    max_length: Annotated[int | None, typer.Option(help="Cut longer records to this many characters. (default: never)")] = None,
    truncate: Annotated[str, typer.Option(help="Which part of a cut record is kept: start, end or middle.")] = "start",
    task: Annotated[
        str | None,
        typer.Option(
            help="classification, multilabel or regression (labels are numbers). (default: classification, or multilabel with --label-separator)"
        ),
    ] = None,
    label_from: LabelFrom = None,
    class_files: Annotated[
        list[str] | None,
        typer.Option("--class", metavar="NAME=FILE,...", help="Instead of INPUT, the files of a class; repeat for more."),
    ] = None,
    label_separator: Annotated[
        str | None,
        typer.Option(help="What stands between several labels of a record, such as a comma. (default: one label each)"),
    ] = None,
    tolerance: Annotated[
        float | None, typer.Option(help="Of a regression: error up to which an answer counts as right. (default: not counted)")
    ] = None,
    classes: Annotated[str | None, typer.Option(help="Keep only these classes, separated by commas. (default: all)")] = None,
    skip_unlabelled: Annotated[
        bool, typer.Option("--skip-unlabelled", help="Leave out records without a label instead of stopping.")
    ] = False,
    group: Annotated[
        str | None,
        typer.Option(help="Keep records of one group in one split: header:gene, header-regex:RE, column:NAME or table:FILE."),
    ] = None,
    split: Annotated[
        str,
        typer.Option(
            help="Fractions of train, validation and test. auto: 0.6,0.2,0.2, or as the data set of a paper is divided."
        ),
    ] = "auto",
    split_from: Annotated[
        str | None, typer.Option(help="Where splits are given: column:NAME, table:FILE or header:KEY.")
    ] = None,
    val: Annotated[list[str] | None, typer.Option(help="Input that is the validation split; repeat for more.")] = None,
    test: Annotated[list[str] | None, typer.Option(help="Input that is the test split; repeat for more.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the split.")] = 0,
    input_format: Format = "auto",
    text_column: TextColumn = None,
    id_column: IdColumn = None,
    pair_column: PairColumn = None,
    encoding: Encoding = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUTPUT if it is a data set.")] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Turn sequence files and documents into a data set.

    Classes are file stems (several FASTA files), folder names, label=… in the headers, or what --label-from says.
    """
    from seqmix.data.prepare import PrepareOptions
    from seqmix.data.prepare import prepare as run_prepare
    from seqmix.data.records import ReadOptions, parse_class_files
    from seqmix.display import progress_bar

    read = ReadOptions(
        format=input_format,
        encoding=encoding or "utf-8",
        text_column=text_column,
        id_column=id_column,
        pair_column=pair_column,
        label_from=label_from,
        label_separator=label_separator,
        group_from=group,
        split_from=split_from,
        classes=tuple(name.strip() for name in classes.split(",")) if classes else (),
        skip_unlabelled=skip_unlabelled,
    )
    options = PrepareOptions(
        alphabet=alphabet,
        unknown=unknown,
        min_length=min_length,
        max_length=max_length,
        truncate=truncate,
        split=split,
        seed=seed,
        task=task,
        tolerance=tolerance,
    )
    with progress_bar("reading", "characters", quiet) as bar:
        dataset = run_prepare(
            inputs or (),
            output,
            class_files=parse_class_files(class_files or ()),
            val=val or (),
            test=test or (),
            options=options,
            read=read,
            overwrite=overwrite,
            progress=lambda records, characters: bar.update(characters - bar.n),
        )
    out = console(quiet)
    print_dataset(out, dataset)
    if verbose:
        out.print_json(data={key: dataset.info[key] for key in ("options", "read", "inputs", "arrays")})
    after = (
        f"next: {next_command(dataset.path)}"
        if dataset.labelled
        else "no labels were found: predict works on such files as they are; to train, say where labels are with --label-from"
    )
    out.print(f"-> {dataset.path}  ({after})", highlight=False, soft_wrap=True)


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
    from seqmix.display import TrainingDisplay
    from seqmix.training import train as run_train

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


@app.command("eval")
@reported
def evaluate(
    run: Annotated[Path | None, typer.Argument(help="Run folder. (default: the newest under runs/)")] = None,
    split: Annotated[str, typer.Option(help="Split of its data set: test, val or train.")] = "test",
    data: Annotated[
        list[str] | None,
        typer.Option(help="Instead, a new labelled file; repeat for more. Or the data set's folder, if it has moved."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder for evaluation.json and report.html. (default: the run's, or eval-NAME in it for new files)",
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
    """Score a run, each record once, beside simple methods on the same split."""
    from seqmix.display import progress_bar
    from seqmix.evaluation import evaluate as run_evaluate
    from seqmix.evaluation import evaluation_folder
    from seqmix.report import evaluation_tables
    from seqmix.run import Run

    opened = Run.open(run) if run else Run.newest()
    with progress_bar("evaluating", "records", quiet) as bar:
        result = run_evaluate(
            opened,
            split=split,
            data=data or (),
            output=output,
            label_from=label_from,
            baselines=baselines,
            device=device,
            precision=precision,
            threads=threads,
            on_start=bar.reset,
            on_batch=bar.update,
        )
    out = console(quiet)
    for table in evaluation_tables(result):
        out.print(table)
    print_notes(out, result.notes)
    if verbose:
        out.print_json(data=opened.config.to_tables())
    folder = evaluation_folder(opened, data or (), output)
    out.print(f"-> {folder / 'report.html'}  ({folder / 'evaluation.json'})", highlight=False, soft_wrap=True)


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
    from seqmix.display import progress_bar
    from seqmix.inference.predict import Tally, reading_options
    from seqmix.inference.predict import predict as run_predict
    from seqmix.inference.writing import write_predictions
    from seqmix.run import Run
    from seqmix.system.files import whole_file

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
    with progress_bar("predicting", "records", quiet) as bar, whole_file(output, overwrite) as file:
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


def main() -> None:
    """The `seqmix` command."""
    signal.signal(signal.SIGTERM, _interrupt)  # what Ctrl-C cleans up, a job scheduler's signal does too
    app()


def _interrupt(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # `timeout` sends two: the second must not cut short the cleaning up
    raise KeyboardInterrupt

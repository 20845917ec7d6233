"""The command line: parse, call the library, print. No logic.

Data goes to standard output or a file, everything else to standard error. Exit codes: 0 done; 1 a user's mistake,
told in one line; 2 a command line that cannot be parsed; 130 interrupted, after saving.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer

from seqmix import __version__
from seqmix.errors import Interrupted, SeqmixError

app = typer.Typer(
    name="seqmix",
    help="Classify very long sequences (FASTA, text): prepare, train, eval, predict.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

bench_app = typer.Typer(name="bench", help="Measure the mixers on this computer.", no_args_is_help=True)
app.add_typer(bench_app)

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print more on what is done.")]
Format = Annotated[
    str, typer.Option("--input-format", help="auto (by content), fasta, fastq, genbank, embl, csv, tsv, jsonl or text.")
]
TextColumn = Annotated[
    str | None, typer.Option("--text-column", help="Column of a table that holds the text. (default: text, sequence …)")
]
IdColumn = Annotated[str | None, typer.Option("--id-column", help="Column of a table that holds the id. (default: id, name …)")]
Encoding = Annotated[str | None, typer.Option("--encoding", help="How documents and tables are encoded. (default: utf-8)")]
Device = Annotated[str, typer.Option("--device", help="auto (a GPU if there is one), cpu, cuda, cuda:1 or mps.")]
Threads = Annotated[
    int | None, typer.Option("--threads", help="Threads on the CPU. (default: OMP_NUM_THREADS, or one for each core)")
]
Precision = Annotated[str, typer.Option("--precision", help="fp32, bf16 or fp16 (GPU only).")]
LabelFrom = Annotated[
    str | None,
    typer.Option(
        "--label-from",
        help="Where labels are: header:KEY, header-regex:RE, table:FILE, column:NAME, file (its stem) or folder. (default: found by looking)",
    ),
]


def _console(quiet: bool = False) -> Any:
    from rich.console import Console

    width = None if sys.stderr.isatty() or os.environ.get("COLUMNS") else 110
    return Console(stderr=True, quiet=quiet, width=width)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"seqmix {__version__}")
        raise typer.Exit


P = ParamSpec("P")


def _reported(command: Callable[P, None]) -> Callable[P, None]:
    """Turns what goes wrong in a command into one line and an exit code."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except BrokenPipeError:
            # Nobody reads on: say nothing, not even when standard output is closed at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except Interrupted as error:
            _fail(str(error), 130)
        except KeyboardInterrupt:
            _fail("interrupted", 130)
        except SeqmixError as error:
            _fail(str(error), 1)
        except OSError as error:
            _fail(f"{error.filename or 'standard output'}: {error.strerror or error}", 1)

    return run


def _fail(message: str, code: int) -> None:
    from rich.console import Console

    Console(stderr=True).print(f"seqmix: {message}", style="red", highlight=False, markup=False, soft_wrap=True)
    raise SystemExit(code)


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    pass


@app.command()
@_reported
def prepare(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="FASTA, FASTQ, GenBank, EMBL, CSV, TSV, JSONL, text (plain or .gz), folders; - for standard input.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")] = Path("seqmix-data"),
    alphabet: Annotated[str, typer.Option(help="auto, dna, dna-iupac, protein, chars or bytes.")] = "auto",
    unknown: Annotated[
        str | None,
        typer.Option(
            help="Characters outside the alphabet: map (to N, X or UNK), drop or error. (default: map for chars, else error)"
        ),
    ] = None,
    min_length: Annotated[int, typer.Option(help="Leave out records of fewer characters.")] = 0,
    max_length: Annotated[int | None, typer.Option(help="Cut longer records to this many characters. (default: never)")] = None,
    truncate: Annotated[str, typer.Option(help="Which part of a cut record is kept: start, end or middle.")] = "start",
    label_from: LabelFrom = None,
    classes: Annotated[str | None, typer.Option(help="Keep only these classes, separated by commas. (default: all)")] = None,
    skip_unlabelled: Annotated[
        bool, typer.Option("--skip-unlabelled", help="Leave out records without a label instead of stopping.")
    ] = False,
    group: Annotated[
        str | None,
        typer.Option(help="Keep records of one group in one split: header:gene, header-regex:RE, column:NAME or table:FILE."),
    ] = None,
    split: Annotated[str, typer.Option(help="Fractions of train, validation and test.")] = "0.6,0.2,0.2",
    split_from: Annotated[
        str | None, typer.Option(help="Where splits are given: column:NAME, table:FILE or header:KEY.")
    ] = None,
    val: Annotated[list[str] | None, typer.Option(help="Input that is the validation split; repeat for more.")] = None,
    test: Annotated[list[str] | None, typer.Option(help="Input that is the test split; repeat for more.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the split.")] = 0,
    input_format: Format = "auto",
    text_column: TextColumn = None,
    id_column: IdColumn = None,
    encoding: Encoding = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUTPUT if it is a data set.")] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Turn sequence files and documents into a data set.

    Classes are file stems (several FASTA files), folder names, label=… in the headers, or what --label-from says.
    """
    from seqmix.display import progress_bar
    from seqmix.preparation import PrepareOptions
    from seqmix.preparation import prepare as run_prepare
    from seqmix.records import ReadOptions
    from seqmix.report import dataset_tables

    read = ReadOptions(
        format=input_format,
        encoding=encoding or "utf-8",
        text_column=text_column,
        id_column=id_column,
        label_from=label_from,
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
    )
    with progress_bar("reading", "characters", quiet) as bar:
        dataset = run_prepare(
            inputs,
            output,
            val=val or (),
            test=test or (),
            options=options,
            read=read,
            overwrite=overwrite,
            progress=lambda records, characters: bar.update(characters - bar.n),
        )
    console = _console(quiet)
    for table in dataset_tables(dataset):
        console.print(table)
    for note in dataset.info["notes"]:
        console.print(f"note: {note}", style="yellow", highlight=False)
    if verbose:
        console.print_json(data={key: dataset.info[key] for key in ("options", "read", "inputs", "arrays")})
    after = (
        "next: seqmix train"
        if dataset.classes
        else "no labels were found: predict works on such files as they are; to train, say where labels are with --label-from"
    )
    console.print(f"-> {dataset.path}  ({after})", highlight=False, soft_wrap=True)


@app.command()
@_reported
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
            help="Validation score that the best weights have: macro-f1, accuracy, roc-auc or loss. (default: macro-f1)"
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

    display = TrainingDisplay(_console(), quiet=quiet, verbose=verbose)
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
@_reported
def evaluate(
    run: Annotated[Path | None, typer.Argument(help="Run folder. (default: the newest under runs/)")] = None,
    split: Annotated[str, typer.Option(help="Split of its data set: test, val or train.")] = "test",
    data: Annotated[
        list[str] | None,
        typer.Option(help="Instead, a new labelled file; repeat for more. Or the data set's folder, if it has moved."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for evaluation.json and report.html. (default: the run's)"),
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
    console = _console(quiet)
    for table in evaluation_tables(result):
        console.print(table)
    for note in result.notes:
        console.print(f"note: {note}", style="yellow", highlight=False)
    if verbose:
        console.print_json(data=opened.config.to_tables())
    folder = output or opened.path
    console.print(f"-> {folder / 'report.html'}  ({folder / 'evaluation.json'})", highlight=False, soft_wrap=True)


@app.command()
@_reported
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
    input_format: Format = "auto",
    text_column: TextColumn = None,
    id_column: IdColumn = None,
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
    from seqmix.prediction import Tally, reading_options, whole_file, write_predictions
    from seqmix.prediction import predict as run_predict
    from seqmix.run import Run

    opened = Run.open(run) if run else Run.newest()
    tally = Tally()
    read = reading_options(opened, format=input_format, text_column=text_column, id_column=id_column, encoding=encoding)
    with progress_bar("predicting", "records", quiet) as bar, whole_file(output, overwrite) as out:
        found = run_predict(
            inputs,
            opened,
            batch_size=batch_size,
            device=device,
            precision=precision,
            threads=threads,
            read=read,
            tally=tally,
            on_batch=bar.update,
        )
        write_predictions(found, out, format=format, classes=opened.classes, with_probabilities=probabilities, top=top)
    console = _console(quiet)
    for line in tally.lines(opened.config.data):
        console.print(f"note: {line}", style="yellow", highlight=False)
    if verbose or output:
        console.print(
            f"{tally.records:,} predictions of {opened.path} -> {output or 'standard output'}",
            highlight=False,
            soft_wrap=True,
        )


@app.command()
@_reported
def compare(
    data: Annotated[Path | None, typer.Argument(help="Data set. (default: seqmix-data)")] = None,
    mixers: Annotated[
        str | None, typer.Option(help="Names of mixers, separated by commas. (default: all that are installed)")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Trainings of each mixer, with the seeds 0, 1, 2 …")] = 3,
    budget: Annotated[
        str, typer.Option(help="Time of each training, such as 90s, 5m, 2h30m; 0: as many epochs as the settings say.")
    ] = "5m",
    max_length: Annotated[
        int | None, typer.Option(help="Cut sequences to this many characters. (default: as prepared)")
    ] = None,
    recipe: Annotated[str | None, typer.Option(help="Settings that come with seqmix, for all mixers.")] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file with settings for all mixers.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="TABLE.OPTION=VALUE", help="Any setting, the same for all mixers; repeat for more."),
    ] = None,
    device: Device = "auto",
    precision: Annotated[str | None, typer.Option(help="fp32, bf16 or fp16 (GPU only). (default: fp32)")] = None,
    threads: Annotated[
        int | None,
        typer.Option("--threads", help="Threads of each training. (default: those there are, shared out among --jobs)"),
    ] = None,
    jobs: Annotated[int, typer.Option(help="Trainings side by side.")] = 1,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for compare.json, compare.html and the runs.")] = Path(
        "compare"
    ),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUTPUT if it is a comparison.")] = False,
    quiet: Quiet = False,
) -> None:
    """Train every mixer with several seeds in equal time, and score all on the test split beside simple methods.

    It takes mixers times seeds times budget, divided by --jobs. The same command goes on where it was stopped; with more
    mixers or seeds it runs what is missing.
    """
    from seqmix.comparing import compare as run_compare
    from seqmix.comparison_report import comparison_table, trial_line
    from seqmix.display import progress_bar

    with progress_bar("comparing", "trainings", quiet) as bar:
        result = run_compare(
            data,
            output,
            mixers=[name.strip() for name in mixers.split(",")] if mixers else None,
            seeds=seeds,
            budget=budget,
            max_length=max_length,
            recipe=recipe,
            config=config,
            settings=settings or (),
            device=device,
            precision=precision,
            threads=threads,
            jobs=jobs,
            overwrite=overwrite,
            on_start=bar.reset,
            on_begin=lambda mixer, seed: bar.set_description(f"{mixer}, seed {seed}"),
            on_trial=lambda trial, now: (bar.update(), quiet or bar.write(trial_line(trial, now), file=sys.stderr)),
        )
    console = _console(quiet)
    console.print(comparison_table(result))
    for note in result.notes:
        console.print(f"note: {note}", style="yellow", highlight=False, markup=False)
    console.print(f"-> {output / 'compare.html'}  ({output / 'compare.json'})", highlight=False, soft_wrap=True)
    if result.interrupted:
        raise Interrupted(f"interrupted; what is finished is in {output / 'compare.html'}; the same command goes on from here")


@bench_app.command("mixers")
@_reported
def bench_mixers(
    mixers: Annotated[
        str | None, typer.Option(help="Names of mixers, separated by commas. (default: all that are installed)")
    ] = None,
    lengths: Annotated[
        str, typer.Option(help="Lengths in tokens, separated by commas; 1k is 1,024 and 1M is 1,048,576.")
    ] = "1k,4k,16k,64k",
    batch_size: Annotated[int, typer.Option(help="Sequences in a batch.")] = 1,
    device: Device = "auto",
    precision: Precision = "fp32",
    repeats: Annotated[int, typer.Option(help="Timed runs, of which the median counts; one where a run is long.")] = 3,
    time_limit: Annotated[
        float,
        typer.Option(help="Seconds that a training step may be expected to take: a series ends before one that is longer."),
    ] = 60.0,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for bench.json, bench.svg and bench.png.")] = Path(
        "bench"
    ),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace these files in OUTPUT.")] = False,
    quiet: Quiet = False,
) -> None:
    """Time every mixer over the length: forward, training step, peak memory, tokens a second, fitted exponents.

    Each is measured in the model that train builds for it, on random DNA. A series ends before memory runs out.
    """
    from seqmix import benchmark
    from seqmix.bench_report import bench_tables, check_output, write_bench
    from seqmix.display import progress_bar

    wanted = benchmark.parse_lengths(lengths)
    check_output(output, overwrite)
    with progress_bar("measuring", "points", quiet) as bar:
        result = benchmark.bench_mixers(
            [name.strip() for name in mixers.split(",")] if mixers else None,
            wanted,
            batch_size=batch_size,
            device=device,
            precision=precision,
            repeats=repeats,
            time_limit=time_limit,
            on_start=bar.reset,
            on_point=lambda *_: bar.update(),
        )
    write_bench(result, output)
    console = _console(quiet)
    for table in bench_tables(result):
        console.print(table)
    for note in result.notes:
        console.print(f"note: {note}", style="yellow", highlight=False, markup=False)
    console.print(f"-> {output / 'bench.png'}  ({output / 'bench.json'})", highlight=False, soft_wrap=True)
    if result.interrupted:
        raise Interrupted(f"interrupted; what was measured is in {output / 'bench.json'}")


@bench_app.command("approximation")
@_reported
def bench_approximation(
    mixers: Annotated[
        str | None, typer.Option(help="Names of attention mixers, separated by commas. (default: all that are installed)")
    ] = None,
    features: Annotated[str, typer.Option(help="Numbers of features, separated by commas.")] = "16,32,64,128,256",
    lengths: Annotated[str, typer.Option(help="Lengths in tokens, separated by commas; 1k is 1,024.")] = "256,1k,4k",
    run: Annotated[
        Path | None, typer.Option("--run", help="A run with an attention mixer, whose queries, keys and values to take too.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Data set to train on for the instability; with --run, where its own has moved. (default: random DNA)"
        ),
    ] = None,
    repeats: Annotated[int, typer.Option(help="Draws of queries, keys and values for each error.")] = 3,
    steps: Annotated[int, typer.Option(help="Training steps for the instability.")] = 20,
    seeds: Annotated[int, typer.Option(help="Trainings for the instability of each mixer.")] = 3,
    threads: Threads = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for approximation.json, approximation.svg and approximation.png.")
    ] = Path("bench"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace these files in OUTPUT.")] = False,
    quiet: Quiet = False,
) -> None:
    """Measure how near attention is approximated with how many features, and how stable training with each mixer is.

    Errors are those of a head's output, in the spectral norm, against what the mixer approximates.
    """
    from seqmix import approximation
    from seqmix.approximation_report import NAME, approximation_tables, write_approximation
    from seqmix.bench_report import check_output
    from seqmix.benchmark import parse_lengths
    from seqmix.display import progress_bar

    numbers, wanted = approximation.parse_features(features), parse_lengths(lengths)
    check_output(output, overwrite, NAME)
    with progress_bar("measuring", "series", quiet) as bar:
        result = approximation.bench_approximation(
            [name.strip() for name in mixers.split(",")] if mixers else None,
            numbers,
            wanted,
            run=run,
            data=data,
            repeats=repeats,
            steps=steps,
            seeds=seeds,
            threads=threads,
            on_start=bar.reset,
            on_done=bar.update,
        )
    write_approximation(result, output)
    console = _console(quiet)
    for table in approximation_tables(result):
        console.print(table)
    for note in result.notes:
        console.print(f"note: {note}", style="yellow", highlight=False, markup=False)
    written = output / f"{NAME}.json"
    console.print(f"-> {output / f'{NAME}.png'}  ({written})", highlight=False, soft_wrap=True)
    if result.interrupted:
        raise Interrupted(f"interrupted; what was measured is in {written}")


def main() -> None:
    """The `seqmix` command."""
    signal.signal(signal.SIGTERM, _interrupt)  # what Ctrl-C cleans up, a job scheduler's signal does too
    app()


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()

"""The command line of the papers' experiments: `seqmix reproduce ...`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqmix.cli.console import console, interruption, print_notes, print_tables, reported
from seqmix.cli.options import Jobs, MixerSettings, Quiet, TrialThreads, names

if TYPE_CHECKING:
    from seqmix.experiments.trial import Trial

app = typer.Typer(name="reproduce", help="Run the papers' experiments, measured beside published.", no_args_is_help=True)

Data = Annotated[
    Path, typer.Option("--data", help="Folder that has the data sets, or folders with them, as their sources distribute them.")
]
Budget = Annotated[
    str,
    typer.Option(
        "--budget", help="Training time of each method on each task, such as 90s, 10m, 2h30m; 0: as long as the recipes say."
    ),
]
MaxLength = Annotated[
    int | None, typer.Option("--max-length", help="Cut sequences to this many characters. (default: as published)")
]
Seeds = Annotated[int, typer.Option("--seeds", help="Trainings of each method on each task, with the seeds 0, 1, 2 …")]
Device = Annotated[str | None, typer.Option("--device", help="auto, cpu, cuda, cuda:1 or mps. (default: auto)")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="TABLE.OPTION=VALUE", help="Any setting, for all trainings; repeat for more."),
]
Output = Annotated[
    Path, typer.Option("--output", "-o", help="Folder for reproduce.json, reproduce.html, prepared data and runs.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace OUTPUT, its data too, if it is a reproduction.")]


@app.command("lra")
@reported
def reproduce_lra(
    data: Data = Path(),
    tasks: Annotated[
        str | None,
        typer.Option(help="Of text, listops, retrieval, pathfinder and image, separated by commas. (default: all)"),
    ] = None,
    methods: Annotated[
        str | None,
        typer.Option(
            help="paramixer and other mixers, separated by commas; all: those of the published table. (default: paramixer,skyformer,kernelized,softmax)"
        ),
    ] = None,
    budget: Budget = "10m",
    max_length: MaxLength = None,
    seeds: Seeds = 1,
    generated: Annotated[
        bool, typer.Option("--generate", help="Generate listops and pathfinder where they are not found.")
    ] = False,
    train: Annotated[
        int | None,
        typer.Option("--train", help="Training samples to generate, and the most of others. (default: as many as published)"),
    ] = None,
    device: Device = None,
    threads: TrialThreads = None,
    jobs: Jobs = 1,
    settings: Settings = None,
    output: Output = Path("reproduce-lra"),
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Train on the tasks of the Long Range Arena that are there, and compare with the Skyformer paper's Table 1.

    It takes tasks times methods times seeds times budget, divided by --jobs, and the time to score the test splits.

    The same command goes on where it was stopped; with more tasks, methods or seeds it runs what is missing.
    """
    _reproduce(
        "lra",
        data,
        output,
        quiet,
        tasks=names(tasks),
        methods=names(methods),
        budget=budget,
        max_length=max_length,
        seeds=seeds,
        generated=generated,
        train=train,
        settings=settings or (),
        device=device,
        threads=threads,
        jobs=jobs,
        overwrite=overwrite,
    )


@app.command("genome")
@reported
def reproduce_genome(
    data: Data = Path(),
    tasks: Annotated[str | None, typer.Option(help="hfdna, mtcdna or both, separated by a comma. (default: both)")] = None,
    methods: Annotated[
        str | None, typer.Option(help="paramixer, dna (seqmix's own) or both, separated by a comma. (default: both)")
    ] = None,
    budget: Budget = "10m",
    max_length: MaxLength = None,
    seeds: Seeds = 1,
    device: Device = None,
    threads: TrialThreads = None,
    jobs: Jobs = 1,
    settings: Settings = None,
    output: Output = Path("reproduce-genome"),
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Train on cDNA of human and fruit-fly, mouse and turtle, as in the Paramixer paper, beside k-mer models.

    Files are found by Ensembl's names, such as Mus_musculus.GRCm39.cdna.all.fa.gz.

    The same command goes on where it was stopped.
    """
    _reproduce(
        "genome",
        data,
        output,
        quiet,
        tasks=names(tasks),
        methods=names(methods),
        budget=budget,
        max_length=max_length,
        seeds=seeds,
        settings=settings or (),
        device=device,
        threads=threads,
        jobs=jobs,
        overwrite=overwrite,
    )


@app.command("scalability")
@reported
def reproduce_scalability(
    tasks: Annotated[str, typer.Option(help="adding, temporal-order or both, separated by a comma.")] = "adding,temporal-order",
    lengths: Annotated[str, typer.Option(help="Lengths in tokens, separated by commas; 1k is 1,024.")] = "128,256,512,1k,2k",
    mixers: Annotated[str, typer.Option(help="Names of mixers, separated by commas.")] = "paramixer,softmax,skyformer",
    budget: Annotated[str, typer.Option(help="Time of each training, at most, such as 90s, 5m, 1h.")] = "10m",
    seeds: Seeds = 1,
    train: Annotated[int, typer.Option(help="Training samples of each length; fewer are learned by heart.")] = 100_000,
    test: Annotated[int, typer.Option(help="Test samples; half as many are validated on.")] = 1000,
    device: Device = None,
    threads: TrialThreads = None,
    jobs: Jobs = 1,
    settings: MixerSettings = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for scalability.html, figures, data and runs.")] = Path(
        "reproduce-scalability"
    ),
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Train mixers on synthetic tasks of growing length in equal time, and draw their error over the length.

    It takes at most tasks times lengths times mixers times seeds times budget, divided by --jobs; less where tasks are solved.

    The same command goes on where it was stopped; with more tasks, lengths, mixers or seeds it runs what is missing.
    """
    from seqmix.cli.console import progress_bar
    from seqmix.experiments.scalability.report import scalability_line, scalability_table
    from seqmix.experiments.scalability.reproduce import reproduce_scalability as run_scalability
    from seqmix.reporting.text import parse_lengths

    with progress_bar("reproducing", "trainings", quiet) as bar:
        result = run_scalability(
            output,
            tasks=names(tasks) or (),
            lengths=parse_lengths(lengths),
            mixers=names(mixers) or (),
            seeds=seeds,
            budget=budget,
            train=train,
            test=test,
            settings=settings or (),
            device=device,
            threads=threads,
            jobs=jobs,
            overwrite=overwrite,
            on_stage=lambda text: quiet or bar.write(text, file=sys.stderr),
            on_start=bar.reset,
            on_begin=bar.set_description,
            on_trial=lambda trial, now: (bar.update(), quiet or bar.write(scalability_line(trial, now), file=sys.stderr)),
        )
    out = console(quiet)
    if result.points:
        print_tables(out, [scalability_table(result)])
        print_notes(out, result.notes)
        out.print(f"-> {output / 'scalability.html'}  ({output / 'scalability.png'})", highlight=False, soft_wrap=True)
    if result.interrupted:
        raise interruption(output / "scalability.html", result.points)


def _reproduce(suite: str, data: Path, output: Path, quiet: bool, **options: Any) -> None:
    """Runs a suite, telling what it does."""
    from seqmix.cli.console import progress_bar
    from seqmix.experiments.reproduction.report import reproduction_line, reproduction_table
    from seqmix.experiments.reproduction.reproduce import reproduce
    from seqmix.experiments.reproduction.session import Listener

    out = console(quiet)
    with progress_bar("reproducing", "trainings", quiet) as bar:

        def say(text: str) -> None:
            if not quiet:
                bar.write(text, file=sys.stderr)

        def start(count: int, left: int) -> None:
            bar.reset(count)
            if count:
                say(f"{count} training{'s' * (count != 1)}, of which {left} {'is' if left == 1 else 'are'} still to be run")

        def done(trial: Trial, run_now: bool) -> None:
            bar.update()
            say(reproduction_line(trial, run_now))

        listener = Listener(
            remark=lambda text: say(f"note: {text}"),
            stage=say,
            start=start,
            begin=lambda task, method, seed: bar.set_description(f"{task}, {method}, seed {seed}"),
            trial=done,
        )
        result = reproduce(suite, data, output, listener=listener, **options)
    if result.lines:
        print_tables(out, [reproduction_table(result)])
    print_notes(out, (*result.failures, result.conditions))
    out.print(f"-> {output / 'reproduce.html'}  ({output / 'reproduce.json'})", highlight=False, soft_wrap=True)
    if result.interrupted:
        raise interruption(output / "reproduce.html", result.trials)

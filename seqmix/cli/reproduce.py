"""The command line of the papers' experiments: `seqmix reproduce ...`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from seqmix.cli.console import reported
from seqmix.cli.options import Jobs, MixerSettings, Quiet, TrialDevice, TrialThreads, names

app = typer.Typer(
    name="reproduce", help="Repeat the papers' experiments, and compare with their results.", no_args_is_help=True
)

Data = Annotated[
    Path, typer.Option("--data", help="Folder with the data sets, as their sources distribute them, at the top or in folders.")
]
Budget = Annotated[
    str,
    typer.Option("--budget", help="Time for each training, such as 90s, 10m or 2h30m; 0 for as long as the recipes say."),
]
MaxLength = Annotated[
    int | None, typer.Option("--max-length", help="Cut sequences to this many characters. (default: as published)")
]
Seeds = Annotated[int, typer.Option("--seeds", help="Trainings of each method on each task, with seeds 0, 1, 2 …")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="TABLE.OPTION=VALUE", help="Any setting for all trainings; repeat for more."),
]
Output = Annotated[
    Path, typer.Option("--output", "-o", help="Folder for reproduce.json, reproduce.html, prepared data and runs.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace OUTPUT, with its data, if it is a reproduction.")]


@app.command("lra")
@reported
def reproduce_lra(
    data: Data = Path(),
    tasks: Annotated[
        str | None,
        typer.Option(help="Any of text, listops, retrieval, pathfinder and image, separated by commas. (default: all)"),
    ] = None,
    methods: Annotated[
        str | None,
        typer.Option(
            help="Names of mixers, separated by commas; all for those of the published table. (default: paramixer, skyformer, kernelized, softmax)"
        ),
    ] = None,
    budget: Budget = "10m",
    max_length: MaxLength = None,
    seeds: Seeds = 1,
    generated: Annotated[
        bool, typer.Option("--generate", help="Generate listops and pathfinder if they are not found.")
    ] = False,
    train: Annotated[
        int | None,
        typer.Option("--train", help="Training samples to generate, and most to use of other tasks. (default: as published)"),
    ] = None,
    device: TrialDevice = None,
    threads: TrialThreads = None,
    jobs: Jobs = 1,
    settings: Settings = None,
    output: Output = Path("reproduce-lra"),
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Train on the tasks of the Long Range Arena found in the data folder, and compare with the Skyformer paper's Table 1.

    This takes tasks times methods times seeds times budget, divided by --jobs, plus the time to score the test splits.

    The same command resumes where it was stopped; with more tasks, methods or seeds, it runs the trainings that are missing.
    """
    _reproduce("lra", **locals())


@app.command("genome")
@reported
def reproduce_genome(
    data: Data = Path(),
    tasks: Annotated[
        str | None, typer.Option(help="Any of hfdna, hfdna-cdna and mtcdna, separated by commas. (default: all)")
    ] = None,
    methods: Annotated[
        str | None, typer.Option(help="paramixer, dna (seqmix's own) or both, separated by a comma. (default: both)")
    ] = None,
    budget: Budget = "10m",
    max_length: MaxLength = None,
    seeds: Seeds = 1,
    device: TrialDevice = None,
    threads: TrialThreads = None,
    jobs: Jobs = 1,
    settings: Settings = None,
    output: Output = Path("reproduce-genome"),
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Train on DNA of human and fruit fly, mouse and turtle, as in the Paramixer paper, and compare with k-mer models.

    hfdna is the non-coding RNA of NONCODE, which the published code has; hfdna-cdna is the cDNA of Ensembl. Files are found by
    the names of their sources, such as NONCODEv6_human.fa.gz and Mus_musculus.GRCm39.cdna.all.fa.gz.

    The same command resumes where it was stopped.
    """
    _reproduce("genome", **locals())


@app.command("scalability")
@reported
def reproduce_scalability(
    tasks: Annotated[str, typer.Option(help="adding, temporal-order or both, separated by a comma.")] = "adding,temporal-order",
    lengths: Annotated[str, typer.Option(help="Lengths in tokens, separated by commas; 1k is 1,024.")] = "128,256,512,1k,2k",
    mixers: Annotated[str, typer.Option(help="Names of mixers, separated by commas.")] = "paramixer,softmax,skyformer",
    budget: Annotated[str, typer.Option(help="Longest time for each training, such as 90s, 5m or 1h.")] = "10m",
    seeds: Seeds = 1,
    train: Annotated[int, typer.Option(help="Training samples of each length; models memorise fewer.")] = 100_000,
    test: Annotated[int, typer.Option(help="Test samples; the validation split has half as many.")] = 1000,
    device: TrialDevice = None,
    threads: TrialThreads = None,
    jobs: Jobs = 1,
    settings: MixerSettings = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for scalability.html, figures, data and runs.")] = Path(
        "reproduce-scalability"
    ),
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Train mixers for an equal time on synthetic tasks of increasing length, and draw their error over the length.

    This takes at most tasks times lengths times mixers times seeds times budget, divided by --jobs; less if tasks are solved.

    The same command resumes where it was stopped; with more tasks, lengths, mixers or seeds, it runs what is missing.
    """
    from seqmix.cli.campaign_display import campaign_display, print_campaign
    from seqmix.experiments.scalability.report import scalability_headline, scalability_table
    from seqmix.experiments.scalability.reproduce import reproduce_scalability as run_scalability
    from seqmix.reporting.text import parse_lengths

    with campaign_display("reproducing", scalability_headline, quiet) as on_event:
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
            on_event=on_event,
        )
    files = output / "scalability.html", output / "scalability.png"
    print_campaign(result, scalability_table(result), result.failures, *files, quiet)


def _reproduce(
    suite: str,
    *,
    output: Path,
    quiet: bool,
    tasks: str | None,
    methods: str | None,
    settings: Sequence[str] | None,
    **options: Any,
) -> None:
    """Run a suite, given its command's options, which have the names of the parameters of `seqmix.reproduce`."""
    from seqmix.cli.campaign_display import campaign_display, print_campaign
    from seqmix.experiments.reproduction.report import reproduction_headline, reproduction_table
    from seqmix.experiments.reproduction.reproduce import reproduce

    with campaign_display("reproducing", reproduction_headline, quiet) as on_event:
        result = reproduce(
            suite,
            output=output,
            tasks=names(tasks),
            methods=names(methods),
            settings=settings or (),
            on_event=on_event,
            **options,
        )
    notes = [*result.failures, result.conditions]
    files = output / "reproduce.html", output / "reproduce.json"
    print_campaign(result, reproduction_table(result), notes, *files, quiet)

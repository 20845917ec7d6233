"""The command line of learning curves: `seqmix learning-curve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from seqmix.cli.console import reported
from seqmix.cli.options import TRAIN_FLAGS, ConfigFile, Jobs, Quiet, Recipe, Settings, TrialThreads, with_flags

app = typer.Typer()


@app.command("learning-curve")
@with_flags(TRAIN_FLAGS)
@reported
def learning_curve(
    data: Annotated[Path | None, typer.Argument(help="Data set. (default: seqmix-data)")] = None,
    shares: Annotated[str, typer.Option(help="Percentages of the training records, separated by commas.")] = "10,20,40,80,100",
    seeds: Annotated[int, typer.Option(help="Draws of each share, and seeds of the trainings, from --seed on.")] = 3,
    score_on: Annotated[
        Literal["test", "val"],
        typer.Option(
            help="Split that is scored; val leaves the test split unseen, but weights are chosen by it, so that scores are too high."
        ),
    ] = "test",
    baselines: Annotated[bool, typer.Option(help="Also fit simple methods to the same shares.")] = True,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for learning-curve.html, the figure and the runs.")
    ] = Path("learning-curve"),
    recipe: Recipe = None,
    config: ConfigFile = None,
    settings: Settings = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUTPUT if it is a learning curve.")] = False,
    quiet: Quiet = False,
    threads: TrialThreads = None,
    jobs: Jobs = 1,
    **options: Any,
) -> None:
    """Train on growing shares of the training records, to see whether more of them would help.

    This takes shares times seeds trainings, divided by --jobs; --budget is the time of each.

    The same command resumes where it was stopped; with more shares or seeds, it runs the trainings that are missing.
    """
    from seqmix.cli.campaign_display import campaign_display, print_campaign
    from seqmix.experiments.learning_curve.learning_curve import learning_curve as run_learning_curve
    from seqmix.experiments.learning_curve.report import learning_curve_table
    from seqmix.experiments.learning_curve.shares import parse_shares
    from seqmix.experiments.trial_table import trial_headline

    with campaign_display("learning curve", trial_headline, quiet) as on_event:
        result = run_learning_curve(
            data,
            output,
            shares=parse_shares(shares),
            seeds=seeds,
            score_on=score_on,
            baselines=baselines,
            recipe=recipe,
            config=config,
            settings=settings or (),
            threads=threads,
            jobs=jobs,
            overwrite=overwrite,
            on_event=on_event,
            **options,
        )
    files = output / "learning-curve.html", output / "learning-curve.png"
    print_campaign(result, learning_curve_table(result), result.notes, *files, quiet, verdict=result.verdict)

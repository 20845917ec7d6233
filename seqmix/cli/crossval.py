"""The command line of cross-validation: `seqmix crossval`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from seqmix.cli.console import reported
from seqmix.cli.options import TRAIN_FLAGS, ConfigFile, Jobs, Quiet, Recipe, Settings, TrialThreads, with_flags

app = typer.Typer()


@app.command()
@with_flags(TRAIN_FLAGS)
@reported
def crossval(
    data: Annotated[Path | None, typer.Argument(help="Data set. (default: seqmix-data)")] = None,
    folds: Annotated[int, typer.Option(help="Parts that are predicted in turn, each by a model trained on the others.")] = 5,
    seeds: Annotated[
        int, typer.Option(help="Trainings of each fold, with seeds from --seed on; the mean of their predictions counts.")
    ] = 1,
    keep_test: Annotated[
        bool, typer.Option("--keep-test", help="Leave the test split out of it, for a final evaluation.")
    ] = False,
    baselines: Annotated[bool, typer.Option(help="Also fit simple methods, and compare with the best in each fold.")] = True,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for crossval.html, crossval.tsv, the runs, and their ensemble.")
    ] = Path("crossval"),
    recipe: Recipe = None,
    config: ConfigFile = None,
    settings: Settings = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUTPUT if it is a cross-validation.")] = False,
    quiet: Quiet = False,
    threads: TrialThreads = None,
    jobs: Jobs = 1,
    **options: Any,
) -> None:
    """Predict every record once, by a model that has seen neither it nor its relatives, and score all records together.

    This takes folds times seeds trainings, divided by --jobs; --budget is the time of each.

    predict takes OUTPUT/ensemble as a run: the models of all folds answer together.

    The same command resumes where it was stopped.
    """
    from seqmix.cli.campaign_display import campaign_display, print_campaign
    from seqmix.experiments.crossval.crossval import crossval as run_crossval
    from seqmix.experiments.crossval.report import crossval_table
    from seqmix.experiments.trial_table import trial_headline

    with campaign_display("cross-validating", trial_headline, quiet) as on_event:
        result = run_crossval(
            data,
            output,
            folds=folds,
            seeds=seeds,
            keep_test=keep_test,
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
    files = output / "crossval.html", output / "crossval.tsv"
    verdict = [result.verdict] if result.verdict else []
    print_campaign(result, crossval_table(result), [*result.leaks, *result.failures], *files, quiet, verdict=verdict)

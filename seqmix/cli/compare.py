"""The command line of comparisons: `seqmix compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seqmix.cli.console import reported
from seqmix.cli.options import Device, Jobs, MixerSettings, Quiet, TrialPrecision, TrialThreads, names

app = typer.Typer()


@app.command()
@reported
def compare(
    data: Annotated[Path | None, typer.Argument(help="Data set. (default: seqmix-data)")] = None,
    mixers: Annotated[
        str | None, typer.Option(help="Names of mixers, separated by commas. (default: all installed mixers)")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Trainings of each mixer, with seeds 0, 1, 2 …")] = 3,
    budget: Annotated[
        str, typer.Option(help="Time for each training, such as 90s, 5m or 2h30m; 0 for as many epochs as the settings say.")
    ] = "5m",
    max_length: Annotated[
        int | None, typer.Option(help="Cut sequences to this many characters. (default: as prepared)")
    ] = None,
    recipe: Annotated[str | None, typer.Option(help="Settings that come with seqmix, for all mixers.")] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file with settings for all mixers.")] = None,
    settings: MixerSettings = None,
    device: Device = "auto",
    precision: TrialPrecision = None,
    threads: TrialThreads = None,
    jobs: Jobs = 1,
    baselines: Annotated[bool, typer.Option(help="Also fit and score simple methods.")] = True,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for compare.json, compare.html and the runs.")] = Path(
        "compare"
    ),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUTPUT if it is a comparison.")] = False,
    quiet: Quiet = False,
) -> None:
    """Train every mixer with several seeds for an equal time, and score all of them and simple methods on the test split.

    This takes mixers times seeds times budget, divided by --jobs.

    The same command resumes an interrupted comparison; with more mixers or seeds, it runs the trainings that are missing.
    """
    from seqmix.cli.campaign_display import campaign_display, print_campaign
    from seqmix.experiments.comparison.compare import compare as run_compare
    from seqmix.experiments.comparison.report import comparison_table, distinction_table
    from seqmix.experiments.trial_table import trial_headline

    with campaign_display("comparing", trial_headline, quiet) as on_event:
        result = run_compare(
            data,
            output,
            mixers=names(mixers),
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
            baselines=baselines,
            overwrite=overwrite,
            on_event=on_event,
        )
    files = output / "compare.html", output / "compare.json"
    more = [distinction_table(result)] if result.distinctions else []
    print_campaign(result, comparison_table(result), result.notes, *files, quiet, more=more, verdict=result.verdict)

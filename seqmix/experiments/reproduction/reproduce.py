"""`reproduce` repeats the papers' experiments: it prepares the data it finds, trains each method as its recipe says (or for a
time budget), and compares its results with the published ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seqmix.config.tables import settings_tables
from seqmix.errors import ConfigError, param, suggestion
from seqmix.experiments.events import OnEvent
from seqmix.experiments.reproduction.campaign import ReproductionCampaign
from seqmix.experiments.reproduction.papers import SUITES, Experiment
from seqmix.experiments.reproduction.result import Reproduction
from seqmix.experiments.request import check_mixers, check_request, shared_settings
from seqmix.mixers import available_mixers
from seqmix.system.arguments import typed
from seqmix.system.environment import environment
from seqmix.training.resolve import check_tables

_OWN = ("model.mixer", "training.seed", "training.budget", "data.path", "data.max_length")


@typed()
def reproduce(
    suite: str,
    data: str | Path = ".",
    output: str | Path = "reproduce",
    *,
    tasks: Sequence[str] | None = None,
    methods: Sequence[str] | None = None,
    budget: float | str = "10m",
    max_length: int | None = None,
    seeds: int = 1,
    generated: bool = False,
    train: int | None = None,
    settings: Sequence[str] = (),
    device: str | None = None,
    threads: int | None = None,
    jobs: int = 1,
    overwrite: bool = False,
    on_event: OnEvent | None = None,
) -> Reproduction:
    """Run the experiments of a paper on the data available, and write `reproduce.json` and `reproduce.html`.

    A call with the `output` of an earlier one resumes it: data are prepared once, finished trainings are not repeated,
    interrupted ones resume, failed ones are retried. The table has everything ever finished there.

    Args:
        suite: "lra" or "genome".
        data: folder that is searched, with its sub-folders, for data sets in the form of their sources.
        output: folder for the two files, `data/<task>`, and `runs/<task>-<method>-seed<k>`, ordinary run folders.
        tasks: names of tasks; all if None.
        methods: names of methods; if None, the `methods` of the `papers.Suite`; "all" for those of its table.
        budget: time of each training, as in `train`; 0 for as long as the recipes say.
        max_length: length that sequences are truncated to; the published length if None.
        seeds: trainings of each method on each task, with the seeds 0, 1, 2 ...
        generated: whether to generate data that are not found, where possible.
        train: number of training samples to generate; as published if None.
        settings: "table.option=value" each, for all trainings.
        device: as in `train`.
        threads: threads of each training, as in `compare`.
        jobs: trainings run in parallel.
        overwrite: whether to replace an earlier reproduction and its data.
        on_event: called with every `CampaignEvent`.

    Returns:
        The results; after an interruption (KeyboardInterrupt), the results so far.

    Raises:
        ConfigError: an option is not allowed.
        InputError: there are no data.
        RunError: `output` is in the way, or has other settings.
        SeqmixError: every training failed.
    """
    options = ("methods", "seeds", "budget", "max_length")
    check_request(
        settings,
        _OWN,
        f"a reproduction sets it itself; use {', '.join(param(name) for name in options)}",
        budget,
        seeds=seeds,
        jobs=jobs,
        threads=threads,
        train=train,
        max_length=max_length,
    )
    if suite not in SUITES:
        raise ConfigError(f"there are no experiments '{suite}'; there are: {', '.join(SUITES)}{suggestion(suite, SUITES)}")
    paper = SUITES[suite]
    experiments = paper.chosen_experiments(tasks)
    chosen = paper.chosen_methods(methods)
    if train is not None and not generated:
        together, generate = param("train", train), param("generated", True)
        raise ConfigError(f"{together} goes with {generate} only: add it, or leave out {param('train')}", option="train")
    _check_settings(experiments, chosen, settings)
    shared = shared_settings(budget, settings, device, threads, jobs, max_length=max_length)
    found = Reproduction(suite=paper, settings=shared, environment=environment())
    campaign = ReproductionCampaign(Path(output), found, on_event, experiments, chosen, seeds, device, train)
    campaign.find_data(Path(data), generated, overwrite)
    return campaign.run(overwrite)


def _check_settings(experiments: Sequence[Experiment], methods: Sequence[str], settings: Sequence[str]) -> None:
    """Refuse invalid settings early: preparing data may take long before the first training starts.

    Raises:
        ConfigError: a setting is not allowed.
    """
    check_mixers([method for method in methods if method in available_mixers()], importable=True)
    stated = settings_tables(settings)
    for experiment in experiments:
        for method in methods:
            if experiment.recipe(method):
                check_tables(experiment.tables(method), stated)

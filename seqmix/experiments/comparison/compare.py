"""Mixers side by side: `compare` trains each with several seeds on one data set, with one budget of time, and scores all
on the test split, beside the simple methods.

Every training is a trial in a process of its own and an ordinary run folder. What is finished is
not done again: the same call goes on where the last was stopped, and one with more mixers or seeds runs what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from seqmix.config import Config, read_toml
from seqmix.data.dataset import Dataset
from seqmix.errors import DatasetError, SeqmixError
from seqmix.evaluation.baselines import baselines_of
from seqmix.experiments.comparison.report import write_comparison
from seqmix.experiments.comparison.result import Comparison
from seqmix.experiments.scheduler import (
    PlannedTrial,
    ResultsFolder,
    all_finished,
    check_request,
    of_mixer,
    open_results,
    other_config,
    other_settings,
    run_trials,
)
from seqmix.experiments.trial import Trial
from seqmix.mixers import available_mixers
from seqmix.objectives.base import objective_of
from seqmix.reporting.text import parse_duration
from seqmix.system.devices import choose_device, thread_count
from seqmix.system.environment import environment
from seqmix.system.files import write_whole
from seqmix.training.resolve import resolve_run

_OWN = ("model.mixer", "training.seed", "training.budget", "data.path")  # what a comparison sets itself


def compare(
    data: str | Path | Dataset | None = None,
    output: str | Path = "compare",
    *,
    mixers: Sequence[str] | None = None,
    seeds: int = 3,
    budget: float | str = "5m",
    max_length: int | None = None,
    recipe: str | None = None,
    config: str | Path | None = None,
    settings: Sequence[str] = (),
    device: str | None = None,
    precision: str | None = None,
    threads: int | None = None,
    jobs: int = 1,
    baselines: bool = True,
    overwrite: bool = False,
    on_start: Callable[[int], object] | None = None,
    on_begin: Callable[[str, int], object] | None = None,
    on_trial: Callable[[Trial, bool], object] | None = None,
) -> Comparison:
    """Trains every mixer with every seed under equal conditions, and writes `compare.json` and `compare.html`.

    A call with the `output` of an earlier one goes on with it: finished trainings are not run again, interrupted ones go
    on, failed ones are tried again. Its table has all that was ever finished there.

    Args:
        data: the data set or its folder; None: what `config` names, else "seqmix-data".
        output: folder for the two files and `runs/<mixer>-seed<k>`, which are ordinary run folders.
        mixers: their names; None: all that are installed.
        seeds: how many; they are 0, 1, 2 ...
        budget: of each training, as in `train`; 0: as many epochs as the settings say.
        max_length ... precision: as in `train`, the same for all, but for settings such as "paramixer:mixer.n_links=9", which
            are those of one mixer.
        threads: of the CPU, of each training; None: those of the computer, shared out among `jobs`.
        jobs: trainings side by side. On a CPU, as many as cores with a thread each get more done than one with all cores.
        baselines: also fit and score the simple methods.
        overwrite: replace an earlier comparison.
        on_start: called with the number of trainings; on_begin: with mixer and seed before one that is run; on_trial: with
            each that ended, and whether it was run now.

    Returns:
        What was found. After an interruption (KeyboardInterrupt): what was found till then.

    Raises:
        ConfigError, DatasetError: see their messages; RunError: `output` is in the way, or has other settings.
        SeqmixError: every training failed; the message says why.
    """
    names = list(dict.fromkeys(mixers or available_mixers()))
    results = ResultsFolder(folder=Path(output), kind="comparison", name="compare")
    seconds = parse_duration(budget) if isinstance(budget, str) else budget
    check_request(
        seeds,
        jobs,
        settings,
        _OWN,
        "a comparison sets it itself; use --mixers, --seeds, --budget and DATA",
    )
    common = {"budget": seconds, "max_length": max_length, "device": device, "precision": precision}
    dataset, plan = _plan(data, names, seeds, common, recipe, config, settings)
    with thread_count(threads):
        count = threads or max(1, torch.get_num_threads() // jobs)
        shared = common | {
            "recipe": recipe,
            "config": read_toml(config) if config else None,
            "settings": list(settings),
            "device": str(choose_device(device or "auto")),
            "threads": count,
            "jobs": jobs,
        }
        comparison = _new_comparison(dataset, shared)
    planned = [_planned(one, dataset) for one in plan]

    def differing(earlier: Mapping[str, Any]) -> list[str]:
        # Where what all share is the same, runs can only differ by what another version of seqmix takes as default.
        return _differences(earlier, comparison) or [
            line for one in planned for line in other_config(results.folder / one.place, one.config)
        ]

    earlier = open_results(results, differing, overwrite)
    if on_start:
        on_start(len(planned))

    def begin(one: PlannedTrial) -> None:
        if on_begin:
            on_begin(one.config.model.mixer, one.config.training.seed)

    try:
        if baselines:
            comparison.baselines = earlier.get("baselines") or baselines_of(dataset, plan[0].data)
        _save(comparison, results)
        for trial, run_now in run_trials(planned, results.folder, threads=count, jobs=jobs, on_begin=begin):
            comparison.trials.append(trial)
            _save(comparison, results)
            if on_trial:
                on_trial(trial, run_now)
    except KeyboardInterrupt:
        comparison.interrupted = True
    order = [one.place.as_posix() for one in planned]
    comparison.trials.sort(key=lambda trial: order.index(trial.folder))
    result = _save(comparison, results)
    write_comparison(result, results.html)
    if result.trials and all(trial.error for trial in result.trials):
        raise SeqmixError(f"every training failed: {'; '.join(result.notes)}")
    return result


def _plan(
    data: str | Path | Dataset | None,
    mixers: Sequence[str],
    seeds: int,
    common: Mapping[str, Any],
    recipe: str | None,
    config: str | Path | None,
    settings: Sequence[str],
) -> tuple[Dataset, list[Config]]:
    """The data set and the configuration of every training: all mixers with the first seed, then with the second ..."""
    plan: list[Config] = []
    for seed in range(seeds):
        for mixer in mixers:
            data, resolved = resolve_run(
                data, {**common, "mixer": mixer, "seed": seed}, recipe, config, of_mixer(settings, mixer)
            )
            plan.append(resolved)
    assert isinstance(data, Dataset)
    if not len(data.indices("test")):
        raise DatasetError(f"{data.path}: the test split is empty; prepare it again with another --split")
    return data, plan


def _new_comparison(dataset: Dataset, settings: dict[str, Any]) -> Comparison:
    objective = objective_of(dataset.info)
    data = {
        "path": str(dataset.path.absolute()),
        "fingerprint": dataset.fingerprint,
        "classes": dataset.classes,
        "counts": dataset.sizes,
        "task": objective.kind,
        "scores": list(objective.columns[:3]),
    }
    return Comparison(settings=settings, data=data, environment=environment())


def _differences(earlier: Mapping[str, Any], comparison: Comparison) -> list[str]:
    found = []
    if earlier["data"]["fingerprint"] != comparison.data["fingerprint"]:
        found.append(f"data: {earlier['data']['path']} with other content there, {comparison.data['path']} now")
    return found + other_settings(earlier["settings"], comparison.settings)


def _planned(config: Config, dataset: Dataset) -> PlannedTrial:
    place = Path("runs") / f"{config.model.mixer}-seed{config.training.seed}"
    return PlannedTrial(place=place, data=dataset.path, config=config)


def _save(comparison: Comparison, results: ResultsFolder) -> Comparison:
    """Writes `compare.json`; the comparison with all that was ever finished in its folder."""
    known = {trial.folder for trial in comparison.trials}
    found = [trial for trial in all_finished(results.folder) if trial.folder not in known]
    whole = replace(comparison, trials=[*comparison.trials, *found])
    write_whole(results.json, whole.to_json())
    return whole

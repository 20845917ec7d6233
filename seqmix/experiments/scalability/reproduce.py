"""How far a mixer carries: each is trained on a synthetic task at growing lengths, in the same time, and its test error is
drawn over the length. The figure of the Paramixer paper (section 4, "synthetic data"; there from 2^7 to 2^15).

Every training is a trial in a process of its own and an ordinary run folder, on data that are generated once; what
is finished is not done again. A training ends before its time when at most one in 500 answers on the validation split is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import torch

from seqmix.data.dataset import Dataset
from seqmix.data.synthetic.generate import generate
from seqmix.errors import ConfigError, RunError
from seqmix.experiments.scalability.report import write_scalability
from seqmix.experiments.scalability.result import Point, Scalability, cell_of, error_of
from seqmix.experiments.scheduler import (
    PlannedTrial,
    ResultsFolder,
    all_finished,
    check_request,
    of_mixer,
    open_results,
    other_config,
    other_settings,
    refuse,
    run_trials,
)
from seqmix.experiments.spread import spread
from seqmix.experiments.trial import Trial
from seqmix.mixers import mixer_class
from seqmix.reporting.text import parse_duration
from seqmix.system.devices import choose_device, thread_count
from seqmix.system.environment import environment
from seqmix.system.files import write_whole
from seqmix.training.resolve import resolve_run

TASKS = ("adding", "temporal-order")
LENGTHS = (128, 256, 512, 1024, 2048)
MIXERS = ("paramixer", "softmax", "skyformer")

_OWN = ("model.mixer", "training.seed", "training.budget", "data.path")

# The same for all mixers but where a mixer needs its own. Marked values are added up wherever they stand; the order of two
# symbols can be told only by who knows where they stand, and is learned sooner where near positions begin alike.
_SETTINGS = (
    "model.d_model=32",
    "model.d_feedforward=64",
    "model.blocks=2",
    "model.stem=none",
    "model.positions=true",
    "paramixer:model.blocks=1",
    "paramixer:model.norm=false",
    "paramixer:mixer.d_hidden=32",
    "paramixer:mixer.rescale_every=0",  # how large a value is must not depend on what else the sequence holds
    "training.batch_size=16",
    "training.validate_every=100",
    "training.goal=0.998",
    "training.weight_decay=0.0",
)
_OF_TASK = {
    "adding": ("training.select=within", "paramixer:model.positions=false", "paramixer:training.lr=0.001"),
    "temporal-order": (
        "training.select=accuracy",
        "model.position_start=sinusoidal",
        "model.position_std=0.2",
        "paramixer:model.pooling=flat",
        "paramixer:training.lr=0.003",
    ),
}


def reproduce_scalability(
    output: str | Path = "reproduce-scalability",
    *,
    tasks: Sequence[str] = TASKS,
    lengths: Sequence[int] = LENGTHS,
    mixers: Sequence[str] = MIXERS,
    seeds: int = 1,
    budget: float | str = "10m",
    train: int = 100_000,
    test: int = 1000,
    settings: Sequence[str] = (),
    device: str | None = None,
    threads: int | None = None,
    jobs: int = 1,
    overwrite: bool = False,
    on_stage: Callable[[str], object] | None = None,
    on_start: Callable[[int], object] | None = None,
    on_begin: Callable[[str], object] | None = None,
    on_trial: Callable[[Trial, bool], object] | None = None,
) -> Scalability:
    """Trains mixers on synthetic tasks of growing length; writes `scalability.json`, `.html`, `.svg` and `.png`.

    A call with the `output` of an earlier one goes on with it: what is finished is not run again, and figure and table have
    all that was ever finished there.

    Args:
        output: folder; in it `data/<task>-<length>` and `runs/<task>-<length>-<mixer>-seed<k>`, ordinary run folders.
        tasks: of `TASKS`; lengths: in tokens; mixers: their names; seeds: how many trainings of each.
        budget: time of each training, at most, as in `train`.
        train, test: samples of the splits; the validation split has half as many as the test split.
        settings: "table.option=value", or "mixer:table.option=value" for one mixer, on top of the module's own.
        device, threads, jobs: as in `compare`.
        overwrite: replace an earlier one, its data, too.
        on_stage: called with what is done before the trainings, in words; on_start: with the number of trainings;
            on_begin: with the name of each that begins; on_trial: with each that ended, and whether it was run now.

    Returns:
        What was found. After an interruption (KeyboardInterrupt): what was found till then.

    Raises:
        ConfigError: an option is not allowed; RunError: the folder is something else, or has other settings.
    """
    _check(tasks, lengths, mixers, train, test)
    check_request(seeds, jobs, settings, _OWN, "the figure sets it itself; use --mixers, --seeds and --budget")
    with thread_count(threads):
        count = threads or max(1, torch.get_num_threads() // jobs)
    shared = {
        "budget": parse_duration(budget) if isinstance(budget, str) else budget,
        "settings": list(settings),
        "device": str(choose_device(device or "auto")),
        "threads": count,
        "jobs": jobs,
        "train": train,
    }
    results = ResultsFolder(folder=Path(output), kind="figure of error over length", name="scalability", parts=("runs", "data"))
    result = Scalability(settings=shared, environment=environment(), test=test)
    asked = {**shared, "test": test}
    open_results(results, lambda old: other_settings({**old["settings"], "test": old["test"]}, asked), overwrite)
    write_whole(results.json, result.to_json())
    if on_start:
        on_start(len(tasks) * len(lengths) * len(mixers) * seeds)
    trials: list[Trial] = []
    try:
        plan = list(_plan(results.folder, product(tasks, sorted(lengths)), mixers, seeds, shared, test, on_stage))
        refuse(results, [line for one in plan for line in other_config(results.folder / one.place, one.config)])
        for trial, run_now in run_trials(
            plan, results.folder, threads=count, jobs=jobs, on_begin=lambda one: on_begin and on_begin(one.place.name)
        ):
            trials.append(trial)
            if on_trial:
                on_trial(trial, run_now)
    except KeyboardInterrupt:
        result.interrupted = True
    known = {trial.folder for trial in trials}
    result.points = _points([*trials, *(t for t in all_finished(results.folder) if t.folder not in known)], mixers)
    write_whole(results.json, result.to_json())
    if result.points:
        write_scalability(result, results.folder)
    return result


def _plan(
    folder: Path,
    cells: Iterable[tuple[str, int]],
    mixers: Sequence[str],
    seeds: int,
    shared: dict[str, Any],
    test: int,
    on_stage: Callable[[str], object] | None,
) -> Iterator[PlannedTrial]:
    """Every training, short sequences first; their data are generated where they are not there."""
    for task, length in cells:
        data = _data(folder / "data" / f"{task}-{length}", task, length, shared["train"], test, on_stage)
        settings = [*_SETTINGS, *_OF_TASK[task], *shared["settings"]]
        for seed, mixer in product(range(seeds), mixers):
            options = {"mixer": mixer, "seed": seed, "budget": shared["budget"], "device": shared["device"]}
            _, config = resolve_run(data, options, settings=of_mixer(settings, mixer))
            yield PlannedTrial(place=Path("runs") / f"{task}-{length}-{mixer}-seed{seed}", data=data.path, config=config)


def _check(tasks: Sequence[str], lengths: Sequence[int], mixers: Sequence[str], train: int, test: int) -> None:
    for mixer in mixers:
        mixer_class(mixer)
    if strange := [task for task in tasks if task not in TASKS]:
        raise ConfigError(f"--tasks: '{strange[0]}' is none of {', '.join(TASKS)}")
    if not tasks or not lengths or min(lengths) < 2:
        raise ConfigError("--tasks and --lengths must name one at least, and lengths are of 2 tokens or more")
    if train < 1 or test < 2:
        raise ConfigError(f"--train must be at least 1 and --test at least 2: got {train} and {test}")


def _data(path: Path, task: str, length: int, train: int, test: int, on_stage: Callable[[str], object] | None) -> Dataset:
    """The task's data, generated now or before."""
    wanted = {"task": task, "length": length, "train": train, "val": test // 2, "test": test, "seed": 0}
    if (path / "dataset.json").is_file():
        dataset = Dataset.open(path)
        if dataset.info.get("generated") != wanted:
            raise RunError(
                f"{path}: was generated with other options ({dataset.info.get('generated')}) than {wanted}; choose another "
                "--output, or repeat the command with those"
            )
        return dataset
    if on_stage:
        on_stage(f"{path.name}: generating")
    return generate(task, path, length=length, train=train, val=test // 2, test=test, seed=0)


def _points(found: Sequence[Trial], asked: Sequence[str]) -> list[Point]:
    """One for each task, length and mixer, in this order; mixers that were not asked for this time come last, by name."""
    points = []
    mixers = list(dict.fromkeys([*asked, *sorted(trial.mixer for trial in found)]))
    cells = {cell_of(trial) for trial in found}
    for task, length, mixer in sorted(cells, key=lambda cell: (TASKS.index(cell[0]), cell[1], mixers.index(cell[2]))):
        trials = [trial for trial in found if cell_of(trial) == (task, length, mixer)]
        worked = [trial for trial in trials if not trial.error]
        batch = trials[0].settings["training"]["batch_size"]
        points.append(
            Point(
                task=task,
                length=length,
                mixer=mixer,
                error=spread([error_of(trial) for trial in worked]),
                seconds=sum(trial.seconds for trial in worked) / max(1, len(worked)),
                samples=batch * sum(trial.steps for trial in worked) / max(1, len(worked)),
                reasons=sorted({trial.error or trial.reason for trial in trials}),
                failed=len(trials) - len(worked),
            )
        )
    return points

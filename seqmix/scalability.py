"""How far a mixer carries: each is trained on a synthetic task at growing lengths, in the same time, and its test error is
drawn over the length. The figure of the Paramixer paper (section 4, "synthetic data"; there from 2^7 to 2^15).

Every (task, length) is a comparison (see `comparing`) in a folder of its own, on data that are generated once; what is
finished is not done again. A training ends before its time when at most one in 500 answers on the validation split is wrong.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from seqmix.comparing import compare
from seqmix.comparison import spread
from seqmix.dataset import Dataset
from seqmix.errors import ConfigError, RunError
from seqmix.generation import generate
from seqmix.regression import WITHIN
from seqmix.run import write_whole
from seqmix.scalability_report import write_scalability
from seqmix.scalability_result import Point, Scalability
from seqmix.trial import Trial, finished_trial

TASKS = ("adding", "temporal-order")
LENGTHS = (128, 256, 512, 1024, 2048)
MIXERS = ("paramixer", "softmax", "skyformer")

# The same for all mixers but where a mixer needs its own. Marked values are added up wherever they stand; the order of two
# symbols can be told only by who knows where they stand.
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
    "adding": ("training.select=within", "paramixer:model.positions=false", "paramixer:training.lr=0.01"),
    "temporal-order": ("training.select=accuracy", "paramixer:model.pooling=flat", "paramixer:training.lr=0.003"),
}


def reproduce_scalability(
    output: str | Path = "scalability",
    *,
    tasks: Sequence[str] = TASKS,
    lengths: Sequence[int] = LENGTHS,
    mixers: Sequence[str] = MIXERS,
    seeds: int = 1,
    budget: float | str = "5m",
    train: int = 20_000,
    test: int = 1000,
    settings: Sequence[str] = (),
    device: str | None = None,
    threads: int | None = None,
    jobs: int = 1,
    overwrite: bool = False,
    on_start: Callable[[int], object] | None = None,
    on_begin: Callable[[str], object] | None = None,
    on_trial: Callable[[str, Trial, bool], object] | None = None,
) -> Scalability:
    """Trains mixers on synthetic tasks of growing length; writes `scalability.json`, `.html`, `.svg` and `.png`.

    A call with the `output` of an earlier one goes on with it: what is finished is not run again, and figure and table have
    all that was ever finished there.

    Args:
        output: folder; in it `data/<task>-<length>` and `<task>-<length>/runs/<mixer>-seed<k>`, ordinary run folders.
        tasks: of `TASKS`; lengths: in tokens; mixers: their names; seeds: how many trainings of each.
        budget: time of each training, at most, as in `train`.
        train, test: samples of the splits; the validation split has half as many as the test split.
        settings: "table.option=value", or "mixer:table.option=value" for one mixer, on top of the module's own.
        device, threads, jobs: as in `compare`.
        overwrite: replace an earlier one, its data, too.
        on_start: called with the number of trainings; on_begin: with what is done next, in words; on_trial: with the place
            of each training that ended, what it gave, and whether it was run now.

    Returns:
        What was found. After an interruption (KeyboardInterrupt): what was found till then.

    Raises:
        ConfigError: an option is not allowed; RunError: the folder is something else, or has other settings.
    """
    _check(tasks, lengths, train, test)
    folder = _opened(Path(output), overwrite)
    result: Scalability | None = None
    if on_start:
        on_start(len(tasks) * len(lengths) * len(mixers) * seeds)
    for task in tasks:
        for length in sorted(lengths):
            place = f"{task}-{length}"
            data = _data(folder / "data" / place, task, length, train, test, on_begin)
            found = compare(
                data,
                folder / place,
                mixers=mixers,
                seeds=seeds,
                budget=budget,
                settings=[*_SETTINGS, *_OF_TASK[task], *settings],
                device=device,
                threads=threads,
                jobs=jobs,
                baselines=False,
                on_begin=lambda mixer, seed, place=place: on_begin(f"{place} {mixer}") if on_begin else None,  # type: ignore[misc]
                on_trial=lambda trial, now, place=place: on_trial(place, trial, now) if on_trial else None,  # type: ignore[misc]
            )
            if result is None:
                result = Scalability(settings={**found.settings, "train": train}, environment=found.environment, test=test)
            result.points += _points(task, length, found.trials)
            result.interrupted = found.interrupted
            write_whole(folder / "scalability.json", result.to_json())
            if found.interrupted:
                break
    assert result is not None
    result.points = _with_earlier(folder, result.points)
    write_whole(folder / "scalability.json", result.to_json())
    write_scalability(result, folder)
    return result


def _check(tasks: Sequence[str], lengths: Sequence[int], train: int, test: int) -> None:
    if strange := [task for task in tasks if task not in TASKS]:
        raise ConfigError(f"--tasks: '{strange[0]}' is none of {', '.join(TASKS)}")
    if not tasks or not lengths or min(lengths) < 2:
        raise ConfigError("--tasks and --lengths must name one at least, and lengths are of 2 tokens or more")
    if train < 1 or test < 2:
        raise ConfigError(f"--train must be at least 1 and --test at least 2: got {train} and {test}")


def _opened(folder: Path, overwrite: bool) -> Path:
    """The folder, made, or as an earlier call has left it."""
    kept = folder / "scalability.json"
    if folder.exists() and not kept.is_file() and not (folder.is_dir() and not any(folder.iterdir())):
        raise RunError(f"{folder} exists and is none of seqmix reproduce scalability: choose another --output")
    try:
        if overwrite and folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder}: cannot be written: {error.strerror or error}") from error
    if not kept.is_file():
        write_whole(kept, "{}\n")
    return folder


def _data(path: Path, task: str, length: int, train: int, test: int, on_begin: Callable[[str], object] | None) -> Dataset:
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
    if on_begin:
        on_begin(f"generating {path.name}")
    return generate(task, path, length=length, train=train, val=test // 2, test=test, seed=0)


def _with_earlier(folder: Path, points: list[Point]) -> list[Point]:
    """All that was ever finished in the folder, in order of task and length."""
    known = {(point.task, point.length) for point in points}
    for kept in folder.glob("*/compare.json"):
        task, _, length = kept.parent.name.rpartition("-")
        if task in TASKS and length.isdecimal() and (task, int(length)) not in known:
            trials = [trial for run in sorted(kept.parent.glob("runs/*")) if (trial := finished_trial(run))]
            points = [*points, *_points(task, int(length), trials)]
    return sorted(points, key=lambda point: (TASKS.index(point.task), point.length))


def _points(task: str, length: int, found: Sequence[Trial]) -> list[Point]:
    score = WITHIN if task == "adding" else "accuracy"
    points = []
    for mixer in dict.fromkeys(trial.mixer for trial in found):
        trials = [trial for trial in found if trial.mixer == mixer]
        worked = [trial for trial in trials if not trial.error]
        errors = [1.0 - value if (value := trial.scores[score]) is not None else None for trial in worked]
        batch = found[0].settings["training"]["batch_size"]
        points.append(
            Point(
                task=task,
                length=length,
                mixer=mixer,
                error=spread(errors),
                seconds=sum(trial.seconds for trial in worked) / max(1, len(worked)),
                samples=batch * sum(trial.steps for trial in worked) / max(1, len(worked)),
                reasons=sorted({trial.error or trial.reason for trial in trials}),
                failed=len(trials) - len(worked),
            )
        )
    return points

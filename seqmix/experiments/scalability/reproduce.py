"""How error grows with length: every mixer is trained on synthetic tasks of growing length, in equal time. This repeats the
figure of the Paramixer paper (section 4, "synthetic data"; lengths 2^7 to 2^15 there).

Data are generated once. A training ends early when at most one in 500 predictions on the validation split is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

from seqmix.config.tables import settings_tables
from seqmix.data.dataset import Dataset
from seqmix.data.synthetic.generate import generate
from seqmix.errors import ConfigError, RunError, param
from seqmix.experiments.campaign import Campaign, different_settings
from seqmix.experiments.events import OnEvent
from seqmix.experiments.request import check_mixer_options, check_mixers, check_request, of_mixer, shared_settings
from seqmix.experiments.run_trial import Trial
from seqmix.experiments.scalability.report import write_scalability
from seqmix.experiments.scalability.result import TASKS, Scalability
from seqmix.experiments.scheduler import PlannedTrial
from seqmix.run import Run
from seqmix.system.arguments import typed
from seqmix.system.environment import environment
from seqmix.system.ranges import MOST_MADE, MOST_RECORDS, Range, check_number
from seqmix.training.resolve import check_tables, resolve_run

LENGTHS = (128, 256, 512, 1024, 2048)
MIXERS = ("paramixer", "softmax", "skyformer")

_OWN = ("model.mixer", "training.seed", "training.budget", "data.path")

# The same for all mixers, except where a mixer needs its own. Marked values count wherever they are, whereas the order of two
# symbols requires positions, and is learned sooner if nearby positions start out similar.
_SETTINGS = (
    "model.d_model=32",
    "model.d_feedforward=64",
    "model.blocks=2",
    "model.stem=none",
    "model.positions=true",
    "paramixer:model.blocks=1",
    "paramixer:model.norm=false",
    "paramixer:mixer.d_hidden=32",
    "paramixer:mixer.rescale_every=0",  # how large a value is must not depend on the rest of the sequence
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


@typed()
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
    on_event: OnEvent | None = None,
) -> Scalability:
    """Train mixers on synthetic tasks of increasing length; write `scalability.json`, `.html`, `.svg` and `.png`.

    A call with the `output` of an earlier one resumes it: finished trainings are not repeated, and the figure and table have
    all finished trainings in the folder.

    Args:
        output: folder for `data/<task>-<length>` and `runs/<task>-<length>-<mixer>-seed<k>`, ordinary run folders.
        tasks: some of `TASKS`.
        lengths: lengths in tokens.
        mixers: names of mixers.
        seeds: trainings of each mixer on each task at each length.
        budget: maximum time of each training, as in `train`.
        train: number of samples of the training splits.
        test: number of samples of the test splits; the validation splits have half as many.
        settings: "table.option=value" for all mixers, or "mixer:table.option=value" for one, on top of the module's own.
        device: as in `train`.
        threads: threads of each training, as in `compare`.
        jobs: trainings run in parallel.
        overwrite: whether to replace an earlier one and its data.
        on_event: called with every `CampaignEvent`.

    Returns:
        The results; after an interruption (KeyboardInterrupt), the results so far.

    Raises:
        ConfigError: an option is not allowed.
        RunError: the folder is something else, or has other settings.
        SeqmixError: every training failed.
    """
    check_mixers(mixers, importable=True)
    _check(tasks, lengths, test)
    instead = f"the figure sets it itself; use {param('mixers')}, {param('seeds')} and {param('budget')}"
    check_request(settings, _OWN, instead, budget, seeds=seeds, jobs=jobs, threads=threads, train=train)
    check_mixer_options(settings, mixers)
    for task, mixer in product(tasks, mixers):
        check_tables(settings_tables(of_mixer([*_SETTINGS, *_OF_TASK[task], *settings], mixer)), {"model": {"mixer": mixer}})
    shared = shared_settings(budget, settings, device, threads, jobs, train=train)
    result = Scalability(settings=shared, environment=environment(), test=test, mixers=mixers)
    cells = list(product(tasks, sorted(lengths)))
    return ScalabilityCampaign(Path(output), result, on_event, cells, seeds).run(overwrite)


def _check(tasks: Sequence[str], lengths: Sequence[int], test: int) -> None:
    for task in tasks:
        if task not in TASKS:
            raise ConfigError(f"{param('tasks')} must be among {', '.join(TASKS)}: got '{task}'", option="tasks")
    for name, values in {"tasks": tasks, "lengths": lengths}.items():
        if not values:
            raise ConfigError(f"{param(name)} must name at least one", option=name)
    for length in lengths:
        check_number("lengths", length, Range(at_least=2, at_most=MOST_MADE))
    check_number("test", test, Range(at_least=2, at_most=MOST_RECORDS))


class ScalabilityCampaign(Campaign[Scalability]):
    """Every mixer on every task and length, short sequences first.

    Args:
        cells: tasks and lengths.
        seeds: trainings of each mixer in each cell.
    """

    kind, name, subfolders = "figure of error over length", "scalability", ("runs", "data")

    def __init__(
        self,
        folder: Path,
        result: Scalability,
        on_event: OnEvent | None,
        cells: Sequence[tuple[str, int]],
        seeds: int,
    ) -> None:
        super().__init__(folder, result, on_event)
        self.cells, self.seeds = cells, seeds

    def differences(self, earlier: Mapping[str, Any]) -> list[str]:
        """Also compare the size of the test split."""
        here = {**self.result.settings, "test": self.result.test}
        return different_settings({**earlier["settings"], "test": earlier["test"]}, here)

    def identify(self, trial: Trial) -> Trial | None:
        """Read from the run folder what version 0.1.0 did not store."""
        if trial.task:
            return trial
        run = Run.open(self.folder / trial.folder)
        made, state = run.info.get("generated"), run.load_state()
        if not made or made["task"] not in TASKS:
            return None
        reached = bool(state and state[1]["state"].get("reached"))
        return replace(trial, task=made["task"], length=made["length"], reached=reached)

    def plan(self) -> Iterator[PlannedTrial]:
        """Yield the trainings, generating missing data."""
        shared = self.result.settings
        for task, length in self.cells:
            data = self._data(task, length)
            settings = [*_SETTINGS, *_OF_TASK[task], *shared["settings"]]
            for seed, mixer in product(range(self.seeds), self.result.mixers):
                options = {"mixer": mixer, "seed": seed, "budget": shared["budget"], "device": shared["device"]}
                config = resolve_run(data, options, {}, settings=of_mixer(settings, mixer)).config
                yield PlannedTrial(
                    task=task,
                    length=length,
                    mixer=mixer,
                    seed=seed,
                    place=Path("runs") / f"{task}-{length}-{mixer}-seed{seed}",
                    data=data.path,
                    config=config,
                )

    def write(self) -> None:
        """Write page and figures, if there is anything to draw."""
        if self.result.trials:
            write_scalability(self.result, self.folder)

    def _data(self, task: str, length: int) -> Dataset:
        """Return the data of a task, generated now or before."""
        path, test = self.folder / "data" / f"{task}-{length}", self.result.test
        sizes = {"train": self.result.settings["train"], "val": test // 2, "test": test}
        if (path / "dataset.json").is_file():
            dataset = Dataset.open(path)
            wanted = {"task": task, "length": length, **sizes, "seed": 0}
            if (made := dataset.info.get("generated")) != wanted:
                raise RunError(
                    f"{path}: the data were generated with {made}, not {wanted}; choose another {param('output')}, or repeat "
                    "the call with those options"
                )
            return dataset
        self.stage(f"{path.name}: generating")
        return generate(task, path, length=length, **sizes, seed=0)

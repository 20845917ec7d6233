"""`learning_curve` trains on growing shares of the training records, and scores each model on the same others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.config import Config
from seqmix.config.options import taking_options
from seqmix.data.dataset import Dataset
from seqmix.data.record_groups import record_groups
from seqmix.data.relatives.nearness import notes_on_nearness
from seqmix.data.resplit import split_file
from seqmix.errors import ConfigError, DatasetError, command, param
from seqmix.evaluation.verdict import related
from seqmix.experiments.answers import MODEL, SIMPLE, read_predictions
from seqmix.experiments.campaign import Campaign
from seqmix.experiments.data_set import data_description, other_data
from seqmix.experiments.events import OnEvent
from seqmix.experiments.learning_curve.report import write_learning_curve
from seqmix.experiments.learning_curve.result import LearningCurve, Point
from seqmix.experiments.learning_curve.shares import check_shares, split_of_share
from seqmix.experiments.learning_curve.slope import Slope, last_doubling, slope
from seqmix.experiments.progress import events_shown
from seqmix.experiments.run_trial import Part, Trial
from seqmix.experiments.scheduler import PlannedTrial
from seqmix.experiments.train_options import TrainOptions, check_init, method_name
from seqmix.system.arguments import typed
from seqmix.system.devices import thread_count
from seqmix.system.environment import environment
from seqmix.system.files import write_whole
from seqmix.system.ranges import check_numbers
from seqmix.training.keywords import keywords
from seqmix.training.resolve import open_labelled

SHARES = (10.0, 20.0, 40.0, 80.0, 100.0)
SCORED = ("test", "val")  # splits that can be scored
_SPLITS = "splits"  # folder of the files with the splits of each training


@typed()
@taking_options([one for _, one in keywords().values()], unset=True)
def learning_curve(
    data: str | Path | Dataset | None = None,
    output: str | Path = "learning-curve",
    *,
    shares: Sequence[float] = SHARES,
    seeds: int = 3,
    score_on: str = "test",
    baselines: bool = True,
    config: Config | Mapping[str, Any] | str | Path | None = None,
    recipe: str | None = None,
    settings: Sequence[str] = (),
    threads: int | None = None,
    jobs: int = 1,
    overwrite: bool = False,
    on_event: OnEvent | None = None,
    progress: bool = False,
    **given: Any,
) -> LearningCurve:
    """Train on growing shares of the training records, to see whether more of them would help.

    With each seed, the records of a smaller share are among those of the larger ones; groups of related records are kept whole,
    and each class has its share. The validation split, by which weights are chosen, and the split that is scored stay as they
    are. The best simple method is fitted to the same shares.

    A call with the `output` of an earlier one resumes it: finished trainings are not repeated, interrupted ones resume, failed
    ones are retried.

    Args:
        data: the data set or its folder; None for the one that `config` names, or "seqmix-data".
        output: folder for `learning-curve.json`, `.html`, `.svg` and `.png`, and for `runs/share<percent>-seed<k>`, which are
            ordinary run folders.
        shares: percentages of the training records.
        seeds: draws of each share, with consecutive seeds, which also are those of the trainings.
        score_on: "test"; or "val", which leaves the test split unseen, but scores what was chosen on the same records.
        baselines: whether to fit simple methods as well.
        config: settings, as in `train`.
        recipe: settings that come with seqmix, as in `train`.
        settings: "table.option=value", as in `train`.
        threads: CPU threads of each training; if None, those available are divided among `jobs`.
        jobs: trainings run in parallel.
        overwrite: whether to replace an earlier learning curve.
        on_event: called with every `CampaignEvent`.
        progress: whether to draw a progress bar.
        given

    Returns:
        The results; after an interruption (KeyboardInterrupt), the results so far.

    Raises:
        ConfigError: an option is not allowed.
        DatasetError: the data set cannot be used.
        RunError: `output` is in the way, or has other settings.
        SeqmixError: every training failed.
    """
    check_numbers(seeds=seeds, jobs=jobs, threads=threads)
    if score_on not in SCORED:
        raise ConfigError(f"{param('score_on')} must be one of {', '.join(SCORED)}: got '{score_on}'", option="score_on")
    percentages = check_shares(shares)
    options = TrainOptions(given, recipe, config, settings)
    dataset, first = options.resolved(data)
    check_init(first, dataset)
    if not len(dataset.indices(score_on)):
        other = f"give {param('score_on', 'val')}, or " if score_on == "test" else ""
        raise DatasetError(
            f"{dataset.path}: the {score_on} split is empty; {other}run {command('prepare')} again with another "
            f"{param('split')}"
        )
    plan = _planned(dataset, options, percentages, seeds, first.training.seed)
    with thread_count(threads), events_shown(on_event, "learning curve", progress) as emit:
        shared = options.shared(plan[0].config, threads, jobs, score_on=score_on, baselines=baselines)
        result = LearningCurve(settings=shared, data=data_description(dataset), environment=environment(), draws=seeds)
        if dataset.nearness is not None:
            result.leaks = [
                f"{note}; such records get better with more data by being found again"
                for note in notes_on_nearness(dataset.nearness, dataset.split)
            ]
        return LearningCurveCampaign(Path(output), result, emit, dataset, plan).run(overwrite)


@dataclass(frozen=True, slots=True)
class _Training:
    """A training on a share.

    Attributes:
        share: in percent.
        seed: of the draw and of the training.
        split: the splits, `(n,)`.
        config: the full configuration.
    """

    share: float
    seed: int
    split: NDArray[np.int8]
    config: Config

    @property
    def name(self) -> str:
        """The name of the run folder."""
        return f"share{self.share:g}-seed{self.seed}"

    @property
    def records(self) -> int:
        """Number of training records."""
        return int((self.split == 0).sum())


def _planned(dataset: Dataset, options: TrainOptions, shares: Sequence[float], seeds: int, first: int) -> list[_Training]:
    """Return every training: all shares with the first seed, then all with the second, and so on."""
    found = []
    for seed, share in product(range(first, first + seeds), shares):
        split = split_of_share(dataset, share, seed)
        view = open_labelled(dataset.with_split(split, _origin(share, seed)))
        found.append(_Training(share, seed, split, options.resolved(view, seed=seed)[1]))
    return found


def _origin(share: float, seed: int) -> str:
    return f"{share:g} % of the training records, draw {seed}"


class LearningCurveCampaign(Campaign[LearningCurve]):
    """The trainings on all shares.

    Args:
        dataset: the data set.
        trainings: the trainings.
    """

    kind, name, subfolders = "learning curve", "learning-curve", ("runs", _SPLITS)

    def __init__(
        self,
        folder: Path,
        result: LearningCurve,
        on_event: OnEvent | None,
        dataset: Dataset,
        trainings: Sequence[_Training],
    ) -> None:
        super().__init__(folder, result, on_event)
        self.dataset, self.trainings = dataset, trainings
        self.inputs = [dataset.path]

    def differences(self, earlier: Mapping[str, Any]) -> list[str]:
        """Also compare the content of the data."""
        return other_data(earlier["data"], self.result.data) + super().differences(earlier)

    def plan(self) -> Iterator[PlannedTrial]:
        """Yield the trainings, after writing their splits."""
        settings = self.result.settings
        for training in self.trainings:
            file = self.folder / _SPLITS / f"{training.name}.npy"
            file.parent.mkdir(exist_ok=True)
            write_whole(file, split_file(training.split))
            origin, scored = _origin(training.share, training.seed), settings["score_on"]
            yield PlannedTrial(
                task=f"{training.share:g} %",
                mixer=training.config.model.mixer,
                method=method_name(training.config),
                seed=training.seed,
                place=Path("runs") / training.name,
                data=self.dataset.path,
                config=training.config,
                part=Part(file=str(file), origin=origin, scored=scored, simple=settings["baselines"]),
            )

    def write(self) -> None:
        """Write page and figure, as far as trainings are finished."""
        self._summarise()
        self.save()
        if self.result.points:
            write_learning_curve(self.result, self.folder)

    def _summarise(self) -> None:
        """Collect the scores of each share, and the slope at the end if its trainings are all finished."""
        done = {Path(trial.folder).name: trial for trial in self.result.trials if not trial.error}
        shares = list(dict.fromkeys(training.share for training in self.trainings))
        self.result.points = [point for share in shares if (point := self._point(share, done))]
        if all(training.name in done for training in self.trainings):
            self.result.slope = self._slope(shares, MODEL)
            if self.result.settings["baselines"]:
                self.result.simple_slope = self._slope(shares, SIMPLE)

    def _point(self, share: float, done: Mapping[str, Trial]) -> Point | None:
        """Return the scores at a share; None if no training on it is finished."""
        finished = [training for training in self.trainings if training.share == share and training.name in done]
        if not finished:
            return None
        trials = [done[training.name] for training in finished]
        return Point(
            share=share,
            records=float(np.mean([training.records for training in finished])),
            scores={name: [_number(trial.scores[name]) for trial in trials] for name in self.result.scores},
            simple={
                name: [_number(trial.simple["scores"][name]) for trial in trials if trial.simple] for name in self.result.scores
            },
        )

    def _slope(self, shares: Sequence[float], file: str) -> Slope | None:
        """Return the slope of the last doubling; None without a doubling, or while its predictions are incomplete."""
        last = last_doubling(shares)
        by_seed: dict[int, list[_Training]] = {}
        for training in self.trainings:
            if training.share in last:
                by_seed.setdefault(training.seed, []).append(training)
        indices = self.dataset.indices(self.result.settings["score_on"])
        found = [
            [read_predictions(self.folder / "runs" / training.name / file, len(indices)) for training in some]
            for some in by_seed.values()
        ]
        known = [[one for one in some if one is not None] for some in found]
        sizes = [[training.records for training in some] for some in by_seed.values()]
        if any(len(some) < len(last) for some in known) or any(some[0] == some[-1] for some in sizes):
            return None
        groups = related(record_groups(self.dataset)[indices])
        labels = self.dataset.labels[indices]
        return slope(self.dataset.label_objective, known, sizes, labels, first=last[0], groups=groups)


def _number(value: float | None) -> float:
    return float("nan") if value is None else value

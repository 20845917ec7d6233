"""What `seqmix reproduce scalability` found: error and time of every mixer on every task and length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from seqmix.experiments.result import CampaignResult
from seqmix.experiments.run_trial import Trial
from seqmix.experiments.spread import Spread, spread
from seqmix.objectives.regression import WITHIN

TASKS = ("adding", "temporal-order")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalabilityPoint:
    """A mixer on a task at a length.

    Attributes:
        task: name of the task.
        length: length of the sequences in tokens.
        mixer: name of the mixer.
        error: share of wrong answers on the test split, over seeds; None if no training was finished.
        seconds: mean time of training.
        samples: mean number of samples seen in it.
        reasons: why trainings ended, in words.
        solved: whether a training reached its goal on the validation split.
        failed: trainings that failed.
    """

    task: str
    length: int
    mixer: str
    error: Spread | None
    seconds: float
    samples: float
    reasons: list[str]
    solved: bool
    failed: int


@dataclass(kw_only=True)
class Scalability(CampaignResult):
    """What `reproduce_scalability` found.

    Attributes:
        test: samples of the test splits: one wrong answer is an error of 1 / test.
        mixers: mixers that were asked for, in this order; those of earlier calls come after them, by name.
    """

    test: int
    mixers: Sequence[str] = field(default=())

    @property
    def points(self) -> list[ScalabilityPoint]:
        """One for each task, length and mixer, in this order."""
        mixers = list(dict.fromkeys([*self.mixers, *sorted(trial.mixer for trial in self.trials)]))
        cells: dict[tuple[int, int, int], list[Trial]] = {}
        for trial in self.trials:
            place = TASKS.index(trial.task), trial.length, mixers.index(trial.mixer)
            cells.setdefault(place, []).append(trial)
        return [_point(cells[place]) for place in sorted(cells)]

    def content(self) -> dict[str, Any]:
        """Return what `scalability.json` holds."""
        return {
            "settings": self.settings,
            "environment": self.environment,
            "test": self.test,
            "points": [asdict(point) for point in self.points],
            "interrupted": self.interrupted,
            "notes": self.failures,
        }


def _point(trials: Sequence[Trial]) -> ScalabilityPoint:
    """Return the point of trainings that differ in their seeds only."""
    first, worked = trials[0], [trial for trial in trials if not trial.error]
    batch = first.settings["training"]["batch_size"]
    return ScalabilityPoint(
        task=first.task,
        length=first.length,
        mixer=first.mixer,
        error=spread([error_of(trial) for trial in worked]),
        seconds=sum(trial.seconds for trial in worked) / max(1, len(worked)),
        samples=batch * sum(trial.steps for trial in worked) / max(1, len(worked)),
        reasons=sorted({trial.error or trial.reason for trial in trials}),
        solved=any(trial.reached for trial in worked),
        failed=len(trials) - len(worked),
    )


def error_of(trial: Trial) -> float | None:
    """Return the share of wrong answers on the test split, None if it is not defined."""
    right = trial.scores[WITHIN if trial.task == "adding" else "accuracy"]
    return None if right is None else 1.0 - right

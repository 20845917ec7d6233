"""What `seqmix reproduce scalability` found: error and time of every mixer on every task and length."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from seqmix.experiments.spread import Spread
from seqmix.experiments.trial import Trial
from seqmix.objectives.regression import WITHIN
from seqmix.system.files import without_nan
from seqmix.version import __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A mixer on a task at a length.

    Attributes:
        error: share of wrong answers on the test split, over seeds; None: no training was finished.
        seconds: of training; samples: seen in it; reasons: why trainings ended; failed: how many did not work.
    """

    task: str
    length: int
    mixer: str
    error: Spread | None
    seconds: float
    samples: float
    reasons: list[str]
    failed: int


def cell_of(trial: Trial) -> tuple[str, int, str]:
    """Task, length and mixer of a training, from the name of its folder."""
    task, _, length = Path(trial.folder).name.removesuffix(f"-{trial.mixer}-seed{trial.seed}").rpartition("-")
    return task, int(length), trial.mixer


def error_of(trial: Trial) -> float | None:
    """The share of wrong answers on the test split; None: it is not defined."""
    right = trial.scores[WITHIN if cell_of(trial)[0] == "adding" else "accuracy"]
    return None if right is None else 1.0 - right


@dataclass(slots=True, kw_only=True)
class Scalability:
    """What `reproduce_scalability` found.

    Attributes:
        settings: of all trainings; environment: versions, platform, threads.
        test: samples of the test splits: one wrong answer is an error of 1 / test.
        points: one for each mixer, task and length.
        interrupted: whether some are missing because the user had enough.
    """

    settings: dict[str, Any]
    environment: dict[str, Any]
    test: int
    points: list[Point] = field(default_factory=list)
    interrupted: bool = False

    @property
    def notes(self) -> list[str]:
        """Trainings that failed."""
        return [
            f"{p.mixer} on {p.task} at {p.length:,}: {p.failed} training{'s' * (p.failed != 1)} failed: {'; '.join(p.reasons)}"
            for p in self.points
            if p.failed
        ]

    def to_json(self) -> str:
        """As `scalability.json`."""
        content = without_nan({"seqmix": __version__, **asdict(self), "notes": self.notes})
        return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

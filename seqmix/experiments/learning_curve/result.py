"""The results of a learning curve: the scores at every share of the training records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from seqmix.experiments.learning_curve.slope import Slope
from seqmix.experiments.result import CampaignResult
from seqmix.experiments.spread import Spread, spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A share of the training records.

    Attributes:
        share: in percent.
        records: mean number of training records over the draws.
        scores: by name, the score of the model in each draw.
        simple: the same of the best simple method, fitted to the same records; empty if none was fitted.
    """

    share: float
    records: float
    scores: Mapping[str, Sequence[float]]
    simple: Mapping[str, Sequence[float]]

    def mean(self, name: str) -> Spread | None:
        """Return mean and standard deviation of a score of the model."""
        return spread(self.scores.get(name, ()))

    def simple_mean(self, name: str) -> Spread | None:
        """Return the same of the simple method."""
        return spread(self.simple.get(name, ()))


@dataclass(kw_only=True)
class LearningCurve(CampaignResult):
    """The results of `learning_curve`.

    Attributes:
        data: path, checksum, classes and counts of the data set, its "task", and the names of the "scores" that are shown.
        draws: draws of each share.
        points: the shares, smallest first, as far as trainings are finished.
        slope: what the last doubling brought; None as long as a training of it is missing.
        simple_slope: the same of the simple methods.
        leaks: a note if many of the records that are scored have near relatives in training.
    """

    data: dict[str, Any]
    draws: int = 1
    points: Sequence[Point] = ()
    slope: Slope | None = None
    simple_slope: Slope | None = None
    leaks: Sequence[str] = ()

    @property
    def scores(self) -> list[str]:
        """The names of the scores that are shown."""
        return list(self.data["scores"])

    @property
    def scored(self) -> str:
        """The split that is scored, in words."""
        return "validation" if self.settings["score_on"] == "val" else "test"

    @property
    def verdict(self) -> list[str]:
        """Whether more data help, of the model and of the simple methods, in sentences."""
        found = [self.slope.in_words] if self.slope else []
        if self.simple_slope:
            found.append(f"simple methods: {self.simple_slope.in_words}")
        return found

    @property
    def notes(self) -> list[str]:
        """Notes for the reader: what the scores are of, `leaks`, and `failures`."""
        chosen = (
            "scores are of the validation split, by which weights and simple methods are chosen, so that they are too high"
            if self.settings["score_on"] == "val"
            else "the test split was scored at every point: choose nothing by this curve that you test on the same split"
        )
        return [chosen, *self.leaks, *self.failures]

    def content(self) -> dict[str, Any]:
        """Return the content of `learning-curve.json`."""
        return {
            "data": self.data,
            "settings": self.settings,
            "draws": self.draws,
            "environment": self.environment,
            "interrupted": self.interrupted,
            "points": [asdict(point) for point in self.points],
            "slope": asdict(self.slope) if self.slope else None,
            "simple_slope": asdict(self.simple_slope) if self.simple_slope else None,
            "verdict": self.verdict,
            "notes": self.notes,
            "runs": [asdict(trial) for trial in self.trials],
        }

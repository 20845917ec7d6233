"""The results of a cross-validation: the scores of every fold, and those of all records together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from seqmix.evaluation.paired import Difference, verdict_on
from seqmix.evaluation.result import Evaluation
from seqmix.experiments.result import CampaignResult
from seqmix.experiments.spread import Spread, spread
from seqmix.objectives.metrics import Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """The records of a fold, predicted by the model that was trained on the others.

    Attributes:
        number: of the fold, from 1.
        records: number of its records.
        trained: number of records that its model was trained on.
        validated: number of records that its weights were chosen by.
        scores: of the model; with several seeds, of the mean of their predictions.
        simple: scores of the best simple method, fitted to the same records and chosen on the same validation part; empty if
            none was fitted.
        method: that method in words.
    """

    number: int
    records: int
    trained: int
    validated: int
    scores: Mapping[str, float]
    simple: Mapping[str, float]
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """All records together, each predicted by the model that has not seen it.

    Attributes:
        evaluation: their scores, with intervals over groups of related records, and what a report shows of them.
        groups: number of groups.
        simple: scores of the simple methods; empty if none were fitted.
        difference: between model and simple methods, on the same records; None without simple methods.
    """

    evaluation: Evaluation
    groups: int
    simple: Mapping[str, Score] = field(default_factory=dict)
    difference: Difference | None = None


@dataclass(kw_only=True)
class Crossvalidation(CampaignResult):
    """The results of `crossval`.

    Attributes:
        data: path, checksum, classes and counts of the data set, its "task", the names of the "scores" that are shown, and
            "groups": what they are.
        seeds: trainings of each fold.
        folds: the folds whose trainings are all finished.
        pooled: all records; None as long as a fold is missing.
        remarks: what a reader should know about the division.
        leaks: a note if many records have near relatives, which the folds do not keep together.
    """

    data: dict[str, Any]
    seeds: int = 1
    folds: Sequence[Fold] = ()
    pooled: Pooled | None = None
    remarks: Sequence[str] = ()
    leaks: Sequence[str] = ()

    @property
    def scores(self) -> list[str]:
        """The names of the scores that are shown."""
        return list(self.data["scores"])

    @property
    def mean(self) -> dict[str, Spread | None]:
        """Mean and standard deviation of each score over the folds."""
        return {name: spread([fold.scores[name] for fold in self.folds]) for name in self.scores}

    @property
    def simple_mean(self) -> dict[str, Spread | None]:
        """The same of the simple methods."""
        return {name: spread([fold.simple.get(name) for fold in self.folds]) for name in self.scores}

    @property
    def verdict(self) -> str:
        """A sentence that compares the model with the best simple method; "" if there is none to compare with."""
        if not self.pooled or not (found := self.pooled.difference) or not math.isfinite(found.p_value):
            return ""
        methods = list(dict.fromkeys(fold.method for fold in self.folds))
        which = methods[0] if len(methods) == 1 else "chosen on validation in every fold"
        return f"the model is {verdict_on(found.verdict(), f'the best simple method ({which})')}: {found.in_words}"

    @property
    def notes(self) -> list[str]:
        """Notes for the reader: remarks on the division, `leaks`, and `failures`."""
        missing = self.settings["folds"] - len(self.folds)
        unfinished = [f"{missing} of {self.settings['folds']} folds are missing: there are no scores of all records yet"]
        return [*self.remarks, *self.leaks, *(unfinished if missing else []), *self.failures]

    def content(self) -> dict[str, Any]:
        """Return the content of `crossval.json`."""
        return {
            "data": self.data,
            "settings": self.settings,
            "seeds": self.seeds,
            "environment": self.environment,
            "interrupted": self.interrupted,
            "folds": [asdict(fold) for fold in self.folds],
            "mean": {name: asdict(found) if found else None for name, found in self.mean.items()},
            "simple_mean": {name: asdict(found) if found else None for name, found in self.simple_mean.items()},
            "pooled": asdict(self.pooled) if self.pooled else None,
            "verdict": self.verdict,
            "notes": self.notes,
            "runs": [asdict(trial) for trial in self.trials],
        }

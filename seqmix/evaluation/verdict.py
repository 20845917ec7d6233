"""The verdict of an evaluation: is the model better than the best simple method, and what about records unlike the training?"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.data.relatives.nearness import NEAR
from seqmix.evaluation.best_simple import Simple
from seqmix.evaluation.paired import Difference, mean_difference, paired_difference, verdict_on
from seqmix.objectives.base import Labels
from seqmix.objectives.labelled import LabelObjective
from seqmix.objectives.metrics import Floats, Score
from seqmix.reporting.text import counted, interval_text, score_text

_FEW = 10  # records of which too little can be said
_BEST = "the best simple method"


@dataclass(frozen=True)
class Answers:
    """What a model answers for the records that it is evaluated on.

    Attributes:
        objective: the objective.
        predictions: predictions of the model.
        labels: the true labels.
        constant: the prediction that fits the training labels best without looking at records; None if unknown.
        groups: the group of each record, `(n,)`, if records of a group are related; None if all are independent.
        nearness: how near the nearest training record is, `(n,)`, NaN where it is not defined; None if unknown.
        resamples: number of bootstrap samples.
    """

    objective: LabelObjective
    predictions: Floats
    labels: Labels
    constant: Floats | None = None
    groups: NDArray[np.int64] | None = None
    nearness: NDArray[Any] | None = None
    resamples: int = 1000

    def of(self, places: NDArray[np.bool_]) -> Answers:
        """Return those for some of the records, `(n,)` bool."""
        return Answers(
            self.objective,
            self.predictions[places],
            self.labels[places],
            self.constant,
            related(None if self.groups is None else self.groups[places]),
            None if self.nearness is None else self.nearness[places],
            self.resamples,
        )

    @cached_property
    def far(self) -> Answers | None:
        """Those for the records without a near relative in training; None if nothing is known."""
        if self.nearness is None or not np.isfinite(self.nearness).any():
            return None
        return self.of(~(np.nan_to_num(self.nearness) >= NEAR))

    @cached_property
    def scores(self) -> dict[str, Score]:
        """The scores of the model."""
        return self.objective.scores(self.predictions, self.labels, self.resamples, groups=self.groups)

    @cached_property
    def constant_scores(self) -> dict[str, float]:
        """The scores of the constant prediction."""
        assert self.constant is not None
        return self.objective.point_scores(np.tile(self.constant, (len(self.labels), 1)), self.labels)

    def against(self, predictions: Floats) -> Difference:
        """Return how the model differs from another one that has these predictions."""
        return paired_difference(
            self.objective, self.predictions, predictions, self.labels, groups=self.groups, resamples=self.resamples
        )

    @property
    def is_chance(self) -> bool:
        """Whether the model is not shown to be better than an answer that does not depend on the record."""
        if self.constant is None:
            return False
        rows = np.tile(self.constant, (len(self.labels), 1))
        first = mean_difference(
            self.objective, [self.predictions], rows, self.labels, groups=self.groups, resamples=self.resamples
        )
        found = self.scores
        ranked = [found[name].low > least for name, least in (("ROC AUC", 0.5), ("Pearson", 0.0)) if name in found]
        return not (first.low > 0 or any(ranked))


def related(groups: NDArray[Any] | None) -> NDArray[Any] | None:
    """Return the groups of records, or None if no two records are of one group."""
    return None if groups is None or len(np.unique(groups)) == len(groups) else groups


def judged(answers: Answers, simple: Simple) -> dict[str, Any]:
    """Return the fields "verdict", "comparison", "far" and "grouped" of an `Evaluation`."""
    found = answers.against(simple.best.predictions) if simple.best and not simple.is_model else None
    comparison = {}
    if simple.best and found:
        comparison = {"method": simple.best.title, "name": simple.best.name, **asdict(found), "verdict": found.verdict()}
    far = answers.far
    return {
        "verdict": _sentence(answers, simple, found),
        "comparison": comparison,
        "far": {} if far is None else {"records": len(far.labels), "scores": far.scores if len(far.labels) else {}},
        "grouped": answers.groups is not None,
    }


def _sentence(answers: Answers, simple: Simple, found: Difference | None) -> str:
    """Return the verdict in one sentence; "" if there is nothing to compare with."""
    best, name = simple.best, answers.objective.columns[0]
    if best is None or not math.isfinite(answers.scores[name].value):
        return ""
    if found is None:
        first = f"The model is itself {_BEST}, chosen on validation ({best.title}): {_score(name, answers.scores[name])}"
    else:
        first = f"The model is {verdict_on(found.verdict(), _BEST)} ({best.title}): {found.in_words}"
    return f"{first}{_elsewhere(answers) or _at_chance(answers)}."


def _score(name: str, score: Score) -> str:
    interval = interval_text(name, score.low, score.high)
    return f"{name} {score_text(name, score.value)}" + (f" ({interval})" if interval else "")


def _elsewhere(answers: Answers) -> str:
    """Return what to add on records without a near relative in training; "" if nothing is known, or all are without."""
    far, n, name = answers.far, len(answers.labels), answers.objective.columns[0]
    if far is None or len(far.labels) == n:
        return ""
    few = len(far.labels)
    if few < _FEW:
        have = f"{n - few:,} of {counted(n, 'record')}" if few else f"all {counted(n, 'record')}"
        return f"; but {have} have a near relative in training, which says little about records that have none"
    text = f"; on the {few:,} of {counted(n, 'record')} without a near relative in training"
    own = _score(name, far.scores[name])
    return f"{text} it is not better than chance ({own}; {_constant(far)})" if far.is_chance else f"{text}: {own}"


def _at_chance(answers: Answers) -> str:
    return f"; it is not better than chance ({_constant(answers)})" if answers.is_chance else ""


def _constant(answers: Answers) -> str:
    """Return what the constant prediction reaches: "largest class: 0.500"."""
    name = answers.objective.columns[0]
    return f"{answers.objective.constant}: {score_text(name, answers.constant_scores[name])}"

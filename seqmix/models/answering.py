"""Which answers are given: labels that the model is sure enough of, and sets of answers, by the options of prediction."""

from __future__ import annotations

import math
from dataclasses import dataclass

from seqmix.calibration.conformal import bounds, error_threshold, most_coverage, set_threshold
from seqmix.calibration.seen import Seen
from seqmix.errors import ConfigError, command, param
from seqmix.models.predict_options import PredictOptions
from seqmix.objectives.labelled import Answer, LabelObjective
from seqmix.objectives.metrics import Floats

_ROUNDING = 1e-6  # of the stored scores, relative


@dataclass(frozen=True, slots=True)
class Answering:
    """How predictions become answers.

    Attributes:
        objective: what the model has learned.
        separator: text between the labels of a multilabel prediction.
        threshold: as in `PredictOptions`.
        confidence: least confidence of a label that is given.
        conformity: least conformity of the answers in a set; None for no sets.
    """

    objective: LabelObjective
    separator: str
    threshold: float | None
    confidence: float = -math.inf
    conformity: float | None = None

    @classmethod
    def of(cls, objective: LabelObjective, separator: str, options: PredictOptions, seen: Seen | None) -> Answering:
        """Return how predictions become answers.

        Args:
            objective: what the model has learned.
            separator: text between the labels of a multilabel prediction.
            options: the options of prediction.
            seen: what the run has seen; None if unknown.

        Raises:
            ConfigError: an option is not for this kind of model, needs what the run does not have, or asks for more than its
                validation records can promise.
        """
        objective.check_threshold(options.threshold)
        confidence, conformity = -math.inf, None
        for name in ("min_confidence", "max_error"):
            if getattr(options, name) is not None and not objective.can_abstain:
                raise ConfigError(
                    f"{param(name)} leaves labels empty, and that is for classification: this model is a {objective.kind}; "
                    f"see {param('sets')} for sets of answers that hold the true ones",
                    option=name,
                )
        if options.min_confidence is not None:
            confidence = options.min_confidence
        if options.max_error is not None:
            confidence = _least_confidence(_known(seen, "max_error"), options.max_error)
        if options.sets is not None:
            conformity = _least_conformity(_known(seen, "sets"), options.sets)
        return cls(objective, separator, options.threshold, confidence, conformity)

    def answer(self, row: Floats) -> Answer:
        """Return the answer of a prediction `(C,)` or `(1,)`, with an empty label if the model is not sure enough."""
        found = self.objective.answer(row, self.threshold, self.separator)
        if self.confidence > -math.inf and self.objective.confidences(row[None])[0] < self.confidence:
            return Answer("", found.probabilities, left_empty=True)
        return found

    def answers(self, row: Floats) -> tuple[tuple[str, ...] | None, tuple[float, float] | None]:
        """Return the set of answers and the interval of a prediction; None where there is none."""
        if self.conformity is None:
            return None, None
        return self.objective.answers_with(row, self.conformity)


def _known(seen: Seen | None, name: str) -> Seen:
    """Return what a run has seen.

    Raises:
        ConfigError: the run has no scores of validation records.
    """
    if seen is None:
        raise ConfigError(
            f"{param(name)} needs the scores of validation records, and this run stores none: it was trained by an earlier "
            f"version of seqmix, or not to its end; {command('train')} with {param('resume', True)} adds them, if its data set "
            "is still there",
            option=name,
        )
    if not len(seen.conformity):
        raise ConfigError(
            f"{param(name)} needs scores of validation records, and there are none: the training had no validation split, or "
            "the answers are those of a simple method or of an ensemble",
            option=name,
        )
    return seen


def _least_confidence(seen: Seen, most: float) -> float:
    if found := error_threshold(seen.confidences, seen.right, most):
        return found.threshold * (1.0 + _ROUNDING) if found.threshold > 0 else found.threshold
    best = min(bounds(seen.confidences, seen.right), key=lambda bound: bound.error)
    reached = math.ceil(best.error * 1000) / 1000
    can = (
        f"the lowest that can be is {param('max_error', reached)}, with {best.answered:.0%} of such records answered"
        if reached < 1
        else "no error rate below 1 can be"
    )
    raise ConfigError(
        f"{param('max_error', most)} cannot be promised: {_scored(seen)} allow no such bound with a probability of 90 %; {can};"
        f" {param('min_confidence')} leaves labels empty without a promise",
        option="max_error",
    )


def _least_conformity(seen: Seen, coverage: float) -> float:
    least = set_threshold(seen.conformity, coverage)
    if least == -math.inf:
        reached = math.floor(most_coverage(len(seen.conformity)) * 1000) / 1000
        raise ConfigError(
            f"{param('sets', coverage)} cannot be promised from {_scored(seen)}: at most {param('sets', reached)} can",
            option="sets",
        )
    return least - _ROUNDING * abs(least)


def _scored(seen: Seen) -> str:
    n = len(seen.conformity)
    each = ", one of each group" if seen.grouped else ""
    return f"{n:,} validation record{'s' * (n != 1)}{each}"

"""Two models on the same records: the difference of their scores, its interval, and whether it may be chance.

Both are scored on the same resamples of the records, or of their groups, so that what makes a resample easy or hard for both
does not count. Of right and wrong answers of independent records, McNemar's test decides; otherwise Student's test of the
difference with its bootstrap standard error.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.objectives.base import Labels
from seqmix.objectives.labelled import LabelObjective
from seqmix.objectives.metrics import Floats, effective_number, resampled_counts, standard_error, student, unseen_share
from seqmix.reporting.text import score_text, signed

LEVEL = 0.05  # p-value below which models are distinguishable
_FEW = 25  # discordant records below which McNemar's test is exact
_EQUAL = 1e-12  # differences that are rounding errors
_LEAST_FREEDOM = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The difference of the first score of two models, in favour of the first model.

    Attributes:
        score: name of the score, such as "accuracy".
        first: score of the first model.
        second: score of the second model.
        difference: the first minus the second.
        low: lower end of its 95 % interval.
        high: upper end.
        p_value: of the hypothesis that both are equally good, two-sided.
        test: where the p-value is from: "McNemar" or "bootstrap".
        share: whether the score is a share of the records, so that differences are percentage points.
    """

    score: str
    first: float
    second: float
    difference: float
    low: float
    high: float
    p_value: float
    test: str
    share: bool

    def verdict(self, p_value: float | None = None) -> str:
        """Return "better", "worse" or "not distinguishable"; only what test and interval agree on is distinguishable.

        Args:
            p_value: the p-value, if it was corrected.
        """
        p_value = self.p_value if p_value is None else p_value
        if p_value < LEVEL and self.low > 0:
            return "better"
        return "worse" if p_value < LEVEL and self.high < 0 else "not distinguishable"

    @property
    def in_words(self) -> str:
        """The scores and their difference: "accuracy 0.953 against 0.948, difference +0.5 points (−1.1 to +2.2), p = 0.62"."""
        both = f"{self.score} {score_text(self.score, self.first)} against {score_text(self.score, self.second)}"
        scale, digits, unit = (100.0, 1, " points") if self.share else (1.0, 3, "")
        found, low, high = (signed(scale * value, digits) for value in (self.difference, self.low, self.high))
        return f"{both}, difference {found}{unit} ({low} to {high}), {p_text(self.p_value)}"


def p_text(p_value: float) -> str:
    """Return a p-value for people: "p = 0.62", "p = 0.004", "p < 0.001"."""
    if p_value < 0.001:
        return "p < 0.001"
    return f"p = {p_value:.3f}" if p_value < 0.1 else f"p = {p_value:.2f}"


def verdict_on(verdict: str, other: str) -> str:
    """Return "better than OTHER", "worse than OTHER" or "not distinguishable from OTHER"."""
    return f"{verdict} {'from' if verdict == 'not distinguishable' else 'than'} {other}"


def paired_difference(
    objective: LabelObjective,
    first: Floats,
    second: Floats,
    labels: Labels,
    *,
    groups: NDArray[Any] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Difference:
    """Return how the first score of two models differs.

    Args:
        objective: the objective of both.
        first: predictions of the first model.
        second: predictions of the second model.
        labels: the true labels.
        groups: the group of each record, `(n,)`, if records of a group are related; None if all are independent.
        resamples: number of bootstrap samples.
        seed: seed of the generator that draws them.
    """
    found = mean_difference(objective, [first], second, labels, groups=groups, resamples=resamples, seed=seed)
    own, other = objective.right(first, labels), objective.right(second, labels)
    if groups is not None or own is None or other is None:
        return found
    return replace(found, p_value=mcnemar(int((own & ~other).sum()), int((other & ~own).sum())), test="McNemar")


def mean_difference(
    objective: LabelObjective,
    first: Sequence[Floats],
    second: Floats | Sequence[Floats],
    labels: Labels,
    *,
    groups: NDArray[Any] | None = None,
    resamples: int = 1000,
    seed: int = 0,
    spread: tuple[float, float] | None = None,
) -> Difference:
    """Return how the mean first score of several trainings differs from that of one model, or of several others.

    The error has two parts: the records, which all trainings share, and what trainings differ by.

    Args:
        objective: the objective of all.
        first: predictions of each training.
        second: predictions of the other model, or of each training of another.
        labels: the true labels.
        groups: as in `paired_difference`.
        resamples: number of bootstrap samples.
        seed: seed of the generator that draws them.
        spread: variance of the score of a training, and its degrees of freedom; None for those of the trainings given here.
    """
    sides = [list(first), [second] if isinstance(second, np.ndarray) else list(second)]
    n, name = len(labels), objective.columns[0]

    def scores(counts: Floats) -> list[Floats]:
        return [np.stack([objective.first_score(one, labels, counts) for one in side]) for side in sides]

    points = [values[:, 0] for values in scores(np.ones((1, n)))]
    means = [float(values.mean()) for values in points]
    value = means[0] - means[1]
    drawn = np.concatenate(
        [made[0].mean(0) - made[1].mean(0) for made in map(scores, resampled_counts(n, groups, resamples, seed))]
    )
    drawn = drawn[np.isfinite(drawn)]
    number, share = effective_number(n, groups), objective.right(sides[0][0], labels) is not None
    low = high = p_value = math.nan
    if math.isfinite(value) and len(drawn):
        trained = points[:1] if isinstance(second, np.ndarray) else points
        error, freedom = _error(standard_error(drawn, number), number, trained, spread)
        half = student(freedom + 1.0) * error
        if error < _EQUAL and share:  # no record shows a difference
            half = unseen_share(number)
        low, high, p_value = value - half, value + half, _two_sided(value, error, freedom)
        if share:
            low, high = max(low, -1.0), min(high, 1.0)
    return Difference(
        score=name,
        first=means[0],
        second=means[1],
        difference=value,
        low=low,
        high=high,
        p_value=p_value,
        test="bootstrap",
        share=share,
    )


def _error(
    of_records: float, number: float, points: Sequence[Floats], spread: tuple[float, float] | None
) -> tuple[float, float]:
    """Return the standard error of a difference of means of trainings, and its degrees of freedom (Welch and Satterthwaite).

    Args:
        of_records: the standard error that the records alone make.
        number: from `effective_number`.
        points: of each side that was trained, the score of each training.
        spread: see `mean_difference`.
    """
    parts = [(of_records**2, max(number - 1.0, _LEAST_FREEDOM))]
    if spread is None:
        parts += [(float(values.var(ddof=1)) / len(values), len(values) - 1.0) for values in points if len(values) > 1]
    else:
        parts.append((spread[0] * sum(1.0 / len(values) for values in points), spread[1]))
    total = sum(variance for variance, _ in parts)
    below = sum(variance**2 / freedom for variance, freedom in parts)
    return math.sqrt(total), total**2 / below if below > 0 else parts[0][1]


def _two_sided(value: float, error: float, freedom: float) -> float:
    """Return the p-value of a difference by Student's test."""
    from scipy.special import stdtr

    if abs(value) < _EQUAL:
        return 1.0
    return float(2.0 * stdtr(freedom, -abs(value) / error)) if error > _EQUAL else 0.0


def mcnemar(first: int, second: int) -> float:
    """Return the p-value of McNemar's test that two models are right equally often, two-sided.

    It is exact (binomial) for fewer than 25 records that one model alone has right, otherwise from the chi-squared distribution
    with a correction for continuity.

    Args:
        first: records that the first model alone has right.
        second: records that the second model alone has right.
    """
    from scipy.stats import binomtest, chi2

    count = first + second
    if not count:
        return 1.0
    if count < _FEW:
        return float(binomtest(first, count).pvalue)
    return float(chi2.sf((abs(first - second) - 1) ** 2 / count, 1)) if first != second else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number by Holm's method (1979), in the same order; NaN stays NaN."""
    known = [place for place, p_value in enumerate(p_values) if not math.isnan(p_value)]
    corrected, least = [math.nan] * len(p_values), 0.0
    for rank, place in enumerate(sorted(known, key=lambda place: p_values[place])):
        least = max(least, min(1.0, (len(known) - rank) * p_values[place]))
        corrected[place] = least
    return corrected

"""What more records bring: the slope of a learning curve at its end, over doublings of the number of training records."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqmix.objectives.base import Labels
from seqmix.objectives.labelled import LabelObjective
from seqmix.objectives.metrics import Floats, effective_number, resampled_counts, standard_error, student
from seqmix.reporting.text import score_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """What the last doubling of the training records brought.

    Attributes:
        score: name of the score.
        first: the share, in percent, that it begins with.
        doublings: doublings of the number of records from there to the end of the curve.
        gain: change of the score for each doubling; NaN if undefined.
        low: lower end of its 95 % interval.
        high: upper end.
        draws: draws that it is the mean of.
    """

    score: str
    first: float
    doublings: float
    gain: float
    low: float
    high: float
    draws: int

    @property
    def in_words(self) -> str:
        """Whether more data help, in a sentence or two."""
        if not math.isfinite(self.gain):
            return f"how the {self.score} changes with the number of records is not defined"
        gain, low, high = (_signed(self.score, value) for value in (self.gain, self.low, self.high))
        found = f"{gain} {self.score} (95 % interval {low} to {high})"
        last = f"from {self.first:g} % of the records on, a doubling brought {found}"
        if self.low > 0:
            return (
                f"more data help: {last}. If the curve goes on like this, twice the records might bring about as much again; "
                "curves usually flatten, so take it as the most"
            )
        if self.high < 0:
            return f"the {self.score} falls with more data: {last}. Look for differences between the records, or train longer"
        return (
            f"whether more data help cannot be told: {last}. Twice the records may bring up to "
            f"{_signed(self.score, max(0.0, self.high))}, or nothing"
        )


def _signed(name: str, value: float) -> str:
    text = score_text(name, value)
    return text if text.startswith("-") else f"+{text}"


def last_doubling(shares: Sequence[float]) -> list[float]:
    """Return the shares of the last doubling: from the largest that is at most half of the last one, or else from the first."""
    halves = [share for share in shares if share <= shares[-1] / 2 + 1e-9]
    begin = halves[-1] if halves else shares[0]
    return [share for share in shares if share >= begin]


def slope(
    objective: LabelObjective,
    predictions: Sequence[Sequence[Floats]],
    records: Sequence[Sequence[int]],
    labels: Labels,
    *,
    first: float,
    groups: NDArray[np.int64] | None,
    resamples: int = 1000,
) -> Slope:
    """Return the slope of the first score over the logarithm of the number of training records, by least squares.

    All points are scored on the same records, so that what makes a resample of them easy does not count. The error has two
    parts: the records, and, of several draws, what the slopes of the draws differ by.

    Args:
        objective: the objective.
        predictions: by draw, those of the models of the last doubling, in the order of the shares.
        records: by draw, the numbers of training records of these models.
        labels: the true labels.
        first: the share that the last doubling begins with, in percent.
        groups: the group of each record, `(n,)`; None if all are independent.
        resamples: number of bootstrap samples.
    """
    n, draws = len(labels), len(predictions)
    weights = [_weights(np.log2(np.asarray(sizes, dtype=np.float64))) for sizes in records]

    def slopes(counts: Floats) -> Floats:
        scored = ([objective.first_score(one, labels, counts) for one in some] for some in predictions)
        return np.stack([weight @ np.stack(values) for weight, values in zip(weights, scored, strict=True)])

    points = slopes(np.ones((1, n)))[:, 0]
    drawn = np.concatenate([slopes(counts).mean(0) for counts in resampled_counts(n, groups, resamples)])
    drawn, number = drawn[np.isfinite(drawn)], effective_number(n, groups)
    gain, low, high = float(points.mean()), math.nan, math.nan
    if math.isfinite(gain) and len(drawn):
        parts = [(standard_error(drawn, number) ** 2, max(number - 1.0, 1.0))]
        if draws > 1:
            parts.append((float(points.var(ddof=1)) / draws, draws - 1.0))
        total = sum(variance for variance, _ in parts)
        below = sum(variance**2 / freedom for variance, freedom in parts)
        freedom = total**2 / below if below > 0 else parts[0][1]  # Welch and Satterthwaite
        half = student(freedom + 1.0) * math.sqrt(total)
        low, high = gain - half, gain + half
    spans = [math.log2(sizes[-1] / sizes[0]) for sizes in records]
    return Slope(
        score=objective.columns[0],
        first=first,
        doublings=float(np.mean(spans)),
        gain=gain,
        low=low,
        high=high,
        draws=draws,
    )


def _weights(x: Floats) -> Floats:
    """Return the weights of values at `x` in the slope of the straight line through them by least squares."""
    centred = x - x.mean()
    total = float((centred**2).sum())
    return centred / total if total > 0 else np.full(len(x), np.nan)

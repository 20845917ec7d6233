"""Scores with bootstrap confidence intervals, and formulas shared by several kinds.

Everything is computed from probabilities: there is no ROC AUC of hard decisions. The bootstrap draws records, or whole groups
of them, with replacement; each resample is a row of counts, so that all are scored at once by the same weighted formulas. It
gives the standard error of a score. The interval is one of Student's t on a scale on which the score spreads evenly: log-odds
of shares, Fisher's z of correlations, logarithms of losses. Quantiles of the resamples are too narrow for few groups and for
scores near 1 (benchmarks/coverage.py). Scores that no resample changes have another interval, see `Objective.scores`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Weighted = Callable[[Floats], dict[str, Floats]]

EPSILON = float(np.finfo(np.float64).eps)  # smallest probability in a logarithm, as in scikit-learn
_OUTSIDE = 0.05  # of the confidence intervals
_CHUNK = 1 << 22  # counts held at a time
_CURVE_POINTS = 400  # points kept of a curve
_LEAST_FREEDOM = 0.5  # degrees of freedom that a t interval has at least

_Scale = tuple[Callable[[Any], Any], Callable[[Any], Any], Callable[[Any], Any]]  # the way there and back, and the slope
_PLAIN: _Scale = (lambda x: x, lambda x: x, lambda x: 1.0)
_LOG_ODDS: _Scale = (lambda x: np.log(x) - np.log1p(-x), lambda y: 1.0 / (1.0 + np.exp(-y)), lambda x: 1.0 / (x * (1.0 - x)))
_FISHER: _Scale = (np.arctanh, np.tanh, lambda x: 1.0 / (1.0 - x * x))
_LOGARITHM: _Scale = (np.log, np.exp, lambda x: 1.0 / x)
_UNEXPLAINED: _Scale = (lambda x: -np.log1p(-x), lambda y: -np.expm1(-y), lambda x: 1.0 / (1.0 - x))
# Scales on which scores spread evenly; log-odds for all that are not here, which are from 0 to 1.
_SCALES = {
    **dict.fromkeys(("MCC", "Pearson", "Spearman"), _FISHER),
    **dict.fromkeys(("log loss", "RMSE", "MAE"), _LOGARITHM),
    "R2": _UNEXPLAINED,
}


@dataclass(frozen=True, slots=True)
class Score:
    """A score with its 95 % confidence interval; NaN if undefined.

    It can be used as a number: ``float(score)``, ``f"{score:.3f}"``; ``print(score)`` shows the interval, too.

    Attributes:
        value: the score.
        low: lower bound of the interval.
        high: upper bound of the interval.
    """

    value: float
    low: float
    high: float

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        """Return the score with its interval, if it has one: "0.833 (0.750 to 0.933)"; "undefined" if it is NaN."""
        if math.isnan(self.value):
            return "undefined"
        interval = "" if math.isnan(self.low + self.high) else f" ({_rounded(self.low)} to {_rounded(self.high)})"
        return _rounded(self.value) + interval

    def __format__(self, spec: str) -> str:
        return format(self.value, spec) if spec else str(self)


def _rounded(value: float) -> str:
    """Return a number with three decimals, or with three digits if it is very small; less than a rounding error is 0."""
    return f"{value:.3g}" if EPSILON < abs(value) < 0.001 else f"{value:z.3f}"


def resampled_counts(n: int, groups: NDArray[Any] | None, resamples: int, seed: int = 0) -> Iterator[Floats]:
    """Yield how often each record counts in each bootstrap sample, `(R, n)`, some samples at a time.

    The same arguments give the same samples, so that differences of scores are paired.

    Args:
        n: number of records.
        groups: the group of each record, `(n,)`: whole groups are drawn; None to draw records.
        resamples: number of bootstrap samples.
        seed: seed of the generator that draws them.
    """
    generator = np.random.default_rng(seed)
    owner = None if groups is None else np.unique(groups, return_inverse=True)[1].reshape(-1)
    drawn = n if owner is None else int(owner.max()) + 1
    step = max(1, _CHUNK // max(1, n))
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        counts = generator.multinomial(drawn, np.full(drawn, 1.0 / drawn), size=rows).astype(np.float64)
        yield counts if owner is None else counts[:, owner]


def effective_number(n: int, groups: NDArray[Any] | None) -> float:
    """Return the number of groups, or of records without groups; of unequal groups, how many equal ones count as much."""
    if groups is None:
        return float(n)
    sizes = np.unique(groups, return_counts=True)[1].astype(np.float64)
    return float(sizes.sum() ** 2 / (sizes**2).sum())


def bootstrap(
    weighted: Weighted, n: int, *, resamples: int, seed: int = 0, groups: NDArray[Any] | None = None
) -> dict[str, Score]:
    """Return scores of n records with 95 % bootstrap intervals.

    Args:
        weighted: returns the scores for each row of record counts `(R, n)`, each `(R,)`.
        n: number of records.
        resamples: number of bootstrap samples.
        seed: seed of the generator that draws them.
        groups: the group of each record, `(n,)`, if records of a group are related; None if all are independent.
    """
    points = weighted(np.ones((1, n)))
    drawn: dict[str, list[Floats]] = {name: [] for name in points}
    for counts in resampled_counts(n, groups, resamples, seed):
        for name, values in weighted(counts).items():
            drawn[name].append(values)
    number = effective_number(n, groups)
    return {
        name: Score(float(value[0]), *interval(name, float(value[0]), np.concatenate(drawn[name]), number))
        for name, value in points.items()
    }


def interval(name: str, value: float, drawn: Floats, number: float) -> tuple[float, float]:
    """Return the 95 % interval of a score.

    Args:
        name: the score, which says on what scale it spreads evenly; "" for a difference of scores.
        value: its value.
        drawn: its values in bootstrap samples, `(R,)`.
        number: from `effective_number`.

    Returns:
        Its ends; both are the value if no resample differs, and NaN if the score is undefined.
    """
    drawn = drawn[np.isfinite(drawn)]
    if not math.isfinite(value) or not len(drawn):
        return math.nan, math.nan
    error = standard_error(drawn, number)
    if error == 0.0:
        return value, value
    there, back, slope = _SCALES.get(name, _LOG_ODDS if name else _PLAIN)
    with np.errstate(all="ignore"):
        middle, half = there(np.float64(value)), student(number) * error * slope(np.float64(value))
        low, high = float(back(middle - half)), float(back(middle + half))
    if not low <= value <= high:  # at the end of the scale, such as an error of 0
        low, high = np.quantile(drawn, (_OUTSIDE / 2, 1.0 - _OUTSIDE / 2))
    return float(low), float(high)


def standard_error(drawn: Floats, number: float) -> float:
    """Return the standard error of a score from its values in bootstrap samples of so many groups or records."""
    return float(drawn.std()) * math.sqrt(number / max(number - 1.0, _LEAST_FREEDOM))


def student(number: float) -> float:
    """Return by how many standard errors an interval reaches to each side: the quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(max(number - 1.0, _LEAST_FREEDOM), 1.0 - _OUTSIDE / 2))


def unseen_share(n: float) -> float:
    """Return how large the share of something may be of which n records show nothing: the upper bound of a 95 % interval.

    The interval is the exact one of Clopper and Pearson (Biometrika 26, 1934).
    """
    return 1.0 - float((_OUTSIDE / 2) ** (1.0 / n))


def mean_of_defined(values: Floats) -> Floats:
    """Return row means of values that are not NaN: a class in neither the true nor the predicted labels does not count."""
    defined = np.isfinite(values)
    sums = np.where(defined, values, 0.0).sum(1) / np.maximum(defined.sum(1), 1)
    return np.where(defined.any(1), sums, np.nan)


def binary_ranking(score: Floats, positive: NDArray[np.bool_], counts: Floats) -> tuple[Floats, Floats]:
    """Return ROC AUC and average precision of one class; equal scores share a threshold.

    Args:
        score: score of each record, `(n,)`.
        positive: which records are of the class, `(n,)` bool.
        counts: how often each record counts, `(R, n)`.

    Returns:
        ROC AUC and average precision, each `(R,)`; NaN if only one of the two classes occurs.
    """
    order = np.argsort(-score, kind="stable")
    ranked, sorted_counts = score[order], counts[:, order]
    starts = np.flatnonzero(np.concatenate(([True], ranked[1:] != ranked[:-1])))
    hits = np.add.reduceat(sorted_counts * positive[order], starts, axis=1)
    misses = np.add.reduceat(sorted_counts * ~positive[order], starts, axis=1)
    all_hits, all_misses = hits.cumsum(1), misses.cumsum(1)
    n_hits, n_misses = all_hits[:, -1], all_misses[:, -1]
    with np.errstate(invalid="ignore", divide="ignore"):
        below = n_misses[:, None] - all_misses + 0.5 * misses
        area = np.where((n_hits > 0) & (n_misses > 0), (hits * below).sum(1) / (n_hits * n_misses), np.nan)
        given = all_hits + all_misses
        precision = np.where(given > 0, all_hits / np.where(given > 0, given, 1.0), 0.0)
        average = np.where(n_hits > 0, (hits * precision).sum(1) / n_hits, np.nan)
    return area, average


def standard_errors(values: Floats) -> float:
    """Return by how many standard errors the mean of values `(n,)` is above 0."""
    error = float(values.std()) / math.sqrt(len(values))
    return float(values.mean()) / max(error, EPSILON)


def ranking_errors(scores: list[Floats], positives: list[NDArray[np.bool_]]) -> float:
    """Return by how many standard errors the mean ROC AUC of classes is above that of a random order, 0.5.

    The error is that of a random order, as in the test of Mann and Whitney; errors of several classes are not assumed to be
    independent.

    Args:
        scores: score of each record, `(n,)`, for each class.
        positives: which records are of the class, `(n,)` bool, for each class.

    Returns:
        The number of standard errors; 0 if all records are of one class.
    """
    gains, errors = [], []
    for score, positive in zip(scores, positives, strict=True):
        n, of = len(positive), int(positive.sum())
        if 0 < of < n:
            area, _ = binary_ranking(score, positive, np.ones((1, n)))
            gains.append(float(area[0]) - 0.5)
            errors.append(math.sqrt((n + 1) / (12 * of * (n - of))))
    return float(np.mean(gains) / np.mean(errors)) if gains else 0.0


def class_row(name: str, hits: float, true: float, predicted: float) -> dict[str, float | str]:
    """Return precision, recall and F1 of a class (0 if a denominator is 0), and its number of records.

    Args:
        name: name of the class.
        hits: records of the class assigned to it.
        true: records of the class.
        predicted: records assigned to it.
    """
    return {
        "class": name,
        "precision": hits / predicted if predicted else 0.0,
        "recall": hits / true if true else 0.0,
        "F1": 2 * hits / (true + predicted) if true + predicted else 0.0,
        "records": true,
    }


def roc_points(score: Floats, positive: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return false and true positive rates over all thresholds, from (0, 0) to (1, 1)."""
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.concatenate((score[order][1:] != score[order][:-1], [True])))
    hits, misses = positive[order].cumsum()[ends], (~positive[order]).cumsum()[ends]
    return (
        np.concatenate(([0.0], misses / max(1, misses[-1]))),
        np.concatenate(([0.0], hits / max(1, hits[-1]))),
    )


def roc_curve(score: Floats, positive: NDArray[np.bool_]) -> dict[str, Any]:
    """Return `roc_points` as a report stores them, at most 400 points, and the area below them."""
    false, true = roc_points(score, positive)
    keep = _kept(len(false))
    area, _ = binary_ranking(score, positive, np.ones((1, len(score))))
    return {"false_positive_rate": false[keep].tolist(), "true_positive_rate": true[keep].tolist(), "area": float(area[0])}


def precision_recall_curve(score: Floats, positive: NDArray[np.bool_]) -> dict[str, Any]:
    """Return precision and recall over all thresholds as a report stores them, from the highest threshold to the lowest.

    Args:
        score: score of each record, `(n,)`.
        positive: which records are of the class, `(n,)` bool.

    Returns:
        "recall" and "precision", at most 400 points; "area", the average precision; and "share", that of the records that are
        of the class, which is the precision of a random order.
    """
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.concatenate((score[order][1:] != score[order][:-1], [True])))
    hits = positive[order].cumsum()[ends]
    keep = _kept(len(ends))
    _, area = binary_ranking(score, positive, np.ones((1, len(score))))
    return {
        "recall": (hits / max(1, hits[-1]))[keep].tolist(),
        "precision": (hits / (ends + 1))[keep].tolist(),
        "area": float(area[0]),
        "share": float(positive.mean()),
    }


def _kept(points: int) -> NDArray[np.int64]:
    """Return which points of a curve are stored: all, or 400 evenly spread ones, with both ends."""
    return np.unique(np.linspace(0, points - 1, _CURVE_POINTS).astype(int))

"""Scores of class probabilities against true labels, each with a bootstrap confidence interval.

Everything is computed from probabilities: no ROC AUC of hard decisions. With two classes, ROC AUC and average
precision are those of the second class (in alphabetical order, as in all tables); with more, the mean over the
classes of one class against the rest. The bootstrap draws records with replacement; each resample is a row of
counts, so that all resamples go through the same weighted formulas at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
Weighted = Callable[[Floats], dict[str, Floats]]

HEADLINE = ("accuracy", "balanced accuracy", "macro-F1", "MCC", "ROC AUC", "average precision", "log loss")
_EPSILON = float(np.finfo(np.float64).eps)  # as in scikit-learn
_CHUNK = 1 << 22  # counts held at a time


@dataclass(frozen=True, slots=True)
class Score:
    """A figure and the bounds of its 95 % confidence interval (NaN where it is not defined)."""

    value: float
    low: float
    high: float


def confusion_matrix(labels: Labels, predicted: Labels, n_classes: int) -> NDArray[np.int64]:
    """`(C, C)` counts, rows the true classes, columns the predicted."""
    flat = np.bincount(labels * n_classes + predicted, minlength=n_classes * n_classes)
    return flat.reshape(n_classes, n_classes)


def point_scores(probabilities: Floats, labels: Labels) -> dict[str, float]:
    """The headline scores without intervals."""
    return {name: float(values[0]) for name, values in _weighted(probabilities, labels, np.ones((1, len(labels)))).items()}


def bootstrap_scores(probabilities: Floats, labels: Labels, *, resamples: int = 1000, seed: int = 0) -> dict[str, Score]:
    """The headline scores with 95 % percentile bootstrap intervals.

    Args:
        probabilities: `(n, C)`; labels: `(n,)` class numbers.
        resamples: number of bootstrap samples; seed: of their generator.
    """
    return bootstrap(lambda counts: _weighted(probabilities, labels, counts), len(labels), resamples=resamples, seed=seed)


def bootstrap(weighted: Weighted, n: int, *, resamples: int, seed: int = 0) -> dict[str, Score]:
    """Scores of n records with 95 % percentile bootstrap intervals.

    Args:
        weighted: the scores for each row of record counts `(R, n)`, `(R,)` each.
        resamples: number of bootstrap samples; seed: of their generator.
    """
    generator = np.random.default_rng(seed)
    points = weighted(np.ones((1, n)))
    drawn: dict[str, list[Floats]] = {name: [] for name in points}
    step = max(1, _CHUNK // max(1, n))
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        counts = generator.multinomial(n, np.full(n, 1.0 / n), size=rows).astype(np.float64)
        for name, values in weighted(counts).items():
            drawn[name].append(values)
    scores = {}
    for name, value in points.items():
        values = np.concatenate(drawn[name])
        values = values[np.isfinite(values)]
        low, high = np.quantile(values, (0.025, 0.975)) if len(values) else (np.nan, np.nan)
        scores[name] = Score(float(value[0]), float(low), float(high))
    return scores


def _weighted(probabilities: Floats, labels: Labels, counts: Floats) -> dict[str, Floats]:
    """Every headline score for each row of record counts `(R, n)`; `(R,)` each."""
    n_classes = probabilities.shape[1]
    cells = labels * n_classes + probabilities.argmax(1)
    kinds, inverse = np.unique(cells, return_inverse=True)
    member = np.zeros((len(labels), len(kinds)))
    member[np.arange(len(labels)), inverse] = 1.0
    confusion = np.zeros((len(counts), n_classes * n_classes))
    confusion[:, kinds] = counts @ member
    confusion = confusion.reshape(-1, n_classes, n_classes)
    ranked = _ranking_scores(probabilities, labels, counts)
    loss = -np.log(np.clip(probabilities[np.arange(len(labels)), labels], _EPSILON, 1.0))
    return {**_decision_scores(confusion), **ranked, "log loss": counts @ loss / counts.sum(1)}


def _decision_scores(confusion: Floats) -> dict[str, Floats]:
    """Accuracy, balanced accuracy, macro-F1 and MCC of confusion matrices `(R, C, C)`."""
    total = confusion.sum((1, 2))
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    true, predicted = confusion.sum(2), confusion.sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = hits / true
        f1 = 2 * hits / (true + predicted)
        # Gorodkin's correlation coefficient for any number of classes; 0 where a margin is constant.
        covariance = hits.sum(1) * total - (true * predicted).sum(1)
        spread = np.sqrt((total**2 - (predicted**2).sum(1)) * (total**2 - (true**2).sum(1)))
        mcc = np.where(spread > 0, covariance / np.where(spread > 0, spread, 1.0), 0.0)
    return {
        "accuracy": hits.sum(1) / total,
        "balanced accuracy": mean_of_defined(recall),
        "macro-F1": mean_of_defined(f1),
        "MCC": mcc,
    }


def mean_of_defined(values: Floats) -> Floats:
    """Row means over what is not NaN: a class that occurs neither in truth nor prediction does not count."""
    defined = np.isfinite(values)
    sums: Floats = np.where(defined, values, 0.0).sum(1) / np.maximum(defined.sum(1), 1)
    return np.where(defined.any(1), sums, np.nan)


def _ranking_scores(probabilities: Floats, labels: Labels, counts: Floats) -> dict[str, Floats]:
    n_classes = probabilities.shape[1]
    chosen = [1] if n_classes == 2 else range(n_classes)
    areas, precisions = [], []
    for c in chosen:
        area, precision = binary_ranking(probabilities[:, c], labels == c, counts)
        areas.append(area)
        precisions.append(precision)
    return {
        "ROC AUC": mean_of_defined(np.stack(areas, 1)),
        "average precision": mean_of_defined(np.stack(precisions, 1)),
    }


def binary_ranking(score: Floats, positive: NDArray[np.bool_], counts: Floats) -> tuple[Floats, Floats]:
    """ROC AUC and average precision `(R,)` of one class; equal scores are one threshold."""
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
        found = all_hits + all_misses
        precision = np.where(found > 0, all_hits / np.where(found > 0, found, 1.0), 0.0)
        average = np.where(n_hits > 0, (hits * precision).sum(1) / n_hits, np.nan)
    return area, average


def calibration_bins(probabilities: Floats, labels: Labels, bins: int = 15) -> dict[str, list[float]]:
    """Top-label reliability: mean confidence, accuracy and share of records in equal-width bins of confidence."""
    confidence, correct = probabilities.max(1), probabilities.argmax(1) == labels
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    number = np.bincount(which, minlength=bins)
    used = number > 0
    return {
        "confidence": [float(x) for x in (np.bincount(which, confidence, bins)[used] / number[used])],
        "accuracy": [float(x) for x in (np.bincount(which, correct, bins)[used] / number[used])],
        "share": [float(x) for x in number[used] / len(labels)],
    }


def expected_calibration_error(probabilities: Floats, labels: Labels, bins: int = 15) -> float:
    """Mean distance of confidence and accuracy over equal-width bins of the top label's confidence."""
    binned = calibration_bins(probabilities, labels, bins)
    gaps = np.abs(np.array(binned["confidence"]) - np.array(binned["accuracy"]))
    return float(np.sum(np.array(binned["share"]) * gaps))


def per_class(confusion: NDArray[np.int64], classes: list[str]) -> list[dict[str, float | str]]:
    """Precision, recall, F1 and support of each class (0 where a denominator is 0)."""
    return [
        class_row(name, float(confusion[i, i]), float(confusion[i].sum()), float(confusion[:, i].sum()))
        for i, name in enumerate(classes)
    ]


def class_row(name: str, hits: float, true: float, predicted: float) -> dict[str, float | str]:
    """Precision, recall and F1 (0 where a denominator is 0) of a class with so many right, true and predicted records."""
    return {
        "class": name,
        "precision": hits / predicted if predicted else 0.0,
        "recall": hits / true if true else 0.0,
        "F1": 2 * hits / (true + predicted) if true + predicted else 0.0,
        "records": true,
    }


def roc_points(score: Floats, positive: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """False and true positive rates over all thresholds, from (0, 0) to (1, 1)."""
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.concatenate((score[order][1:] != score[order][:-1], [True])))
    hits, misses = positive[order].cumsum()[ends], (~positive[order]).cumsum()[ends]
    return (
        np.concatenate(([0.0], misses / max(1, misses[-1]))),
        np.concatenate(([0.0], hits / max(1, hits[-1]))),
    )

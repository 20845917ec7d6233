"""Scores where a record may have any number of labels, each with a bootstrap confidence interval (see `metrics`).

A label is given from a probability of 0.5 on. Micro-F1 counts all labels of all records alike; macro-F1, ROC AUC and
average precision are means over the labels; "exact match" is the share of records whose labels are all right.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seqmix.objectives.metrics import Floats, Score, binary_ranking, bootstrap, class_row, mean_of_defined

HEADLINE = ("exact match", "micro-F1", "macro-F1", "ROC AUC", "average precision", "log loss")
THRESHOLD = 0.5
_EPSILON = float(np.finfo(np.float64).eps)

Matrix = NDArray[np.uint8]


def point_scores(probabilities: Floats, labels: Matrix) -> dict[str, float]:
    """The scores without intervals; both are `(n, C)`."""
    return {name: float(values[0]) for name, values in _weighted(probabilities, labels, np.ones((1, len(labels)))).items()}


def bootstrap_scores(probabilities: Floats, labels: Matrix, *, resamples: int = 1000, seed: int = 0) -> dict[str, Score]:
    """The scores with 95 % percentile bootstrap intervals; both are `(n, C)`."""
    return bootstrap(lambda counts: _weighted(probabilities, labels, counts), len(labels), resamples=resamples, seed=seed)


def _weighted(probabilities: Floats, labels: Matrix, counts: Floats) -> dict[str, Floats]:
    """Every score for each row of record counts `(R, n)`; `(R,)` each."""
    true, given = labels.astype(bool), probabilities >= THRESHOLD
    hits = counts @ (true & given).astype(np.float64)  # (R, C)
    sums = counts @ (true.astype(np.float64) + given)
    with np.errstate(invalid="ignore", divide="ignore"):
        f1 = np.where(sums > 0, 2 * hits / sums, np.nan)
        micro = np.where(sums.sum(1) > 0, 2 * hits.sum(1) / sums.sum(1), np.nan)
    ranked = [binary_ranking(probabilities[:, c], true[:, c], counts) for c in range(true.shape[1])]
    clipped = np.clip(probabilities, _EPSILON, 1.0 - _EPSILON)
    loss = -np.where(true, np.log(clipped), np.log1p(-clipped)).mean(1)
    return {
        "exact match": counts @ (true == given).all(1).astype(np.float64) / counts.sum(1),
        "micro-F1": micro,
        "macro-F1": mean_of_defined(f1),
        "ROC AUC": mean_of_defined(np.stack([area for area, _ in ranked], 1)),
        "average precision": mean_of_defined(np.stack([precision for _, precision in ranked], 1)),
        "log loss": counts @ loss / counts.sum(1),
    }


def per_label(probabilities: Floats, labels: Matrix, classes: list[str]) -> list[dict[str, float | str]]:
    """Precision, recall, F1 and number of records of each label (0 where a denominator is 0)."""
    true, given = labels.astype(bool), probabilities >= THRESHOLD
    counts = ((true & given).sum(0), true.sum(0), given.sum(0))
    return [class_row(name, *(float(count[c]) for count in counts)) for c, name in enumerate(classes)]

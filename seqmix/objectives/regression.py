"""Scores of predicted numbers against true ones, each with a bootstrap confidence interval (see `metrics`).

R2 is the share of the targets' variance that is explained (of the records scored, so that their mean has 0), RMSE and MAE
are in the targets' unit, Pearson and Spearman are correlations; with a tolerance, "within tolerance" is the share of
records that are off by at most so much.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seqmix.objectives.metrics import Floats, Score, bootstrap

HEADLINE = ("R2", "RMSE", "MAE", "Pearson", "Spearman")
IN_UNITS = ("RMSE", "MAE")
WITHIN = "within tolerance"
_ROUNDING = 1e-12  # of the greatest value; what varies by less does not vary


def point_scores(found: Floats, targets: Floats, tolerance: float | None = None) -> dict[str, float]:
    """The scores without intervals; `found` and `targets` are `(n,)`."""
    weighted = _weighted(found, targets, tolerance, np.ones((1, len(targets))))
    return {name: float(values[0]) for name, values in weighted.items()}


def bootstrap_scores(
    found: Floats, targets: Floats, tolerance: float | None = None, *, resamples: int = 1000, seed: int = 0
) -> dict[str, Score]:
    """The scores with 95 % percentile bootstrap intervals; `found` and `targets` are `(n,)`."""
    return bootstrap(lambda counts: _weighted(found, targets, tolerance, counts), len(targets), resamples=resamples, seed=seed)


def _weighted(found: Floats, targets: Floats, tolerance: float | None, counts: Floats) -> dict[str, Floats]:
    """Every score for each row of record counts `(R, n)`; `(R,)` each."""
    total = counts.sum(1)
    error = found - targets
    squares = counts @ error**2
    mean = (counts @ targets)[:, None] / total[:, None]
    variance = (counts * (targets - mean) ** 2).sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        scores = {
            "R2": np.where(_varies(variance, targets, total), 1.0 - squares / variance, np.nan),
            "RMSE": np.sqrt(squares / total),
            "MAE": counts @ np.abs(error) / total,
            "Pearson": _correlation(np.broadcast_to(found, counts.shape), np.broadcast_to(targets, counts.shape), counts),
            "Spearman": _correlation(_ranks(found, counts), _ranks(targets, counts), counts),
        }
    if tolerance is not None:
        scores[WITHIN] = counts @ (np.abs(error) <= tolerance).astype(np.float64) / total
    return scores


def _correlation(x: Floats, y: Floats, counts: Floats) -> Floats:
    """Pearson's correlation of weighted rows `(R, n)`; NaN where one of the two does not vary."""
    total = counts.sum(1, keepdims=True)
    centred = [values - (counts * values).sum(1, keepdims=True) / total for values in (x, y)]
    squares = [(counts * values**2).sum(1) for values in centred]
    varies = _varies(squares[0], x, total[:, 0]) & _varies(squares[1], y, total[:, 0])
    spread = np.sqrt(squares[0]) * np.sqrt(squares[1])
    return np.where(varies, (counts * centred[0] * centred[1]).sum(1) / np.where(varies, spread, 1.0), np.nan)


def _varies(squares: Floats, values: Floats, total: Floats) -> NDArray[np.bool_]:
    """Whether sums of squared distances from the mean `(R,)` are more than rounding leaves of constant `values` `(..., n)`."""
    return squares > (_ROUNDING * np.abs(values).max(-1)) ** 2 * total


def _ranks(values: Floats, counts: Floats) -> Floats:
    """Mid-ranks of `values` `(n,)` in each resample `(R, n)`: equal values share the mean of their places."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    first = np.concatenate(([True], ranked[1:] != ranked[:-1]))
    sizes = np.add.reduceat(counts[:, order], np.flatnonzero(first), axis=1)
    middle = sizes.cumsum(1) - 0.5 * sizes + 0.5
    group = np.empty(len(values), dtype=np.int64)
    group[order] = first.cumsum() - 1
    return middle[:, group]

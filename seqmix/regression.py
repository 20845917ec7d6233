"""Scores of predicted numbers against true ones, each with a bootstrap confidence interval (see `metrics`).

R2 is the share of the targets' variance that is explained (of the records scored, so that their mean has 0), RMSE and MAE
are in the targets' unit, Pearson and Spearman are correlations; with a tolerance, "within tolerance" is the share of
records that are off by at most so much.
"""

from __future__ import annotations

import numpy as np

from seqmix.metrics import Floats, Score, bootstrap

HEADLINE = ("R2", "RMSE", "MAE", "Pearson", "Spearman")
WITHIN = "within tolerance"


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
            "R2": np.where(variance > 0, 1.0 - squares / variance, np.nan),
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
    x = x - (counts * x).sum(1, keepdims=True) / total
    y = y - (counts * y).sum(1, keepdims=True) / total
    spread = np.sqrt((counts * x * x).sum(1) * (counts * y * y).sum(1))
    # What is left of a constant by rounding is no variation.
    varies = spread > 1e-12 * np.maximum(1.0, np.abs(x).max(1) * np.abs(y).max(1)) * total[:, 0]
    return np.where(varies, (counts * x * y).sum(1) / np.where(varies, spread, 1.0), np.nan)


def _ranks(values: Floats, counts: Floats) -> Floats:
    """Mid-ranks of `values` `(n,)` in each resample `(R, n)`: equal values share the mean of their places."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    first = np.concatenate(([True], ranked[1:] != ranked[:-1]))
    sizes = np.add.reduceat(counts[:, order], np.flatnonzero(first), axis=1)
    middle = sizes.cumsum(1) - 0.5 * sizes + 0.5
    group = np.empty(len(values), dtype=np.int64)
    group[order] = first.cumsum() - 1
    ranks: Floats = middle[:, group]
    return ranks

"""Scores of records of similar length: a model may do well on short sequences alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.objectives.base import Labels
from seqmix.objectives.labelled import LabelObjective
from seqmix.objectives.metrics import Floats

_MOST_BINS, _LEAST_RECORDS = 5, 20  # bins, and records of each, if no two lengths are equal


def scores_by_length(
    objective: LabelObjective,
    predictions: Floats,
    labels: Labels,
    lengths: NDArray[np.int64],
    resamples: int,
    groups: NDArray[np.int64] | None = None,
) -> list[dict[str, Any]]:
    """Return what `Evaluation.by_length` holds: the headline scores of bins with about equally many records.

    Args:
        objective: the objective of the model.
        predictions: what the model predicts for the records.
        labels: their true labels.
        lengths: their lengths in tokens, before they are cut for the model, `(n,)`.
        resamples: number of bootstrap samples for the intervals.
        groups: the group of each record, `(n,)`, if records of a group are related; None if all are independent.
    """
    bins = list(_bins(lengths))
    if len(bins) < 2:
        return []
    found = []
    for inside in bins:
        scores = objective.scores(
            predictions[inside], labels[inside], resamples, groups=None if groups is None else groups[inside]
        )
        found.append(
            {
                "shortest": int(lengths[inside].min()),
                "longest": int(lengths[inside].max()),
                "records": int(inside.sum()),
                "scores": {name: asdict(scores[name]) for name in objective.columns[:3]},
            }
        )
    return found


def _bins(lengths: NDArray[np.int64]) -> Iterator[NDArray[np.bool_]]:
    """Yield which records are in each bin, `(n,)` bool; records of one length are in one bin."""
    count = min(_MOST_BINS, len(lengths) // _LEAST_RECORDS)
    inner: Any = np.quantile(lengths, np.arange(1, count) / count, method="inverted_cdf") if count > 1 else []
    place = np.searchsorted(np.unique(inner), lengths)
    for number in np.unique(place):
        yield place == number

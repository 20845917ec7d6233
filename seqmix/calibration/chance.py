"""The calibration error that chance alone makes: that of a perfectly calibrated model with the same probabilities."""

from __future__ import annotations

import numpy as np

from seqmix.objectives.base import Labels
from seqmix.objectives.labelled import LabelObjective
from seqmix.objectives.metrics import Floats

_DRAWS = 100


def chance_error(objective: LabelObjective, predictions: Floats, seed: int = 0) -> float:
    """Return the mean calibration error of predictions for records whose labels are drawn by these very probabilities.

    No model can be expected to have less on so many records.

    Args:
        objective: what the model has learned; one with classes.
        predictions: probabilities `(n, C)`.
        seed: seed of the generator that draws the labels.
    """
    generator = np.random.default_rng(seed)
    return float(
        np.mean([objective.calibration_error(predictions, _drawn(objective, predictions, generator)) for _ in range(_DRAWS)])
    )


def _drawn(objective: LabelObjective, predictions: Floats, generator: np.random.Generator) -> Labels:
    """Return labels that are drawn by probabilities."""
    if not objective.one_class:
        return (generator.random(predictions.shape) < predictions).astype(np.uint8)
    steps = predictions.cumsum(1)
    found = (steps < generator.random((len(predictions), 1)) * steps[:, -1:]).sum(1)
    return np.minimum(found, predictions.shape[1] - 1).astype(np.int64)

"""Reliability: how often answers of some confidence are right, and the calibration error that follows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.objectives.metrics import Floats

BINS = 15  # of confidence, of equal width


def reliability(confidence: Floats, right: NDArray[Any], bins: int = BINS) -> dict[str, list[float]]:
    """Return mean confidence, share of right answers, and share of all answers, of each bin of confidence that has any.

    Args:
        confidence: probability that the model gives to each answer, `(n,)`.
        right: whether the answer is right, `(n,)`.
        bins: number of bins.
    """
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    number = np.bincount(which, minlength=bins)
    used = number > 0
    return {
        "confidence": (np.bincount(which, confidence, bins)[used] / number[used]).tolist(),
        "accuracy": (np.bincount(which, right, bins)[used] / number[used]).tolist(),
        "share": (number[used] / len(confidence)).tolist(),
    }


def expected_calibration_error(confidence: Floats, right: NDArray[Any], bins: int = BINS) -> float:
    """Return the mean difference between confidence and share of right answers, over all answers; see `reliability`."""
    found = reliability(confidence, right, bins)
    gaps = np.abs(np.array(found["confidence"]) - np.array(found["accuracy"]))
    return float(np.sum(np.array(found["share"]) * gaps))

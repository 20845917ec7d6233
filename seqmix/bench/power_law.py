"""Costs that grow with a power of the length: y = a * L^b."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise


def predict(curve: Sequence[tuple[int, float]], length: int, quadratic: bool) -> float | None:
    """Predict a curve at a greater length, by the exponent between neighbouring points, kept within 1 and 2.

    The exponent is that of the last two points; for a quadratic mixer, that of the steepest pair, because the fixed cost of
    every step hides the square at first. With one point, it is 2 for a quadratic mixer, else 1.

    Args:
        curve: lengths and values, shortest first.
        length: the greater length.
        quadratic: whether the mixer declares that its cost grows with the square of the length.

    Returns:
        The value; None if the curve has no points.
    """
    if not curve:
        return None
    steps = [fit_exponent(pair) for pair in pairwise(curve)]
    exponent = 1.0 + quadratic if not steps else max(steps) if quadratic else steps[-1]
    last, value = curve[-1]
    return value * math.pow(length / last, min(2.0, max(1.0, exponent)))


def fit_exponent(curve: Sequence[tuple[int, float]]) -> float:
    """Return b of the least squares fit log y = log a + b log L to two or more points (L, y)."""
    x = [math.log(length) for length, _ in curve]
    y = [math.log(value) for _, value in curve]
    mean_x, mean_y = math.fsum(x) / len(x), math.fsum(y) / len(y)
    products = math.fsum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    return products / math.fsum((a - mean_x) ** 2 for a in x)

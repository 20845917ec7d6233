"""Mean and standard deviation over seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A number over seeds.

    Attributes:
        mean: the mean.
        sd: the sample standard deviation; None for a single value.
    """

    mean: float
    sd: float | None


def spread(values: Sequence[float | None]) -> Spread | None:
    """Return mean and sample standard deviation of the values that are defined; None if none are."""
    defined = [value for value in values if value is not None and math.isfinite(value)]
    if not defined:
        return None
    return Spread(mean=fmean(defined), sd=stdev(defined) if len(defined) > 1 else None)

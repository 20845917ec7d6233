"""The results of `seqmix bench approximation`: errors of approximations of attention, and how stable training is."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from statistics import fmean, pstdev
from typing import Any

from seqmix.bench.power_law import fit_exponent
from seqmix.bench.stability import Instability


@dataclass(slots=True, kw_only=True)
class ErrorPoint:
    """Errors with one number of features.

    Attributes:
        features: the number of features.
        draws: the error of each draw, averaged over its heads.
    """

    features: int
    draws: list[float] = field(default_factory=list)

    @property
    def error(self) -> float:
        """The mean over the draws."""
        return fmean(self.draws)

    @property
    def spread(self) -> float:
        """The standard deviation over the draws."""
        return pstdev(self.draws)


@dataclass(slots=True, kw_only=True)
class ErrorSeries:
    """Errors of one mixer on one kind of input at one length.

    Attributes:
        mixer: name of the mixer.
        inputs: "gaussian" or "run".
        length: length in tokens.
        points: the errors, by increasing number of features.
    """

    mixer: str
    inputs: str
    length: int
    points: list[ErrorPoint] = field(default_factory=list)

    @property
    def fall(self) -> float | None:
        """The error with the most features divided by that with the fewest; None with one point or without an error."""
        if len(self.points) < 2 or not self.points[0].error:
            return None
        return self.points[-1].error / self.points[0].error

    def to_dict(self) -> dict[str, Any]:
        """Return the series for JSON; "exponent" is b of the fitted error = a * features^b."""
        curve = [(point.features, point.error) for point in self.points]
        fitted = len(curve) > 1 and all(error > 0 for _, error in curve)
        return {
            "mixer": self.mixer,
            "inputs": self.inputs,
            "length": self.length,
            "falls": None if self.fall is None else self.fall < 1,
            "last_to_first": self.fall,
            "exponent": fit_exponent(curve) if fitted else None,
            "points": [{"features": p.features, "error": p.error, "spread": p.spread, "draws": p.draws} for p in self.points],
        }


@dataclass(slots=True, kw_only=True)
class ApproximationResult:
    """The results of `bench_approximation`.

    Attributes:
        settings: features, lengths and other options.
        environment: versions, platform, threads.
        errors: one series for each approximation, kind of input and length.
        instabilities: one for each attention mixer and setting.
        notes: what was left out, and why.
        interrupted: whether results are missing because the user interrupted.
    """

    settings: dict[str, Any]
    environment: dict[str, Any]
    errors: list[ErrorSeries] = field(default_factory=list)
    instabilities: list[Instability] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    interrupted: bool = False

    def softmax(self, setting: str) -> Instability | None:
        """Return the instability of softmax attention in a setting, the reference for the others; None if missing."""
        return next((one for one in self.instabilities if (one.mixer, one.setting) == ("softmax", setting)), None)

    def to_json(self) -> str:
        """Return the text of `approximation.json`."""
        content = {
            "environment": self.environment,
            "settings": self.settings,
            "interrupted": self.interrupted,
            "notes": self.notes,
            "errors": [series.to_dict() for series in self.errors],
            "instability": [one.to_dict(self.softmax(one.setting)) for one in self.instabilities],
        }
        return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

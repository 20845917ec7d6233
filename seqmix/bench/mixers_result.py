"""The results of `seqmix bench mixers`: time and memory of each mixer over the length, and how fast they grow."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any

from seqmix.bench.measure import Cost, CostPoint
from seqmix.bench.power_law import fit_exponent

_FITTED = 3  # points that an exponent needs
_CURVES = ("forward_time", "training_time", "forward_memory", "training_memory")


@dataclass(slots=True, kw_only=True)
class CostSeries:
    """The measurements of one mixer, shortest length first.

    Attributes:
        mixer: name of the mixer.
        quadratic: whether the mixer declares that its time or memory grows with the square of the length.
        model: the settings of the measured model, without its length.
        points: the measurements.
        stopped: why lengths are missing, in words; "" if none are missing.
    """

    mixer: str
    quadratic: bool
    model: dict[str, Any]
    points: list[CostPoint] = field(default_factory=list)
    stopped: str = ""

    def curve(self, name: str) -> list[tuple[int, float]]:
        """Return lengths and values of "forward_time", "training_time" (s), "forward_memory" or "training_memory" (bytes).

        Memory excludes weights, gradients and moments, which do not depend on the length; lengths at which these make up
        most of the peak are left out.
        """
        kind, _, what = name.partition("_")
        found: list[tuple[int, float]] = []
        for point in self.points:
            measure: Cost = getattr(point, kind)
            if what == "time":
                found.append((point.length, measure.seconds))
            elif measure.peak_bytes is not None and measure.peak_bytes > 2 * measure.constant_bytes:
                found.append((point.length, measure.peak_bytes - measure.constant_bytes))
        return found

    def exponents(self) -> dict[str, float | None]:
        """Return, by curve, b of the fitted a * L^b; None for fewer than three points.

        The fixed cost of every step flattens the beginning of a curve: see `last_exponents`.
        """
        curves = {name: self.curve(name) for name in _CURVES}
        return {name: fit_exponent(curve) if len(curve) >= _FITTED else None for name, curve in curves.items()}

    def last_exponents(self) -> dict[str, float | None]:
        """Return the same exponents between the two greatest lengths alone; None where there is only one length."""
        curves = {name: self.curve(name)[-2:] for name in _CURVES}
        return {name: fit_exponent(curve) if len(curve) > 1 else None for name, curve in curves.items()}

    def growth(self) -> dict[str, float] | None:
        """Return the factors by which the time per token grows from the first length to the last; None with one length.

        "log_squared" is the factor of a method whose time per token grows with the square of the length's logarithm.
        """
        if len(self.points) < 2:
            return None
        first, last = self.points[0], self.points[-1]
        return {
            "from": first.length,
            "to": last.length,
            "forward": first.forward.tokens_per_second / last.forward.tokens_per_second,
            "training": first.training.tokens_per_second / last.training.tokens_per_second,
            "log_squared": (math.log2(last.length) / math.log2(first.length)) ** 2,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the series for JSON; each point also has its time per token as a multiple of the first point's."""
        points = []
        for point in self.points:
            entry = asdict(point)
            for kind in ("forward", "training"):
                start: Cost = getattr(self.points[0], kind)
                entry[kind]["relative_time_per_token"] = start.tokens_per_second / entry[kind]["tokens_per_second"]
            points.append(entry)
        return {
            "mixer": self.mixer,
            "model": self.model,
            "stopped": self.stopped or None,
            "exponents": self.exponents(),
            "last_exponents": self.last_exponents(),
            "time_per_token_growth": self.growth(),
            "points": points,
        }


@dataclass(slots=True, kw_only=True)
class BenchResult:
    """The results of `bench_mixers`.

    Attributes:
        settings: lengths, batch size, device and other options.
        environment: versions, platform, threads.
        series: one for each mixer.
        interrupted: whether series ended because the user interrupted.
    """

    settings: dict[str, Any]
    environment: dict[str, Any]
    series: list[CostSeries]
    interrupted: bool = False

    @property
    def notes(self) -> list[str]:
        """Why series ended early."""
        return [f"{series.mixer}: {series.stopped}" for series in self.series if series.stopped]

    def to_json(self) -> str:
        """Return the text of `bench.json`."""
        content = {
            "environment": self.environment,
            "settings": self.settings,
            "interrupted": self.interrupted,
            "series": [series.to_dict() for series in self.series],
        }
        return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

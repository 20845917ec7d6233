"""How an evaluation came about: the records and what is known about them; versions, device, time and command."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from seqmix.data.dataset import Dataset
from seqmix.data.relatives.nearness import NEAR
from seqmix.objectives.metrics import Floats
from seqmix.system.environment import environment

_QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Versions, device, time and command of an evaluation.

    Attributes:
        device: what the model was computed on, such as "cpu" or "cuda:0".
        precision: numbers that it was computed with.
        environment: versions, platform and command, see `environment`.
        seconds: how long the evaluation took.
        when: date and time of its end in UTC, such as "2025-01-31 14:05".
    """

    device: str
    precision: str
    environment: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    when: str = ""

    def ended(self, seconds: float) -> Circumstances:
        """Return these circumstances with the time that the evaluation took, at its end."""
        return replace(self, seconds=seconds, when=f"{datetime.now(UTC):%Y-%m-%d %H:%M}")


def circumstances(device: str, precision: str) -> Circumstances:
    """Return the circumstances of an evaluation that goes on."""
    return Circumstances(device, precision, environment())


def data_facts(dataset: Dataset, nearness: Floats | None, *, own: bool) -> dict[str, Any]:
    """Return what `Evaluation.data` holds.

    Args:
        dataset: the data set with the records that were scored.
        nearness: how near the nearest training record of each is, `(n,)`; None if unknown.
        own: whether it is the data set that the model was trained on.
    """
    info = dataset.info
    facts: dict[str, Any] = {"new": not own, "inputs": info.get("inputs", [])}
    if groups := info.get("groups"):
        facts["groups"] = groups
    known = np.empty(0) if nearness is None else nearness[np.isfinite(nearness)]
    if len(known):
        values = np.quantile(known, _QUANTILES).tolist()
        facts["nearness"] = {
            "records": len(known),
            "near": int((known >= NEAR).sum()),
            "quantiles": {f"{q:.0%}": value for q, value in zip(_QUANTILES, values, strict=True)},
        }
    return facts

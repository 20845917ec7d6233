"""Calibration maps: from the outputs of a model to outputs whose probabilities are as often right as they say.

A map acts on z, the log-probabilities of classes or the log-odds of labels:

- temperature: ``z / T`` (Guo et al., On Calibration of Modern Neural Networks, ICML 2017, section 4.2); of several labels, one
  T for all or one for each. It never changes an answer.
- vector scaling: ``w z + b`` with a weight and a shift for each class (the same, section 4.2); for each label, that is the
  scaling of Platt (1999).
- isotonic regression, of two classes: a non-decreasing function of the probability of the second (Zadrozny and Elkan,
  KDD 2002).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from seqmix.objectives.base import Objective

if TYPE_CHECKING:
    from torch import Tensor

METHODS = ("none", "temperature", "vector", "isotonic")  # what may be fitted


@dataclass(frozen=True, slots=True)
class Calibration:
    """A fitted map, and what is known of it.

    Attributes:
        method: one of `METHODS`.
        scale: factors of z: one, or one for each class; empty for "none" and "isotonic".
        shift: what is added: one number, or one for each class.
        knots: of an isotonic regression, ascending probabilities of the second class, raw and calibrated.
        records: number of validation records that it was fitted on.
        reason: why nothing was fitted, or another method than the one asked for; "" otherwise.
        raw: validation scores of the model without the map: "log loss", "calibration error", "accuracy" where defined.
        calibrated: those with the map, cross-validated.
        tried: cross-validated log loss of each method that was tried.
    """

    method: str = "none"
    scale: Sequence[float] = ()
    shift: Sequence[float] = ()
    knots: Sequence[Sequence[float]] = ()
    records: int = 0
    reason: str = ""
    raw: Mapping[str, float] = field(default_factory=dict)
    calibrated: Mapping[str, float] = field(default_factory=dict)
    tried: Mapping[str, float] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The map in words: "temperature 0.71", "vector scaling", "isotonic regression"; "" for none."""
        if self.method == "temperature":
            temperatures = [1.0 / value for value in self.scale]
            if len(temperatures) == 1:
                return f"temperature {temperatures[0]:.2f}"
            return f"temperatures {min(temperatures):.2f} to {max(temperatures):.2f}"
        return {"vector": "vector scaling", "isotonic": "isotonic regression"}.get(self.method, "")

    def apply(self, objective: Objective, outputs: Tensor) -> Tensor:
        """Return calibrated outputs `(n, n_outputs)`: float64, or as they are without a map.

        Args:
            objective: what the model has learned.
            outputs: outputs of the whole model, `(n, n_outputs)`.
        """
        if self.method == "none":
            return outputs
        import torch

        z = objective.averaged_form(outputs)
        if self.method == "isotonic":
            raw, calibrated = (np.array(side) for side in zip(*self.knots, strict=True))
            second = np.interp(z[:, 1].exp().numpy(), raw, calibrated)
            return torch.from_numpy(np.log(np.stack((1.0 - second, second), 1)))
        return z * torch.tensor(self.scale, dtype=torch.float64) + torch.tensor(self.shift, dtype=torch.float64)

    def check(self, objective: Objective) -> None:
        """Make sure that the map can be applied to outputs of an objective.

        Raises:
            ValueError: it cannot.
        """
        finite = all(math.isfinite(number) for number in (*self.scale, *self.shift, *(n for knot in self.knots for n in knot)))
        if self.method not in METHODS or not finite:
            raise ValueError(f"there is no method {self.method!r}, or a number is not finite")
        sizes = {len(self.scale), len(self.shift)}
        if self.method in ("temperature", "vector") and not (
            sizes <= {1, objective.n_outputs} and 0 not in sizes and min(self.scale) > 0
        ):
            raise ValueError("factors and shifts are one, or one for each class")
        if self.method == "isotonic" and not (
            objective.n_outputs == 2
            and len(self.knots) > 1
            and all(len(knot) == 2 and 0 <= knot[0] <= 1 and 0 < knot[1] < 1 for knot in self.knots)
            and all(first[0] < second[0] and first[1] <= second[1] for first, second in pairwise(self.knots))
        ):
            raise ValueError("knots are ascending pairs of probabilities, of two classes")

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON stores it."""
        numbers = {"scale": list(self.scale), "shift": list(self.shift), "knots": [list(knot) for knot in self.knots]}
        scores = {"raw": dict(self.raw), "calibrated": dict(self.calibrated), "tried": dict(self.tried)}
        return {"method": self.method, **numbers, "records": self.records, "reason": self.reason, **scores}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Calibration:
        """Return what `to_dict` stored.

        Raises:
            Exception: of various kinds, if it is something else.
        """
        return cls(
            method=str(stored["method"]),
            scale=tuple(map(float, stored["scale"])),
            shift=tuple(map(float, stored["shift"])),
            knots=tuple(tuple(map(float, knot)) for knot in stored["knots"]),
            records=int(stored["records"]),
            reason=str(stored["reason"]),
            raw=dict(stored["raw"]),
            calibrated=dict(stored["calibrated"]),
            tried=dict(stored["tried"]),
        )

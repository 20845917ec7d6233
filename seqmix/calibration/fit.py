"""`fit_calibration`: choose and fit a calibration map on the validation split.

Cross-validation within these records chooses the map, or none. Targets are smoothed by 1 / (n + 2) (Platt, 1999): otherwise n
records that are all classified well would make the map claim certainty. The logarithms of factors, and the shifts, have normal
priors with mean 0, so that a few records change little.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqmix.calibration.maps import Calibration
from seqmix.objectives.base import Labels
from seqmix.objectives.labelled import LabelObjective
from seqmix.objectives.metrics import Floats, standard_errors
from seqmix.reporting.text import counted

LEAST_RECORDS = 30  # with fewer, nothing is fitted
_LEAST_OF_CLASS = 100  # records of each class for parameters of its own
_FOLDS = 5
_TIMES, _MANY = 4, 5000  # how often records are divided into folds, unless they are more than that many
_PRIOR = 0.5  # standard deviation of the logarithm of a factor before any record is seen; that of a shift is 1
_HARMLESS = 0.002  # nats of cross-validated log loss, which its own error hides
_WIDEST = math.log(20.0)  # of the logarithm of a factor
_ONE = "one temperature"


def fit_calibration(
    objective: LabelObjective,
    outputs: Tensor,
    labels: Labels,
    *,
    method: str = "auto",
    groups: NDArray[np.int64] | None = None,
    seed: int = 0,
) -> Calibration:
    """Return the calibration of a model.

    Args:
        objective: what the model has learned.
        outputs: its outputs for the validation records, `(n, n_outputs)`.
        labels: their labels.
        method: "auto" for the best of temperature and vector scaling, or none if neither helps; or one of
            `seqmix.calibration.maps.METHODS`, which is then fitted if the records suffice.
        groups: number of the group of each record, `(n,)`, which the folds keep together; None if there are none.
        seed: draws the folds.
    """
    n = len(labels)
    if reason := _why_not(objective, labels, method):
        return Calibration(reason=reason, records=n)
    data = _Data(objective, objective.averaged_form(outputs), labels)
    groups = np.arange(n) if groups is None else groups
    if len(np.unique(groups)) < _FOLDS:
        return Calibration(reason=f"the {n:,} validation records are of fewer than {_FOLDS} groups", records=n)
    generator, strata = np.random.default_rng(seed), objective.strata(labels)
    dealt = [_folds(strata, groups, generator) for _ in range(_TIMES if n <= _MANY else 1)]
    raw = objective.predictions(data.z)
    crossed: dict[str, Floats] = {}  # predictions with the folds that were dealt first
    losses = {"none": objective.record_losses(raw, labels)}  # means over all
    for name, fit in _candidates(objective, labels, method).items():
        found = [_crossed(fit, data, folds) for folds in dealt]
        crossed[name] = found[0]
        losses[name] = np.mean([objective.record_losses(one, labels) for one in found], axis=0)
    chosen, reason = _choice(data, raw, crossed, losses, method)
    fitted = _FITS[chosen](data) if chosen != "none" else Calibration()
    return replace(
        fitted,
        records=n,
        reason=reason,
        raw=_scores(objective, raw, labels),
        calibrated=_scores(objective, crossed[chosen], labels) if chosen != "none" else {},
        tried={name: float(values.mean()) for name, values in losses.items()},
    )


def _why_not(objective: LabelObjective, labels: Labels, method: str) -> str:
    """Return why nothing can be fitted; "" if something can."""
    n = len(labels)
    if method == "none":
        return "training.calibration is none"
    if not objective.calibrations:
        return f"a {objective.kind} has no probabilities"
    if not n:
        return "there is no validation split"
    if n < LEAST_RECORDS:
        return f"{counted(n, 'validation record')} {'is' if n == 1 else 'are'} too few ({LEAST_RECORDS} are needed)"
    missing = [name for name, count in objective.count(labels).items() if not count]
    if missing and objective.one_class:
        return f"no validation record is of the class {missing[0]}"
    return ""


class _Data:
    """Validation records.

    Args:
        objective: what the model has learned.
        z: its outputs in averaged form, `(n, n_outputs)`.
        labels: the labels.
    """

    def __init__(self, objective: LabelObjective, z: Tensor, labels: Labels) -> None:
        self.objective, self.z, self.labels = objective, z.detach(), labels

    def chosen(self, which: NDArray[np.bool_]) -> _Data:
        """Return some of the records."""
        return _Data(self.objective, self.z[torch.from_numpy(which)], self.labels[which])

    def fitted(self, scales: int, shifts: int, start: float = 0.0) -> tuple[Floats, Floats]:
        """Return the factors and shifts with the least loss.

        Args:
            scales: number of factors, 1 or n_outputs.
            shifts: number of shifts; 0 for none.
            start: logarithm of the factor to start from, and to which factors are drawn.
        """
        from scipy.optimize import minimize

        n = len(self.labels)
        targets, ones = self.objective.targets(self.labels), torch.ones(self.objective.n_outputs, dtype=torch.float64)
        targets = targets.double() if targets.is_floating_point() else targets

        def loss(numbers: Floats) -> tuple[float, Floats]:
            free = torch.tensor(numbers, dtype=torch.float64, requires_grad=True)
            z = self.z * free[:scales].exp() + (free[scales:] if shifts else 0.0)
            total = self.objective.loss(z, targets, ones, 1.0 / (n + 2)).mean()
            prior = ((free[:scales] - start) / _PRIOR).square().sum() + free[scales:].square().sum()
            total = total + 0.5 * prior / n
            (slope,) = torch.autograd.grad(total, free)
            return total.item(), slope.numpy()

        begin = np.concatenate((np.full(scales, start), np.zeros(shifts)))
        bounds = [(-_WIDEST, _WIDEST)] * scales + [(None, None)] * shifts
        found = minimize(loss, begin, jac=True, method="L-BFGS-B", bounds=bounds)
        return np.exp(found.x[:scales]), found.x[scales:]


def _temperature(data: _Data) -> Calibration:
    scale, _ = data.fitted(1, 0)
    return Calibration("temperature", tuple(scale.tolist()), (0.0,))


def _temperatures(data: _Data) -> Calibration:
    start = math.log(_temperature(data).scale[0])
    scale, _ = data.fitted(data.objective.n_outputs, 0, start)
    return Calibration("temperature", tuple(scale.tolist()), (0.0,))


def _vector(data: _Data) -> Calibration:
    start, width = math.log(_temperature(data).scale[0]), data.objective.n_outputs
    scale, shift = data.fitted(width, width, start)
    return Calibration("vector", tuple(scale.tolist()), tuple(shift.tolist()))


def _isotonic(data: _Data) -> Calibration:
    from sklearn.isotonic import IsotonicRegression

    n = len(data.labels)
    outside = 1.0 / (n + 2)
    model = IsotonicRegression(y_min=outside, y_max=1.0 - outside)
    model.fit(data.z[:, 1].exp().numpy(), data.labels)
    raw, calibrated = (np.asarray(side, dtype=np.float64) for side in (model.X_thresholds_, model.y_thresholds_))
    if len(raw) == 1:
        raw, calibrated = np.array([0.0, 1.0]), np.repeat(calibrated, 2)
    return Calibration("isotonic", knots=tuple(zip(np.clip(raw, 0.0, 1.0).tolist(), calibrated.tolist(), strict=True)))


_FITS: Mapping[str, Callable[[_Data], Calibration]] = {
    _ONE: _temperature,
    "temperature": _temperatures,  # of several labels
    "vector": _vector,
    "isotonic": _isotonic,
}


def _candidates(objective: LabelObjective, labels: Labels, method: str) -> dict[str, Callable[[_Data], Calibration]]:
    """Return what is tried, by its name in `_FITS`, simplest first."""
    counts = objective.count(labels).values()
    enough = all(_LEAST_OF_CLASS <= count <= len(labels) - _LEAST_OF_CLASS for count in counts)
    wanted = [_ONE]
    if not objective.one_class and enough and method in ("auto", "temperature"):
        wanted.append("temperature")
    if enough and method in ("auto", "vector"):
        wanted.append("vector")
    if method == "isotonic":
        wanted.append("isotonic")
    return {name: _FITS[name] for name in wanted}


def _folds(strata: NDArray[np.int64], groups: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.int64]:
    """Return the fold of each record, `(n,)`: groups stay together, and each stratum is dealt out evenly."""
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    order = generator.permutation(len(first))
    order = order[np.argsort(strata[first][order], kind="stable")]
    fold = np.empty(len(first), dtype=np.int64)
    fold[order] = np.arange(len(order)) % _FOLDS
    return fold[group]


def _crossed(fit: Callable[[_Data], Calibration], data: _Data, folds: NDArray[np.int64]) -> Floats:
    """Return the predictions for each record with the map that is fitted to the other folds."""
    found = np.empty((len(folds), data.objective.n_outputs))
    for fold in range(_FOLDS):
        inside = folds == fold
        outputs = fit(data.chosen(~inside)).apply(data.objective, data.z[torch.from_numpy(inside)])
        found[inside] = data.objective.predictions(outputs)
    return found


def _choice(
    data: _Data, raw: Floats, crossed: Mapping[str, Floats], losses: Mapping[str, Floats], method: str
) -> tuple[str, str]:
    """Return which candidate is taken, or "none", and why it is not what was asked for.

    One temperature is taken unless the cross-validated loss shows that it does harm. A map with more parameters is taken if
    that loss is lower by more than a standard error of the difference, and if it does not make fewer answers right. The map
    that is asked for need not have a lower loss; what it must not do is to make fewer of the answers right that it
    is fitted to.
    """

    def right(predictions: Floats) -> float:
        return _accuracy(data.objective, predictions, data.labels)

    chosen, reason = "none" if method == "auto" else _ONE, ""
    for name, found in crossed.items():
        gain = losses[chosen] - losses[name]
        if name in (_ONE, "temperature"):  # which change no answer
            taken = gain.mean() > -_HARMLESS if name == _ONE else standard_errors(gain) > 1
        elif method == "auto":
            taken = standard_errors(gain) > 1 and right(found) >= right(raw)
        else:
            taken = right(data.objective.predictions(_FITS[name](data).apply(data.objective, data.z))) >= right(raw)
            reason = "" if taken else f"{name} makes fewer validation answers right"
        chosen = name if taken else chosen
    if method == "auto" and chosen == "none":
        reason = "every map raises the cross-validated log loss"
    if method == "vector" and "vector" not in crossed:
        reason = f"vector needs {_LEAST_OF_CLASS} validation records with and without each class"
    return chosen, reason


def _scores(objective: LabelObjective, predictions: Floats, labels: Labels) -> dict[str, float]:
    """Return the scores that a calibration is judged by."""
    return {
        "log loss": float(objective.record_losses(predictions, labels).mean()),
        "calibration error": objective.calibration_error(predictions, labels),
        "accuracy": _accuracy(objective, predictions, labels),
    }


def _accuracy(objective: LabelObjective, predictions: Floats, labels: Labels) -> float:
    """Return the share of right answers, for kinds that have them."""
    right = objective.right(predictions, labels)
    assert right is not None
    return float(right.mean())

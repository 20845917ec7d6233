"""A number: the squared error of targets scaled to mean 0 and variance 1. Labels are real numbers `(n,)`.

R2 is the share of the variance of the scored targets that is explained, so predicting their mean scores 0. RMSE and MAE are in
the unit of the targets; Pearson and Spearman are correlations. With a tolerance, "within tolerance" is the share of records
with at most that error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seqmix.errors import ConfigError, InputError, command, param
from seqmix.objectives.base import Labels
from seqmix.objectives.class_names import is_number
from seqmix.objectives.labelled import Answer, Details, EncodedLabels, LabelObjective
from seqmix.objectives.linear import LinearModel
from seqmix.objectives.metrics import Floats

if TYPE_CHECKING:
    from torch import Tensor

IN_UNITS = ("RMSE", "MAE")
WITHIN = "within tolerance"
_ROUNDING = 1e-12  # relative to the largest value; values that vary by less are considered constant
_LARGEST = 1e100  # target, whose square, times the number of records, is a finite number
_SHOWN = 40  # characters shown of a wrong label
_OTHER_SIGNS = re.compile(r"[+-]?\d[\d., '\u00a0\u202f]*(?:[eE][+-]?\d+)?\s*%?")  # as people write numbers
_BINS = 10  # bins of targets, the strata of the split
_LEAST = 10  # records per bin: with fewer, splits would not get their shares
_QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_POINTS = 2000  # points kept for a report


@dataclass(frozen=True)
class Regression(LabelObjective):
    """A number.

    Attributes:
        mean: mean target of the training split.
        scale: standard deviation of its targets.
        tolerance: largest error of a prediction that counts as right; None for no such score.
    """

    mean: float = 0.0
    scale: float = 1.0
    tolerance: float | None = None

    kind = "regression"
    selections: ClassVar[Mapping[str, str]] = {"loss": "RMSE", "r2": "R2", "within": WITHIN}
    answer_column = "value"
    constant = "mean target"
    counted = (WITHIN,)
    linear = "ridge"
    has_classes = False
    subject = "of a number"

    @classmethod
    def encode(
        cls,
        texts: Sequence[str],
        numbers: NDArray[np.int64],
        *,
        separator: str | None = None,
        classes: Sequence[str] | None = None,
        tolerance: float | None = None,
        named: Callable[[int], str] = str,
    ) -> EncodedLabels:
        """Turn texts into real numbers; see the base class. Bins of equally many records are the strata."""
        for number, text in enumerate(texts):
            if not is_number(text):
                shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
                write = "write it with a point and no other sign, " if _OTHER_SIGNS.fullmatch(text.strip()) else ""
                raise InputError(
                    f"{named(int(np.flatnonzero(numbers == number)[0]))}: the label '{shown}' is not a (finite) number, as "
                    f"a regression needs; {write}read labels from elsewhere ({param('label_from')}), correct the record, "
                    "or take it out"
                )
        values = np.array([float(text) for text in texts])
        if len(values) and not np.abs(values).max() <= _LARGEST:
            number = int(np.abs(values).argmax())
            raise InputError(
                f"{named(int(np.flatnonzero(numbers == number)[0]))}: the target {texts[number]} is too large to be scored; at "
                f"most {_LARGEST:g} is possible: choose a larger unit, or remove the record"
            )
        if len(values) and 0 < np.ptp(values) < 1 / _LARGEST:
            raise InputError(
                f"the targets differ by {np.ptp(values):g} at most, too little to be scored; at least {1 / _LARGEST:g} is "
                "possible: choose a smaller unit"
            )
        labels = values[numbers]
        bins = min(_BINS, len(labels) // _LEAST)
        inner = np.quantile(labels, np.arange(1, bins) / bins) if bins > 1 else []
        strata = np.searchsorted(np.unique(inner), labels, side="right")
        return EncodedLabels(cls((), tolerance=tolerance), labels, strata)

    @classmethod
    def from_info(cls, info: Mapping[str, Any]) -> Regression:
        """Return the objective that a `dataset.json` describes."""
        target = info["target"]
        return cls((), target["mean"], target["scale"], target["tolerance"])

    def problem_with(self, labels: Labels) -> str:
        """Return why stored labels are not finite numbers `(n,)`; see the base class."""
        if labels.ndim != 1 or labels.dtype != np.float64:
            return f"targets are float64 in one dimension, not {labels.dtype} in {labels.ndim}"
        return "" if np.isfinite(labels).all() else "not all targets are finite"

    def decode(self, label: Any) -> float:
        """Return the target."""
        return float(label)

    def count(self, labels: Labels) -> dict[str, int]:
        """Return the number of records."""
        return {"records": len(labels)}

    def describe(self, labels: Labels, train: NDArray[np.bool_]) -> dict[str, Any]:
        """Return "target": mean and standard deviation of the training targets, the tolerance, quantiles of all."""
        fitted = labels[train] if train.any() else labels
        quantiles = {f"{q:.0%}": float(value) for q, value in zip(_QUANTILES, np.quantile(labels, _QUANTILES), strict=True)}
        scale = float(fitted.std()) or 1.0
        return {"target": {"mean": float(fitted.mean()), "scale": scale, "tolerance": self.tolerance, "quantiles": quantiles}}

    def check_training(self, labels: Labels) -> None:
        """Refuse targets that are all equal; see the base class."""
        if len(labels) and np.ptp(labels) == 0:
            raise InputError(f"all targets of the training split are {labels[0]:g}; there is nothing to learn")

    @property
    def columns(self) -> tuple[str, str, str, str]:
        """The scores that tables show; see the base class."""
        return ("R2", "MAE", "Pearson" if self.tolerance is None else WITHIN, "RMSE")

    @property
    def compared(self) -> tuple[str, ...]:
        """The scores that a report compares with those of the baselines."""
        return self.columns

    @property
    def n_outputs(self) -> int:
        """One."""
        return 1

    def check(self, training: Any) -> None:
        """Refuse training settings for classes, or for a tolerance without one; see the base class."""
        super().check(training)
        if training.select == "within" and self.tolerance is None:
            raise ConfigError(
                f"{param('training.select')} = 'within' needs a tolerance: run {command('prepare')} again with "
                f"{param('task', 'regression')} and {param('tolerance')}",
                option="training.select",
            )
        balanced = next((name for name in ("class_weights", "sampling") if getattr(training, name) == "balanced"), None)
        if option := "label_smoothing" if training.label_smoothing else balanced:
            raise ConfigError(
                f"a regression has no classes: leave out {param(f'training.{option}')}",
                option=f"training.{option}",
            )

    def validation_loss(self, scores: Mapping[str, float | None]) -> float | None:
        """Return the squared error of scaled targets; see the base class."""
        error = scores.get(self.loss_score)
        return None if error is None else (error / self.scale) ** 2

    def class_weights(self, labels: Labels) -> Floats:
        """Return `(1,)` ones: there are no classes."""
        return np.ones(1)

    def targets(self, labels: Labels) -> Tensor:
        """Return `(n, 1)`, scaled."""
        import torch

        return torch.from_numpy((labels - self.mean) / self.scale).float()[:, None]

    def loss(self, outputs: Tensor, targets: Tensor, weights: Tensor, label_smoothing: float) -> Tensor:
        """Return the squared error of each record, `(B,)`."""
        return (outputs - targets).square().sum(1)

    def predictions(self, outputs: Tensor) -> Floats:
        """Return numbers `(n, 1)` in the targets' unit."""
        return outputs.double().numpy() * self.scale + self.mean

    def combine(self, lexical: Tensor, mixing: Tensor, weight: float) -> Tensor:
        """Return the weighted mean of the numbers."""
        return (1.0 - weight) * lexical + weight * mixing

    def answer(self, row: Floats, threshold: float | None = None, separator: str = ",") -> Answer:
        """Return the predicted number."""
        return Answer("", {}, float(row[0]))

    def conformity(self, predictions: Floats, labels: Labels) -> Floats:
        """Return the absolute error of each number with a minus sign, `(n,)`."""
        return np.asarray(-np.abs(predictions[:, 0] - labels))

    def answers_with(self, row: Floats, least: float) -> tuple[None, tuple[float, float]]:
        """Return the interval of numbers that are at most so far off."""
        return None, (float(row[0]) + least, float(row[0]) - least)

    def record_losses(self, predictions: Floats, labels: Labels) -> Floats:
        """Return the squared error of each record, `(n,)`, in the square of the targets' unit."""
        return np.asarray((predictions[:, 0] - labels) ** 2)

    def weighted_scores(self, predictions: Floats, labels: Labels, counts: Floats) -> dict[str, Floats]:
        """Return every score for each row of record counts; see the base class."""
        found, total = predictions[:, 0], counts.sum(1)
        error = found - labels
        squares = counts @ error**2
        mean = (counts @ labels)[:, None] / total[:, None]
        variance = (counts * (labels - mean) ** 2).sum(1)
        with np.errstate(invalid="ignore", divide="ignore"):
            scores = {
                "R2": np.where(_varies(variance, labels, total), 1.0 - squares / variance, np.nan),
                "RMSE": np.sqrt(squares / total),
                "MAE": counts @ np.abs(error) / total,
                "Pearson": _correlation(np.broadcast_to(found, counts.shape), np.broadcast_to(labels, counts.shape), counts),
                "Spearman": _correlation(_ranks(found, counts), _ranks(labels, counts), counts),
            }
        if self.tolerance is not None:
            scores[WITHIN] = counts @ (np.abs(error) <= self.tolerance).astype(np.float64) / total
        return scores

    def all_answers(self, labels: Labels) -> tuple[Floats, Floats]:
        """Return targets that are farther off than the tolerance, and the right ones; see the base class."""
        right = labels[:, None].astype(np.float64)
        return right + 1.0 + 2.0 * (self.tolerance or 0.0), right

    def details(self, predictions: Floats, labels: Labels) -> Details:
        """Return at most 2,000 true and predicted targets."""
        chosen = np.random.default_rng(0).permutation(len(labels))[:_POINTS]
        return Details(points={"true": labels[chosen].tolist(), "predicted": predictions[chosen, 0].tolist()})

    def worst(self, predictions: Floats, labels: Labels, most: int) -> list[dict[str, Any]]:
        """Return the largest errors; see the base class."""
        error = predictions[:, 0] - labels
        return [
            {"index": int(i), "true": float(labels[i]), "predicted": float(predictions[i, 0]), "error": float(error[i])}
            for i in np.argsort(-np.abs(error), kind="stable")[:most]
        ]

    def written(self, label: Any, separator: str = ",") -> str:
        """Return the target with all its digits; see the base class."""
        return f"{label:.15g}"

    def constant_prediction(self, labels: Labels) -> Floats:
        """Return the mean target, `(1,)`."""
        return np.array([labels.mean()])

    def fit_linear(
        self,
        features: Any,
        labels: Labels,
        strength: float,
        *,
        start: LinearModel | None = None,
        tolerance: float = 1e-4,
        class_weights: Floats | None = None,
    ) -> LinearModel:
        """Fit a ridge regression of scaled targets; see the base class."""
        from sklearn.linear_model import Ridge

        ridge = Ridge(alpha=1.0 / strength).fit(features, (labels - self.mean) / self.scale)
        return LinearModel(np.asarray(ridge.coef_, dtype=np.float64).reshape(-1, 1), np.full(1, ridge.intercept_))


def _correlation(x: Floats, y: Floats, counts: Floats) -> Floats:
    """Return Pearson's correlation of weighted rows `(R, n)`; NaN if either is constant."""
    total = counts.sum(1, keepdims=True)
    centred = [values - (counts * values).sum(1, keepdims=True) / total for values in (x, y)]
    squares = [(counts * values**2).sum(1) for values in centred]
    varies = _varies(squares[0], x, total[:, 0]) & _varies(squares[1], y, total[:, 0])
    spread = np.sqrt(squares[0]) * np.sqrt(squares[1])
    return np.where(varies, (counts * centred[0] * centred[1]).sum(1) / np.where(varies, spread, 1.0), np.nan)


def _varies(squares: Floats, values: Floats, total: Floats) -> NDArray[np.bool_]:
    """Return whether values vary by more than rounding error.

    Args:
        squares: sums of squared distances from the mean, `(R,)`.
        values: `(..., n)`.
        total: number of records, `(R,)`.
    """
    return squares > (_ROUNDING * np.abs(values).max(-1)) ** 2 * total


def _ranks(values: Floats, counts: Floats) -> Floats:
    """Return mid-ranks of `values` `(n,)` in each resample `(R, n)`: equal values share the mean of their ranks."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    first = np.concatenate(([True], ranked[1:] != ranked[:-1]))
    sizes = np.add.reduceat(counts[:, order], np.flatnonzero(first), axis=1)
    middle = sizes.cumsum(1) - 0.5 * sizes + 0.5
    group = np.empty(len(values), dtype=np.int64)
    group[order] = first.cumsum() - 1
    return middle[:, group]

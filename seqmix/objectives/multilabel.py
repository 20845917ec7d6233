"""Any number of labels: a sigmoid and a binary cross-entropy for each. Labels are a matrix `(n, C)` of 0 and 1.

A label is assigned if its probability is at least 0.5. Micro-F1 counts all labels of all records alike; macro-F1, ROC AUC and
average precision are means over the labels; "exact match" is the share of records with all labels right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seqmix.errors import ConfigError, InputError, param
from seqmix.objectives.base import Labels
from seqmix.objectives.labelled import Answer, Details, EncodedLabels, LabelObjective, number_classes
from seqmix.objectives.linear import NEVER, LinearModel, fit_logistic
from seqmix.objectives.metrics import (
    EPSILON,
    Floats,
    binary_ranking,
    class_row,
    mean_of_defined,
    precision_recall_curve,
    ranking_errors,
    roc_curve,
)
from seqmix.objectives.reliability import expected_calibration_error

if TYPE_CHECKING:
    from torch import Tensor

THRESHOLD = 0.5


@dataclass(frozen=True)
class MultiLabel(LabelObjective):
    """Any number of labels."""

    kind = "multilabel"
    selections: ClassVar[Mapping[str, str]] = {
        "macro-f1": "macro-F1",
        "micro-f1": "micro-F1",
        "accuracy": "exact match",
        "roc-auc": "ROC AUC",
        "loss": "log loss",
    }
    columns = ("exact match", "macro-F1", "ROC AUC", "log loss")
    constant = "frequencies of the labels"
    counted = ("exact match", "micro-F1", "macro-F1", "ROC AUC", "average precision")
    many_labels = True

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
        """Turn lists of labels into rows of 0 and 1; see the base class. A record's rarest label is its stratum."""
        lists = [split_labels(text, separator) for text in texts]
        place = number_classes((name for names in lists for name in names), classes)
        if not place:
            raise InputError(f"no record has a label; say where labels are with {param('label_from')}")
        rows = np.zeros((len(texts), len(place)), dtype=np.uint8)
        for row, names in zip(rows, lists, strict=True):
            row[[place[name] for name in names]] = 1
        labels = rows[numbers]
        objective = cls(tuple(place))
        return EncodedLabels(objective, labels, objective.strata(labels))

    def problem_with(self, labels: Labels) -> str:
        """Return why stored labels are not a matrix `(n, C)` of 0 and 1; see the base class."""
        if labels.ndim != 2 or labels.shape[1] != len(self.classes) or labels.dtype != np.uint8:
            shape = f"{labels.shape} of {labels.dtype}"
            return f"the labels have the shape {shape}, but dataset.json needs (records, {len(self.classes)}) of uint8"
        return f"labels are 0 or 1, not {labels.max()}" if labels.size and labels.max() > 1 else ""

    def decode(self, label: Any) -> tuple[str, ...]:
        """Return the names of the labels that a record has."""
        return tuple(self.classes[c] for c in np.flatnonzero(label))

    def members(self, labels: Labels, c: int) -> NDArray[np.bool_]:
        """Return which records have label number `c`, `(n,)` bool."""
        return labels[:, c] > 0

    def strata(self, labels: Labels) -> NDArray[np.int64]:
        """Return the rarest label of each record, for which its place matters most, `(n,)`; -1 if it has none."""
        frequency = labels.sum(0, dtype=np.int64)
        rarest = np.where(labels > 0, frequency, len(labels) + 1).argmin(1)
        return np.where(labels.any(1), rarest, -1)

    def class_weights(self, labels: Labels) -> Floats:
        """Return the ratio of records without a label to records with it, `(C,)`: the weights of positive targets."""
        have = labels.sum(0, dtype=np.float64)
        lack = len(labels) - have
        # A label of all records, or of none, needs no balancing; with weight 0 it would never be learned.
        return np.where((have > 0) & (lack > 0), lack / np.maximum(have, 1.0), 1.0)

    def targets(self, labels: Labels) -> Tensor:
        """Return `(n, C)`, 0 and 1."""
        import torch

        return torch.from_numpy(labels).float()

    def loss(self, outputs: Tensor, targets: Tensor, weights: Tensor, label_smoothing: float) -> Tensor:
        """Return the mean over the labels of their binary cross-entropies, `(B,)`."""
        import torch.nn.functional as F

        soft = targets * (1.0 - label_smoothing) + 0.5 * label_smoothing
        return F.binary_cross_entropy_with_logits(outputs, soft, pos_weight=weights, reduction="none").mean(1)

    def predictions(self, outputs: Tensor) -> Floats:
        """Return probabilities `(n, C)`, one per label."""
        return outputs.double().sigmoid().numpy()

    def combine(self, lexical: Tensor, mixing: Tensor, weight: float) -> Tensor:
        """Return the weighted mean of the log-odds of each label."""
        return (1.0 - weight) * lexical + weight * mixing

    def answer(self, row: Floats, threshold: float | None = None, separator: str = ",") -> Answer:
        """Return all labels that are probable enough, and the probabilities of all."""
        least = THRESHOLD if threshold is None else threshold
        probabilities = dict(zip(self.classes, row.tolist(), strict=True))
        return Answer(separator.join(name for name, value in probabilities.items() if value >= least), probabilities)

    def check_threshold(self, threshold: float | None) -> None:
        """Refuse thresholds that are not probabilities; see the base class."""
        if threshold is not None and not 0 <= threshold <= 1:
            raise ConfigError(f"{param('threshold')} must be a probability from 0 to 1: got {threshold}", option="threshold")

    @property
    def calibrations(self) -> tuple[str, ...]:
        """Temperature (one, or one for each label) and vector scaling, which is that of Platt for each label."""
        return ("temperature", "vector")

    def calibration_error(self, predictions: Floats, labels: Labels) -> float:
        """Return the expected calibration error of the probability of a label, over all labels of all records."""
        return expected_calibration_error(predictions.reshape(-1), labels.reshape(-1) > 0)

    def conformity(self, predictions: Floats, labels: Labels) -> Floats:
        """Return the least probability of the labels that a record has, `(n,)`; 1 if it has none."""
        return np.asarray(np.where(labels > 0, predictions, 1.0).min(1))

    def answers_with(self, row: Floats, least: float) -> tuple[tuple[str, ...], None]:
        """Return the labels that are probable enough."""
        return tuple(name for name, value in zip(self.classes, row, strict=True) if value >= least), None

    def record_losses(self, predictions: Floats, labels: Labels) -> Floats:
        """Return the mean log loss over the labels of each record, `(n,)`."""
        clipped = np.clip(predictions, EPSILON, 1.0 - EPSILON)
        return np.asarray(-np.where(labels > 0, np.log(clipped), np.log1p(-clipped)).mean(1))

    def gain(self, predictions: Floats, constant: Floats, labels: Labels) -> float:
        """Return the gain in loss or ROC AUC; see the base class."""
        ranking = ranking_errors(list(predictions.T), list((labels > 0).T))
        return max(super().gain(predictions, constant, labels), ranking)

    def weighted_scores(self, predictions: Floats, labels: Labels, counts: Floats) -> dict[str, Floats]:
        """Return every score for each row of record counts; see the base class."""
        true, given = labels.astype(bool), predictions >= THRESHOLD
        hits = counts @ (true & given).astype(np.float64)  # (R, C)
        sums = counts @ (true.astype(np.float64) + given)
        with np.errstate(invalid="ignore", divide="ignore"):
            f1 = np.where(sums > 0, 2 * hits / sums, np.nan)
            micro = np.where(sums.sum(1) > 0, 2 * hits.sum(1) / sums.sum(1), np.nan)
        ranked = [binary_ranking(predictions[:, c], true[:, c], counts) for c in range(true.shape[1])]
        loss = self.record_losses(predictions, labels)
        return {
            "exact match": counts @ (true == given).all(1).astype(np.float64) / counts.sum(1),
            "micro-F1": micro,
            "macro-F1": mean_of_defined(f1),
            "ROC AUC": mean_of_defined(np.stack([area for area, _ in ranked], 1)),
            "average precision": mean_of_defined(np.stack([precision for _, precision in ranked], 1)),
            "log loss": counts @ loss / counts.sum(1),
        }

    def all_answers(self, labels: Labels) -> tuple[Floats, Floats]:
        """Return no label where there is one and the reverse, and all labels; see the base class."""
        right = (labels > 0).astype(np.float64)
        return 1.0 - right, right

    def right(self, predictions: Floats, labels: Labels) -> NDArray[np.bool_]:
        """Return which records have all labels right, `(n,)`."""
        return np.asarray((labels.astype(bool) == (predictions >= THRESHOLD)).all(1))

    def details(self, predictions: Floats, labels: Labels) -> Details:
        """Return scores and ROC curve of each label."""
        true, given = labels.astype(bool), predictions >= THRESHOLD
        counts = ((true & given).sum(0), true.sum(0), given.sum(0))
        return Details(
            calibration_error=self.calibration_error(predictions, labels),
            per_class=[class_row(name, *(float(count[c]) for count in counts)) for c, name in enumerate(self.classes)],
            roc={name: roc_curve(predictions[:, c], true[:, c]) for c, name in enumerate(self.classes)},
            precision_recall={
                name: precision_recall_curve(predictions[:, c], true[:, c]) for c, name in enumerate(self.classes)
            },
        )

    def worst(self, predictions: Floats, labels: Labels, most: int) -> list[dict[str, Any]]:
        """Return the records with the labels that are most wrong; see the base class."""
        true, given = labels.astype(bool), predictions >= THRESHOLD
        wrong = np.where(true != given, np.abs(predictions - true), 0.0)
        label, error = wrong.argmax(1), wrong.max(1)
        order = [i for i in np.argsort(-error, kind="stable")[:most] if error[i] > 0]
        return [
            {
                "index": int(i),
                "true": self.written(labels[i]),
                "predicted": self.answer(predictions[i]).label,
                "label": self.classes[label[i]],
                "probability": float(predictions[i, label[i]]),
            }
            for i in order
        ]

    def written(self, label: Any, separator: str = ",") -> str:
        """Return the names of the labels; see the base class."""
        return separator.join(self.decode(label))

    def constant_prediction(self, labels: Labels) -> Floats:
        """Return the frequencies of the labels, `(C,)`."""
        return labels.mean(0)

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
        """Fit a logistic regression for each label; see the base class.

        A label that all training records have is always predicted, and one that none has never.
        """
        weights, bias = np.zeros((features.shape[1], self.n_outputs)), np.where(labels.any(0), -NEVER, NEVER)
        for c in np.flatnonzero(labels.min(0) < labels.max(0)):
            begin = start and LinearModel(start.weights[:, [c]], start.bias[[c]])
            of_records = None if class_weights is None else np.where(labels[:, c], class_weights[c], 1.0)
            fitted = fit_logistic(features, labels[:, c], strength, begin, tolerance, of_records)
            weights[:, c], bias[c] = fitted.weights[:, 0], fitted.bias[0]
        return LinearModel(weights, bias)


def split_labels(text: str, separator: str | None) -> list[str]:
    """Split "heart, lung" into ["heart", "lung"]; white space around labels and around the separator does not count."""
    by = separator and (separator.strip() or separator)
    return [part.strip() for part in text.split(by) if part.strip()]

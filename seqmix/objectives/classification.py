"""One of several classes: softmax and cross-entropy. Labels are class numbers `(n,)`, -1 for none.

With two classes, ROC AUC and average precision are those of the second class (in alphabetical order, as in all tables);
with more, they are means over the classes, each against the rest.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seqmix.errors import InputError, param
from seqmix.objectives.base import Labels
from seqmix.objectives.class_names import is_number
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
    standard_errors,
)
from seqmix.objectives.reliability import expected_calibration_error, reliability
from seqmix.system.printable import quoted

if TYPE_CHECKING:
    from torch import Tensor

_SEPARATORS = (",", ";", "|", "/", "+", "&", "\t", "\n")  # that lists of labels may have
_BETWEEN_LABELS = (";", "|", ",", "/", "&", "+")  # signs; the first two are hardly part of a name
_MANY_NUMBERS = 20  # numeric classes; more of them are considered amounts
_WITH_COMMA = re.compile(r"[+-]?\d+,\d+")


@dataclass(frozen=True)
class Classification(LabelObjective):
    """One of several classes."""

    kind = "classification"
    selections: ClassVar[Mapping[str, str]] = {
        "macro-f1": "macro-F1",
        "accuracy": "accuracy",
        "roc-auc": "ROC AUC",
        "loss": "log loss",
    }
    columns = ("accuracy", "macro-F1", "ROC AUC", "log loss")
    constant = "largest class"
    counted = ("accuracy", "balanced accuracy", "macro-F1", "MCC", "ROC AUC", "average precision")
    one_class = True
    may_lack_labels = True
    can_abstain = True

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
        """Turn class names into numbers; see the base class. Classes are the strata."""
        place = number_classes(texts, classes)
        labels = np.array([place[text] for text in texts] + [-1], dtype=np.int64)[numbers]
        return EncodedLabels(cls(tuple(place)), labels, labels)

    def problem_with(self, labels: Labels) -> str:
        """Return why stored labels are not class numbers `(n,)`; see the base class."""
        if labels.ndim != 1 or labels.dtype != np.int64:
            return f"class numbers are int64 in one dimension, not {labels.dtype} in {labels.ndim}"
        least, most = (0, len(self.classes) - 1) if self.classes else (-1, -1)
        if len(labels) and not least <= labels.min() <= labels.max() <= most:
            classes = f"{len(self.classes):,} classes" if self.classes else "no classes, which allows only -1"
            return f"it has class numbers {labels.min()} to {labels.max()}, but dataset.json has {classes}"
        return ""

    def decode(self, label: Any) -> str | None:
        """Return the name of the class; None if the record has no label."""
        return self.classes[label] if label >= 0 else None

    def members(self, labels: Labels, c: int) -> NDArray[np.bool_]:
        """Return which records belong to class number `c`, `(n,)` bool."""
        return labels == c

    def count(self, labels: Labels) -> dict[str, int]:
        """Return the number of records of each class, or of all records without classes."""
        if not self.classes:
            return {"unlabelled": len(labels)}
        counts = np.bincount(labels[labels >= 0], minlength=len(self.classes))
        return dict(zip(self.classes, counts.tolist(), strict=True))

    def check_classes(self, records: int) -> list[str]:
        """Return notes on classes that look like amounts or lists; see the base class."""
        if len(self.classes) == 1:
            raise InputError(
                f"all {records} records are of one class, {quoted(self.classes[0])}; a classifier needs at least two: "
                f"add files, or say where the labels are with {param('label_from')}"
            )
        if len(self.classes) > _MANY_NUMBERS and all(map(is_number, self.classes)):
            return [f"the {len(self.classes):,} classes are all numbers: if they are amounts, prepare with --task regression"]
        if len(self.classes) > _MANY_NUMBERS and all(map(_WITH_COMMA.fullmatch, self.classes)):
            return [
                f"the {len(self.classes):,} classes are all numbers with a comma: if they are amounts, write a point instead "
                "and prepare with --task regression; if they are several labels, with --label-separator ,"
            ]
        for separator in _SEPARATORS:
            parts = {part.strip() for name in self.classes for part in name.split(separator)}
            lists = sum(separator in name for name in self.classes)
            if (lists > 1 and len(parts) < len(self.classes)) or (lists and parts <= set(self.classes)):
                spelled = {",": ",", "\t": "tab", "\n": "'\\n'"}.get(separator, f"'{separator}'")
                several = "if records have several labels, prepare with --label-separator"
                return [f"some classes are lists of others: {several} {spelled}"]
        return self._likely_lists()

    def _likely_lists(self) -> list[str]:
        """Return a note on classes that contain a separator of labels, though no part of them is a class."""
        for sign in _BETWEEN_LABELS:
            lists = [name for name in self.classes if len(list(filter(str.strip, name.split(sign)))) > 1]
            parts = Counter(part.strip() for name in lists for part in {*name.split(sign)})
            if lists and (sign in _BETWEEN_LABELS[:2] or (len(lists) == len(self.classes) and max(parts.values()) > 1)):
                return [
                    f"{len(lists):,} of {len(self.classes):,} classes hold {sign!r}, such as {quoted(lists[0])}: if records "
                    f"have several labels, prepare with --label-separator {sign if sign == ',' else repr(sign)}"
                ]
        return []

    def check_sizes(self, labels: Labels, n_splits: int) -> None:
        """Refuse classes with fewer records than splits; see the base class."""
        counts = self.count(labels) if self.classes else {}
        few = [name for name, count in counts.items() if count < n_splits]
        if not few:
            return
        count = counts[few[0]]
        others = f" ({len(few):,} of {len(counts):,} classes have too few)" if len(few) > 1 else ""
        raise InputError(
            f"class {quoted(few[0])} has {count} record{'s' * (count != 1)}; it needs {n_splits}, one for each split{others}: "
            f"add more, choose classes with {param('classes')}, or give the splits yourself ({param('split')}, "
            f"{param('split_from')}){self._other_kind() or _names_of_records(len(counts), sum(counts.values()))}"
        )

    def _other_kind(self) -> str:
        """Return advice if the classes look like the labels of another kind."""
        if all(map(is_number, self.classes)):
            return f"; if labels are amounts, prepare with {param('task', 'regression')}"
        if all(map(_WITH_COMMA.fullmatch, self.classes)):
            return (
                f"; if labels are amounts with a decimal comma, write a point instead and prepare with "
                f"{param('task', 'regression')}; if they are several labels, with {param('label_separator', ',')}"
            )
        for separator in _SEPARATORS[:3]:
            if sum(separator in name for name in self.classes) > len(self.classes) / 4:
                return f"; if records have several labels, prepare with {param('label_separator', separator)}"
        return ""

    def strata(self, labels: Labels) -> NDArray[np.int64]:
        """Return the class of each record, `(n,)`."""
        return np.asarray(labels, dtype=np.int64)

    def class_weights(self, labels: Labels) -> Floats:
        """Return weights `(C,)` inverse to the classes' frequencies, 1 on average over the records."""
        counts = np.bincount(labels, minlength=self.n_outputs)
        return np.asarray(counts.sum() / (self.n_outputs * np.maximum(counts, 1)))

    def targets(self, labels: Labels) -> Tensor:
        """Return class numbers `(n,)`."""
        import torch

        return torch.from_numpy(labels)

    def loss(self, outputs: Tensor, targets: Tensor, weights: Tensor, label_smoothing: float) -> Tensor:
        """Return the cross-entropy of each record, `(B,)`."""
        import torch.nn.functional as F

        return F.cross_entropy(outputs, targets, weight=weights, label_smoothing=label_smoothing, reduction="none")

    def averaged_form(self, outputs: Tensor) -> Tensor:
        """Return log-probabilities; see the base class."""
        return outputs.double().log_softmax(-1)

    def predictions(self, outputs: Tensor) -> Floats:
        """Return probabilities `(n, C)` that sum to one."""
        # In float64, so that probabilities sum to one as closely as other tools expect.
        return outputs.double().softmax(-1).numpy()

    def combine(self, lexical: Tensor, mixing: Tensor, weight: float) -> Tensor:
        """Return the weighted mean of the logarithms of the probabilities."""
        return (1.0 - weight) * lexical.log_softmax(-1) + weight * mixing.log_softmax(-1)

    def answer(self, row: Floats, threshold: float | None = None, separator: str = ",") -> Answer:
        """Return the most probable class, and the probabilities of all."""
        probabilities = dict(zip(self.classes, row.tolist(), strict=True))
        return Answer(self.classes[int(row.argmax())], probabilities)

    @property
    def calibrations(self) -> tuple[str, ...]:
        """Temperature and vector scaling; isotonic regression of two classes."""
        return ("temperature", "vector", *(["isotonic"] if len(self.classes) == 2 else []))

    def confidences(self, predictions: Floats) -> Floats:
        """Return the probability of the most probable class, `(n,)`."""
        return np.asarray(predictions.max(1))

    def calibration_error(self, predictions: Floats, labels: Labels) -> float:
        """Return the expected calibration error of the most probable class."""
        return expected_calibration_error(self.confidences(predictions), self.right(predictions, labels))

    def conformity(self, predictions: Floats, labels: Labels) -> Floats:
        """Return the probability of the right class, `(n,)`."""
        return np.asarray(predictions[np.arange(len(labels)), labels])

    def answers_with(self, row: Floats, least: float) -> tuple[tuple[str, ...], None]:
        """Return the classes that are probable enough; at least the most probable one."""
        least = min(least, row.max())
        return tuple(name for name, value in zip(self.classes, row, strict=True) if value >= least), None

    def record_losses(self, predictions: Floats, labels: Labels) -> Floats:
        """Return the log loss of each record, `(n,)`."""
        return np.asarray(-np.log(np.clip(predictions[np.arange(len(labels)), labels], EPSILON, 1.0)))

    def gain(self, predictions: Floats, constant: Floats, labels: Labels) -> float:
        """Return the gain in loss, accuracy or ROC AUC; see the base class."""
        hits = (predictions.argmax(1) == labels).astype(np.float64) - (labels == constant.argmax())
        chosen = _ranked_classes(self.n_outputs)
        ranking = ranking_errors([predictions[:, c] for c in chosen], [labels == c for c in chosen])
        return max(super().gain(predictions, constant, labels), standard_errors(hits), ranking)

    def weighted_scores(self, predictions: Floats, labels: Labels, counts: Floats) -> dict[str, Floats]:
        """Return every score for each row of record counts; see the base class."""
        n_classes = self.n_outputs
        cells = labels * n_classes + predictions.argmax(1)
        occurring, inverse = np.unique(cells, return_inverse=True)
        member = np.zeros((len(labels), len(occurring)))
        member[np.arange(len(labels)), inverse] = 1.0
        confusion = np.zeros((len(counts), n_classes * n_classes))
        confusion[:, occurring] = counts @ member
        loss = self.record_losses(predictions, labels)
        return {
            **_decision_scores(confusion.reshape(-1, n_classes, n_classes)),
            **_ranking_scores(predictions, labels, counts),
            "log loss": counts @ loss / counts.sum(1),
        }

    def all_answers(self, labels: Labels) -> tuple[Floats, Floats]:
        """Return another class, which other records have if possible, and the right one; see the base class."""
        occurring = np.unique(labels)
        others = occurring if len(occurring) > 1 else np.arange(self.n_outputs)
        wrong = others[(np.searchsorted(others, labels) + 1) % len(others)]
        one_hot = np.eye(self.n_outputs)
        return one_hot[wrong], one_hot[labels]

    def right(self, predictions: Floats, labels: Labels) -> NDArray[np.bool_]:
        """Return which records have the right class, `(n,)`."""
        return np.asarray(predictions.argmax(1) == labels)

    def details(self, predictions: Floats, labels: Labels) -> Details:
        """Return calibration, confusion, and figures and ROC curve of each class (of two, the second)."""
        confusion = confusion_matrix(labels, predictions.argmax(1), self.n_outputs)
        true, predicted = confusion.sum(1), confusion.sum(0)
        return Details(
            calibration_error=self.calibration_error(predictions, labels),
            reliability=reliability(self.confidences(predictions), self.right(predictions, labels)),
            per_class=[
                class_row(name, float(confusion[c, c]), float(true[c]), float(predicted[c]))
                for c, name in enumerate(self.classes)
            ],
            confusion=confusion.tolist(),
            roc={self.classes[c]: roc_curve(predictions[:, c], labels == c) for c in _ranked_classes(self.n_outputs)},
            precision_recall={
                self.classes[c]: precision_recall_curve(predictions[:, c], labels == c) for c in _ranked_classes(self.n_outputs)
            },
        )

    def worst(self, predictions: Floats, labels: Labels, most: int) -> list[dict[str, Any]]:
        """Return the wrong classes that were most probable; see the base class."""
        predicted, probability = predictions.argmax(1), predictions.max(1)
        wrong = np.flatnonzero(predicted != labels)
        return [
            {
                "index": int(i),
                "true": self.classes[labels[i]],
                "predicted": self.classes[predicted[i]],
                "probability": float(probability[i]),
            }
            for i in wrong[np.argsort(-probability[wrong], kind="stable")][:most]
        ]

    def constant_prediction(self, labels: Labels) -> Floats:
        """Return the frequencies of the classes, `(C,)`."""
        return np.bincount(labels, minlength=self.n_outputs) / len(labels)

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
        """Fit a logistic regression; see the base class. A class without records is never predicted."""
        occurring = np.unique(labels)
        of_records = None if class_weights is None else class_weights[labels]
        weights, bias = np.zeros((features.shape[1], self.n_outputs)), np.full(self.n_outputs, NEVER)
        if len(occurring) == 1:
            bias[occurring] = 0.0
        elif len(occurring) == 2:
            first, second = occurring
            begin = start and LinearModel(start.weights[:, [second]], start.bias[[second]])
            fitted = fit_logistic(features, labels == second, strength, begin, tolerance, of_records)
            bias[first], bias[second], weights[:, second] = 0.0, fitted.bias[0], fitted.weights[:, 0]
        else:
            begin = start and LinearModel(start.weights[:, occurring], start.bias[occurring])
            fitted = fit_logistic(features, labels, strength, begin, tolerance, of_records)
            weights[:, occurring], bias[occurring] = fitted.weights, fitted.bias
        return LinearModel(weights, bias)


def confusion_matrix(labels: NDArray[np.int64], predicted: NDArray[np.int64], n_classes: int) -> NDArray[np.int64]:
    """Return `(C, C)` counts, true classes in rows, predicted classes in columns."""
    return np.bincount(labels * n_classes + predicted, minlength=n_classes * n_classes).reshape(n_classes, n_classes)


def _decision_scores(confusion: Floats) -> dict[str, Floats]:
    """Return accuracy, balanced accuracy, macro-F1 and MCC of confusion matrices `(R, C, C)`."""
    total = confusion.sum((1, 2))
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    true, predicted = confusion.sum(2), confusion.sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = hits / true
        f1 = 2 * hits / (true + predicted)
        # Gorodkin's correlation coefficient for any number of classes; 0 where a margin is constant.
        covariance = hits.sum(1) * total - (true * predicted).sum(1)
        spread = np.sqrt((total**2 - (predicted**2).sum(1)) * (total**2 - (true**2).sum(1)))
        mcc = np.where(spread > 0, covariance / np.where(spread > 0, spread, 1.0), 0.0)
    return {
        "accuracy": hits.sum(1) / total,
        "balanced accuracy": mean_of_defined(recall),
        "macro-F1": mean_of_defined(f1),
        "MCC": mcc,
    }


def _ranked_classes(n_classes: int) -> list[int]:
    """Return the classes that have a ROC curve, over whose areas the mean is taken."""
    return [1] if n_classes == 2 else list(range(n_classes))


def _ranking_scores(probabilities: Floats, labels: Labels, counts: Floats) -> dict[str, Floats]:
    """Return ROC AUC and average precision `(R,)`."""
    n_classes = probabilities.shape[1]
    chosen = _ranked_classes(n_classes)
    ranked = [binary_ranking(probabilities[:, c], labels == c, counts) for c in chosen]
    return {
        "ROC AUC": mean_of_defined(np.stack([area for area, _ in ranked], 1)),
        "average precision": mean_of_defined(np.stack([precision for _, precision in ranked], 1)),
    }


def _names_of_records(classes: int, records: int) -> str:
    """Return advice if nearly every record has a class of its own, so that the classes may be ids or descriptions."""
    if classes < max(_MANY_NUMBERS, records // 2):
        return ""
    return (
        f"; {records:,} records have {classes:,} labels: if these are names of the records, not classes, say "
        f"where classes are with {param('label_from')}"
    )

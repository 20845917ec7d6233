"""What a kind of objective answers for, from the texts of labels to the figures of a report.

All that differs between the kinds stands in their classes, so that preparing, training, evaluation and prediction ask the
objective and never for its kind. *Labels* are a data set's `labels.npy`, in the form that the kind gives them; *predictions*
are probabilities `(n, C)`, or numbers `(n, 1)`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seqmix.errors import ConfigError, InputError, param
from seqmix.objectives.metrics import Floats, Score, bootstrap

if TYPE_CHECKING:
    from torch import Tensor

Labels = NDArray[Any]
Predictor = Callable[[Any], Floats]


@dataclass(frozen=True, slots=True)
class EncodedLabels:
    """The labels of n records as numbers.

    Attributes:
        objective: what is to be learned from them.
        labels: as in `labels.npy`.
        strata: numbers `(n,)`; every split has its share of the records of each.
    """

    objective: Objective
    labels: Labels
    strata: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is predicted for one record.

    Attributes:
        label: the predicted class, or all labels; "" in a regression.
        probabilities: of every class, by name; empty in a regression.
        value: the predicted number; None if there are classes.
    """

    label: str
    probabilities: dict[str, float]
    value: float | None = None


@dataclass(frozen=True, kw_only=True)
class Details:
    """What a report shows beside the scores; what a kind does not have is empty.

    Attributes:
        calibration_error: expected calibration error, 15 bins; NaN if it is not defined.
        reliability: confidence, accuracy and share of records of these bins.
        per_class: precision, recall, F1 and number of records of each class.
        confusion: `(C, C)` counts, rows the true classes.
        roc: false and true positive rates, by class.
        points: some true and predicted targets.
    """

    calibration_error: float = math.nan
    reliability: dict[str, list[float]] = field(default_factory=dict)
    per_class: list[dict[str, float | str]] = field(default_factory=list)
    confusion: list[list[int]] = field(default_factory=list)
    roc: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    points: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Objective(ABC):
    """What a model learns.

    Attributes:
        classes: names of the classes or labels; empty in a regression.
        kind: its name in `dataset.json` and of `task`.
        selections: scores that the best weights may be chosen by, by their name in training.select; the first is the default.
        answer_column: header of the column that has the predictions.
        constant: name of the baseline that does not look at the record.
        linear: kind of linear model that the other baselines are.
        has_classes: whether there are classes, rather than numbers.
        one_class: whether every record has exactly one class.
        many_labels: whether a record's label text holds any number of labels.
        may_lack_labels: whether records without any label can be prepared, to be predicted later.
    """

    classes: tuple[str, ...]

    kind: ClassVar[str]
    selections: ClassVar[Mapping[str, str]]
    answer_column: ClassVar[str] = "label"
    constant: ClassVar[str]
    linear: ClassVar[str] = "logistic"
    has_classes: ClassVar[bool] = True
    one_class: ClassVar[bool] = False
    many_labels: ClassVar[bool] = False
    may_lack_labels: ClassVar[bool] = False

    # Preparing a data set.

    @classmethod
    @abstractmethod
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
        """Turn the label texts of records into numbers.

        Args:
            texts: the distinct label texts.
            numbers: which of them each record has, `(n,)`; -1 if it has none.
            separator: what stands between the labels of a record (multilabel).
            classes: names of the classes in the order that a model has them; None for all that occur, sorted.
            tolerance: error up to which a prediction counts as right (regression); None if there is no such score.
            named: describes a record, given its number.

        Raises:
            InputError: a text is not a number, or not one of `classes`.
        """

    @classmethod
    def from_info(cls, info: Mapping[str, Any]) -> Objective:
        """Return the objective of this kind that a `dataset.json` describes."""
        return cls(tuple(info["classes"]))

    @property
    def labelled(self) -> bool:
        """Whether there is something to learn."""
        return bool(self.classes) or not self.has_classes

    def members(self, labels: Labels, c: int) -> NDArray[np.bool_]:
        """Return which records are of class number `c`, or have that label, `(n,)`."""
        raise NotImplementedError(f"{self.kind} has no classes")

    def count(self, labels: Labels) -> dict[str, int]:
        """Return the number of records of each class, by its name."""
        return {name: int(self.members(labels, c).sum()) for c, name in enumerate(self.classes)}

    def describe(self, labels: Labels, train: NDArray[np.bool_]) -> dict[str, Any]:
        """Return what `dataset.json` stores of the labels, besides the classes.

        Args:
            labels: of all records.
            train: which of them are in the training split, `(n,)`.
        """
        return {}

    def check_classes(self, records: int) -> list[str]:
        """Return notes on classes that look as if they were something else.

        Raises:
            InputError: there is only one, of all `records`.
        """
        return []

    def check_sizes(self, labels: Labels, n_splits: int) -> None:
        """Refuse a class with fewer records than splits.

        Raises:
            InputError: there is one.
        """
        return

    def check_training(self, labels: Labels) -> None:
        """Refuse labels of a training split `(n, …)` that nothing can be learned from.

        Raises:
            InputError: all are equal.
        """
        return

    # Training.

    @property
    @abstractmethod
    def columns(self) -> tuple[str, str, str, str]:
        """The scores that tables show: three for people, and the one that goes with the loss."""

    @property
    def n_outputs(self) -> int:
        """Width of the model's head."""
        return len(self.classes)

    @property
    def loss_score(self) -> str:
        """The score that goes with the loss; lower is better."""
        return self.columns[3]

    def validation_loss(self, scores: Mapping[str, float | None]) -> float | None:
        """Return the loss that goes with validation scores, on the scale of the training loss; None if it is unknown."""
        return scores.get(self.loss_score)

    def check(self, training: Any) -> None:
        """Refuse training settings that have no meaning for this objective.

        Args:
            training: a `TrainingConfig`.

        Raises:
            ConfigError: one of them is set.
        """
        if training.select not in self.selections:
            raise ConfigError(
                f"training.select = '{training.select}' is not a score of {self.kind} data; choose from: "
                f"{', '.join(self.selections)}",
                option="training.select",
            )

    def judge(self, scores: Mapping[str, float], select: str) -> tuple[float, float]:
        """Return (score, loss) of a validation, by which weights are compared; a higher score is better.

        Args:
            scores: of the validation split.
            select: one of `selections`.
        """
        loss = scores.get(self.loss_score, np.nan)
        name = self.selections[select]
        return (-loss if name == self.loss_score else scores.get(name, np.nan)), loss

    def reaches(self, score: float, goal: float, select: str) -> bool:
        """Return whether a score, as `judge` gives it, is as good as the goal; a goal of 0 is never reached."""
        return bool(goal) and score >= (-goal if self.selections[select] == self.loss_score else goal)

    @abstractmethod
    def class_weights(self, labels: Labels) -> Floats:
        """Return weights `(C,)` inverse to the frequencies of the classes in `labels`."""

    @abstractmethod
    def targets(self, labels: Labels) -> Tensor:
        """Return what `loss` compares outputs with, for all records."""

    @abstractmethod
    def loss(self, outputs: Tensor, targets: Tensor, weights: Tensor, label_smoothing: float) -> Tensor:
        """Return the loss of each record, `(B,)`.

        Args:
            outputs: of the model, `(B, n_outputs)`.
            targets: of these records, as `targets` gives them.
            weights: of the classes, `(C,)`.
            label_smoothing: share of the target that is spread over the other classes.
        """

    # Predicting.

    @abstractmethod
    def predictions(self, outputs: Tensor) -> Floats:
        """Return probabilities `(n, C)`, or numbers `(n, 1)` in the labels' unit, of outputs `(n, n_outputs)`."""

    @abstractmethod
    def answer(self, row: Floats, threshold: float | None = None, separator: str = ",") -> Answer:
        """Return what is predicted for one record.

        Args:
            row: its predictions, `(C,)` or `(1,)`.
            threshold: least probability of a label that is assigned (multilabel); None for 0.5.
            separator: what to write between labels (multilabel).
        """

    def check_threshold(self, threshold: float | None) -> None:
        """Refuse a `threshold` that `answer` cannot use.

        Raises:
            ConfigError: it is not a probability, or this objective has no use for one.
        """
        if threshold is not None:
            raise ConfigError(
                f"{param('threshold')} is for models with several labels a record; this is a {self.kind}: got {threshold}",
                option="threshold",
            )

    # Evaluating.

    @property
    def compared(self) -> tuple[str, ...]:
        """The scores that a report shows beside those of the baselines."""
        return (*self.columns[:3], "average precision")

    @abstractmethod
    def weighted_scores(self, predictions: Floats, labels: Labels, counts: Floats) -> dict[str, Floats]:
        """Return every score for each row of `counts`, `(R,)`.

        Args:
            predictions: as `predictions` gives them.
            labels: the true ones.
            counts: how often each record counts, `(R, n)`.
        """

    def point_scores(self, predictions: Floats, labels: Labels) -> dict[str, float]:
        """Return all scores, without intervals."""
        weighted = self.weighted_scores(predictions, labels, np.ones((1, len(labels))))
        return {name: float(values[0]) for name, values in weighted.items()}

    def scores(self, predictions: Floats, labels: Labels, resamples: int = 1000, seed: int = 0) -> dict[str, Score]:
        """Return all scores with 95 % percentile bootstrap intervals.

        Args:
            predictions: as `predictions` gives them.
            labels: the true ones.
            resamples: number of bootstrap samples.
            seed: of the generator that draws them.
        """

        def weighted(counts: Floats) -> dict[str, Floats]:
            return self.weighted_scores(predictions, labels, counts)

        return bootstrap(weighted, len(labels), resamples=resamples, seed=seed)

    @abstractmethod
    def details(self, predictions: Floats, labels: Labels) -> Details:
        """Return what a report shows beside the scores."""

    @abstractmethod
    def constant_prediction(self, labels: Labels) -> Floats:
        """Return the prediction, `(C,)` or `(1,)`, that suits training `labels` best without a look at the records."""

    @abstractmethod
    def fit_linear(self, features: Any, labels: Labels, strength: float) -> Predictor:
        """Fit a linear model.

        Args:
            features: `(n, F)`, dense or sparse.
            labels: of the same records.
            strength: how closely it may fit: the inverse of the penalty on its weights.

        Returns:
            A function from features to predictions.
        """

    def rank(self, predictions: Floats, labels: Labels) -> float:
        """Return the validation score that linear models are compared by; higher is better."""
        return -self.point_scores(predictions, labels)[self.loss_score]


def number_classes(names: Iterable[str], classes: Sequence[str] | None) -> dict[str, int]:
    """Return the number of each class, by its name.

    Args:
        names: those that occur.
        classes: those that a model has, in its order; None for all that occur, sorted.

    Raises:
        InputError: the model does not know a class that occurs.
    """
    occurring = set(names)
    known: Collection[str] = classes if classes is not None else sorted(occurring)
    if strange := sorted(occurring - set(known)):
        raise InputError(f"the model does not know the class '{strange[0]}'; its classes are: {', '.join(known)}")
    return {name: i for i, name in enumerate(known)}


def is_number(text: str) -> bool:
    """Return whether a text is a finite number."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False

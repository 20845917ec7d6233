"""What a kind of objective is responsible for, from the texts of labels to the figures of a report.

Everything that differs between the kinds is in their classes, so that preparing, training, evaluation and prediction ask the
objective and never for its kind. *Labels* are a data set's `labels.npy`, in the form of the kind; *predictions* are
probabilities `(n, C)`, or numbers `(n, 1)`.
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
from seqmix.objectives.linear import LinearModel
from seqmix.objectives.metrics import Floats, Score, bootstrap, standard_errors

if TYPE_CHECKING:
    from torch import Tensor

Labels = NDArray[Any]
LEAST_GAIN = 2.0  # standard errors by which predictions must be better than a constant one to show that anything was learned


@dataclass(frozen=True, slots=True)
class EncodedLabels:
    """The labels of n records as numbers.

    Attributes:
        objective: what is learned from them.
        labels: as in `labels.npy`.
        strata: `(n,)` numbers; each split gets its share of the records of each stratum.
    """

    objective: Objective
    labels: Labels
    strata: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Answer:
    """The prediction for one record.

    Attributes:
        label: the predicted class, or all predicted labels; "" in a regression.
        probabilities: probability of every class, by name; empty in a regression.
        value: the predicted number; None if there are classes.
    """

    label: str
    probabilities: dict[str, float]
    value: float | None = None


@dataclass(frozen=True, kw_only=True)
class Details:
    """What a report shows besides the scores; whatever a kind does not have is empty.

    Attributes:
        calibration_error: expected calibration error with 15 bins; NaN if undefined.
        reliability: confidence, accuracy and share of records of these bins.
        per_class: precision, recall, F1 and number of records of each class.
        confusion: `(C, C)` counts, true classes in rows.
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
        kind: the kind's name, as in `dataset.json` and `task`.
        selections: scores by which the best weights can be selected, by their name in training.select; the first is the
            default.
        answer_column: header of the column of predictions.
        constant: name of the baseline that ignores the record.
        linear: type of linear model used by the other baselines.
        has_classes: whether there are classes, rather than numbers.
        one_class: whether every record has exactly one class.
        many_labels: whether a record's label text can hold any number of labels.
        may_lack_labels: whether records without labels can be prepared, for prediction later.
        answers: whether a trained model answers for new records.
        subject: what is learned, for a line about a run that has no classes.
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
    answers: ClassVar[bool] = True
    subject: ClassVar[str] = "of a number"

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
            numbers: index of each record's text, `(n,)`; -1 if it has none.
            separator: text between the labels of a record (multilabel).
            classes: names of the classes in the order of a model; if None, all that occur, sorted.
            tolerance: largest error of a prediction that counts as right (regression); None for no such score.
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
        """Whether there is anything to learn."""
        return bool(self.classes) or not self.has_classes

    @abstractmethod
    def decode(self, label: Any) -> str | tuple[str, ...] | float | None:
        """Return the label of one record as people write it.

        Args:
            label: its entry of `labels.npy`.
        """

    def members(self, labels: Labels, c: int) -> NDArray[np.bool_]:
        """Return which records belong to class number `c`, or have that label, `(n,)` bool."""
        raise NotImplementedError(f"{self.kind} has no classes")

    def count(self, labels: Labels) -> dict[str, int]:
        """Return the number of records of each class, by its name."""
        return {name: int(self.members(labels, c).sum()) for c, name in enumerate(self.classes)}

    def describe(self, labels: Labels, train: NDArray[np.bool_]) -> dict[str, Any]:
        """Return what `dataset.json` stores about the labels, besides the classes.

        Args:
            labels: labels of all records.
            train: which records are in the training split, `(n,)` bool.
        """
        return {}

    def check_classes(self, records: int) -> list[str]:
        """Return notes on classes that look like another kind.

        Raises:
            InputError: all `records` are of one class.
        """
        return []

    def check_sizes(self, labels: Labels, n_splits: int) -> None:
        """Refuse classes with fewer records than splits.

        Raises:
            InputError: there is such a class.
        """
        return

    def check_training(self, labels: Labels) -> None:
        """Refuse labels of a training split `(n, …)` from which nothing can be learned.

        Raises:
            InputError: all are equal.
        """
        return

    # Training.

    @property
    @abstractmethod
    def columns(self) -> tuple[str, str, str, str]:
        """The scores that tables show: three for people, and the one that corresponds to the loss."""

    @property
    def n_outputs(self) -> int:
        """Width of the model's head."""
        return len(self.classes)

    @property
    def loss_score(self) -> str:
        """The score that corresponds to the loss; lower is better."""
        return self.columns[3]

    def validation_loss(self, scores: Mapping[str, float | None]) -> float | None:
        """Return the loss that corresponds to validation scores, on the scale of the training loss; None if unknown."""
        return scores.get(self.loss_score)

    def check(self, training: Any) -> None:
        """Refuse training settings that are meaningless for this objective.

        Args:
            training: a `TrainingConfig`.

        Raises:
            ConfigError: there is such a setting.
        """
        if training.select not in self.selections:
            raise ConfigError(
                f"{param('training.select')} = '{training.select}' is not a score of {self.kind} data; choose from: "
                f"{', '.join(self.selections)}",
                option="training.select",
            )

    def judge(self, scores: Mapping[str, float], select: str) -> tuple[float, float]:
        """Return the (score, loss) of a validation by which weights are compared; a higher score is better.

        Args:
            scores: scores on the validation split.
            select: one of `selections`.
        """
        loss = scores.get(self.loss_score, np.nan)
        name = self.selections[select]
        return (-loss if name == self.loss_score else scores.get(name, np.nan)), loss

    def continues(self, other: Objective) -> bool:
        """Return whether the outputs of a model that was trained for `other` mean the same here."""
        return self == other

    def reaches(self, score: float, goal: float, select: str) -> bool:
        """Return whether a score from `judge` is as good as the goal; a goal of 0 is never reached."""
        return bool(goal) and score >= (-goal if self.selections[select] == self.loss_score else goal)

    def strata(self, labels: Labels) -> NDArray[np.int64]:
        """Return the number of the group of each record, `(n,)`, for samples with as many records of each group."""
        raise NotImplementedError(f"{self.kind} has no classes")

    @abstractmethod
    def class_weights(self, labels: Labels) -> Floats:
        """Return weights `(C,)` inverse to the frequencies of the classes in `labels`."""

    @abstractmethod
    def targets(self, labels: Labels) -> Tensor:
        """Return the targets of all records, as `loss` expects them."""

    @abstractmethod
    def loss(self, outputs: Tensor, targets: Tensor, weights: Tensor, label_smoothing: float) -> Tensor:
        """Return the loss of each record, `(B,)`.

        Args:
            outputs: outputs of the model, `(B, n_outputs)`.
            targets: targets of these records, from `targets`.
            weights: weights of the classes, `(C,)`.
            label_smoothing: share of the target spread over the other classes.
        """

    # Predicting.

    def averaged_form(self, outputs: Tensor) -> Tensor:
        """Return outputs in the form in which several answers for one record are averaged, `(n, n_outputs)` float64.

        `predictions` of this form are those of the outputs. It is log-probabilities for one of several classes, log-odds for
        several labels, and the scaled value for a regression.
        """
        return outputs.double()

    @abstractmethod
    def predictions(self, outputs: Tensor) -> Floats:
        """Return probabilities `(n, C)`, or numbers `(n, 1)` in the labels' unit, of outputs `(n, n_outputs)`."""

    @abstractmethod
    def combine(self, lexical: Tensor, mixing: Tensor, weight: float) -> Tensor:
        """Return the outputs of two models together, `(n, n_outputs)`.

        Args:
            lexical: outputs of the one, `(n, n_outputs)`.
            mixing: outputs of the other.
            weight: weight of `mixing`, from 0 to 1.
        """

    @abstractmethod
    def answer(self, row: Floats, threshold: float | None = None, separator: str = ",") -> Answer:
        """Return the prediction for one record.

        Args:
            row: its predictions, `(C,)` or `(1,)`.
            threshold: least probability of a label that is assigned (multilabel); 0.5 if None.
            separator: text to write between labels (multilabel).
        """

    def check_threshold(self, threshold: float | None) -> None:
        """Refuse a `threshold` that `answer` cannot use.

        Raises:
            ConfigError: it is not a probability, or this kind does not use one.
        """
        if threshold is not None:
            raise ConfigError(
                f"{param('threshold')} is for multilabel models; this is a {self.kind}: got {threshold}",
                option="threshold",
            )

    # Evaluating.

    @property
    def compared(self) -> tuple[str, ...]:
        """The scores that a report compares with those of the baselines."""
        return (*self.columns[:3], "average precision")

    @abstractmethod
    def record_losses(self, predictions: Floats, labels: Labels) -> Floats:
        """Return the loss of each record, `(n,)`, without class weights and smoothing."""

    def gain(self, predictions: Floats, constant: Floats, labels: Labels) -> float:
        """Return by how many standard errors predictions are better than a constant one; at most `LEAST_GAIN` may be chance.

        Of several measures, such as loss and accuracy, it is the one that shows most.

        Args:
            predictions: as returned by `predictions`.
            constant: as returned by `constant_prediction`.
            labels: the true labels of these records.
        """
        rows = np.broadcast_to(constant, predictions.shape)
        return standard_errors(self.record_losses(rows, labels) - self.record_losses(predictions, labels))

    @abstractmethod
    def weighted_scores(self, predictions: Floats, labels: Labels, counts: Floats) -> dict[str, Floats]:
        """Return every score for each row of `counts`, `(R,)`.

        Args:
            predictions: as returned by `predictions`.
            labels: the true labels.
            counts: how often each record counts, `(R, n)`.
        """

    def point_scores(self, predictions: Floats, labels: Labels) -> dict[str, float]:
        """Return all scores, without intervals."""
        weighted = self.weighted_scores(predictions, labels, np.ones((1, len(labels))))
        return {name: float(values[0]) for name, values in weighted.items()}

    def scores(self, predictions: Floats, labels: Labels, resamples: int = 1000, seed: int = 0) -> dict[str, Score]:
        """Return all scores with 95 % percentile bootstrap intervals.

        Args:
            predictions: as returned by `predictions`.
            labels: the true labels.
            resamples: number of bootstrap samples.
            seed: seed of the generator that draws them.
        """

        def weighted(counts: Floats) -> dict[str, Floats]:
            return self.weighted_scores(predictions, labels, counts)

        return bootstrap(weighted, len(labels), resamples=resamples, seed=seed)

    @abstractmethod
    def details(self, predictions: Floats, labels: Labels) -> Details:
        """Return what a report shows besides the scores."""

    @abstractmethod
    def constant_prediction(self, labels: Labels) -> Floats:
        """Return the prediction, `(C,)` or `(1,)`, that fits the training labels best without looking at records."""

    @abstractmethod
    def fit_linear(
        self, features: Any, labels: Labels, strength: float, *, start: LinearModel | None = None, tolerance: float = 1e-4
    ) -> LinearModel:
        """Fit a linear model, whose outputs `predictions` takes.

        Args:
            features: `(n, F)`, dense or sparse.
            labels: labels of the same records.
            strength: inverse of the penalty on the weights; a larger value fits more closely.
            start: a model of the same features to start from; it changes the time alone.
            tolerance: largest derivative of the mean loss at which an optimum is considered as reached.
        """

    def rank(self, predictions: Floats, labels: Labels) -> float:
        """Return the validation score by which linear models are compared; higher is better."""
        return -self.point_scores(predictions, labels)[self.loss_score]


def number_classes(names: Iterable[str], classes: Sequence[str] | None) -> dict[str, int]:
    """Return the number of each class, by name.

    Args:
        names: names that occur.
        classes: names of a model's classes, in its order; if None, all that occur, sorted.

    Raises:
        InputError: a class occurs that the model does not know.
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

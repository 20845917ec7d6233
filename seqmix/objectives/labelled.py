"""What the kinds of labels have in common: texts into numbers, answers for new records, and linear models."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from seqmix.errors import ConfigError, InputError, advice, param
from seqmix.objectives.base import Labels, Objective
from seqmix.objectives.class_names import alike_to
from seqmix.objectives.linear import LinearModel
from seqmix.objectives.metrics import Floats
from seqmix.system.printable import printable, quoted

if TYPE_CHECKING:
    from torch import Tensor

_LISTED = 50  # classes of a model that a message lists


@dataclass(frozen=True, slots=True)
class EncodedLabels:
    """The labels of n records as numbers.

    Attributes:
        objective: what is learned from them.
        labels: as in `labels.npy`.
        strata: `(n,)` numbers; each split gets its share of the records of each stratum.
    """

    objective: LabelObjective
    labels: Labels
    strata: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Answer:
    """The prediction for one record.

    Attributes:
        label: the predicted class, or all predicted labels; "" in a regression.
        probabilities: probability of every class, by name; empty in a regression.
        value: the predicted number; None if there are classes.
        left_empty: whether the label is left empty because the model is not sure enough.
    """

    label: str
    probabilities: dict[str, float]
    value: float | None = None
    left_empty: bool = False


@dataclass(frozen=True, kw_only=True)
class Details:
    """What a report shows besides the scores; whatever a kind does not have is empty.

    Attributes:
        calibration_error: expected calibration error with 15 bins; NaN if undefined.
        reliability: confidence, accuracy and share of records of these bins.
        per_class: precision, recall, F1 and number of records of each class.
        confusion: `(C, C)` counts, true classes in rows.
        roc: false and true positive rates by class, and the "area" below the curve.
        precision_recall: by class, what `metrics.precision_recall_curve` returns.
        points: some true and predicted targets.
    """

    calibration_error: float = math.nan
    reliability: dict[str, list[float]] = field(default_factory=dict)
    per_class: list[dict[str, float | str]] = field(default_factory=list)
    confusion: list[list[int]] = field(default_factory=list)
    roc: dict[str, dict[str, Any]] = field(default_factory=dict)
    points: dict[str, list[float]] = field(default_factory=dict)
    precision_recall: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class LabelObjective(Objective):
    """What a model learns from labels.

    Attributes:
        answer_column: header of the column of predictions.
        linear: type of linear model used by the baselines.
        one_class: whether every record has exactly one class.
        many_labels: whether a record's label text can hold any number of labels.
        may_lack_labels: whether records without labels can be prepared, for prediction later.
        can_abstain: whether an answer can be left out because the model is not confident; see `confidences`.
    """

    answer_column: ClassVar[str] = "label"
    linear: ClassVar[str] = "logistic"
    one_class: ClassVar[bool] = False
    many_labels: ClassVar[bool] = False
    may_lack_labels: ClassVar[bool] = False
    can_abstain: ClassVar[bool] = False

    @classmethod
    def from_info(cls, info: Mapping[str, Any]) -> Self:
        """Return the objective of this kind that a `dataset.json` describes."""
        return cls(tuple(info["classes"]))

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

    @property
    def labelled(self) -> bool:
        """Whether there is anything to learn."""
        return bool(self.classes) or not self.has_classes

    @abstractmethod
    def problem_with(self, labels: Labels) -> str:
        """Return in words why stored labels cannot be those of this objective; "" if they can."""

    @abstractmethod
    def decode(self, label: Any) -> str | tuple[str, ...] | float | None:
        """Return the label of one record as people write it.

        Args:
            label: its entry of `labels.npy`.
        """

    def members(self, labels: Labels, c: int) -> NDArray[np.bool_]:
        """Return which records belong to class number `c`, or have that label, `(n,)` bool; without classes, none do."""
        return np.zeros(len(labels), dtype=np.bool_)

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

    def strata(self, labels: Labels) -> NDArray[np.int64]:
        """Return the number of the group of each record, `(n,)`, for balanced samples; without classes, all are one group."""
        return np.zeros(len(labels), dtype=np.int64)

    # Predicting.

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

    # Trusting.

    @property
    def calibrations(self) -> tuple[str, ...]:
        """The calibration methods that can be fitted, of `training.calibration`."""
        return ()

    def check(self, training: Any) -> None:
        """Refuse training settings that are meaningless for this objective; see the base class."""
        super().check(training)
        if training.calibration not in (known := ("auto", "none", *self.calibrations)):
            of = f"{self.kind} of {len(self.classes)} classes" if self.one_class else self.kind
            raise ConfigError(
                f"{param('training.calibration')} = '{training.calibration}' is not for a {of}; choose from: "
                f"{', '.join(known)}",
                option="training.calibration",
            )

    def confidences(self, predictions: Floats) -> Floats:
        """Return the probability that the model gives to each of its answers, `(n,)`; only of kinds that can abstain."""
        raise NotImplementedError(f"{type(self).__name__} gives no confidence to its answers")

    def calibration_error(self, predictions: Floats, labels: Labels) -> float:
        """Return the expected calibration error with 15 bins; NaN if undefined."""
        return math.nan

    @abstractmethod
    def conformity(self, predictions: Floats, labels: Labels) -> Floats:
        """Return how well each prediction goes with the label, `(n,)`: a set of answers holds what goes with it as well.

        It is the probability of the class, the least probability of the labels that a record has (1 without any), or the
        absolute error of a number with a minus sign.
        """

    @abstractmethod
    def answers_with(self, row: Floats, least: float) -> tuple[tuple[str, ...] | None, tuple[float, float] | None]:
        """Return the classes or labels whose `conformity` to a prediction is at least `least`, or the interval of numbers.

        Args:
            row: the prediction, `(C,)` or `(1,)`.
            least: the least conformity.
        """

    # Evaluating.

    @property
    def compared(self) -> tuple[str, ...]:
        """The scores that a report compares with those of the baselines."""
        return (*self.columns[:3], "average precision")

    def right(self, predictions: Floats, labels: Labels) -> NDArray[np.bool_] | None:
        """Return which records have a right answer, `(n,)`, if their share is the first score; None otherwise."""
        return None

    def first_score(self, predictions: Floats, labels: Labels, counts: Floats) -> Floats:
        """Return the first of the `columns` for each row of record counts, `(R,)`; arguments as in `weighted_scores`."""
        right = self.right(predictions, labels)
        if right is None:
            return self.weighted_scores(predictions, labels, counts)[self.columns[0]]
        return counts @ right.astype(np.float64) / counts.sum(1)

    @abstractmethod
    def details(self, predictions: Floats, labels: Labels) -> Details:
        """Return what a report shows besides the scores."""

    @abstractmethod
    def worst(self, predictions: Floats, labels: Labels, most: int) -> list[dict[str, Any]]:
        """Return the wrong answers that the model was most certain of, the worst first; equal ones in the order of the records.

        Args:
            predictions: as returned by `predictions`.
            labels: the true labels.
            most: number of answers.

        Returns:
            For each, the "index" of the record, its "true" and "predicted" label as texts, and the "probability" of the
            wrong answer; in a multilabel data set also the "label" that is most wrong, whose probability it is; in a
            regression numbers, and the "error" instead of a probability.
        """

    def written(self, label: Any, separator: str = ",") -> str:
        """Return the true label of one record as a text in a file, in the form of predicted ones.

        Args:
            label: its entry of `labels.npy`.
            separator: text to write between labels (multilabel).
        """
        return str(self.decode(label))

    @abstractmethod
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
        """Fit a linear model, whose outputs `predictions` takes.

        Args:
            features: `(n, F)`, dense or sparse.
            labels: labels of the same records.
            strength: inverse of the penalty on the weights; a larger value fits more closely.
            start: a model of the same features to start from; it changes the time alone.
            tolerance: largest derivative of the mean loss at which an optimum is considered as reached.
            class_weights: weights of the classes in the loss, `(C,)`, as `class_weights` returns them; None for equal ones.
        """


def _some(names: Collection[str]) -> str:
    """Return names separated by commas, and only the first ones of very many."""
    more = len(names) - _LISTED
    return ", ".join(islice(names, _LISTED)) + (f" and {more:,} more" if more > 0 else "")


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
        raise InputError(
            f"the model does not know the class {quoted(strange[0])}; its classes are: {printable(_some(known))}"
            + _way_to_known(strange, known, known_too=len(strange) < len(occurring))
        )
    return {name: i for i, name in enumerate(known)}


def _way_to_known(strange: Sequence[str], known: Collection[str], *, known_too: bool) -> str:
    """Return what to do about classes that a model does not know, as the end of a message.

    Args:
        strange: these classes.
        known: those that it knows.
        known_too: whether known classes occur as well, which shows that the labels are read from the right place.
    """
    if same := alike_to(strange[0], known):
        return f"{same}: write it as the model does"
    if known_too:
        others = f" and {len(strange) - 1:,} more such classes" if len(strange) > 1 else ""
        return f"; leave the records of '{quoted(strange[0])[1:-1]}'{others} out of the files"
    return advice(f"say where the labels are with {param('label_from')} header:KEY, column:NAME or table:FILE")

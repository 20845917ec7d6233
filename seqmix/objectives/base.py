"""What a model learns: targets, loss, predictions and scores. Kinds with labels add theirs in `labelled.py`.

Everything that differs between the kinds is in their classes, so that preparing, training, evaluation and prediction ask the
objective and never for its kind. *Labels* are a data set's `labels.npy`, in the form of the kind; *predictions* are
probabilities `(n, C)`, or numbers `(n, 1)`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seqmix.errors import ConfigError, param
from seqmix.objectives.metrics import Floats, Score, bootstrap, effective_number, standard_errors, unseen_share

if TYPE_CHECKING:
    from torch import Tensor

Labels = NDArray[Any]
_EQUAL = 1e-9  # scores whose difference is rounding error
LEAST_GAIN = 2.0  # standard errors by which predictions must be better than a constant one to show that anything was learned


@dataclass(frozen=True)
class Objective(ABC):
    """What a model learns.

    Attributes:
        classes: names of the classes or labels; empty in a regression.
        kind: the kind's name, as in `dataset.json` and `task`.
        selections: scores by which the best weights can be selected, by their name in training.select; the first is the
            default.
        constant: name of the baseline that ignores the record.
        counted: scores that count right and wrong answers, at most 1; see `all_answers`.
        has_classes: whether there are classes, rather than numbers.
        subject: what is learned, for a line about a run that has no classes; "" if it has.
        learns_by: share of a training after which the model should be better than a constant answer.
    """

    classes: tuple[str, ...]

    kind: ClassVar[str]
    selections: ClassVar[Mapping[str, str]]
    constant: ClassVar[str]
    counted: ClassVar[tuple[str, ...]] = ()
    has_classes: ClassVar[bool] = True
    subject: ClassVar[str] = ""
    learns_by: ClassVar[float] = 1 / 3

    @classmethod
    @abstractmethod
    def from_info(cls, info: Mapping[str, Any]) -> Objective:
        """Return the objective of this kind that a `dataset.json` describes."""

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

    # Evaluating.

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

    def scores(
        self,
        predictions: Floats,
        labels: Labels,
        resamples: int = 1000,
        seed: int = 0,
        groups: NDArray[Any] | None = None,
    ) -> dict[str, Score]:
        """Return all scores with 95 % bootstrap intervals.

        Where all resamples have the same score, such as a perfect one, they do not show how far it may be from that of other
        records. The interval is then that of the scores if as many of the answers were wrong, or right, as `unseen_share`
        allows. For a share of the records, it is the exact interval.

        Args:
            predictions: as returned by `predictions`.
            labels: the true labels.
            resamples: number of bootstrap samples.
            seed: seed of the generator that draws them.
            groups: the group of each record, `(n,)`, if records of a group are related; None if all are independent.
        """

        def weighted(counts: Floats) -> dict[str, Floats]:
            return self.weighted_scores(predictions, labels, counts)

        found = bootstrap(weighted, len(labels), resamples=resamples, seed=seed, groups=groups)
        equal = [name for name in self.counted if name in found and found[name].high - found[name].low < _EQUAL]
        if equal:
            share = unseen_share(effective_number(len(labels), groups))
            wrong, right = (self._scores_with(answers, share, predictions, labels) for answers in self.all_answers(labels))
            for name in equal:
                value = found[name].value
                found[name] = Score(value, min(value, wrong[name]), max(value, min(1.0, right[name])))
        return found

    def _scores_with(self, answers: Floats, share: float, predictions: Floats, labels: Labels) -> dict[str, float]:
        """Return the scores if a share of the records had other answers than the predictions."""
        counts = np.repeat((1.0 - share, share), len(labels))[None]
        values = self.weighted_scores(np.concatenate((predictions, answers)), np.concatenate((labels, labels)), counts)
        return {name: float(value[0]) for name, value in values.items()}

    def all_answers(self, labels: Labels) -> tuple[Floats, Floats]:
        """Return predictions that are certain and wrong for all records, and ones that are certain and right.

        Only kinds with `counted` scores have them.
        """
        raise NotImplementedError(f"{type(self).__name__} must define all_answers(labels), since it has counted scores")

    @abstractmethod
    def constant_prediction(self, labels: Labels) -> Floats:
        """Return the prediction, `(C,)` or `(1,)`, that fits the training labels best without looking at records."""

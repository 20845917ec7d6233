"""What a model is to learn: one class of several (classification), any number of labels (multilabel), or a number
(regression). All that differs between them in training and scoring stands here: targets, loss, answers and scores.

Targets are a data set's `labels.npy`: class numbers `(n,)`, a matrix `(n, C)` of 0 and 1, or real numbers `(n,)`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seqmix.errors import ConfigError
from seqmix.objectives import metrics, multilabel, regression
from seqmix.objectives.metrics import Floats, Score

if TYPE_CHECKING:
    from torch import Tensor

Targets = NDArray[Any]
_LOSSES = ("log loss", "RMSE")  # lower is better


@dataclass(frozen=True, slots=True)
class Objective(ABC):
    """What a model is to learn.

    Attributes:
        classes: names of the classes or labels; none in a regression.
        kind: its name in `dataset.json` and in --task.
        selections: scores that the best weights may be chosen by, by their name in training.select; the first is the default.
    """

    classes: tuple[str, ...]

    kind: ClassVar[str]
    selections: ClassVar[Mapping[str, str]]

    @property
    @abstractmethod
    def columns(self) -> tuple[str, str, str, str]:
        """The scores that tables show: three for people, and that which goes with the loss."""

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

    def judge(self, scores: Mapping[str, float], select: str) -> tuple[float, float]:
        """(score, loss) of a validation by which weights are compared; of the score, higher is better."""
        loss = scores.get(self.loss_score, np.nan)
        name = self.selections[select]
        score = scores.get(name, np.nan)
        return (-score if name in _LOSSES else score), loss

    def reaches(self, score: float, goal: float, select: str) -> bool:
        """Whether a score, as `judge` gives it, is as good as the goal; 0 is none."""
        return bool(goal) and score >= (-goal if self.selections[select] in _LOSSES else goal)

    def check(self, training: Any) -> None:
        """Refuses training options that have no meaning for this objective.

        Raises:
            ConfigError: one of them is set.
        """
        if training.select not in self.selections:
            raise ConfigError(
                f"training.select = '{training.select}' is no score for {self.kind} data; theirs are: "
                f"{', '.join(self.selections)}"
            )

    @abstractmethod
    def class_weights(self, labels: Targets) -> Floats:
        """Weights `(C,)` inverse to the frequencies of the classes in `labels`."""

    @abstractmethod
    def targets(self, labels: Targets) -> Tensor:
        """What `loss` compares outputs with, for all records."""

    @abstractmethod
    def loss(self, outputs: Tensor, targets: Tensor, weights: Tensor, label_smoothing: float) -> Tensor:
        """The loss of each record `(B,)`; outputs `(B, n_outputs)`, weights `(C,)`."""

    @abstractmethod
    def predictions(self, outputs: Tensor) -> Floats:
        """Probabilities `(n, C)`, or numbers `(n, 1)` in the targets' unit, of outputs `(n, n_outputs)`."""

    @abstractmethod
    def point_scores(self, found: Floats, labels: Targets) -> dict[str, float]:
        """All scores, without intervals; `found` as `predictions` gives it."""

    @abstractmethod
    def scores(self, found: Floats, labels: Targets, resamples: int) -> dict[str, Score]:
        """All scores, with 95 % bootstrap intervals."""


class Classification(Objective):
    """One class of several: cross-entropy, softmax."""

    __slots__ = ()
    kind = "classification"
    columns = property(lambda _: ("accuracy", "macro-F1", "ROC AUC", "log loss"))
    selections: ClassVar[Mapping[str, str]] = {
        "macro-f1": "macro-F1",
        "accuracy": "accuracy",
        "roc-auc": "ROC AUC",
        "loss": "log loss",
    }

    def class_weights(self, labels: Targets) -> Floats:
        """As in the base class."""
        counts = np.bincount(labels, minlength=self.n_outputs)
        return np.asarray(counts.sum() / (self.n_outputs * np.maximum(counts, 1)))

    def targets(self, labels: Targets) -> Tensor:
        """Class numbers `(n,)`."""
        import torch

        return torch.from_numpy(labels)

    def loss(self, outputs: Tensor, targets: Tensor, weights: Tensor, label_smoothing: float) -> Tensor:
        """Cross-entropy."""
        import torch.nn.functional as F

        return F.cross_entropy(outputs, targets, weight=weights, label_smoothing=label_smoothing, reduction="none")

    def predictions(self, outputs: Tensor) -> Floats:
        """Probabilities `(n, C)` that sum to one."""
        # In float64, so that the probabilities of a record sum to one as closely as other tools expect.
        return outputs.double().softmax(-1).numpy()

    def point_scores(self, found: Floats, labels: Targets) -> dict[str, float]:
        """As in `metrics`."""
        return metrics.point_scores(found, labels)

    def scores(self, found: Floats, labels: Targets, resamples: int) -> dict[str, Score]:
        """As in `metrics`."""
        return metrics.bootstrap_scores(found, labels, resamples=resamples)


class MultiLabel(Objective):
    """Any number of labels: a binary cross-entropy and a sigmoid for each."""

    __slots__ = ()
    kind = "multilabel"
    columns = property(lambda _: ("exact match", "macro-F1", "ROC AUC", "log loss"))
    selections: ClassVar[Mapping[str, str]] = {
        "macro-f1": "macro-F1",
        "micro-f1": "micro-F1",
        "accuracy": "exact match",
        "roc-auc": "ROC AUC",
        "loss": "log loss",
    }

    def class_weights(self, labels: Targets) -> Floats:
        """Records without a label over those with it: what its positive answers weigh."""
        have = labels.sum(0, dtype=np.float64)
        lack = len(labels) - have
        # Of a label that all records have, or none, there is nothing to balance; with weight 0 it would never be learned.
        return np.where((have > 0) & (lack > 0), lack / np.maximum(have, 1.0), 1.0)

    def targets(self, labels: Targets) -> Tensor:
        """`(n, C)`, 0 and 1."""
        import torch

        return torch.from_numpy(labels).float()

    def loss(self, outputs: Tensor, targets: Tensor, weights: Tensor, label_smoothing: float) -> Tensor:
        """The mean over the labels of their binary cross-entropies."""
        import torch.nn.functional as F

        soft = targets * (1.0 - label_smoothing) + 0.5 * label_smoothing
        return F.binary_cross_entropy_with_logits(outputs, soft, pos_weight=weights, reduction="none").mean(1)

    def predictions(self, outputs: Tensor) -> Floats:
        """Probabilities `(n, C)`, each on its own."""
        return outputs.double().sigmoid().numpy()

    def point_scores(self, found: Floats, labels: Targets) -> dict[str, float]:
        """As in `multilabel`."""
        return multilabel.point_scores(found, labels)

    def scores(self, found: Floats, labels: Targets, resamples: int) -> dict[str, Score]:
        """As in `multilabel`."""
        return multilabel.bootstrap_scores(found, labels, resamples=resamples)


@dataclass(frozen=True, slots=True)
class Regression(Objective):
    """A number: the squared error of targets scaled to mean 0 and variance 1.

    Attributes:
        mean, scale: of the targets in the training split.
        tolerance: error up to which an answer counts as right; None: no such score.
    """

    mean: float
    scale: float
    tolerance: float | None

    kind = "regression"
    selections: ClassVar[Mapping[str, str]] = {"loss": "RMSE", "r2": "R2", "within": regression.WITHIN}

    @property
    def columns(self) -> tuple[str, str, str, str]:
        """As in the base class."""
        return ("R2", "MAE", "Pearson" if self.tolerance is None else regression.WITHIN, "RMSE")

    @property
    def n_outputs(self) -> int:
        """One."""
        return 1

    def validation_loss(self, scores: Mapping[str, float | None]) -> float | None:
        """As in the base class: the squared error of scaled targets."""
        error = scores.get(self.loss_score)
        return None if error is None else (error / self.scale) ** 2

    def reaches(self, score: float, goal: float, select: str) -> bool:
        """Whether a score, as `judge` gives it, is as good as the goal; 0 is none."""
        return bool(goal) and score >= (-goal if self.selections[select] in _LOSSES else goal)

    def check(self, training: Any) -> None:
        """As in the base class."""
        Objective.check(self, training)
        if training.select == "within" and self.tolerance is None:
            raise ConfigError("training.select = within needs a tolerance: seqmix prepare --task regression --tolerance 0.04")
        if training.class_weights != "none" or training.label_smoothing:
            raise ConfigError("a regression has no classes: leave out training.class_weights and training.label_smoothing")

    def class_weights(self, labels: Targets) -> Floats:
        """There are no classes."""
        return np.ones(1)

    def targets(self, labels: Targets) -> Tensor:
        """`(n, 1)`, scaled."""
        import torch

        return torch.from_numpy((labels - self.mean) / self.scale).float()[:, None]

    def loss(self, outputs: Tensor, targets: Tensor, weights: Tensor, label_smoothing: float) -> Tensor:
        """The squared error."""
        return (outputs - targets).square().sum(1)

    def predictions(self, outputs: Tensor) -> Floats:
        """Numbers `(n, 1)` in the targets' unit."""
        return outputs.double().numpy() * self.scale + self.mean

    def point_scores(self, found: Floats, labels: Targets) -> dict[str, float]:
        """As in `regression`."""
        return regression.point_scores(found[:, 0], labels, self.tolerance)

    def scores(self, found: Floats, labels: Targets, resamples: int) -> dict[str, Score]:
        """As in `regression`."""
        return regression.bootstrap_scores(found[:, 0], labels, self.tolerance, resamples=resamples)


def objective_of(info: Mapping[str, Any]) -> Objective:
    """The objective that a `dataset.json` describes."""
    kind, classes = info.get("task", Classification.kind), tuple(info["classes"])
    if kind == Regression.kind:
        target = info["target"]
        return Regression(classes, target["mean"], target["scale"], target["tolerance"])
    return MultiLabel(classes) if kind == MultiLabel.kind else Classification(classes)

"""Hidden tokens, which a model learns to predict from the others before it learns labels. Labels are not looked at.

A model that is pretrained scores itself (see `seqmix.models.masked`), because what is hidden is drawn in it: its outputs for a
record are the mean cross-entropy of the record's hidden tokens and the share of them that it predicts right. The constant
prediction gives every token its frequency in the training split.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seqmix.objectives.base import Labels, Objective
from seqmix.objectives.metrics import Floats

if TYPE_CHECKING:
    from torch import Tensor

LOSS, RIGHT = 0, 1  # columns of the outputs


@dataclass(frozen=True)
class Pretraining(Objective):
    """Hidden tokens.

    Attributes:
        entropy: entropy of the tokens of the training split in nats: the loss of the constant prediction.
        largest: share of the most frequent token.
    """

    entropy: float = 0.0
    largest: float = 0.0

    kind = "pretraining"
    selections: ClassVar[Mapping[str, str]] = {"loss": "loss", "accuracy": "accuracy"}
    columns = ("accuracy", "explained", "bits", "loss")
    constant = "frequencies of the tokens"
    subject = "on hidden tokens"
    has_classes = False
    learns_by = 2 / 3  # frequencies are learned first, which takes long

    @classmethod
    def from_info(cls, info: Mapping[str, Any]) -> Pretraining:
        """Return the objective that the `dataset.json` of a run describes."""
        return cls((), **info["tokens"])

    @staticmethod
    def describe_tokens(counts: NDArray[np.int64]) -> dict[str, Any]:
        """Return what `dataset.json` of a run stores of the tokens of its training split.

        Args:
            counts: number of occurrences of each token that is predicted.
        """
        shares = counts[counts > 0] / max(1, counts.sum())
        return {"tokens": {"entropy": float(-(shares * np.log(shares)).sum()), "largest": float(shares.max(initial=0.0))}}

    def continues(self, other: Objective) -> bool:
        """Return whether `other` is pretraining as well."""
        return isinstance(other, Pretraining)

    @property
    def n_outputs(self) -> int:
        """Two: see `LOSS` and `RIGHT`."""
        return 2

    def class_weights(self, labels: Labels) -> Floats:
        """Return `(2,)` ones: there are no classes."""
        return np.ones(self.n_outputs)

    def targets(self, labels: Labels) -> Tensor:
        """Return `(n, 1)` zeros, which stand for no target: the model has scored itself."""
        import torch

        return torch.zeros(len(labels), 1)

    def loss(self, outputs: Tensor, targets: Tensor, weights: Tensor, label_smoothing: float) -> Tensor:
        """Return the mean cross-entropy of each record's hidden tokens, `(B,)`."""
        return outputs[:, LOSS]

    def predictions(self, outputs: Tensor) -> Floats:
        """Return the outputs, `(n, 2)`."""
        return outputs.double().numpy()

    def record_losses(self, predictions: Floats, labels: Labels) -> Floats:
        """Return the loss of each record, `(n,)`."""
        return predictions[:, LOSS]

    def weighted_scores(self, predictions: Floats, labels: Labels, counts: Floats) -> dict[str, Floats]:
        """Return every score for each row of record counts.

        "explained" is the part of the entropy by which the loss is below it; "bits" is the loss in bits.
        """
        means = counts @ predictions / counts.sum(1, keepdims=True)
        loss = means[:, LOSS]
        return {
            "accuracy": means[:, RIGHT],
            "explained": 1.0 - loss / self.entropy if self.entropy else np.full(len(loss), np.nan),
            "bits": loss / np.log(2.0),
            "loss": loss,
        }

    def constant_prediction(self, labels: Labels) -> Floats:
        """Return the outputs of the constant prediction, `(2,)`."""
        return np.array([self.entropy, self.largest])

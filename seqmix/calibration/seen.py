"""What a run has seen, `seen.json`: its training and validation records in numbers, to judge new records by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.calibration.novelty import Novelty, rounded
from seqmix.objectives.labelled import LabelObjective
from seqmix.objectives.metrics import Floats

MOST_RECORDS = 2000  # of the validation split that are stored


@dataclass(frozen=True)
class Seen:
    """What a run has seen.

    Attributes:
        novelty: what is usual; None without validation records.
        records: number of training and validation records.
        grouped: whether only one record of each group has scores.
        conformity: `LabelObjective.conformity` of validation records, `(n,)`.
        confidences: `LabelObjective.confidences` of them, `(n,)`; empty for kinds that cannot abstain.
        right: which of their answers are right, `(n,)` bool; empty likewise.
    """

    novelty: Novelty | None
    records: Mapping[str, int]
    grouped: bool
    conformity: Floats
    confidences: Floats
    right: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        objective: LabelObjective,
        predictions: Floats,
        labels: NDArray[Any],
        *,
        novelty: Novelty | None,
        records: Mapping[str, int],
        groups: NDArray[np.int64] | None = None,
        seed: int = 0,
    ) -> Seen:
        """Return what a run has seen.

        Args:
            objective: what it has learned.
            predictions: its calibrated predictions for the validation records, `(n, C)` or `(n, 1)`.
            labels: their labels.
            novelty: see `Seen`.
            records: see `Seen`.
            groups: number of the group of each record, `(n,)`; None if there are none.
            seed: draws the records whose scores are kept.
        """
        order = np.random.default_rng(seed).permutation(len(labels))
        if groups is not None:
            order = order[np.unique(groups[order], return_index=True)[1]]
            order = np.random.default_rng(seed).permutation(order)
        kept = np.sort(order[:MOST_RECORDS])
        predictions, labels = predictions[kept], labels[kept]
        right = objective.right(predictions, labels) if objective.can_abstain and len(kept) else None
        return cls(
            novelty,
            records,
            groups is not None and len(np.unique(groups)) < len(groups),
            objective.conformity(predictions, labels) if len(kept) else np.zeros(0),
            np.zeros(0) if right is None else objective.confidences(predictions),
            np.zeros(0, dtype=np.bool_) if right is None else right,
        )

    def without_scores(self) -> Seen:
        """Return the same for a model that the scores are not of."""
        none = np.zeros(0)
        return replace(self, conformity=none, confidences=none, right=none.astype(np.bool_))

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON stores it."""
        return {
            "records": dict(self.records),
            "grouped": self.grouped,
            "conformity": rounded(self.conformity),
            "confidences": rounded(self.confidences),
            "right": self.right.astype(int).tolist(),
            "novelty": None if self.novelty is None else self.novelty.to_dict(),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any], sides: int) -> Seen:
        """Return what `to_dict` stored.

        Args:
            stored: the content.
            sides: sequences of a record.

        Raises:
            Exception: of various kinds, if it is something else.
        """
        conformity, confidences, right = (
            np.array(stored[name], dtype=np.float64) for name in ("conformity", "confidences", "right")
        )
        if conformity.ndim != 1 or confidences.shape != right.shape or len(right) not in (0, len(conformity)):
            raise ValueError("the scores do not match each other")
        if not all(map(math.isfinite, (*conformity, *confidences))) or not set(right) <= {0.0, 1.0}:
            raise ValueError("a score is not a number that it can be")
        novelty = None if stored["novelty"] is None else Novelty.from_dict(stored["novelty"], sides)
        records = {str(name): int(count) for name, count in stored["records"].items()}
        return cls(novelty, records, bool(stored["grouped"]), conformity, confidences, right.astype(np.bool_))

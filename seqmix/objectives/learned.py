"""The objective that a `dataset.json` describes: the same for a data set and for a run that was trained on it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from seqmix.objectives import label_objective_of, objective_of
from seqmix.objectives.base import Objective
from seqmix.objectives.labelled import LabelObjective


class Learned:
    """Something with a `dataset.json`.

    Attributes:
        info: its content.
    """

    info: dict[str, Any]

    @cached_property
    def objective(self) -> Objective:
        """The objective of the data set."""
        return objective_of(self.info)

    @cached_property
    def label_objective(self) -> LabelObjective:
        """The objective of the labels: the same as `objective`, except in pretraining."""
        return label_objective_of(self.info)

    @property
    def learns_labels(self) -> bool:
        """Whether labels are learned, rather than hidden tokens."""
        return isinstance(self.objective, LabelObjective)

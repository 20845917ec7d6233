"""The answers of an ensemble: the mean of what its members answer.

The members answer one after the other for each window of records, so that memory is that of the largest one, besides the
weights of all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.data.dataset import Dataset
from seqmix.models.predict_options import PredictOptions
from seqmix.models.predictor import Predictor


@dataclass(frozen=True, slots=True)
class MeanPredictor(Predictor):
    """Several trained models that predict together.

    Attributes:
        members: the models; what else a `Predictor` has is that of the first.
    """

    members: tuple[Predictor, ...]

    @classmethod
    def of_members(cls, members: Sequence[Predictor]) -> MeanPredictor:
        """Return the predictor of members that read records alike."""
        first = members[0]
        facts = {one.name: getattr(first, one.name) for one in fields(Predictor)}
        facts["seen"] = first.seen and first.seen.without_scores()  # which are of this member alone
        return cls(**facts, members=tuple(members))

    def accepts(self, length: int) -> bool:
        """Return whether all members can predict a sequence of this length."""
        return all(member.accepts(length) for member in self.members)

    def both_of_dataset(
        self, dataset: Dataset, indices: NDArray[np.int64], on_batch: Callable[[int], object] | None = None, **options: Any
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the mean of the members' predictions for records of a data set, and that of those without calibration."""
        reports = [None] * (len(self.members) - 1) + [on_batch]
        answers = zip(self.members, reports, strict=True)
        both = _mean(np.stack(member.both_of_dataset(dataset, indices, report, **options)) for member, report in answers)
        return both[0], both[1]

    def _answers(
        self, window: Sequence[Any], options: PredictOptions, on_batch: Callable[[int], object] | None
    ) -> NDArray[np.float64]:
        """Return the mean of what the members answer for each record of a window; see `Predictor`."""
        reports = [None] * (len(self.members) - 1) + [on_batch]
        answers = zip(self.members, reports, strict=True)
        return _mean(member._answers(window, options, report) for member, report in answers)


def _mean(answers: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the mean of arrays, of which only one is held besides the sum."""
    total, count = np.zeros(()), 0
    for found in answers:
        total, count = total + found, count + 1
    return total / count

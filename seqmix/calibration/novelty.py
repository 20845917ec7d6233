"""How unusual a record is, beside those that a model was trained and validated on.

The unusualness of a record is the squared Mahalanobis distance of its features (`seqmix.calibration.features`) from those of
the training records, ``z' inv(R) z``, with z the standardised features and R their correlations, of which 5 % are replaced by
the identity. Its *novelty* is the share of the validation records that are less unusual, 0 to 1. Validation records have no
part in the distance, so the novelty of records that are drawn as they were is uniform: 5 % of such records have one above 0.95.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from seqmix.calibration.features import LETTERS, UNKNOWN, Features
from seqmix.calibration.unusual import UNUSUAL
from seqmix.data.vocabulary import Tokens, Vocabulary
from seqmix.objectives.metrics import Floats

SHORTER, LONGER = "shorter", "longer"
_SHRUNK = 0.05  # share of the correlations that is replaced by the identity
_QUANTILES = 21
_AT_ONCE = 256  # records
_FAR = 4.0  # standard deviations


@dataclass(frozen=True)
class Novelty:
    """What is usual.

    Attributes:
        features: the features of a sequence.
        lengths: quantiles of the lengths of training records, at even steps from the shortest to the longest.
        mean: means of the features over training records, of pairs those of both sequences, `(F,)`.
        spread: their standard deviations, `(F,)`.
        weights: inverse of their correlations, `(F, F)`.
        validation: unusualness of validation records, ascending, `(n,)`.
    """

    features: Features
    lengths: Sequence[int]
    mean: Floats
    spread: Floats
    weights: Floats
    validation: Floats

    @classmethod
    def of(cls, vocabulary: Vocabulary, train: Sequence[Sequence[Tokens]], validation: Sequence[Sequence[Tokens]]) -> Novelty:
        """Return what is usual among records, each of which is its sequences.

        Args:
            vocabulary: their vocabulary.
            train: training records.
            validation: validation records.
        """
        features = Features.of(vocabulary, (sequence for record in train for sequence in record))
        rows = _rows(features, train)
        sides = len(train[0])
        spread = np.maximum(rows.std(0), np.tile(features.least_spreads, sides))
        mean = rows.mean(0)
        standard = (rows - mean) / spread
        correlations = standard.T @ standard / len(standard)
        np.fill_diagonal(correlations, 1.0)
        weights = np.linalg.inv((1.0 - _SHRUNK) * correlations + _SHRUNK * np.eye(len(mean)))
        lengths = np.quantile([max(map(len, record)) for record in train], np.linspace(0, 1, _QUANTILES), method="nearest")
        found = cls(features, [int(length) for length in lengths], mean, spread, weights, np.zeros(0))
        return replace(found, validation=np.sort(found._distances(found._standardised(validation))))

    def _standardised(self, records: Sequence[Sequence[Tokens]]) -> Floats:
        """Return the standardised features of records, `(n, F)`."""
        return (_rows(self.features, records) - self.mean) / self.spread

    def _distances(self, z: Floats) -> Floats:
        """Return the unusualness of records with these standardised features, `(n,)`."""
        with np.errstate(over="ignore", invalid="ignore"):
            return np.nan_to_num(((z @ self.weights) * z).sum(1), nan=1e300, posinf=1e300)

    def __call__(self, records: Sequence[Sequence[Tokens]]) -> tuple[Floats, list[str]]:
        """Return the novelty of records, and by what each is unusual.

        Args:
            records: the sequences of each, as the model sees them.

        Returns:
            The novelty, `(n,)`; and the name of a feature, `SHORTER` or `LONGER` than all of training, "" for a usual record.
        """
        z = self._standardised(records)
        found = np.searchsorted(self.validation, self._distances(z)) / len(self.validation)
        reasons = [""] * len(records)
        for i in np.flatnonzero(found > UNUSUAL).tolist():
            reasons[i] = self._reason(np.abs(z[i]), max(map(len, records[i])))
        return found, reasons

    def _reason(self, z: Floats, length: int) -> str:
        """Return what explains most: the first of some features that is far off, or else the one that is farthest off.

        Args:
            z: distances of the features from their means, in standard deviations, `(F,)`.
            length: length of the record.
        """
        if length < self.lengths[0]:
            return SHORTER
        if length > self.lengths[-1]:
            return LONGER
        names = np.array(self.features.names * (len(z) // len(self.features.names)))
        far = {str(name) for name in names[z > _FAR]}
        return next((name for name in (UNKNOWN, LETTERS) if name in far), str(names[int(z.argmax())]))

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON stores it."""
        return {
            "lengths": list(self.lengths),
            "features": self.features.to_dict(),
            "names": self.features.names * (len(self.mean) // len(self.features.names)),
            "mean": rounded(self.mean),
            "spread": rounded(self.spread),
            "weights": [rounded(row) for row in self.weights],
            "validation": rounded(self.validation),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any], sides: int) -> Novelty:
        """Return what `to_dict` stored.

        Args:
            stored: the content.
            sides: sequences of a record.

        Raises:
            Exception: of various kinds, if it is something else.
        """
        features = Features.from_dict(stored["features"])
        width = sides * len(features.names)
        mean, spread, weights, validation = (
            np.array(stored[name], dtype=np.float64) for name in ("mean", "spread", "weights", "validation")
        )
        shapes = [mean.shape, spread.shape, weights.shape, validation.shape]
        finite = all(np.isfinite(array).all() for array in (mean, spread, weights, validation))
        if shapes != [(width,), (width,), (width, width), (len(validation),)] or not finite or spread.min() <= 0:
            raise ValueError("the numbers do not match each other")
        lengths = [int(length) for length in stored["lengths"]]
        if not lengths or lengths != sorted(lengths) or (np.diff(validation) < 0).any():
            raise ValueError("lengths or unusualness are not in order")
        return cls(features, lengths, mean, spread, weights, validation)


def _rows(features: Features, records: Sequence[Sequence[Tokens]]) -> Floats:
    """Return the features of records, `(n, F)`, of pairs those of both sequences side by side."""
    made = []
    for start in range(0, len(records), _AT_ONCE):
        some = records[start : start + _AT_ONCE]
        made.append(np.hstack([features(side) for side in zip(*some, strict=True)]))
    return np.concatenate(made)


def rounded(values: Floats) -> list[float]:
    """Return numbers with seven digits, as JSON stores them."""
    return [float(f"{value:.7g}") for value in values]

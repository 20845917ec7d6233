"""`SeqmixRegressor`: numbers from long sequences, with the interface of scikit-learn."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin

from seqmix.estimators.base import SequenceEstimator, checked_targets, seqmix_errors


class SeqmixRegressor(RegressorMixin, SequenceEstimator):
    """Predict a number for each sequence; X as in `SeqmixClassifier`.

    Attributes:
        history_: the validations, as in `metrics.jsonl`.
        config_: the configuration of the model.
        n_features_in_: length of the series, if X is an array of numbers.

    Examples:
        >>> SeqmixRegressor(epochs=3).fit(sequences, values).predict(sequences)  # doctest: +SKIP
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Train on sequences and their numbers.

        Args:
            X: N sequences.
            y: a number for each sequence, `(N,)`.

        Returns:
            The estimator.

        Raises:
            SeqmixError: X, y or a parameter cannot be used; the error is also a ValueError or TypeError.
        """
        with seqmix_errors():
            sequences = self._sequences(X, reset=True)
            values = checked_targets(y, sequences, type(self).__name__).astype(np.float64)
            return self._train(sequences, [repr(float(value)) for value in values], task="regression")

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Return a number for each sequence `(N,)`.

        Args:
            X: N sequences.

        Raises:
            SeqmixError: a sequence cannot be read.
            NotFittedError: `fit` was not called.
        """
        return np.array([found.value for found in self._predictions(X)], dtype=np.float64)

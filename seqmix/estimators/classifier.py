"""`SeqmixClassifier`: a long-sequence classifier with the interface of scikit-learn."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets

from seqmix.estimators.base import SequenceEstimator, checked_targets, seqmix_errors


class SeqmixClassifier(ClassifierMixin, SequenceEstimator):
    """Classify sequences: X is a list, array or series of strings (or an array of numbers with a series in each row).

    A fitted estimator can be copied and pickled; it does not need a folder.

    Attributes:
        classes_: the labels, sorted, `(C,)`.
        history_: the validations, as in `metrics.jsonl`.
        config_: the configuration of the model.
        n_features_in_: length of the series, if X is an array of numbers.

    Examples:
        >>> model = SeqmixClassifier(mixer="skyformer", epochs=3, random_state=0)
        >>> model.fit(sequences, labels).predict_proba(sequences)  # doctest: +SKIP
        >>> cross_val_score(model, sequences, labels, cv=5)  # doctest: +SKIP
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Train on sequences and their labels.

        Args:
            X: N sequences.
            y: a label for each sequence, of any type that can be sorted, `(N,)`.

        Returns:
            The estimator.

        Raises:
            SeqmixError: X, y or a parameter cannot be used; the error is also a ValueError or TypeError.
        """
        with seqmix_errors():
            sequences = self._sequences(X, reset=True)
            labels = checked_targets(y, sequences, type(self).__name__)
            check_classification_targets(labels)
            self.classes_, numbers = np.unique(labels, return_inverse=True)
            names = self._names()
            self._train(sequences, [names[number] for number in numbers], task="classification")
            self._order = [self.info_["classes"].index(name) for name in names]
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the probability of each class `(N, C)`, in the order of `classes_`.

        Args:
            X: N sequences.

        Raises:
            SeqmixError: a sequence cannot be classified.
            NotFittedError: `fit` was not called.
        """
        found = self._predictions(X)
        rows = np.array([list(one.probabilities.values()) for one in found]).reshape(len(found), -1)
        return rows[:, self._order]

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable class of each sequence `(N,)`; see `predict_proba`."""
        best = self.predict_proba(X).argmax(1)
        return self.classes_[best]

    def _names(self) -> list[str]:
        """Return a class name for each label: the label as text, or its number if the texts are not unique."""
        names = [str(label) for label in self.classes_]
        plain = len(set(names)) == len(names) and all(name and name == name.strip() for name in names)
        return names if plain else [f"class-{number}" for number in range(len(names))]

"""Linear models, as the lexical branch and the baselines are: weights, a bias, and the logistic regression of scikit-learn."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.objectives.metrics import Floats

_ITERATIONS = 300  # of a logistic regression, at most
NEVER = -30.0  # log-odds of what does not occur in training


@dataclass(frozen=True, slots=True)
class LinearModel:
    """A fitted linear model: ``features @ weights + bias``.

    Attributes:
        weights: `(F, n_outputs)`.
        bias: `(n_outputs,)`.
    """

    weights: Floats
    bias: Floats

    def outputs(self, features: Any) -> Floats:
        """Return outputs `(n, n_outputs)` for features `(n, F)`, dense or sparse."""
        return np.asarray(features @ self.weights, dtype=np.float64) + self.bias


def fit_logistic(
    features: Any,
    labels: NDArray[Any],
    strength: float,
    start: LinearModel | None,
    tolerance: float,
    weights: Floats | None = None,
) -> LinearModel:
    """Fit a logistic regression to class numbers `(n,)`.

    Args:
        features: see `LabelObjective.fit_linear`.
        labels: the class of each record; all classes occur.
        strength: see `LabelObjective.fit_linear`.
        start: see `LabelObjective.fit_linear`.
        tolerance: see `LabelObjective.fit_linear`.
        weights: weight of each record in the loss, `(n,)`; None for equal ones.

    Returns:
        A model with an output for each class, or one for the second of two classes.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=_ITERATIONS, tol=tolerance, warm_start=True)
    if start is not None:
        model.coef_, model.intercept_ = start.weights.T.astype(features.dtype), start.bias.astype(features.dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the penalty is chosen with as many iterations
        model.fit(features, labels, weights)
    return LinearModel(np.asarray(model.coef_, dtype=np.float64).T, np.asarray(model.intercept_, dtype=np.float64))

"""What length or composition alone tell of the labels: linear models of a few numbers, in cross-validation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqmix.objectives.base import LEAST_GAIN
from seqmix.objectives.labelled import LabelObjective

if TYPE_CHECKING:
    from seqmix.data.dataset import Dataset

_FOLDS = 5
_STRENGTH = 1.0
_STRIKING = {"ROC AUC": 0.7, "R2": 0.2}  # from here on a score is named
_CHANCE = {"ROC AUC": 0.5, "R2": 0.0}

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Giveaway:
    """How well a linear model of one trait predicts the labels of records that it was not fitted on.

    Attributes:
        trait: "length", "GC content" or "composition".
        score: what is measured: "ROC AUC", or of a regression "R2".
        value: the score in cross-validation.
        chance: the score of a guess.
        also: another score: accuracy, or what the kind of labels has in its place.
        also_value: its value.
        also_chance: its value for a constant prediction, such as the largest class.
        striking: whether the trait predicts so much that it is to be named.
    """

    trait: str
    score: str
    value: float
    chance: float
    also: str
    also_value: float
    also_chance: float
    striking: bool


def giveaways(dataset: Dataset, records: NDArray[np.int64], traits: dict[str, Matrix], seed: int = 0) -> list[Giveaway]:
    """Return how well each trait alone predicts the labels of some records.

    Args:
        dataset: the data set; it has labels.
        records: numbers of the records, `(n,)`.
        traits: features of them by name, `(n, F)`.
        seed: of the folds; records of one group are in one fold.
    """
    objective, labels = dataset.label_objective, dataset.labels[records]
    groups = np.arange(len(records)) if dataset.groups is None else np.unique(dataset.groups[records], return_inverse=True)[1]
    folds = (np.random.default_rng(seed).permutation(int(groups.max()) + 1) % _FOLDS)[groups]
    if len(np.unique(folds)) < _FOLDS:
        return []
    found = (_giveaway(objective, labels, folds, name, features) for name, features in traits.items())
    return [one for one in found if one]


def _giveaway(
    objective: LabelObjective, labels: NDArray[Any], folds: NDArray[np.int64], trait: str, features: Matrix
) -> Giveaway | None:
    import torch

    rows = []
    for fold in range(_FOLDS):
        fitted, asked = folds != fold, folds == fold
        mean, spread = features[fitted].mean(0), features[fitted].std(0)
        scaled = (features - mean) / np.where(spread > 0, spread, 1.0)
        model = objective.fit_linear(scaled[fitted], labels[fitted], _STRENGTH)
        outputs = objective.predictions(torch.from_numpy(model.outputs(scaled[asked])))
        rows.append((np.flatnonzero(asked), outputs, objective.constant_prediction(labels[fitted])))
    predictions = np.empty((len(labels), *rows[0][1].shape[1:]))
    constant = np.empty_like(predictions)
    for places, outputs, guess in rows:
        predictions[places], constant[places] = outputs, guess
    scores, guessed = objective.point_scores(predictions, labels), objective.point_scores(constant, labels)
    score = "ROC AUC" if objective.has_classes else "R2"
    if not np.isfinite(scores[score]):
        return None
    also = objective.columns[0]
    striking = scores[score] >= _STRIKING[score] and objective.gain(predictions, constant, labels) > LEAST_GAIN
    return Giveaway(trait, score, scores[score], _CHANCE[score], also, scores[also], guessed[also], striking)

"""Fitting the lexical branch: `fit_lexical` chooses features, weighting and penalty on the validation split.

The choice has the least validation loss; of choices whose losses differ by less than 1 %, it is the simplest: the first in the
order of the candidates. Without a validation split it is a fixed one. It is made on at most some thousand records.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqmix.config import DataConfig
from seqmix.data.dataset import Dataset
from seqmix.models.lexical import LexicalClassifier, LexicalSpec
from seqmix.objectives.base import Labels, LinearModel, Objective
from seqmix.system.files import without_nan
from seqmix.training.lexical_features import LexicalFeatures, count_split

_STRENGTHS = (1.0, 10.0, 100.0, 1000.0)
_CLOSE = 1.01  # losses within this factor of the least are as good
_MOST_TRAIN, _MOST_VAL = 3000, 2000  # records to choose on
_FIXED = ("tf-idf", 10.0)  # weighting and strength without a validation split
_FIXED_K = {4: 6, 20: 2}  # and the k, by the number of letters
_BUCKETS = 1 << 17
_VALIDATION = "validation"


@dataclass(frozen=True, slots=True)
class FittedLexical:
    """A fitted lexical branch.

    Attributes:
        model: the branch.
        validation: its outputs for the validation records, `(n, n_outputs)`.
        scores: its validation scores; empty without a validation split.
        seconds: time that choosing and fitting took.
    """

    model: LexicalClassifier
    validation: Tensor
    scores: dict[str, float]
    seconds: float

    def pack(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return all of it as tensors and JSON."""
        facts = {"spec": asdict(self.model.spec), "scores": without_nan(self.scores), "seconds": self.seconds}
        return self.model.state_dict() | {_VALIDATION: self.validation}, facts

    @classmethod
    def unpack(cls, tensors: Mapping[str, Tensor], facts: Mapping[str, Any], dataset: Dataset) -> FittedLexical:
        """Return what `pack` took apart."""
        model = LexicalClassifier(LexicalSpec(**facts["spec"]), dataset.vocabulary, dataset.objective.n_outputs)
        model.load_state_dict({name: tensor for name, tensor in tensors.items() if name != _VALIDATION})
        scores = {name: float("nan") if value is None else value for name, value in facts["scores"].items()}
        return cls(model.eval(), tensors[_VALIDATION], scores, facts["seconds"])


def fit_lexical(dataset: Dataset, seen: DataConfig, seed: int, check: Callable[[], None] = lambda: None) -> FittedLexical:
    """Choose and fit the lexical branch for a data set.

    Args:
        dataset: the data set.
        seen: how a model sees the records.
        seed: draws the records to choose on, if there are very many.
        check: called between fits; may raise.
    """
    began = time.monotonic()
    train, val = dataset.indices("train"), dataset.indices("val")
    generator = np.random.default_rng(seed)
    some, others = _drawn(train, _MOST_TRAIN, generator), _drawn(val, _MOST_VAL, generator)
    chosen = _Search(dataset, seen, some, others, check).best()
    features, model = _fitted(dataset, seen, chosen, train, val)
    outputs = torch.from_numpy(model.outputs(features.reduced[1])).float()
    scores = {}
    if len(val):
        scores = dataset.objective.point_scores(dataset.objective.predictions(outputs), dataset.labels[val])
    lexical = LexicalClassifier(chosen, dataset.vocabulary, dataset.objective.n_outputs)
    weight, shift = features.expanded(model)
    state = {"weight": weight, "bias": model.bias, "shift": shift, "scale": features.idf}
    lexical.load_state_dict({name: torch.from_numpy(np.asarray(value)).float() for name, value in state.items()})
    return FittedLexical(lexical.eval(), outputs, scores, time.monotonic() - began)


def candidates(dataset: Dataset) -> Iterator[LexicalSpec]:
    """Yield the features to try, simplest first, without their weighting and strength."""
    letters, paired = dataset.vocabulary.letters, dataset.n_sequences == 2
    if letters:
        for k in range(3, 9) if letters == 4 else range(1, 5):
            yield LexicalSpec(features="kmers", k=k, letters=letters, paired=paired)
    else:
        for parts in (("words",), ("characters",), ("words", "characters")):
            yield LexicalSpec(features="ngrams", parts=parts, buckets=_BUCKETS, paired=paired)


def _drawn(indices: NDArray[np.int64], most: int, generator: np.random.Generator) -> NDArray[np.int64]:
    return indices if len(indices) <= most else np.sort(generator.choice(indices, most, replace=False))


def _fitted(
    dataset: Dataset, seen: DataConfig, spec: LexicalSpec, train: NDArray[np.int64], val: NDArray[np.int64]
) -> tuple[LexicalFeatures, LinearModel]:
    """Return the features of both splits, and the model of the reduced ones."""
    counts = [count_split(dataset, part, seen, spec) for part in (train, val)]
    features = LexicalFeatures.of(spec, *counts)
    return features, _fit(dataset.objective, features.reduced[0], dataset.labels[train], spec.strength)


def _fit(objective: Objective, features: Any, labels: Labels, strength: float) -> LinearModel:
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return objective.fit_linear(features, labels, strength)


@dataclass(frozen=True, slots=True)
class _Search:
    """The search for the best features, weighting and strength.

    Attributes:
        dataset: the data set.
        seen: how a model sees the records.
        train: numbers of the training records to fit on.
        val: numbers of the validation records to score on.
        check: called between fits; may raise.
    """

    dataset: Dataset
    seen: DataConfig
    train: NDArray[np.int64]
    val: NDArray[np.int64]
    check: Callable[[], None]

    def best(self) -> LexicalSpec:
        """Return the chosen specification."""
        if not len(self.val):
            return self._fixed()
        tried = list(self._tried())
        least = min(loss for loss, _ in tried)
        return next(spec for loss, spec in tried if loss <= least * _CLOSE)

    def _fixed(self) -> LexicalSpec:
        """Return the specification without validation records: tf-idf, C 10, of 6-mers (proteins 2-mers), or all n-grams."""
        found = list(candidates(self.dataset))
        letters = self.dataset.vocabulary.letters
        spec = next((one for one in found if one.k == _FIXED_K[letters]), found[-1]) if letters else found[-1]
        weighting, strength = _FIXED
        return replace(spec, weighting=weighting, strength=strength)

    def _tried(self) -> Iterator[tuple[float, LexicalSpec]]:
        """Yield the validation loss of each specification."""
        objective, labels = self.dataset.objective, self.dataset.labels
        for base in candidates(self.dataset):
            counts = [count_split(self.dataset, part, self.seen, base) for part in (self.train, self.val)]
            for weighting in ("frequencies", "hellinger", "tf-idf", "standardised"):
                if base.features == "ngrams" and weighting == "standardised":
                    continue
                features = LexicalFeatures.of(replace(base, weighting=weighting), *counts)
                for strength in _STRENGTHS:
                    self.check()
                    model = _fit(objective, features.reduced[0], labels[self.train], strength)
                    outputs = torch.from_numpy(model.outputs(features.reduced[1]))
                    scores = objective.point_scores(objective.predictions(outputs), labels[self.val])
                    yield objective.judge(scores, "loss")[1], replace(base, weighting=weighting, strength=strength)

"""Fitting the lexical branch: `fit_lexical` chooses features, weighting and penalty on the validation split.

Of the candidates whose validation loss is within 1 % of the least, the choice is the simplest: the first in their order. It
uses at most 2,000 records. Without a validation split, it is fixed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqmix.config import DataConfig
from seqmix.data.dataset import Dataset
from seqmix.models.batched import branch_outputs
from seqmix.models.branches import LEXICAL
from seqmix.models.lexical import LexicalClassifier, restored_lexical
from seqmix.models.lexical_spec import WEIGHTINGS, LexicalSpec
from seqmix.objectives.base import Labels
from seqmix.objectives.linear import LinearModel
from seqmix.system.files import without_nan
from seqmix.training.lexical_features import LexicalFeatures, count_records

_STRENGTHS = tuple(10.0 ** (step / 2) for step in range(-2, 11))  # of which every second one is tried first
_FIRST = 4  # place of the first to try
_CLOSE = 1.01  # losses within this factor of the least are as good


class _Limits(NamedTuple):
    """The most records, and characters of DNA or of texts, to use; more would take minutes and change little."""

    records: int
    letters: int
    characters: int


_CHOICE = _Limits(2000, letters=100_000_000, characters=15_000_000)
_FIT = _Limits(20_000, letters=400_000_000, characters=60_000_000)
_LEAST = 200  # records to choose and fit on, however long
_MANY = 1000  # things counted, from which all but the worst weighting are tried further
_TOLERANCE = 1e-6
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
        """Restore what `pack` returned.

        Raises:
            Exception: of various kinds, if it does not fit the data set.
        """
        buffers = {name: tensor for name, tensor in tensors.items() if name != _VALIDATION}
        outputs, paired = dataset.objective.n_outputs, dataset.n_sequences == 2
        model = restored_lexical(facts["spec"], buffers, dataset.vocabulary, outputs, paired=paired)
        if tuple(tensors[_VALIDATION].shape) != (len(dataset.indices("val")), outputs):
            raise ValueError(f"outputs of the shape {tuple(tensors[_VALIDATION].shape)}")
        scores = {name: math.nan if value is None else float(value) for name, value in facts["scores"].items()}
        return cls(model, tensors[_VALIDATION], scores, float(facts["seconds"]))


def fit_lexical(
    dataset: Dataset, seen: DataConfig, seed: int, check: Callable[[], None] = lambda: None, *, balanced: bool = False
) -> FittedLexical:
    """Choose and fit the lexical branch for a data set.

    Args:
        dataset: the data set.
        seen: how a model sees the records.
        seed: draws the records to choose on, if there are very many.
        check: called between fits; may raise.
        balanced: whether classes are weighted as in the loss of the mixing branch (`training.class_weights`).
    """
    began = time.monotonic()
    objective, val = dataset.label_objective, dataset.indices("val")
    spec, features, model = _Search(dataset, seen, np.random.default_rng(seed), check, balanced).best()
    weight, shift = features.expanded(model)
    state = {"weight": weight, "bias": model.bias, "shift": shift, "scale": features.idf}
    lexical = LexicalClassifier(spec, dataset.vocabulary, objective.n_outputs).eval()
    lexical.load_state_dict({name: torch.from_numpy(np.asarray(value)).float() for name, value in state.items()})
    outputs, scores = torch.empty(0, objective.n_outputs), {}
    if len(val):
        lengths = dataset.cut_lengths(seen.max_length)[val]
        cpu = torch.device("cpu")
        outputs = branch_outputs(lexical, objective, lambda i: dataset.truncated(int(val[i]), seen), lengths, device=cpu)[
            LEXICAL
        ]
        scores = objective.point_scores(objective.predictions(outputs), dataset.labels[val])
    return FittedLexical(lexical, outputs, scores, time.monotonic() - began)


def candidates(dataset: Dataset) -> Iterator[LexicalSpec]:
    """Yield the features to try, simplest first, without their weighting and strength."""
    letters, paired = dataset.vocabulary.letters, dataset.n_sequences == 2
    if letters:
        for k in range(3, 9) if letters == 4 else range(1, 5):
            yield LexicalSpec(features="kmers", k=k, letters=letters, paired=paired)
    else:
        for parts in (("words",), ("characters",), ("words", "characters")):
            yield LexicalSpec(features="ngrams", parts=parts, buckets=_BUCKETS, paired=paired)


@dataclass(frozen=True, slots=True)
class _Tried:
    """A model that was fitted to choose by.

    Attributes:
        loss: its validation loss.
        features: what it was fitted to.
        strength: inverse of its penalty.
        model: the model.
    """

    loss: float
    features: LexicalFeatures
    strength: float
    model: LinearModel


def _simplest(tried: Iterable[_Tried]) -> _Tried:
    """Return the first model whose loss is close to the least, without holding the features of all."""
    close: list[_Tried] = []  # each better than those before it, and all close to the last
    for found in tried:
        if not close or found.loss < close[-1].loss:
            close = [*(earlier for earlier in close if earlier.loss <= _CLOSE * found.loss), found]
    return close[0]


class _Search:
    """The search for the best features, weighting and strength.

    Args:
        dataset: the data set.
        seen: how a model sees the records.
        generator: draws records, if there are very many.
        check: called between fits; may raise.
        balanced: whether classes are weighted.
    """

    def __init__(
        self,
        dataset: Dataset,
        seen: DataConfig,
        generator: np.random.Generator,
        check: Callable[[], None],
        balanced: bool = False,
    ) -> None:
        self.dataset, self.seen, self.check = dataset, seen, check
        self.objective, self.labels = dataset.label_objective, dataset.labels
        train = dataset.indices("train")
        self.weights = self.objective.class_weights(self.labels[train]) if balanced else None
        self.fitted = self._drawn(train, _FIT, generator)
        self.train = self._drawn(self.fitted, _CHOICE, generator)
        self.val = self._drawn(dataset.indices("val"), _CHOICE, generator)

    def _drawn(self, indices: NDArray[np.int64], limits: _Limits, generator: np.random.Generator) -> NDArray[np.int64]:
        """Return as many of these records as the limits allow, drawn at random, in order."""
        tokens = self.dataset.cut_lengths(self.seen.max_length)[indices] * self.dataset.n_sequences
        vocabulary = self.dataset.vocabulary
        most: float = limits.letters
        if not vocabulary.letters:
            most = limits.characters / float(np.mean([len(text) for text in vocabulary.spellings]))
        if len(indices) <= limits.records and tokens.sum() <= most:
            return indices
        order = generator.permutation(len(indices))
        count = int(np.searchsorted(tokens[order].cumsum(), most, side="right"))
        return np.sort(indices[order[: max(_LEAST, min(count, limits.records))]])

    def best(self) -> tuple[LexicalSpec, LexicalFeatures, LinearModel]:
        """Return what was chosen, its features, and the model of them that is fitted to all records."""
        if not len(self.val):
            return self._final(self._fixed())
        kept = _simplest(self._families())
        kept = self._strongest(kept.features, _STRENGTHS.index(kept.strength), step=1, start=kept.model)
        spec = replace(kept.features.spec, strength=kept.strength)
        return (spec, kept.features, kept.model) if len(self.train) == len(self.fitted) else self._final(spec)

    def _final(self, spec: LexicalSpec) -> tuple[LexicalSpec, LexicalFeatures, LinearModel]:
        """Return the specification, the features of all records, and the model of them."""
        counts = [count_records(self.dataset, part, self.seen, spec) for part in (self.fitted, self.val[:0])]
        features = LexicalFeatures.of(spec, *counts)
        labels = self.labels[self.fitted]
        model = self._fit(features.matrices[0], labels, spec.strength)
        return spec, features, model

    def _fit(self, features: Any, labels: Labels, strength: float, start: LinearModel | None = None) -> LinearModel:
        fit = self.objective.fit_linear
        return fit(features, labels, strength, start=start, tolerance=_TOLERANCE, class_weights=self.weights)

    def _fixed(self) -> LexicalSpec:
        """Return the specification without validation records: tf-idf, C 10, of 6-mers (proteins 2-mers), or all n-grams."""
        found = list(candidates(self.dataset))
        letters = self.dataset.vocabulary.letters
        spec = next((one for one in found if one.k == _FIXED_K[letters]), found[-1]) if letters else found[-1]
        weighting, strength = _FIXED
        return replace(spec, weighting=weighting, strength=strength)

    def _families(self) -> Iterator[_Tried]:
        """Yield the best model of each kind of features, simplest first, until two in a row are no better than those before."""
        places = {name: _FIRST for name in WEIGHTINGS if name != "standardised" or self.dataset.vocabulary.letters}
        tried, least, worse = len(places), math.inf, 0
        for base, counts in self._counted():
            found = {}
            for weighting, place in places.items():
                features = LexicalFeatures.of(replace(base, weighting=weighting), *counts)
                if features.feasible:
                    found[weighting] = self._strongest(features, place, step=2)
                    yield found[weighting]
            here = min((one.loss for one in found.values()), default=math.inf)
            worse = 0 if here < least else worse + 1
            if worse == 2:
                return
            least = min(least, here)
            most = tried - 1 if base.counted >= _MANY else tried
            kept = sorted(found, key=lambda name: found[name].loss)[:most]
            places = {name: _STRENGTHS.index(found[name].strength) for name in places if name in kept}

    def _counted(self) -> Iterator[tuple[LexicalSpec, list[Any]]]:
        """Yield the candidates, with the counts of training and validation records; each part of n-grams is counted once."""
        from scipy.sparse import hstack

        by_part: dict[str, list[Any]] = {}
        for base in candidates(self.dataset):
            if len(base.parts) > 1:
                sides = zip(*(by_part[part] for part in base.parts), strict=True)
                yield base, [hstack(side, format="csr") for side in sides]
                continue
            counts = [count_records(self.dataset, some, self.seen, base) for some in (self.train, self.val)]
            by_part |= dict.fromkeys(base.parts, counts)
            yield base, counts

    def _strongest(self, features: LexicalFeatures, place: int, *, step: int, start: LinearModel | None = None) -> _Tried:
        """Return the model whose strength is best: from the first one upwards while the loss falls, or else downwards.

        Args:
            features: what to fit to.
            place: place of the first strength.
            step: distance of the strengths to try.
            start: a model to start from.
        """
        tried: dict[int, _Tried] = {}

        def loss(at: int) -> float:
            if not 0 <= at < len(_STRENGTHS):
                return math.inf
            if at not in tried:
                near = min(tried, key=lambda other: abs(other - at), default=None)
                tried[at] = self._try(features, _STRENGTHS[at], start if near is None else tried[near].model)
            return tried[at].loss

        while loss(place + step) < loss(place):
            place += step
        while loss(place - step) < loss(place):
            place -= step
        return tried[place]

    def _try(self, features: LexicalFeatures, strength: float, start: LinearModel | None) -> _Tried:
        self.check()
        first, second = features.matrices
        model = self._fit(first, self.labels[self.train], strength, start)
        return _Tried(self._loss(torch.from_numpy(model.outputs(second))), features, strength, model)

    def _loss(self, outputs: Tensor) -> float:
        """Return the validation loss of outputs; of weighted classes, the weighted one that the model is fitted for."""
        labels = self.labels[self.val]
        if self.weights is None:
            scores = self.objective.point_scores(self.objective.predictions(outputs), labels)
            return self.objective.judge(scores, "loss")[1]
        weights = torch.from_numpy(self.weights)
        return float(self.objective.loss(outputs, self.objective.targets(labels), weights, 0.0).mean())

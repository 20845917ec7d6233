"""Baselines: what simple methods reach on the same records, to judge the model by.

They are a constant prediction; a linear model of the length alone; and linear models of the frequencies of letters
("composition") and k-mers (DNA, proteins), of TF-IDF of words or of character n-grams (documents; both if the tokens are
subwords), of the values at each position (images: bytes of equal length), or of means and standard deviations (real numbers).
The objective provides the constant and the linear model, a logistic or ridge regression from scikit-learn, whose penalty is the
one with the least validation loss. For pairs, the features are the products and differences of those of the two texts. The
last baseline is what `seqmix.training.lexical` chooses among many on validation, unless the model has it as a branch: the
best simple method, see `best_simple`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqmix.config import DataConfig
from seqmix.data.dataset import Dataset
from seqmix.data.vocabulary import Tokens
from seqmix.models.plain_spec import LENGTH, NOTHING, STATISTICS, VALUES, PlainSpec
from seqmix.objectives import KINDS
from seqmix.objectives.base import Labels
from seqmix.objectives.labelled import LabelObjective
from seqmix.objectives.linear import LinearModel
from seqmix.objectives.metrics import Floats

if TYPE_CHECKING:
    from seqmix.models.branches import Branches

_STRENGTHS = (1.0, 10.0, 100.0, 1000.0)
_FIXED_STRENGTH = 10.0  # without a validation split
_UNKNOWN = (math.nan, math.nan)
_CLEARLY = 1.01  # factor by which a loss must be less for a plain model to be the best simple method
_MOST_RECORDS = 20_000  # to fit on: more would take minutes and change little
_MOST_CHARACTERS = 50_000_000  # of documents, which are held as text
_WORDS = {"words": r"\S+", "subwords": r"\w+"}  # what a word is
_BEST = {"kmers": "best k-mers", "ngrams": "best n-grams"}  # chosen among many on validation, as a lexical branch is
_COMPOSITION = "composition"  # frequencies of single letters
_KMERS = {"dna": (4, 6), "dna-iupac": (4, 6), "protein": (2, 3)}


@dataclass(frozen=True, slots=True)
class Method:
    """A baseline.

    Attributes:
        name: what it looks at, such as "6-mers", or the name of its constant prediction; the key of its scores.
        linear: the linear model that it fits, "logistic" or "ridge"; "" for a constant prediction.
    """

    name: str
    linear: str

    @property
    def title(self) -> str:
        """Full name: "6-mers logistic regression"."""
        return f"{self.short} regression" if self.linear else self.name

    @property
    def short(self) -> str:
        """Short name: "6-mers logistic"."""
        return f"{self.name} {self.linear}".rstrip()


def method_of(name: str, kind: str) -> Method:
    """Return the method whose scores have the key `name` in results of an objective of this kind."""
    objective = KINDS[kind]
    return Method(name, "" if name == objective.constant else objective.linear)


@dataclass(frozen=True, slots=True)
class _Part:
    """Some records of a data set.

    Attributes:
        dataset: the data set.
        indices: record numbers, `(n,)`.
        seen: how a model sees the records.
    """

    dataset: Dataset
    indices: NDArray[np.int64]
    seen: DataConfig

    @property
    def labels(self) -> Labels:
        return self.dataset.labels[self.indices]

    def sequences(self) -> Iterator[list[Tokens]]:
        """Yield the sequences of each record."""
        return (self.dataset.truncated(int(i), self.seen) for i in self.indices)


@dataclass(frozen=True, slots=True)
class SimpleMethod:
    """A baseline that was fitted.

    Attributes:
        name: as in `Method`.
        title: the model in words, such as "6-mers, standardised, C 10".
        predictions: what it predicts for the records that are scored, as `LabelObjective.predictions` returns it.
        known: its loss and its first score on the validation split; NaN without one.
        model: the model, if it can be stored and used again; None otherwise.
        note: which records were used, if not all; "" otherwise.
    """

    name: str
    title: str
    predictions: Floats
    known: tuple[float, float] = _UNKNOWN
    model: Branches | None = None
    note: str = ""


def baseline_scores(
    train: Dataset,
    seen: DataConfig | None = None,
    *,
    test: Dataset | None = None,
    indices: NDArray[np.int64] | None = None,
    lexical: bool = True,
) -> dict[str, dict[str, Any]]:
    """Return the scores of each baseline.

    Args:
        train: data set whose training split the baselines are fitted on.
        seen: how the model sees each record; whole if None.
        test: data set to score on; `train` if None.
        indices: records of `test` to score on, `(n,)`; its test split if None.
        lexical: whether to fit the best model of k-mers or n-grams, which a model with a lexical branch contains.

    Returns:
        For each method, by name, its scores, and a "note" if not all records were used.
    """
    test = test or train
    indices = test.indices("test") if indices is None else indices
    methods = simple_methods(train, seen or DataConfig(), test, indices, lexical=lexical)
    return scores_of(methods, train.label_objective, test.labels[indices])


def scores_of(methods: Sequence[SimpleMethod], objective: LabelObjective, labels: Labels) -> dict[str, dict[str, Any]]:
    """Return what `baseline_scores` does, of methods that were fitted."""
    return {
        method.name: objective.point_scores(method.predictions, labels) | ({"note": method.note} if method.note else {})
        for method in methods
    }


def simple_methods(
    train: Dataset,
    seen: DataConfig,
    test: Dataset,
    indices: NDArray[np.int64],
    *,
    lexical: bool = True,
    stored: Branches | None = None,
) -> list[SimpleMethod]:
    """Fit all baselines.

    Args:
        train: data set whose training split they are fitted on.
        seen: how the model sees each record.
        test: data set to predict.
        indices: its records to predict, `(n,)`.
        lexical: whether to fit the best model of k-mers or n-grams.
        stored: this model, if it was fitted before.
    """
    from seqmix.models.lexical_spec import suiting_lexical

    generator = np.random.default_rng(0)
    fitted, note = train.indices("train"), ""
    if len(fitted) > _MOST_RECORDS:
        fitted = np.sort(generator.choice(fitted, _MOST_RECORDS, replace=False))
        note = f"fitted on {_MOST_RECORDS:,} records drawn at random"
    parts = [_Part(train, fitted, seen), _Part(train, train.indices("val")[:_MOST_RECORDS], seen), _Part(test, indices, seen)]
    objective = train.label_objective
    found = [_constant(train, parts), *(_plain(objective, spec, parts) for spec in _plain_specs(train))]
    for name, features in _feature_sets(train, parts):
        model, strength, known = _fitted(objective, features, parts[0].labels, parts[1].labels)
        title = f"{method_of(name, objective.kind).title}, C {strength:g}"
        found.append(SimpleMethod(name, title, _predictions(objective, model, features[2]), known))
    found = [replace(method, note=note) for method in found]
    if lexical and (suiting := suiting_lexical(train)) != "none":
        found.append(_lexical(_BEST[suiting], train, seen, test, indices, stored))
    return found


def best_simple(methods: Sequence[SimpleMethod]) -> SimpleMethod | None:
    """Return the best simple method, chosen by the validation split alone; None if there is none.

    It is the lexical model, which stands last and was chosen among many, unless the validation loss of a plain model, such as
    that of the length, is less by more than 1 %, and its first score no lower. The other baselines do not count: their like was
    among those many.
    """
    best: SimpleMethod | None = None
    for method in reversed(methods):
        if method.model is not None and (best is None or _better(method.known, best.known)):
            best = method
    return best


def _better(known: tuple[float, float], before: tuple[float, float]) -> bool:
    """Return whether a validation is better than another one, by both the loss and the first score."""
    return known[0] < before[0] / _CLEARLY and not known[1] < before[1]


def _constant(train: Dataset, parts: Sequence[_Part]) -> SimpleMethod:
    """Return the prediction that ignores the record."""
    objective = train.label_objective
    row = objective.constant_prediction(parts[0].labels)
    spec = PlainSpec(features=NOTHING, name=objective.constant, paired=train.n_sequences == 2)
    return replace(_plain(objective, spec, parts), predictions=np.tile(row, (len(parts[2].indices), 1)))


def _plain_specs(train: Dataset) -> Iterator[PlainSpec]:
    """Yield the plain models that suit a data set, besides the constant."""
    paired = train.n_sequences == 2
    yield PlainSpec(features=LENGTH, name=LENGTH, paired=paired)
    if train.vocabulary.alphabet == "real":
        yield PlainSpec(features=STATISTICS, name=STATISTICS, paired=paired)
    elif train.are_images:
        side, size = int(train.lengths[0]), float(len(train.vocabulary))
        yield PlainSpec(features=VALUES, name=VALUES, inputs=side, size=size, paired=paired)


def _plain(objective: LabelObjective, spec: PlainSpec, parts: Sequence[_Part]) -> SimpleMethod:
    """Fit a plain model."""
    import torch

    from seqmix.models.branches import Branches
    from seqmix.models.plain import PlainClassifier

    made = [spec.of(list(part.sequences())) if len(part.indices) else None for part in parts]
    assert made[0] is not None
    width = made[0].shape[1]
    centre, spread = np.zeros(width), np.ones(width)
    if spec.standardised:
        centre, deviation = made[0].mean(0), made[0].std(0)
        spread = np.where(deviation > 0, deviation, 1.0)
        made = [part if part is None else (part - centre) / spread for part in made]
    features = [np.empty((0, width)) if part is None else part for part in made]
    linear, strength, known = _fitted(objective, features, parts[0].labels, parts[1].labels)
    spec = replace(spec, strength=strength)
    model = PlainClassifier(spec, width, objective.n_outputs).eval()
    state = {"centre": centre, "spread": spread, "weight": linear.weights, "bias": linear.bias}
    model.load_state_dict({name: torch.from_numpy(np.asarray(value)) for name, value in state.items()})
    predictions = _predictions(objective, linear, features[2])
    return SimpleMethod(spec.name, spec.title, predictions, known, Branches(model, None, objective, 0.0))


def _lexical(
    name: str, train: Dataset, seen: DataConfig, test: Dataset, indices: NDArray[np.int64], stored: Branches | None
) -> SimpleMethod:
    """Return the lexical model that `train` is fitted with, whose choice is wider."""
    from seqmix.models.branches import Branches
    from seqmix.training.lexical import fit_lexical

    model = stored or Branches(fit_lexical(train, seen, 0).model, None, train.label_objective, 0.0)
    return lexical_method(name, model, train, test, indices, seen)


def lexical_method(
    name: str, model: Branches, train: Dataset | None, test: Dataset, indices: NDArray[np.int64], seen: DataConfig
) -> SimpleMethod:
    """Return a lexical model as a simple method.

    Args:
        name: as in `Method`.
        model: the lexical model alone.
        train: data set whose validation split it is scored on, too; None if not available.
        test: data set to predict.
        indices: its records to predict, `(n,)`.
        seen: how the model sees each record.
    """
    found = _UNKNOWN
    if train is not None and len(val := train.indices("val")):
        known = _Part(train, val, seen)
        found = _validated(model.objective, _answers(model, known), known.labels)
    return SimpleMethod(name, model.lexical.spec.title, _answers(model, _Part(test, indices, seen)), found, model)


def _answers(model: Branches, part: _Part) -> Floats:
    """Return the predictions of a simple model for records."""
    import torch

    from seqmix.models.batched import predict_batches

    data, seen, indices = part.dataset, part.seen, part.indices
    return predict_batches(
        model,
        model.objective,
        lambda i: data.truncated(int(indices[i]), seen),
        data.cut_lengths(seen.max_length)[indices],
        device=torch.device("cpu"),
    )


def _feature_sets(train: Dataset, parts: list[_Part]) -> Iterator[tuple[str, list[Any]]]:
    """Yield the name of each set of features, and its matrices for the parts (train, validation, test)."""
    alphabet = train.vocabulary.alphabet
    if alphabet in _KMERS:
        yield _COMPOSITION, _kmer_frequencies(parts, 1)
        for k in _KMERS[alphabet]:
            yield f"{k}-mers", _kmer_frequencies(parts, k)
    elif alphabet != "real" and not train.are_images:
        if alphabet in _WORDS:
            yield "word 1-2-grams", _ngrams(train, parts, token_pattern=_WORDS[alphabet], ngram_range=(1, 2))
        if alphabet != "words":
            yield "character 1-4-grams", _ngrams(train, parts, analyzer="char", ngram_range=(1, 4))


def _kmer_frequencies(parts: list[_Part], k: int) -> list[Any]:
    """Return the counts of all k-mers, each row scaled to norm 1, of each part; for pairs, products and differences."""
    from seqmix.models.lexical_spec import LexicalSpec
    from seqmix.training.lexical_features import count_records, features_of

    train = parts[0].dataset
    spec = LexicalSpec(features="kmers", k=k, letters=train.vocabulary.letters, paired=train.n_sequences == 2)
    counted = (count_records(part.dataset, part.indices, part.seen, spec) for part in parts)
    return [features_of(counts, spec).toarray() for counts in counted]


def _ngrams(train: Dataset, parts: list[_Part], **kind: Any) -> list[Any]:
    """Return sparse TF-IDF of n-grams for each part; for pairs, products and differences.

    Args:
        train: the training data set.
        parts: training, validation and test records.
        kind: which n-grams, as `TfidfVectorizer` takes it.
    """
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import TfidfVectorizer

    vocabulary, n_sequences = train.vocabulary, train.n_sequences
    most = _MOST_CHARACTERS // max(1, len(parts[0].indices) * n_sequences)
    vectorizer = TfidfVectorizer(sublinear_tf=True, max_features=50_000, lowercase=False, **kind)
    made: list[Any] = []
    for part in parts:
        records = [[vocabulary.decode(s[:most].tolist())[:most] for s in record] for record in part.sequences()]
        texts = [[record[place] for record in records] for place in range(n_sequences)]
        if not made:
            vectorizer.fit([text for some in texts for text in some])
        features = [vectorizer.transform(some) if some else made[0][:0] for some in texts]
        first, last = features[0], features[-1]
        one = n_sequences == 1 or not records
        made.append(first if one else hstack((first.multiply(last), abs(first - last))).tocsr())
    return made


def _fitted(
    objective: LabelObjective, features: list[Any], labels: Labels, val_labels: Labels
) -> tuple[LinearModel, float, tuple[float, float]]:
    """Return the linear model whose strength has the least validation loss, this strength, and this loss with the first score.

    Args:
        objective: provides the linear model.
        features: features of the training, validation and test records.
        labels: labels of the training records.
        val_labels: labels of the validation records; if there are none, the strength is fixed, and both are NaN.
    """
    if not len(val_labels):
        return objective.fit_linear(features[0], labels, _FIXED_STRENGTH), _FIXED_STRENGTH, _UNKNOWN

    def fit(strength: float) -> tuple[LinearModel, float, tuple[float, float]]:
        model = objective.fit_linear(features[0], labels, strength)
        return model, strength, _validated(objective, _predictions(objective, model, features[1]), val_labels)

    return min(map(fit, _STRENGTHS), key=lambda found: found[2][0])


def _validated(objective: LabelObjective, predictions: Floats, labels: Labels) -> tuple[float, float]:
    """Return the loss that methods are chosen by, and the first score."""
    scores = objective.point_scores(predictions, labels)
    return objective.judge(scores, "loss")[1], scores[objective.columns[0]]


def _predictions(objective: LabelObjective, model: LinearModel, features: Any) -> Floats:
    import torch

    return objective.predictions(torch.from_numpy(model.outputs(features)))

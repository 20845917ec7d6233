"""Baselines: what simple methods reach on the same split, to judge the model by.

They are a constant prediction; a linear model of the length alone; and linear models of k-mer frequencies (DNA, proteins), of
TF-IDF of words or of character n-grams (documents; both if the tokens are subwords), of the values at each position (images:
bytes of equal length), or of means and standard deviations (real numbers). The objective provides the constant and the linear
model, a logistic or ridge regression from scikit-learn, whose penalty is the one with the least validation loss. For pairs,
the features are the products and differences of those of the two texts. The last baseline is what `seqmix.training.lexical`
chooses among many, unless the model has it as a branch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.config import DataConfig
from seqmix.data.dataset import Dataset
from seqmix.data.vocabulary import Tokens
from seqmix.objectives import KINDS
from seqmix.objectives.base import Labels
from seqmix.objectives.labelled import LabelObjective
from seqmix.objectives.linear import LinearModel
from seqmix.objectives.metrics import Floats

_STRENGTHS = (1.0, 10.0, 100.0, 1000.0)
_FIXED_STRENGTH = 10.0  # without a validation split
_MOST_RECORDS = 20_000  # to fit on: more would take minutes and change little
_MOST_CHARACTERS = 50_000_000  # of documents, which are held as text
_WORDS = {"words": r"\S+", "subwords": r"\w+"}  # what a word is
_BEST = {"kmers": "best k-mers", "ngrams": "best n-grams"}  # chosen among many on validation, as a lexical branch is
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
    from seqmix.models.lexical_spec import suiting_lexical

    generator = np.random.default_rng(0)
    test, seen, fitted = test or train, seen or DataConfig(), train.indices("train")
    note = {}
    if len(fitted) > _MOST_RECORDS:
        fitted = np.sort(generator.choice(fitted, _MOST_RECORDS, replace=False))
        note = {"note": f"fitted on {_MOST_RECORDS:,} records drawn at random"}
    objective = train.label_objective
    scored = _Part(test, test.indices("test") if indices is None else indices, seen)
    parts = [_Part(train, fitted, seen), _Part(train, train.indices("val")[:_MOST_RECORDS], seen), scored]
    fit_labels, val_labels, truth = (part.labels for part in parts)
    constant = np.tile(objective.constant_prediction(fit_labels), (len(truth), 1))
    results: dict[str, dict[str, Any]] = {objective.constant: objective.point_scores(constant, truth) | note}
    for name, features in _feature_sets(train, parts):
        predictions = _fit(objective, features, fit_labels, val_labels)
        results[name] = objective.point_scores(predictions, truth) | note
    if lexical and (suiting := suiting_lexical(train)) != "none":
        results[_BEST[suiting]] = objective.point_scores(_lexical_predictions(train, scored), truth)
    return results


def _lexical_predictions(train: Dataset, scored: _Part) -> Floats:
    """Return the predictions of the lexical branch that `train` is fitted with, whose choice is wider."""
    import torch

    from seqmix.models.batched import predict_batches
    from seqmix.training.lexical import fit_lexical

    data, seen, indices = scored.dataset, scored.seen, scored.indices
    return predict_batches(
        fit_lexical(train, seen, 0).model,
        train.objective,
        lambda i: data.truncated(int(indices[i]), seen),
        data.cut_lengths(seen.max_length)[indices],
        device=torch.device("cpu"),
    )


def _feature_sets(train: Dataset, parts: list[_Part]) -> Iterator[tuple[str, list[Any]]]:
    """Yield the name of each set of features, and its matrices for the parts (train, validation, test)."""
    n_sequences = train.n_sequences
    yield (
        "length only",
        _standardised(
            [np.log([[len(s) for s in record] for record in part.sequences()] or np.empty((0, n_sequences))) for part in parts]
        ),
    )
    alphabet = train.vocabulary.alphabet
    if alphabet in _KMERS:
        for k in _KMERS[alphabet]:
            yield f"{k}-mers", _kmer_frequencies(parts, k)
    elif alphabet == "real":
        yield (
            "means and spreads",
            _standardised(_joined(parts, n_sequences, lambda some: np.array(list(map(_statistics, some))))),
        )
    elif train.are_images:
        scale = np.float32(len(train.vocabulary))
        yield "values at each position", _joined(parts, n_sequences, lambda some: np.array(some, dtype=np.float32) / scale)
    else:
        if alphabet in _WORDS:
            yield "word 1-2-grams", _ngrams(train, parts, token_pattern=_WORDS[alphabet], ngram_range=(1, 2))
        if alphabet != "words":
            yield "character 1-4-grams", _ngrams(train, parts, analyzer="char", ngram_range=(1, 4))


def _standardised(matrices: list[Floats]) -> list[Floats]:
    """Scale features to mean 0 and variance 1 in the first matrix, of the training records."""
    centre, spread = matrices[0].mean(0), matrices[0].std(0)
    return [(matrix - centre) / np.where(spread > 0, spread, 1.0) if len(matrix) else matrix for matrix in matrices]


def _joined(parts: list[_Part], n_sequences: int, features: Callable[[list[Tokens]], Any]) -> list[Any]:
    """Return the features of each part; for pairs, features of how similar the two texts are."""
    joined = []
    for part in parts:
        records = list(part.sequences())
        made = [features([record[place] for record in records]) for place in range(n_sequences)]
        joined.append(made[0] if len(made) == 1 else np.hstack((made[0] * made[1], np.abs(made[0] - made[1]))))
    return joined


def _statistics(values: Tokens) -> Floats:
    """Return mean, standard deviation, minimum and maximum of each channel."""
    with np.errstate(over="ignore", invalid="ignore"):
        found = np.concatenate((values.mean(0), values.std(0), values.min(0), values.max(0))).astype(np.float64)
    return found if values.dtype == np.float64 or np.isfinite(found).all() else _statistics(values.astype(np.float64))


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


def _fit(objective: LabelObjective, features: list[Any], labels: Labels, val_labels: Labels) -> Floats:
    """Return the test predictions of the linear model whose strength has the least validation loss.

    Args:
        objective: provides the linear model.
        features: features of the training, validation and test records.
        labels: labels of the training records.
        val_labels: labels of the validation records; if there are none, the strength is fixed.
    """

    def loss(model: LinearModel) -> float:
        return objective.judge(objective.point_scores(_predictions(objective, model, features[1]), val_labels), "loss")[1]

    strengths = _STRENGTHS if len(val_labels) else (_FIXED_STRENGTH,)
    models = [objective.fit_linear(features[0], labels, strength) for strength in strengths]
    best = min(models, key=loss) if len(models) > 1 else models[0]
    return _predictions(objective, best, features[2])


def _predictions(objective: LabelObjective, model: LinearModel, features: Any) -> Floats:
    import torch

    return objective.predictions(torch.from_numpy(model.outputs(features)))

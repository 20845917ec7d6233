"""The strongest simple model for a data set: a linear one of k-mers or n-grams, everything about it chosen on validation.

DNA: 3 to 8-mers, as frequencies, Hellinger (their square roots), TF-IDF or standardised frequencies. Proteins: 1 to 4-mers.
Texts: words (1 and 2 in a row) and characters (1 to 4, and 3 to 5 in a row), as TF-IDF. Each with six strengths of the penalty.
The choice has the best accuracy on the validation split; among equals, the least loss. This code shares nothing with the
lexical branch of seqmix, which makes a similar choice.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import seqmix

Floats = NDArray[np.float64]

_STRENGTHS = (0.1, 1.0, 10.0, 100.0, 1000.0, 10000.0)
_LENGTHS = {4: range(3, 9), 20: range(1, 5)}  # of k-mers, by the number of letters
_MOST_TRAIN = 2000  # records that features and penalty are chosen on
_LEAST_EIGENVALUE = 1e-9  # relative to the largest


@dataclass(frozen=True)
class SimpleModel:
    """The chosen model.

    Attributes:
        name: what it is: "6-mers, standardised, C 10".
        accuracy: accuracy on the validation split.
        test: probabilities of the test records, `(n, C)`.
        tried: number of models it was chosen from.
    """

    name: str
    accuracy: float
    test: Floats
    tried: int


def strongest(data: seqmix.Dataset) -> SimpleModel:
    """Return the simple model that is best on the validation split, fitted on the whole training split."""
    train, val, test = (data.indices(split) for split in ("train", "val", "test"))
    some = train
    if len(train) > _MOST_TRAIN:
        some = np.sort(np.random.default_rng(0).choice(train, _MOST_TRAIN, replace=False))
    best: tuple[float, float, str, float] | None = None
    tried = 0
    for name, counted, weighting in _candidates(data):
        parts = _reduced(*_weighted([counted(part) for part in (some, val)], weighting))
        for strength in _STRENGTHS:
            probabilities = _fitted(parts[0], data.labels[some], strength, len(data.classes))(parts[1])
            right = float((probabilities.argmax(1) == data.labels[val]).mean())
            loss = float(-np.log(np.maximum(probabilities[np.arange(len(val)), data.labels[val]], 1e-12)).mean())
            tried += 1
            if best is None or (right, -loss) > (best[0], -best[1]):
                best = right, loss, f"{name}, {weighting}", strength
    assert best is not None
    accuracy, _, title, strength = best
    counted, weighting = next((c, w) for n, c, w in _candidates(data) if f"{n}, {w}" == title)
    parts = _reduced(*_weighted([counted(part) for part in (train, test)], weighting))
    predict = _fitted(parts[0], data.labels[train], strength, len(data.classes))
    return SimpleModel(f"{title}, C {strength:g}", accuracy, predict(parts[1]), tried)


def _candidates(data: seqmix.Dataset) -> Iterator[tuple[str, Any, str]]:
    """Yield the name, a function from record numbers to counts `(n, F)`, and the weighting of each set of features."""
    letters = data.vocabulary.letters
    if letters:
        for k in _LENGTHS[letters]:
            counted = _Memory(lambda part, k=k: _kmer_counts(data, part, k, letters))
            for weighting in ("frequencies", "Hellinger", "TF-IDF", "standardised"):
                yield f"{k}-mers", counted, weighting
        return
    from sklearn.feature_extraction.text import CountVectorizer

    train = [data.vocabulary.decode(data.tokens(int(i))) for i in data.indices("train")]
    for name, options in (
        ("words", {"ngram_range": (1, 2)}),
        ("character 1-4-grams", {"analyzer": "char", "ngram_range": (1, 4)}),
        ("character 3-5-grams", {"analyzer": "char_wb", "ngram_range": (3, 5)}),
    ):
        vectorizer = CountVectorizer(min_df=2, max_features=200_000, dtype=np.float32, **options)
        try:
            vectorizer.fit(train)
        except ValueError:  # nothing occurs in two records
            continue
        counted = _Memory(
            lambda part, v=vectorizer: v.transform([data.vocabulary.decode(data.tokens(int(i))) for i in part]).astype(
                np.float64
            )
        )
        yield name, counted, "TF-IDF"


class _Memory:
    """Counts of the parts that were asked for, so that several weightings share them."""

    def __init__(self, count: Any) -> None:
        self._count, self._found = count, {}

    def __call__(self, part: NDArray[np.int64]) -> Any:
        key = part.tobytes()
        if key not in self._found:
            self._found[key] = self._count(part)
        return self._found[key]


def _kmer_counts(data: seqmix.Dataset, part: NDArray[np.int64], k: int, letters: int) -> Any:
    """Return how often each k-mer of letters occurs in the records, sparse `(n, letters ** k)`."""
    from scipy.sparse import csr_matrix

    columns, values, ends = [], [], [0]
    for i in part:
        symbols = data.tokens(int(i)).astype(np.int64) - data.vocabulary.first
        count = max(0, len(symbols) - k + 1)
        codes, whole = np.zeros(count, dtype=np.int64), np.ones(count, dtype=bool)
        for j in range(k):
            shifted = symbols[j : j + count]
            codes = codes * letters + shifted
            whole &= (shifted >= 0) & (shifted < letters)
        found, times = np.unique(codes[whole], return_counts=True)
        columns.append(found)
        values.append(times)
        ends.append(ends[-1] + len(found))
    content = np.concatenate(values).astype(np.float64), np.concatenate(columns), ends
    return csr_matrix(content, shape=(len(part), letters**k))


def _weighted(counts: list[Any], weighting: str) -> list[Any]:
    """Return the features of the counts of the training records and of others."""
    from scipy.sparse import csr_matrix, diags
    from sklearn.preprocessing import normalize

    made = []
    for one in counts:
        values = one.copy()
        if weighting == "Hellinger":
            values.data = np.sqrt(values.data)
        elif weighting == "TF-IDF":
            values.data = 1 + np.log(values.data)
        made.append(values)
    if weighting == "TF-IDF":
        records = np.bincount(counts[0].indices, minlength=counts[0].shape[1])
        scale = np.log((1 + counts[0].shape[0]) / (1 + records)) + 1
        made = [values @ diags(scale) for values in made]
    if weighting != "standardised":
        return [csr_matrix(normalize(values)) for values in made]
    made = [normalize(values, norm="l1") for values in made]
    mean = np.asarray(made[0].mean(0)).ravel()
    spread = np.sqrt(np.maximum(np.asarray(made[0].power(2).mean(0)).ravel() - mean**2, 0))
    return [csr_matrix(values @ diags(np.where(spread > 1e-12, 1 / np.maximum(spread, 1e-12), 0))) for values in made]


def _reduced(train: Any, other: Any) -> list[Floats]:
    """Return both parts in as many dimensions as there are training records.

    Scalar products with the centred training records are kept, and with them every linear model with a squared penalty and an
    intercept without one. The mean square of the training records' norms is 1, so that penalties compare between features.
    """
    gram, cross = (train @ train.T).toarray(), (other @ train.T).toarray()
    mean, total = gram.mean(0), gram.mean()
    gram = gram - mean[None] - mean[:, None] + total
    cross = cross - cross.mean(1, keepdims=True) - mean[None] + total
    values, vectors = np.linalg.eigh(gram)
    kept = values > _LEAST_EIGENVALUE * values[-1]
    scale = np.sqrt(values[kept] * len(gram) / np.trace(gram))
    return [vectors[:, kept] * scale, cross @ vectors[:, kept] / values[kept] * scale]


def _fitted(features: Floats, labels: NDArray[np.int64], strength: float, classes: int) -> Any:
    """Return the function from features to probabilities `(n, C)` of a logistic regression."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LogisticRegression(C=strength, max_iter=500).fit(features, labels)

    def predict(given: Floats) -> Floats:
        probabilities = np.zeros((len(given), classes))
        probabilities[:, model.classes_] = model.predict_proba(given)
        return probabilities

    return predict

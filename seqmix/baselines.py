"""What simple methods reach on the same split, so that a user sees what the model is worth.

The largest class; a logistic regression on the length alone; logistic regressions on k-mer frequencies (DNA, proteins)
or TF-IDF of character n-grams (documents). Regularisation is chosen on the validation split, as the model's weights
are. All from scikit-learn.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.dataset import Dataset
from seqmix.metrics import point_scores
from seqmix.vocabulary import Tokens, Vocabulary

Fetch = Callable[[Dataset, int], Tokens]

_STRENGTHS = (1.0, 10.0, 100.0, 1000.0)
_MOST_RECORDS = 20_000  # for fitting: more would take minutes and change little
_MOST_CHARACTERS = 50_000_000  # of documents, which are held as text
_KMERS = {"dna": (4, 6), "dna-iupac": (4, 6), "protein": (2, 3)}


def baseline_scores(
    train: Dataset, indices: NDArray[np.int64], test: Dataset, chosen: NDArray[np.int64], fetch: Fetch
) -> dict[str, dict[str, Any]]:
    """Scores of each baseline on some records of `test`.

    Args:
        train: the data set the model was trained on; indices: its training records.
        test: the data set to score on; chosen: its records.
        fetch: gives the tokens of a record as the model sees them.

    Returns:
        By name of the baseline: the headline scores, and "note" where something was left out.
    """
    generator = np.random.default_rng(0)
    note = ""
    if len(indices) > _MOST_RECORDS:
        indices = np.sort(generator.choice(indices, _MOST_RECORDS, replace=False))
        note = f"fitted on {_MOST_RECORDS:,} records drawn at random"
    labels, truth = train.labels[indices], test.labels[chosen]
    validation = train.indices("val")[:_MOST_RECORDS]
    shares = np.bincount(labels, minlength=len(train.classes)) / len(labels)
    results = {"largest class": point_scores(np.tile(shares, (len(truth), 1)), truth)}
    parts = [(train, indices), (train, validation), (test, chosen)]
    answers = (labels, train.labels[validation])
    for name, features in _feature_sets(train.vocabulary, parts, fetch):
        fitted = _fit(features[0], answers[0], features[1], answers[1])
        found = np.zeros((len(truth), len(train.classes)))
        found[:, fitted.classes_] = fitted.predict_proba(features[2])
        results[name] = point_scores(found, truth)
    return {name: {**scores, **({"note": note} if note else {})} for name, scores in results.items()}


def _feature_sets(vocabulary: Vocabulary, parts: list[tuple[Dataset, NDArray[np.int64]]], fetch: Fetch) -> Any:
    """Names and feature matrices (train, validation, test) of the logistic regressions, one after the other."""
    lengths = [np.log([[len(fetch(data, int(i)))] for i in chosen] or np.empty((0, 1))) for data, chosen in parts]
    centre, spread = lengths[0].mean(), lengths[0].std() or 1.0
    yield "length only", [(matrix - centre) / spread for matrix in lengths]
    if vocabulary.alphabet in _KMERS:
        for k in _KMERS[vocabulary.alphabet]:
            letters = vocabulary.letters
            yield f"{k}-mers", [kmer_frequencies([fetch(d, int(i)) for i in chosen], k, letters) for d, chosen in parts]
    else:
        yield "character 1-4-grams", _ngrams(vocabulary, parts, fetch)


def kmer_frequencies(sequences: list[Tokens], k: int, letters: int) -> NDArray[np.float32]:
    """Counts of all k-mers, each row scaled to norm 1, `(n, letters ** k)`; words with other symbols do not count."""
    rows = np.zeros((len(sequences), letters**k), dtype=np.float32)
    for row, sequence in zip(rows, sequences, strict=True):
        symbols = sequence.astype(np.int64) - 2
        valid = (symbols >= 0) & (symbols < letters)
        symbols = np.where(valid, symbols, 0)
        count = len(symbols) - k + 1
        if count < 1:
            continue
        codes = np.zeros(count, dtype=np.int64)
        whole = np.ones(count, dtype=bool)
        for j in range(k):
            codes = codes * letters + symbols[j : j + count]
            whole &= valid[j : j + count]
        row[:] = np.bincount(codes[whole], minlength=letters**k)
        row /= max(1e-9, float(np.linalg.norm(row)))
    return rows


def _ngrams(vocabulary: Vocabulary, parts: list[tuple[Dataset, NDArray[np.int64]]], fetch: Fetch) -> list[Any]:
    from sklearn.feature_extraction.text import TfidfVectorizer

    budget = _MOST_CHARACTERS // max(1, len(parts[0][1]))
    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 4), sublinear_tf=True, max_features=50_000, lowercase=False)
    texts = ([vocabulary.decode(fetch(data, int(i))[:budget].tolist()) for i in chosen] for data, chosen in parts)
    train = vectorizer.fit_transform(next(texts))
    return [train, *(vectorizer.transform(part) if part else train[:0] for part in texts)]


def _fit(features: Any, labels: NDArray[np.int64], val_features: Any, val_labels: NDArray[np.int64]) -> Any:
    """The logistic regression whose strength has the best accuracy on validation (C = 10 without one)."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    best, best_score = None, -1.0
    for strength in _STRENGTHS if len(val_labels) else (10.0,):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = LogisticRegression(C=strength, max_iter=300).fit(features, labels)
        score = model.score(val_features, val_labels) if len(val_labels) else 0.0
        if score > best_score:
            best, best_score = model, score
    return best

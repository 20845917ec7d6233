"""What simple methods reach on the same split, so that a user sees what the model is worth.

The largest class, the labels' frequencies or the mean target; a linear model of the length alone; linear models of k-mer
frequencies (DNA, proteins), of TF-IDF of words or character n-grams (documents), of the values at each position (images:
bytes of one length), or of means and spreads (real numbers). The linear model is a logistic regression, one for each label
where there are several, or a ridge regression. Regularisation is chosen on the validation split, as the model's weights
are. All from scikit-learn. Of pairs, features are the products and the distances of those of the two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from seqmix.config import DataConfig
from seqmix.data.dataset import Dataset
from seqmix.objectives.base import objective_of

if TYPE_CHECKING:
    from seqmix.data.dataset import Dataset

import warnings
from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from seqmix.data.dataset import Dataset
from seqmix.data.vocabulary import Tokens
from seqmix.objectives.base import Objective
from seqmix.objectives.metrics import Floats

Fetch = Callable[[Dataset, int], list[Tokens]]
Part = tuple[Dataset, NDArray[np.int64]]

_STRENGTHS = (1.0, 10.0, 100.0, 1000.0)
_MOST_RECORDS = 20_000  # for fitting: more would take minutes and change little
_MOST_CHARACTERS = 50_000_000  # of documents, which are held as text
_MOST_POSITIONS = 4096  # of images
_KMERS = {"dna": (4, 6), "dna-iupac": (4, 6), "protein": (2, 3)}


def baseline_scores(
    train: Dataset, indices: NDArray[np.int64], test: Dataset, chosen: NDArray[np.int64], fetch: Fetch
) -> dict[str, dict[str, Any]]:
    """Scores of each baseline on some records of `test`.

    Args:
        train: the data set the model was trained on; indices: its training records.
        test: the data set to score on; chosen: its records.
        fetch: gives the sequences of a record as the model sees them.

    Returns:
        By name of the baseline: the headline scores, and "note" where something was left out.
    """
    generator = np.random.default_rng(0)
    note = ""
    if len(indices) > _MOST_RECORDS:
        indices = np.sort(generator.choice(indices, _MOST_RECORDS, replace=False))
        note = f"fitted on {_MOST_RECORDS:,} records drawn at random"
    objective = objective_of(train.info)
    labels, truth = train.labels[indices], test.labels[chosen]
    validation = train.indices("val")[:_MOST_RECORDS]
    name, guess = _constant(objective, labels)
    results = {name: objective.point_scores(np.tile(guess, (len(truth), 1)), truth)}
    parts = [(train, indices), (train, validation), (test, chosen)]
    for name, features in _feature_sets(train, parts, fetch):
        found = _fit(objective, features, labels, train.labels[validation])
        results[name] = objective.point_scores(found, truth)
    return {name: {**scores, **({"note": note} if note else {})} for name, scores in results.items()}


def _constant(objective: Objective, labels: NDArray[Any]) -> tuple[str, Floats]:
    """The answer that does not look at the record, and its name."""
    if objective.kind == "regression":
        return "mean target", np.array([labels.mean()])
    if objective.kind == "multilabel":
        return "frequencies of the labels", labels.mean(0)
    return "largest class", np.bincount(labels, minlength=objective.n_outputs) / len(labels)


def _feature_sets(train: Dataset, parts: list[Part], fetch: Fetch) -> Iterator[tuple[str, list[Any]]]:
    """Names and feature matrices (train, validation, test) of the linear models, one after the other."""
    rows = range(train.n_sequences)
    lengths = [
        np.log([[len(s) for s in fetch(data, int(i))] for i in chosen] or np.empty((0, train.n_sequences)))
        for data, chosen in parts
    ]
    centre, spread = lengths[0].mean(0), lengths[0].std(0)
    yield "length only", [(matrix - centre) / np.where(spread > 0, spread, 1.0) for matrix in lengths]
    alphabet, letters = train.vocabulary.alphabet, train.vocabulary.letters
    if alphabet in _KMERS:
        for k in _KMERS[alphabet]:
            yield f"{k}-mers", _joined(parts, fetch, rows, partial(kmer_frequencies, k=k, letters=letters))
    elif alphabet == "real":
        matrices = _joined(parts, fetch, rows, lambda some: np.array([_statistics(values) for values in some]))
        centre, spread = matrices[0].mean(0), matrices[0].std(0)
        yield "means and spreads", [(m - centre) / np.where(spread > 0, spread, 1.0) if len(m) else m for m in matrices]
    elif alphabet == "bytes" and _are_images(train):
        scale = np.float32(len(train.vocabulary))
        yield "values at each position", _joined(parts, fetch, rows, lambda some: np.array(some, dtype=np.float32) / scale)
    else:
        yield ("word 1-2-grams" if alphabet == "words" else "character 1-4-grams"), _ngrams(train, parts, fetch)


def _joined(parts: list[Part], fetch: Fetch, rows: range, features: Callable[[list[Tokens]], Any]) -> list[Any]:
    """The features of each part; of pairs, what says how alike the two are."""
    joined = []
    for data, chosen in parts:
        records = [fetch(data, int(i)) for i in chosen]
        made = [features([record[row] for record in records]) for row in rows]
        joined.append(made[0] if len(made) == 1 else np.hstack((made[0] * made[1], np.abs(made[0] - made[1]))))
    return joined


def _are_images(train: Dataset) -> bool:
    """Whether all records have one length, as pictures do."""
    lengths = np.diff(train.offsets)
    return bool(len(lengths) and lengths.min() == lengths.max() <= _MOST_POSITIONS)


def _statistics(values: Tokens) -> Floats:
    """Mean, spread, least and greatest of each channel."""
    return np.concatenate((values.mean(0), values.std(0), values.min(0), values.max(0))).astype(np.float64)


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


def _ngrams(train: Dataset, parts: list[Part], fetch: Fetch) -> list[Any]:
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import TfidfVectorizer

    vocabulary = train.vocabulary
    budget = _MOST_CHARACTERS // max(1, len(parts[0][1]) * train.n_sequences)
    common = {"sublinear_tf": True, "max_features": 50_000, "lowercase": False}
    if vocabulary.alphabet == "words":
        vectorizer = TfidfVectorizer(token_pattern=r"\S+", ngram_range=(1, 2), **common)
    else:
        vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 4), **common)

    def texts(part: Part, row: int) -> list[str]:
        return [vocabulary.decode(fetch(part[0], int(i))[row][:budget].tolist()) for i in part[1]]

    made: list[Any] = []
    for number, part in enumerate(parts):
        rows = [texts(part, row) for row in range(train.n_sequences)]
        if number == 0:
            vectorizer.fit([text for row in rows for text in row])
        features = [vectorizer.transform(row) if row else made[0][:0] for row in rows]
        first, last = features[0], features[-1]
        made.append(
            first if train.n_sequences == 1 or not len(part[1]) else hstack((first.multiply(last), abs(first - last))).tocsr()
        )
    return made


def _fit(objective: Objective, features: list[Any], labels: NDArray[Any], val_labels: NDArray[Any]) -> Floats:
    """Answers for the test features of the model whose strength is best on validation (C = 10 without one)."""
    from sklearn.exceptions import ConvergenceWarning

    best, best_score = None, -np.inf
    for strength in _STRENGTHS if len(val_labels) else (10.0,):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            answer = _linear(objective, strength, features[0], labels)
        score = _judged(objective, answer(features[1]), val_labels) if len(val_labels) else 0.0
        if score > best_score:
            best, best_score = answer, score
    assert best is not None
    return best(features[2])


def _judged(objective: Objective, found: Floats, labels: NDArray[Any]) -> float:
    """The validation score that strengths are compared by."""
    if objective.kind == "classification":
        return float((found.argmax(1) == labels).mean())
    return -objective.point_scores(found, labels)[objective.loss_score]


def _linear(objective: Objective, strength: float, features: Any, labels: NDArray[Any]) -> Callable[[Any], Floats]:
    """A fitted linear model, as a function from features to answers `(n, C)`."""
    from sklearn.linear_model import LogisticRegression, Ridge

    if objective.kind == "regression":
        # In standard deviations from the mean: it computes in single precision, where the features are of that.
        centre, scale = labels.mean(), labels.std() or 1.0
        ridge = Ridge(alpha=1.0 / strength).fit(features, (labels - centre) / scale)
        return lambda given: (np.asarray(ridge.predict(given), dtype=np.float64) * scale + centre)[:, None]
    if objective.kind == "classification":
        model = LogisticRegression(C=strength, max_iter=300).fit(features, labels)

        def classify(given: Any) -> Floats:
            found = np.zeros((given.shape[0], objective.n_outputs))
            found[:, model.classes_] = model.predict_proba(given)
            return found

        return classify
    each = [_one_label(strength, features, labels[:, c]) for c in range(objective.n_outputs)]
    return lambda given: np.stack([answer(given) for answer in each], 1)


def _one_label(strength: float, features: Any, labels: NDArray[Any]) -> Callable[[Any], Floats]:
    """The probability of one label; where all training records have it, or none has, that is its answer."""
    from sklearn.linear_model import LogisticRegression

    if labels.min() == labels.max():
        return lambda given: np.full(given.shape[0], float(labels[0]))
    model = LogisticRegression(C=strength, max_iter=300).fit(features, labels)
    return lambda given: np.asarray(model.predict_proba(given)[:, 1])


def method_name(baseline: str, regression: bool = False, *, short: bool = False) -> str:
    """What a simple method is called: "6-mers logistic regression"; where space is short, "6-mers logistic"."""
    if baseline in ("largest class", "frequencies of the labels", "mean target"):
        return baseline
    return f"{baseline} {'ridge' if regression else 'logistic'}{'' if short else ' regression'}"


def baselines_of(dataset: Dataset, seen: DataConfig) -> dict[str, dict[str, Any]]:
    """Scores of the simple methods on the test split, of what a training with `seen` is given of each record."""
    return baseline_scores(
        dataset,
        dataset.indices("train"),
        dataset,
        dataset.indices("test"),
        lambda of, index: of.truncated(index, seen),
    )

"""The features of a lexical model for the records of a split, and small dense ones that are equivalent to them.

With an L2 penalty, the weights of a linear model are combinations of the training records. With fewer records n than features,
the model is therefore fitted on the Cholesky factor L of the records' scalar products ``X X' = L L'``: the optimum is the same,
and it is found in n dimensions. Its weights for the features are ``X' inv(L') w``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seqmix.config import DataConfig
from seqmix.data.batching import collate, plan_batches
from seqmix.data.dataset import Dataset
from seqmix.functional.counts import SparseRows
from seqmix.models.lexical import Counter, LexicalSpec, weighed
from seqmix.objectives.base import LinearModel
from seqmix.objectives.metrics import Floats

_TOKENS = 1 << 18  # in a batch that is counted
_BLOCK = 1 << 12  # columns that are made dense at a time
_JITTER = 1e-6  # of the mean square of a record, added to each: keeps the factor defined where records are equal
_SPARSE_COST = 60.0  # of a multiplication in a sparse product, relative to one in a dense product


def count_split(dataset: Dataset, indices: NDArray[np.int64], seen: DataConfig, spec: LexicalSpec) -> Any:
    """Return the counts of records as a CSR matrix: `(n, F)`; of pairs `(2 n, F)`, all first sequences first.

    Args:
        dataset: the data set.
        indices: record numbers, `(n,)`.
        seen: how a model sees the records.
        spec: what to count.
    """
    from scipy.sparse import csr_matrix, vstack

    counter = Counter(spec, dataset.vocabulary)
    lengths = dataset.cut_lengths(seen.max_length)[indices]
    batches = plan_batches(lengths, tokens_per_batch=_TOKENS)
    sides = []
    for side in range(dataset.n_sequences):
        made = [csr_matrix((0, spec.counted), dtype=np.float32)]
        for positions in batches:
            batch = collate([dataset.truncated(int(indices[i]), seen)[side] for i in positions])
            found = counter(batch.ids, batch.mask)
            made.append(_matrix(found, spec.counted))
        order = np.argsort(np.concatenate(batches)) if batches else np.empty(0, dtype=np.int64)
        sides.append(vstack(made, format="csr")[order])
    return vstack(sides, format="csr")


def _matrix(rows: SparseRows, width: int) -> Any:
    from scipy.sparse import csr_matrix

    parts = (rows.values.numpy(), rows.columns.to(torch.int32).numpy(), rows.offsets.to(torch.int32).numpy())
    return csr_matrix(parts, shape=(len(rows.offsets) - 1, width))


def _rows(matrix: Any) -> SparseRows:
    offsets, columns = (torch.from_numpy(part.astype(np.int64)) for part in (matrix.indptr, matrix.indices))
    return SparseRows(offsets, columns, torch.from_numpy(matrix.data))


@dataclass(frozen=True)
class LexicalFeatures:
    """Features of training and validation records: ``values * factor - mean``.

    Attributes:
        spec: the features.
        train: values of the training records, CSR `(n, F)`.
        val: values of the validation records.
        idf: for tf-idf, inverse document frequencies `(F,)`; else `(1,)` ones.
        factor: factor of each feature, `(F,)`; None for 1.
    """

    spec: LexicalSpec
    train: Any
    val: Any
    idf: NDArray[np.float32]
    factor: Floats | None

    @classmethod
    def of(cls, spec: LexicalSpec, train: Any, val: Any) -> LexicalFeatures:
        """Return the features of counts from `count_split`."""
        idf = np.ones(1, dtype=np.float32)
        if spec.weighting == "tf-idf":
            known = np.bincount(train.indices, minlength=spec.counted)
            idf = (np.log((1 + train.shape[0]) / (1 + known)) + 1).astype(np.float32)
        first, second = (_matrix(weighed(_rows(part), spec, torch.from_numpy(idf)), spec.width) for part in (train, val))
        factor = None
        if spec.weighting == "standardised":
            mean = np.asarray(first.mean(0, dtype=np.float64)).ravel()
            square = np.asarray(first.multiply(first).mean(0, dtype=np.float64)).ravel()
            spread = np.sqrt(np.maximum(square - mean**2, 0.0))
            varies = spread > 1e-6 * np.maximum(mean, 1e-30)
            factor = np.where(varies, 1.0 / (np.where(varies, spread, 1.0) * np.sqrt(max(1, varies.sum()))), 0.0)
        return cls(spec, first, second, idf, factor)

    @cached_property
    def _scaled(self) -> tuple[Any, Any]:
        """The values times the factors."""
        if self.factor is None:
            return self.train, self.val
        return _times(self.train, self.factor), _times(self.val, self.factor)

    @cached_property
    def _mean(self) -> Floats | None:
        if self.factor is None:
            return None
        return np.asarray(self._scaled[0].mean(0, dtype=np.float64)).ravel()

    @cached_property
    def _used(self) -> NDArray[np.int64]:
        """The features that training records have."""
        return np.flatnonzero(np.bincount(self.train.indices, minlength=self.spec.width))

    @cached_property
    def _factor(self) -> Floats | None:
        """The factor L of the products of the training records; None if there are fewer features than records."""
        train, _ = self._scaled
        if len(self._used) <= train.shape[0]:
            return None
        products = _products(train, train)
        if self._mean is not None:
            own = train @ self._mean
            products += float(self._mean @ self._mean) - own - own[:, None]
        jitter = max(1e-12, _JITTER * float(np.trace(products)) / len(products))
        while True:
            try:
                return np.asarray(np.linalg.cholesky(products + jitter * np.eye(len(products))), dtype=np.float64)
            except np.linalg.LinAlgError:
                jitter *= 10.0

    @cached_property
    def reduced(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Dense features of both splits, on which a linear model has the same optimum, at most n of them."""
        from scipy.linalg import solve_triangular

        train, val = self._scaled
        if self._factor is None:
            mean = 0.0 if self._mean is None else self._mean[self._used]
            dense = [part[:, self._used].toarray() - mean for part in (train, val)]
        else:
            products = _products(val, train)
            if self._mean is not None:
                products += float(self._mean @ self._mean) - train @ self._mean - (val @ self._mean)[:, None]
            dense = [self._factor, solve_triangular(self._factor, products.T, lower=True).T]
        return dense[0].astype(np.float32), dense[1].astype(np.float32)

    def expanded(self, model: LinearModel) -> tuple[Floats, Floats]:
        """Return the weights `(F, C)` of a model of `reduced` for the values, and what to subtract, `(C,)`."""
        from scipy.linalg import solve_triangular

        weights = np.zeros((self.spec.width, model.weights.shape[1]))
        if self._factor is None:
            weights[self._used] = model.weights
        else:
            combination = solve_triangular(self._factor, model.weights, lower=True, trans="T")
            weights[:] = self._scaled[0].T @ combination
            if self._mean is not None:
                weights -= self._mean[:, None] * combination.sum(0)
        shift = np.zeros(weights.shape[1]) if self._mean is None else self._mean @ weights
        return weights if self.factor is None else weights * self.factor[:, None], shift


def _times(matrix: Any, factor: Floats) -> Any:
    """Return a CSR matrix with its columns multiplied."""
    scaled = matrix.copy()
    scaled.data = (scaled.data * factor[scaled.indices]).astype(np.float32)
    return scaled


def _products(first: Any, second: Any) -> Floats:
    """Return the scalar products of the rows of two sparse matrices, `(n, m)`, the cheaper way."""
    used = np.flatnonzero(np.bincount(second.indices, minlength=second.shape[1]))
    counts = [np.bincount(part.indices, minlength=part.shape[1]).astype(np.float64) for part in (first, second)]
    if _SPARSE_COST * float(counts[0] @ counts[1]) < float(first.shape[0]) * second.shape[0] * len(used):
        return np.asarray((first @ second.T).toarray(), dtype=np.float64)
    result = np.zeros((first.shape[0], second.shape[0]))
    columns = [part.tocsc() for part in (first, second)]
    for start in range(0, len(used), _BLOCK):
        block = used[start : start + _BLOCK]
        a, b = (part[:, block].toarray() for part in columns)
        result += a @ b.T
    return result

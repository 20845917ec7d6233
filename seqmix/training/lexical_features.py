"""The features of a lexical model for the records of a split, in the form in which a linear model is fitted fastest.

With an L2 penalty, the weights of a linear model are combinations of the training records. With fewer records n than features,
the model can therefore be fitted on the Cholesky factor L of the records' scalar products ``X X' = L L'``: the optimum is the
same, and it is found in n dimensions. Its weights for the features are ``X' inv(L') w``. The alternatives are the features
themselves, dense if there are few, or sparse.
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
from seqmix.models.lexical import FeatureCounter, weighted
from seqmix.models.lexical_spec import LexicalSpec
from seqmix.objectives.linear import LinearModel
from seqmix.objectives.metrics import Floats

_TOKENS = 1 << 18  # in a batch that is counted
_ENTRIES = 1 << 21  # of a sparse matrix that are weighted at a time
_BLOCK = 1 << 12  # columns that are made dense at a time
_JITTER = 1e-6  # of the mean square of a record, added to each: keeps the factor defined where records are equal
_MOST_DENSE = 1 << 28  # most numbers in a dense matrix, 1 GB
_MOST_PRODUCTS = 2500  # most records of which all scalar products are made
# Costs in multiplications of a dense product: of one in a sparse product of two sparse matrices, and of an entry of a sparse
# matrix in the hundreds of products with weights of which a fit consists.
_SPARSE_COST, _FIT_COST = 300.0, 30_000.0


def count_records(dataset: Dataset, indices: NDArray[np.int64], seen: DataConfig, spec: LexicalSpec) -> Any:
    """Return the counts of records as a CSR matrix: `(n, F)`; of pairs `(2 n, F)`, all first sequences first.

    Args:
        dataset: the data set.
        indices: record numbers, `(n,)`.
        seen: how a model sees the records.
        spec: what to count.
    """
    from scipy.sparse import csr_matrix, vstack

    counter = FeatureCounter(spec, dataset.vocabulary)
    batches = plan_batches(dataset.cut_lengths(seen.max_length)[indices], tokens_per_batch=_TOKENS)
    order = np.argsort(np.concatenate([*batches, np.empty(0, dtype=np.int64)]))
    sides = []
    for side in range(dataset.n_sequences):
        made = [csr_matrix((0, spec.counted), dtype=np.float32)]
        for positions in batches:
            batch = collate([dataset.truncated(int(indices[i]), seen)[side] for i in positions])
            made.append(_matrix(counter(batch.ids, batch.mask), spec.counted))
        sides.append(vstack(made, format="csr")[order])
    return vstack(sides, format="csr")


def _matrix(rows: SparseRows, width: int) -> Any:
    from scipy.sparse import csr_matrix

    parts = (rows.values.numpy(), rows.columns.to(torch.int32).numpy(), rows.offsets.numpy())
    return csr_matrix(parts, shape=(len(rows.offsets) - 1, width))


def features_of(counts: Any, spec: LexicalSpec, idf: torch.Tensor | None = None) -> Any:
    """Return features, CSR `(n, F)`, made of some records at a time: a single step takes six times the memory.

    Args:
        counts: from `count_records`.
        spec: says how they are weighted.
        idf: for tf-idf, inverse document frequencies `(F,)`.
    """
    from scipy.sparse import csr_matrix, vstack

    n = counts.shape[0] // (2 if spec.paired else 1)
    made = [csr_matrix((0, spec.width), dtype=np.float32)]
    for places in np.array_split(np.arange(n), 1 + counts.nnz // _ENTRIES):
        rows = np.concatenate((places, places + n)) if spec.paired else places
        made.append(_matrix(weighted(_rows(counts[rows]), spec, idf), spec.width))
    return vstack(made, format="csr")


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
        mean: means over the training records of the values times their factors, `(F,)`; None for 0.
    """

    spec: LexicalSpec
    train: Any
    val: Any
    idf: NDArray[np.float32]
    factor: Floats | None = None
    mean: Floats | None = None

    @classmethod
    def of(cls, spec: LexicalSpec, train: Any, val: Any) -> LexicalFeatures:
        """Return the features of counts from `count_records`."""
        from sklearn.utils.sparsefuncs import inplace_column_scale, mean_variance_axis

        idf = np.ones(1, dtype=np.float32)
        if spec.weighting == "tf-idf":
            known = np.bincount(train.indices, minlength=spec.counted)
            idf = (np.log((1 + train.shape[0]) / (1 + known)) + 1).astype(np.float32)
        first, second = (features_of(part, spec, torch.from_numpy(idf)) for part in (train, val))
        if spec.weighting != "standardised":
            return cls(spec, first, second, idf)
        mean, variance = mean_variance_axis(first.astype(np.float64), axis=0)
        spread = np.sqrt(variance)
        varies = spread > 1e-6 * mean
        factor = np.where(varies, 1.0 / (np.where(varies, spread, 1.0) * np.sqrt(max(1, varies.sum()))), 0.0)
        for part in (first, second):
            inplace_column_scale(part, factor)
        return cls(spec, first, second, idf, factor, mean * factor)

    @property
    def feasible(self) -> bool:
        """Whether memory suffices for these features: standardised ones of many records are dense."""
        return self._form != "too large"

    @cached_property
    def _used(self) -> NDArray[np.int64]:
        """The features that training records have."""
        return np.flatnonzero(np.bincount(self.train.indices, minlength=self.spec.width))

    @cached_property
    def _form(self) -> str:
        """The form that a model is fitted to: "dense", "products", "sparse", or "too large"."""
        n, used = self.train.shape[0], len(self._used)
        small = n * used <= _MOST_DENSE
        if used <= n and small and (self.mean is not None or 4 * self.train.nnz > n * used):
            return "dense"
        products = min(_costs(self.train, self.train, used))
        if n <= _MOST_PRODUCTS and (self.mean is not None or products < _FIT_COST * self.train.nnz):
            return "products"
        if self.mean is None:
            return "sparse"
        return "dense" if small else "too large"

    @cached_property
    def _root(self) -> Floats:
        """The factor L of the scalar products of the training records, `(n, n)`."""
        products = _products(self.train, self.train, self._used)
        if self.mean is not None:
            own = self.train @ self.mean
            products += float(self.mean @ self.mean) - own - own[:, None]
        jitter = max(1e-12, _JITTER * float(np.trace(products)) / len(products))
        while True:
            try:
                return np.asarray(np.linalg.cholesky(products + jitter * np.eye(len(products))), dtype=np.float64)
            except np.linalg.LinAlgError:
                jitter *= 10.0

    @cached_property
    def matrices(self) -> tuple[Any, Any]:
        """What a linear model is fitted to, `(n, G)`, and the same of the validation records."""
        if self._form == "sparse":
            return self.train, self.val
        if self._form == "dense":
            mean = np.float32(0.0) if self.mean is None else self.mean[self._used].astype(np.float32)
            first, second = (part[:, self._used].toarray() - mean for part in (self.train, self.val))
            return first, second
        from scipy.linalg import solve_triangular

        products = _products(self.val, self.train, self._used)
        if self.mean is not None:
            products += float(self.mean @ self.mean) - self.train @ self.mean - (self.val @ self.mean)[:, None]
        second = solve_triangular(self._root, products.T, lower=True).T
        return self._root.astype(np.float32), second.astype(np.float32)

    def expanded(self, model: LinearModel) -> tuple[Floats, Floats]:
        """Return the weights `(F, C)` of a model of `matrices` for values without a factor, and what to subtract, `(C,)`."""
        from scipy.linalg import solve_triangular

        weights = np.zeros((self.spec.width, model.weights.shape[1]))
        if self._form == "sparse":
            weights[:] = model.weights
        elif self._form == "dense":
            weights[self._used] = model.weights
        else:
            combination = solve_triangular(self._root, model.weights, lower=True, trans="T")
            weights[:] = self.train.T @ combination
            if self.mean is not None:
                weights -= self.mean[:, None] * combination.sum(0)
        shift = np.zeros(weights.shape[1]) if self.mean is None else self.mean @ weights
        return weights if self.factor is None else weights * self.factor[:, None], shift


def _costs(first: Any, second: Any, used: int) -> tuple[float, float]:
    """Return the costs of a sparse and of a dense product, in multiplications of a dense one; see `_products`."""
    counts = [np.bincount(part.indices, minlength=part.shape[1]).astype(np.float64) for part in (first, second)]
    return _SPARSE_COST * float(counts[0] @ counts[1]), float(first.shape[0]) * second.shape[0] * used


def _products(first: Any, second: Any, used: NDArray[np.int64]) -> Floats:
    """Return the scalar products of the rows of two sparse matrices, `(n, m)`, in the cheaper of two ways.

    Args:
        first: `(n, F)`.
        second: `(m, F)`.
        used: columns in which `second` has entries.
    """
    sparse, dense = _costs(first, second, len(used))
    if sparse <= dense:
        return np.asarray((first @ second.T).toarray(), dtype=np.float64)
    result = np.zeros((first.shape[0], second.shape[0]))
    columns = [part.tocsc() for part in ((first,) if first is second else (first, second))]
    for start in range(0, len(used), _BLOCK):
        blocks = [part[:, used[start : start + _BLOCK]].toarray() for part in columns]
        result += blocks[0] @ blocks[-1].T
    return result

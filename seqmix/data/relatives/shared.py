"""Who shares sampled k-mers with whom, and how many: products of sparse matrices, of bounded work.

A k-mer that very many records have, such as one of a repeat, would make the product as large as the square of their number.
The work is bounded: of the records that have such a k-mer, a limited number count for it, the same ones for all k-mers as far
as they have them. What is then found are candidates: for each record the eight that share most, once by all k-mers and once by
those of few records. Of these the shared k-mers are counted exactly. So no containment is ever too large, and one is too small
only if a record shares nothing but such k-mers with its relatives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.data.relatives.sketches import Sketches

_WORK = 1 << 25  # products of a search
_BLOCK = 1 << 22  # products, or k-mers, that are in memory at a time
_ROWS = 1 << 15  # records that are compared at a time
_LEAST_HOLDERS, _MOST_HOLDERS = 4, 32  # of a k-mer that count, where not all of them can
_CANDIDATES = 8  # of each record, in each of two orders

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Nearest:
    """The nearest relative of each of n records.

    Attributes:
        containment: share of the record's sampled k-mers that its nearest relative has, `(n,)` float32; NaN for records that
            were not asked about, or that have no k-mers.
        record: number of that relative, the first of those that are equally near; -1 if none shares a k-mer.
    """

    containment: NDArray[np.float32]
    record: Numbers


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of records that share k-mers.

    Attributes:
        first: number of the first record of each pair, `(p,)`.
        second: number of the second, which is larger, `(p,)`.
        shared: number of sampled k-mers that both have, `(p,)`.
        containment: these, as a share of the k-mers of the record that has fewer, `(p,)`.
    """

    first: Numbers
    second: Numbers
    shared: Numbers
    containment: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.first)


def nearest(sketches: Sketches, asked: NDArray[np.bool_], among: NDArray[np.bool_]) -> Nearest:
    """Return the nearest relative of each record that is asked about, among others.

    Args:
        sketches: of n records.
        asked: which records are asked about, `(n,)`.
        among: which records their relatives are looked for among, `(n,)`.
    """
    containment = np.where(asked & (sketches.sizes > 0), 0.0, np.nan).astype(np.float32)
    record = np.full(sketches.n, -1, dtype=np.int64)
    for one, other, shared in _Search(sketches, asked, among).candidates():
        starts = np.flatnonzero(np.diff(one, prepend=-1))
        if len(starts):
            best = np.maximum.reduceat(shared * sketches.n + (sketches.n - 1 - other), starts)
            rows = one[starts]
            containment[rows] = best // sketches.n / sketches.sizes[rows]
            record[rows] = sketches.n - 1 - best % sketches.n
    return Nearest(containment, record)


def similar_pairs(sketches: Sketches, least: float) -> Pairs:
    """Return pairs of records of which the one with fewer k-mers shares at least a share of them with the other.

    Of very many records that are all alike, enough pairs are returned to connect them, not all.

    Args:
        sketches: of n records.
        least: the share, above 0, to 1.
    """
    all_records = np.ones(sketches.n, dtype=bool)
    keys, counts = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for one, other, shared in _Search(sketches, all_records, all_records, least).candidates():
        enough = shared >= least * np.minimum(sketches.sizes[one], sketches.sizes[other])
        low, high = np.minimum(one, other)[enough], np.maximum(one, other)[enough]
        keys.append(low * sketches.n + high)
        counts.append(shared[enough])
    found, place = np.unique(np.concatenate(keys), return_index=True)
    first, second = np.divmod(found, max(1, sketches.n))
    shared = np.concatenate(counts)[place]
    return Pairs(first, second, shared, shared / np.minimum(sketches.sizes[first], sketches.sizes[second]))


class _Search:
    """Finds records that share k-mers with those that are asked about.

    Args:
        sketches: of n records.
        asked: which records are asked about, `(n,)`.
        among: which records relatives are looked for among, `(n,)`.
        least: also return all candidates that share so much of the record with fewer k-mers; None for the best alone.
    """

    def __init__(
        self, sketches: Sketches, asked: NDArray[np.bool_], among: NDArray[np.bool_], least: float | None = None
    ) -> None:
        self._n, self._sizes, self._least = sketches.n, sketches.sizes, least
        kmers, records = sketches.kmers, sketches.records
        asks, has = asked[records], among[records]
        count = int(kmers[-1]) + 1 if len(kmers) else 0
        wanted, holders = np.bincount(kmers[asks], minlength=count), np.bincount(kmers[has], minlength=count)
        shared = (wanted > 0) & (holders > 0)
        if (asked & among).any():
            shared &= np.bincount(kmers, minlength=count) > 1
        number = np.cumsum(shared) - 1
        asks &= shared[kmers]
        has &= shared[kmers]
        self._asking = _by_kmer(number[kmers[asks]], records[asks], int(shared.sum()), self._n).T.tocsr()
        self._kmers, self._records = number[kmers[has]], records[has]
        holders = holders[shared]
        self._most = _most_holders(wanted[shared], holders)
        self._common = holders > self._most
        self._work = self._asking @ np.minimum(holders, self._most)

    def candidates(self) -> Iterator[tuple[Numbers, Numbers, Numbers]]:
        """Yield records, for each another record, and the number of k-mers that both have; all of a record in one go."""
        kmers, records, count = self._kmers, self._records, len(self._common)
        if not self._common.any():
            having = _by_kmer(kmers, records, count, self._n)
            for low, high in self._blocks():
                yield self._entries(low, self._asking[low:high] @ having)
            return
        common = self._common[kmers]
        of_few = _by_kmer(kmers[~common], records[~common], count, self._n)
        # Long records are likely to contain others; short ones, to be contained in those that they are paired with.
        order = np.argsort(-self._sizes if self._least is None else self._sizes, kind="stable")
        of_many = _by_kmer(*_first_holders(kmers[common], records[common], self._most, order), count, self._n)
        for low, high in self._blocks():
            rows = self._asking[low:high]
            by_few = rows @ of_few
            found = [self._best(low, by_few), self._best(low, by_few + rows @ of_many, self._least)]
            one, other = np.divmod(np.unique(np.concatenate(found)), self._n)
            yield one, other, self._counted(one, other)

    def _blocks(self) -> Iterator[tuple[int, int]]:
        """Yield ranges of records whose products fit into memory."""
        until = np.concatenate(([0], np.cumsum(self._work)))
        low = 0
        while low < self._n:
            high = max(low + 1, int(np.searchsorted(until, until[low] + _BLOCK, side="right")) - 1)
            high = min(high, low + _ROWS, self._n)
            if until[high] > until[low]:
                yield low, high
            low = high

    def _entries(self, low: int, product: Any) -> tuple[Numbers, Numbers, Numbers]:
        """Return row, column and value of each entry of a product whose first row is `low`, without the diagonal."""
        one = np.repeat(np.arange(low, low + product.shape[0]), np.diff(product.indptr))
        other, shared = product.indices.astype(np.int64), product.data.astype(np.int64)
        apart = one != other
        return one[apart], other[apart], shared[apart]

    def _best(self, low: int, product: Any, least: float | None = None) -> Numbers:
        """Return the entries of each row that are largest, and those that are large enough, as row times n plus column."""
        one, other, shared = self._entries(low, product)
        if not len(one):
            return one
        enough = shared >= least * np.minimum(self._sizes[one], self._sizes[other]) if least is not None else shared < 0
        starts = np.flatnonzero(np.diff(one, prepend=-1))
        most = np.repeat(np.maximum.reduceat(shared, starts), np.diff(starts, append=len(one)))
        large = 2 * shared >= most
        packed = np.sort(((one[large] - low) << 48) | ((most - shared)[large] << 24) | other[large])
        rows = packed >> 48
        first = packed[np.arange(len(rows)) - np.searchsorted(rows, rows) < _CANDIDATES]
        best = ((first >> 48) + low) * self._n + (first & 0xFFFFFF)
        return np.concatenate((best, one[enough] * self._n + other[enough]))

    def _counted(self, one: Numbers, other: Numbers) -> Numbers:
        """Return how many k-mers two records share, for each of some pairs."""
        having = self._having
        until = np.cumsum(np.diff(self._asking.indptr)[one] + np.diff(having.indptr)[other])
        counts = np.empty(len(one), dtype=np.int64)
        low = 0
        while low < len(one):
            before = until[low - 1] if low else 0
            high = max(low + 1, int(np.searchsorted(until, before + _BLOCK, side="right")))
            both = self._asking[one[low:high]].multiply(having[other[low:high]])
            counts[low:high] = np.asarray(both.sum(1)).reshape(-1)
            low = high
        return counts

    @cached_property
    def _having(self) -> Any:
        """The k-mers of the records among which relatives are looked for, `(n, K)`."""
        return _by_kmer(self._kmers, self._records, len(self._common), self._n).T.tocsr()


def _by_kmer(kmers: NDArray[Any], records: NDArray[Any], count: int, n: int) -> Any:
    """Return the sparse matrix `(count, n)` with 1 where a record has a k-mer; the k-mers ascend."""
    from scipy.sparse import csr_matrix

    starts = np.concatenate(([0], np.cumsum(np.bincount(kmers, minlength=count))))
    return csr_matrix((np.ones(len(kmers), dtype=np.int32), records, starts), shape=(count, n))


def _most_holders(wanted: Numbers, holders: Numbers) -> int:
    """Return how many holders of a k-mer count, so that the work is bounded: all, or a few.

    Args:
        wanted: number of records that have it and are asked about, `(K,)`.
        holders: number of records that have it and are looked for, `(K,)`.
    """
    if int((wanted * holders).sum()) <= _WORK:
        return int(holders.max(initial=0))
    most = _MOST_HOLDERS
    while most > _LEAST_HOLDERS and int((wanted * np.minimum(holders, most)).sum()) > _WORK:
        most //= 2
    return most


def _first_holders(kmers: NDArray[Any], records: NDArray[Any], most: int, order: Numbers) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return k-mers and the records that have them: of each k-mer not more than `most`, the first in an order of records."""
    rank = np.empty(len(order), dtype=np.uint64)
    rank[order] = np.arange(len(order), dtype=np.uint64)
    packed = np.sort((kmers.astype(np.uint64) << np.uint64(32)) | rank[records])
    kmers = (packed >> np.uint64(32)).astype(np.int64)
    kept = np.arange(len(kmers)) - np.searchsorted(kmers, kmers) < most
    return kmers[kept], order[(packed[kept] & np.uint64(0xFFFFFFFF)).astype(np.int64)]

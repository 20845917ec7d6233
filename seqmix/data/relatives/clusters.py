"""Clusters of similar records: whoever is connected by a chain of near relatives (single linkage).

All pairs of records that share a k-mer are counted, a block of records at a time, and joined at once, so that the memory does
not grow with the number of pairs. Where that would take too long (of k-mers that very many records have, the work is the square
of their number), the bounded search of `shared` finds pairs instead, which may miss some.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.data.relatives.shared import similar_pairs
from seqmix.data.relatives.sketches import Sketches

_WORK = 1 << 33  # products: some ten seconds
_BLOCK = 1 << 24  # products that are in memory at a time
_EDGES = 1 << 20  # pairs that are collected before they are joined
_TIE = 1e-9

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Clusters:
    """The clusters of n records.

    Attributes:
        of: number of the cluster of each record, `(n,)`.
        exact: whether all pairs were looked at.
    """

    of: Numbers
    exact: bool


def similar_clusters(sketches: Sketches, least: float) -> Clusters:
    """Return the connected components of records of which the one with fewer k-mers shares a share of them with the other.

    Args:
        sketches: of n records.
        least: the share, above 0, to 1.
    """
    holders = np.bincount(sketches.kmers) if len(sketches.kmers) else np.zeros(0, np.int64)
    kept = (holders > 1)[sketches.kmers]  # the others connect nothing
    if int((holders[holders > 1].astype(np.float64) ** 2).sum()) > _WORK:
        pairs = similar_pairs(sketches, least - _TIE)
        return Clusters(joined(np.arange(sketches.n), pairs.first, pairs.second), exact=False)
    return Clusters(_all_pairs(sketches, kept, holders, least), exact=True)


def _all_pairs(sketches: Sketches, kept: NDArray[np.bool_], holders: Numbers, least: float) -> Numbers:
    from scipy.sparse import csr_matrix

    n, sizes = sketches.n, sketches.sizes
    kmers, records = sketches.kmers[kept], sketches.records[kept]
    shape = (len(holders), n)
    having: Any = csr_matrix((np.ones(len(kmers), dtype=np.int32), (kmers, records)), shape=shape)
    asking = having.T.tocsr()
    until = np.concatenate(([0], np.cumsum(asking @ holders)))
    cluster, low = np.arange(n), 0
    found: list[tuple[Numbers, Numbers]] = []
    edges = 0
    while low < n:
        high = max(low + 1, int(np.searchsorted(until, until[low] + _BLOCK, side="right")) - 1)
        product = asking[low:high] @ having
        one = np.repeat(np.arange(low, high), np.diff(product.indptr))
        other = product.indices.astype(np.int64)
        apart = (other > one) & (cluster[one] != cluster[other])
        one, other, shared = one[apart], other[apart], product.data[apart]
        near = shared >= least * np.minimum(sizes[one], sizes[other]) - _TIE
        found.append((one[near], other[near]))
        edges += int(near.sum())
        low = high
        if edges > _EDGES or low >= n:
            first, second = (np.concatenate(ends) for ends in zip(*found, strict=True))
            cluster, found, edges = joined(cluster, first, second), [], 0
    return cluster


def joined(cluster: Numbers, first: Numbers, second: Numbers) -> Numbers:
    """Return the clusters of n records, of which those of the first and the second record of each pair are made one.

    Args:
        cluster: `(n,)`, numbers below n.
        first: number of the first record of each pair, `(p,)`.
        second: number of the second.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    n = len(cluster)
    edges = coo_matrix((np.ones(len(first), dtype=np.int8), (cluster[first], cluster[second])), shape=(n, n))
    return connected_components(edges, directed=False)[1][cluster].astype(np.int64)

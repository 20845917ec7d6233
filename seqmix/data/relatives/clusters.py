"""Clusters of similar records: whoever is connected by a chain of near relatives (single linkage).

All pairs of records that share a k-mer are counted, a block of records at a time, and joined at once, so that the memory does
not grow with the number of pairs. Where that would take too long (of k-mers that very many records have, the work is the square
of their number), the bounded search of `shared` finds pairs instead, which may miss some.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.data.relatives.shared import similar_pairs
from seqmix.data.relatives.sketches import Sketches

_WORK = 1 << 32  # products: some five seconds
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
    return clusters_of(sketches, [least])[0]


def clusters_of(sketches: Sketches, shares: Sequence[float]) -> list[Clusters]:
    """Return `similar_clusters` for each of some shares, which takes little longer than for one."""
    holders = np.bincount(sketches.kmers) if len(sketches.kmers) else np.zeros(0, np.int64)
    kept = (holders > 1)[sketches.kmers]  # the others connect nothing
    if int((holders[holders > 1].astype(np.float64) ** 2).sum()) > _WORK:
        pairs = similar_pairs(sketches, min(shares) - _TIE)
        near = [pairs.containment >= least - _TIE for least in shares]
        each = np.arange(sketches.n)
        return [Clusters(joined(each, pairs.first[chosen], pairs.second[chosen]), exact=False) for chosen in near]
    return [Clusters(found, exact=True) for found in _all_pairs(sketches, kept, holders, shares)]


def _all_pairs(sketches: Sketches, kept: NDArray[np.bool_], holders: Numbers, shares: Sequence[float]) -> list[Numbers]:
    from scipy.sparse import csr_matrix

    n, sizes = sketches.n, sketches.sizes
    kmers, records = sketches.kmers[kept], sketches.records[kept]
    shape = (len(holders), n)
    having: Any = csr_matrix((np.ones(len(kmers), dtype=np.int32), (kmers, records)), shape=shape)
    asking = having.T.tocsr()
    until = np.concatenate(([0], np.cumsum(asking @ holders)))
    clusters, low = [np.arange(n) for _ in shares], 0
    found: list[list[Numbers]] = [[] for _ in shares]  # pairs, as the first times n plus the second
    edges = 0
    while low < n:
        high = max(low + 1, int(np.searchsorted(until, until[low] + _BLOCK, side="right")) - 1)
        product = asking[low:high] @ having
        one = np.repeat(np.arange(low, high), np.diff(product.indptr))
        other = product.indices.astype(np.int64)
        fewer = np.minimum(sizes[one], sizes[other])
        near = (product.data >= min(shares) * fewer - _TIE) & (other > one)
        one, other, shared, fewer = one[near], other[near], product.data[near], fewer[near]
        for least, cluster, pairs in zip(shares, clusters, found, strict=True):
            chosen = (shared >= least * fewer - _TIE) & (cluster[one] != cluster[other])
            pairs.append(one[chosen] * n + other[chosen])
            edges += int(chosen.sum())
        low = high
        if edges > _EDGES or low >= n:
            ends = [np.divmod(np.concatenate(pairs), n) for pairs in found]
            clusters = [joined(cluster, *both) for cluster, both in zip(clusters, ends, strict=True)]
            found, edges = [[] for _ in shares], 0
    return clusters


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

"""Dealing components of mixed classes out to the splits, so that each split has its share of every class.

`assign.stratified_split` counts a component for its most frequent class, which is all there is in small groups. Clusters of
similar records may be large and mixed. Each is dealt to the split where, over all its classes, most is still missing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


def balanced_split(
    strata: Indices, members: Indices, fractions: tuple[float, float, float], seed: int, fixed: Indices | None = None
) -> NDArray[np.int8]:
    """Deal components out to train, validation and test, in proportion of every stratum as far as whole components allow.

    A component with ``k[c]`` records of stratum ``c`` goes to the split ``s`` of the largest
    ``sum_c k[c] * (wanted[s, c] - given[s, c]) / total[c] ** 2``: the one that brings the shares closest to those wanted, in
    squared differences. Large components come first.

    Args:
        strata: `(n,)` numbers of the strata, such as classes; -1 for all if there are none.
        members: `(n,)` component numbers.
        fractions: of the records, for train, validation and test.
        seed: of the order in which components of one size are dealt.
        fixed: `(n,)` splits that are given, which records keep, or -1; None if none are.

    Returns:
        `(n,)` 0 train, 1 validation, 2 test. A stratum in at least three components is in every split of a fraction > 0.
    """
    split = np.full(len(strata), -1, dtype=np.int8) if fixed is None else fixed.astype(np.int8)
    free = np.flatnonzero(split < 0)
    if not len(free):
        return split
    generator = np.random.default_rng(seed)
    stratum = np.unique(strata[free], return_inverse=True)[1]
    _, component, sizes = np.unique(members[free], return_inverse=True, return_counts=True)
    pairs, counts = np.unique(np.stack((component, stratum)), axis=1, return_counts=True)
    destination = _dealt(pairs, counts, sizes, np.array(fractions), generator)
    _complete(destination, pairs, sizes, np.flatnonzero(fractions))
    split[free] = destination[component]
    return split


def _dealt(
    pairs: Indices, counts: Indices, sizes: Indices, target: NDArray[np.float64], generator: np.random.Generator
) -> NDArray[np.int8]:
    """Return the split of each component, given how many records of which stratum it has."""
    totals = np.bincount(pairs[1], weights=counts)
    missing = np.outer(target, totals)  # (3, C)
    unwanted = np.where(target > 0, 0.0, np.inf)
    order = generator.permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    starts = np.searchsorted(pairs[0], np.arange(len(sizes) + 1))
    destination = np.zeros(len(sizes), dtype=np.int8)
    several = int((sizes > 1).sum())
    for number in order[:several]:
        of = slice(starts[number], starts[number + 1])
        own, k = pairs[1][of], counts[of]
        s = int(np.argmax(missing[:, own] @ (k / totals[own] ** 2) - unwanted))
        destination[number] = s
        missing[s, own] -= k
    single = order[several:]
    of_single = pairs[1][starts[single]]
    for stratum in np.unique(of_single):
        chosen = single[of_single == stratum]
        shares = np.maximum(missing[:, stratum], 0.0) * (target > 0)
        shares = shares if shares.sum() else target
        bounds = np.floor(np.cumsum(shares / shares.sum()) * len(chosen) + 0.5).astype(int)
        destination[chosen] = np.repeat(np.arange(3, dtype=np.int8), np.diff(bounds, prepend=0))
    return destination


def _complete(destination: NDArray[np.int8], pairs: Indices, sizes: Indices, wanted: Indices) -> None:
    """Move the smallest components that it takes for every stratum to be in every wanted split, training before all."""
    present = np.zeros((3, int(pairs[1].max()) + 1), dtype=np.int64)  # components
    np.add.at(present, (destination[pairs[0]], pairs[1]), 1)
    for s in wanted:
        for stratum in np.flatnonzero((present[s] == 0) & (present.sum(0) > 0)):
            holders = pairs[0][pairs[1] == stratum]
            spare = present[destination[holders], stratum] > 1
            holders = holders if s == 0 else holders[spare]
            if not len(holders):
                continue
            moved = holders[np.lexsort((sizes[holders], -present[destination[holders], stratum]))[0]]
            own = pairs[1][pairs[0] == moved]
            present[destination[moved], own] -= 1
            present[s, own] += 1
            destination[moved] = s

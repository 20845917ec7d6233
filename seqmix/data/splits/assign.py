"""Training, validation and test: which record goes where. Indices only, seeded, nothing of the sequences.

Records that belong together (equal sequences, reverse complements, a common group) form a component and never
part. Components are dealt out class by class, so that each split has each class in proportion.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seqmix.config.data import SPLIT_NAMES
from seqmix.errors import ConfigError, InputError, param

Indices = NDArray[np.int64]


def parse_fractions(text: str) -> tuple[float, float, float]:
    """Return "0.7,0.2,0.1" as three fractions.

    Raises:
        ConfigError: these are not three numbers of 0 or more, the first above 0, that sum to 1.
    """
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) != 3 or not abs(sum(values) - 1) <= 1e-6 or min(values) < 0 or values[0] == 0:
        raise ConfigError(
            f"{param('split')} must be three fractions train,val,test that sum to 1, such as 0.6,0.2,0.2: got '{text}'",
            option="split",
        )
    return values[0], values[1], values[2]


def split_number(name: str, where: object) -> int:
    """Return 0, 1 or 2 for a name of a split such as "train", "validation" or "test".

    Args:
        name: of the split.
        where: its `str` names the record in an error.

    Raises:
        InputError: this is not the name of a split.
    """
    try:
        return SPLIT_NAMES[name.strip().lower()]
    except KeyError:
        raise InputError(f"{where}: '{name}' is not a split; allowed: {', '.join(SPLIT_NAMES)}") from None


def components(keys: Sequence[Indices]) -> Indices:
    """Return the connected components of records that share a value in any of `keys`.

    Args:
        keys: arrays `(n,)`, one for each relation; records with equal values (not -1) belong together.

    Returns:
        `(n,)` component numbers.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    n = len(keys[0])
    rows, columns = [], []
    width = 0
    for key in keys:
        related = np.flatnonzero(key >= 0)
        _, values = np.unique(key[related], return_inverse=True)
        rows.append(related)
        columns.append(n + width + values)
        width += int(values.max(initial=-1)) + 1
    row, column = np.concatenate(rows), np.concatenate(columns)
    graph = coo_matrix((np.ones(len(row), dtype=np.int8), (row, column)), shape=(n + width, n + width))
    return connected_components(graph, directed=False)[1][:n].astype(np.int64)


def stratified_split(
    labels: Indices, members: Indices, fractions: tuple[float, float, float], seed: int, fixed: Indices | None = None
) -> NDArray[np.int8]:
    """Deal components out to train, validation and test, in proportion within each class.

    Args:
        labels: `(n,)` class numbers; -1 for all if there are none.
        members: `(n,)` component numbers; a component counts for the class most frequent in it.
        fractions: of the records, for train, validation and test.
        seed: of the order in which components of one size are dealt.
        fixed: `(n,)` splits that are given, which records keep, or -1; None if none are.

    Returns:
        `(n,)` 0 train, 1 validation, 2 test. A class of at least three components is in every split of a fraction > 0.
    """
    generator = np.random.default_rng(seed)
    split = np.full(len(labels), -1, dtype=np.int8) if fixed is None else fixed.astype(np.int8)
    free = np.flatnonzero(split < 0)
    _, component, sizes = np.unique(members[free], return_inverse=True, return_counts=True)
    component_class = _majority_class(labels[free], component, len(sizes))
    destination = np.zeros(len(sizes), dtype=np.int8)
    target = np.array(fractions)
    for value in np.unique(component_class):
        chosen = generator.permutation(np.flatnonzero(component_class == value))
        chosen = chosen[np.argsort(-sizes[chosen], kind="stable")]  # large ones first: small ones even out
        destination[chosen] = _deal(sizes[chosen], target)
    split[free] = destination[component]
    return split


def _majority_class(labels: Indices, component: Indices, n_components: int) -> Indices:
    pairs, counts = np.unique(np.stack((component, labels)), axis=1, return_counts=True)
    order = np.lexsort((-counts, pairs[0]))
    first = order[np.unique(pairs[0][order], return_index=True)[1]]
    result = np.empty(n_components, dtype=np.int64)
    result[pairs[0][first]] = pairs[1][first]
    return result


def _deal(sizes: Indices, target: NDArray[np.float64]) -> NDArray[np.int8]:
    """Return the splits of components in the given order: each goes where most records are still missing."""
    wanted = target * sizes.sum()
    given = np.zeros(3)
    result = np.zeros(len(sizes), dtype=np.int8)
    single = int(np.searchsorted(-sizes, 0 - 1, side="left")) if len(sizes) else 0  # where size 1 begins
    for i in range(single):
        result[i] = np.argmax(np.where(target > 0, wanted - given, -np.inf))
        given[result[i]] += sizes[i]
    rest = len(sizes) - single
    if rest:
        shares = np.maximum(wanted - given, 0.0)
        bounds = np.floor(np.cumsum(shares / shares.sum()) * rest + 0.5).astype(int)
        result[single:] = np.repeat(np.arange(3, dtype=np.int8), np.diff(bounds, prepend=0))
    # A class of a few components still has one in every split that is wanted, training before all.
    for s in np.flatnonzero(target):
        counts = np.bincount(result, minlength=3)
        if counts[s] == 0 and (s == 0 or counts.max() > 1):
            result[np.flatnonzero(result == counts.argmax())[-1]] = s  # the smallest of the split that has most
    return result


def split_leaks(members: Indices, split: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Return the records to leave out since a given split puts a relative of theirs on another side.

    Of a component that is in several splits, only its records in the last one (test before validation before training) stay.

    Args:
        members: `(n,)` component numbers.
        split: `(n,)` 0 train, 1 validation, 2 test.

    Returns:
        `(n,)` bool, True = leave out.
    """
    last = np.full(int(members.max(initial=-1)) + 1, -1, dtype=np.int8)
    np.maximum.at(last, members, split)
    return split < last[members]

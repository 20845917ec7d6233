"""Shares of a training split: nested, stratified, with groups of related records kept whole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seqmix.data.dataset import Dataset
from seqmix.data.record_groups import record_groups
from seqmix.data.resplit import OUT
from seqmix.errors import ConfigError, param

_TRAIN = 0  # in `Dataset.split`


def parse_shares(text: str) -> list[float]:
    """Return "10,20,40,80,100" as shares in percent.

    Raises:
        ConfigError: a part is not a number.
    """
    try:
        return [float(part.strip().removesuffix("%")) for part in text.split(",")]
    except ValueError:
        raise ConfigError(
            f"{param('shares')} must be percentages, separated by commas, such as 10,20,40,80,100: got '{text}'",
            option="shares",
        ) from None


def check_shares(shares: Sequence[float]) -> list[float]:
    """Return shares in ascending order, each once.

    Raises:
        ConfigError: there are fewer than two, or one is not above 0 and at most 100.
    """
    found = sorted({float(share) for share in shares})
    if len(found) < 2 or not 0 < found[0] <= found[-1] <= 100:
        raise ConfigError(
            f"{param('shares')} must be at least two percentages above 0 and at most 100: got "
            f"{', '.join(f'{share:g}' for share in shares) or 'none'}",
            option="shares",
        )
    return found


def split_of_share(dataset: Dataset, share: float, seed: int) -> NDArray[np.int8]:
    """Return the splits in which only a share of the training records is left, `(n,)`; the others are in none.

    The records of a smaller share are among those of a larger one with the same seed. Of each class, groups are taken until the
    share is reached, at least one.

    Args:
        dataset: the data set.
        share: in percent.
        seed: of the order in which groups are taken.
    """
    train = dataset.indices("train")
    strata = dataset.label_objective.strata(dataset.labels[train])
    _, first, member = np.unique(record_groups(dataset)[train], return_index=True, return_inverse=True)
    member = member.reshape(-1)
    sizes, of_group = np.bincount(member), strata[first]  # of a group of several classes, that of its first record
    order = np.random.default_rng(seed).permutation(len(sizes))
    kept = np.zeros(len(sizes), dtype=bool)
    for stratum in np.unique(of_group):
        inside = order[of_group[order] == stratum]
        before = np.cumsum(sizes[inside]) - sizes[inside]
        kept[inside[before < share / 100 * sizes[inside].sum() - 1e-9]] = True
    split = dataset.split.copy()
    split[train[~kept[member]]] = OUT
    return split

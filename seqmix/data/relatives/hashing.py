"""Hashes of 64 bits in wrapping arithmetic, and samples of what is hashed.

What is sampled depends on the hash alone, so that two records sample the same of what they share; and what is sampled at a low
rate is sampled at every higher one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Places = NDArray[np.int64]

BASE = np.uint64(0x2545F4914F6CDD1D)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SAMPLED = 24  # lowest bits of a hash, that decide whether it is sampled


def mixed(values: Hashes) -> Hashes:
    """Return hashes whose every bit depends on all bits of the values (the finaliser of SplitMix64, Steele et al. 2014)."""
    values = (values ^ (values >> np.uint64(30))) * _FIRST
    values = (values ^ (values >> np.uint64(27))) * _SECOND
    return values ^ (values >> np.uint64(31))


def sampled(hashes: Hashes, rate: float) -> NDArray[np.bool_]:
    """Return which of some mixed hashes are sampled at a rate from 0 to 1."""
    return (hashes & np.uint64((1 << _SAMPLED) - 1)) < np.uint64(round(rate * (1 << _SAMPLED)))


def powers(base: np.uint32, count: int) -> NDArray[np.uint32]:
    """Return ``base ** 0, base ** 1, …`` modulo 2^32, `count` of them."""
    found = np.ones(1, dtype=np.uint32)
    while len(found) < count:
        found = np.concatenate((found, found * np.uint32(pow(int(base), len(found), 1 << 32))))
    return found[:count]


def windows(values: Hashes, size: int) -> Hashes:
    """Return ``sum_j values[i + j] * BASE ** (size - 1 - j)`` for every i: a hash of each run of `size` values.

    Args:
        values: `(L,)`.
        size: from 1 to L.

    Returns:
        `(L - size + 1,)`; the hashes are not mixed.
    """
    found, done = values[:0], 0
    doubled, width = values, 1
    while True:
        if size & width:
            if done:
                found = found[: len(doubled) - done] * np.uint64(pow(int(BASE), width, 1 << 64)) + doubled[done:]
            else:
                found = doubled
            done += width
        if done == size:
            return found
        doubled = doubled[:-width] * np.uint64(pow(int(BASE), width, 1 << 64)) + doubled[width:]
        width *= 2

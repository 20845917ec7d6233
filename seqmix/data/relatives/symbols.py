"""Shingles of symbols: runs of letters of proteins, of characters where there are no words, of words that are tokens."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.data.relatives.hashing import Hashes, Places, mixed, sampled, windows


class SymbolRuns:
    """Finds the sampled runs of tokens.

    Args:
        span: tokens of a run.
        unit: what a run is called, such as "6-mers".
        end: tokens from here on stand for what is unknown, and runs with one are left out; None for no such tokens.
        hashes: a hash of each token's symbol; None if the tokens are to be hashed themselves.
    """

    per_unit = 1.0

    def __init__(self, span: int, unit: str, end: int | None = None, hashes: Hashes | None = None) -> None:
        self.span, self.unit = span, unit
        self._end, self._hashes = end, hashes

    def __call__(self, tokens: NDArray[Any], ends: Places, rate: float) -> tuple[Hashes, Places, Places]:
        """Return the hashes of the sampled runs of some tokens, and the places where they start and end."""
        if len(tokens) < self.span:
            return np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.int64)
        values = mixed(tokens.astype(np.uint64)) if self._hashes is None else self._hashes[tokens]
        found = mixed(windows(values, self.span))
        starts = np.flatnonzero(sampled(found, rate))
        if self._end is not None and (unknown := tokens >= self._end).any():
            before = np.concatenate(([0], np.cumsum(unknown, dtype=np.int32)))
            starts = starts[before[starts + self.span] == before[starts]]
        return found[starts], starts, starts + self.span

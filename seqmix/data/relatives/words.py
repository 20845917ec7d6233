"""Shingles of words: so many words in a row, whatever stands between them, in lower case.

Words are runs of letters and digits. Every word has the hash ``sum_j c[j] * base ** j`` of its characters, a difference of two
prefix sums, in 32 bits, which tell the words of a language apart. A text with fewer words than a shingle is one shingle.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.data.relatives.hashing import BASE, Hashes, Places, mixed, powers, sampled

_BASE = np.uint32(int(BASE) & 0xFFFFFFFF)  # odd, so that it has an inverse
_INVERSE = np.uint32(pow(int(_BASE), -1, 1 << 32))


class WordRuns:
    """Finds the sampled shingles of words in texts of characters or bytes.

    Args:
        span: words of a shingle.
        per_unit: characters for each word, about.
        codes: a number for each token's character in lower case, 0 for what is not part of a word.
    """

    def __init__(self, span: int, per_unit: float, codes: Hashes) -> None:
        self.unit, self.per_unit, self.span = f"runs of {span} words", per_unit, 1
        self._words, self._codes = span, codes.astype(np.uint32)
        self._powers = self._inverses = np.empty(0, np.uint32)

    def __call__(self, tokens: NDArray[Any], ends: Places, rate: float) -> tuple[Hashes, Places, Places]:
        """Return the sampled shingles of some texts.

        Args:
            tokens: `(L,)` characters.
            ends: where the texts in them end, ascending; the last is L.
            rate: share that is sampled, 0 to 1.

        Returns:
            Their hashes, and the places where they start and end.
        """
        hashes, starts, stops = self.words(tokens, ends)
        until = np.searchsorted(starts, ends)  # words up to the end of each text
        counts = np.diff(until, prepend=0)
        left = np.repeat(until, counts) - np.arange(len(starts))  # words from each one to the end of its text
        begins = (until - counts)[counts > 0]
        firsts, found = [np.arange(0)], [hashes[:0]]
        for size in range(1, self._words + 1):
            whole = np.flatnonzero(left >= size) if size == self._words else begins[left[begins] == size]
            value = hashes[whole]
            for place in range(1, size):
                value = value * BASE + hashes[whole + place]
            firsts.append(whole)
            found.append(value)
        sizes = np.repeat(np.arange(self._words + 1), [len(one) for one in firsts])
        first, value = np.concatenate(firsts), mixed(np.concatenate(found))
        chosen = np.flatnonzero(sampled(value, rate))
        first, sizes = first[chosen], sizes[chosen]
        return value[chosen], starts[first], stops[first + sizes - 1]

    def words(self, tokens: NDArray[Any], ends: Places) -> tuple[Hashes, Places, Places]:
        """Return the hash of each word of some texts, and where it starts and ends."""
        codes = self._codes[tokens]
        inside = np.zeros(len(tokens) + 2, dtype=bool)
        np.not_equal(codes, 0, out=inside[1:-1])
        edges = np.flatnonzero(inside[1:] != inside[:-1])
        starts, stops = edges[::2], edges[1::2]
        inner = ends[ends < len(tokens)]
        torn = inner[inside[inner] & inside[inner + 1]]  # where a text begins, within a run
        if len(torn):
            starts, stops = (np.insert(places, np.searchsorted(places, torn), torn) for places in (starts, stops))
        if len(self._powers) <= len(tokens):
            self._powers, self._inverses = (powers(base, len(tokens) + 1) for base in (_BASE, _INVERSE))
        sums = np.zeros(len(tokens) + 1, dtype=np.uint32)
        np.cumsum(codes * self._powers[: len(tokens)], dtype=np.uint32, out=sums[1:])
        hashes = (sums[stops] - sums[starts]) * self._inverses[starts]
        return mixed(hashes.astype(np.uint64)), starts, stops

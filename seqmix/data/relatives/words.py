"""Shingles of words: so many words in a row, whatever stands between them, in lower case.

Words are runs of letters and digits. Every word has the hash ``sum_j c[j] * BASE ** j`` of its characters, a difference of two
prefix sums. A text with fewer words than a shingle is one shingle.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.data.relatives.hashing import BASE, INVERSE, Hashes, Places, mixed, powers, sampled


class WordRuns:
    """Finds the sampled shingles of words in texts of characters or bytes.

    Args:
        span: words of a shingle.
        per_unit: characters for each word, about.
        codes: a number for each token's character in lower case, 0 for what is not part of a word.
    """

    def __init__(self, span: int, per_unit: float, codes: Hashes) -> None:
        self.unit, self.per_unit, self.span = f"runs of {span} words", per_unit, 1
        self._words, self._codes = span, codes
        self._powers = self._inverses = np.empty(0, np.uint64)

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
        text = np.searchsorted(ends, starts, side="right")
        firsts, found = [np.arange(0)], [hashes[:0]]
        following = np.searchsorted(text, text, side="right") - np.arange(len(text)) if len(text) else text  # words left
        begins = np.flatnonzero(np.diff(text, prepend=-1))
        for size in range(1, self._words + 1):
            whole = np.flatnonzero(following >= size) if size == self._words else begins[following[begins] == size]
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
        edge = np.diff((codes != 0).astype(np.int8), prepend=np.int8(0), append=np.int8(0))
        inner = ends[ends < len(tokens)]
        torn = inner[(codes[inner - 1] != 0) & (codes[inner] != 0)] if len(inner) else inner  # a text begins within a run
        starts = np.sort(np.concatenate((np.flatnonzero(edge == 1), torn)))
        stops = np.sort(np.concatenate((np.flatnonzero(edge == -1), torn)))
        if len(self._powers) <= len(tokens):
            self._powers, self._inverses = (powers(base, len(tokens) + 1) for base in (BASE, INVERSE))
        sums = np.concatenate((np.zeros(1, np.uint64), np.cumsum(codes * self._powers[: len(tokens)])))
        return mixed((sums[stops] - sums[starts]) * self._inverses[starts]), starts, stops

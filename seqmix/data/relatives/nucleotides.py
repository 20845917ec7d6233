"""Sampled 21-mers of DNA, the same for both strands.

The nine letters in the middle of a 21-mer, but for the one in their centre, decide whether it is sampled: 16 bits, compared
at a cost of a few nanoseconds a letter. Only where they are chosen is the 21-mer put together: 42 bits, of which the smaller
of the two strands counts. A 21-mer with a letter other than A, C, G, T is left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.data.relatives.hashing import Hashes, Places, mixed
from seqmix.data.vocabulary.base import FIRST

K = 21
_ANCHOR = 9  # letters in the middle of a 21-mer
_BEFORE = (K - _ANCHOR) // 2
_LETTERS = 4


class Nucleotides:
    """Finds the sampled 21-mers of DNA.

    Attributes:
        span: tokens of a 21-mer.
        unit: what they are called.
        per_unit: tokens for each of them.
    """

    span = K
    unit = f"{K}-mers"
    per_unit = 1.0

    def __call__(self, tokens: NDArray[Any], ends: Places, rate: float) -> tuple[Hashes, Places, Places]:
        """Return the sampled 21-mers of some tokens.

        Args:
            tokens: `(L,)` of uint8: 2 to 5 are A, C, G, T.
            ends: not used: what goes beyond a sequence is left out by the caller.
            rate: share that is sampled, 0 to 1.

        Returns:
            Their hashes, and the places where they start and end.
        """
        if len(tokens) < K:
            return np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.int64)
        letters = (tokens - np.uint8(FIRST)) & np.uint8(3)
        fours, complements = _fours(letters), _fours_of_complement(letters)
        starts = _chosen(fours, complements, rate, len(tokens))
        foreign = tokens >= np.uint8(FIRST + _LETTERS)
        if foreign.any():
            before = np.concatenate(([0], np.cumsum(foreign, dtype=np.int32)))
            starts = starts[before[starts + K] == before[starts]]
        forward = letters[starts + (K - 1)].astype(np.uint64)
        backward = forward ^ np.uint64(3)
        for place in range(K - 5, -1, -4):
            backward = (backward << np.uint64(8)) | complements[starts + place]
        for number, place in enumerate(range(K - 5, -1, -4)):
            forward |= fours[starts + place].astype(np.uint64) << np.uint64(2 + 8 * number)
        return mixed(np.minimum(forward, backward)), starts, starts + K


def _fours(letters: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the code of the four letters at each place, `(L - 3,)`: the first letter in the highest bits."""
    twos = (letters[:-1] << np.uint8(2)) | letters[1:]
    return (twos[:-2] << np.uint8(4)) | twos[2:]


def _fours_of_complement(letters: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the code of the reverse complement of the four letters at each place, `(L - 3,)`."""
    paired = letters ^ np.uint8(3)
    twos = (paired[1:] << np.uint8(2)) | paired[:-1]
    return (twos[2:] << np.uint8(4)) | twos[:-2]


def _chosen(fours: NDArray[np.uint8], complements: NDArray[np.uint8], rate: float, length: int) -> Places:
    """Return where the 21-mers start whose middle is chosen."""
    if rate >= 1:
        return np.arange(length - K + 1)
    last = length - K + 1
    head = slice(_BEFORE, _BEFORE + last)
    tail = slice(_BEFORE + 5, _BEFORE + 5 + last)
    forward = (fours[head].astype(np.uint16) << 8) | fours[tail]
    backward = (complements[tail].astype(np.uint16) << 8) | complements[head]
    middle = np.minimum(forward, backward) * np.uint16(0x9E3B)
    middle ^= middle >> 7
    middle *= np.uint16(0xC2B3)
    middle ^= middle >> 9
    return np.flatnonzero(middle < np.uint16(min(rate * 0x10000, 0xFFFF)))

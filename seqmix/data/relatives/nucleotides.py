"""Sampled 21-mers of DNA, the same for both strands.

The four letters before and the four after the ones in the middle (with one between them: nine of 21) decide whether a 21-mer is
sampled, at a cost of two nanoseconds a letter. Only where they are chosen is the 21-mer put together: 42 bits, of which the
smaller of the two strands counts. A 21-mer with a letter other than A, C, G, T is left out.

A letter has two bits, and its complement is the letter with both of them changed. The code of four letters has eight bits, so
that what is needed of it, such as the code of the reverse complement, is a table of 256 bytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.data.relatives.hashing import Hashes, Places, mixed
from seqmix.data.vocabulary.base import FIRST

K = 21
_BEFORE, _APART = 6, 5  # letters before the four that decide, and from these to the other four
_LETTERS = 4
_BITS = np.arange(256, dtype=np.uint8)
# The code of the reverse complement of four letters.
_COMPLEMENT = ~(((_BITS & 3) << 6) | ((_BITS & 12) << 2) | ((_BITS >> 2) & 12) | (_BITS >> 6))
# A sum of two bytes decides: one of the first four letters, and that of the reverse complement of the others, so that the other
# strand has the same sum.
_FIRST = np.random.default_rng(21).permutation(_BITS)
_SECOND = _FIRST[_COMPLEMENT]


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
        letters = tokens & np.uint8(3)
        twos = (letters[:-1] << np.uint8(2)) | letters[1:]
        fours = (twos[:-2] << np.uint8(4)) | twos[2:]
        starts = _chosen(fours, rate, len(tokens))
        if (foreign := tokens >= np.uint8(FIRST + _LETTERS)).any():
            before = np.concatenate(([0], np.cumsum(foreign, dtype=np.int32)))
            starts = starts[before[starts + K] == before[starts]]
        forward = letters[starts + (K - 1)].astype(np.uint64)
        backward = forward ^ np.uint64(3)
        for number, place in enumerate(range(K - 5, -1, -4)):
            code = fours[starts + place]
            forward |= code.astype(np.uint64) << np.uint64(2 + 8 * number)
            backward = (backward << np.uint64(8)) | _COMPLEMENT[code]
        return mixed(np.minimum(forward, backward)), starts, starts + K


def _chosen(fours: NDArray[np.uint8], rate: float, length: int) -> Places:
    """Return where the 21-mers start that are sampled.

    Args:
        fours: the code of the four letters at each place, the first letter in the highest bits, `(L - 3,)`.
        rate: share that is sampled.
        length: L.
    """
    if rate >= 1:
        return np.arange(length - K + 1)
    codes = fours.tobytes()
    first, second = (np.frombuffer(codes.translate(bytes(table)), np.uint8) for table in (_FIRST, _SECOND))
    end = _BEFORE + length - K + 1
    return np.flatnonzero(first[_BEFORE:end] + second[_BEFORE + _APART : end + _APART] < np.uint8(round(rate * 256)))

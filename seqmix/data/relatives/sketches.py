"""A sketch of every record: its sampled k-mers (of texts: shingles), as numbers that can be compared between records.

The share that is sampled is the same for all records of a data set. It is 1 for small ones, and such that some two million
k-mers are compared in larger ones, but at least 32 for each record on average, and one in 64 in all. The memory is some 40
bytes for each sampled k-mer, of which there are at most 16 million.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.data.relatives.hashing import Hashes, Places
from seqmix.data.relatives.spelling import Shingler, shingler_for
from seqmix.data.vocabulary import Bytes, Encoder, Subwords
from seqmix.data.vocabulary.base import FIRST

_SAMPLED = 1 << 21  # k-mers of a data set, unless its records are many
_EACH = 32  # k-mers of a record, on average
_SPARSEST = 64  # one in so many is sampled at least
_MOST = 1 << 24  # k-mers of a data set
_CHUNK = 1 << 17  # tokens that are looked at in one go
_LONGEST = 1 << 18  # tokens of a sequence that are looked at in one go, if it is longer than a chunk


@dataclass(frozen=True)
class Sketches:
    """The sampled k-mers of n records, in the order of the k-mers.

    Attributes:
        kmers: number of each k-mer, ascending from 0, `(m,)`; a k-mer that several records have occurs once for each.
        records: the record that has it, `(m,)`; ascending for each k-mer.
        n: number of records.
        unit: what the k-mers are called, such as "21-mers" or "runs of 5 words".
        rate: share of the k-mers that are sampled.
    """

    kmers: NDArray[np.int32]
    records: NDArray[np.int32]
    n: int
    unit: str
    rate: float

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Number of different sampled k-mers of each record, `(n,)`; 0 for a record that is shorter than a k-mer."""
        return np.bincount(self.records, minlength=self.n)

    def of(self, chosen: NDArray[np.bool_]) -> Sketches:
        """Return the sketches of the chosen records, `(n,)`, which get new numbers from 0."""
        kept = chosen[self.records]
        kmers, records = self.kmers[kept], (np.cumsum(chosen) - 1)[self.records[kept]]
        return Sketches(_renumbered(kmers), records.astype(np.int32), int(chosen.sum()), self.unit, self.rate)


def sketch(tokens: NDArray[Any], offsets: Places, n_sequences: int, encoder: Encoder) -> Sketches | None:
    """Return the sketches of all records of a data set.

    Args:
        tokens: the tokens of all sequences, as a map of `tokens.npy`.
        offsets: where each sequence starts, and where the last ends, `(n * n_sequences + 1,)`.
        n_sequences: sequences of a record: 2 of pairs, whose k-mers are taken together, else 1.
        encoder: the vocabulary; or what stands for it before it is known, with the tokens that it has made by then.

    Returns:
        None for numbers and images, of which only equal ones can be told, and for more than 16 million records.
    """
    pieces = _Pieces(encoder) if isinstance(encoder, Subwords) else None
    shingler = shingler_for(Bytes(), pieces.sample(tokens)) if pieces else shingler_for(encoder, tokens)
    n = (len(offsets) - 1) // n_sequences
    if shingler is None or n > _MOST:
        return None
    rate = _rate(len(tokens) * (pieces.bytes_per_piece if pieces else 1.0) / shingler.per_unit, n)
    bits = np.uint64(max(1, (n - 1).bit_length()))
    parts = [np.empty(0, np.uint64)]
    for start, end, stop in _chunks(offsets, shingler.span):
        hashes, sequences = _sampled(tokens[start:stop], start, end, offsets, shingler, rate, pieces)
        parts.append((hashes >> bits << bits) | (sequences // n_sequences).astype(np.uint64))
    packed = np.concatenate(parts)
    packed.sort()
    if len(packed):
        packed = packed[np.concatenate(([True], packed[1:] != packed[:-1]))]
    records = (packed & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.int32)
    return Sketches(_renumbered(packed >> bits), records, n, shingler.unit, rate)


def _rate(units: float, n: int) -> float:
    """Return which share of the k-mers is sampled, in steps of 1/256."""
    wanted = min(max(_SAMPLED, _EACH * n, units / _SPARSEST), _MOST)
    return min(256, math.ceil(256 * wanted / max(1.0, units))) / 256


def _renumbered(kmers: NDArray[Any]) -> NDArray[np.int32]:
    """Return ascending numbers without gaps for ascending ones."""
    return np.cumsum(np.diff(kmers, prepend=kmers[:1]) != 0, dtype=np.int32)


def _chunks(offsets: Places, span: int) -> Iterator[tuple[int, int, int]]:
    """Yield where runs of tokens start and end, and how far to look beyond: whole sequences, or parts of a long one.

    A sequence is cut into parts from its own start, so that equal ones are cut alike.
    """
    first, last = 0, len(offsets) - 1
    while first < last:
        start = int(offsets[first])
        after = int(np.searchsorted(offsets, start + _CHUNK, side="right")) - 1
        if after > first:
            yield start, int(offsets[after]), int(offsets[after])
            first = after
            continue
        end = int(offsets[first + 1])
        for part in range(start, end, _LONGEST):
            stop = min(part + _LONGEST, end)
            yield part, stop, min(stop + span - 1, end)
        first += 1


def _sampled(
    tokens: NDArray[Any], start: int, end: int, offsets: Places, shingler: Shingler, rate: float, pieces: _Pieces | None
) -> tuple[Hashes, Places]:
    """Return the hashes of the sampled k-mers that start in a run of tokens, and the sequence of each."""
    first = int(np.searchsorted(offsets, start, side="right")) - 1
    last = int(np.searchsorted(offsets, end, side="left"))
    ends = np.minimum(offsets[first + 1 : last + 1] - start, len(tokens))
    ends[-1] = len(tokens)
    if pieces:
        tokens, ends = pieces.spelled(tokens, ends)
    hashes, starts, stops = shingler(tokens, ends, rate)
    sequence = np.searchsorted(ends, starts, side="right")
    inside = stops <= ends[sequence]
    return hashes[inside], first + sequence[inside]


class _Pieces:
    """Spells subwords out as the bytes of their texts, as tokens of the alphabet "bytes"."""

    def __init__(self, vocabulary: Subwords) -> None:
        spelled = [b"", b"", *vocabulary.piece_bytes]
        self._sizes = np.array([len(piece) for piece in spelled])
        self._firsts = np.cumsum(self._sizes) - self._sizes
        self._bytes = np.frombuffer(b"".join(spelled), dtype=np.uint8).astype(np.uint16) + np.uint16(FIRST)
        self.bytes_per_piece = 4.0  # until `sample` has seen some

    def sample(self, tokens: NDArray[Any]) -> NDArray[np.uint16]:
        """Return the bytes of some of the tokens, from places all over."""
        step = max(1, len(tokens) // 8)
        some = np.concatenate([tokens[place : place + (1 << 14)] for place in range(0, len(tokens), step)])
        found, _ = self.spelled(some, np.array([len(some)]))
        self.bytes_per_piece = len(found) / max(1, len(some))
        return found

    def spelled(self, tokens: NDArray[Any], ends: Places) -> tuple[NDArray[np.uint16], Places]:
        """Return the bytes of some tokens, and where among them the texts end that end at `ends` in the tokens."""
        sizes = self._sizes[tokens]
        until = np.concatenate(([0], np.cumsum(sizes)))
        places = np.repeat(self._firsts[tokens] - until[:-1], sizes) + np.arange(until[-1])
        return self._bytes[places], until[ends]

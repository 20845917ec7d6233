"""What a record looks like, in a few numbers: its length, its letters, and how common its k-mers or n-grams are in training.

`Features` is fitted to training records. Of tokens, the features of a sequence are

- the logarithm of its length,
- for two lengths k, the mean of ``log f`` over its k-mers (of texts: n-grams of tokens), with f the share of the k-mer among
  those of training; k-mers that are too many for a table share its places,
- the share of unknown symbols, and the share of each letter of DNA and proteins.

Of real numbers, they are the logarithm of the length, and mean and log of the standard deviation of each channel.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqmix.data.vocabulary import Tokens, Vocabulary
from seqmix.objectives.metrics import Floats

_PLACES = 1 << 15  # of a table, at most
_LONGEST = 1 << 10  # tokens that are read, of a longer sequence: in four parts, evenly spread
_PARTS = 4
_STEP = 0.1  # in which the logarithms of a table are stored
_CHANNELS = 16  # that are looked at
_HASH, _SHIFT = np.uint32(0x9E3779B1), np.uint32(17)  # to a place of a table
LENGTH, UNKNOWN, LETTERS, COMMON, VALUES = "length", "unknown", "composition", "common", "values"


@dataclass(frozen=True)
class Features:
    """The features of records of a vocabulary.

    Attributes:
        symbols: number of different symbols.
        letters: how many of the first are letters; 0 if none is counted apart.
        first: token index of the first symbol.
        unknown: number of the unknown symbol; -1 if there is none.
        ks: lengths of the k-mers.
        tables: for each length, the negative logarithm of the share of each k-mer in training, in steps of 0.1, uint8.
        channels: numbers at each position; 0 for tokens.
    """

    symbols: int
    letters: int
    first: int
    unknown: int
    ks: Sequence[int]
    tables: Sequence[NDArray[np.uint8]]
    channels: int = 0

    @classmethod
    def of(cls, vocabulary: Vocabulary, sequences: Iterable[Tokens]) -> Features:
        """Return the features of a vocabulary, with the tables of training sequences.

        Args:
            vocabulary: the vocabulary.
            sequences: the training sequences.
        """
        if vocabulary.channels:
            return cls(0, 0, 0, -1, (), (), min(vocabulary.channels, _CHANNELS))
        letters, first = vocabulary.letters, vocabulary.first
        symbols = letters + 1 if letters else len(vocabulary)
        ks = {4: (3, 6), 20: (1, 2)}.get(letters, (1, 3 if symbols <= 1 << 10 else 2))
        unknown = letters if letters else vocabulary.unknown_id - first
        empty = cls(symbols, letters, first, unknown, ks, ())
        counts = [np.zeros(min(_PLACES, symbols**k), dtype=np.int64) for k in ks]
        for sequence in sequences:
            for count, codes in zip(counts, empty._codes(empty._symbols(sequence)), strict=True):
                count += np.bincount(codes, minlength=len(count))
        shares = [(count + 0.5) / (count.sum() + 0.5 * len(count)) for count in counts]
        tables = [np.clip(np.rint(-np.log(share) / _STEP), 0, 255).astype(np.uint8) for share in shares]
        return cls(symbols, letters, first, unknown, ks, tables)

    @property
    def names(self) -> list[str]:
        """What each feature of a sequence is about: one of the names of this module."""
        if self.channels:
            return [LENGTH, *[VALUES] * (2 * self.channels)]
        return [LENGTH, *[COMMON] * len(self.ks), UNKNOWN, *[LETTERS] * self.letters]

    @property
    def least_spreads(self) -> Floats:
        """The standard deviations that features are given at least, so that rounding does not make a record unusual."""
        least = {LENGTH: 0.05, VALUES: 0.05}
        return np.array([least.get(name, 0.01) for name in self.names])

    @cached_property
    def _logarithms(self) -> list[NDArray[np.float32]]:
        return [table.astype(np.float32) * np.float32(-_STEP) for table in self.tables]

    def __call__(self, sequences: Sequence[Tokens]) -> Floats:
        """Return the features of sequences, `(n, F)`; all at once, since most of the time would go into single ones."""
        lengths = np.log(np.maximum([len(sequence) for sequence in sequences], 1))[:, None]
        if self.channels:
            return np.hstack((lengths, [self._of_numbers(sequence) for sequence in sequences]))
        read = [_parts(sequence) for sequence in sequences]
        sizes = np.array([len(part) for part in read])
        starts = sizes.cumsum() - sizes
        numbers = self._symbols(np.concatenate(read))
        codes = self._codes(numbers)
        if not self.letters:
            common = [self._mean(codes[i], i, starts, sizes) for i in range(len(self.ks))]
            unknown = np.zeros(len(read))
            if self.unknown >= 0:
                unknown = _sums((numbers == self.unknown).view(np.uint8), starts, sizes) / np.maximum(sizes, 1)
            return np.hstack((lengths, np.stack((*common, unknown), 1)))
        width = self.symbols ** self.ks[0]  # few: their counts tell the letters, too
        counts = np.stack(
            [
                np.bincount(codes[0][start : start + size], minlength=width)
                for start, size in zip(starts.tolist(), np.maximum(sizes - self.ks[0] + 1, 0).tolist(), strict=True)
            ]
        )
        total = counts.sum(1)
        first = np.where(total > 0, counts @ self._logarithms[0] / np.maximum(total, 1), self._logarithms[0].min())
        letters = counts.reshape(len(counts), self.symbols, -1).sum(2) / np.maximum(total, 1)[:, None]
        return np.hstack(
            (lengths, np.stack((first, self._mean(codes[1], 1, starts, sizes)), 1), letters[:, self.letters :], letters[:, :-1])
        )

    def _of_numbers(self, sequence: Tokens) -> Floats:
        """Return mean and log of the standard deviation of each channel."""
        values = sequence[:, : self.channels].astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            spread = np.log(np.maximum(values.std(0), 1e-6))
        return np.nan_to_num(np.concatenate((values.mean(0), spread)), nan=1e12, posinf=1e12, neginf=-1e12)

    def _mean(self, codes: NDArray[Any], i: int, starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> Floats:
        """Return the mean logarithm of the shares of the i-th k-mers of each record, or of the rarest."""
        counts = np.maximum(sizes - self.ks[i] + 1, 0)
        table = self.tables[i]
        sums = _sums(table.take(codes), starts, counts)
        return -_STEP * np.where(counts > 0, sums / np.maximum(counts, 1), table.max())

    def _symbols(self, tokens: Tokens) -> NDArray[Any]:
        """Return the numbers of symbols, from 0 on."""
        numbers = tokens - tokens.dtype.type(self.first)
        return np.minimum(numbers, tokens.dtype.type(self.letters)) if self.letters else numbers

    def _codes(self, numbers: NDArray[Any]) -> list[NDArray[Any]]:
        """Return the place of the k-mer that begins at each position in the table of its length, for each length."""
        made: list[NDArray[Any]] = []
        shortest = self.ks[0]
        for k in self.ks:
            size = self.symbols**k
            dtype: Any = next((kind for kind in (np.uint8, np.uint16) if size <= np.iinfo(kind).max), np.uint32)
            if made and k == 2 * shortest:  # two of the shorter ones
                codes = made[0][:-shortest].astype(dtype) * dtype(self.symbols**shortest % (1 << 32)) + made[0][shortest:]
            else:
                n = max(0, len(numbers) - k + 1)
                codes = numbers[:n].astype(dtype)
                for j in range(1, k):
                    codes = codes * dtype(self.symbols) + numbers[j : n + j].astype(dtype)
            made.append(codes)
        return [
            (codes * _HASH) >> _SHIFT if self.symbols**k > _PLACES else codes for k, codes in zip(self.ks, made, strict=True)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return them as JSON stores them; a table is written in base64."""
        plain = {"symbols": self.symbols, "letters": self.letters, "first": self.first, "unknown": self.unknown}
        tables = [base64.b64encode(table.tobytes()).decode() for table in self.tables]
        return {**plain, "ks": list(self.ks), "tables": tables, "channels": self.channels, "read": _LONGEST}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Features:
        """Return what `to_dict` stored.

        Raises:
            Exception: of various kinds, if it is something else.
        """
        symbols, letters, first, unknown, channels = (
            int(stored[name]) for name in ("symbols", "letters", "first", "unknown", "channels")
        )
        ks = [int(k) for k in stored["ks"]]
        tables = [np.frombuffer(base64.b64decode(text, validate=True), dtype=np.uint8) for text in stored["tables"]]
        sizes = [min(_PLACES, symbols**k) if 0 < k < 16 else 0 for k in ks]
        if stored["read"] != _LONGEST:
            raise ValueError(f"it is about {stored['read']} tokens of a record, and {_LONGEST} are read")
        if [len(table) for table in tables] != sizes or not (0 <= letters <= symbols and 0 <= channels <= _CHANNELS):
            raise ValueError("tables and their sizes do not match")
        return cls(symbols, letters, first, unknown, ks, tables, channels)


def _parts(sequence: Tokens) -> Tokens:
    """Return a sequence, of a long one some parts."""
    if len(sequence) <= _LONGEST:
        return sequence
    size = _LONGEST // _PARTS
    starts = [(len(sequence) - size) * part // (_PARTS - 1) for part in range(_PARTS)]
    return np.concatenate([sequence[start : start + size] for start in starts])


def _sums(values: NDArray[np.uint8], starts: NDArray[np.int64], counts: NDArray[np.int64]) -> Floats:
    """Return the sum of some values in a row for each record; of none, anything.

    Args:
        values: the values of all records, one after the other.
        starts: where those of each record begin, `(n,)`.
        counts: how many there are, `(n,)`.
    """
    padded = np.concatenate((values, np.zeros(8, dtype=values.dtype)))
    places = np.stack((starts, starts + counts), 1).ravel()
    return np.add.reduceat(padded, np.minimum(places, len(padded) - 1), dtype=np.int64)[::2].astype(np.float64)

"""Length and composition of records, as numbers: what a simple artefact would tell a class by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqmix.data.vocabulary import Bytes, FixedAlphabet, Subwords, Vocabulary
from seqmix.data.vocabulary.base import FIRST

if TYPE_CHECKING:
    from seqmix.data.dataset import Dataset

_MOST = 40  # parts of a composition: the most frequent characters
_BLOCK = 1 << 22  # tokens that are counted at a time
_CHANNELS = 8  # of records of numbers

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Composition:
    """What n records consist of.

    Attributes:
        parts: what is counted or averaged: letters, or means and spreads of numbers.
        values: share of each part, or its value, in each record, `(n, parts)`.
        gc: share of G and C among the known nucleotides of each record, `(n,)`; None for other alphabets.
        shares: whether the values are shares; of numbers they are not.
    """

    parts: list[str]
    values: Matrix
    gc: NDArray[np.float64] | None = None
    shares: bool = True


def composition_of(dataset: Dataset, records: NDArray[np.int64]) -> Composition:
    """Return the composition of some records, `(n,)`; of a pair, that of both texts together."""
    if dataset.vocabulary.channels or dataset.are_images:
        return _of_numbers(dataset, records)
    letters, table = _letters(dataset.vocabulary)
    counts = _counts(dataset, records, table)
    gc = None
    if dataset.vocabulary.letters == len("ACGT"):
        known = counts[:, [letters.index(letter) for letter in "ACGT"]]
        gc = known[:, 1:3].sum(1) / np.maximum(known.sum(1), 1)
    frequent = np.argsort(-counts.sum(0), kind="stable")[:_MOST]
    parts = np.sort(frequent[counts.sum(0)[frequent] > 0])
    shares = counts[:, parts] / np.maximum(counts.sum(1, keepdims=True), 1)
    return Composition([letters[i] for i in parts], shares, gc)


def _counts(dataset: Dataset, records: NDArray[np.int64], table: Any) -> Matrix:
    """Return how often each letter occurs in each record, `(n, letters)`."""
    counts = np.zeros((len(records), table.shape[1]))
    for places, parts in _blocks(dataset, records):
        np.add.at(counts, places, _of_parts(parts, table))
    return counts


def _blocks(dataset: Dataset, records: NDArray[np.int64]) -> Iterator[tuple[list[int], list[NDArray[Any]]]]:
    """Yield parts of the records that are counted together, and which record each is of; long records have several."""
    places: list[int] = []
    parts: list[NDArray[Any]] = []
    size = 0
    for place, number in enumerate(records):
        for sequence in dataset.sequences(int(number)):
            for start in range(0, len(sequence), _BLOCK):
                places.append(place)
                parts.append(sequence[start : start + _BLOCK])
                size += len(parts[-1])
                if size >= _BLOCK:
                    yield places, parts
                    places, parts, size = [], [], 0
    if parts:
        yield places, parts


def _of_parts(parts: Sequence[NDArray[Any]], table: Any) -> Matrix:
    """Return how often each letter occurs in each part."""
    from scipy.sparse import csr_matrix

    ends = np.concatenate(([0], np.cumsum([len(part) for part in parts])))
    tokens = np.concatenate(parts).astype(np.int32)
    of_token = csr_matrix((np.ones(len(tokens)), tokens, ends), shape=(len(parts), table.shape[0]))
    return np.asarray((of_token @ table).toarray())


def _letters(vocabulary: Vocabulary) -> tuple[list[str], Any]:
    """Return the letters that tokens are made of, and a sparse matrix that says how often each token has each letter."""
    from scipy.sparse import csr_matrix

    if isinstance(vocabulary, FixedAlphabet):
        spelled = [[symbol] for symbol in vocabulary.symbols]
    elif isinstance(vocabulary, Subwords):
        spelled = [_of_bytes(piece) for piece in vocabulary.piece_bytes]
    elif isinstance(vocabulary, Bytes):
        spelled = [_of_bytes(bytes((byte,))) for byte in range(256)]
    else:
        spelled = [["(unknown)"], *([letter.lower() for letter in symbol] for symbol in vocabulary.symbols[1:])]
    letters = sorted({letter for one in spelled for letter in one})
    if isinstance(vocabulary, FixedAlphabet):
        letters = list(vocabulary.symbols)
    places = {letter: place for place, letter in enumerate(letters)}
    ends = np.concatenate(([0] * (FIRST + 1), np.cumsum([len(one) for one in spelled])))
    columns = np.array([places[letter] for one in spelled for letter in one], dtype=np.int32)
    return letters, csr_matrix((np.ones(len(columns)), columns, ends), shape=(len(spelled) + FIRST, len(letters)))


def _of_bytes(text: bytes) -> list[str]:
    return [chr(byte).lower() if byte < 128 else "(not ASCII)" for byte in text]


def _of_numbers(dataset: Dataset, records: NDArray[np.int64]) -> Composition:
    """Return mean and spread of the numbers of each channel, or of the intensities of each image."""
    channels = min(dataset.vocabulary.channels or 1, _CHANNELS)
    values = np.zeros((len(records), 2 * channels))
    for place, i in enumerate(records):
        numbers = np.concatenate(dataset.sequences(int(i))).astype(np.float64)
        numbers = numbers[:, :channels] if dataset.vocabulary.channels else numbers[:, None] - FIRST
        values[place] = np.concatenate((numbers.mean(0), numbers.std(0)))
    names = [""] if channels == 1 else [f" of channel {number}" for number in range(1, channels + 1)]
    return Composition([f"{what}{name}" for what in ("mean", "spread") for name in names], values, shares=False)

"""Length and composition of records, as numbers: what a simple artefact would tell a class by."""

from __future__ import annotations

from collections.abc import Iterator
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
    counts = np.concatenate([np.zeros((0, len(letters))), *_counts(dataset, records, table)])
    gc = None
    if dataset.vocabulary.letters == len("ACGT"):
        known = counts[:, [letters.index(letter) for letter in "ACGT"]]
        gc = known[:, 1:3].sum(1) / np.maximum(known.sum(1), 1)
    frequent = np.argsort(-counts.sum(0), kind="stable")[:_MOST]
    parts = np.sort(frequent[counts.sum(0)[frequent] > 0])
    shares = counts[:, parts] / np.maximum(counts.sum(1, keepdims=True), 1)
    return Composition([letters[i] for i in parts], shares, gc)


def _counts(dataset: Dataset, records: NDArray[np.int64], table: Any) -> Iterator[Matrix]:
    """Yield how often each letter occurs in each record, some records at a time."""
    from scipy.sparse import csr_matrix

    block: list[NDArray[Any]] = []
    for i in records:
        block.append(np.concatenate(dataset.sequences(int(i))))
        if sum(map(len, block)) >= _BLOCK or i == records[-1]:
            ends = np.concatenate(([0], np.cumsum([len(tokens) for tokens in block])))
            tokens = np.concatenate(block).astype(np.int32)
            of_token = csr_matrix((np.ones(len(tokens)), tokens, ends), shape=(len(block), table.shape[0]))
            yield (of_token @ table).toarray()
            block = []


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

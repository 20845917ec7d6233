"""The alphabet of sequences and texts of which the user does not say it, and whether files agree in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from seqmix.data.vocabulary.fixed import AMINO_ACIDS, IUPAC

_CERTAIN = "ACGTUN"  # what nucleotide sequences consist of, for the most part
_NUCLEOTIDES = frozenset(_CERTAIN + IUPAC)
_GAPS = frozenset("-.")
_ENOUGH = 200  # letters of a protein, of which some are not nucleotide codes: a third is E, F, I, L, P or Q
_RECORDS, _LETTERS, _LEAST = 10, 500, 50  # of a file: records looked at, letters of each, and letters to judge by


class _HasText(Protocol):
    @property
    def text(self) -> Any: ...


R = TypeVar("R", bound=_HasText)


class AlphabetsOfFiles:
    """Finds out whether some sequence files hold DNA and others proteins, while they are read."""

    def __init__(self) -> None:
        self._files: dict[str, list[str]] = {"dna": [], "protein": []}

    def watched(self, name: str, records: Iterator[R]) -> Iterator[R]:
        """Yield the records of a sequence file; the first are looked at."""
        letters: Counter[str] = Counter()
        for record in islice(records, _RECORDS):
            letters.update(letters_of([record.text[:_LETTERS]]))
            yield record
        if letters.total() >= _LEAST:
            self._files[_of_sequences(letters)].append(name)
        yield from records

    def notes(self) -> list[str]:
        """Return a line if there are files of both kinds."""
        dna, proteins = self._files["dna"], self._files["protein"]
        if not dna or not proteins:
            return []
        return [
            f"{len(dna):,} of the files, such as {dna[0]}, hold DNA and {len(proteins):,}, such as {proteins[0]}, proteins: "
            "read with one alphabet, they can be told apart by their letters alone"
        ]


def guess_alphabet(samples: Sequence[bytes | str | NDArray[Any]], is_sequence: bool) -> str:
    """Return the alphabet that the first records suggest: "dna", "protein" or "chars"; for numbers, "real".

    Sequences are DNA or proteins, never characters: a letter that is neither is an error when it is met.

    Args:
        samples: the beginnings of some records.
        is_sequence: whether they are of a sequence format.
    """
    if any(isinstance(sample, np.ndarray) for sample in samples):
        return "real"
    counts = letters_of(sample for sample in samples if not isinstance(sample, np.ndarray))
    return _of_sequences(counts) if is_sequence else _of_texts(counts)


def letters_of(samples: Iterable[bytes | str]) -> Counter[str]:
    """Count the letters of sequences and the characters of texts, both in upper case."""
    counts: Counter[str] = Counter()
    for sample in samples:
        text = sample.decode("latin-1") if isinstance(sample, bytes) else sample
        counts.update("".join(text.split()).upper() if isinstance(sample, bytes) else text.strip().upper())
    return counts


def _of_texts(counts: Counter[str]) -> str:
    """DNA if at least 90 % are A, C, G, T, U or N and all others are codes for several nucleotides or gaps."""
    certain, total = sum(counts[letter] for letter in _CERTAIN), counts.total()
    return "dna" if total and certain >= 0.9 * total and counts.keys() <= _NUCLEOTIDES | _GAPS else "chars"


def _of_sequences(counts: Counter[str]) -> str:
    """DNA if at least 90 % of the letters are A, C, G, T, U or N.

    Of short sequences, all others then have to be codes for several nucleotides, gaps or no letters at all. Of longer ones,
    half of the letters are enough if the rest are such codes or X, which masks repeats: no protein looks like this.
    """
    letters = Counter({letter: count for letter, count in counts.items() if letter not in _GAPS})
    certain, total = sum(letters[letter] for letter in _CERTAIN), letters.total()
    of_proteins = letters.keys() & (frozenset(AMINO_ACIDS + "XBZJUO*") - _NUCLEOTIDES)
    if not total:
        return "dna" if counts else "chars"
    if total >= _ENOUGH and certain >= 0.5 * total and letters.keys() <= _NUCLEOTIDES | {"X"}:
        return "dna"
    return "dna" if certain >= 0.9 * total and (not of_proteins or total >= _ENOUGH) else "protein"

"""The alphabet of sequences and texts of which the user does not say it, and whether files agree in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from seqmix.data.readers.opening import unpacked_name
from seqmix.data.vocabulary.base import Vocabulary
from seqmix.data.vocabulary.fixed import AMINO_ACIDS, IUPAC
from seqmix.data.vocabulary.spaced import note_on_spaced
from seqmix.data.vocabulary.symbol_table import WHITESPACE
from seqmix.reporting.text import counted

_CERTAIN = "ACGTUN"  # what nucleotide sequences consist of, for the most part
_NUCLEOTIDES = frozenset(_CERTAIN + IUPAC)
_GAPS = frozenset("-.")
_ENOUGH = 200  # letters of a protein, of which some are not nucleotide codes: a third is E, F, I, L, P or Q
_WORD = 10  # letters that unbroken words of DNA have on average, in a text that is a sequence and not prose
_PROTEINS = (".faa", ".mpfa", ".pep", ".aa")  # endings of FASTA files of proteins
_RECORDS, _LETTERS, _LEAST = 10, 500, 50  # of a file: records looked at, letters of each, and letters to judge by
_AMBIGUOUS = 0.05  # share of codes for several nucleotides that is worth a note
_LEAST_OF_RECORD = 30  # letters to judge one record by
_SHARE = 0.01  # of the records that are worth a note; a few proteins look like DNA
_CERTAIN_BYTES = (_CERTAIN + _CERTAIN.lower()).encode()
_AMINO_ACIDS_ALONE = b"EFILPQefilpq"  # letters that are not nucleotide codes, a third of a protein
_TELLING = 0.15  # share of them by which a record is a protein


class _HasText(Protocol):
    @property
    def text(self) -> Any: ...


R = TypeVar("R", bound=_HasText)


class AlphabetsOfFiles:
    """Finds out whether some records hold DNA and others proteins, or other sequences than a model is for.

    Args:
        model: the vocabulary of the model that the records are for; None if they are for a new one.
    """

    def __init__(self, model: Vocabulary | None = None) -> None:
        self._model = model
        self._files: dict[str, list[str]] = {"dna": [], "protein": []}
        self._counts = Counter[str]()  # of records
        self._first: dict[str, object] = {}  # record of each kind

    def watched(self, name: str, records: Iterator[R], *, is_sequence: bool) -> Iterator[R]:
        """Yield the records of a file, and look at the beginning of each.

        Args:
            name: the name of the file.
            records: its records.
            is_sequence: whether the file is of a sequence format.
        """
        letters, counts = Counter[str](), Counter[str]()
        for number, record in enumerate(records):
            if kind := looks_like(record.text):
                counts[kind] += 1
                self._first.setdefault(kind, record)
            if is_sequence and number < _RECORDS:
                letters.update(letters_of([record.text[:_LETTERS]]))
            yield record
        self._counts += counts
        if letters.total() >= _LEAST:
            self._files["protein" if names_proteins(name) else _of_sequences(letters)].append(name)
        elif counts:
            self._files[max(counts, key=counts.__getitem__)].append(name)

    def notes(self) -> list[str]:
        """Return a line if there are records of both kinds, or if they are not of the kind that the model is for."""
        if self._model is not None:
            return self._notes_on_model(self._model)
        dna, proteins = self._files["dna"], self._files["protein"]
        if dna and proteins:
            where = [f"{counted(len(names), 'file')}, such as {names[0]}" for names in (dna, proteins)]
        elif len(self._counts) == 2 and min(self._counts.values()) >= max(2, _SHARE * self._counts.total()):
            where = [f"{counted(self._counts[kind], 'record')}, such as {self._first[kind]}" for kind in ("dna", "protein")]
        else:
            return []
        return [
            f"there is DNA in {where[0]}, and proteins in {where[1]}: read with one alphabet, they can be told apart by their "
            "letters alone"
        ]

    def _notes_on_model(self, model: Vocabulary) -> list[str]:
        wanted = _meant_for(model)
        other = {"dna": "protein", "protein": "dna"}.get(wanted, "")
        if self._counts[other] < max(1, _SHARE * self._counts.total()):
            return []
        names = {"dna": "DNA", "protein": "proteins"}
        look = "looks" if self._counts[other] == 1 else "look"
        return [
            f"the model was trained on {names[wanted]}, and {counted(self._counts[other], 'record')} {look} like "
            f"{names[other]}: the first is {self._first[other]}"
        ]


def looks_like(text: bytes | str | NDArray[Any]) -> str:
    """Return "dna" or "protein" if the beginning of a text is beyond doubt the one or the other, else ""."""
    if isinstance(text, np.ndarray):
        return ""
    start = text[:_LETTERS]
    if isinstance(start, str):
        start = start.strip().rstrip("*")
        if not (start.isascii() and start.isalpha() and (start.isupper() or start.islower())):
            return ""  # prose, not a sequence
        start = start.encode()
    letters = start.translate(None, WHITESPACE)
    if len(letters) < _LEAST_OF_RECORD:
        return ""
    if len(letters.translate(None, _CERTAIN_BYTES)) <= 0.1 * len(letters):
        return "dna"
    others = len(letters.translate(None, _AMINO_ACIDS_ALONE))
    return "protein" if others <= (1 - _TELLING) * len(letters) else ""


def _meant_for(model: Vocabulary) -> str:
    """Return what the records that a vocabulary was made for are: "dna", "protein", or "" if it is neither or unknown."""
    if model.letters:
        return "protein" if model.alphabet == "protein" else "dna"
    letters = "".join(model.symbols).upper() if model.alphabet == "chars" else ""
    of_proteins = set(AMINO_ACIDS) <= set(letters) <= set(AMINO_ACIDS + "XBZJUO*-.")
    return "protein" if of_proteins else "dna" if letters and set("ACGT") <= set(letters) <= set(_CERTAIN) else ""


def guess_alphabet(samples: Sequence[bytes | str | NDArray[Any]], is_sequence: bool) -> str:
    """Return the alphabet that the first records suggest: "dna", "protein" or "chars"; for numbers, "real".

    Sequences are DNA or proteins, never characters: a letter that is neither is an error when it is met.

    Args:
        samples: the beginnings of some records.
        is_sequence: whether they are of a sequence format.
    """
    if any(isinstance(sample, np.ndarray) for sample in samples):
        return "real"
    texts = [_unwrapped(sample) for sample in samples if not isinstance(sample, np.ndarray)]
    counts = letters_of(texts)
    return _of_sequences(counts) if is_sequence else _of_texts(counts, [text for text in texts if isinstance(text, str)])


def names_proteins(name: str) -> bool:
    """Return whether the ending of a file says that it holds proteins, whatever its letters look like."""
    return unpacked_name(name.lower()).endswith(_PROTEINS)


def notes_on_guess(samples: Sequence[bytes | str | NDArray[Any]], alphabet: str) -> list[str]:
    """Return a line if the letters of records could also be those of another alphabet than the one that is taken.

    Args:
        samples: the beginnings of some records.
        alphabet: what they are read with, though nobody chose it.
    """
    texts = [_unwrapped(sample) for sample in samples if not isinstance(sample, np.ndarray)]
    if alphabet == "protein" and _of_sequences(letters_of(texts)) == "dna":
        return ["read as proteins, as the names of the files say, though the letters could be nucleotides: --alphabet dna"]
    if alphabet == "dna" and (note := _note_on_ambiguous(letters_of(texts))):
        return [note]
    given = [text for text in texts if isinstance(text, str)]
    if alphabet != "chars":
        return []
    if note := note_on_spaced(given):
        return [note]
    if not _are_proteins([text.upper() for text in given]):
        return []
    letters = "".join(given)
    if letters.isupper():
        wrapped = any(isinstance(sample, str) and "\n" in sample.strip() for sample in samples)
        how = "and are read as characters" + ", line breaks included" * wrapped
    elif letters.islower():
        how = "in lower case and are read as characters"
    else:
        how = "in upper and lower case, which are read as different characters"
    return [f"the texts look like proteins {how}: --alphabet protein reads their letters in either case"]


def _note_on_ambiguous(counts: Counter[str]) -> str:
    """Return a note if many letters of what is read as DNA are codes for several nucleotides; "" if they are few."""
    total = counts.total() - sum(counts[gap] for gap in _GAPS)
    found = [letter for letter in IUPAC if counts[letter]]
    share = sum(counts[letter] for letter in found) / total if total >= _LEAST else 0.0
    if share <= _AMBIGUOUS:
        return ""
    return (
        f"{share:.0%} of the letters are codes for several nucleotides ({', '.join(found)}) and are read as N: if these are "
        "proteins, use --alphabet protein; to tell the codes apart, --alphabet dna-iupac"
    )


def _are_proteins(texts: Sequence[str]) -> bool:
    """Return whether texts are long unbroken words, nearly all codes of amino acids."""
    letters = Counter("".join(texts))
    known = sum(letters[letter] for letter in AMINO_ACIDS)
    return _are_words(texts, 2 * _WORD) and letters.total() >= _ENOUGH and known >= 0.9 * letters.total() and len(letters) > 10


def _are_words(texts: Sequence[str], length: int) -> bool:
    """Return whether each text is one unbroken word, of so many letters on average."""
    words = [text.split() for text in texts if text.strip()]
    return bool(words) and all(len(word) == 1 for word in words) and sum(len(w[0]) for w in words) >= length * len(words)


def _unwrapped(text: bytes | str) -> bytes | str:
    """Return a text as one line if each of its lines is one unbroken word, as those of a wrapped sequence are."""
    if isinstance(text, bytes) or "\n" not in text.strip():
        return text
    lines = text.split()
    several = len(lines) > len([line for line in text.splitlines() if line.strip()])
    return text if several or sum(map(len, lines)) < _WORD * len(lines) else "".join(lines)


def letters_of(samples: Iterable[bytes | str]) -> Counter[str]:
    """Count the letters of sequences and the characters of texts, both in upper case."""
    counts: Counter[str] = Counter()
    for sample in samples:
        text = sample.decode("latin-1") if isinstance(sample, bytes) else sample
        counts.update("".join(text.split()).upper() if isinstance(sample, bytes) else text.strip().upper())
    return counts


def _of_texts(counts: Counter[str], texts: Sequence[str]) -> str:
    """DNA if at least 90 % are A, C, G, T, U or N and all others are codes for several nucleotides or gaps.

    Where each text is a long unbroken word, another letter is an error when it is met, as it is in sequences.
    """
    certain, total = sum(counts[letter] for letter in _CERTAIN), counts.total()
    if not total or certain < 0.9 * total:
        return "chars"
    odd_letters = counts.keys() - (_NUCLEOTIDES | _GAPS)
    return "chars" if odd_letters and (total < _LEAST or not _are_words(texts, _WORD)) else "dna"


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

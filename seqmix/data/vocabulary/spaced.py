"""Sequences that were prepared for other programs: single letters with blanks between them, and k-mers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from seqmix.data.vocabulary.fixed import AMINO_ACIDS, IUPAC

_NUCLEOTIDES = frozenset("ACGTUN" + IUPAC)
_CODES = frozenset(AMINO_ACIDS + "XBZJUO")
_WORDS = 6  # of a text
_LETTERS = 12  # of all texts that are different: proteins


def note_on_spaced(texts: Sequence[str]) -> str:
    """Return a note on texts that are sequences cut into letters or k-mers; "" if they are not.

    Args:
        texts: the beginnings of some texts.
    """
    cut = [words for text in texts if (words := text.upper().split())]
    if not cut or any(len(words) < _WORDS for words in cut):
        return ""
    sizes = {len(word) for words in cut for word in words[:-1]}  # the last one may be cut off
    letters = {*"".join(word for words in cut for word in words)}
    if len(sizes) != 1 or not letters <= _CODES | _NUCLEOTIDES:
        return ""
    alphabet = "dna" if letters <= _NUCLEOTIDES else "protein"
    if alphabet == "protein" and len(letters) < _LETTERS:
        return ""
    size = sizes.pop()
    if size == 1:
        return (
            f"the texts are single letters with blanks between them, and the blanks are read, too: --alphabet {alphabet} "
            "leaves them out"
        )
    if all(first[1:] == second[: size - 1] for words in cut for first, second in pairwise(words[:-1])):
        return (
            f"the texts are overlapping {size}-mers, read letter by letter, blanks included: --alphabet words makes a token of "
            f"each {size}-mer; to read the sequences themselves, take the first letter of each {size}-mer and all of the last"
        )
    return (
        f"the texts are {size}-mers, read letter by letter, blanks included: --alphabet words makes a token of each "
        f"{size}-mer, --alphabet {alphabet} leaves the blanks out"
    )

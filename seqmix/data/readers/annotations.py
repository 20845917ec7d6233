"""FASTA files with lines of annotation below the sequences, as SignalP, DeepTMHMM and predictors of structure write them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice

from seqmix.data.readers.entry import Entry, raising
from seqmix.errors import InputError

_LOOKED_AT = 20  # records
_LINES = 4  # of a record at most: the sequence and annotations of it
_FEW, _SURE = 3, 30  # records that show something, and letters of a line where there are fewer
_LONGEST = 1 << 16  # letters of a line
_LEAST = 20  # letters of all second lines to judge by
_UNLIKE = 0.5  # total variation of the letters of two lines; 0 if they are alike, 1 if they have none in common
_PROTEIN, _SMALL, _SMALLEST = 12, 10, 6  # different letters of proteins at least, and of annotations at most
_NUCLEOTIDES = frozenset("ACGTUN")
_NOTHING = "-.~ X"  # gaps, and what is masked


def refuse_annotations(entries: Iterator[Entry], name: str) -> Iterator[Entry]:
    """Yield the records of a FASTA file.

    Args:
        entries: the records.
        name: of the file, for messages.

    Raises:
        InputError: in each of the first, lines of annotation follow the sequence, which would be joined to it.
    """
    first: list[Entry] = []
    lines: list[list[str]] = []
    try:
        for entry in islice(entries, _LOOKED_AT):
            first.append(entry)
            if (found := _equal_lines(entry.text)) is None or (lines and len(found) != len(lines[0])):
                lines.clear()
                break
            lines.append(found)
    except InputError as error:
        entries = raising(error)
    for place in range(1, len(lines[0]) if lines else 0):
        sequences, others = [record[0] for record in lines], [record[place] for record in lines]
        if _is_annotation(sequences, others):
            raise _refusal(first[0], name, place, len(lines[0]), others)
    yield from chain(first, entries)


def _equal_lines(text: object) -> list[str] | None:
    """Return the lines of a record if they are several, but not many, and equally long; None if they are not."""
    if not isinstance(text, bytes):
        return None
    size = text.find(b"\n")
    if not 0 <= size <= _LONGEST or len(text) > (size + 2) * (_LINES + 1):
        return None
    lines = [line.rstrip("\r") for line in text.decode("latin-1").rstrip("\r\n").split("\n")]
    return lines if 1 < len(lines) <= _LINES and len({*map(len, lines)}) == 1 else None


def _is_annotation(sequences: Sequence[str], others: Sequence[str]) -> bool:
    """Return whether lines that follow those of sequences consist of other, and few, letters."""
    nothing = _NOTHING
    letters = Counter("".join(sequences).upper())
    nucleotides = letters.keys() <= _NUCLEOTIDES | {*nothing}
    nothing += "N" * nucleotides
    marks = Counter("".join(others).upper())
    for blank in nothing:
        del letters[blank], marks[blank]
    if not letters or marks.total() < _LEAST:
        return False
    few = len(sequences) < _FEW
    if few and len(sequences[0]) < _SURE:
        return False
    if len(marks) > (_SMALLEST if few else _SMALL) or marks.keys() <= _NUCLEOTIDES:
        return False
    if not nucleotides and len(letters) < _PROTEIN:
        return False
    total, of_all = letters.total(), marks.total()
    unlike = sum(abs(letters[one] / total - marks[one] / of_all) for one in letters.keys() | marks.keys()) / 2
    return unlike >= _UNLIKE


def _refusal(entry: Entry, name: str, place: int, lines: int, others: Sequence[str]) -> InputError:
    marks = "".join(sorted({*"".join(others)}))
    command = f", for example with awk 'NR % {lines + 1} == 1 || NR % {lines + 1} == 2'"
    cut = re.sub(r"(.{20}).{3,}", r"\1…", others[0])
    return InputError(
        f"{name}: record '{entry.id}' (line {entry.line}): line {entry.line + 1 + place}, '{cut}', is as long as the sequence "
        f"and consists of other letters ({marks[:12]}), as in all records looked at: it is an annotation, not sequence; keep "
        f"only the headers and the sequences{command}"
    )

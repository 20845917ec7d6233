"""What the texts of a table look like: cells that stand for a missing text, and a column that holds no texts at all."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from seqmix.data.readers.columns import ID_COLUMNS, LABEL_COLUMNS, TEXT_COLUMNS, plain, usual_columns
from seqmix.data.readers.entry import Entry, TableOptions
from seqmix.errors import InputError, param, shown

_LOOKED_AT, _MOST_CHARACTERS = 100, 1 << 20  # rows that are looked at, and characters of them
# fmt: off
_MISSING = frozenset((
    "nan", "na", "n/a", "none", "null", "nil", "nat", "<na>", "\\n", "#n/a", "#n/a n/a", "#na", "#name?", "#ref!", "#value!",
    "#null!", "#num!", "#div/0!",
))
# fmt: on
_LONGEST = max(map(len, _MISSING))
_NUCLEOTIDES = frozenset("ACGTUNRYSWKMBDHV")
_SEQUENCE = 6  # letters of a sequence on average; peptides have 8 to 11
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?%?")
_BITS = re.compile(r"[01]{3,}")
_FILE = re.compile(r"\S*[^\s.]\.[A-Za-z]\w{1,4}(?:\.gz)?")
_ID = re.compile(r"(?=\S*\d)[\w.:|/-]{1,20}")
_LONG, _WORDS = 20, 3  # characters and words of a text on average
_SHORT = 5  # characters of a text beside numbers


def checked_texts(entries: Iterator[Entry], name: str, options: TableOptions) -> Iterator[Entry]:
    """Yield the rows of a table; among sequences, `NA`, `nan` and the like become missing texts, and a note tells how many.

    Args:
        entries: the rows.
        name: of the table, for messages.
        options: how it is read.

    Raises:
        InputError: nobody named the column of the texts, it holds numbers, names of files or ids, and another holds texts.
    """
    first, error = _first(entries)
    if first and options.text_column is None:
        _refuse_other_column(first, name, options)
    texts = [text for entry in first for text in (entry.text, entry.pair) if isinstance(text, str)]
    of_sequences = options.of_sequences or are_sequences(texts)
    met: Counter[str] = Counter()
    for rows in (first, entries if error is None else ()):
        for entry in rows:
            for part in ("text", "pair"):
                cell = getattr(entry, part)
                if stands_for_missing(cell):
                    met[cell.strip()] += 1
                    if of_sequences:
                        setattr(entry, part, "")
                        entry.missing = cell.strip()
            yield entry
    if error is not None:
        raise error
    _note(met, options.note, are_sequences=of_sequences)


def _first(entries: Iterator[Entry]) -> tuple[list[Entry], InputError | None]:
    """Return the first rows, and the error that reading them ended with, which is raised when it is reached."""
    first: list[Entry] = []
    size = 0
    try:
        while len(first) < _LOOKED_AT and size < _MOST_CHARACTERS and (entry := next(entries, None)) is not None:
            first.append(entry)
            size += len(entry.text)
    except InputError as error:
        return first, error
    return first, None


def _note(met: Counter[str], note: Callable[[str], object], *, are_sequences: bool) -> None:
    if not met:
        return
    count, cells = met.total(), ", ".join(map(repr, [*met][:3]))
    several = count > 1
    if are_sequences:
        note(f"{count:,} cell{'s hold' if several else ' holds'} {cells} instead of a sequence: read as missing")
    else:
        note(
            f"{count:,} text{'s are' if several else ' is'} {cells}: read as {'texts' if several else 'a text'}; if "
            f"{'they stand' if several else 'it stands'} for a missing text, remove the row{'s' * several}"
        )


def stands_for_missing(cell: object) -> bool:
    """Return whether a cell contains what programs write for a missing text, such as `NA`."""
    return isinstance(cell, str) and 0 < len(cell) <= _LONGEST + 2 and cell.strip().casefold() in _MISSING


def are_sequences(texts: Sequence[str]) -> bool:
    """Return whether most texts are sequences: nucleotides, or upper-case letters without blanks, or k-mers."""
    given = [text for text in texts if text.strip() and text.strip().casefold() not in _MISSING]
    found = [text for text in given if is_sequence(text)]
    return 2 * len(found) > len(given) and sum(map(len, found)) >= _SEQUENCE * len(found)


def mean_words(texts: Sequence[str]) -> float:
    """Return how many words texts have on average."""
    return sum(len(text.split()) for text in texts) / len(texts)


def is_sequence(text: str) -> bool:
    """Return whether a text is of nucleotides, of upper-case letters without blanks, or of k-mers."""
    words = text.split()
    letters = "".join(words).translate({ord(gap): None for gap in "-.*"})
    if not letters.isascii() or not letters.isalpha():
        return False
    if {*letters.upper()} <= _NUCLEOTIDES:
        return True
    return letters.isupper() and (len(words) == 1 or len({*map(len, words[:-1])}) == 1)


def _refuse_other_column(first: Sequence[Entry], name: str, options: TableOptions) -> None:
    """Raise an `InputError` if the texts of the first rows are numbers or names, and another column holds texts."""
    columns = list(first[0].columns)
    usual = usual_columns(columns, TEXT_COLUMNS, name)
    if not usual:
        return
    cells = [entry.columns.get(usual[0]) for entry in first]
    texts = [str(cell).strip() for cell in cells if isinstance(cell, str | int | float) and not isinstance(cell, bool)]
    if len(texts) < max(2, len(first)) or not all(texts) or not (what := _what(texts)):
        return
    known = {*ID_COLUMNS, *LABEL_COLUMNS, *map(plain, (options.id_column or "", options.pair_column or ""))}
    others = [column for column in columns if column != usual[0] and plain(column) not in known]
    found = {column: size for column in others if (size := _size_of_texts(first, column, beside_numbers=what == "numbers"))}
    if not found:
        return
    better = max(found, key=lambda column: found[column])
    raise InputError(
        f"{name}: column '{usual[0]}' would be the text, but holds only {what}, such as {shown(texts[0])}, while column "
        f"'{better}' seems to hold the texts; name the one to read: {param('text_column', better)} or "
        f"{param('text_column', usual[0])}"
    )


def _what(texts: Sequence[str]) -> str:
    """Return what all texts are, if they are no texts: "numbers", "names of files" or "identifiers"; "" if they are."""
    if all(map(_NUMBER.fullmatch, texts)):
        return "" if all(map(_BITS.fullmatch, texts)) else "numbers"
    if all(map(_FILE.fullmatch, texts)):
        return "names of files"
    return "identifiers" if all(map(_ID.fullmatch, texts)) and len({*texts}) == len(texts) else ""


def _size_of_texts(first: Sequence[Entry], column: str, *, beside_numbers: bool) -> float:
    """Return how many characters the cells of a column have on average; 0 if they seem to be no texts."""
    cells = [cell for entry in first if isinstance(cell := entry.columns.get(column), str) and cell.strip()]
    if 2 * len(cells) <= len(first):
        return 0
    size, words = sum(map(len, cells)) / len(cells), mean_words(cells)
    if 2 * len({*cells}) <= len(cells) or sum(any(map(str.isalpha, cell)) for cell in cells) < 0.9 * len(cells):
        return 0
    if any(map(_FILE.fullmatch, cells)) or all(map(_ID.fullmatch, cells)):
        return 0
    is_long = size >= _LONG and (words >= _WORDS or are_sequences(cells))
    return size if is_long or (beside_numbers and size >= _SHORT) else 0

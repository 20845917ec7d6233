"""What the first rows of a table show: blanks around its cells, and tables of Markdown."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from seqmix.data.readers.entry import raising
from seqmix.errors import InputError

_MOST, _MOST_CHARACTERS = 20, 1 << 16  # lines that are looked at
_FEWEST = 3  # rows that show something by themselves
_RULE = re.compile(r"[\s|:+=-]*-{2}[\s|:+=-]*")  # below the header of a table that is drawn with characters


@dataclass(frozen=True, slots=True)
class Blanks:
    """Blanks that all cells have, so that they belong to the delimiter.

    Attributes:
        before: whether cells begin with them.
        after: whether cells end with them.
    """

    before: bool
    after: bool

    def note(self) -> str:
        """Return a note; "" if there are no such blanks."""
        where = {(True, True): "around", (True, False): "before", (False, True): "after"}.get((self.before, self.after))
        return f"the blanks {where} the cells are left out" if where else ""


def looked_at(lines: Iterator[str]) -> tuple[list[str], Iterator[str]]:
    """Return the next lines, and the iterator that still yields them; an error among them is raised when it is reached."""
    first: list[str] = []
    size = 0
    try:
        while len(first) < _MOST and size < _MOST_CHARACTERS and (line := next(lines, "")):
            first.append(line)
            size += len(line)
    except InputError as error:
        return first, chain(first, raising(error))
    return first, chain(first, lines)


def is_drawn(header: str, lines: Sequence[str]) -> bool:
    """Return whether a table is drawn with characters, as in Markdown: a line of dashes and bars is below its header."""
    return "|" in header and bool(lines) and _RULE.fullmatch(lines[0].rstrip()) is not None


def find_blanks(header: str, lines: Sequence[str], delimiter: str) -> Blanks:
    """Return the blanks between delimiter and cells that all rows have: several rows, or the header as well.

    Args:
        header: the header.
        lines: the first lines below it.
        delimiter: the character between cells.
    """
    rows, names = _rows(lines, delimiter), _rows([header], delimiter)
    if delimiter == " " or not rows or not names or len(names[0]) < 2:
        return Blanks(False, False)
    if len(rows) < _FEWEST:
        rows += names
    inner, outer = [row[1:] for row in rows], [row[:-1] for row in rows]
    before = all(inner) and all(cell.startswith(" ") for row in inner for cell in row)
    after = all(outer) and all(cell.endswith(" ") for row in outer for cell in row)
    return Blanks(before and bool(_rows(lines, delimiter, skip=True)), after)


def _rows(lines: Iterable[str], delimiter: str, *, skip: bool = False) -> list[list[str]]:
    """Return the cells of rows that are not blank, but of the last of several, which may go on; none if quotes are damaged.

    Args:
        lines: their lines.
        delimiter: the character between cells.
        skip: whether blanks behind the delimiter are skipped, as they would be in the whole table.
    """
    try:
        rows = [row for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=skip, strict=skip) if row]
    except csv.Error:
        return []
    return rows[:-1] if len(rows) > 1 else rows

"""Tables in files whose name does not say so, such as `human.txt` or `promoters.data`: recognised by their lines.

A header with a usual name makes a table. Lines that all have the same number of cells, with a sequence or a label in each, are
one too, but which column is which has to be said: such a file is refused rather than read as one long document.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile

from seqmix.data.readers.columns import ID_COLUMNS, LABEL_COLUMNS, TEXT_COLUMNS, plain, shown_columns
from seqmix.errors import InputError, param

_DELIMITERS = ("\t", ",", ";", "|")
_WORDS = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars", " ": "spaces"}
_SEQUENCE = re.compile(r"[ACGTUN]{8,}|[ACGTUNRYSWKMBDHV]{15,}|[ACGTN]{1,}(?:[ \t]+[ACGTN]+){3,}", re.IGNORECASE)
_PROTEIN = re.compile(r"[ACDEFGHIKLMNPQRSTVWYXBZU]{7,}\*?")
_WIDEST = 30  # characters of a label
_COMMENTS = 50  # lines of comment above a header
_FEWEST = 4  # lines, to tell from what repeats that it is a label
_LONG = 20  # letters of a sequence that needs no others beside it
_WHOLE = 4096  # bytes from which on the last line may be cut off


@dataclass(frozen=True, slots=True)
class _Cells:
    """The lines of a text, cut at a delimiter.

    Attributes:
        delimiter: the character.
        rows: the cells of each line that is not blank, without outer spaces.
        spaced: the share of the delimiters that a space follows, as in prose.
    """

    delimiter: str
    rows: list[list[str]]
    spaced: float

    @property
    def regular(self) -> bool:
        """Whether all lines have the same number of cells, two or more."""
        return len({len(row) for row in self.rows}) == 1 and len(self.rows[0]) > 1

    def roles(self, *, header: bool) -> list[str]:
        """Return what the columns seem to hold, in usual names; "" for those of which it is not clear.

        Args:
            header: whether the first line is not a record.
        """
        columns = list(zip(*self.rows[header:], strict=True))
        found = [_role(column) for column in columns]
        if "sequence" not in found:
            if self.delimiter in ",;" and self.spaced > 0.1:  # as in prose
                return [""] * len(found)
            free = [place for place, role in enumerate(found) if not role]
            if free:
                found[max(free, key=lambda place: sum(map(len, columns[place])))] = "text"
        return ["" if role in found[:place] else role for place, role in enumerate(found)]


def table_kind(start: bytes, name: str, encoding: str, columns: Collection[str], *, among_documents: bool) -> str | None:
    """Return the format of a table in a file whose name does not tell; None if it is a text.

    Args:
        start: the first bytes.
        name: of the file, for messages.
        encoding: of the file.
        columns: names of columns that the user gives.
        among_documents: whether the file is one of a folder of texts, which is only a table with a header.

    Raises:
        InputError: it looks like a table, but it is not clear which column is which.
    """
    lines = first_lines(start, encoding)
    if not lines or lines[0].startswith(("|", "+-")):
        return None
    comments = sum(1 for _ in takewhile(lambda line: line.startswith(("#", "%", "//")), lines))
    starts = range(min(comments, _COMMENTS, len(lines) - 1) + 1)
    if delimiter := next((found for place in starts if (found := _header_delimiter(lines[place:], columns))), ""):
        return "tsv" if delimiter == "\t" else "csv"
    if not among_documents and (cells := _unclear(lines)):
        raise InputError(_message(name, cells))
    return None


def looks_like_table(start: bytes, encoding: str) -> bool:
    """Return whether a text looks like a table whose columns have no usual names."""
    return _unclear(first_lines(start, encoding)) is not None


def first_lines(start: bytes, encoding: str) -> list[str]:
    """Return the lines that are not blank, without the last one if it may be cut off and is not the only record."""
    try:
        text = start.decode(encoding, "replace")
    except UnicodeError:  # an encoding without replacements
        text = start.decode("latin-1")
    lines = [line for line in text.lstrip("\ufeff").splitlines() if line.strip()]
    if len(start) >= _WHOLE and len(lines) > 1 and not start.endswith((b"\n", b"\r")):
        lines.pop()
    return lines


def _header_delimiter(lines: Sequence[str], columns: Collection[str]) -> str:
    """Return the delimiter of a header with a usual name, if the other lines have as many cells; "" if there is none."""
    asked = {plain(name) for name in columns}
    for delimiter in _DELIMITERS:
        names = [plain(cell) for cell in _cells(lines[0].rstrip(delimiter), delimiter)]
        if len(names) < 2 or max(map(len, names)) > _WIDEST:
            continue
        texts = {*TEXT_COLUMNS, *asked}.intersection(names)
        known = {*texts, *{*ID_COLUMNS, *LABEL_COLUMNS}.intersection(names)}
        if not known - set(ID_COLUMNS):
            continue
        if delimiter in ",;" and f"{delimiter} " in lines[0] and len(known) < len(names):  # as in prose
            continue
        counts = [len(_cells(line, delimiter)) for line in lines[1:]]
        others, as_many, at_least = len(counts), counts.count(len(names)), sum(count >= len(names) for count in counts)
        if texts and len(known) > 1 and all(1 < count <= len(names) for count in counts):
            return delimiter
        if texts and len(known) == len(names) and at_least * 2 >= others:
            return delimiter
        if others and (texts or delimiter == "\t") and as_many * 10 >= others * 9:
            return delimiter
        if as_many == others >= _FEWEST:
            return delimiter
    return ""


def _cells(line: str, delimiter: str, *, stripped: bool = True) -> list[str]:
    try:
        cells = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        cells = line.split(delimiter)
    return [cell.strip() for cell in cells] if stripped else cells


def _unclear(lines: Sequence[str]) -> _Cells | None:
    """Return the cells of a text that is a table beyond doubt, although it has no header with usual names."""
    found = [cells for delimiter in ("\t", ",", ";", " ") if (cells := _cut(lines, delimiter)).regular and _tells(cells)]
    return max(found, key=lambda cells: sum(map(bool, _named(cells)[1])), default=None)


def _named(cells: _Cells) -> tuple[list[str], list[str]]:
    """Return the names of the columns, if the first line has some, and their roles."""
    roles = cells.roles(header=False)
    if len(cells.rows) < 2:
        return [], roles
    without = cells.roles(header=True)
    if "sequence" in without and "sequence" not in roles:
        return cells.rows[0], without
    if "label" in without:
        place = without.index("label")
        if cells.rows[0][place] not in {row[place] for row in cells.rows[1:]}:
            return cells.rows[0], without
    return [], roles


def _message(name: str, cells: _Cells) -> str:
    names, roles = _named(cells)
    if names:
        text = names[roles.index("sequence" if "sequence" in roles else "text")]
        ways = [param("format", "tsv" if cells.delimiter == "\t" else "csv"), param("text_column", text)]
        if cells.delimiter not in ",\t":
            ways.append(param("delimiter", {" ": "space"}.get(cells.delimiter, cells.delimiter)))
        if "label" in roles:
            ways.append(param("label_from", f"column:{names[roles.index('label')]}"))
        way = f"if {shown_columns(names)} are its columns, use {' '.join(ways)}"
    else:
        usual = [role or f"column{place}" for place, role in enumerate(roles, 1)]
        header = ("<tab>" if cells.delimiter == "\t" else cells.delimiter).join(usual)
        way = f"put a line with the names of the columns above it, such as {header}"
    return (
        f"{name}: this looks like a table, {len(roles)} cells with {_WORDS[cells.delimiter]} between them on each line, but it "
        f"is not clear which column is which; {way}; if it is one document, use {param('format', 'text')}"
    )


def _tells(cells: _Cells) -> bool:
    """Return whether the columns are those of a table of records beyond doubt."""
    roles = _named(cells)[1]
    if "sequence" in roles:
        return cells.delimiter != " " or len(roles) == 2
    return "label" in roles and "text" in roles and cells.delimiter != " "


def _cut(lines: Sequence[str], delimiter: str) -> _Cells:
    if delimiter == " ":
        return _Cells(delimiter, [line.split() for line in lines], 0.0)
    rows = [_cells(line, delimiter, stripped=False) for line in lines]
    behind = [cell for row in rows for cell in row[1:]]
    spaced = sum(cell.startswith(" ") for cell in behind) / len(behind) if behind else 0.0
    return _Cells(delimiter, [[cell.strip() for cell in row] for row in rows], spaced)


def _role(column: Sequence[str]) -> str:
    """Return what the cells of a column seem to be: "sequence", "label", "id" or ""."""
    several = len(column) >= _FEWEST or min(map(len, column)) > _LONG
    if several and (all(map(_SEQUENCE.fullmatch, column)) or all(map(_PROTEIN.fullmatch, column))):
        return "sequence"
    distinct = len(set(column))
    if not all(0 < len(cell) <= _WIDEST for cell in column):
        return ""
    if len(column) >= _FEWEST and 2 * distinct <= len(column) and (distinct > 1 or len(column) > 2 * _FEWEST):
        return "label"
    ordered = all(cell.isdecimal() for cell in column) and all(int(b) == int(a) + 1 for a, b in pairwise(column))
    return "id" if ordered or (distinct == len(column) and not any(" " in cell for cell in column)) else ""

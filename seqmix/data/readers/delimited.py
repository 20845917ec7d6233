"""CSV, TSV and whatever else has one character between its cells: which that is, the header, and the rows."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO

from seqmix.data.readers.columns import (
    ID_COLUMNS,
    LABEL_COLUMNS,
    TEXT_COLUMNS,
    looks_like_data,
    plain,
    repeated_columns,
    shown_columns,
)
from seqmix.data.readers.entry import TableOptions, decoded_lines
from seqmix.errors import InputError

_DELIMITERS = (",", ";", "\t", "|")
_SPELLED = {"\t": "tabs", " ": "spaces"}
_EXCEL = re.compile(r'"?sep=(.)"?')  # a first line that tells Excel the delimiter
_QUOTE = "if the quote belongs to the text, double it and quote the cell, or take it out"
_LOOKED_AT = 1000  # rows, to see whether a header is one
_FEW = 50  # different cells of a column, to tell that a cell is one of them
_MANY = 3  # lines that are all whole rows within a quoted cell
_MANY_ROWS = 12  # such lines, which have something in common if they are rows


class Delimited:
    """The rows of a table, which can be iterated over once: the line where each begins, and its cells by column.

    Line ends within cells are read as "\\n". Where several columns have one name, a row has a `Repeated` instead of a cell.

    Args:
        stream: the file.
        name: its name, for messages.
        usual: the character between cells, unless the header shows another.
        options: how the table is read.

    Attributes:
        columns: the names of the columns; none if the file is empty.
        required: those of which every row must have a cell; others may be missing at its end.

    Raises:
        InputError: the header is damaged.
    """

    def __init__(self, stream: BinaryIO, name: str, usual: str, options: TableOptions) -> None:
        csv.field_size_limit(sys.maxsize)
        self._name, self._note = name, options.note
        self._lines = decoded_lines(stream, name, options.encoding)
        self._read = 0  # lines so far
        self._taken: list[str] = []  # lines of the row that was read last
        self.columns: list[str] = []
        self.required: list[str] = []
        header = self._first_line()
        if excel := _EXCEL.fullmatch(header.removeprefix("\ufeff").rstrip("\n")):
            usual, header = excel[1], self._first_line()
        self._delimiter = _find_delimiter(header, usual, options)
        if self._delimiter not in (usual, options.delimiter):
            self._note(f"the cells are separated by {_spelled(self._delimiter)}, not by {_spelled(usual)} (--delimiter)")
        self._cells = csv.reader(self._feed(header), delimiter=self._delimiter, strict=True)
        self.columns = next(self._rows(), (0, []))[1]
        self._known: list[dict[str, int]] = [{} for _ in self.columns]  # the different cells of each column, and how often
        self._swallowed: list[tuple[int, int, list[str]]] = []  # first and last line, and lines, of rows that may be several
        self._n_swallowed = self._first_swallowed = 0

    def __iter__(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield line and cells of each row that is not blank.

        Raises:
            InputError: a row is damaged; the message names the line.
        """
        columns, repeated = self.columns, repeated_columns(self.columns)
        least = 1 + max((columns.index(name) for name in self.required), default=-1)
        number = 0
        for number, (line, cells) in enumerate(self._rows(), 1):
            if not least <= len(cells) <= len(columns):
                raise InputError(
                    f"{self._name}: line {line}: the row has {len(cells)} cell{'s' * (len(cells) != 1)}, not the "
                    f"{len(columns)} of the header: {shown_columns(columns)}"
                )
            if number <= _LOOKED_AT:
                self._remember(cells)
            if len(self._taken) > 1 and self._holds_rows():
                self._swallowed.append((line, self._read, self._taken.copy()))
            if number % _LOOKED_AT == 0:
                self._check_swallowed()
            row: dict[str, Any] = dict(zip(columns, cells, strict=False))
            row.update(repeated)
            yield line, row
        self._check_swallowed()
        if self._n_swallowed:
            self._note(
                f"{self._n_swallowed:,} quoted cells, the first in line {self._first_swallowed}, run over lines that look like "
                f"whole rows; {_QUOTE}"
            )

    def _remember(self, cells: list[str]) -> None:
        """Count the different cells of each column, as long as they are few."""
        for known, cell in zip(self._known, cells, strict=False):
            if len(known) <= _FEW:
                known[cell] = known.get(cell, 0) + 1

    def _check_swallowed(self) -> None:
        """Refuse quoted cells over several lines that are whole rows, as what else is in each occurs in other rows as well.

        Raises:
            InputError: there is such a cell; the message names the line where its quote opens.
        """
        usual = [place for place, known in enumerate(self._known) if 0 < 2 * len(known) <= sum(known.values())]
        for first, last, lines in self._swallowed:
            rows = [line.rstrip("\n").split(self._delimiter) for line in lines]
            if any(all(row[place].strip() and row[place] in self._known[place] for row in rows) for place in usual) or (
                len(rows) >= _MANY_ROWS
                and any(all(column) and 4 * len({*column}) <= len(rows) for column in zip(*rows, strict=True))
            ):
                raise self._quote_error(first, last)
            if len(lines) >= _MANY:
                self._n_swallowed, self._first_swallowed = self._n_swallowed + 1, self._first_swallowed or first
        self._swallowed.clear()

    def _quote_error(self, first: int, last: int) -> InputError:
        return InputError(
            f"{self._name}: line {first}: a quote begins a cell that ends in line {last} only, and each of these lines is "
            f"a whole row; {_QUOTE}"
        )

    def header_advice(self) -> str:
        """Return what to add to the message that a column was not found; reads on to see whether the header is one."""
        try:
            rows = list(islice(self._rows(), _LOOKED_AT))
        except InputError:
            rows = []
        repeats = any(
            name.strip() and name in cells[place : place + 1] for _, cells in rows for place, name in enumerate(self.columns)
        )
        if repeats or looks_like_data(self.columns):
            return "; there seems to be no header, the first line is data: put a line with the names of the columns above it"
        return "; if the first line is data, put a line with the names of the columns above it"

    def _first_line(self) -> str:
        """Return the next line that is not blank; "" at the end."""
        for line in self._lines:
            self._read += 1
            if line.strip():
                return line
        return ""

    def _feed(self, header: str) -> Iterator[str]:
        """Yield the lines, header first, and keep those of one row."""
        self._taken.append(header)
        yield header
        for line in self._lines:
            self._read += 1
            self._taken.append(line)
            yield line

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the cells of each row that is not blank, and the line where it begins."""
        while True:
            self._taken.clear()
            try:
                cells = next(self._cells, None)
            except csv.Error as error:
                raise self._damaged(error) from error
            if cells is None:
                return
            if cells:
                if len(self._taken) > 1 and self._delimiter == "\t":
                    self._check_quotes(cells)
                yield self._read - len(self._taken) + 1, cells

    def _holds_rows(self) -> bool:
        """Return whether each of the lines of one row has as many cells as a row."""
        return len(self.columns) > 1 and all(line.count(self._delimiter) == len(self.columns) - 1 for line in self._taken)

    def _check_quotes(self, cells: list[str]) -> None:
        """Refuse a quoted cell that runs over whole rows: in most TSV files, quotes are characters like others."""
        if not self._holds_rows():
            return
        if "\n" in cells[-1] and len(self._taken) < _MANY:  # a last cell of two lines, with tabs in it
            return
        raise self._quote_error(self._read - len(self._taken) + 1, self._read)

    def _damaged(self, error: csv.Error) -> InputError:
        first = self._read - len(self._taken) + 1
        if str(error) == "unexpected end of data":
            return InputError(f"{self._name}: line {first}: a quote begins a cell that never ends; {_QUOTE}")
        if any('\\"' in line for line in self._taken):
            return InputError(
                f'{self._name}: line {first}: quotes within a cell are written \\" here; double them instead, as CSV does'
            )
        if len(self._taken) > 1:
            return InputError(
                f"{self._name}: line {first}: a quote begins a cell that does not end properly ({error} in line {self._read}); "
                f"{_QUOTE}"
            )
        return InputError(
            f"{self._name}: line {self._read}: {error}; a cell that holds a quote must be quoted, and its quotes doubled"
        )


def _find_delimiter(header: str, usual: str, options: TableOptions) -> str:
    """Return the character that divides a header into most columns with a known name; if none does, the usual one if it occurs.

    A delimiter that the user states is taken if it occurs.
    """
    asked = (options.text_column, options.id_column, options.pair_column)
    known = {plain(name) for name in (*TEXT_COLUMNS, *ID_COLUMNS, *LABEL_COLUMNS, *asked) if name}
    stated = options.delimiter
    if stated and len(_split(header, stated)) > 1:
        return stated

    def rank(delimiter: str) -> tuple[int, bool, bool, int]:
        names = _split(header, delimiter)
        return len(known.intersection(map(plain, names))), len(names) > 1, delimiter == usual, len(names)

    return max(dict.fromkeys((usual, *_DELIMITERS)), key=rank)


def _split(header: str, delimiter: str) -> list[str]:
    return next(csv.reader([header], delimiter=delimiter), [])


def _spelled(delimiter: str) -> str:
    return _SPELLED.get(delimiter, f"'{delimiter}'")

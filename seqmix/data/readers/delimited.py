"""CSV, TSV and whatever else has one character between its cells: which that is, the header, and the rows."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, islice
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
from seqmix.data.readers.first_rows import find_blanks, is_drawn, looked_at
from seqmix.data.readers.opening import BrokenOffError
from seqmix.errors import InputError, advice, param

_DELIMITERS = (",", ";", "\t", "|")
_SPELLED = {"\t": "tabs", " ": "spaces"}
_KNOWN = frozenset((*TEXT_COLUMNS, *ID_COLUMNS, *LABEL_COLUMNS))
_KNOWN_TEXTS = frozenset(TEXT_COLUMNS)
_COMMENT = ("#", "%", "//")
_WIDEST = 60  # characters of the name of a column
_HEAD = 10  # rows among which a header is looked for
_EXCEL = re.compile(r'"?sep=(.)"?')  # a first line that tells Excel the delimiter
_FORMULA = re.compile(r'="([^"]*)"')
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
        header = self._behind_comments(header, options)
        self._delimiter = _find_delimiter(header, usual, options)
        if options.delimiter not in (None, self._delimiter) and len(_split(header, self._delimiter)) > 1:
            self._tell_delimiter(options)
        elif self._delimiter not in (usual, options.delimiter):
            self._note(f"the cells are separated by {_spelled(self._delimiter)}, not by {_spelled(usual)} (--delimiter)")
        first, self._lines = looked_at(self._lines)
        if is_drawn(header, first):
            raise InputError(
                f"{name}: line {self._read + 1}: a rule below the header: this is a table of Markdown or the like; write it as "
                "CSV, without rules and outer bars"
            )
        self._blanks = find_blanks(header, first, self._delimiter)
        if self._spaced_quotes(header):
            self._blanks = replace(self._blanks, before=True)
        if note := self._blanks.note():
            self._note(note)
        self._marked = "\ufeff" in header  # whether there are byte-order marks in the lines of the row that was read last
        self._cells = csv.reader(
            self._feed(header), delimiter=self._delimiter, strict=True, skipinitialspace=self._blanks.before
        )
        self.columns = next(self._rows(), (0, []))[1]
        self._known: list[dict[str, int]] = [{} for _ in self.columns]  # the different cells of each column, and how often
        self._swallowed: list[tuple[int, int, list[str]]] = []  # first and last line, and lines, of rows that may be several
        self._n_swallowed = self._first_swallowed = 0
        self._odd: dict[str, tuple[int, int]] = {}  # what is odd about rows, how many they are, and the line of the first
        self._header = [plain(name) for name in self.columns]
        self._names = _KNOWN.union(self._header)

    def _tell_delimiter(self, options: TableOptions) -> None:
        """Say that the cells are not separated by the character that the user states.

        Raises:
            InputError: it was stated for this table.
        """
        stated, found = options.delimiter or "", self._delimiter
        told = f"the cells are separated by {_spelled(found)}, not by {_spelled(stated)}"
        if options.must_have_delimiter:
            one = {"\t": "tab", " ": "space"}.get(found, found)
            raise InputError(
                f"{self._name}: {told} as {param('delimiter')} says" + advice(f"leave it out, or use {param('delimiter', one)}")
            )
        self._note(f"{told} (--delimiter)")

    def __iter__(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield line and cells of each row that is not blank.

        Raises:
            InputError: a row is damaged; the message names the line.
        """
        columns, repeated = self.columns, repeated_columns(self.columns)
        least = 1 + max((columns.index(name) for name in self.required), default=-1)
        number = 0
        for line, cells in self._rows():
            if self._is_no_record(line, cells):
                continue
            number += 1
            if len(cells) != len(columns):
                cells = self._fitted(line, cells, least)
            if '="' in self._taken[0]:
                cells = self._without_formulas(line, cells)
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
        for what, (count, first) in self._odd.items():
            place = f"line {first}" if count == 1 else f"the first in line {first}"
            self._note(f"{count:,} row{'s' * (count > 1)} ({place}) {what}")

    def _note_odd(self, what: str, line: int) -> None:
        count, first = self._odd.get(what, (0, line))
        self._odd[what] = count + 1, first

    def _is_no_record(self, line: int, cells: list[str]) -> bool:
        """Return whether a row is empty, or is the header once more, as in tables that were joined; it is noted.

        Raises:
            InputError: it is a header, but another one.
        """
        first, header = cells[0], self._header
        if len(header) > 1 and not any(map(str.strip, cells)):
            self._note_odd("left out: without any content", line)
            return True
        if len(first) > _WIDEST or len(cells) != len(header) or plain(first) not in self._names:
            return False
        names = [plain(cell[: _WIDEST + 1]) for cell in cells]
        if names == header and len(header) == 1:
            self._note_odd("read as a record, though it is the name of the column: if tables were joined, take it out", line)
            return False
        if names == header:
            self._note_odd("left out: the header once more", line)
            return True
        others = names[0] in _KNOWN and {*names} <= {*header, *_KNOWN} and {*names} & _KNOWN_TEXTS
        if len(header) > 1 and len({*names}) == len(names) and (others or {*names} == {*header}):
            raise InputError(
                f"{self._name}: line {line}: a second header, {shown_columns(cells)}, which is not that of the table, "
                f"{shown_columns(self.columns)}; give tables with different columns apart"
            )
        return False

    def _without_formulas(self, line: int, cells: list[str]) -> list[str]:
        """Return a row in which cells that programs write for Excel as `="007"` are texts."""
        found = [_FORMULA.fullmatch(cell) for cell in cells]
        if not any(found):
            return cells
        self._note_odd('with cells such as ="…", read without these signs', line)
        return [match[1] if match else cell for match, cell in zip(found, cells, strict=True)]

    def _fitted(self, line: int, cells: list[str], least: int) -> list[str]:
        """Return a row with as many cells as there are columns: empty ones may be missing at its end, or be too many.

        Raises:
            InputError: others are missing or too many.
        """
        wide = len(self.columns)
        if len(cells) > wide and not any(map(str.strip, cells[wide:])):
            self._note_odd("longer than the header by empty cells", line)
            return cells[:wide]
        if least <= len(cells) < wide:
            if any(self._header[len(cells) :]):
                self._note_odd("shorter than the header: what is missing is read as empty", line)
            return cells + [""] * (wide - len(cells))
        hint = ""
        if len(cells) == wide + 1 and cells[0].strip().isdecimal():
            hint = "; if it begins with the number of the row, as R writes it, put a name for that column into the header"
        elif any(cell.startswith(' "') for cell in cells):
            hint = f"; a quote must follow {_spelled(self._delimiter)} at once: take out the blank between them"
        elif len(cells) > wide:
            hint = f"; a cell that holds {_spelled(self._delimiter)} must be quoted"
        raise (InputError if self._taken[-1].endswith("\n") or len(cells) > wide else BrokenOffError)(
            f"{self._name}: line {line}: the row has {len(cells)} cell{'s' * (len(cells) != 1)}, not the "
            f"{wide} of the header: {shown_columns(self.columns)}{hint}"
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
        if title := next((line for line, cells in rows[:_HEAD] if len(_KNOWN.intersection(map(plain, cells))) > 1), 0):
            return f"; the header seems to be line {title}: take out what is above it"
        if len(self.columns) == 1 and len(_KNOWN.intersection(map(plain, _split(self.columns[0], self._delimiter)))) > 1:
            return "; each row is in quotes as a whole: take them out"
        if sign := self._other_sign():
            return f"; if cells are separated by '{sign}', use {param('delimiter', 'space' if sign == ' ' else sign)}"
        if repeats or looks_like_data(self.columns):
            return "; there seems to be no header, the first line is data: put a line with the names of the columns above it"
        return "; if the first line is data, put a line with the names of the columns above it"

    def _other_sign(self) -> str:
        """Return the sign between the names of a header that was read as one name; "" if there is none."""
        name = self.columns[0] if len(self.columns) == 1 else ""
        for sign in dict.fromkeys(re.findall(r"[^\w\"]", name)):
            names = [plain(part) for part in name.split(sign)]
            if sign not in self._delimiter and all(names) and len(_KNOWN.intersection(names)) > 1:
                return "" if sign in _DELIMITERS else sign
        return ""

    def _first_line(self) -> str:
        """Return the next line that is not blank; "" at the end."""
        for line in self._lines:
            self._read += 1
            if line.strip():
                return line
        return ""

    def _spaced_quotes(self, header: str) -> bool:
        """Return whether blanks stand before the quotes of cells, in the header or the first row: `text, "label"`."""
        first = next(self._lines, "")
        self._lines = chain((first,) if first else (), self._lines)
        sign = re.escape(self._delimiter)
        spaced = re.compile(rf'(?:^|{sign}) +"(?:[^"]|"")*" *(?={sign}|$)')
        return self._delimiter != " " and any(spaced.search(line.rstrip("\n")) for line in (header, first))

    def _behind_comments(self, header: str, options: TableOptions) -> str:
        """Return the header; lines of comment are skipped if a line with usual names follows."""
        skipped: list[str] = []
        while header.startswith(_COMMENT) and not _is_header(header, options):
            skipped.append(header)
            header = self._first_line()
        if not skipped:
            return header
        if _is_header(header, options):
            self._note(f"{len(skipped):,} line{'s' * (len(skipped) > 1)} of comment above the header left out")
            return header
        self._lines = chain(skipped[1:], (header,) if header else (), self._lines)
        self._read -= len(skipped)
        return skipped[0]

    def _feed(self, header: str) -> Iterator[str]:
        """Yield the lines, header first, and keep those of one row."""
        self._taken.append(header)
        yield header
        for line in self._lines:
            self._read += 1
            if "\ufeff" in line:  # files that were joined have one each, and so may cells
                self._marked = True
                line = line.removeprefix("\ufeff").replace(f'{self._delimiter}\ufeff"', f'{self._delimiter}"')
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
                if self._marked:
                    cells, self._marked = [cell.lstrip("\ufeff") for cell in cells], False
                if self._blanks.after:
                    cells = [cell.rstrip(" ") for cell in cells]
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
    known = _known_names(options)
    stated = options.delimiter
    if stated and (len(_split(header, stated)) > 1 or plain(header) in known):
        return stated

    def rank(delimiter: str) -> tuple[int, bool, bool, int]:
        names = _split(header, delimiter)
        return len(known.intersection(map(plain, names))), len(names) > 1, delimiter == usual, len(names)

    return max(dict.fromkeys((usual, *_DELIMITERS)), key=rank)


def _known_names(options: TableOptions) -> frozenset[str]:
    return _KNOWN | {plain(name) for name in (options.text_column, options.id_column, options.pair_column) if name}


def _is_header(line: str, options: TableOptions) -> bool:
    """Return whether a line has several cells, one of them with a known name, at any delimiter."""
    cuts = (_split(line, delimiter) for delimiter in dict.fromkeys((options.delimiter or ",", *_DELIMITERS)))
    return any(len(names) > 1 and _known_names(options).intersection(map(plain, names)) for names in cuts)


def _split(header: str, delimiter: str) -> list[str]:
    return next(csv.reader([header], delimiter=delimiter, skipinitialspace=delimiter != " "), [])


def _spelled(delimiter: str) -> str:
    return _SPELLED.get(delimiter, f"'{delimiter}'")

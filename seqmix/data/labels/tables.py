"""Tables beside the records, which say the label, the group or the split of each by its id."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from io import BufferedReader
from itertools import chain, islice
from pathlib import Path
from typing import Any

from seqmix.data.labels.ids import Difference, find_difference
from seqmix.data.options import SEQUENCE_FORMATS, TABLE_FORMATS, ReadOptions
from seqmix.data.readers.columns import (
    ID_COLUMNS,
    LABEL_COLUMNS,
    named_column,
    no_advice,
    notes_on_doubled,
    plain,
    shown_columns,
    usual_columns,
)
from seqmix.data.readers.delimited import Delimited
from seqmix.data.readers.encodings import in_utf8, noting_unlikely
from seqmix.data.readers.entry import TableOptions, once
from seqmix.data.readers.formats import detect_format
from seqmix.data.readers.json_rows import json_rows
from seqmix.data.readers.opening import open_stream, reading
from seqmix.data.splits.marks import SplitMarks
from seqmix.errors import InputError, advice, param, shown, suggestion
from seqmix.objectives.multilabel import split_labels
from seqmix.system.unchanged import unchanging

Cell = Callable[[Any, str], str | None]

_MOST_COLUMNS = 5  # of a table; an object with more keys may be one of ids
_REMEMBERED = 10_000  # ids of records without a row
_COUNTED = 100_000  # records that are counted, rows that are looked at, to explain an error
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")  # a path of Windows


class LabelTable:
    """The values of a CSV, TSV or JSONL file with a header, by id.

    Args:
        location: FILE, or FILE:COLUMN.
        parameter: the parameter that names it, for messages.
        options: encoding and delimiter.
        cell: makes a text, or None, of a cell and the place of it.

    Attributes:
        notes: what a user should know of how the table is read.
        has_named_ids: whether the table has the column of ids that is named in the options.

    Raises:
        InputError: the table cannot be read, it is not clear which column is which, or an id has several values.
    """

    def __init__(self, location: str, parameter: str, options: ReadOptions, cell: Cell) -> None:
        path, self._wanted = _located(location, parameter)
        self.notes: list[str] = []
        self.has_named_ids = False
        self._path, self._name, self._what, self._parameter = path, str(path), parameter.removesuffix("_from"), parameter
        self._options = options
        self._numbers: dict[str, int] = {}  # of the rows, by id
        self._values: list[str | None] = []
        self._lines = array("q")
        self._used = bytearray()  # whether a record has the id of the row
        self._asked = self._met = self._made = 0  # records so far, those with a row, and those without an id of their own
        self._strange: dict[str, None] = {}  # some ids of those without
        self._usual = LABEL_COLUMNS if self._what == "label" else (self._what,)
        self._guessed_id, self._header_id = False, ""
        with reading(self._name), path.open("rb") as raw, unchanging(raw, self._name):
            self._read(open_stream(raw, self._name), options, cell)

    def __contains__(self, identifier: str) -> bool:
        return identifier.strip() in self._numbers

    def find(self, identifier: str, *, made: bool = False) -> str | None:
        """Return the value of an id; None if it has none.

        Args:
            identifier: the id.
            made: whether the reader made it, for a record that has none.

        Raises:
            InputError: the id is in the first line: this is not a header.
        """
        identifier = identifier.strip()
        self._asked += 1
        if identifier == self._header_id and identifier not in self._numbers:
            raise InputError(
                f"{self._name}: the table has no header: its first line is that of record '{identifier}'; put a line above it, "
                f"such as id,{self._what}"
            )
        number = self._numbers.get(identifier)
        if number is None:
            self._made += made
            if len(self._strange) < _REMEMBERED:
                self._strange[identifier] = None
            return None
        self._met += 1
        self._used[number] = True
        return self._values[number]

    def missing(self, identifier: str, others: Iterable[tuple[str, bool]]) -> str:
        """Return why an id has no value, and what can be done, as the end of a message.

        Args:
            identifier: the id, which was looked for.
            others: ids of records that were not looked for yet, and whether the reader made them; they are counted.
        """
        number = self._numbers.get(identifier.strip())
        for other, made in islice(_as_far_as_read(others), _COUNTED):
            self.find(other, made=made)
        skip = advice(f"leave such records out with {param('skip_unlabelled', True)}") if self._what == "label" else ""
        if number is not None:
            return f"it is empty in line {self._lines[number]} of {self._name}" + (skip if self._most_match() else "")
        if not self._met:
            return self._none_matches()
        lacking = f"{self._asked - self._met:,} of {self._asked:,} records have no row in {self._name}"
        if difference := self._difference():
            return lacking + self._told(difference)
        return lacking + (skip if self._most_match() else self._compared(identifier))

    def findings(self) -> list[str]:
        """Return notes on records without a row and rows without a record, once all records were looked for.

        Raises:
            InputError: few records have a row, and it can be seen that the ids are written in another way.
        """
        if not self._asked:
            return []
        if not self._met:
            raise InputError(f"{param(self._parameter)}: {self._none_matches()}")
        notes = []
        lacking = self._asked - self._met
        counted = f"{lacking:,} of {self._asked:,} records have no row in {self._name}"
        if self._strange and (difference := self._difference()):
            told = counted + self._told(difference)
            if lacking * len(difference.found) > self._met * len(self._strange):
                raise InputError(f"{param(self._parameter)}: {told}")
            notes.append(told)
        elif self._strange and not self._most_match():
            notes.append(counted + self._compared(next(iter(self._strange))))
        if unused := self._used.count(0):
            notes.append(
                f"{self._name}: {unused:,} of its {len(self._used):,} ids are of no record, such as "
                f"{shown(next(self._unused()))}"
            )
        return notes

    def _most_match(self) -> bool:
        """Return whether most records have a row, or most rows a record."""
        return 2 * self._met > self._asked or 2 * self._used.count(1) > len(self._used)

    def _unused(self) -> Iterator[str]:
        return (identifier for identifier, number in self._numbers.items() if not self._used[number])

    def _difference(self) -> Difference | None:
        return find_difference(list(self._strange), self._unused())

    def _none_matches(self) -> str:
        """Return why no record has a row, and what to do."""
        column = f"column '{self._header_id}'" if self._header_id else "the column without a name"
        one = next(iter(self._strange))
        if not self._numbers:
            return f"{self._name} has no rows"
        which = f"none of the {self._asked:,} records has its id" if self._asked > 1 else f"{shown(one)} is not"
        what = f"{which} in {column} of {self._name}"
        if self._made == self._asked:
            given = f"their table has no ids, so they are called {one} and so on"
            return f"{what}: {given}; name its column of ids with {param('id_column')}"
        if (other := self._other_column()) is not None:
            return f"{what}; the ids are in column '{other}': {param('id_column', other)}"
        difference = self._difference()
        return f"{what}{self._told(difference) if difference else self._compared(one)}"

    def _told(self, difference: Difference) -> str:
        ours, theirs = next(iter(difference.found.items()))
        count, of = len(difference.found), len(self._strange)
        counted = f": {count:,} of {of:,} ids differ" if of > 1 else ", which differs"
        return (
            f", where {shown(ours)} is written {shown(theirs)}{counted} only in {difference.what}; write the ids of "
            f"{self._name} as they are in the data"
        )

    def _compared(self, identifier: str) -> str:
        """Return an id of each side, for ids that do not differ in a way that is known."""
        row = next(self._unused(), None)
        if row is None:
            return f", such as {shown(identifier)}; complete the table"
        return (
            f"; a record is {shown(identifier)}, a row {shown(row)}: write them as they are in the data, or name another table"
        )

    def _other_column(self) -> str | None:
        """Return another column of the table that has ids of the records; None if none has most of them."""
        found: dict[str, set[str]] = {}
        with self._path.open("rb") as raw:
            _, rows, _ = self._open(open_stream(raw, self._name), self._options)
            for _, row in islice(rows, _COUNTED):
                for name, value in row.items():
                    if isinstance(value, str | int) and (text := str(value).strip()) in self._strange:
                        found.setdefault(name, set()).add(text)
        best = max(found, key=lambda name: len(found[name]), default=None)
        return best if best is not None and 2 * len(found[best]) > len(self._strange) else None

    def _read(self, stream: BufferedReader, options: ReadOptions, cell: Cell) -> None:
        columns, rows, header_advice = self._open(stream, options)
        id_column = self._id_column(columns)
        self._header_id = id_column.strip()
        value_column = self._value_column(columns, id_column, header_advice)
        for note in notes_on_doubled(columns, (id_column, value_column) if self._wanted else ()):
            self._note(note)
        separator = options.label_separator if self._what == "label" else None
        ways = advice(
            "correct the table",
            *([f"if ids have several labels, use {param('label_separator', ',')}"] if self._what == "label" else []),
        )
        joined = 0
        marks = SplitMarks()
        others = marks.columns(columns, (id_column, value_column)) if self._what == "label" and not options.split_from else []
        known: dict[str, str] = {}  # equal values are held once
        for line, row in rows:
            where = f"{self._name}: line {line}"
            for name in others:
                marks.add(f"table:{self._name}:{name}", name, row.get(name))
            identifier = "" if row.get(id_column) is None else str(row[id_column]).strip()
            value = cell(row.get(value_column), where)
            if not identifier and value is None:
                continue
            if not identifier:
                raise InputError(f"{where}: there is no id in column '{id_column}'")
            value = None if value is None else known.setdefault(value, value)
            number = self._numbers.setdefault(identifier, len(self._values))
            if number == len(self._values):
                self._values.append(value)
                self._lines.append(line)
                self._used.append(False)
            elif self._values[number] != value and separator:
                joined += 1
                self._values[number] = _put_together(self._values[number], value, separator)
            elif self._values[number] != value:
                raise InputError(
                    f"{where}: '{identifier}' has the {self._what} {value!r} here and {self._values[number]!r} in line "
                    f"{self._lines[number]}" + ways
                )
        if joined:
            self._note(f"{joined:,} rows have the id of an earlier row: their labels were put together")
        self.notes += marks.notes()

    def _open(
        self, stream: BufferedReader, options: ReadOptions
    ) -> tuple[list[str], Iterator[tuple[int, dict[str, Any]]], Callable[[], str]]:
        """Return the columns of the table, its rows, and what to add to the message that a column was not found."""
        note = once(self._note)
        stream, encoding = in_utf8(stream, self._name, options.encoding, note)
        head = stream.peek(65536)
        kind = detect_format(head, self._name, encoding, tables="none")
        found = kind
        if kind not in TABLE_FORMATS:
            kind = "tsv" if b"\t" in head.split(b"\n", 1)[0] else "csv"
        watched = noting_unlikely(stream, encoding, note)
        reading_options = TableOptions(encoding=encoding, delimiter=options.delimiter, note=self._note)
        if kind != "jsonl":
            table = Delimited(watched, self._name, "\t" if kind == "tsv" else ",", reading_options)
            return table.columns, iter(table), lambda: _looks_like(found, table.columns) or table.header_advice()
        rows = ((line, row) for line, row, _ in json_rows(watched, self._name, reading_options))
        first = next(rows, None)
        if first is None:
            return [], iter(()), no_advice
        second = next(rows, None)
        one = second is None and len(first[1]) > _MOST_COLUMNS
        advice = "; if it is one object of ids and labels, write an object with id and label for each on a line of its own"
        read = [first] if second is None else [first, second]
        return list(first[1]), chain(read, rows), (lambda: advice) if one else no_advice

    def _note(self, text: str) -> None:
        self.notes.append(f"{self._name}: {text}")

    def _id_column(self, columns: Sequence[str]) -> str:
        """Return the column of the ids: the one that is named, one with a usual name, or the first without values."""
        asked = self._options.id_column
        if asked is not None and any(plain(name) == plain(asked) for name in columns):
            self.has_named_ids = True
            return named_column(columns, asked, self._name, param("id_column"))
        if found := usual_columns(columns, ID_COLUMNS, self._name):
            return found[0]
        self._guessed_id = True
        other = next((name for name in columns if plain(name) not in self._usual), None)
        if other is None and columns:
            raise InputError(
                f"{self._name}: no column holds the ids of the records; the columns are: {shown_columns(columns)}; add one "
                f"named {ID_COLUMNS[0]}"
            )
        return other or ""

    def _value_column(self, columns: Sequence[str], id_column: str, advice: Callable[[], str]) -> str:
        """Return the column that was named, the one with a usual name, or the only one beside usual ids.

        Raises:
            InputError: it is not clear which column it is.
        """
        if self._wanted:
            return named_column(columns, self._wanted, self._name, param(self._parameter), advice)
        found = [name for name in usual_columns(columns, self._usual, self._name) if name != id_column]
        others = [name for name in columns if name != id_column]
        if not found and len(others) == 1 and not self._guessed_id:
            found = others
        if len(found) == 1:
            if plain(found[0]) != self._what or self._guessed_id:
                self._note(f"each {self._what} is read from column '{found[0]}', by the id in column '{id_column}'")
            return found[0]
        which = (
            f"{' and '.join(map(repr, found))} may both be meant" if found else f"no column is named {' or '.join(self._usual)}"
        )
        example = param(self._parameter, f"table:{self._name}:{(found or others or ['NAME'])[0]}")
        raise InputError(
            f"{self._name}: {which}{'' if found else advice()}; the columns are: {shown_columns(columns)}; name one, for "
            f"example {example}"
        )


def _put_together(first: str | None, second: str | None, separator: str) -> str | None:
    """Return the labels of two rows as one text."""
    texts = [text for text in (first, second) if text is not None]
    names = dict.fromkeys(name for text in texts for name in split_labels(text, separator))
    return separator.join(names) or None


def _looks_like(kind: str, columns: Sequence[str]) -> str:
    """Return what a file seems to be instead of a table with columns, as an addition to a message; "" if it may be one."""
    if kind in SEQUENCE_FORMATS:
        return f"; it seems to be {kind.upper()}, not a table of ids and labels"
    if len(columns) == 1 and columns[0].startswith("#"):
        return "; the first line is a comment: take it out"
    if len(columns) == 1 and len(columns[0].split()) > 1:
        return f"; cells are separated by commas or tabs, or with {param('delimiter', 'space')} by single spaces"
    return ""


def _as_far_as_read(identifiers: Iterable[tuple[str, bool]]) -> Iterator[tuple[str, bool]]:
    """Yield ids until an error in their file, which matters less than what is to be said."""
    with suppress(InputError):
        yield from identifiers


def _located(location: str, parameter: str) -> tuple[Path, str]:
    """Return the file and the column of FILE or FILE:COLUMN, where both may have colons; "" if no column is named.

    Raises:
        InputError: there is no such file.
    """
    parts = location.split(":")
    for number in range(len(parts), 0, -1):
        path = Path(":".join(parts[:number])).expanduser()
        if path.is_file():
            return path, ":".join(parts[number:])
    drive = location[:2] if _DRIVE.match(location) else ""
    name = drive + location[len(drive) :].partition(":")[0]
    path = Path(name).expanduser()
    if location.lower().startswith(("http:", "https:", "ftp:", "s3:")):
        raise InputError(f"{param(parameter)}: '{location}' is an address; download the file, and name the copy")
    if path.is_dir():
        raise InputError(f"{param(parameter)}: '{name}' is a folder; name the table in it")
    beside = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
    raise InputError(f"{param(parameter)}: there is no file '{name}'{suggestion(path.name, beside)}")

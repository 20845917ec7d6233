"""Tables beside the records, which say the label, the group or the split of each by its id."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from io import BufferedReader
from itertools import chain
from pathlib import Path
from typing import Any

from seqmix.data.options import TABLE_FORMATS, ReadOptions
from seqmix.data.readers.columns import (
    ID_COLUMNS,
    LABEL_COLUMNS,
    named_column,
    no_advice,
    plain,
    shown_columns,
    usual_columns,
)
from seqmix.data.readers.delimited import Delimited
from seqmix.data.readers.encodings import in_utf8
from seqmix.data.readers.entry import TableOptions
from seqmix.data.readers.formats import detect_format
from seqmix.data.readers.opening import open_stream, reading
from seqmix.data.readers.tables import json_rows
from seqmix.data.splits.marks import SplitMarks
from seqmix.errors import InputError, param

Cell = Callable[[Any, str], str | None]


class LabelTable:
    """The values of a CSV, TSV or JSONL file with a header, by id.

    Args:
        location: FILE, or FILE:COLUMN.
        parameter: the parameter that names it, for messages.
        options: encoding and delimiter.
        cell: makes a text, or None, of a cell and the place of it.

    Attributes:
        notes: what a user should know of how the table is read.

    Raises:
        InputError: the table cannot be read, it is not clear which column is which, or an id has several values.
    """

    def __init__(self, location: str, parameter: str, options: ReadOptions, cell: Cell) -> None:
        path = Path(location)
        self._wanted = ""
        if not path.exists():
            name, _, self._wanted = location.rpartition(":") if ":" in location else (location, "", "")
            path = Path(name)
        if not path.is_file():
            raise InputError(f"{param(parameter)}: there is no file '{path}'")
        self.notes: list[str] = []
        self._name, self._what, self._parameter = str(path), parameter.removesuffix("_from"), parameter
        self._numbers: dict[str, int] = {}  # of the rows, by id
        self._values: list[str | None] = []
        self._lines = array("q")
        self._usual = LABEL_COLUMNS if self._what == "label" else (self._what,)
        self._guessed_id, self._header_id = False, ""
        with reading(self._name), path.open("rb") as raw:
            self._read(open_stream(raw, self._name), options, cell)

    def __contains__(self, identifier: str) -> bool:
        return identifier.strip() in self._numbers

    def find(self, identifier: str) -> str | None:
        """Return the value of an id; None if it has none.

        Raises:
            InputError: the id is in the first line: this is not a header.
        """
        identifier = identifier.strip()
        if identifier == self._header_id and identifier not in self._numbers:
            raise InputError(
                f"{self._name}: the table has no header: its first line is that of record '{identifier}'; put a line above it, "
                f"such as id,{self._what}"
            )
        number = self._numbers.get(identifier)
        return None if number is None else self._values[number]

    def _read(self, stream: BufferedReader, options: ReadOptions, cell: Cell) -> None:
        columns, rows, advice = self._open(stream, options)
        id_column = self._id_column(columns)
        self._header_id = id_column.strip()
        value_column = self._value_column(columns, id_column, advice)
        several = f", or put several labels into one cell and use {param('label_separator')}" if self._what == "label" else ""
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
            elif self._values[number] != value:
                raise InputError(
                    f"{where}: '{identifier}' has the {self._what} {value!r} here and {self._values[number]!r} in line "
                    f"{self._lines[number]}; correct the table" + several
                )
        self.notes += marks.notes()

    def _open(
        self, stream: BufferedReader, options: ReadOptions
    ) -> tuple[list[str], Iterator[tuple[int, dict[str, Any]]], Callable[[], str]]:
        """Return the columns of the table, its rows, and what to add to the message that a column was not found."""
        stream, encoding = in_utf8(stream, self._name, options.encoding)
        head = stream.peek(65536)
        kind = detect_format(head, self._name, encoding)
        if kind not in TABLE_FORMATS:
            kind = "tsv" if b"\t" in head.split(b"\n", 1)[0] else "csv"
        reading_options = TableOptions(encoding=encoding, delimiter=options.delimiter, note=self._note)
        if kind != "jsonl":
            table = Delimited(stream, self._name, "\t" if kind == "tsv" else ",", reading_options)
            return table.columns, iter(table), table.header_advice
        rows = json_rows(stream, self._name, reading_options)
        first = next(rows, None)
        if first is None:
            return [], iter(()), no_advice
        return list(first[1]), chain((first,), rows), no_advice

    def _note(self, text: str) -> None:
        self.notes.append(f"{self._name}: {text}")

    def _id_column(self, columns: Sequence[str]) -> str:
        """Return the column of the ids: the one with a usual name, or the first that does not seem to hold the values."""
        if found := usual_columns(columns, ID_COLUMNS, self._name):
            return found[0]
        self._guessed_id = True
        return next((name for name in columns if plain(name) not in self._usual), "")

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

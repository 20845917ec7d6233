"""Parsers of tables, CSV, TSV and JSONL: an entry a row, with all of its columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from seqmix.data.readers.columns import ID_COLUMNS, TEXT_COLUMNS, find_column, no_advice, notes_on_doubled, usual_columns
from seqmix.data.readers.delimited import Delimited
from seqmix.data.readers.entry import Entry, TableOptions, with_line_feeds
from seqmix.data.readers.json_rows import json_rows
from seqmix.errors import InputError, advice, param, shown


def parse_table(stream: BinaryIO, name: str, delimiter: str, options: TableOptions) -> Iterator[Entry]:
    """Yield the rows of a CSV or TSV file with a header.

    Args:
        stream: the file.
        name: its name, for messages.
        delimiter: the character between cells by the ending of the file, unless its header shows another.
        options: how the table is read.

    Raises:
        InputError: a column is missing, or a row is damaged; the message names file and line.
    """
    table = Delimited(stream, name, delimiter, options)
    columns = table.columns
    text_column = _text_column(columns, options, name, table.header_advice)
    id_column = find_column(columns, options.id_column, ID_COLUMNS, name, "id", required=False)
    pair_column = find_column(columns, options.pair_column, (), name, "pair", required=False)
    table.required = [column for column in (text_column, id_column, pair_column) if column]
    for number, (line, row) in enumerate(table, 1):
        identifier = row[id_column] if id_column and row[id_column].strip() else ""
        text, pair = with_line_feeds(row[text_column]), with_line_feeds(row[pair_column]) if pair_column else None
        yield Entry(identifier or f"row-{number}", text, line, "", row, pair, not identifier)


def parse_jsonl(stream: BinaryIO, name: str, options: TableOptions) -> Iterator[Entry]:
    """Yield the objects of a JSON file, one on each line or all in one document.

    Raises:
        InputError: a column is missing, or there is no such object; the message names file and line.
    """
    text_column = id_column = pair_column = ""
    for number, (line, row, usual_name) in enumerate(json_rows(stream, name, options)):
        where = f"{name}: line {line}" if line else f"{name}: {usual_name}"
        if not number:
            columns = list(row)
            text_column = _text_column(columns, options, name)
            id_column = find_column(columns, options.id_column, ID_COLUMNS, name, "id", required=False)
            pair_column = find_column(columns, options.pair_column, (), name, "pair", required=False)
        error = ""
        text: str | NDArray[Any] = ""
        pair: str | NDArray[Any] | None = "" if pair_column else None
        try:
            text = _json_text(row, text_column, where, options.note)
            pair = _json_text(row, pair_column, where, options.note) if pair_column else None
        except InputError as reason:
            error = reason.text
        identifier = row.get(id_column) if id_column else None
        made = identifier in (None, "")
        yield Entry(usual_name if made else str(identifier), text, line, "", row, pair, made, error)


def _text_column(columns: list[str], options: TableOptions, name: str, more: Callable[[], str] = no_advice) -> str:
    """Return the column of the text, and note which it is where others have a usual name, too."""

    def beside() -> str:
        if options.text_column is not None or not usual_columns(columns, ID_COLUMNS, name):
            return more()
        return more() + advice(
            f"if it has the labels of other files' records, give it as {param('label_from', f'table:{name}')}"
        )

    found = find_column(columns, options.text_column, TEXT_COLUMNS, name, "text", advice=beside)
    others = [column for column in usual_columns(columns, TEXT_COLUMNS, name) if column not in (found, options.pair_column)]
    if others and options.text_column is None:
        options.note(f"the text is read from column '{found}', not '{others[0]}' (--text-column)")
    asked = (options.text_column, options.id_column, options.pair_column)
    for note in notes_on_doubled(columns, asked):
        options.note(note)
    return found


def _json_text(row: Mapping[str, Any], column: str, where: str, note: Callable[[str], object]) -> str | NDArray[Any]:
    """Return a text, or a sequence of numbers: `[0.1, 0.2]`, or with several at each position `[[0.1, 0], [0.2, 1]]`."""
    if column not in row:
        raise InputError(f"{where}: there is no '{column}', which the first line has")
    text = row[column]
    if isinstance(text, str):
        return with_line_feeds(text)
    if isinstance(text, list):
        if not text:
            return np.empty((0, 1), dtype=np.float32)
        try:
            given = np.array(text)
        except ValueError:
            given = np.empty((0, 0, 0))
        rows = text if given.ndim == 2 else [text]
        if (
            given.dtype.kind in "iuf"
            and given.ndim in (1, 2)
            and given.size
            and not any(bool in map(type, row) for row in rows)
        ):
            with np.errstate(over="ignore"):  # becomes infinite, which is refused later
                vectors = given.astype(np.float32)
            if not vectors.all() and (given[vectors == 0] != 0).any():
                note("nonzero numbers that are too small for 32 bits became 0; if they matter, choose a smaller unit")
            return vectors.reshape(len(text), -1)
        if all(isinstance(item, str) for item in text) and any(map(str.isalpha, text)):
            joined = shown(" ".join(map(str, text)))
            raise InputError(
                f"{where}: '{column}' is a list of texts, {shown(text)}; join them into one text, such as {joined}"
            )
        raise InputError(f"{where}: '{column}' must be numbers, or rows of equally many numbers, got {json.dumps(text)[:40]}")
    if text is None:
        raise InputError(f"{where}: '{column}' must be a string, or an array of numbers, but is null; remove this line")
    raise InputError(f"{where}: '{column}' must be a string, or an array of numbers, got {json.dumps(text)[:30]}")

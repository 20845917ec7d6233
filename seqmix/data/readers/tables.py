"""Parsers of tables, CSV, TSV and JSONL: an entry a row, with all of its columns."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from seqmix.data.readers.entry import Entry, TableOptions, decoded_lines
from seqmix.errors import InputError, param

TEXT_COLUMNS = ("text", "sequence", "seq", "document", "content", "review", "values")
ID_COLUMNS = ("id", "name", "accession")


def parse_table(stream: BinaryIO, name: str, delimiter: str, options: TableOptions) -> Iterator[Entry]:
    """Yield the rows of a CSV or TSV file with a header.

    Raises:
        InputError: a column is missing, or a row is damaged; the message names file and line.
    """
    csv.field_size_limit(sys.maxsize)
    rows = csv.DictReader(decoded_lines(stream, name, options.encoding, newline=""), delimiter=delimiter, strict=True)
    try:
        columns = list(rows.fieldnames or [])
        text_column = find_column(columns, options.text_column, TEXT_COLUMNS, name, "text")
        id_column = find_column(columns, options.id_column, ID_COLUMNS, name, "id", required=False)
        pair_column = find_column(columns, options.pair_column, (), name, "pair", required=False)
        for number, row in enumerate(rows, 1):
            if row.get(text_column) is None or None in row or (pair_column and row.get(pair_column) is None):
                raise InputError(f"{name}: line {rows.line_num}: the row does not have the {len(columns)} cells of the header")
            identifier = row[id_column] if id_column else ""
            pair = row[pair_column] if pair_column else None
            yield Entry(identifier or f"row-{number}", row[text_column], rows.line_num, "", row, pair)
    except csv.Error as error:
        raise InputError(
            f"{name}: line {rows.line_num + 1}: {error}; a cell that holds a quote must be quoted, and its quotes doubled"
        ) from error


def parse_jsonl(stream: BinaryIO, name: str, options: TableOptions) -> Iterator[Entry]:
    """Yield the objects of a JSONL file, one on each line; blank lines are skipped.

    Raises:
        InputError: a column is missing, or a line is not such an object; the message names file and line.
    """
    text_column: str | None = None
    id_column: str | None = None
    pair_column = options.pair_column
    for number, line in enumerate(decoded_lines(stream, name, options.encoding), 1):
        if not line.strip():
            continue
        where = f"{name}: line {number}"
        row = _json_object(line, where)
        if text_column is None:
            text_column = find_column(list(row), options.text_column, TEXT_COLUMNS, name, "text")
            id_column = find_column(list(row), options.id_column, ID_COLUMNS, name, "id", required=False)
            find_column(list(row), pair_column, (), name, "pair", required=False)
        text = _json_text(row, text_column, where)
        pair = _json_text(row, pair_column, where) if pair_column else None
        identifier = row.get(id_column) if id_column else None
        yield Entry(f"row-{number}" if identifier in (None, "") else str(identifier), text, number, "", row, pair)


def _json_text(row: Mapping[str, Any], column: str, where: str) -> str | NDArray[Any]:
    """Return a text, or a sequence of numbers: `[0.1, 0.2]`, or with several at each position `[[0.1, 0], [0.2, 1]]`."""
    if column not in row:
        raise InputError(f"{where}: there is no '{column}', which the first line has")
    text = row[column]
    if isinstance(text, str):
        return text
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
                return given.astype(np.float32).reshape(len(text), -1)
        raise InputError(f"{where}: '{column}' must be numbers, or rows of equally many numbers, got {json.dumps(text)[:40]}")
    raise InputError(f"{where}: '{column}' must be a string, or an array of numbers, got {json.dumps(text)[:30]}")


def _json_object(line: str, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise InputError(f"{where}: no valid JSON, one object {{…}} on each line: {error}") from error
    if not isinstance(row, dict):
        raise InputError(f"{where}: a JSON object {{…}} was expected, one on each line, got {line.strip()[:30]}")
    if "\\u" in line:
        try:
            json.dumps(row, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise InputError(
                f"{where}: {error.object[error.start]!r} is half of a surrogate pair, no character; "
                "the text was cut within a character: remove that half"
            ) from error
    return row


def find_column(
    columns: list[str], chosen: str | None, usual: tuple[str, ...], name: str, what: str, required: bool = True
) -> str:
    """Return the column that holds `what`: the chosen one, or the first with a usual name; "" if there need be none."""
    if chosen is not None:
        if chosen in columns:
            return chosen
        raise InputError(
            f"{name}: there is no column '{chosen}' for {param(f'{what}_column')}; the columns are: {', '.join(columns)}"
        )
    by_name = {column.strip().lower(): column for column in columns}
    found = next((by_name[name] for name in usual if name in by_name), "")
    if required and not found:
        raise InputError(
            f"{name}: no column is named {' or '.join(usual)}; name the {what} column with {param(f'{what}_column')}; "
            f"the columns are: {', '.join(columns)}"
        )
    return found

"""Parsers of tables, CSV, TSV and JSONL: an entry a row, with all of its columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from seqmix.data.readers.columns import ID_COLUMNS, TEXT_COLUMNS, find_column, no_advice, usual_columns
from seqmix.data.readers.delimited import Delimited
from seqmix.data.readers.entry import Entry, TableOptions, decoded_lines, with_line_feeds
from seqmix.errors import InputError


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
        identifier = row[id_column] if id_column else ""
        text, pair = with_line_feeds(row[text_column]), with_line_feeds(row[pair_column]) if pair_column else None
        yield Entry(identifier or f"row-{number}", text, line, "", row, pair, not identifier)


def parse_jsonl(stream: BinaryIO, name: str, options: TableOptions) -> Iterator[Entry]:
    """Yield the objects of a JSONL file, one on each line; blank lines are skipped.

    Raises:
        InputError: a column is missing, or a line is not such an object; the message names file and line.
    """
    text_column = id_column = pair_column = ""
    for number, (line, row) in enumerate(json_rows(stream, name, options)):
        where = f"{name}: line {line}"
        if not number:
            columns = list(row)
            text_column = _text_column(columns, options, name)
            id_column = find_column(columns, options.id_column, ID_COLUMNS, name, "id", required=False)
            pair_column = find_column(columns, options.pair_column, (), name, "pair", required=False)
        text = _json_text(row, text_column, where)
        pair = _json_text(row, pair_column, where) if pair_column else None
        identifier = row.get(id_column) if id_column else None
        made = identifier in (None, "")
        yield Entry(f"row-{line}" if made else str(identifier), text, line, "", row, pair, made)


def json_rows(stream: BinaryIO, name: str, options: TableOptions) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the number of each line of a JSONL file that is not blank, and its object.

    Raises:
        InputError: a line is not an object; the message names file and line.
    """
    for number, line in enumerate(decoded_lines(stream, name, options.encoding), 1):
        if line.strip():
            yield number, _json_object(line, f"{name}: line {number}")


def _text_column(columns: list[str], options: TableOptions, name: str, advice: Callable[[], str] = no_advice) -> str:
    """Return the column of the text, and note which it is where others have a usual name, too."""
    found = find_column(columns, options.text_column, TEXT_COLUMNS, name, "text", advice=advice)
    others = [column for column in usual_columns(columns, TEXT_COLUMNS, name) if column not in (found, options.pair_column)]
    if others and options.text_column is None:
        options.note(f"the text is read from column '{found}', not '{others[0]}' (--text-column)")
    return found


def _json_text(row: Mapping[str, Any], column: str, where: str) -> str | NDArray[Any]:
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
                return given.astype(np.float32).reshape(len(text), -1)
        raise InputError(f"{where}: '{column}' must be numbers, or rows of equally many numbers, got {json.dumps(text)[:40]}")
    raise InputError(f"{where}: '{column}' must be a string, or an array of numbers, got {json.dumps(text)[:30]}")


def _json_object(line: str, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line, object_pairs_hook=_unique)
    except _RepeatedKeyError as error:
        raise InputError(f"{where}: an object has '{error}' twice, with different values; take one of them out") from error
    except RecursionError as error:
        raise InputError(f"{where}: JSON nested too deeply; one object {{…}} of texts and numbers is expected") from error
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


class _RepeatedKeyError(Exception):
    """The name that an object has twice."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        for name, value in pairs:
            if row[name] != value:
                raise _RepeatedKeyError(name)
    return row
